"""Writes what Evidently and NannyML answer, for the tests to compare with.

Each library runs in an environment of its own, because neither can live beside the other or beside this project:

    python3 -m venv /tmp/peers/evidently && /tmp/peers/evidently/bin/pip install 'evidently==0.7.*' 'pandas<3.1'
    python3 -m venv /tmp/peers/nannyml && /tmp/peers/nannyml/bin/pip install 'nannyml==0.13.*' statsmodels
    export PYTHONHASHSEED=0  # sums over sets come in the same order
    data=$(echo /tmp/peers/nannyml/lib/python3.*/site-packages/nannyml/datasets/data)
    /tmp/peers/nannyml/bin/python benchmarks/peers/make_expected.py samples "$data" tests/monitoring/expected
    /tmp/peers/evidently/bin/python benchmarks/peers/make_expected.py evidently "$data" tests/monitoring/expected
    /tmp/peers/nannyml/bin/python benchmarks/peers/make_expected.py nannyml "$data" tests/monitoring/expected

    UNIPIPE_NANNYML_DATA="$data" pytest tests/monitoring/methods/test_peers.py

Three kinds of input: `made` (columns.py), `samples` (every twentieth row of the car-loan set and every thirtieth of the
employment set, some columns, rounded: what is committed), and `full` (the whole sets, which only the wheel of NannyML holds).
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from columns import made_pairs

SETS = {
    "car_loan": (
        "synthetic_car_loan_reference.csv",
        "synthetic_car_loan_analysis.csv",
        20,
        (
            "car_value",
            "debt_to_income_ratio",
            "loan_length",
            "driver_tenure",
            "salary_range",
            "repaid_loan_on_prev_car",
            "size_of_downpayment",
            "y_pred_proba",
        ),
    ),
    "employment": (
        "employment_MA_reference.pq",
        "employment_MA_analysis.pq",
        30,
        ("AGEP", "SCHL", "MAR", "RELP", "ESP", "MIG", "DREM", "RAC1P", "predicted_probability"),
    ),
}
DIGITS = 4
EVIDENTLY = {"num": ("psi", "jensenshannon", "wasserstein", "ks"), "cat": ("psi", "jensenshannon", "chisquare")}
NANNYML = {
    "num": ("jensen_shannon", "hellinger", "wasserstein", "kolmogorov_smirnov"),
    "cat": ("jensen_shannon", "hellinger", "chi2", "l_infinity"),
}
FEW_VALUES = 20


def read(path: Path) -> pd.DataFrame:
    """A table, its categories as plain texts."""
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    for name in table.columns:
        if str(table[name].dtype) == "category":
            table[name] = table[name].astype(str)
    return table


def full(data: Path) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """The whole sets."""
    for name, (reference, current, _, columns) in SETS.items():
        yield name, read(data / reference)[list(columns)], read(data / current)[list(columns)]


def samples(folder: Path) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """The committed samples."""
    for name in SETS:
        yield name, *(pd.read_parquet(folder / f"{name}-{side}.parquet") for side in ("reference", "current"))


def write_samples(data: Path, folder: Path) -> None:
    """Every so many rows, rounded."""
    for name, reference, current in full(data):
        step = SETS[name][2]
        for side, table in (("reference", reference), ("current", current)):
            some = table.iloc[:: step * (4 if len(table) > 100_000 else 1)].round(DIGITS).reset_index(drop=True)
            some.to_parquet(folder / f"{name}-{side}.parquet", compression="zstd", index=False)


def pairs(data: Path, folder: Path) -> Iterator[tuple[str, str, pd.Series, pd.Series]]:
    """Kind of input, name, and the two columns."""
    for name, (then, now) in made_pairs().items():
        yield "made", name, pd.Series(then, name="x"), pd.Series(now, name="x")
    for kind, sets in (("samples", samples(folder)), ("full", full(data))):
        for name, reference, current in sets:
            for column in reference.columns:
                yield kind, f"{name}.{column}", reference[column], current[column]


def kinds(then: pd.Series, now: pd.Series) -> tuple[str, ...]:
    """As what a library can take a column: few whole numbers as numbers and as categories."""
    if then.dtype.kind not in "if":
        return ("cat",)
    few = then.dtype.kind == now.dtype.kind == "i" and then.nunique() <= FEW_VALUES
    return ("num", "cat") if few else ("num",)


def by_evidently(then: pd.Series, now: pd.Series, kind: str, method: str) -> dict[str, Any]:
    """The drift score and the verdict."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    named = {"num": "numerical_columns", "cat": "categorical_columns"}[kind]
    definition = DataDefinition(**{named: ["x"]})
    reference, current = (Dataset.from_pandas(side.to_frame("x"), definition) for side in (then, now))
    found = Report([ValueDrift(column="x", method=method)]).run(current, reference)
    (metric,) = found.dict()["metrics"]
    value, threshold = float(metric["value"]), float(metric["config"]["threshold"])
    # As the library's own functions compare them.
    drifted = {"ks": value <= threshold, "chisquare": value < threshold}.get(method, value >= threshold)
    return {"value": value, "threshold": threshold, "drifted": drifted}


def by_nannyml(then: pd.Series, now: pd.Series, kind: str, method: str) -> dict[str, Any]:
    """The value, the threshold of the reference's chunks, and the alert."""
    from nannyml.chunk import DefaultChunker
    from nannyml.drift.univariate.calculator import DEFAULT_THRESHOLDS
    from nannyml.drift.univariate.methods import FeatureType, MethodFactory

    feature = {"num": FeatureType.CONTINUOUS, "cat": FeatureType.CATEGORICAL}[kind]
    made = MethodFactory.create(method, feature, chunker=DefaultChunker(), threshold=DEFAULT_THRESHOLDS[method])
    fitted = made.fit(then)
    value = float(fitted.calculate(now))
    told = {"value": value, "threshold": fitted.upper_threshold_value, "drifted": bool(fitted.alert(value))}
    return told | ({"p_value": float(fitted._p_value)} if method == "chi2" else {})


LIBRARIES = {"evidently": (EVIDENTLY, by_evidently), "nannyml": (NANNYML, by_nannyml)}


def expected(library: str, data: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """One entry for each pair and method; with `error` where the library gave up."""
    methods, answer = LIBRARIES[library]
    for kind, name, then, now in pairs(data, folder):
        for taken_as in kinds(then, now):
            for method in methods[taken_as]:
                told: dict[str, Any] = {"input": kind, "column": name, "as": taken_as, "method": f"{library}:{method}"}
                try:
                    told |= answer(then, now, taken_as, method)
                except Exception as error:
                    told["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
                yield {key: _plain(value) for key, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, float):
        return value
    return float(f"{value:.12g}") if math.isfinite(value) else None


def main() -> None:
    """Write one file."""
    what, data, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    warnings.simplefilter("ignore")
    if what == "samples":
        write_samples(data, folder)
        return
    made_by = {name: version(name) for name in (what, "pandas", "numpy", "scipy")}
    lines = ",\n".join(json.dumps(entry) for entry in expected(what, data, folder))
    text = (
        f'{{"made_by": {json.dumps(made_by)}, "how": "benchmarks/peers/make_expected.py", "expected": [\n{lines}\n]}}\n'
    )
    (folder / f"{what}_drift.json").write_text(text)


if __name__ == "__main__":
    main()
