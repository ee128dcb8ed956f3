"""Let MLflow's client open a database without changing it: a file as a migrated copy, a server's only when it fits.

When the client opens a database that lacks a table which a newer MLflow has, it migrates it there and then.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from mlflow.store.db import utils
from mlflow.utils.uri import is_databricks_uri
from sqlalchemy import Engine, create_engine, inspect, text

from unipipe_tui.adapters.mlflow.client.answers import asked_in_peace
from unipipe_tui.adapters.mlflow.places import place_of, sqlite_uri
from unipipe_tui.domain.errors import Failed, ToolMissing

LOCK_SECONDS = 5.0
DATABASES = ("postgresql", "mysql", "mssql")
_UPGRADE = "Upgrade it with `mlflow db upgrade URI`, or install the MLflow that made it."


def database_path(uri: str) -> Path | None:
    """The database file that a URI names; None for any other store."""
    return place_of(uri, Path.cwd(), "").path if uri.startswith("sqlite") else None


@contextmanager
def copy_for_the_client(uri: str) -> Iterator[str]:
    """The URI itself, or for a database file that of a copy of it, migrated where it is older, that lasts as long.

    Raises:
        ToolMissing: another program holds the file, or it is of a newer MLflow.
        Failed: it is no database.
    """
    path = database_path(uri)
    if path is None:
        yield uri
        return
    with tempfile.TemporaryDirectory(prefix="unipipe-") as folder:
        copy = Path(folder) / "mlflow.db"
        _copied(path, copy)
        with asked_in_peace(uri):
            _migrate(create_engine(sqlite_uri(copy)), path)
        yield sqlite_uri(copy)


def verify_version(uri: str) -> None:
    """Refuse a database on a server that the client would migrate. Raises ToolMissing."""
    if is_databricks_uri(uri) or not uri.startswith(DATABASES):
        return
    engine = create_engine(uri)
    try:
        if _version(engine) != utils._get_latest_schema_revision():
            raise ToolMissing("The database is of another version of MLflow than the one installed here.", _UPGRADE)
    finally:
        engine.dispose()


def _copied(path: Path, copy: Path) -> None:
    try:
        given = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=LOCK_SECONDS)
        with closing(given), closing(sqlite3.connect(copy)) as taken:
            # A backup waits for a lock without end: so the right to read is taken first, which gives up in time.
            given.execute("BEGIN")
            given.execute("SELECT count(*) FROM sqlite_master").fetchone()
            given.backup(taken)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise ToolMissing(f"Another program holds {path}.", "Try again when it has finished.") from error
        raise Failed(f"{path} cannot be read: {error}.", "Is it a whole database of MLflow?") from error


def _migrate(engine: Engine, path: Path) -> None:
    try:
        version = _version(engine)
        if version is None:
            raise Failed(f"{path} is no database of MLflow.", "Correct the tracking URI in unipipe.yaml.")
        if version != utils._get_latest_schema_revision():
            utils._upgrade_db(engine)
    finally:
        engine.dispose()


def _version(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
