"""Asks a library itself about windows that `benchmarks/false_alarms.py` wrote down: which columns drifted, by its defaults.

Run by that script with the Python of an environment that has Evidently 0.7 or NannyML 0.13 (see `make_expected.py`):

    ENV/bin/python benchmarks/peers/judge_windows.py evidently|nannyml CASES.json

It writes a JSON list to stdout: for each case, by judge and column, whether it drifted.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

Verdicts = dict[str, dict[str, bool]]
DRIFT_SHARE = 0.5


def by_evidently(case: Mapping[str, Any]) -> Verdicts:
    """The preset for drift as it comes; of what kind a column is, the library says by the reference."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.core.datasets import infer_column_type
    from evidently.presets import DataDriftPreset

    reference, window = read(case["reference"]), pd.read_parquet(case["window"])
    kinds = {name: infer_column_type(reference[name]).value for name in reference.columns}
    definition = DataDefinition(
        numerical_columns=[name for name, kind in kinds.items() if kind == "num"],
        categorical_columns=[name for name, kind in kinds.items() if kind == "cat"],
    )
    then, now = (Dataset.from_pandas(side, definition) for side in (reference, window))
    columns: dict[str, bool] = {}
    share = 0.0
    for metric in Report([DataDriftPreset()]).run(now, then).dict()["metrics"]:
        config = metric["config"]
        if config["type"].endswith("ValueDrift"):
            columns[config["column"]] = _drifted(float(metric["value"]), config["method"], config["threshold"])
        else:
            share = float(metric["value"]["share"])
    return {"Evidently, any column": columns, "Evidently, half of the columns": {"": share >= DRIFT_SHARE}}


def _drifted(value: float, method: str, threshold: float) -> bool:
    """As the library's own functions compare: p-values below, distances above."""
    if "p_value" in method:
        return value <= threshold if "K-S" in method else value < threshold
    return value >= threshold


def by_nannyml(case: Mapping[str, Any]) -> Verdicts:
    """The calculator as it comes, with chunks like the window and with ten chunks of the reference."""
    window = pd.read_parquet(case["window"])
    rows = case["rows"]
    found = {"NannyML, ten chunks": _ten(case["reference"], window)}
    if len(read(case["reference"])) // rows >= 2:
        found["NannyML, chunks like the window"] = _own(case["reference"], rows, window)
    return found


def _own(reference: str, rows: int, window: pd.DataFrame) -> dict[str, bool]:
    calculator = fitted(reference, rows)
    result = calculator.calculate(window).filter(period="analysis").data
    return {name: bool(result[(name, "jensen_shannon", "alert")].iloc[0]) for name in window.columns}


def _ten(reference: str, window: pd.DataFrame) -> dict[str, bool]:
    """The window as a whole against the thresholds that the default chunks of the reference gave."""
    calculator = fitted(reference, None)
    alerts = {}
    for name in window.columns:
        (method,) = calculator._column_to_models_mapping[name]
        alerts[name] = bool(method.alert(method.calculate(window[name])))
    return alerts


@cache
def fitted(reference: str, rows: int | None) -> Any:
    """A calculator that knows a reference; `rows` of a chunk, or the library's own number of chunks."""
    from nannyml import UnivariateDriftCalculator

    table = read(reference)
    return UnivariateDriftCalculator(column_names=list(table.columns), chunk_size=rows).fit(table)


@cache
def read(path: str) -> pd.DataFrame:
    """A table."""
    return pd.read_parquet(path)


LIBRARIES: Mapping[str, Callable[[Mapping[str, Any]], Verdicts]] = {"evidently": by_evidently, "nannyml": by_nannyml}


def main() -> None:
    """Judge all cases."""
    warnings.simplefilter("ignore")
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    # NannyML sorts texts and numbers apart by types that the texts of pandas 3 do not have.
    pd.set_option("future.infer_string", False)
    judge, cases = LIBRARIES[sys.argv[1]], json.loads(Path(sys.argv[2]).read_text())
    print(json.dumps([judge(case) for case in cases]))


if __name__ == "__main__":
    main()
