"""Estimates without labels, held against the figures that NannyML 0.13 gave for the same rows.

The figures and the rows (scores in hundredths, decisions, labels) were written by benchmarks/peers/make_performance_expected.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.calibrators import AsTheyAre
from unipipe_tui.monitoring.quality.cbpe import OF_CLASSES, BinaryEstimator, fit_binary, fit_classes
from unipipe_tui.monitoring.quality.dle import fit_losses
from unipipe_tui.monitoring.quality.results import Band, Loss, Quality

EXPECTED = Path(__file__).parent / "expected"
THEIR_NAMES = {Quality.PR_AUC: "average_precision"}


@pytest.fixture(scope="module")
def nannyml() -> dict[str, Any]:
    """What NannyML said."""
    found: dict[str, Any] = json.loads((EXPECTED / "nannyml_performance.json").read_text())
    return found


def rows_of(name: str) -> dict[str, np.ndarray]:
    """The columns of a committed sample of a set."""
    return {column: np.array(values) for column, values in pq.read_table(EXPECTED / name).to_pydict().items()}


def test_figures_of_the_car_loan_set_are_those_of_nannyml_and_alerts_are_raised_for_the_same_chunks(
    nannyml: dict[str, Any],
) -> None:
    expected, rows = nannyml["car_loan"], rows_of("car_loan_scores.parquet")
    scores, decisions, labels = rows["score_0"] / 100, rows["decision"] == 1, rows["label"] == 1
    first, size = expected["reference_rows"], expected["chunk_rows"]
    estimator = fit_binary(scores[:first], decisions[:first], labels[:first], size)
    assert not isinstance(estimator.calibrator, AsTheyAre)
    for metric in Quality:
        theirs = expected["analysis"][THEIR_NAMES.get(metric, metric.value)]
        ours = [estimator.estimate(metric, scores[at], decisions[at]) for at in chunks(first, len(scores), size)]
        same(ours, estimator.usual[metric], theirs, apart=1e-6)
    assert sum(expected["analysis"]["roc_auc"]["alert"]) == 5


def test_figures_of_three_classes_are_those_of_nannyml(nannyml: dict[str, Any]) -> None:
    expected, rows = nannyml["credit_cards"], rows_of("credit_card_scores.parquet")
    scores = np.column_stack([rows[f"score_{place}"] / 100 for place in range(3)])
    chosen, labels = rows["decision"].astype(np.int64), rows["label"].astype(np.int64)
    first, size = expected["reference_rows"], expected["chunk_rows"]
    estimator = fit_classes(scores[:first], chosen[:first], labels[:first], size)
    for metric in OF_CLASSES:
        ours = [estimator.estimate(metric, scores[at], chosen[at]) for at in chunks(first, len(scores), size)]
        same(ours, estimator.usual[metric], expected["analysis"][metric.value], apart=1e-5)


def test_losses_of_a_regression_are_near_those_of_nannyml_and_alerts_are_raised_for_the_same_chunks(
    nannyml: dict[str, Any],
) -> None:
    expected = nannyml["made_regression"]
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "peers"))
    from made_regression import made_regression

    parts = []
    for size, age, region, predicted, true in made_regression(expected["rows"]):
        places = [("north", "south", "west")[int(one)] for one in region]
        parts.append(({"size": size.tolist(), "age": age.tolist(), "region": places}, predicted, true))
    (columns, predicted, true), (later, later_predicted, _) = parts
    wanted = (Loss.MAE, Loss.RMSE)
    estimator = fit_losses(columns, predicted, true, expected["chunk_rows"], wanted)
    for loss in wanted:
        ours = [
            estimator.estimate(loss, {name: column[at] for name, column in later.items()}, later_predicted[at])
            for at in chunks(0, len(later_predicted), expected["chunk_rows"])
        ]
        # Trees of another library: near, not equal.
        same(ours, estimator.usual[loss], expected["analysis"][loss.value], apart=0.02, relative=True)


def test_what_is_usual_is_what_three_deviations_over_the_chunks_of_the_reference_span(nannyml: dict[str, Any]) -> None:
    realized = nannyml["car_loan"]["reference"]["roc_auc"]["realized"]
    theirs = nannyml["car_loan"]["analysis"]["roc_auc"]
    assert np.mean(realized) - 3 * np.std(realized) == pytest.approx(theirs["lower_threshold"][0], abs=1e-8)


def test_a_reference_of_one_label_is_not_calibrated_and_one_without_scores_is_refused() -> None:
    scores = np.linspace(0, 1, 200)
    estimator = fit_binary(scores, scores > 0.5, np.zeros(200, dtype=bool), 20)
    assert isinstance(estimator.calibrator, AsTheyAre)
    assert isinstance(estimator, BinaryEstimator)
    with pytest.raises(Exception, match="No row of the reference has a score"):
        fit_binary(np.full(5, np.nan), np.ones(5, dtype=bool), np.ones(5, dtype=bool), 5)


def test_scores_beyond_probabilities_are_always_calibrated() -> None:
    generator = np.random.default_rng(1)
    labels = generator.random(2000) < 0.4
    scores = generator.normal(labels * 2.0, 3.0)
    estimator = fit_binary(scores, scores > 1, labels, 200)
    assert not isinstance(estimator.calibrator, AsTheyAre)
    found = estimator.estimate(Quality.ACCURACY, scores, scores > 1)
    assert found.value == pytest.approx(((scores > 1) == labels).mean(), abs=0.01)


def chunks(first: int, rows: int, size: int) -> list[slice]:
    return [slice(at, at + size) for at in range(first, rows, size)]


def same(ours: list[Estimate], usual: Band, theirs: dict[str, Any], apart: float, relative: bool = False) -> None:
    values = [one.value for one in ours]
    near = pytest.approx(theirs["value"], rel=apart) if relative else pytest.approx(theirs["value"], abs=apart)
    assert values == near
    assert usual.low == pytest.approx(theirs["lower_threshold"][0], abs=1e-6)
    assert usual.high == pytest.approx(theirs["upper_threshold"][0], abs=1e-6)
    assert [usual.alerts(value) for value in values] == theirs["alert"]
