"""An acknowledged alert stays open; it asks again only about a column that it did not name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.made import NOON
from unipipe_tui.domain.records import Alert, AlertKind
from unipipe_tui.store.database import Database
from unipipe_tui.store.history import History
from unipipe_tui.store.migrations import shipped_migrations

LATER = NOON + timedelta(hours=1)


def drift(name: str, *columns: str) -> Alert:
    return Alert(name, AlertKind.DRIFT, "local", f"drift in {', '.join(columns)}", NOON, "j1", columns=columns)


@pytest.fixture
def history(database: Database) -> History:
    """One open alert, which ada acknowledged."""
    history = History(database)
    history.open_alert(drift("a1", "amount", "region"))
    assert history.alerts()[0].asks
    history.acknowledge_alert("a1", LATER, "ada", "known, it's fine")
    return history


def test_who_took_note_when_and_why_comes_back_and_the_alert_is_still_open(history: History) -> None:
    (alert,) = history.alerts()
    assert (alert.acknowledged, alert.acknowledged_by, alert.reason) == (LATER, "ada", "known, it's fine")
    assert (alert.closed, alert.asks, alert.columns) == (None, False, ("amount", "region"))


def test_newer_findings_about_the_same_or_fewer_columns_leave_it_acknowledged(history: History) -> None:
    history.open_alert(drift("a2", "region"))
    (alert,) = history.alerts()
    assert (alert.id, alert.message, alert.asks) == ("a1", "drift in region", False)


def test_a_column_that_it_did_not_name_lets_it_ask_again(history: History) -> None:
    history.open_alert(drift("a2", "amount", "hour"))
    (alert,) = history.alerts()
    assert (alert.id, alert.asks, alert.acknowledged_by, alert.reason) == ("a1", True, "", "")


def test_other_numbers_in_an_alert_about_performance_do_not_let_it_ask_again(database: Database) -> None:
    history = History(database)
    history.open_alert(Alert("p", AlertKind.PERFORMANCE, "local", "precision 0.75", NOON, "j1"))
    history.acknowledge_alert("p", LATER, "ada", "")
    history.open_alert(Alert("p2", AlertKind.PERFORMANCE, "local", "precision 0.74", LATER, "j2"))
    assert [(alert.message, alert.asks) for alert in history.alerts()] == [("precision 0.74", False)]


def test_an_acknowledgement_can_be_taken_back(history: History) -> None:
    history.ask_again("a1")
    assert history.alerts()[0].asks


def test_one_that_was_closed_does_not_ask_and_the_next_one_of_its_kind_does(history: History) -> None:
    history.close_alerts(AlertKind.DRIFT, "local", LATER)
    history.open_alert(drift("a2", "amount"))
    assert [(alert.id, alert.asks) for alert in history.alerts(only_open=False)] == [("a2", True), ("a1", False)]


def test_alerts_of_a_store_from_before_are_acknowledged_by_nobody(tmp_path: Path) -> None:
    with Database(tmp_path, shipped_migrations()[:2]).writing() as connection:
        connection.execute("INSERT INTO alerts VALUES ('a', 'drift', 'local', 'drift in amount', now(), 'j', NULL)")
    (alert,) = History(Database(tmp_path)).alerts()
    assert (alert.asks, alert.columns, alert.acknowledged_by, alert.reason) == (True, (), "", "")
