"""What goes into a row comes in, whatever bytes a name holds: text, lists and JSON without half characters."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.made import NOON
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck, GateCheck, GateResult, Undo, UndoKind
from unipipe_tui.domain.records import ReversibleChange as Change
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.store.database import Database
from unipipe_tui.store.history import History
from unipipe_tui.store.rows import json_text, storable

HALF = "r\xe9gion \udce9=\ud800"
HARMLESS = r"région \udce9=\ud800"

ANY_TEXT = st.text(st.characters(categories=["L", "N", "P", "Z", "Cc", "Cs", "So"]), max_size=12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def table() -> duckdb.DuckDBPyConnection:
    """A table that holds JSON and lists of text."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE kept (document JSON, names VARCHAR[])")
    return connection


@given(document=PLAIN, names=st.lists(ANY_TEXT, max_size=4))
def test_any_document_and_any_names_can_be_stored_and_read_again(
    table: duckdb.DuckDBPyConnection, document: object, names: list[str]
) -> None:
    table.execute("DELETE FROM kept")
    table.execute("INSERT INTO kept VALUES (?, ?)", [json_text(document), storable(names)])
    [(text, kept)] = table.execute("SELECT document, names FROM kept").fetchall()
    assert json.loads(text) == storable(document)
    assert kept == [unicode_text(name) for name in names]


def test_findings_about_names_that_are_no_text_are_kept(database: Database) -> None:
    history = History(database)
    result = GateResult("recall", False, 0.5, ">= 0.8", HALF)
    history.add_gate_check(GateCheck("fraud", 1, None, "md5", 9, (result,), NOON, "j", (HALF,)))
    history.add_drift_check(
        DriftCheck("local", "fraud", 1, 9, True, (HALF,), json.dumps({"columns": [{"column": HALF}]}), NOON, "j")
    )
    history.add_change(Change("j", "unipipe …", Undo(UndoKind.ALIAS, HALF), NOON))

    [gates], [drift], [change] = history.gate_checks("fraud"), history.drift_checks(), history.changes()
    assert (gates.results[0].slice, gates.gates) == (HARMLESS, (HARMLESS,))
    assert drift.columns == (HARMLESS,)
    assert json.loads(drift.report) == {"columns": [{"column": HARMLESS}]}
    assert change.undo.subject == HARMLESS


def test_an_acknowledged_alert_about_such_a_name_does_not_ask_again(database: Database) -> None:
    history = History(database)
    alert = Alert("a", AlertKind.DRIFT, "local", "drift", NOON, "j", None, (HALF,))
    history.open_alert(alert)
    history.acknowledge_alert("a", NOON, "ada", "known")
    history.open_alert(alert)
    [known] = history.alerts()
    assert known.columns == (HARMLESS,)
    assert known.acknowledged == NOON
