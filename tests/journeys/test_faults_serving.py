"""A model server that is asked nonsense, whose port is taken, or that is killed: no acknowledged prediction is lost."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import free_port, unipipe
from tests.journeys.faults import wait_until

# One server for all of them.
pytestmark = pytest.mark.xdist_group("served")

PAYMENTS = Path(__file__).parents[2] / "sample_data" / "week-1.parquet"
SENDERS = 4


@pytest.fixture(scope="module")
def served(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace whose champion is served."""
    workspace = tmp_path_factory.mktemp("served") / "workspace"
    shutil.copytree(trained_template, workspace, symlinks=True)
    _on_port(workspace, free_port())
    started = unipipe("serve", "start", "--yes", cwd=workspace)
    assert started.exit_code == 0, started.stderr
    yield workspace
    unipipe("serve", "stop", "--yes", cwd=workspace)


def _on_port(workspace: Path, port: int) -> None:
    config = workspace / "unipipe.yaml"
    lines = [
        f"  local: {{kind: local, port: {port}, follows: champion}}" if line.startswith("  local:") else line
        for line in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines) + "\n")


def _server(workspace: Path) -> dict[str, Any]:
    (server,) = unipipe("serve", "status", "--json", cwd=workspace).json["servers"]
    return dict(server)


def _port(workspace: Path) -> int:
    return int(_server(workspace)["url"].rpartition(":")[2])


def _payments(to: Path, rows: int, after: int = 0, **changed: str) -> Path:
    """A CSV file of payments, whose ids can be used once; SQL expressions replace columns of the last one."""
    columns = ", ".join(
        f"CASE WHEN row_number() OVER () = {rows} THEN {sql} ELSE {name}::VARCHAR END AS {name}"
        for name, sql in changed.items()
    )
    replaced = f"* REPLACE ({columns})" if changed else "*"
    duckdb.sql(f"COPY (SELECT {replaced} FROM (FROM '{PAYMENTS}' LIMIT {rows} OFFSET {after})) TO '{to}' (HEADER)")
    return to


def _payment() -> dict[str, Any]:
    with duckdb.connect() as connection:
        answer = connection.execute(f"SELECT * EXCLUDE (payment_id) FROM '{PAYMENTS}' LIMIT 1")
        names = [name for name, *_ in answer.description or ()]
        (values,) = answer.fetchall()
    return dict(zip(names, values, strict=True))


def test_a_record_that_does_not_fit_is_refused_by_record_and_field(served: Path, tmp_path: Path) -> None:
    payment = _payment()
    missing = {name: value for name, value in payment.items() if name != "amount"}
    cases = {
        "amount: is missing": missing,
        "amount: ": {**payment, "amount": "much"},
        "colour: ": {**payment, "colour": "red"},
    }
    for complaint, record in cases.items():
        said = unipipe("predict", "--record", json.dumps(record), cwd=served)
        assert said.exit_code == 2, said.stderr
        assert f"record 0: {complaint}" in said.stderr and "Traceback" not in said.stderr

    far = unipipe("predict", _payments(tmp_path / "far.csv", 503, region="NULL"), cwd=served)
    assert far.exit_code == 2
    assert "record 502: region: " in far.stderr and "500 records before were predicted" in far.stderr

    for nonsense, complaint in (("{", "not JSON"), ("[1]", "one JSON object")):
        said = unipipe("predict", "--record", nonsense, cwd=served)
        assert said.exit_code == 2 and complaint in said.stderr
    absent = unipipe("predict", tmp_path / "absent.csv", cwd=served)
    assert absent.exit_code == 2 and "absent.csv" in absent.stderr


