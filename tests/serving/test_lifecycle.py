"""Starting, switching, breaking and ending real servers; no acknowledged prediction may be lost on the way."""

from __future__ import annotations

import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock

import httpx
import psutil
import pytest

from .servers import Sealed, Server, Start, command, free_port, logged, payment, wait_for_port

pytestmark = pytest.mark.xdist_group("serving")


class Load:
    """Callers in threads who ask without a pause and remember every answer."""

    def __init__(self, server: Server, callers: int = 4) -> None:
        self.acknowledged: dict[str, tuple[int, float]] = {}
        self.failures: list[str] = []
        self._url = server.url
        self._stop = Event()
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(callers)
        for _ in range(callers):
            self._threads.submit(self._ask)

    def _ask(self) -> None:
        with httpx.Client(timeout=20) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(f"{self._url}/predict", json={"records": [payment(amount=300.0)] * 5})
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    return
                if answer.status_code != 200:
                    self.failures.append(answer.text)
                    continue
                body = answer.json()
                with self._lock:
                    for given in body["predictions"]:
                        self.acknowledged[given["prediction_id"]] = (body["version"], given["score"])

    def stop(self) -> None:
        self._stop.set()
        self._threads.shutdown()


@pytest.fixture(scope="module")
def server(start: Start, bundles: tuple[Sealed, Sealed]) -> Server:
    return start(bundles[0])


def test_switching_under_load_drops_no_request_and_each_answer_is_wholly_of_one_version(
    server: Server, bundles: tuple[Sealed, Sealed]
) -> None:
    load = Load(server)
    for sealed in (bundles[1], bundles[0], bundles[1]):
        server.want(sealed.folder, sealed.bundle.digest)
        server.wait_until(lambda state, wanted=sealed.bundle.digest: state["digest"] == wanted)  # type: ignore[misc]
        time.sleep(0.3)
    load.stop()
    assert load.failures == []
    scores: dict[int, set[float]] = {}
    for version, score in load.acknowledged.values():
        scores.setdefault(version, set()).add(round(score, 9))
    assert scores.keys() == {1, 2}
    assert len(scores[1]) == len(scores[2]) == 1
    rows = {row["prediction_id"]: row["version"] for row in logged(server.log)}
    assert {name: version for name, (version, _score) in load.acknowledged.items()}.items() <= rows.items()


def test_a_record_that_is_sent_again_after_a_switch_keeps_the_answer_of_the_version_that_gave_it(
    server: Server, bundles: tuple[Sealed, Sealed]
) -> None:
    for sealed in bundles:
        server.want(sealed.folder, sealed.bundle.digest)
        server.wait_until(lambda state, wanted=sealed.bundle.digest: state["digest"] == wanted)  # type: ignore[misc]
        answer = server.predict([payment()], ids=["kept"]).json()
    assert answer["version"] == 2
    assert answer["known"] == [{"prediction_id": "kept", "model": "fraud", "version": 1}]
    (row,) = [row for row in logged(server.log) if row["prediction_id"] == "kept"]
    assert answer["predictions"][0]["score"] == row["score"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "model" / "MLmodel").write_text("{}"), "changed: model/MLmodel"),
        (lambda folder: shutil.rmtree(folder), "No bundle in"),
    ],
)
def test_a_bundle_that_cannot_be_loaded_leaves_the_old_one_serving_and_says_why(
    server: Server, bundles: tuple[Sealed, Sealed], tmp_path: Path, damage: Callable[[Path], object], says: str
) -> None:
    before = server.ready()["digest"]
    other = bundles[0] if before == bundles[1].bundle.digest else bundles[1]
    folder = tmp_path / "damaged"
    shutil.copytree(other.folder, folder)
    damage(folder)
    server.want(folder, other.bundle.digest)
    state = server.wait_until(lambda state: says in str(state["error"]))
    assert (state["digest"], state["wanted"]) == (before, [other.bundle.digest])
    assert server.predict([payment()]).status_code == 200
    server.want(other.folder, other.bundle.digest)
    mended = server.wait_until(lambda state: state["digest"] == other.bundle.digest)
    assert mended["error"] is None


def test_a_desired_file_that_is_no_wish_is_reported(server: Server) -> None:
    server.desired.write_text("{")
    server.wait_until(lambda state: "does not say what to serve" in str(state["error"]))
    assert server.predict([payment()]).status_code == 200


def test_a_port_in_use_ends_the_start_quickly_with_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        began = time.monotonic()
        ended = subprocess.run(
            command(tmp_path / "desired.json", tmp_path / "log", port), capture_output=True, text=True, timeout=20
        )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"Port {port} on 127.0.0.1 is already in use" in ended.stderr
    assert "--port" in ended.stderr
    assert time.monotonic() - began < 2


