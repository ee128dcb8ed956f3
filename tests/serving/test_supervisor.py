"""A worker that dies is started again, and nobody who was acknowledged is forgotten."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from threading import Thread

import httpx
import psutil
import pytest

from .servers import Sealed, Start, logged, payment

pytestmark = pytest.mark.xdist_group("serving")
Pair = tuple[Sealed, Sealed]


def test_a_killed_worker_is_replaced_and_no_acknowledged_row_is_lost(start: Start, bundles: Pair) -> None:
    server = start(bundles[0])
    acknowledged: set[str] = set()
    broken: list[str] = []

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for _ in range(150):
                try:
                    answer = client.post("/predict", json={"records": [payment()]})
                except httpx.TransportError as error:
                    broken.append(repr(error))
                    continue
                if answer.status_code == 200:
                    acknowledged.add(answer.json()["predictions"][0]["prediction_id"])

    callers = [Thread(target=ask) for _ in range(3)]
    for caller in callers:
        caller.start()
    while len(acknowledged) < 60:
        time.sleep(0.01)
    killed = server.worker()
    os.kill(killed, signal.SIGKILL)
    for caller in callers:
        caller.join(120)
    state = server.wait_until(lambda state: bool(state["ready"]), 60)
    worker = state["worker"]
    assert isinstance(worker, dict)
    assert worker["pid"] != killed
    assert (worker["restarts"], worker["last_exit"]) == (1, "was ended by SIGKILL")
    assert worker["supervisor"] == server.process.pid
    # Each caller may lose the one request that was in the killed worker's hands; the others waited for the next one.
    assert len(broken) <= 6
    assert server.predict([payment()]).status_code == 200
    assert acknowledged <= {str(row["prediction_id"]) for row in logged(server.log)}
    assert server.label(**{min(acknowledged): 1})["accepted"] == 1
    assert server.end() == 0


def test_the_worker_ends_when_its_parent_is_killed(start: Start, bundles: Pair) -> None:
    server = start(bundles[0])
    worker = psutil.Process(server.worker())
    server.process.send_signal(signal.SIGKILL)
    worker.wait(20)
    assert not worker.is_running()


def test_sigterm_writes_what_was_acknowledged_behind(start: Start, bundles: Pair) -> None:
    server = start(bundles[0], "--log-mode", "behind")
    state = server.ready()["log"]
    assert isinstance(state, dict) and state["mode"] == "behind"
    ids = [f"late-{number}" for number in range(3_000)]
    assert server.predict([payment()] * 3_000, ids=ids).status_code == 200
    assert server.end() == 0
    assert set(ids) <= {row["prediction_id"] for row in logged(server.log)}


def test_behind_a_repeated_record_is_answered_from_the_log_although_it_was_just_taken(
    start: Start, bundles: Pair
) -> None:
    server = start(bundles[0], "--log-mode", "behind")
    first = server.predict([payment()], ids=["mine"]).json()
    again = server.predict([payment()], ids=["mine"]).json()
    assert again["known"] == [{"prediction_id": "mine", "model": "fraud", "version": 1}]
    assert again["predictions"] == first["predictions"]
    assert server.predict([payment(amount=1.0)], ids=["mine"]).status_code == 409
    server.end()


def test_a_body_that_does_not_come_and_an_answer_that_takes_too_long_are_given_up(
    start: Start, bundles: Pair, tmp_path: Path
) -> None:
    server = start(bundles[0], "--body-seconds", "0.5", "--answer-seconds", "0.0005")
    host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
    with socket.create_connection((host, port), timeout=20) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        assert b" 408 " in slow.recv(4096).split(b"\r\n")[0] + b" "
    late = server.predict([payment()] * 2_000)
    assert late.status_code == 504
    assert server.counted("unipipe_requests_total", status="408") == 1
    assert server.counted("unipipe_requests_total", status="504") == 1
    server.end()
