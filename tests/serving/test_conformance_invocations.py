"""`/invocations` held against MLflow's own scoring server, in one process over the same models: same bytes, same refusals.

`python -m tests.serving.test_conformance_invocations` prints the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pytest
from mlflow.pyfunc.scoring_server import init
from starlette.testclient import TestClient

from .in_process import printed, served, served_alone
from .servers import Sealed, wish

pytestmark = pytest.mark.xdist_group("serving")
JSON = "application/json"
CSV = "text/csv"


@dataclass(frozen=True)
class Case:
    """One body for one model; whether both answer it, or what each does when they differ."""

    title: str
    model: str
    body: Any
    ok: bool = True
    content_type: str | None = JSON
    mlflow: int | None = None
    """Its status where the two differ on purpose."""
    ours: int | None = None

    @property
    def sent(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def split(columns: list[str], *rows: list[Any], **more: Any) -> dict[str, Any]:
    return {"dataframe_split": {"columns": columns, "data": list(rows), **more}}


def each_form(columns: dict[str, list[Any]], **more: Any) -> dict[str, dict[str, Any]]:
    """The same records in all four forms."""
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    return {
        "dataframe_split": split(list(columns), *rows) | more,
        "dataframe_records": {"dataframe_records": records} | more,
        "instances": {"instances": records} | more,
        "inputs": {"inputs": columns} | more,
    }


def in_each_form(title: str, model: str, columns: dict[str, list[Any]], **more: Any) -> list[Case]:
    return [Case(f"{title}: {form}", model, body, **more) for form, body in each_form(columns).items()]


XN: dict[str, list[Any]] = {"x": [0.25, 4.0, 1e-17], "n": [1, 5, 3]}
SAME: tuple[Case, ...] = (
    *(case for kind in ("classifier", "words", "probabilities") for case in in_each_form(kind, kind, XN)),
    *in_each_form("float and integer", "regressor", {"x": [0.1, 3.3], "n": [1, 2]}),
    *in_each_form("strings, an optional one", "strings", {"a": ["ü", "b"], "b": ["c", ""]}),
    *in_each_form("strings, the optional one left out", "strings", {"a": ["x", "y"]}),
    Case("null beside text", "strings", split(["a"], ["x"], [None])),
    *in_each_form("booleans", "truths", {"yes": [True, False], "n": [1, 2]}),
    *in_each_form("0 and 1 as booleans", "truths", {"yes": [1, 0], "n": [1, 2]}),
    *in_each_form("datetimes", "times", {"at": ["2024-01-31T12:00:00", "1999-12-31T23:59:59"]}),
    *in_each_form("days as datetimes", "times", {"at": ["2024-01-31", "1999-12-31"]}),
    *in_each_form("nanoseconds as datetimes", "times", {"at": [1700000000000000000]}),
    *in_each_form("fractions of seconds", "times", {"at": ["2024-01-31 12:00:00.123456"]}),
    *in_each_form("no datetime", "times", {"at": ["soon"]}, ok=False),
    *in_each_form("optional columns left out", "columns", {"x": [1.0, 2.0]}),
    *in_each_form("an optional number is null", "columns", {"x": [1.0, 2.0], "z": [None, 1.5]}),
    *in_each_form("an optional whole number is null", "columns", {"x": [1.0, 2.0], "n": [None, 1]}, ok=False),
    *in_each_form("columns in another order, and one more", "classifier", {"n": [1], "more": ["?"], "x": [0.5]}),
    *in_each_form("whole numbers for double", "classifier", {"x": [1, 2], "n": [1, 5]}),
    *in_each_form("doubles without fraction for long", "classifier", {"x": [1.5, 2], "n": [1.0, 5.0]}),
    *in_each_form("numbers as text", "classifier", {"x": ["1.5", " 2 "], "n": ["1", "5"]}),
    *in_each_form("booleans for numbers", "classifier", {"x": [True, 0.5], "n": [True, 5]}),
    *in_each_form("null for a double that the model can do without", "one", {"x": [None, 2.0]}),
    *in_each_form("null for a long", "classifier", {"x": [1.0], "n": [None]}, ok=False),
    *in_each_form("words for a number", "classifier", {"x": ["many"], "n": [1]}, ok=False),
    *in_each_form("an object for a number", "classifier", {"x": [{"a": 1}], "n": [1]}, ok=False),
    *in_each_form("a list for a number", "classifier", {"x": [[1, 2]], "n": [1]}, ok=False),
    *in_each_form("a missing column", "classifier", {"x": [1.0]}, ok=False),
    *in_each_form("an infinite number", "classifier", {"x": [float("inf")], "n": [1]}, ok=False),
    Case("NaN as JSON does not have it", "one", '{"inputs": {"x": [NaN, 1.0]}}'),
    Case("base64 in a frame", "bytes", {"dataframe_records": [{"raw": "AAEC"}, {"raw": "/w=="}]}),
    Case("bytes as text in a tensor", "bytes", {"instances": [{"raw": "AAEC"}]}),
    Case("no base64", "bytes", {"dataframe_records": [{"raw": "A"}]}, ok=False),
    Case("params", "params", {"inputs": {"x": [1.0]}, "params": {"factor": 3.0, "word": "abc"}}),
    Case("params as defaults", "params", {"dataframe_records": [{"x": 1.0}]}),
    Case("params that are unknown", "params", {"dataframe_records": [{"x": 1.0}], "params": {"other": 1}}),
    Case("params of another type", "params", {"dataframe_records": [{"x": 1}], "params": {"factor": "x"}}, ok=False),
    Case("params that are no dictionary", "params", {"dataframe_records": [{"x": 1}], "params": [1]}, ok=False),
    Case("params of a model without any", "one", {"dataframe_records": [{"x": 1.0}], "params": {"a": 1}}),
    Case("split with an index", "classifier", split(["x", "n"], [0.5, 1], index=[7])),
    Case("split with a key too many", "classifier", split(["x", "n"], [0.5, 1], rows=1), ok=False),
    Case("split without data", "classifier", {"dataframe_split": {"columns": ["x", "n"]}}, ok=False),
    Case("split without columns", "classifier", {"dataframe_split": {"data": [[1.0, 2]]}}, ok=False),
    Case("split with a row too long", "classifier", split(["x", "n"], [0.5, 1, 2]), ok=False),
    Case("split with a column twice", "classifier", split(["x", "n", "x"], [0.5, 1, 2]), ok=False),
    Case("split with values for rows", "one", split(["x"], 1.0, 2.0)),  # type: ignore[arg-type]
    Case("split as a list", "classifier", {"dataframe_split": [1]}, ok=False),
    Case("records as a dictionary", "classifier", {"dataframe_records": {"x": [1], "n": [2]}}, ok=False),
    Case("records that are no objects", "classifier", {"dataframe_records": [[1, 2]]}, ok=False),
    Case("a record without a number", "classifier", {"dataframe_records": [{"x": 1, "n": 1}, {"x": 1}]}, ok=False),
    Case("a record without a double", "one", {"dataframe_records": [{"x": 1.0}, {"y": 1}]}),
    Case("an instance without a value", "classifier", {"instances": [{"x": 1, "n": 1}, {"x": 1}]}, ok=False),
    Case("instances without names for one input", "one", {"instances": [1, 2.5]}),
    Case("instances without names for two", "classifier", {"instances": [[1, 2]]}, ok=False),
    Case("inputs without names for one input", "one", {"inputs": [1, 2.5]}),
    Case("inputs without names for two", "classifier", {"inputs": [[1, 2]]}, ok=False),
    Case("inputs as records", "classifier", {"inputs": [{"x": 1, "n": 2}, {"x": 2, "n": 3}]}),
    Case("inputs of one record without lists", "classifier", {"inputs": {"x": 1, "n": 2}}),
    Case("inputs with a value for all records", "classifier", {"inputs": {"x": [1, 2], "n": 2}}),
    Case("inputs of different lengths", "classifier", {"inputs": {"x": [1, 2], "n": [2, 3, 4]}}, ok=False),
    Case("inputs as a value", "one", {"inputs": 5}, ok=False),
    Case("a number in a column of text, in a frame", "strings", split(["a"], [7])),
    Case("a number in a column of text, in a tensor", "strings", {"inputs": {"a": [7, 1.5, True]}}),
    Case("zones in a frame", "times", split(["at"], ["2024-01-31T12:00:00Z"]), ok=False),
    Case("times of two forms", "times", split(["at"], ["2024-01-31"], ["2024-01-31T12:00:00"]), ok=False),
    Case("a time too far", "times", split(["at"], ["2999-01-31"]), ok=False),
    Case("two forms at once", "one", {"inputs": [1], "instances": [1]}, ok=False),
    Case("none of the forms", "one", {"x": [1]}, ok=False),
    Case("a chat", "one", {"messages": [{"role": "user", "content": "?"}]}, ok=False),
    Case("a list", "one", [1], ok=False),
    Case("a number", "one", 1, ok=False),
    Case("no JSON", "one", "{", ok=False),
    Case("nothing", "one", "", ok=False),
    Case("UTF-8 said", "one", {"inputs": [1]}, content_type="application/json; charset=UTF-8"),
    Case("another charset", "one", {"inputs": [1]}, ok=False, content_type="application/json; charset=latin-1"),
    Case("an unknown setting", "one", {"inputs": [1]}, ok=False, content_type="application/json; a=b"),
    Case("a form of the web", "one", "x=1", ok=False, content_type="application/x-www-form-urlencoded"),
    Case("CSV", "classifier", "x,n\n0.5,1\n4.25,5\n", content_type=CSV),
    Case("CSV with Windows line ends, quotes and one column more", "strings", '"a",z\r\n"b,c",1\r\n', content_type=CSV),
    Case("CSV with nulls", "columns", "x,z,s\n0.5,,NA\nnull,1,x\n", content_type=CSV),
    Case("CSV with a null for a long", "classifier", "x,n\n0.5,\n", ok=False, content_type=CSV),
    Case("CSV with a fraction for a long", "classifier", "x,n\n0.5,1.5\n", ok=False, content_type=CSV),
    Case("CSV with words for a number", "classifier", "x,n\nmany,1\n", ok=False, content_type=CSV),
    Case("CSV with booleans", "truths", "yes,n\nTrue,1\nfalse,2\n", content_type=CSV),
    Case("CSV with words for booleans", "truths", "yes,n\nmaybe,1\n", ok=False, content_type=CSV),
    Case("CSV without a column", "classifier", "x\n0.5\n", ok=False, content_type=CSV),
    Case("CSV with a field too many", "classifier", "x,n\n0.5,1\n0.5,1,2\n", ok=False, content_type=CSV),
    Case("CSV with datetimes", "times", "at\n2024-01-31\n", ok=False, content_type=CSV),
    Case("CSV that is empty", "classifier", "", ok=False, content_type=CSV),
)
"""Both answer with the same bytes, or both refuse."""

APART: tuple[Case, ...] = (
    Case("a fraction for a long", "classifier", split(["x", "n"], [0.5, 1.5]), mlflow=200, ours=400),
    Case("a number too large for 32 bits", "truths", split(["yes", "n"], [True, 2**40]), mlflow=200, ours=400),
    Case("text for a truth value", "truths", split(["yes", "n"], ["false", 1]), mlflow=200, ours=400),
    Case("null for a truth value", "truths", split(["yes", "n"], [None, 1]), mlflow=200, ours=400),
    Case("no truth value", "truths", {"dataframe_records": [{"yes": True, "n": 1}, {"n": 1}]}, mlflow=200, ours=400),
    Case("null for text in a tensor (MLflow: 'None')", "strings", {"inputs": {"a": [None]}}, mlflow=200, ours=200),
    Case("times in the American form", "times", split(["at"], ["01/31/2024"]), mlflow=200, ours=400),
    Case("no content type (MLflow fails)", "one", {"inputs": [1]}, content_type=None, mlflow=500, ours=200),
    Case("a model that fails", "failing", {"inputs": [1]}, mlflow=400, ours=500),
    Case("no records", "one", {"inputs": []}, mlflow=200, ours=400),
    Case(
        "an index longer than the data", "classifier", split(["x", "n"], [0.5, 1], index=[7, 8]), mlflow=200, ours=400
    ),
)
"""They differ on purpose: MLflow would bend what was said, or blames the caller for what the model does."""


@dataclass(frozen=True)
class Pair:
    """The two servers over one model."""

    ours: TestClient
    mlflow: TestClient

    def ask(self, case: Case) -> tuple[Any, Any]:
        headers = {} if case.content_type is None else {"Content-Type": case.content_type}
        return tuple(one.post("/invocations", content=case.sent, headers=headers) for one in (self.ours, self.mlflow))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, models: dict[str, Sealed]) -> Iterator[dict[str, Pair]]:
    root = tmp_path_factory.mktemp("conformance")
    with ExitStack() as stack:
        pairs = {}
        for kind, sealed in models.items():
            ours = stack.enter_context(served_alone(root / kind, sealed))
            model = mlflow.pyfunc.load_model(str(sealed.folder / "model"))
            pairs[kind] = Pair(ours, TestClient(init(model), raise_server_exceptions=False))
        yield pairs


@pytest.mark.parametrize("case", SAME, ids=lambda case: f"{case.model} {case.title}")
def test_a_body_is_answered_to_the_byte_as_mlflow_does_or_refused_as_it_does(
    pairs: dict[str, Pair], case: Case
) -> None:
    ours, mlflow = pairs[case.model].ask(case)
    assert (mlflow.status_code == 200) == case.ok, mlflow.text
    if case.ok:
        assert (ours.status_code, ours.content) == (200, mlflow.content)
        assert ours.headers["content-type"] == mlflow.headers["content-type"]
    else:
        assert ours.status_code == (mlflow.status_code if mlflow.status_code == 415 else 400), ours.text


@pytest.mark.parametrize("case", APART, ids=lambda case: case.title)
def test_where_the_two_differ_they_differ_on_purpose(pairs: dict[str, Pair], case: Case) -> None:
    ours, mlflow = pairs[case.model].ask(case)
    assert (mlflow.status_code, ours.status_code) == (case.mlflow, case.ours), (mlflow.text, ours.text)


def test_a_refusal_has_mlflows_form_and_names_field_record_and_reason(pairs: dict[str, Pair]) -> None:
    ours, mlflow = pairs["classifier"].ask(Case("", "", split(["x", "n"], [0.5, 1], ["many", 2])))
    assert ours.status_code == mlflow.status_code == 400
    assert set(mlflow.json()) >= {"error_code", "message"}
    told = ours.json()
    assert told["error_code"] == "BAD_REQUEST"
    assert told["problems"] == [{"record": 1, "field": "x", "reason": "must be a number, not 'many'"}]
    assert "'x' of record 1 must be a number, not 'many'." in told["message"]


def test_ping_health_and_version_are_mlflows(pairs: dict[str, Pair]) -> None:
    both = pairs["one"]
    for path in ("/ping", "/health", "/version"):
        ours, mlflow = both.ours.get(path), both.mlflow.get(path)
        assert (ours.status_code, ours.content) == (mlflow.status_code, mlflow.content)
        assert ours.headers["content-type"] == mlflow.headers["content-type"]


def test_every_answer_says_in_headers_who_gave_it_and_under_which_ids(pairs: dict[str, Pair]) -> None:
    client = pairs["classifier"].ours
    answer = client.post("/invocations", json=split(["x", "n"], [0.5, 1], [4.0, 5]))
    told = {name: answer.headers[f"Unipipe-{name}"] for name in ("Model", "Version", "Variant")}
    assert told == {"Model": "classifier", "Version": "1", "Variant": "stable"}
    labels = [{"prediction_id": one, "label": 1} for one in answer.headers["Unipipe-Prediction-Ids"].split(",")]
    assert client.post("/feedback", json={"labels": labels}).json()["accepted"] == 2


def test_the_ids_of_many_predictions_are_told_as_a_beginning_and_a_range(pairs: dict[str, Pair]) -> None:
    client = pairs["classifier"].ours
    answer = client.post("/invocations", json=split(["x", "n"], *[[float(number), number] for number in range(1000)]))
    beginning, _, numbers = answer.headers["Unipipe-Prediction-Ids"].partition("-[")
    assert numbers == "0-999]"
    labels = [{"prediction_id": f"{beginning}-{number}", "label": 1} for number in (0, 999, 1000)]
    feedback = client.post("/feedback", json={"labels": labels}).json()
    assert (feedback["accepted"], feedback["unknown"]) == (2, [f"{beginning}-1000"])


def test_a_shadow_is_not_asked_what_it_would_be_asked_without_its_params(
    models: dict[str, Sealed], tmp_path: Path
) -> None:
    stable, shadow = models["params"], models["one"]
    variants = [
        wish(stable.folder, stable.bundle.digest),
        wish(shadow.folder, shadow.bundle.digest, "shadow", 0.0, mirrored=True),
    ]
    dropped = 'unipipe_shadow_dropped_total{model="one",variant="shadow",version="1"} 1.0'
    with served(tmp_path, *variants) as client:
        body = {"inputs": {"x": [1.0]}}
        assert client.post("/invocations", json=body).status_code == 200
        assert dropped not in client.get("/metrics").text
        assert client.post("/invocations", json=body | {"params": {"factor": 2.0}}).json() == {"predictions": [2.0]}
        assert dropped in client.get("/metrics").text


if __name__ == "__main__":
    same = [("model", "body", "both"), *((one.model, one.title, "answer" if one.ok else "refuse") for one in SAME)]
    apart = [("body", "MLflow", "unipipe"), *((one.title, str(one.mlflow), str(one.ours)) for one in APART)]
    print(printed(same), printed(apart), sep="\n\n")
