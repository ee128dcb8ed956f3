"""Decisions and findings come back as they were recorded, the newest first."""

from __future__ import annotations

from datetime import timedelta

from tests.store.made import NOON
from unipipe_tui.domain.records import (
    Alert,
    AlertKind,
    DriftCheck,
    GateCheck,
    GateResult,
    How,
    Promotion,
    Release,
    ReversibleChange,
    Undo,
    UndoKind,
)
from unipipe_tui.store.database import Database
from unipipe_tui.store.history import History

LATER = NOON + timedelta(minutes=1)


def test_gate_checks_come_back_whole_and_by_version(database: Database) -> None:
    history = History(database)
    results = (
        GateResult("precision", True, 0.97, ">= 0.95"),
        GateResult("recall", False, None, ">= 0.8", "region=north", 0.9),
    )
    first = GateCheck("fraud", 1, None, "md5", 500, results, NOON, "job 1")
    second = GateCheck("fraud", 2, 1, "md5", 500, results[:1], LATER, "job 2")
    for check in (first, second):
        history.add_gate_check(check)
    assert history.gate_checks("fraud") == (second, first)
    assert history.gate_checks("fraud", 1) == (first,)
    assert history.gate_checks("other") == ()


def test_promotions_of_the_same_moment_keep_the_order_in_which_they_were_made(database: Database) -> None:
    history = History(database)
    moves = [Promotion("fraud", "champion", n, n - 1 or None, How.PROMOTE, "ada", "", NOON, f"j{n}") for n in (1, 2, 3)]
    moves.append(Promotion("fraud", "challenger", None, 3, How.UNDO, "ada", "no \udcff", LATER, "j4"))
    for move in moves:
        history.add_promotion(move)
    assert history.promotions("fraud", "champion") == tuple(reversed(moves[:3]))
    assert history.promotions("fraud")[0].reason == "no \\udcff"
    assert history.promotions("fraud")[0].version is None


def test_releases_are_told_by_target(database: Database) -> None:
    history = History(database)
    here = Release("local", "fraud", 1, "sha", None, None, "run", "ada", NOON, "j1")
    there = Release("shop", "fraud", 2, "sha", "abc", "md5", "run", "ada", LATER, "j2")
    history.add_release(here)
    history.add_release(there)
    assert history.releases() == (there, here)
    assert history.releases("local") == (here,)
    assert history.releases(limit=1) == (there,)


def test_drift_checks_come_back_with_their_columns_and_report(database: Database) -> None:
    check = DriftCheck("local", "fraud", 1, 2000, True, ("amount", "it's"), '{"columns": []}', NOON, "j")
    History(database).add_drift_check(check)
    assert History(database).drift_checks("local") == (check,)
    assert History(database).drift_checks("elsewhere") == ()


def test_an_alert_that_is_open_already_gets_the_newer_message_and_not_a_twin(database: Database) -> None:
    history = History(database)
    history.open_alert(Alert("a1", AlertKind.DRIFT, "local", "one column drifted", NOON, "j1"))
    history.open_alert(Alert("a2", AlertKind.DRIFT, "local", "two columns drifted", LATER, "j2"))
    history.open_alert(Alert("a3", AlertKind.PERFORMANCE, "local", "precision fell", LATER, "j2"))
    assert [(alert.id, alert.message) for alert in history.alerts()] == [
        ("a3", "precision fell"),
        ("a1", "two columns drifted"),
    ]


def test_a_closed_alert_is_history_and_the_next_one_of_its_kind_is_new(database: Database) -> None:
    history = History(database)
    history.open_alert(Alert("a1", AlertKind.DRIFT, "local", "drift", NOON, "j1"))
    assert history.close_alerts(AlertKind.DRIFT, "local", LATER) == 1
    assert history.close_alerts(AlertKind.DRIFT, "local", LATER) == 0
    assert history.alerts() == ()
    history.open_alert(Alert("a2", AlertKind.DRIFT, "local", "again", LATER, "j2"))
    assert [alert.id for alert in history.alerts()] == ["a2"]
    assert [alert.closed for alert in history.alerts(only_open=False)] == [None, LATER]


def test_a_change_that_was_taken_back_says_by_which_job(database: Database) -> None:
    history = History(database)
    undo = Undo(UndoKind.ALIAS, "fraud", "champion", before=1, after=2, reason="better")
    history.add_change(ReversibleChange("j1", "unipipe models promote fraud 2", undo, NOON))
    history.add_change(ReversibleChange("j2", "unipipe serve stop", Undo(UndoKind.SERVER_STOPPED, "local"), LATER))
    history.mark_undone("j1", "j3")
    assert history.changes() == (
        ReversibleChange("j2", "unipipe serve stop", Undo(UndoKind.SERVER_STOPPED, "local"), LATER),
        ReversibleChange("j1", "unipipe models promote fraud 2", undo, NOON, "j3"),
    )


def test_what_was_written_on_runs_comes_back_as_it_was(database: Database) -> None:
    history = History(database)
    tag = Undo(UndoKind.RUN_TAG, "a1", key="stage", text_before=None, text_after="two\nlines 'quoted'")
    gone = Undo(UndoKind.RUNS_DELETED, "a1", runs=("a1", "b2"))
    for number, undo in enumerate((tag, gone), start=1):
        history.add_change(ReversibleChange(f"j{number}", "unipipe runs …", undo, NOON + timedelta(number)))
    assert [change.undo for change in history.changes()] == [gone, tag]
