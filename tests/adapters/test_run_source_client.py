"""Runs that only MLflow's client can read come whole and complete, from a real server, and no secret is ever told."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base as InitialBase
from sqlalchemy import create_engine

from tests.adapters.conftest_mlflow import Stored
from tests.adapters.conftest_server import Little, answering, guarded
from tests.adapters.held_runs import HeldRuns, Whole, held_of
from tests.adapters.said_by_mlflow import said_by_mlflow
from tests.conftest import free_port
from tests.fakes import Listening
from tests.little_server import serving
from unipipe_tui.actions.runs.sync import SYNC
from unipipe_tui.adapters.mlflow.client.changes import COMPLETE_EVERY_MS, FEW_RUNS, ClientRuns
from unipipe_tui.adapters.mlflow.client.histories import distant_outline
from unipipe_tui.domain.errors import Failed, Stopped, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.runs.rows import DELETED, RunRow

pytest_plugins = ("tests.adapters.conftest_mlflow", "tests.adapters.conftest_server")
pytestmark = [
    pytest.mark.xdist_group("mlflow-server"),
    pytest.mark.usefixtures("one_store_at_a_time", "no_credentials"),
]

TOKEN = "s3cr3t-token"
HOUR = 3_600


def a_run(run_id: str) -> Whole:
    return Whole(RunRow(run_id, "", "0", "FINISHED"))


def expect_same(held: HeldRuns, server: str) -> None:
    """The runs that are held are those that MLflow tells."""
    assert held.runs == said_by_mlflow(MlflowClient(server, server))


def logged(uri: str, name: str, start: int | None = None, experiment: str = "0") -> str:
    """A running run with a param, a metric and a tag."""
    client = MlflowClient(uri, uri)
    run_id = str(client.create_run(experiment, start_time=start, run_name=name).info.run_id)
    now = int(time.time() * 1_000)
    client.log_batch(run_id, [Metric("auc", 0.5, now, 0)], [Param("depth", "6")], [RunTag("author", "ada")])
    return run_id


def everything(held: HeldRuns, source: ClientRuns, error: UnipipeError | None = None) -> str:
    """All that could be shown, logged or kept."""
    told = f"{error.message} {error.hint} {error!r} {error.__cause__!r}" if error else ""
    return f"{told} {source.place} {source.remark} {source.stamp()} {held.cursor} {held.experiments}"


def test_a_server_holds_the_runs_that_mlflows_own_search_tells(server: str, backend: Stored) -> None:
    held = held_of(ClientRuns(server, server))
    expect_same(held, server)
    assert held.runs[backend.deleted].run.lifecycle == DELETED
    assert dict(held.experiments.values()) == {"Default": "active", "payments": "active", "gone": "deleted"}
    assert [one.context for one in held.datasets(backend.finished)] == ["training"]
    assert math.isnan(held.metrics(backend.finished)["broken"])


def test_the_history_of_a_metric_on_a_server_is_outlined_whole(server: str) -> None:
    client = MlflowClient(server, server)
    run_id = client.create_run("0").info.run_id
    client.log_batch(run_id, metrics=[Metric("loss", 1 / (step + 1), 1_000 + step, step) for step in range(500)])
    outline = distant_outline(server, run_id, "loss", 50)
    assert (outline.count, len(outline.cells)) == (500, 50)
    assert (outline.cells[0].high, outline.cells[-1].end) == (1.0, 1 / 500)
    assert distant_outline(server, run_id, "never", 50).cells == ()


def test_runs_that_began_at_the_same_moment_are_each_read_once_however_small_the_pages(server: str) -> None:
    for number in range(8):
        logged(server, f"twin {number}", start=1_600_000_000_000)
    held = held_of(ClientRuns(server, server, page=3))
    assert len(held.read) == len(set(held.read))
    expect_same(held, server)


def test_a_first_pass_that_was_stopped_goes_on_where_it_ended(server: str) -> None:
    held = HeldRuns()
    with pytest.raises(Stopped):
        held.follow(ClientRuns(server, server, page=2, few=0), Listening(patience=3))
    first = held.read
    assert 0 < len(first) < len(said_by_mlflow(MlflowClient(server, server)))
    held.follow(ClientRuns(server, server, page=2, few=0))
    assert not set(held.read) & set(first)
    expect_same(held, server)
    assert json.loads(held.cursor or "")["completed"] > 0


def test_what_is_gone_is_found_by_the_next_pass_when_this_one_was_stopped_in_between(server: str) -> None:
    stale = {name: a_run(name) for name in (f"stale {number}" for number in range(100))}
    held = HeldRuns(dict(stale))
    with pytest.raises(Stopped):
        held.follow(ClientRuns(server, server, page=2, few=0), Listening(patience=3))
    held.follow(ClientRuns(server, server, few=0))
    assert held.ids() > stale.keys()
    held.follow(ClientRuns(server, server, few=0))
    expect_same(held, server)


def test_a_quick_pass_reads_what_began_ended_went_on_or_was_deleted(server: str) -> None:
    client = MlflowClient(server, server)
    old = logged(server, "old", start=1_500_000_000_000)
    client.set_terminated(old, "FINISHED", 1_500_000_001_000)
    goes_on = logged(server, "goes on", start=1_500_000_000_000)
    ends = logged(server, "ends long ago", start=1_500_000_000_000)
    held = held_of(ClientRuns(server, server, few=0))
    new = logged(server, "new")
    client.log_metric(goes_on, "auc", 0.75, step=2)
    client.set_terminated(ends, "FAILED", 1_500_000_002_000)
    client.delete_run(old)
    held.follow(ClientRuns(server, server, few=0))
    assert {new, goes_on, ends, old} <= set(held.read)
    assert len(held.read) == len(set(held.read))
    expect_same(held, server)


def test_what_was_done_to_an_old_run_is_read_when_it_is_named_or_at_the_latest_after_an_hour(server: str) -> None:
    client = MlflowClient(server, server)
    named, other = (logged(server, name, start=1_400_000_000_000) for name in ("named", "other"))
    for run_id in (named, other):
        client.set_terminated(run_id, "FINISHED", 1_400_000_001_000)
    held = held_of(ClientRuns(server, server, few=0))
    for run_id in (named, other):
        client.set_tag(run_id, "late", "yes")
    held.follow(ClientRuns(server, server, few=0, also=(named,)))
    assert "late" in held.tags(named)
    assert "late" not in held.tags(other)
    held.follow(ClientRuns(server, server, few=0, clock=lambda: time.time() + HOUR + 1))
    assert "late" in held.tags(other)


def test_the_help_says_what_a_synchronisation_with_a_large_server_misses_and_until_when() -> None:
    said = " ".join(SYNC.help.split())
    assert f"more than {FEW_RUNS:,} runs" in said
    assert COMPLETE_EVERY_MS == 3_600_000 and "once an hour, or at once with --again" in said


def test_few_runs_are_read_in_full_every_time_so_that_nothing_is_missed(server: str) -> None:
    held = held_of(ClientRuns(server, server))
    old = logged(server, "tagged later", start=1_300_000_000_000)
    MlflowClient(server, server).set_terminated(old, "FINISHED", 1_300_000_001_000)
    held.follow(ClientRuns(server, server))
    held.follow(ClientRuns(server, server))
    MlflowClient(server, server).set_tag(old, "late", "yes")
    held.follow(ClientRuns(server, server))
    assert "late" in held.tags(old)
    expect_same(held, server)


def test_a_run_that_was_removed_for_good_is_gone(server: str, backend: Stored) -> None:
    before_long, unfinished = logged(server, "removed", start=1_200_000_000_000), logged(server, "also removed")
    held = held_of(ClientRuns(server, server))
    with closing(sqlite3.connect(backend.path)) as database, database:
        for table in ("params", "metrics", "latest_metrics", "tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid IN (?, ?)", (before_long, unfinished))
    # A quick pass finds out about those that were not at their end.
    held.follow(ClientRuns(server, server, few=0))
    assert unfinished not in held.runs
    held.follow(ClientRuns(server, server))
    assert before_long not in held.runs
    expect_same(held, server)


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", "{}", '{"format": 0}', '{"format": 1, "unfinished": 3}'])
def test_a_cursor_that_is_not_understood_counts_as_none(server: str, cursor: str) -> None:
    held = HeldRuns({"stale": a_run("stale")}, cursor)
    held.follow(ClientRuns(server, server, few=0))
    expect_same(held, server)


def test_a_token_is_taken_from_the_environment_and_told_to_nobody_but_the_server(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(guarded(server, f"Bearer {TOKEN}")) as uri:
        source = ClientRuns(uri, uri)
        with pytest.raises(ToolMissing, match="does not let us in") as refused:
            held_of(source)
        assert "MLFLOW_TRACKING_TOKEN" in refused.value.hint
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wr0ng-token")
        with pytest.raises(ToolMissing) as refused:
            held_of(source)
        assert "wr0ng-token" not in everything(HeldRuns(), source, refused.value)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
        held = held_of(source)
        expect_same(held, server)
        assert TOKEN not in everything(held, source)


def test_a_password_in_the_uri_is_used_and_never_shown(server: str) -> None:
    basic = "Basic " + base64.b64encode(b"ada:p%ss w0rd").decode()
    with serving(guarded(server, basic)) as uri:
        given = uri.replace("://", "://ada:p%25ss%20w0rd@")
        source = ClientRuns(given, given)
        held = held_of(source)
        assert len(held.runs) == len(said_by_mlflow(MlflowClient(server, server)))
        assert source.place == uri.replace("://", "://…@")
        wrong = given.replace("w0rd", "0ther")
        with pytest.raises(ToolMissing) as refused:
            held_of(ClientRuns(wrong, wrong))
        for secret in ("p%25ss", "p%ss", "w0rd", "0ther", "ada:"):
            assert secret not in everything(held, source, refused.value)


def test_errors_that_quote_the_whole_uri_are_shown_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    echo = f"API request to http://ada:p4ssword@host/ with {TOKEN} is wrong"
    body = json.dumps({"error_code": "INVALID_PARAMETER_VALUE", "message": echo}).encode()
    with serving(answering(400, "application/json", body)) as uri:
        given = uri.replace("://", "://ada:p4ssword@")
        with pytest.raises(Failed) as refused:
            held_of(ClientRuns(given, given))
    assert "API request to http://…@host/ with … is wrong" in refused.value.message
    assert refused.value.__suppress_context__


def test_a_database_server_that_cannot_be_asked_is_told_without_its_password() -> None:
    uri = f"postgresql://ada:p4ssword@127.0.0.1:{free_port()}/mlflow?sslpassword=0ther"
    source = ClientRuns(uri, uri)
    with pytest.raises(ToolMissing) as refused:
        held_of(source)
    assert refused.value.hint
    for secret in ("p4ssword", "0ther"):
        assert secret not in everything(HeldRuns(), source, refused.value)


def test_a_server_that_is_away_is_told_at_once() -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    with pytest.raises(ToolMissing, match="does not answer") as refused:
        held_of(ClientRuns(uri, uri))
    assert "MLFLOW_TRACKING_URI" in refused.value.hint
    assert time.monotonic() - begun < 5


def test_a_server_that_is_too_slow_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with serving(answering(200, "application/json", b"{}", after=4)) as uri:
        begun = time.monotonic()
        with pytest.raises(ToolMissing, match="gave no answer in time") as refused:
            held_of(ClientRuns(uri, uri))
        assert time.monotonic() - begun < 3.5
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" in refused.value.hint
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "1"
    assert "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR" not in os.environ


PAGE_TO_LOG_IN = b"<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("status", "kind", "body", "error", "said"),
    [
        (200, "text/html", PAGE_TO_LOG_IN, Failed, "is not what an MLflow server says"),
        (404, "text/html", PAGE_TO_LOG_IN, Failed, "is not what an MLflow server says"),
        (200, "application/json", b'{"experiments": 7}', Failed, "is not what an MLflow server says"),
        (401, "text/plain", b"You are not authenticated.", ToolMissing, "does not let us in"),
        (403, "text/html", PAGE_TO_LOG_IN, ToolMissing, "does not let us in"),
        (
            403,
            "application/json",
            b'{"error_code": "PERMISSION_DENIED", "message": "no"}',
            ToolMissing,
            "not let us in",
        ),
        (401, "application/json", b'{"error_code": "X", "message": "nope"}', ToolMissing, "does not let us in"),
        (403, "application/json", b'{"detail": "Not authenticated"}', ToolMissing, "does not let us in"),
        (500, "text/html", b"<h1>Oops</h1>", ToolMissing, "answers with error 500"),
        (503, "text/plain", b"", ToolMissing, "answers with error 503"),
    ],
)
def test_a_server_that_answers_otherwise_than_mlflow_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: str, body: bytes, error: type[UnipipeError], said: str
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    with serving(answering(status, kind, body)) as uri, pytest.raises(error, match=said) as refused:
        held_of(ClientRuns(uri, uri))
    assert refused.value.hint
    assert "<" not in refused.value.message


def test_a_server_that_sends_on_to_a_host_that_is_away_is_told_with_both_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    away = f"127.0.0.1:{free_port()}"

    class SendingOn(Little):
        def reply(self, given: bytes) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://{away}/login")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(SendingOn) as uri, pytest.raises(ToolMissing) as refused:
        held_of(ClientRuns(uri, uri))
    assert refused.value.message == f"The MLflow server at 127.0.0.1 sends us on to {away}, which does not answer."
    assert "page to log in" in refused.value.hint


def test_a_database_whose_driver_is_not_installed_is_told_with_the_package_that_brings_it() -> None:
    uri = f"mysql://ada:p4ssword@127.0.0.1:{free_port()}/mlflow"
    with pytest.raises(ToolMissing, match="MySQLdb") as refused:
        held_of(ClientRuns(uri, uri))
    assert "pip install mysqlclient" in refused.value.hint
    assert "psycopg" not in refused.value.hint


def test_a_server_that_says_nothing_is_told_to_whoever_waits_with_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    listening = Listening()
    with serving(answering(200, "application/json", b"{}", after=4)) as uri, pytest.raises(ToolMissing):
        HeldRuns().follow(ClientRuns(uri, uri), listening)
    [said] = listening.told
    assert said == (
        f"The MLflow server at {uri.removeprefix('http://')} takes its time."
        " It is asked once, and waited for 1 s each time."
    )


def test_nothing_is_said_of_waiting_for_a_server_that_answers(server: str) -> None:
    listening = Listening()
    HeldRuns().follow(ClientRuns(server, server), listening)
    assert listening.told == []


def test_a_server_that_suddenly_names_no_experiments_empties_nothing() -> None:
    held = HeldRuns({"a": a_run("a")})
    with serving(answering(200, "application/json", b"{}")) as uri, pytest.raises(Failed, match="names no experiment"):
        held.follow(ClientRuns(uri, uri))
    assert held.ids() == {"a"}


@pytest.mark.parametrize("uri", ["http://127.0.0.1:99999", "http://ada:p[ss@127.0.0.1", "https://", "http://host:x"])
def test_a_uri_that_names_no_server_is_refused(uri: str) -> None:
    source = ClientRuns(uri, uri)
    with pytest.raises(UsageError, match="names no server"):
        held_of(source)
    assert "p[ss" not in source.place


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ada:p4ss@host:5432/runs", "postgresql://…@host:5432/runs"),
        ("postgresql://ada:p/4#s:s@host/runs?sslpassword=s3cret", "postgresql://…@host/runs?sslpassword=…"),
        ("mysql+pymysql://ada:p%2F4ss@host/runs", "mysql+pymysql://…@host/runs"),
        ("http://s3cret@host", "http://…@host"),
        ("https://host/with/path", "https://host/with/path"),
    ],
)
def test_a_place_is_shown_without_its_secrets(uri: str, shown: str) -> None:
    assert ClientRuns(uri, uri).place == shown


def test_a_database_file_is_read_from_a_copy_and_keeps_every_byte(database: Stored) -> None:
    before = hashlib.sha256(database.path.read_bytes()).hexdigest()
    beside = set(database.path.parent.iterdir())
    source = ClientRuns(database.uri, database.uri, "its schema is not known here")
    held = held_of(source)
    assert hashlib.sha256(database.path.read_bytes()).hexdigest() == before
    assert set(database.path.parent.iterdir()) == beside
    expect_same(held, database.uri)
    stamp = source.stamp()
    assert stamp == source.stamp() != ""
    logged(database.uri, "another")
    assert source.stamp() != stamp


def test_a_database_of_an_older_mlflow_is_read_from_a_copy_that_is_upgraded(tmp_path: Path) -> None:
    path, run_id = tmp_path / "mlflow.db", "a" * 32
    uri = f"sqlite:///{path}"
    _database_of_an_older_mlflow(uri, migrations_less=40)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
            "VALUES (0, 'Default', 'x', 'active')"
        )
        connection.execute(
            "INSERT INTO runs (run_uuid, name, experiment_id, status, start_time, lifecycle_stage, artifact_uri, user_id) "
            f"VALUES ('{run_id}', 'old one', 0, 'FINISHED', 5, 'active', 'a', 'ada')"
        )
        connection.execute(f"INSERT INTO params (key, value, run_uuid) VALUES ('depth', '6', '{run_id}')")
    before = path.read_bytes()
    held = held_of(ClientRuns(uri, uri, "it is of an older MLflow"))
    assert path.read_bytes() == before
    assert held.runs[run_id].run == RunRow(run_id, "old one", "0", "FINISHED", "active", "ada", 5, None, "a")
    assert held.params(run_id) == {"depth": "6"}


def _database_of_an_older_mlflow(uri: str, migrations_less: int) -> None:
    config = _get_alembic_config(uri)
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    engine = create_engine(uri)
    InitialBase.metadata.create_all(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revisions[migrations_less])
    engine.dispose()


def test_a_database_of_a_newer_mlflow_is_told(database: Stored) -> None:
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    with pytest.raises(ToolMissing, match="another version of MLflow"):
        held_of(ClientRuns(database.uri, database.uri))


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + bytes(5_000), b"no database", b""])
def test_a_file_that_is_no_database_of_mlflow_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(content)
    with pytest.raises(Failed, match=r"cannot be read|no database of MLflow"):
        held_of(ClientRuns(f"sqlite:///{path}", "x"))
    assert path.read_bytes() == content


def test_a_database_that_lacks_a_column_is_not_waited_for(database: Stored) -> None:
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("ALTER TABLE runs RENAME COLUMN source_name TO other_name")
    with pytest.raises(Failed, match=r"no such column: runs\.source_name") as refused:
        held_of(ClientRuns(database.uri, database.uri))
    assert "restore a copy" in refused.value.hint


def test_a_database_that_another_program_holds_is_told(database: Stored) -> None:
    with closing(sqlite3.connect(database.path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ToolMissing, match="Another program holds"):
            held_of(ClientRuns(database.uri, database.uri))
