"""Segments: the one that moved is named, what moved nowhere is not, and few rows are not judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.monitoring.verdict.made import Columns, both, written
from unipipe_tui.monitoring.drift import check_drift
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.rows import open_rows
from unipipe_tui.monitoring.verdict.results import SegmentDrift
from unipipe_tui.monitoring.verdict.segments import check_segments, count_segments

COUNTRIES = ["DE", "FR", "IT", "PL", "MT"]


def payments(seed: int, rows: int, moved: str = "", by: float = 0.0) -> dict[str, Any]:
    """Amounts by country, greater by so much in one of them."""
    chance = np.random.default_rng(seed)
    country = chance.choice(COUNTRIES, rows, p=[0.4, 0.3, 0.18, 0.1, 0.02])
    amount = chance.normal(size=rows) + 3 * (country == "DE") + by * (country == moved)
    kind = chance.choice(["a", "b", "c"], rows)
    return {"country": country, "amount": amount, "items": chance.integers(0, 9, rows), "kind": kind}


def segmented(folder: Path, then: Columns, now: Columns, segments: list[str] | None = None) -> SegmentDrift:
    files, profiles = both(folder, then, now)
    by = profile(files[0], segments or ["country"])
    with open_rows(files[0]) as reference, open_rows(files[1], like=profiles[0]) as current:
        return check_segments(count_segments(reference, profiles[0], by), current, profiles[0], by)


def test_a_column_that_moved_in_one_country_only_is_found_there_and_not_in_the_whole(tmp_path: Path) -> None:
    then, now = payments(1, 20_000), payments(2, 4_000, "PL", 1.0)
    _, profiles = both(tmp_path, then, now)
    assert not check_drift(*profiles).drifted
    found = segmented(tmp_path, then, now)
    assert (found.judged, found.drifted, found.moved) == (True, True, ("country=PL",))
    first = found.slices[0]
    assert (first.segment, first.value, first.drifted) == ("country", "PL", True)
    assert [column.column for column in first.columns if column.drifted] == ["amount"]
    assert first.sentence.startswith("country=PL moved: amount: PSI ")
    assert found.sentence.startswith("Segments by country: 1 of 4 moved, with ")


def test_a_value_with_few_rows_is_told_and_takes_no_part_in_the_adjusting(tmp_path: Path) -> None:
    found = segmented(tmp_path, payments(3, 5_000), payments(4, 2_100))
    (few,) = (one for one in found.slices if one.value == "MT")
    assert (few.judged, few.columns) == (False, ())
    assert "country=MT: too few rows to judge, " in few.sentence
    assert len([one for one in found.slices if one.judged]) == 4
    assert found.tests == 4 * (3 + 2 + 2)


def test_undrifted_windows_raise_hardly_an_alarm_however_many_segments_there_are(tmp_path: Path) -> None:
    files, profiles = both(tmp_path, payments(5, 8_000), payments(6, 2_500))
    by, alarms = profile(files[0], ["country", "kind"]), 0
    with open_rows(files[0]) as rows:
        reference = count_segments(rows, profiles[0], by)
    for seed in range(5):
        with open_rows(written(tmp_path / "next.parquet", payments(100 + seed, 2_500))) as current:
            alarms += check_segments(reference, current, profiles[0], by).drifted
    assert alarms == 0


def test_a_column_that_divides_nothing_is_left_out_with_the_reason(tmp_path: Path) -> None:
    then, now = payments(7, 2_000), payments(8, 1_000)
    found = segmented(tmp_path, then, {**now, "new": now["kind"]}, ["amount", "new", "kind"])
    assert found.left_out == (
        "amount: it has no values by name to divide the rows by; name a column of texts, whole numbers or yes and no",
        "new: the reference has no such column",
    )
    assert {one.segment for one in found.slices} == {"kind"}


def test_of_many_values_the_most_frequent_are_looked_at(tmp_path: Path) -> None:
    chance = np.random.default_rng(9)
    rows = {"shop": np.char.add("s", chance.integers(0, 60, 9_000).astype(str)), "x": chance.normal(size=9_000)}
    found = segmented(tmp_path, rows, rows, ["shop"])
    assert len(found.slices) == 20
    assert found.left_out == ("shop: 40 rarer values, only the 20 most frequent are looked at",)
    assert not found.drifted


def test_a_column_of_more_values_than_are_named_is_no_drift_by_itself(tmp_path: Path) -> None:
    def rows(seed: int, count: int) -> Columns:
        chance = np.random.default_rng(seed)
        device = np.char.add("d", chance.zipf(1.3, count).clip(0, 5_000).astype(str))
        return {"kind": chance.choice(["a", "b"], count), "device": device}

    found = segmented(tmp_path, rows(13, 30_000), rows(14, 8_000), ["kind"])
    assert (found.judged, found.drifted) == (True, False)


def test_the_counts_within_a_value_are_those_that_a_profile_of_these_rows_alone_has(tmp_path: Path) -> None:
    then, now = payments(11, 4_000), payments(12, 2_000, "FR", 2.0)
    alone = [{name: values[side["country"] == "FR"] for name, values in side.items()} for side in (then, now)]
    _, profiles = both(tmp_path, *alone)
    (whole,) = (column for column in check_drift(*profiles).columns if column.column == "amount")
    (french,) = (one for one in segmented(tmp_path, then, now).slices if one.value == "FR")
    (within,) = (column for column in french.columns if column.column == "amount")
    assert (within.effect, within.drifted) == (whole.effect, True)
