"""Traffic: shares that make a whole, and what replicas can give of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant, nearest_replicas, only, possible_weights, versions_in

CANARY = Variant("canary", "fraud", 4, "d4", 10)
STABLE = Variant("stable", "fraud", 3, "d3", 90)
SHADOW = Variant("shadow", "fraud", 5, "d5", 0, mirrored=True)


def test_traffic_says_who_answers_what() -> None:
    traffic = Traffic((CANARY, STABLE, SHADOW))
    assert traffic.told == "version 4 10 % (canary) · version 3 90 % · version 5 mirrored (shadow)"
    assert traffic.main == STABLE
    assert traffic.named("shadow") == SHADOW
    assert traffic.named("green") is None
    assert versions_in(traffic.variants) == (4, 3, 5)


@pytest.mark.parametrize("weight", [9.0, 101.0, -1.0, math.nan, math.inf])
def test_weights_that_make_no_whole_are_refused(weight: float) -> None:
    with pytest.raises(UsageError, match="must make 100 %"):
        Traffic((Variant("canary", "fraud", 4, "d4", weight), STABLE))


def test_nobody_to_answer_is_no_traffic() -> None:
    for variants in ((), (SHADOW,)):
        with pytest.raises(UsageError, match="not nothing"):
            Traffic(variants)


def test_two_variants_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="one name"):
        Traffic((Variant("stable", "fraud", 4, "d4", 10), STABLE))


@pytest.mark.parametrize(
    ("weight", "replicas", "nearest"),
    [
        (10, 3, (1, 4)),
        (10, 10, (1, 10)),
        (25, 3, (1, 4)),
        (50, 3, (2, 4)),
        (33, 3, (1, 3)),
        (50, 1, (1, 2)),
        (1, 1, (1, 2)),
        (99, 2, (2, 3)),
        (0, 3, (0, 3)),
        (100, 3, (3, 3)),
    ],
)
def test_replicas_come_as_near_as_they_can(weight: float, replicas: int, nearest: tuple[int, int]) -> None:
    assert nearest_replicas(weight, replicas) == nearest


def test_the_possible_weights_are_said() -> None:
    assert possible_weights(1) == (50,)
    assert possible_weights(3) == pytest.approx((25, 100 / 3, 50, 200 / 3, 75))


@given(st.floats(0.001, 99.999), st.integers(1, 40))
def test_no_possible_weight_is_nearer_and_both_keep_a_replica(weight: float, replicas: int) -> None:
    canary, total = nearest_replicas(weight, replicas)
    assert 0 < canary < total <= replicas + 1
    least = min(abs(possible - weight) for possible in possible_weights(replicas))
    assert abs(100 * canary / total - weight) == pytest.approx(least)


def test_everything_to_one_variant_is_traffic() -> None:
    assert only(Variant("stable", "fraud", 3, "d3")).main.weight == 100
