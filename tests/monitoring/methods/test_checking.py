"""A check by a method of one's own choice finds what moved, is calm about what did not, and says a sentence about bad data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.drift import ColumnDrift, ColumnKind, DriftReport
from unipipe_tui.monitoring.methods.checking import Counted, check_by
from unipipe_tui.monitoring.methods.method import Scale
from unipipe_tui.monitoring.methods.registry import METHODS, method_of
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files

EVERY = [method.name for method in METHODS]
OF_NUMBERS = [method.name for method in METHODS if Scale.NUMBERS in method.scales]
OF_CATEGORIES = [method.name for method in METHODS if Scale.CATEGORIES in method.scales]
ROWS = 3_000
TIMES = [datetime(2026, 3, 29, tzinfo=UTC) + timedelta(hours=hour) for hour in range(ROWS)]


def spread(rows: int, step: int = 7919) -> Any:
    """Numbers between 0 and 1, evenly and in a mixed order."""
    return ((np.arange(rows) * step) % 10_007 + 0.5) / 10_007


def bell(rows: int, step: int = 7919) -> Any:
    share = spread(rows, step)
    return np.log(share / (1 - share)) * 0.55


def names(rows: int, step: int = 7919) -> list[str]:
    return ["xy"[int(value > 0.7)] for value in spread(rows, step)]


def between(folder: Path, method: DriftMethod, reference: Mapping[str, Any], current: Mapping[str, Any]) -> DriftReport:
    """The report of two tables."""
    paths = folder / "reference.parquet", folder / "current.parquet"
    for path, columns in zip(paths, (reference, current), strict=True):
        pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
    return between_files(method, *paths)


def between_files(method: DriftMethod, reference: Path, current: Path) -> DriftReport:
    then, now = Files((str(reference),)), Files((str(current),))
    known = profile(then)
    return check_by(method, Counted(then, known), now)


THEN = {
    "stays": bell(ROWS),
    "moves": bell(ROWS),
    "text stays": names(ROWS),
    "text moves": names(ROWS),
    "infinite": np.append(bell(ROWS - 1), np.inf),
    "huge": pa.array([2**62 + int(value * 1e6) for value in spread(ROWS)], pa.int64()),
    "unsigned": pa.array([2**64 - 1 - int(value * 1e6) for value in spread(ROWS)], pa.uint64()),
    "wild": bell(ROWS) * 10.0 ** (np.arange(ROWS) % 300),
    "few": (spread(ROWS) * 4).astype(int),
    "number": [7.25] * ROWS,
    "zero": [0.0] * ROWS,
    "whole": [3] * ROWS,
    "text": ["a"] * ROWS,
    "flag": [True] * ROWS,
    "largest": [1e308] * ROWS,
    "empty": pa.array([None] * ROWS, pa.float64()),
    "nan": [float("nan")] * ROWS,
    "emptied": bell(ROWS),
    "filled": pa.array([None] * ROWS, pa.float64()),
    "gone": bell(ROWS),
    "was number": bell(ROWS),
    "time": pa.array(TIMES, pa.timestamp("us", "Europe/Berlin")),
}
NOW = THEN | {
    "stays": bell(ROWS, 4_801),
    "moves": bell(ROWS, 4_801) + 0.5,
    "text stays": names(ROWS, 4_801),
    "text moves": ["xyy"[row % 3] for row in range(ROWS)],
    "infinite": np.concatenate([[np.inf], bell(ROWS - 2, 4_801), [-np.inf]]),
    "huge": pa.array([2**62 + int(value * 1e6) for value in spread(ROWS, 4_801)], pa.int64()),
    "wild": THEN["wild"][::-1].copy(),
    "few": np.where(np.arange(ROWS) % 9 == 0, np.nan, np.floor(spread(ROWS, 4_801) * 4)),
    "filled": bell(ROWS),
    "was number": names(ROWS),
    "time": pa.array(TIMES, pa.timestamp("us", "America/New_York")),
}
CONSTANTS = ("number", "zero", "whole", "text", "flag", "largest")
WITHOUT_A_VALUE = ("empty", "nan", "filled")
MANY = {"number": bell(500), "text": names(500), "flag": [True, False] * 250, "few": [1, 2] * 250}
FEW_ROWS = {
    "number": pa.array([99.0] * 5, pa.float64()),
    "text": pa.array(["new"] * 5, pa.string()),
    "flag": pa.array([False] * 5, pa.bool_()),
    "few": pa.array([77] * 5, pa.int64()),
}


class Sets:
    """Sets of rows that the tests share, each counted once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Counted] = {}
        self._reports: dict[DriftMethod, Mapping[str, ColumnDrift]] = {}

    def written(self, name: str, columns: Mapping[str, Any], like: Counted | None = None) -> Counted:
        if name not in self._made:
            path = self._folder / f"{name}.parquet"
            pq.write_table(pa.table({key: pa.array(values) for key, values in columns.items()}), path)
            source = Files((str(path),))
            self._made[name] = Counted(source, profile(source, like=like.profile if like else None))
        return self._made[name]

    def report(self, method: DriftMethod) -> Mapping[str, ColumnDrift]:
        """What the method says of every column of `THEN` and `NOW`."""
        if method not in self._reports:
            then = self.written("then", THEN)
            now = {("renamed" if name == "gone" else name): values for name, values in NOW.items()}
            found = check_by(method, then, self.written("now", now, then).source)
            self._reports[method] = {column.column: column for column in found.columns}
        return self._reports[method]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    return Sets(tmp_path_factory.mktemp("sets"))


