"""A model that says how likely each of several classes is: it decides on the likeliest, and the log has them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.store.predictions.log import PredictionLog

from .in_process import served_alone
from .servers import Sealed, logged

pytestmark = pytest.mark.xdist_group("serving")


def test_the_likeliest_class_is_decided_and_the_log_has_the_probability_of_each(
    tmp_path: Path, models: dict[str, Sealed]
) -> None:
    records = [{"x": 0.1, "n": 1}, {"x": 4.5, "n": 5}, {"x": 2.5, "n": 3}]
    with served_alone(tmp_path, models["kinds"]) as client:
        told = client.post("/predict", json={"records": records, "ids": ["a", "b", "c"]}).json()["predictions"]
        shares = client.post("/invocations", json={"dataframe_records": records}).json()["predictions"]
        parameters = client.get("/v2/models/kinds").json()["parameters"]
        assert client.post("/predict", json={"records": records[:1], "ids": ["a"]}).json()["predictions"] == told[:1]
        assert client.post("/feedback", json={"labels": [{"prediction_id": "a", "label": "eel"}]}).is_success
    assert parameters == {"classes": ["cat", "dog", "eel"]}
    rows = {row["prediction_id"]: row for row in logged(tmp_path / "log")}
    for one, share in zip(told, shares, strict=True):
        row = rows[one["prediction_id"]]
        assert [row[f"probability.{name}"] for name in ("cat", "dog", "eel")] == share
        assert one["score"] is None
        assert one["decision"] == row["decision"] == ("cat", "dog", "eel")[share.index(max(share))]
    assert len({one["decision"] for one in told}) > 1


def test_classes_that_were_learnt_as_whole_floats_are_the_whole_numbers_that_labels_are(
    tmp_path: Path, models: dict[str, Sealed]
) -> None:
    with served_alone(tmp_path, models["grades"]) as client:
        (told,) = client.post("/predict", json={"records": [{"x": 0.1, "n": 1}], "ids": ["a"]}).json()["predictions"]
        assert client.get("/v2/models/grades").json()["parameters"] == {"classes": [1, 2, 3]}
        assert client.post("/feedback", json={"labels": [{"prediction_id": "a", "label": 1.0}]}).is_success
    assert told["decision"] == 1
    answered = PredictionLog(tmp_path).answered("log", 10)
    assert answered.decisions == answered.labels == ("1",)
    assert set(answered.probabilities) == {"1", "2", "3"}
