"""The Open Inference Protocol, request by request: the status and the answer that its text asks for.

`python -m tests.serving.test_conformance_v2` prints the tables.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from unipipe_tui import __version__
from unipipe_tui.serving.gate import Limits

from .in_process import printed, served, served_alone
from .servers import Sealed, wish

pytestmark = pytest.mark.xdist_group("serving")


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None, closed: bool = True) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": not closed,
    }


TEXT = {"type": "string"}
SHAPE = {"type": "array", "items": {"type": "integer"}}
PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
DATATYPE = {
    "enum": [
        "BOOL",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BYTES",
    ]
}
METADATA_TENSOR = _object({"name": TEXT, "datatype": DATATYPE, "shape": SHAPE})
SCHEMAS: dict[str, dict[str, Any]] = {
    "$metadata_server_response": _object(
        {"name": TEXT, "version": TEXT, "extensions": {"type": "array", "items": TEXT}}
    ),
    "$ready_server_response": _object({"live": {"type": "boolean"}}, closed=False),
    "$live_server_response": _object({"live": {"type": "boolean"}}, closed=False),
    "$ready_model_response": _object({"name": TEXT, "ready": {"type": "boolean"}}),
    "$metadata_model_response": _object(
        {
            "name": TEXT,
            "platform": TEXT,
            "inputs": {"type": "array", "items": METADATA_TENSOR},
            "outputs": {"type": "array", "items": METADATA_TENSOR},
        },
        {"versions": {"type": "array", "items": TEXT}},
    ),
    "$inference_response": _object(
        {
            "model_name": TEXT,
            "outputs": {
                "type": "array",
                "items": _object(
                    {
                        "name": TEXT,
                        "shape": SHAPE,
                        "datatype": DATATYPE,
                        "data": {"type": "array", "items": {"type": ["number", "string", "boolean", "null"]}},
                    },
                    {"parameters": PARAMETERS},
                ),
            },
        },
        {"model_version": TEXT, "id": TEXT, "parameters": PARAMETERS},
    ),
    "$error_response": _object({"error": {"type": "string", "minLength": 1}}),
}
"""The objects of the protocol's text; a tensor's data may hold null for what is missing, which the text leaves open."""


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)] if shape is None else shape, "data": data} | more


def infer(*inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), **more}


@dataclass(frozen=True)
class Case:
    """One request, and what must come back."""

    title: str
    path: str
    schema: str
    body: Any = None
    status: int = 200
    has: Any = None
    """What the answer holds, among other things; of an inference the data of each output; of an error its words."""


X, N = tensor("x", "FP64", [0.25, 4.0]), tensor("n", "INT64", [1, 5])
INFER = "/v2/models/classifier/infer"
BOTH = {"predictions": [0, 1]}
READS: tuple[Case, ...] = (
    Case("server metadata", "/v2", "$metadata_server_response", has={"name": "unipipe", "version": __version__}),
    Case("live", "/v2/health/live", "$live_server_response", has={"live": True}),
    Case("ready", "/v2/health/ready", "$ready_server_response", has={"live": True, "ready": True}),
    Case("model ready", "/v2/models/classifier/ready", "$ready_model_response", has={"ready": True}),
    Case(
        "version ready",
        "/v2/models/classifier/versions/1/ready",
        "$ready_model_response",
        has={"name": "classifier", "ready": True},
    ),
    Case(
        "model metadata",
        "/v2/models/classifier",
        "$metadata_model_response",
        has={
            "name": "classifier",
            "versions": ["1"],
            "inputs": [
                {"name": "x", "datatype": "FP64", "shape": [-1, 1]},
                {"name": "n", "datatype": "INT64", "shape": [-1, 1]},
            ],
            "outputs": [{"name": "predictions", "datatype": "INT64", "shape": [-1]}],
        },
    ),
    Case("version metadata", "/v2/models/classifier/versions/1", "$metadata_model_response", has={"versions": ["1"]}),
    Case("another model", "/v2/models/other", "$error_response", status=404, has="no model 'other'"),
    Case("another model's readiness", "/v2/models/other/ready", "$error_response", status=404, has="no model"),
    Case("another version", "/v2/models/classifier/versions/9", "$error_response", status=404, has="no version '9'"),
    Case("no version", "/v2/models/classifier/versions/x/ready", "$error_response", status=404, has="only 1"),
)
ANSWERED: tuple[Case, ...] = (
    Case("one tensor for each input", INFER, "$inference_response", infer(X, N), has=BOTH),
    Case("a version", "/v2/models/classifier/versions/1/infer", "$inference_response", infer(X, N), has=BOTH),
    Case("in another order", INFER, "$inference_response", infer(N, X), has=BOTH),
    Case("shape [n, 1]", INFER, "$inference_response", infer(X | {"shape": [2, 1]}, N), has=BOTH),
    Case(
        "nested data", INFER, "$inference_response", infer(X | {"shape": [2, 1], "data": [[0.25], [4.0]]}, N), has=BOTH
    ),
    Case("FP32", INFER, "$inference_response", infer(X | {"datatype": "FP32"}, N), has=BOTH),
    Case("INT32 for a long", INFER, "$inference_response", infer(X, N | {"datatype": "INT32"}), has=BOTH),
    Case("UINT8 for a long", INFER, "$inference_response", infer(X, N | {"datatype": "UINT8"}), has=BOTH),
    Case("whole numbers for a double", INFER, "$inference_response", infer(tensor("x", "INT32", [0, 4]), N), has=BOTH),
    Case("the output by name", INFER, "$inference_response", infer(X, N, outputs=[{"name": "predictions"}]), has=BOTH),
    Case("parameters", INFER, "$inference_response", infer(X, N, parameters={"a": 1, "b": "c"}), has=BOTH),
    Case(
        "all inputs in one tensor",
        "/v2/models/numbers/infer",
        "$inference_response",
        infer(tensor("input", "FP64", [0.5, 1.5, 2.5, 3.5], [2, 2])),
        has={"predictions": [0.5 + 1.5, 2.5 + 3.5]},
    ),
    Case(
        "all inputs in one nested tensor",
        "/v2/models/numbers/infer",
        "$inference_response",
        infer(tensor("input", "FP32", [[0.5, 1.5], [2.5, 3.5]], [2, 2])),
        has={"predictions": [2.0, 6.0]},
    ),
    Case(
        "null for a double",
        "/v2/models/one/infer",
        "$inference_response",
        infer(tensor("x", "FP64", [None, 2.0])),
        has={"predictions": [-2.0, 4.0]},
    ),
    Case(
        "text, the optional input left out",
        "/v2/models/strings/infer",
        "$inference_response",
        infer(tensor("a", "BYTES", ["ü", "b"])),
        has={"predictions": ["ü|None", "b|None"]},
    ),
    Case(
        "bytes as text",
        "/v2/models/bytes/infer",
        "$inference_response",
        infer(tensor("raw", "BYTES", ["abc", ""])),
        has={"predictions": [3, 0]},
    ),
    Case(
        "bytes in base64",
        "/v2/models/bytes/infer",
        "$inference_response",
        infer(tensor("raw", "BYTES", [base64.b64encode(b"\0\1\2\3").decode()], parameters={"content_type": "base64"})),
        has={"predictions": [4]},
    ),
    Case(
        "truth values, and a table for an answer",
        "/v2/models/truths/infer",
        "$inference_response",
        infer(tensor("yes", "BOOL", [True, False]), tensor("n", "INT32", [1, 2])),
        has={"sum": [3, 4]},
    ),
    Case(
        "times with and without a zone",
        "/v2/models/times/infer",
        "$inference_response",
        infer(tensor("at", "BYTES", ["1970-01-01T00:00:01", "1970-01-01T01:00:02+01:00"])),
        has={"nanoseconds": [1_000_000_000, 2_000_000_000]},
    ),
    Case(
        "class probabilities",
        "/v2/models/probabilities/infer",
        "$inference_response",
        infer(X, N),
    ),
)
REFUSED: tuple[Case, ...] = tuple(
    Case(title, path, "$error_response", body, status, has)
    for title, path, body, status, has in (
        ("another model", "/v2/models/other/infer", infer(X, N), 404, "no model 'other'"),
        ("another version", "/v2/models/classifier/versions/9/infer", infer(X, N), 404, "no version '9'"),
        ("no JSON", INFER, "{", 400, "form"),
        ("no inputs", INFER, {"id": "1"}, 400, "'inputs' Field required"),
        ("inputs that are none", INFER, {"inputs": []}, 400, "'inputs'"),
        ("an input without data", INFER, infer({"name": "x", "shape": [1], "datatype": "FP64"}), 400, "data"),
        ("an id that is no text", INFER, infer(X, N, id=7), 400, "'id'"),
        ("an input missing", INFER, infer(X), 400, "'n' of record 0 is missing"),
        ("an input too many", INFER, infer(X, N, tensor("z", "FP64", [1, 2])), 400, "'z' of record 0 is not an input"),
        ("an input twice", INFER, infer(X, N, X), 400, "given twice"),
        ("an unknown datatype", INFER, infer(X | {"datatype": "FP12"}, N), 400, "datatype 'FP12'"),
        (
            "another datatype",
            INFER,
            infer(X, N | {"datatype": "FP64"}),
            400,
            "'n' is a tensor of FP64; the model takes",
        ),
        ("text for a number", INFER, infer(tensor("x", "BYTES", ["1", "2"]), N), 400, "tensor of BYTES"),
        ("an element of another type", INFER, infer(tensor("x", "FP64", [1.0, "2"]), N), 400, "'2' as element 1"),
        ("true for a number", INFER, infer(tensor("x", "FP64", [1.0, True]), N), 400, "True as element 1"),
        ("a fraction in INT64", INFER, infer(X, tensor("n", "INT64", [1, 1.5])), 400, "1.5 as element 1"),
        ("a number too large for INT8", INFER, infer(X, tensor("n", "INT8", [1, 200])), 400, "no INT8"),
        ("null for a long", INFER, infer(X, tensor("n", "INT64", [1, None])), 400, "'n' of record 1 is null"),
        ("more data than the shape says", INFER, infer(X | {"shape": [1]}, N), 400, "has 2 elements"),
        ("less data than the shape says", INFER, infer(X | {"shape": [3]}, N), 400, "asks for 3"),
        ("no shape", INFER, infer(X | {"shape": []}, N), 400, "shape"),
        ("a negative shape", INFER, infer(X | {"shape": [-2]}, N), 400, "shape [-2]"),
        ("three dimensions", INFER, infer(X | {"shape": [2, 1, 1]}, N), 400, "shape [2, 1, 1]"),
        ("rows of different lengths", INFER, infer(X | {"shape": [2, 2], "data": [[1], [1, 2]]}), 400, "lengths"),
        ("different numbers of records", INFER, infer(X, tensor("n", "INT64", [1])), 400, "has 1 records"),
        ("no records", INFER, infer(tensor("x", "FP64", []), tensor("n", "INT64", [])), 400, "no records"),
        ("an output that is none", INFER, infer(X, N, outputs=[{"name": "y"}]), 400, "no output 'y', only predictions"),
        (
            "one tensor for inputs of several types",
            INFER,
            infer(tensor("input", "FP64", [1, 2], [1, 2])),
            400,
            "one tensor for each of x FP64, n INT64",
        ),
        (
            "one tensor that is too narrow",
            "/v2/models/numbers/infer",
            infer(tensor("input", "FP64", [1, 2, 3], [1, 3])),
            400,
            "not all inputs side by side",
        ),
        ("a model that fails", "/v2/models/failing/infer", infer(tensor("x", "FP64", [1])), 500, "ZeroDivisionError"),
        ("too many records", INFER, infer(tensor("x", "FP64", [1] * 51), tensor("n", "INT64", [1] * 51)), 413, "50"),
        ("too long a body", INFER, infer(X, N, id="7" * 20_000), 413, "longer than"),
    )
)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, models: dict[str, Sealed]) -> Iterator[dict[str, TestClient]]:
    root = tmp_path_factory.mktemp("v2")
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(served_alone(root / kind, sealed, limits=Limits(records=50, body_bytes=16_384)))
            for kind, sealed in models.items()
        }


def asked(clients: dict[str, TestClient], case: Case) -> Any:
    """The answer of the model that the path names, in the form that the protocol's text describes."""
    client = clients.get(case.path.split("/")[3] if case.path.startswith("/v2/models/") else "", clients["classifier"])
    if case.body is None:
        answer = client.get(case.path)
    else:
        answer = client.post(case.path, content=case.body if isinstance(case.body, str) else json.dumps(case.body))
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    jsonschema.validate(document, SCHEMAS[case.schema])
    return document


