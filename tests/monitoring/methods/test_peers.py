"""Methods with a library before the colon answer what that library answers, to 1e-6: on made columns and on real data.

The expected numbers were made by `benchmarks/peers/make_expected.py` in environments of the libraries' own.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.methods.decisions import Found
from unipipe_tui.monitoring.methods.registry import METHODS, method_of
from unipipe_tui.monitoring.rows import open_rows
from unipipe_tui.monitoring.sources import Files

ROOT = Path(__file__).parents[3]
EXPECTED = ROOT / "tests" / "monitoring" / "expected"
WHEEL = Path(os.environ.get("UNIPIPE_NANNYML_DATA", "/nowhere"))
"""The data sets inside the wheel of NannyML; without them only the samples are compared."""
FULL = {
    "car_loan": ("synthetic_car_loan_reference.csv", "synthetic_car_loan_analysis.csv"),
    "employment": ("employment_MA_reference.pq", "employment_MA_analysis.pq"),
}
GAVE_UP = {("one text", DriftMethod.EVIDENTLY_CHISQUARE)}
"""Where the library answers no number, and so do we."""


@cache
def expected() -> Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]:
    """What the libraries answered, by kind of input and column."""
    by_column: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for library in ("evidently", "nannyml"):
        for entry in json.loads((EXPECTED / f"{library}_drift.json").read_text())["expected"]:
            by_column.setdefault((entry["input"], entry["column"]), []).append(entry)
    return by_column


@cache
def made_pairs() -> Mapping[str, tuple[Any, Any]]:
    """The columns that both sides make for themselves."""
    spec = importlib.util.spec_from_file_location("columns", ROOT / "benchmarks" / "peers" / "columns.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.made_pairs())


def columns_of(kind: str) -> list[str]:
    return sorted(column for of, column in expected() if of == kind)


def differences(entries: Sequence[Mapping[str, Any]], column: str, reference: Path, current: Path) -> list[str]:
    """Where we answer anything else than the library."""
    found = []
    with open_rows(Files((str(reference),))) as then, open_rows(Files((str(current),))) as now:
        sides = {
            "num": tuple(rows.numbers(column) for rows in (then, now)),
            "cat": tuple(rows.labels(column) for rows in (then, now)),
        }
        for entry in entries:
            method = method_of(DriftMethod(entry["method"]))
            assert method.of_values is not None
            ours = method.of_values(*sides[entry["as"]])
            known = Found(ours.value, ours.p_value, ours.effect, ours.limit)
            told = {
                "value": ours.value if np.isfinite(ours.value) else None,
                "threshold": method.decision.threshold(known),
                "drifted": method.decision.drifted(known),
                "p_value": ours.p_value,
            }
            for field in told.keys() & entry.keys():
                is_figure = field in ("value", "p_value") or (field == "threshold" and ours.limit is not None)
                close = (
                    told[field] == pytest.approx(entry[field], rel=1e-6, abs=1e-9)
                    if is_figure and entry[field] is not None
                    else field == "threshold" or told[field] == entry[field]
                )
                if not close:
                    found.append(f"{method.name} as {entry['as']}: {field} {told[field]} instead of {entry[field]}")
    return found


@pytest.mark.parametrize("name", columns_of("made"))
def test_a_made_column_has_the_figures_of_the_libraries(name: str, tmp_path: Path) -> None:
    paths = tmp_path / "reference.parquet", tmp_path / "current.parquet"
    for path, values in zip(paths, made_pairs()[name], strict=True):
        pq.write_table(pa.table({"x": pa.array(values)}), path)
    assert not differences(expected()["made", name], "x", *paths)


@pytest.mark.parametrize("name", columns_of("samples"))
def test_a_column_of_a_real_data_set_has_the_figures_of_the_libraries(name: str) -> None:
    data, column = name.split(".")
    paths = (EXPECTED / f"{data}-{side}.parquet" for side in ("reference", "current"))
    assert not differences(expected()["samples", name], column, *paths)


@pytest.mark.skipif(not WHEEL.is_dir(), reason="UNIPIPE_NANNYML_DATA names no folder with the data sets of NannyML")
@pytest.mark.parametrize("name", columns_of("full"))
def test_a_whole_data_set_has_the_figures_of_the_libraries(name: str) -> None:
    data, column = name.split(".")
    assert not differences(expected()["full", name], column, *(WHEEL / file for file in FULL[data]))


def test_every_method_of_a_library_was_compared_with_it() -> None:
    compared = {DriftMethod(entry["method"]) for entries in expected().values() for entry in entries}
    assert compared == {method.name for method in METHODS if ":" in method.name}
