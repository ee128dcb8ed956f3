"""Estimates of performance beside NannyML's: how far apart they are, and whether alerts are raised for the same chunks.

    python benchmarks/performance_peers.py [--inputs FOLDER] [--markdown]

NannyML's figures are those that `benchmarks/peers/make_performance_expected.py` wrote down; FOLDER is what it was given as
--inputs, for the regression set that is not committed. One JSON line a figure, or the table of docs/monitoring/performance.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.cbpe import OF_CLASSES, fit_binary, fit_classes
from unipipe_tui.monitoring.quality.dle import fit_losses
from unipipe_tui.monitoring.quality.results import Band, Loss, Quality

HERE = Path(__file__).parent
EXPECTED = HERE.parent / "tests" / "monitoring" / "expected"
sys.path.insert(0, str(HERE / "peers"))
from made_regression import made_regression  # noqa: E402

THEIR_NAMES = {Quality.PR_AUC: "average_precision"}


@dataclass(frozen=True)
class Compared:
    """One figure over all chunks of a set's analysis part."""

    data: str
    method: str
    metric: str
    chunks: int
    largest_difference: float
    relative_difference: float
    """The largest, as a share of NannyML's value."""
    alerts: str
    """Chunks that raised one: ours / theirs; `same` when they are the same chunks."""
    same_alerts: bool
    in_range: int
    """Chunks whose labels lie in our range."""
    our_error: float
    """Mean distance of our estimate from what the labels show."""
    their_error: float


def compared(
    data: str,
    method: str,
    metric: str,
    ours: Sequence[Estimate],
    usual: Band | None,
    theirs: Mapping[str, Sequence[Any]],
) -> Compared:
    """Hold our estimates of all chunks against theirs."""
    values = [float(one.value) for one in ours if one.value is not None]
    apart = [abs(our - their) for our, their in zip(values, theirs["value"], strict=True)]
    alerts = [usual is not None and usual.alerts(value) for value in values]
    same = alerts == list(theirs["alert"])
    real = theirs["realized"]
    return Compared(
        data=data,
        method=method,
        metric=metric,
        chunks=len(values),
        largest_difference=max(apart),
        relative_difference=max(gap / abs(their) for gap, their in zip(apart, theirs["value"], strict=True)),
        alerts=f"{sum(alerts)} / {sum(theirs['alert'])}",
        same_alerts=same,
        in_range=sum((one.low or 0.0) <= r <= (one.high or 0.0) for one, r in zip(ours, real, strict=True)),
        our_error=float(np.mean(np.abs(np.array(values) - np.array(real)))),
        their_error=float(np.mean(np.abs(np.array(theirs["value"]) - np.array(real)))),
    )


def car_loan(expected: Mapping[str, Any]) -> list[Compared]:
    """CBPE of two classes, every figure."""
    table = pq.read_table(EXPECTED / "car_loan_scores.parquet").to_pydict()
    scores, decisions, labels = np.array(table["score_0"]) / 100, _yes(table["decision"]), _yes(table["label"])
    first, rows = expected["reference_rows"], expected["chunk_rows"]
    estimator = fit_binary(scores[:first], decisions[:first], labels[:first], rows)
    chunks = [slice(at, at + rows) for at in range(first, len(scores), rows)]
    return [
        compared(
            "car loan",
            "CBPE",
            metric.value,
            [estimator.estimate(metric, scores[at], decisions[at]) for at in chunks],
            estimator.usual.get(metric),
            expected["analysis"][THEIR_NAMES.get(metric, metric.value)],
        )
        for metric in Quality
    ]


def credit_cards(expected: Mapping[str, Any]) -> list[Compared]:
    """CBPE of three classes."""
    table = pq.read_table(EXPECTED / "credit_card_scores.parquet").to_pydict()
    scores = np.column_stack([np.array(table[f"score_{place}"]) / 100 for place in range(3)])
    chosen, labels = np.array(table["decision"], dtype=np.int64), np.array(table["label"], dtype=np.int64)
    first, rows = expected["reference_rows"], expected["chunk_rows"]
    estimator = fit_classes(scores[:first], chosen[:first], labels[:first], rows)
    chunks = [slice(at, at + rows) for at in range(first, len(scores), rows)]
    return [
        compared(
            "credit cards",
            "CBPE, 3 classes",
            metric.value,
            [estimator.estimate(metric, scores[at], chosen[at]) for at in chunks],
            estimator.usual.get(metric),
            expected["analysis"][metric.value],
        )
        for metric in OF_CLASSES
    ]


def made(expected: Mapping[str, Any]) -> list[Compared]:
    """DLE of a small regression problem that is made from a seed."""
    parts = []
    for size, age, region, predicted, true in made_regression(expected["rows"]):
        places = [("north", "south", "west")[int(one)] for one in region]
        parts.append(({"size": size.tolist(), "age": age.tolist(), "region": places}, predicted, true))
    return _losses("made regression", parts, expected)


def car_price(expected: Mapping[str, Any], inputs: Path) -> list[Compared]:
    """DLE of the regression set in NannyML's wheel."""
    parts = []
    for name in ("reference", "analysis"):
        table = pq.read_table(inputs / f"car_price_{name}.parquet").to_pydict()
        columns = {feature: table[feature] for feature in expected["features"]}
        parts.append((columns, np.array(table["y_pred"], dtype=float), np.array(table["y_true"], dtype=float)))
    return _losses("car price", parts, expected)


def _losses(data: str, parts: Sequence[Any], expected: Mapping[str, Any]) -> list[Compared]:
    (columns, predicted, true), (later, later_predicted, _) = parts
    rows = expected["chunk_rows"]
    estimator = fit_losses(columns, predicted, true, rows)
    chunks = [slice(at, at + rows) for at in range(0, len(later_predicted), rows)]
    cut: Callable[[slice], Any] = lambda at: {name: column[at] for name, column in later.items()}  # noqa: E731
    return [
        compared(
            data,
            "DLE",
            loss.value,
            [estimator.estimate(loss, cut(at), later_predicted[at]) for at in chunks],
            estimator.usual.get(loss),
            expected["analysis"][loss.value],
        )
        for loss in Loss
    ]


def _yes(column: Sequence[int]) -> Any:
    return np.array(column) == 1


def markdown(rows: Sequence[Compared]) -> str:
    """The table as it stands in the documentation."""
    lines = [
        "| set | method | figure | largest difference | relative | alerts, ours / theirs | error, ours / theirs "
        "| labels in our range |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in rows:
        same = "same chunks" if one.same_alerts else "other chunks"
        errors = f"{one.our_error:.4g} / {one.their_error:.4g}"
        cells = (
            one.data,
            one.method,
            f"`{one.metric}`",
            f"{one.largest_difference:.2g}",
            f"{one.relative_difference:.2g}",
        )
        lines.append(f"| {' | '.join(cells)} | {one.alerts}, {same} | {errors} | {one.in_range} of {one.chunks} |")
    return "\n".join(lines)


def main() -> None:
    """Compare all, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=Path)
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    expected = json.loads((EXPECTED / "nannyml_performance.json").read_text())
    rows = [
        *car_loan(expected["car_loan"]),
        *credit_cards(expected["credit_cards"]),
        *made(expected["made_regression"]),
    ]
    if asked.inputs is not None:
        rows += car_price(expected["car_price"], asked.inputs)
    print(markdown(rows) if asked.markdown else "\n".join(json.dumps(asdict(row)) for row in rows))


if __name__ == "__main__":
    main()
