"""Columns together: what only their joint shows is found, and what did not move raises no alarm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tests.monitoring.verdict.made import Columns, both, joined
from unipipe_tui.monitoring.drift import check_drift
from unipipe_tui.monitoring.rows import Labels, Numbers, open_rows
from unipipe_tui.monitoring.verdict.areas import Fold, area_over
from unipipe_tui.monitoring.verdict.multivariate import check_together, judge_together
from unipipe_tui.monitoring.verdict.results import MultivariateDrift
from unipipe_tui.monitoring.verdict.samples import Sample, drawn


def sample(columns: Columns) -> Sample:
    """The rows as they are."""
    names, codes = np.unique(columns["channel"], return_inverse=True)
    numbers = {name: Numbers(values) for name, values in columns.items() if name != "channel"}
    return Sample(len(codes), {**numbers, "channel": Labels(tuple(names.tolist()), codes)})


def together(folder: Path, then: Columns, now: Columns) -> MultivariateDrift:
    files, profiles = both(folder, then, now)
    with open_rows(files[0]) as reference, open_rows(files[1], like=profiles[0]) as current:
        return check_together(reference, current, profiles)


@pytest.mark.parametrize("correlation", [0.0, -0.8])
def test_a_joint_that_moved_is_found_where_no_column_moved_by_itself(correlation: float, tmp_path: Path) -> None:
    then, now = joined(1, 3_000), joined(2, 1_500, correlation)
    _, profiles = both(tmp_path, then, now)
    assert not check_drift(*profiles).drifted
    found = together(tmp_path, then, now)
    assert found.classifier is not None
    assert found.reconstruction is not None
    assert (found.judged, found.drifted) == (True, True)
    assert (found.classifier.drifted, found.reconstruction.drifted) == (True, True)
    assert {use.column for use in found.classifier.columns[:2]} == {"amount", "usual"}
    assert "4 columns together: they moved." in found.sentence
    assert "it used most " in found.sentence


def test_undrifted_windows_raise_no_more_alarms_than_were_asked_for() -> None:
    alarms = 0
    for seed in range(16):
        found = judge_together(sample(joined(seed, 800)), sample(joined(1_000 + seed, 400)))
        alarms += found.drifted
    assert alarms == 0


def test_the_same_rows_are_drawn_every_time_and_the_sentence_says_how_many(tmp_path: Path) -> None:
    files, profiles = both(tmp_path, joined(3, 3_000), joined(4, 500))
    with open_rows(files[0]) as rows:
        one, other = (drawn(rows, profiles[0], ["amount", "channel"], most=1_000) for _ in range(2))
    assert one.rows == 1_000
    amounts = [side.columns["amount"] for side in (one, other)]
    assert all(isinstance(side, Numbers) for side in amounts)
    assert np.array_equal(amounts[0].part(0, 1_000).values, amounts[1].part(0, 1_000).values)  # type: ignore[union-attr]
    assert together(tmp_path, joined(3, 3_000), joined(4, 500)) == together(tmp_path, joined(3, 3_000), joined(4, 500))


def test_with_few_rows_or_one_column_nothing_is_judged(tmp_path: Path) -> None:
    few = together(tmp_path, joined(5, 3_000), joined(6, 150))
    assert (few.judged, few.drifted, few.classifier) == (False, False, None)
    assert "too few rows to judge, 150 of at least 200 in the current data" in few.sentence
    one = together(tmp_path, {"x": np.arange(500.0)}, {"x": np.arange(500.0)})
    assert (one.judged, "no two columns" in one.sentence) == (False, True)


def test_gaps_infinities_and_constant_columns_do_no_harm(tmp_path: Path) -> None:
    def rows(seed: int, count: int) -> Columns:
        columns = {**joined(seed, count)}
        amount = columns["amount"].copy()
        amount[::7], amount[1], amount[2] = np.nan, np.inf, -np.inf
        texts = columns["channel"].astype(object)
        texts[::5] = None
        nothing = [None] * count
        return {**columns, "amount": amount, "channel": texts, "same": np.ones(count), "none": nothing}

    found = together(tmp_path, rows(7, 900), rows(8, 600))
    assert (found.judged, found.drifted) == (True, False)
    assert "none" not in found.columns


def test_rows_that_lie_in_both_sets_are_told_and_are_no_drift(tmp_path: Path) -> None:
    found = together(tmp_path, joined(9, 600), joined(9, 600))
    assert not found.drifted
    assert "the same rows lie in both sets" in found.sentence


def test_the_area_is_that_of_mann_and_whitney_and_its_p_value_twice_theirs() -> None:
    chance = np.random.default_rng(10)
    above, below = chance.normal(0.3, 1, 120), chance.normal(0, 1, 300)
    found = area_over([Fold(below, above)])
    rank_test = mannwhitneyu(above, below, alternative="greater", method="asymptotic", use_continuity=False)
    assert found.value == pytest.approx(rank_test.statistic / (120 * 300))
    assert found.p_value == pytest.approx(2 * rank_test.pvalue, rel=1e-9)
    assert found.low < found.value < found.high
    assert area_over([Fold(below, above)] * 2).p_value == found.p_value