@pytest.mark.parametrize("case", [case for case in READS if case.status == 200], ids=lambda case: case.title)
def test_health_and_metadata_are_told_as_the_protocol_has_them(clients: dict[str, TestClient], case: Case) -> None:
    answer = asked(clients, case)
    assert {name: answer[name] for name in case.has} == case.has


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.title)
def test_an_inference_is_answered_with_the_models_own_rows(clients: dict[str, TestClient], case: Case) -> None:
    answer = asked(clients, case)
    assert (answer["model_name"], answer["model_version"]) == (case.path.split("/")[3], "1")
    assert "id" not in answer
    assert answer["parameters"]["variant"] == "stable"
    for output in answer["outputs"]:
        assert len(output["data"]) == _product(output["shape"])
    if case.has is not None:
        assert {output["name"]: output["data"] for output in answer["outputs"]} == case.has


@pytest.mark.parametrize(
    "case", [*(case for case in READS if case.status != 200), *REFUSED], ids=lambda case: case.title
)
def test_what_is_refused_is_refused_with_the_status_and_the_words_for_it(
    clients: dict[str, TestClient], case: Case
) -> None:
    assert case.has in asked(clients, case)["error"]


def test_the_id_of_a_request_comes_back(clients: dict[str, TestClient]) -> None:
    assert asked(clients, Case("", INFER, "$inference_response", infer(X, N, id="42")))["id"] == "42"


