"""A server process in earnest, as tests drive it."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow.parquet as pq

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant, only

Record = dict[str, object]
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx: nothing here is encrypted, and without it each request reads the certificates of the world first."""


@dataclass(frozen=True)
class Sealed:
    """A bundle and where it lies."""

    folder: Path
    bundle: Bundle


def payment(**changes: object) -> Record:
    """A record that fits the model, but for the changes."""
    return {"amount": 12.5, "hour": 3, "night": True, "region": "north", **changes}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One server process and its folders."""

    process: subprocess.Popen[str]
    url: str
    desired: Path
    log: Path

    def want(self, folder: Path, digest: str) -> None:
        """Replace the desired file as an operator does."""
        want(self.desired, folder, digest)

    def share_out(self, *variants: dict[str, object], **more: object) -> dict[str, object]:
        """Give it a table and wait until it answers by that."""
        order = uuid.uuid4().hex
        share_out(self.desired, *variants, order=order, **more)
        state = self.wait_until(lambda state: state["serving"] == order or (state["order"] == order and state["error"]))
        assert state["serving"] == order, state["error"]
        return state

    def worker(self) -> int:
        """The process that answers."""
        return int(httpx.get(f"{self.url}/healthz", verify=PLAIN).json()["pid"])

    def ready(self) -> dict[str, object]:
        """What /readyz says."""
        return dict(httpx.get(f"{self.url}/readyz", verify=PLAIN).json())

    def wait_until(self, holds: Callable[[dict[str, object]], bool], seconds: float = 20) -> dict[str, object]:
        """Ask /readyz until it holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.ready()
            if holds(state):
                return state
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {state}")

    def predict(self, records: list[Record], ids: list[str] | None = None, **headers: str) -> httpx.Response:
        """POST /predict; `variant="a"` sends the header `Unipipe-Variant: a`."""
        body = {"records": records} | ({} if ids is None else {"ids": ids})
        told = {f"Unipipe-{name}": value for name, value in headers.items()}
        return httpx.post(f"{self.url}/predict", json=body, headers=told, timeout=30, verify=PLAIN)

    def metrics(self) -> dict[str, float]:
        """Every line of /metrics: its name with labels, and its value."""
        lines = httpx.get(f"{self.url}/metrics", verify=PLAIN).text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    def counted(self, name: str, **labels: object) -> float:
        """The sum of a metric's lines that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = self.metrics().items()
        return sum(value for line, value in lines if line.split("{")[0] == name and all(one in line for one in wanted))

    def label(self, **labels: object) -> dict[str, object]:
        """POST /feedback with labels by prediction id."""
        body = {"labels": [{"prediction_id": name, "label": label} for name, label in labels.items()]}
        answer = httpx.post(f"{self.url}/feedback", json=body, verify=PLAIN)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def end(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(20)


def want(desired: Path, folder: Path, digest: str) -> None:
    """Name the only wanted bundle in one piece."""
    share_out(desired, wish(folder, digest))


def wish(folder: Path, digest: str, name: str = "stable", weight: float = 100.0, **more: object) -> dict[str, object]:
    """One variant of the desired file."""
    return {"name": name, "bundle": str(folder), "digest": digest, "weight": weight, **more}


def share_out(desired: Path, *variants: dict[str, object], **more: object) -> None:
    """Replace the desired file in one piece, as an operator does."""
    new = desired.with_suffix(".new")
    new.write_text(json.dumps({"format": 2, "variants": variants, **more}))
    new.replace(desired)


def command(desired: Path, log: Path, port: int, *more: str) -> list[str]:
    """The command line of the server."""
    return [
        sys.executable,
        "-m",
        "unipipe_tui.serving",
        "--desired",
        str(desired),
        "--log",
        str(log),
        "--port",
        str(port),
        *more,
    ]


Start = Callable[..., Server]


def wait_for_port(port: int) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    # The port is taken at once, but it answers only when the slow imports are done.
    httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=40, verify=PLAIN)


def until(holds: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def logged(log: Path, kind: str = "predictions") -> list[dict[str, object]]:
    """Every row of the log, folded or not, one per prediction id."""
    rows: dict[object, dict[str, object]] = {}
    for path in sorted(log.glob(f"{kind}-*.jsonl")):
        for line in path.read_text().split("\n"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            rows[row["prediction_id"]] = row
    for path in sorted(log.glob(f"{kind}-*.parquet")):
        for row in pq.read_table(path).to_pylist():
            rows[row["prediction_id"]] = row
    return list(rows.values())


def all_to(sealed: Sealed, release: str | None = None) -> Wanted:
    """A wish to answer with one version alone."""
    bundle = sealed.bundle
    traffic = only(Variant(STABLE, bundle.model, bundle.version, bundle.digest))
    packages = {bundle.digest: Package(sealed.folder, bundle)}
    return Wanted(release or f"r-{bundle.version}", traffic, packages, "ada", datetime.now(UTC))
