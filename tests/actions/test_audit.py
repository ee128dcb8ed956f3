"""The audit is filtered by words, who, what and since when; how many fit and how many there are is told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON
from unipipe_tui.actions.audit import ListAudit, VerifyAudit, list_audit, verify_audit
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.moments import moment_of
from unipipe_tui.wiring import build_world

DONE = (
    ("ada", "models promote", "unipipe models promote fraud 2", "Promote fraud champion"),
    ("bob", "models reject", "unipipe models reject fraud 3", "too slow in Spain"),
    ("ada", "modelsome", "unipipe modelsome", ""),
    ("ada", "drift check", "unipipe drift check", "no drift"),
)


@pytest.fixture
def world(project: Path) -> World:
    """Four entries, an hour apart, the last one an hour ago."""
    world = replace(build_world(project), now=lambda: NOON)
    for number, (actor, action, command, detail) in enumerate(DONE):
        at = NOON - timedelta(hours=len(DONE) - number)
        world.audit.append(
            at=at, actor=actor, action=action, command=command, job=f"job-{number}", outcome="done", detail=detail
        )
    return world


@pytest.mark.parametrize(
    ("request_", "numbers"),
    [
        (ListAudit(), (1, 2, 3, 4)),
        (ListAudit(where="SPAIN reject"), (2,)),
        (ListAudit(where="job-3"), (4,)),
        (ListAudit(where="pipe"), ()),
        (ListAudit(actor="ada"), (1, 3, 4)),
        (ListAudit(action="models"), (1, 2)),
        (ListAudit(action="models promote"), (1,)),
        (ListAudit(since="2h"), (3, 4)),
        (ListAudit(since="2026-03-09T11:00"), (4,)),
        (ListAudit(actor="ada", since="150m", where="check"), (4,)),
        (ListAudit(where="nothing of the kind"), ()),
    ],
)
def test_only_entries_that_fit_everything_are_listed(
    world: World, request_: ListAudit, numbers: tuple[int, ...]
) -> None:
    found = list_audit(request_, world)

    assert tuple(entry.number for entry in found.entries) == numbers
    assert (found.fitting, found.total) == (len(numbers), 4)


def test_a_limit_takes_the_newest_and_hides_no_number(world: World) -> None:
    found = list_audit(ListAudit(limit=1, actor="ada"), world)

    assert [entry.number for entry in found.entries] == [4]
    assert (found.fitting, found.total) == (3, 4)
    assert list_audit(ListAudit(limit=0, actor="ada"), world).entries == ()


@pytest.mark.parametrize("text", ["yesterday", "7", "99999999w", "-3d", "2026-13-01"])
def test_what_is_no_moment_is_refused_with_an_example(world: World, text: str) -> None:
    with pytest.raises(UsageError, match="is no moment"):
        list_audit(ListAudit(since=text), world)


def test_a_moment_may_name_its_zone() -> None:
    assert moment_of("2026-03-09T12:00+02:00", NOON).astimezone(UTC) == datetime(2026, 3, 9, 10, tzinfo=UTC)


def test_the_verdict_names_the_first_entry_that_does_not_fit(world: World) -> None:
    assert verify_audit(VerifyAudit(), world).broken_from is None
    import duckdb

    with duckdb.connect(world.root / ".unipipe" / "unipipe.duckdb") as store:
        store.execute("UPDATE audit SET actor = 'eve' WHERE number = 3")
    assert verify_audit(VerifyAudit(), world).broken_from == 3
    with duckdb.connect(world.root / ".unipipe" / "unipipe.duckdb") as store:
        store.execute("UPDATE audit SET actor = 'ada' WHERE number = 3")
        store.execute("DELETE FROM audit WHERE number = 4")
    assert verify_audit(VerifyAudit(), world).broken_from == 4
