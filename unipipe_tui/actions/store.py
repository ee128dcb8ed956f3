"""The local store: whether it is sound, a copy of it, and questions to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.request import OBJECT, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.serving import Value
from unipipe_tui.domain.values import frozen


@frozen
class CheckStore:
    """Nothing to say."""


@frozen
class Notice:
    """Something that the store has to say of itself."""

    at: datetime
    text: str


@frozen
class StoreChecked:
    """A store that could be read from end to end."""

    schema: str
    rows: int
    notices: tuple[Notice, ...]


def check_store(request: CheckStore, world: World) -> StoreChecked:
    """Read every row of the store; exit code 1 when it is damaged."""
    schema, rows = world.store.check()
    return StoreChecked(schema, rows, tuple(Notice(at, text) for at, text in world.history.notices()))


@frozen
class BackUpStore:
    """Where to."""

    to: Annotated[Path, OBJECT, "File to write; must not exist yet."]


@frozen
class BackedUp:
    """A copy of the store."""

    to: str
    bytes: int


def plan_backup(request: BackUpStore, world: World) -> Plan[Path]:
    """Copy the store into a file, while nobody writes."""
    if request.to.exists():
        raise UsageError(f"{request.to} exists already.", hint="Name a file that does not exist yet.")
    return Plan(f"Back up the store to {request.to}", (plans.write(str(request.to)),), f"rm {request.to}", request.to)


def back_up_store(plan: Plan[Path], world: World, progress: Progress) -> Done[BackedUp]:
    """Copy the store."""
    size = world.store.backup(plan.decided)
    return Done(BackedUp(str(plan.decided), size), detail=f"{size} bytes")


@frozen
class Query:
    """What to ask."""

    sql: Annotated[str, OBJECT, "One SQL query in DuckDB's dialect, for example `SHOW TABLES`."]
    limit: Annotated[int, "How many rows at the most.", Short("n")] = 1000


@frozen
class QueryResult:
    """Rows of plain values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def query_store(request: Query, world: World) -> QueryResult:
    """Ask the store with SQL; the query can neither write nor reach any other file."""
    columns, rows = world.store.query(request.sql, request.limit)
    return QueryResult(columns, rows)


CHECK = Look("store check", CheckStore, check_store, "unipipe store check")
BACK_UP = Change(
    "store backup", BackUpStore, plan_backup, back_up_store, "unipipe store backup store-copy.duckdb", Danger.NONE
)
SQL = Look("sql", Query, query_store, "unipipe sql 'SELECT action, state, message FROM jobs'")