def test_without_a_model_it_lives_and_is_not_ready(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(command(tmp_path / "none.json", tmp_path / "log", port), stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert client.get("/healthz").status_code == 200
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert "none.json does not exist yet" in ready.json()["error"]
            assert client.post("/predict", json={"records": [payment()]}).status_code == 503
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_sigkill_under_load_loses_no_acknowledged_prediction_and_a_restart_knows_them(
    start: Start, bundles: tuple[Sealed, Sealed]
) -> None:
    first = start(bundles[0])
    load = Load(first)
    time.sleep(1)
    worker = first.worker()
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    psutil.Process(worker).wait(20)
    load.stop()
    assert len(load.acknowledged) > 50
    assert load.acknowledged.keys() <= {str(row["prediction_id"]) for row in logged(first.log)}

    second = start(bundles[0], log=first.log)
    some = sorted(load.acknowledged)[:3]
    assert second.label(**{some[0]: 1, some[1]: 0, "never": 1})["accepted"] == 2
    _wait_until_folded(first.log, first.process.pid)
    again = second.predict([payment(amount=300.0)] * 3, ids=some).json()
    assert [one["prediction_id"] for one in again["known"]] == some
    assert [one["score"] for one in again["predictions"]] == [load.acknowledged[name][1] for name in some]
    assert second.predict([payment(amount=301.0)], ids=some[:1]).status_code == 409
    assert load.acknowledged.keys() <= {str(row["prediction_id"]) for row in logged(first.log)}
    assert second.end() == 0

    third = start(bundles[0], log=first.log)
    assert third.label(**{some[0]: 1, some[1]: 1, some[2]: 1}) == {
        "accepted": 1,
        "repeated": 1,
        "unknown": [],
        "conflicting": [some[1]],
    }


def _wait_until_folded(log: Path, pid: int) -> None:
    deadline = time.monotonic() + 10
    while list(log.glob(f"predictions-*-{pid}-*.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigterm_under_load_exits_with_0_and_loses_no_acknowledged_prediction(
    start: Start, bundles: tuple[Sealed, Sealed]
) -> None:
    server = start(bundles[0])
    load = Load(server)
    time.sleep(0.5)
    assert server.end() == 0
    load.stop()
    assert load.acknowledged
    assert load.acknowledged.keys() <= {str(row["prediction_id"]) for row in logged(server.log)}


def test_a_full_disk_is_507_nothing_half_is_written_and_room_mends_it(server: Server) -> None:
    pid, ids = server.worker(), [f"lost-{number}" for number in range(20)]
    server.predict([payment()], ids=["before"])
    full = max(path.stat().st_size for path in server.log.iterdir()) + 300
    _soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (full, hard))
    refused = server.predict([payment()] * 20, ids=ids)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert refused.status_code == 507
    assert "not recorded" in refused.json()["error"]
    assert all(path.read_bytes().endswith(b"\n") for path in server.log.glob("*.jsonl"))
    assert not {row["prediction_id"] for row in logged(server.log)} & set(ids)
    assert server.predict([payment()] * 20, ids=ids).status_code == 200
    assert server.label(before=1)["accepted"] == 1
    assert {"before", *ids} <= {row["prediction_id"] for row in logged(server.log)}


def test_a_token_is_asked_for_and_never_told(start: Start, bundles: tuple[Sealed, Sealed]) -> None:
    server = start(bundles[0], "--token-env", "SECRET_OF_TEST", env={"SECRET_OF_TEST": "open-sesame"})
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "open-sesame"}):
        answer = httpx.post(f"{server.url}/predict", json={"records": [payment()]}, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    right = {"Authorization": "Bearer open-sesame"}
    assert httpx.post(f"{server.url}/predict", json={"records": [payment()]}, headers=right).status_code == 200
    assert httpx.get(f"{server.url}/openapi.json").status_code == 401
    assert server.ready()["ready"] is True
    server.end()
    assert "open-sesame" not in (server.desired.parent / "stderr").read_text()
    assert [path.name for path in server.desired.parent.iterdir() if path.suffix == ".db"] == []


def test_a_token_variable_that_is_empty_is_a_mistake(tmp_path: Path) -> None:
    ended = subprocess.run(
        command(tmp_path / "d", tmp_path / "log", free_port(), "--token-env", "NOT_SET_AT_ALL"),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.returncode == 2
    assert "NOT_SET_AT_ALL is empty" in ended.stderr


def test_a_log_folder_that_cannot_be_made_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = subprocess.run(
        command(tmp_path / "d", tmp_path / "file" / "log", free_port()), capture_output=True, text=True, timeout=40
    )
    assert ended.returncode == 1
    assert "cannot be used" in ended.stderr.splitlines()[-1]


def test_the_server_runs_without_the_other_rooms_and_their_libraries() -> None:
    program = (
        "import sys, unipipe_tui.serving.server\n"
        "ours = {name.split('.')[1] for name in sys.modules if name.startswith('unipipe_tui.')}\n"
        "print(sorted(ours), sorted({'textual', 'typer', 'duckdb', 'dvc'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['domain', 'serving'] []"