def test_labels_of_unknown_predictions_are_named_and_the_others_are_recorded(served: Path, tmp_path: Path) -> None:
    sent = unipipe("predict", _payments(tmp_path / "payments.csv", 3, after=1000), "--json", cwd=served)
    assert sent.exit_code == 0, sent.stderr
    known = [prediction["prediction_id"] for prediction in sent.json["predictions"]]
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "prediction_id,label\n" + "".join(f"{name},0\n" for name in [known[0], "nobody-asked", *known[1:]])
    )

    first = unipipe("feedback", labels, "--json", cwd=served)
    again = unipipe("feedback", labels, "--json", cwd=served)

    assert first.exit_code == again.exit_code == 1
    assert first.json["accepted"] == 3 and first.json["unknown_ids"] == ["nobody-asked"]
    assert again.json["accepted"] == 0 and again.json["repeated"] == 3


def test_a_port_that_somebody_else_uses_is_named_and_nothing_pretends_to_serve(
    trained_template: Path, served: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(trained_template, tmp_path / "workspace", symlinks=True))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        _on_port(workspace, taken)
        strange = unipipe("serve", "start", "--yes", cwd=workspace)
    # The server of another copy answers there, with the very same model.
    _on_port(workspace, _port(served))
    same = unipipe("serve", "start", "--yes", cwd=workspace)

    assert strange.exit_code == same.exit_code == 1
    for said, port in ((strange, taken), (same, _port(served))):
        assert str(port) in said.stderr and "in use" in said.stderr and "unipipe.yaml" in said.stderr
        assert "Traceback" not in said.stderr
    assert _server(workspace)["state"] == "stopped"
    assert _server(served)["state"] == "ready"
    assert "Undo: unipipe pipeline run" in unipipe("undo", "--dry-run", cwd=workspace).stdout


class _Sender(threading.Thread):
    """Sends predictions one after the other, and remembers each that was acknowledged."""

    def __init__(self, port: int, name: str, record: dict[str, Any]) -> None:
        super().__init__(name=name, daemon=True)
        self.acknowledged: list[str] = []
        self.refused = ""
        self._port = port
        self._record = record

    def run(self) -> None:
        number = 0
        while True:
            asked = f"{self.name}-{number}"
            number += 1
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            try:
                body = json.dumps({"records": [self._record], "ids": [asked]})
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                said = answer.read()
                if answer.status != 200:
                    self.refused = said.decode()
                    return
                self.acknowledged.append(asked)
            except (OSError, http.client.HTTPException):
                return
            finally:
                connection.close()


def test_a_server_killed_under_load_has_died_and_every_acknowledged_prediction_is_there_after_a_restart(
    served: Path, tmp_path: Path
) -> None:
    before = _server(served)
    senders = [_Sender(_port(served), f"sender-{number}", _payment()) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    wait_until(lambda: sum(len(sender.acknowledged) for sender in senders) > 200 or any(s.refused for s in senders))
    os.kill(before["pid"], signal.SIGKILL)
    for sender in senders:
        sender.join()
    assert {sender.refused for sender in senders} == {""}
    acknowledged = [name for sender in senders for name in sender.acknowledged]

    died = _server(served)
    asked = unipipe("predict", "--record", json.dumps(_payment()), cwd=served)
    board = unipipe("status", "--json", cwd=served).json
    assert died["state"] == "died"
    assert asked.exit_code == 3 and "unipipe serve start" in asked.stderr
    assert next(step for step in board["steps"] if step["name"] == "release")["state"] == "failed"

    restarted = unipipe("serve", "start", "--yes", cwd=served)
    assert restarted.exit_code == 0, restarted.stderr
    labels = tmp_path / "labels.csv"
    labels.write_text("prediction_id,label\n" + "".join(f"{name},0\n" for name in acknowledged))
    labelled = unipipe("feedback", labels, "--json", cwd=served)
    assert labelled.exit_code == 0, labelled.stdout[:500]
    assert labelled.json["accepted"] == len(acknowledged)
    traced = unipipe("lineage", "show", acknowledged[-1], "--json", cwd=served)
    assert traced.exit_code == 0 and traced.json["prediction"]["prediction_id"] == acknowledged[-1]
