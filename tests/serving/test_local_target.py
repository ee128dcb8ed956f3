"""The local target as the command line drives it: found where it was started, and asked as often as one likes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from unipipe_tui.adapters.targets.http import BATCH
from unipipe_tui.adapters.targets.local import LocalTarget
from unipipe_tui.adapters.targets.serving_process import free_port as next_free_port
from unipipe_tui.domain.errors import Failed, ToolMissing, UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.serving import LogMode, ServerState, Value
from unipipe_tui.store.tables import TableFiles

from .servers import Sealed, all_to, free_port, logged, payment, until

pytestmark = pytest.mark.xdist_group("serving")
Configured = Callable[[int], LocalTarget]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local-server")


@pytest.fixture(scope="module")
def configured(home: Path) -> Configured:
    """The same target with a port of the configuration's choice."""
    files, log = home / "serving", home / "predictions"
    # What was answered is in the log then, so that tests can look at once.
    return lambda port: LocalTarget("local", files, log, "127.0.0.1", port, LogMode.STRICT)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(configured: Configured, port: int, bundles: tuple[Sealed, Sealed]) -> Iterator[LocalTarget]:
    """A running one."""
    started = configured(port)
    started.apply(all_to(bundles[0]), Silent())
    yield started
    started.stop(Silent())


def plain(**changes: object) -> dict[str, Value]:
    record: dict[str, Value] = payment(**changes)  # type: ignore[assignment]
    return record


def test_a_running_server_is_found_where_it_was_started_whatever_the_configuration_says_now(
    server: LocalTarget, configured: Configured, port: int
) -> None:
    edited = configured(free_port())
    live = edited.live()
    assert (live.state, live.url) == (ServerState.READY, f"http://127.0.0.1:{port}")
    assert [one.version for one in live.answering] == [1]
    assert len(edited.predict([plain()], None).predictions) == 1


def test_a_server_that_an_older_program_started_is_looked_for_where_the_configuration_says(
    server: LocalTarget, home: Path
) -> None:
    (file,) = (path for path in (home / "serving").iterdir() if "pid" in path.read_text(errors="replace"))
    recorded = file.read_text()
    file.write_text(json.dumps({key: json.loads(recorded)[key] for key in ("pid", "started")}))
    try:
        assert server.live().state is ServerState.READY
    finally:
        file.write_text(recorded)


def test_a_stopped_server_will_listen_where_the_configuration_says_now(
    configured: Configured, tmp_path: Path, bundles: tuple[Sealed, Sealed]
) -> None:
    first = LocalTarget("other", tmp_path / "serving", tmp_path / "log", "127.0.0.1", free_port())
    first.apply(all_to(bundles[0]), Silent())
    elsewhere = free_port()
    edited = LocalTarget("other", tmp_path / "serving", tmp_path / "log", "127.0.0.1", elsewhere)
    stopped = edited.stop(Silent())
    assert (stopped.state, stopped.url) == (ServerState.STOPPED, f"http://127.0.0.1:{elsewhere}")
    with pytest.raises(ToolMissing):
        first.predict([plain()], None)


def test_a_port_that_is_taken_is_named_and_the_next_free_one_is_found(
    server: LocalTarget, port: int, tmp_path: Path, bundles: tuple[Sealed, Sealed]
) -> None:
    assert next_free_port("127.0.0.1", port) > port
    other = LocalTarget("other", tmp_path / "serving", tmp_path / "log", "127.0.0.1", port)
    with pytest.raises(Failed, match=f"Port {port} on 127.0.0.1 is in use"):
        other.apply(all_to(bundles[1]), Silent())
    assert other.live().state is ServerState.STOPPED
    assert server.live().state is ServerState.READY


def test_another_version_comes_without_another_process_and_what_was_asked_is_counted(
    server: LocalTarget, bundles: tuple[Sealed, Sealed]
) -> None:
    before = server.live()
    try:
        after = server.apply(all_to(bundles[1]), Silent())
        assert ([one.version for one in after.answering], after.pid) == ([2], before.pid)
        assert before.pid is not None
        server.predict([plain()], None)
        assert server.live().requests == (before.requests or 0) + 1
    finally:
        server.apply(all_to(bundles[0]), Silent())


