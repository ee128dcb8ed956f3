"""Repeats: what counts as a seed, and the interval of a mean held against SciPy's."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from unipipe_tui.domain.runs.repeats import T_975, is_seed, spread_of


def test_the_table_of_students_t_is_that_of_scipy() -> None:
    assert [round(float(stats.t.ppf(0.975, degrees)), 4) for degrees in range(1, 50)] == list(T_975)


@pytest.mark.parametrize("count", [2, 3, 10, 50])
def test_the_interval_of_a_mean_is_that_of_scipy(count: int) -> None:
    values = [math.sin(number) for number in range(count)]
    spread = spread_of(values)
    low, high = stats.t.interval(0.95, count - 1, loc=sum(values) / count, scale=stats.sem(values))
    assert (spread.low, spread.high) == (pytest.approx(low, rel=1e-4), pytest.approx(high, rel=1e-4))


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 51, [1.0, math.nan], [1.0, math.inf]])
def test_what_has_no_interval_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="2 to 50"):
        spread_of(values)


@pytest.mark.parametrize("param", ["seed", "random_state", "model.rng_seed", "randomSeed", "SEED", "train/seeds"])
def test_a_param_that_chooses_the_random_numbers_is_a_seed(param: str) -> None:
    assert is_seed(param)


@pytest.mark.parametrize("param", ["depth", "state", "seeded_users", "random", "model.state", "seedling_height"])
def test_another_param_is_none(param: str) -> None:
    assert not is_seed(param)