def test_class_probabilities_are_a_tensor_of_two_columns_and_what_predict_scores(
    clients: dict[str, TestClient],
) -> None:
    path = "/v2/models/probabilities/infer"
    (output,) = asked(clients, Case("", path, "$inference_response", infer(X, N)))["outputs"]
    assert (output["datatype"], output["shape"]) == ("FP64", [2, 2])
    records = [{"x": 0.25, "n": 1}, {"x": 4.0, "n": 5}]
    told = clients["probabilities"].post("/predict", json={"records": records}).json()["predictions"]
    assert output["data"][1::2] == [one["score"] for one in told]


def test_predictions_can_be_labelled_by_the_ids_in_the_parameters(clients: dict[str, TestClient]) -> None:
    answer = asked(clients, Case("", INFER, "$inference_response", infer(X, N)))
    labels = [{"prediction_id": one, "label": 1} for one in answer["parameters"]["prediction_ids"].split(",")]
    assert clients["classifier"].post("/feedback", json={"labels": labels}).json()["accepted"] == 2


def test_a_refused_output_leaves_no_prediction_behind(clients: dict[str, TestClient]) -> None:
    counted = 'unipipe_decisions_total{decision="0"'
    before = _line(clients["classifier"], counted)
    asked(clients, Case("", INFER, "$error_response", infer(X, N, outputs=[{"name": "y"}]), 400))
    assert _line(clients["classifier"], counted) == before