def test_a_server_that_was_killed_is_told_as_such(tmp_path: Path, bundles: tuple[Sealed, Sealed]) -> None:
    killed = LocalTarget("killed", tmp_path / "serving", tmp_path / "log", "127.0.0.1", free_port())
    pid = killed.apply(all_to(bundles[0]), Silent()).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: killed.live().state is ServerState.DIED)
    assert killed.live().remarks == ("The server died: it ended without a word, as a killed process does",)


def test_a_log_that_can_grow_no_more_is_told_until_it_can_again(tmp_path: Path, bundles: tuple[Sealed, Sealed]) -> None:
    target = LocalTarget("other", tmp_path / "serving", tmp_path / "log", "127.0.0.1", free_port(), LogMode.BEHIND)
    pid = target.apply(all_to(bundles[0]), Silent()).pid
    assert pid is not None
    try:
        server = psutil.Process(pid)
        for one in (server, *server.children(recursive=True)):
            one.rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))
        target.predict([plain()], None)
        until(lambda: target.live().log_problem)
        live = target.live()
        assert "File too large" in live.log_problem
        assert f"The prediction log cannot be written: {live.log_problem}" in live.remarks
        for one in (server, *server.children(recursive=True)):
            one.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        until(lambda: not target.live().log_problem)
        assert len(logged(tmp_path / "log")) == 1
    finally:
        target.stop(Silent())


def test_a_set_that_was_taken_in_part_can_be_mended_and_sent_again_whole(server: LocalTarget, home: Path) -> None:
    records = [plain(amount=float(number)) for number in range(BATCH + 20)]
    ids = [f"part-{number}" for number in range(len(records))]
    broken = [*records[:-1], plain(region=None)]
    with pytest.raises(UsageError, match=f"{BATCH} records before were predicted and logged") as refused:
        server.predict(broken, ids)
    assert f"record {BATCH + 19}: region: is null" in refused.value.hint
    assert "send all again" in refused.value.message

    again = server.predict(records, ids)
    assert again.known == tuple(ids[:BATCH])
    assert [one.prediction_id for one in again.predictions] == ids
    rows = [row["prediction_id"] for row in logged(home / "predictions")]
    assert sorted(name for name in rows if str(name).startswith("part-")) == sorted(ids)

    changed = [*records[:-1], plain(amount=-1.0)]
    with pytest.raises(UsageError) as other:
        server.predict(changed, ids)
    assert f"record {BATCH + 19}: ids: 'part-{BATCH + 19}' names an earlier prediction of other inputs" in (
        other.value.hint
    )


@pytest.mark.parametrize(
    ("column", "cell", "wanted"),
    [
        ("amount", "n/a", "must be a number"),
        ("hour", "late", "must be a whole number"),
        ("night", "maybe", "must be true or false"),
    ],
)
def test_the_one_cell_that_makes_text_of_a_column_is_named_by_record_and_column(
    server: LocalTarget, tmp_path: Path, column: str, cell: str, wanted: str
) -> None:
    good = {"amount": "1.5", "hour": "3", "night": "true", "region": "north"}
    rows = [good] * (BATCH + 7) + [{**good, column: cell}] + [good] * 3
    path = tmp_path / "payments.csv"
    path.write_text("\n".join([",".join(good), *(",".join(row.values()) for row in rows)]) + "\n")
    with pytest.raises(UsageError) as refused:
        server.predict(TableFiles().records(path), None)
    assert refused.value.hint == (
        f"record {BATCH + 7}: {column}: {wanted}, not the string {cell!r}, which makes text of the whole column"
    )


def test_a_text_that_is_no_number_is_named_where_it_stands_when_the_others_are_numbers(server: LocalTarget) -> None:
    with pytest.raises(UsageError) as refused:
        server.predict([plain(), plain(amount="12")], None)
    assert refused.value.hint == "record 1: amount: must be a number, not the string '12'"