@pytest.mark.parametrize("method", EVERY)
def test_what_moved_is_found_and_what_did_not_is_left_alone(method: DriftMethod, sets: Sets) -> None:
    found = sets.report(method)
    wanted = {
        "stays": False,
        "moves": method in OF_NUMBERS,
        "text stays": False,
        "text moves": method in OF_CATEGORIES,
    }
    assert {name: found[name].drifted for name in wanted} == wanted


@pytest.mark.parametrize("method", EVERY)
def test_a_figure_is_told_with_its_method_its_logarithm_its_bins_and_its_sample_sizes(
    method: DriftMethod, sets: Sets
) -> None:
    found = sets.report(method)["stays" if method in OF_NUMBERS else "text stays"]
    assert found.method == method
    assert found.reason.startswith(f"{method} ")
    assert "3,000 and 3,000 values" in found.reason
    assert found.bins in found.reason
    assert (found.base == "") == ("logarithm" not in found.reason)
    assert found.value is not None


@pytest.mark.parametrize("method", EVERY)
def test_bad_columns_raise_no_alarm_and_each_has_its_sentence(method: DriftMethod, sets: Sets) -> None:
    found = sets.report(method)
    assert [name for name in (*CONSTANTS, "infinite", "huge", "unsigned", "wild", "few") if found[name].drifted] == []
    assert [name for name in WITHOUT_A_VALUE if found[name].drifted or found[name].value is not None] == []
    assert [name for name, column in found.items() if not column.reason.endswith(".")] == []
    if method in OF_NUMBERS and method_of(method).of_values is not None:
        assert "infinite left out" in found["infinite"].reason
        assert found["huge"].value is not None


