"""A router before our own server and before `mlflow models serve`: whoever asks cannot tell it from the server itself."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mlflow.pyfunc.scoring_server import get_cmd

from .servers import Sealed, Server, Start, free_port, logged, payment, wish
from .test_upstreams import serving_at

pytestmark = pytest.mark.xdist_group("serving")
COLUMNS = ("amount", "hour", "night", "region")
KINDS = ("double", "long", "boolean", "string")
OPTIONAL = (("note", "string"), ("items", "long"))
RECORDS = [payment(), payment(amount=None, hour=23, night=False, region="south")]
RAW = "/v2/models/fraud/infer"


def behind(url: str, sealed: Sealed) -> dict[str, object]:
    """A variant whose answers come from there."""
    columns = [{"name": name, "type": kind} for name, kind in zip(COLUMNS, KINDS, strict=True)]
    columns += [{"name": name, "type": kind, "required": False} for name, kind in OPTIONAL]  # type: ignore[dict-item]
    bundle = sealed.bundle
    return {
        "name": "stable",
        "url": url,
        "weight": 100,
        "digest": bundle.digest,
        "model": "fraud",
        "version": 1,
        "threshold": 0.5,
        "columns": columns,
    }


def bodies() -> list[dict[str, Any]]:
    rows = [[record[name] for name in COLUMNS] for record in RECORDS]
    return [
        {"dataframe_split": {"columns": COLUMNS, "data": rows}},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"inputs": {name: [record[name] for record in RECORDS] for name in COLUMNS}},
        {"dataframe_records": [{**record, "note": "x", "items": 3} for record in RECORDS]},
    ]


def tensors() -> dict[str, Any]:
    datatypes = ("FP64", "INT64", "BOOL", "BYTES")
    return {
        "inputs": [
            {"name": name, "datatype": datatype, "shape": [2], "data": [record[name] for record in RECORDS]}
            for name, datatype in zip(COLUMNS, datatypes, strict=True)
        ]
    }


@pytest.fixture(scope="module")
def router(start: Start, bundles: tuple[Sealed, Sealed]) -> Server:
    return start(bundles[1])


@pytest.fixture(scope="module")
def ours(start: Start, bundles: tuple[Sealed, Sealed]) -> Server:
    return start(bundles[0])


@pytest.fixture(scope="module")
def mlflows(bundles: tuple[Sealed, Sealed], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `mlflow models serve` with the same model."""
    port, home = free_port(), tmp_path_factory.mktemp("mlflow")
    # What `mlflow models serve` itself starts, without the seconds that its command line takes.
    command, env = get_cmd(str(bundles[0].folder / "model"), port, "127.0.0.1")  # type: ignore[arg-type]
    process = subprocess.Popen(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=home,
        env={**env, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=(home / "out").open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        _wait(f"http://127.0.0.1:{port}", home / "out")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(url: str, said: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/ping").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(said.read_text())


def test_before_our_own_server_every_protocol_answers_as_that_server_does(
    router: Server, ours: Server, bundles: tuple[Sealed, Sealed]
) -> None:
    router.share_out(behind(ours.url, bundles[0]))
    for body in bodies():
        both = [httpx.post(f"{one.url}/invocations", json=body) for one in (router, ours)]
        assert [one.status_code for one in both] == [200, 200], both[0].text
        assert both[0].content == both[1].content
    told = [httpx.post(f"{one.url}{RAW}", json=tensors()).json()["outputs"] for one in (router, ours)]
    assert told[0] == told[1]
    scores = [[one["score"] for one in server.predict(RECORDS).json()["predictions"]] for server in (router, ours)]
    assert scores[0] == scores[1]


def test_the_server_behind_neither_logs_nor_counts_what_the_router_asks(
    router: Server, ours: Server, bundles: tuple[Sealed, Sealed]
) -> None:
    router.share_out(behind(ours.url, bundles[0]))
    before = (len(logged(ours.log)), ours.counted("unipipe_requests_total"))
    answer = httpx.post(f"{router.url}/invocations", json=bodies()[0])
    assert (len(logged(ours.log)), ours.counted("unipipe_requests_total")) == before
    rows = {row["prediction_id"]: row["version"] for row in logged(router.log)}
    assert [rows[one] for one in answer.headers["Unipipe-Prediction-Ids"].split(",")] == [1, 1]


def test_what_does_not_fit_is_refused_by_the_router_in_the_words_of_each_protocol(
    router: Server, ours: Server, bundles: tuple[Sealed, Sealed]
) -> None:
    router.share_out(behind(ours.url, bundles[0]))
    mlflow = httpx.post(f"{router.url}/invocations", json={"dataframe_records": [payment(hour="late")]})
    assert (mlflow.status_code, mlflow.json()["error_code"]) == (400, "BAD_REQUEST")
    assert "'hour' of record 0 must be a whole number" in mlflow.json()["message"]
    given = tensors()
    given["inputs"][1]["datatype"] = "FP64"
    tensor = httpx.post(f"{router.url}{RAW}", json=given)
    assert (tensor.status_code, set(tensor.json())) == (400, {"error"})
    assert "'hour' is a tensor of FP64; the model takes INT64" in tensor.json()["error"]


@pytest.mark.slow
def test_before_mlflows_own_server_the_router_answers_with_its_bytes(
    router: Server, mlflows: str, bundles: tuple[Sealed, Sealed]
) -> None:
    router.share_out(behind(mlflows, bundles[0]))
    for body in bodies():
        both = [httpx.post(f"{url}/invocations", json=body) for url in (router.url, mlflows)]
        assert [one.status_code for one in both] == [200, 200], both[0].text
        assert both[0].content == both[1].content
    rows = httpx.post(f"{mlflows}/invocations", json=bodies()[0]).json()["predictions"]
    predicted = [one["score"] for one in router.predict(RECORDS).json()["predictions"]]
    assert predicted == [row[1] for row in rows]
    outputs = httpx.post(f"{router.url}{RAW}", json=tensors()).json()["outputs"]
    assert [one["data"] for one in outputs] == [[number for row in rows for number in row]]


def test_a_model_whose_server_is_away_is_not_ready(router: Server, bundles: tuple[Sealed, Sealed]) -> None:
    upstream = serving_at(0)
    router.share_out(behind(upstream.url, bundles[0]))
    ready = f"{router.url}/v2/models/fraud/ready"
    assert httpx.get(ready).json() == {"name": "fraud", "ready": True}
    upstream.go_away()
    router.wait_until(lambda state: not state["variants"][0]["ready"])  # type: ignore[index]
    answer = httpx.get(ready)
    assert (answer.status_code, answer.json()) == (503, {"name": "fraud", "ready": False})


def test_params_and_times_go_through_a_router_to_the_model_behind_it(
    router: Server, start: Start, models: dict[str, Sealed]
) -> None:
    served = start(models["params"], "--allow-pickle")
    variant = behind(served.url, models["params"]) | {"model": "params", "threshold": None}
    router.share_out(variant | {"columns": [{"name": "x", "type": "double"}]})
    body = {"dataframe_records": [{"x": 1.0}], "params": {"factor": 3.0, "word": "abc"}}
    assert httpx.post(f"{router.url}/invocations", json=body).json() == {"predictions": [6.0]}
    served.share_out(wish(models["times"].folder, models["times"].bundle.digest))
    columns = [{"name": "at", "type": "datetime"}]
    router.share_out(variant | {"model": "times", "digest": models["times"].bundle.digest, "columns": columns})
    times = [{"at": "1970-01-01T00:00:01"}, {"at": "1970-01-01T00:00:01.500000"}]
    answer = router.predict(times)  # type: ignore[arg-type]
    assert [one["decision"] for one in answer.json()["predictions"]] == [1_000_000_000, 1_500_000_000]
