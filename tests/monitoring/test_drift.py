"""When drift is found, when it is not, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.monitoring.cells import OTHER, bin_labels
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    Distribution,
    NumericDistribution,
    Profile,
    make_profile,
)
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, ColumnKind, DriftReport, Method, check_all, check_drift
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files

REFERENCE_ROWS = 24_000
WINDOW_ROWS = 3_000


def payments(chance: np.random.Generator, rows: int) -> dict[str, Any]:
    """Ten columns as a payment table has them: skewed, spiked, rare, many-valued."""
    few = np.array([0.5, 0.3, 0.15, 0.049, 0.001])
    return {
        "age": chance.normal(40, 12, rows),
        "amount": chance.lognormal(3, 1, rows),
        "seconds": chance.exponential(60, rows),
        "refund": np.where(chance.random(rows) < 0.8, 0.0, chance.random(rows)),
        "score": chance.beta(0.5, 8, rows),
        "items": chance.poisson(3, rows) * 10.0 + chance.integers(0, 2, rows),
        "region": chance.choice(["north", "south", "east", "west", "islands"], rows, p=few),
        "merchant": np.char.add("m", chance.zipf(1.6, rows).astype(str)),
        "device": np.char.add("d", chance.integers(0, 5000, rows).astype(str)),
        "foreign": chance.random(rows) < 0.02,
    }


def counted(columns: Mapping[str, Any], like: Profile) -> Profile:
    """What `profile(…, like=…)` counts, by NumPy: some hundred windows are wanted."""
    found: list[tuple[str, Distribution]] = []
    for name, distribution in like.columns:
        if isinstance(distribution, NumericDistribution):
            cells = np.searchsorted(distribution.edges, columns[name], side="left")
            counts = np.bincount(cells, minlength=len(distribution.counts)).tolist()
            found.append((name, replace(distribution, counts=tuple(counts), mean=float(np.mean(columns[name])))))
        else:
            named, counts = np.unique(columns[name], return_counts=True)
            pairs = zip(map(name_of, named), counts.tolist(), strict=True)
            found.append((name, replace(distribution, counts=tuple(sorted(pairs, key=lambda pair: -pair[1])), other=0)))
    return make_profile(len(columns["age"]), found)


def name_of(value: object) -> str:
    return str(value).lower() if isinstance(value, np.bool_) else str(value)


def profiled(folder: Path, columns: Mapping[str, Any], like: Profile | None = None) -> Profile:
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    pq.write_table(pa.table(dict(columns)), path)
    return profile(Files((str(path),)), like=like)


def drift_between(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> DriftReport:
    reference = profiled(folder, then)
    return check_drift(reference, profiled(folder, now, like=reference))


def of(report: DriftReport, name: str) -> ColumnDrift:
    return next(column for column in report.columns if column.column == name)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return profiled(tmp_path_factory.mktemp("reference"), payments(np.random.default_rng(1), REFERENCE_ROWS))


def test_at_most_two_in_a_hundred_undrifted_windows_raise_an_alarm(reference: Profile) -> None:
    chance = np.random.default_rng(2)
    alarms = sum(check_drift(reference, counted(payments(chance, WINDOW_ROWS), reference)).drifted for _ in range(200))
    assert alarms <= 4


def test_small_undrifted_windows_raise_no_more_alarms_than_large_ones(reference: Profile) -> None:
    chance = np.random.default_rng(3)
    alarms = sum(check_drift(reference, counted(payments(chance, 250), reference)).drifted for _ in range(200))
    assert alarms <= 4


def test_a_mean_shifted_by_a_third_of_a_standard_deviation_is_found(reference: Profile) -> None:
    chance = np.random.default_rng(4)
    found = 0
    for _ in range(100):
        window = payments(chance, WINDOW_ROWS)
        window["age"] = window["age"] + 0.3 * 12
        found += check_drift(reference, counted(window, reference)).drifted_columns == ("age",)
    assert found >= 95


def test_a_window_too_alike_to_matter_is_calm_even_when_it_surely_moved(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    report = drift_between(tmp_path, {"x": chance.normal(size=200_000)}, {"x": chance.normal(size=200_000) + 0.05})
    column = of(report, "x")
    assert column.p_value is not None
    assert column.p_value < DEFAULT.significance
    assert not column.drifted
    assert "moved, but by less than" in column.reason


def test_a_new_region_with_amounts_beyond_the_range_is_named_in_both_columns(tmp_path: Path) -> None:
    chance = np.random.default_rng(6)
    then = {"amount": chance.lognormal(3, 1, 5000), "region": chance.choice(["north", "south"], 5000)}
    now = {
        "amount": np.append(chance.lognormal(3, 1, 800), np.full(200, 1e6)),
        "region": np.append(chance.choice(["north", "south"], 800), np.full(200, "overseas")),
    }
    report = drift_between(tmp_path, then, now)
    assert set(report.drifted_columns) == {"amount", "region"}
    assert of(report, "region").new_values == ("overseas",)
    assert "new: overseas (20.0 %)" in of(report, "region").reason
    assert "20.0 % outside the range of the reference" in of(report, "amount").reason


def test_a_new_value_of_nothing_but_blanks_is_seen(tmp_path: Path) -> None:
    report = drift_between(tmp_path, {"who": ["a", "b"] * 300}, {"who": ["", "  ", "a"] * 200})
    assert 'new: "", "  " (66.7 %), gone: b.' in of(report, "who").reason


def test_labels_and_shares_are_there_to_draw_both_distributions(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    then = {"x": chance.normal(size=2000), "who": chance.choice(["a", "b"], 2000)}
    report = drift_between(tmp_path, then, {"x": chance.normal(size=500), "who": ["a"] * 400 + ["c"] * 100})
    for column in report.columns:
        assert len(column.labels) == len(column.reference_shares) == len(column.current_shares)
        assert sum(column.reference_shares) == pytest.approx(1.0)
        assert sum(column.current_shares) == pytest.approx(1.0)
    who = of(report, "who")
    assert dict(zip(who.labels, who.current_shares, strict=True)) == {"a": 0.8, "b": 0.0, "c": 0.2}
    assert (who.new_values, who.vanished_values) == (("c",), ("b",))


def test_a_constant_that_changes_is_drift(tmp_path: Path) -> None:
    report = drift_between(tmp_path, {"x": [7.5] * 1000, "y": [3] * 1000}, {"x": [7.6] * 500, "y": [4] * 500})
    assert set(report.drifted_columns) == {"x", "y"}


def test_a_constant_that_stays_is_none(tmp_path: Path) -> None:
    report = drift_between(tmp_path, {"x": [7.5] * 1000, "y": [True] * 1000}, {"x": [7.5] * 500, "y": [True] * 500})
    assert not report.drifted
    assert [column.value for column in report.columns] == [0.0, 0.0]


def test_a_share_of_missing_values_that_rose_is_a_reason_of_its_own(tmp_path: Path) -> None:
    full, gaps = [float(i % 97) for i in range(1000)], [None if i % 8 == 0 else float(i % 97) for i in range(1000)]
    column = of(drift_between(tmp_path, {"x": full}, {"x": gaps}), "x")
    assert (column.drifted, column.method) == (True, Method.MISSING)
    assert column.reason == "Missing values 0.0 % → 12.5 %, p < 1e-15."


def test_a_column_that_is_suddenly_all_missing_is_drift_without_a_psi(tmp_path: Path) -> None:
    gone = {"x": pa.array([None] * 500, pa.float64())}
    column = of(drift_between(tmp_path, {"x": np.arange(1000.0)}, gone), "x")
    assert (column.drifted, column.method, column.value) == (True, Method.MISSING, None)


def test_a_column_that_never_had_a_value_is_compared_by_its_gaps_only(tmp_path: Path) -> None:
    never = {"x": pa.array([None] * 500, pa.float64())}
    assert "no values" in of(drift_between(tmp_path, never, never), "x").reason
    assert of(drift_between(tmp_path, never, {"x": np.arange(500.0)}), "x").method is Method.MISSING


def test_an_absent_column_and_a_changed_type_are_drift_of_the_schema(tmp_path: Path) -> None:
    then = {"x": np.arange(500.0), "y": ["a"] * 500, "z": np.arange(500.0)}
    report = drift_between(tmp_path, then, {"x": ["n/a"] * 500, "z": np.arange(500.0)})
    assert report.drifted_columns == ("x", "y")
    assert of(report, "x").kind is ColumnKind.NOT_COMPARED
    assert "number" in of(report, "x").reason
    assert "no such column" in of(report, "y").reason
    assert not of(report, "z").drifted


def test_a_column_that_cannot_be_compared_is_listed_and_is_no_drift(tmp_path: Path) -> None:
    rows = {"when": pa.array([0] * 500, pa.timestamp("s"))}
    report = drift_between(tmp_path, rows, rows)
    assert not report.drifted
    assert "TIMESTAMP" in of(report, "when").reason


@pytest.mark.parametrize("rows", [0, 1, 199])
def test_too_few_rows_are_no_verdict_and_the_reason_says_so(tmp_path: Path, rows: int) -> None:
    report = drift_between(tmp_path, {"x": np.arange(1000.0)}, {"x": np.full(rows, 1e6)})
    assert not report.drifted
    assert of(report, "x").reason == f"Too few rows to judge: {rows:,} of at least 200 in the current data."
    assert not of(report, "x").judged


def test_finite_values_after_nothing_but_infinite_ones_are_drift(tmp_path: Path) -> None:
    wild = {"x": np.full(500, np.inf), "y": np.tile([np.inf, -np.inf], 250), "z": np.full(500, np.nan)}
    report = drift_between(tmp_path, wild, wild | {"x": np.arange(500.0), "y": np.arange(500.0)})
    assert report.drifted_columns == ("x", "y")
    assert not of(report, "z").judged
    assert not drift_between(tmp_path, wild, wild).drifted


def test_the_reason_tells_the_cells_and_steps_beyond_all_measure_in_few_digits(tmp_path: Path) -> None:
    report = drift_between(tmp_path, {"x": np.arange(500.0)}, {"x": np.arange(500.0) + 1e30})
    assert "over 22 bins (by chance " in of(report, "x").reason
    assert "(+6.92e+27 standard deviations)" in of(report, "x").reason


def test_rows_counted_in_other_bins_are_not_compared(tmp_path: Path) -> None:
    then, now = profiled(tmp_path, {"x": np.arange(1000.0)}), profiled(tmp_path, {"x": np.arange(500.0)})
    assert "not counted alike" in of(check_drift(then, now), "x").reason


def test_a_reason_holds_no_control_character_whatever_the_values_are(tmp_path: Path) -> None:
    report = drift_between(tmp_path, {"who": ["a", "b"] * 500}, {"who": ["\x1b[31mred\n", "x" * 500] * 500})
    reason = of(report, "who").reason
    assert reason.isprintable()
    assert len(reason) < 300
    assert "\x1b[31mred\n" in of(report, "who").new_values


def test_values_that_a_reference_could_not_name_are_not_called_new(tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    report = drift_between(
        tmp_path,
        {"user": [f"u{i}" for i in chance.integers(0, 5000, 20_000)]},
        {"user": [f"u{i}" for i in chance.integers(0, 5000, 2000)]},
    )
    column = of(report, "user")
    assert (column.drifted, column.new_values, column.labels[-1]) == (False, (), OTHER)


def test_the_farthest_column_comes_first(tmp_path: Path) -> None:
    chance = np.random.default_rng(9)
    then = {"near": chance.normal(size=3000), "far": chance.normal(size=3000), "not": chance.normal(size=3000)}
    now = {"near": then["near"] + 0.5, "far": then["far"] + 2.0, "not": then["not"]}
    assert drift_between(tmp_path, then, now).drifted_columns == ("far", "near")


@given(st.lists(st.integers(0, 500), min_size=3, max_size=8), st.integers(1, 5))
def test_a_distribution_never_drifts_from_itself(counts: list[int], times: int) -> None:
    def of_rows(factor: int) -> Profile:
        bins = tuple(count * factor for count in counts)
        numbers = NumericDistribution(tuple(float(edge) for edge in range(len(counts) - 1)), bins, missing=factor)
        names = CategoricalDistribution(tuple((f"v{place}", count) for place, count in enumerate(bins)), factor)
        return make_profile(sum(bins) + factor, [("numbers", numbers), ("names", names)])

    assert not check_drift(of_rows(1), of_rows(times)).drifted


def test_bins_are_named_in_as_few_digits_as_keep_them_apart() -> None:
    just_below_zero = -5e-324
    edges = (just_below_zero, 0.0, 12.3456, 12.3467, 1e6)
    labels = bin_labels(NumericDistribution(edges, (0, 3, 3, 3, 3, 0), 0, minimum=0.0, maximum=1e6))
    assert labels == ("< 0", "0", "0 to 12.346", "12.346 to 12.347", "12.347 to 1e+06", "> 1e+06")
    assert bin_labels(NumericDistribution((), (5,), 0)) == ("any",)


def test_edges_in_the_thousands_are_named_without_an_exponent() -> None:
    labels = bin_labels(NumericDistribution((562.0, 1013.0, 2e7), (1, 2, 3, 4), 0, minimum=1.0, maximum=3e7))
    assert labels == ("≤ 562", "562 to 1,010", "1,010 to 2e+07", "> 2e+07")


def test_a_few_values_far_outside_are_drift_where_the_distribution_as_a_whole_hardly_moved(tmp_path: Path) -> None:
    chance = np.random.default_rng(30)
    now = chance.normal(size=4_000)
    now[:45] *= 1_000
    column = of(drift_between(tmp_path, {"x": chance.normal(size=1_000)}, {"x": now}), "x")
    assert column.effect is not None
    assert column.effect < DEFAULT.effect
    assert (column.drifted, column.method) == (True, Method.RANGE)
    assert column.outside == pytest.approx(0.012, abs=0.003)
    assert "of the values lie outside the range of the reference (-" in column.reason


def test_values_beyond_a_small_reference_are_no_surprise(tmp_path: Path) -> None:
    alarms = 0
    for seed in range(8):
        chance = np.random.default_rng(100 + seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        column = of(drift_between(folder, {"x": chance.pareto(1.2, 200)}, {"x": chance.pareto(1.2, 2_000)}), "x")
        alarms += column.method is Method.RANGE and column.drifted
    assert alarms == 0


def test_several_pairs_are_adjusted_together(tmp_path: Path) -> None:
    chance = np.random.default_rng(31)
    sides = [profiled(tmp_path, {"x": chance.normal(size=2_000)})]
    sides += [profiled(tmp_path, {"x": chance.normal(size=800) + 0.12}, like=sides[0]) for _ in range(3)]
    alone = check_all([(sides[0], sides[1])])[0].columns[0].p_value
    together = check_all([(sides[0], side) for side in sides[1:]])[0].columns[0].p_value
    assert alone == check_drift(sides[0], sides[1]).columns[0].p_value
    assert alone is not None
    assert together is not None
    assert together != alone


def test_a_new_value_or_missing_values_are_drift_in_a_short_window_of_a_long_reference(tmp_path: Path) -> None:
    reference = profiled(tmp_path, {"age": np.arange(20_000.0), "channel": ["store", "online"] * 10_000})
    calm = {"age": np.arange(0.0, 20_000.0, 100), "channel": ["store", "online"] * 100}
    changed = {"age": [None] * 10 + list(calm["age"][10:]), "channel": ["wallet"] * 10 + list(calm["channel"][10:])}
    assert not check_drift(reference, profiled(tmp_path, calm, like=reference)).drifted
    assert set(check_drift(reference, profiled(tmp_path, changed, like=reference)).drifted_columns) == {
        "age",
        "channel",
    }