@pytest.mark.parametrize("method", EVERY)
def test_numbers_whose_spread_is_beyond_all_numbers_have_a_sentence_in_place_of_a_figure(
    method: DriftMethod, sets: Sets
) -> None:
    then = sets.written("wide then", {"x": [-1e308, 1e308] * (ROWS // 2)})
    (column,) = check_by(method, then, sets.written("wide now", {"x": spread(ROWS)}, then).source).columns
    assert all(math.isfinite(figure) for figure in (column.value, column.effect) if figure is not None)
    assert column.reason.endswith(".")


@pytest.mark.parametrize("method", EVERY)
def test_a_column_that_is_gone_or_of_another_type_is_drift_of_the_schema(method: DriftMethod, sets: Sets) -> None:
    found = sets.report(method)
    assert {name: column.method for name, column in found.items() if column.drifted and "moves" not in name} == {
        "gone": "schema",
        "was number": "schema",
    }
    assert "no such column" in found["gone"].reason


@pytest.mark.parametrize("method", EVERY)
def test_times_with_zones_are_said_to_be_incomparable(method: DriftMethod, sets: Sets) -> None:
    found = sets.report(method)["time"]
    assert (found.drifted, found.value) == (False, None)
    assert "cannot be compared" in found.reason


@pytest.mark.parametrize("method", EVERY)
def test_few_rows_on_either_side_are_never_drift(method: DriftMethod, sets: Sets) -> None:
    many, few = sets.written("many", MANY), sets.written("few rows", FEW_ROWS)
    for reference, current in (
        (many, sets.written("five now", FEW_ROWS, many)),
        (many, sets.written("one now", {name: values.slice(0, 1) for name, values in FEW_ROWS.items()}, many)),
        (many, sets.written("none now", {name: values.slice(0, 0) for name, values in FEW_ROWS.items()}, many)),
        (few, sets.written("many now", MANY, few)),
    ):
        report = check_by(method, reference, current.source)
        assert not report.drifted
        assert [found.reason for found in report.columns if not found.reason.endswith(".")] == []
        assert any("too few" in found.reason or "no value" in found.reason for found in report.columns)


@pytest.mark.parametrize("method", [DriftMethod.PSI, DriftMethod.EVIDENTLY_PSI, DriftMethod.NANNYML_CHI2])
def test_mixed_types_of_a_csv_are_texts_on_both_sides(method: DriftMethod, tmp_path: Path) -> None:
    reference, current = tmp_path / "reference.csv", tmp_path / "current.csv"
    reference.write_text("x\n" + "".join(f"{'a' if row % 50 == 0 else row % 7}\n" for row in range(1_000)))
    current.write_text("x\n" + "".join(f"{row % 7}\n" for row in range(1_000)))
    (found,) = between_files(method, reference, current).columns
    assert found.kind is ColumnKind.CATEGORICAL
    assert found.bins.startswith("8 values")


def test_a_column_whose_values_are_all_gone_has_no_figure_and_its_gaps_are_told(tmp_path: Path) -> None:
    emptied = pa.array([None] * 500, pa.float64())
    (found,) = between(tmp_path, DriftMethod.EVIDENTLY_PSI, {"x": bell(500)}, {"x": emptied}).columns
    assert (found.value, found.drifted, found.method) == (None, False, "evidently:psi")
    assert found.reason.startswith("The current data holds no value")
    assert "Missing values 0.0 % → 100.0 %, which this method does not judge." in found.reason


def test_a_csv_keeps_the_order_of_its_rows_so_that_chunks_of_a_reference_are_the_same(tmp_path: Path) -> None:
    values = np.sort(bell(100_000))
    lines = tmp_path / "rows.csv"
    lines.write_text("x\n" + "".join(f"{value!r}\n" for value in values.tolist()))
    table = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"x": values}), table)
    found = [between_files(DriftMethod.NANNYML_JENSEN_SHANNON, path, table).columns[0] for path in (lines, table)]
    assert found[0].threshold is not None
    assert found[0].threshold == found[1].threshold


def test_p_values_decide_adjusted_for_the_columns_and_are_told_as_they_are(tmp_path: Path) -> None:
    columns = {f"c{number}": bell(400, 7919 + 2 * number) for number in range(20)}
    moved = {name: values + (0.5 if name == "c3" else 0.0) for name, values in columns.items()}
    report = between(tmp_path, DriftMethod.KS, columns, moved)
    found = report.columns[3]
    assert found.p_value is not None
    assert found.p_value < 1e-3
    assert "adjusted for the columns" in found.reason
    assert report.drifted_columns == ("c3",)