def test_tensors_in_binary_are_refused(clients: dict[str, TestClient]) -> None:
    headers = {"Inference-Header-Content-Length": "10"}
    refused = clients["classifier"].post(INFER, json=infer(X, N), headers=headers)
    assert (refused.status_code, "binary" in refused.json()["error"]) == (400, True)


def test_the_model_in_the_path_chooses_the_variant_that_has_it(models: dict[str, Sealed], tmp_path: Path) -> None:
    one, two = models["classifier"], models["words"]
    variants = [
        wish(one.folder, one.bundle.digest, "stable", 100.0),
        wish(two.folder, two.bundle.digest, "shadow", 0.0, mirrored=True),
    ]
    with served(tmp_path, *variants) as client:
        assert client.post(INFER, json=infer(X, N)).json()["parameters"]["variant"] == "stable"
        other = client.post("/v2/models/words/infer", json=infer(X, N)).json()
        assert (other["model_name"], other["parameters"]["variant"]) == ("words", "shadow")
        assert other["outputs"][0]["datatype"] == "BYTES"
        wrong = client.post(INFER, json=infer(X, N), headers={"Unipipe-Variant": "shadow"})
        assert wrong.status_code == 404


def test_a_server_without_a_model_is_live_and_not_ready_and_says_why(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        assert client.get("/v2/health/live").status_code == 200
        ready, model = client.get("/v2/health/ready"), client.get("/v2/models/classifier/ready")
        refused = client.post(INFER, json=infer(X, N))
    assert (ready.status_code, ready.json()) == (503, {"live": True, "ready": False})
    assert (model.status_code, refused.status_code) == (503, 503)
    assert "No model is loaded" in refused.json()["error"]


def _product(shape: list[int]) -> int:
    return shape[0] * (shape[1] if len(shape) == 2 else 1)


def _line(client: TestClient, beginning: str) -> str:
    return next((line for line in client.get("/metrics").text.splitlines() if line.startswith(beginning)), "")


if __name__ == "__main__":
    rows = [("request", "path", "status", "answer")]
    print(
        printed([*rows, *((one.title, one.path, str(one.status), one.schema) for one in (*READS, *ANSWERED, *REFUSED))])
    )
