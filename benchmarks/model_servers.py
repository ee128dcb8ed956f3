"""Two models to serve, and two servers to serve them: ours, and `mlflow models serve`."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
from asking import HOST, Load
from figures import QUIET

from unipipe_tui.domain.bundles import Bundle, seal_bundle
from unipipe_tui.store.tables import TableFiles

SAMPLE = Path(__file__).parents[1] / "sample_data" / "week-1.parquet"
GIVEN_UP_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Served:
    """A sealed bundle, and one row to ask about."""

    folder: Path
    bundle: Bundle
    row: dict[str, object]


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    process: psutil.Process
    """The one that was started; the others are its children."""
    port: int
    path: str
    body: str
    ready_seconds: float
    """From its start to its first prediction."""
    desired: Path

    def load(self, requests: int, connections: int, headers: str = "") -> Load:
        """So many questions about the one row."""
        return Load(self.port, self.path, self.body, requests, connections, headers)

    def processor_seconds(self) -> float:
        """What it has used of the processors so far."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in processes)

    def want(self, variants: list[dict[str, object]]) -> None:
        """Say what one of ours shall answer with, and wait until it does."""
        order = uuid.uuid4().hex
        _want(self.desired, variants, order)
        while _readiness(self.port).get("serving") != order:
            time.sleep(LOOK_EVERY_SECONDS)


def fraud_detector(workspace: Path, folder: Path, version: int = 1) -> Served:
    """The demo's own pipeline, as the workspace registered it."""
    saved = max(workspace.glob("mlartifacts/models/*/artifacts/MLmodel"), key=lambda path: path.stat().st_mtime).parent
    shutil.copytree(saved, folder / "model")
    return Served(folder, seal_bundle(folder, model="fraud", version=version, run_id="r", threshold=0.5), _row(folder))


def logistic(workspace: Path, folder: Path, version: int = 1) -> Served:
    """A scaler and a logistic regression: a model that costs next to nothing, so that the server is what is measured."""
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs = pd.read_parquet(SAMPLE).select_dtypes("float").dropna(axis="columns").head(2000)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(inputs, inputs.iloc[:, 0] > inputs.iloc[:, 0].median())
    mlflow.sklearn.save_model(
        model,
        str(folder / "model"),
        signature=infer_signature(inputs, model.predict_proba(inputs)),
        input_example=inputs.head(2),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["scikit-learn"],
    )
    return Served(folder, seal_bundle(folder, model="small", version=version, run_id="r", threshold=0.5), _row(folder))


def variant(served: Served, name: str = "stable", weight: float = 100.0) -> dict[str, object]:
    """One variant of the file that ours follows."""
    return {"name": name, "bundle": str(served.folder), "digest": served.bundle.digest, "weight": weight}


@contextmanager
def ours(served: Served) -> Iterator[Server]:
    """Our server, with its log."""
    home = served.folder.parent / f"ours-{uuid.uuid4().hex[:8]}"
    home.mkdir()
    desired, port = home / "desired.json", free_port()
    _want(desired, [variant(served)], "first")
    words = ("unipipe_tui.serving", "--desired", desired, "--log", home / "log", "--port", port)
    with _started([sys.executable, "-m", *map(str, words)], port, "/predict", {"records": [served.row]}, desired) as it:
        yield it


@contextmanager
def mlflows(served: Served) -> Iterator[Server]:
    """`mlflow models serve`, in the environment that is here."""
    port = free_port()
    words = ("models", "serve", "--env-manager", "local", "--host", HOST, "--port", port)
    argv = [Path(sys.executable).with_name("mlflow"), *words, "--model-uri", served.folder / "model"]
    split = {"columns": list(served.row), "data": [list(served.row.values())]}
    with _started(list(map(str, argv)), port, "/invocations", {"dataframe_split": split}, served.folder) as started:
        yield started


@contextmanager
def _started(argv: list[str], port: int, path: str, asked: object, desired: Path) -> Iterator[Server]:
    body = json.dumps(asked)
    with (desired.parent / f"said-{port}").open("wb") as said:
        began = time.perf_counter()
        process = psutil.Popen(
            argv,
            env={**os.environ, **QUIET},
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        while not _answers(port, path, body):
            if time.perf_counter() - began > GIVEN_UP_SECONDS or process.poll() is not None:
                raise SystemExit(f"{argv} never answered: {Path(said.name).read_text()[-2000:]}")
            time.sleep(LOOK_EVERY_SECONDS)
        yield Server(process, port, path, body, time.perf_counter() - began, desired)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _answers(port: int, path: str, body: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=GIVEN_UP_SECONDS)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _readiness(port: int) -> dict[str, object]:
    connection = http.client.HTTPConnection(HOST, port, timeout=GIVEN_UP_SECONDS)
    connection.request("GET", "/readyz")
    answered = json.loads(connection.getresponse().read())
    connection.close()
    return dict(answered)


def _want(desired: Path, variants: list[dict[str, object]], order: str) -> None:
    new = desired.with_suffix(".new")
    new.write_text(json.dumps({"format": 2, "order": order, "variants": variants}))
    new.replace(desired)


def sample_row() -> dict[str, object]:
    """One row as the demo's model is asked about it."""
    return {name: value for name, value in TableFiles().records(SAMPLE)[0].items() if name != "payment_id"}


def _row(folder: Path) -> dict[str, object]:
    example = json.loads((folder / "model" / "input_example.json").read_text())
    return dict(zip(example["columns"], example["data"][0], strict=True))


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
