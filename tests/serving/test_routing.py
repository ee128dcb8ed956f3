"""Which variant answers: exact shares, sticky callers; no server, no model."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.serving.routing import Share, key_of, shared_out, stuck_to


def shares(**weights: float) -> list[Share]:
    return [Share(name, weight) for name, weight in weights.items()]


@pytest.mark.parametrize(
    "weights",
    [{"canary": 10.0, "stable": 90.0}, {"canary": 33.3, "stable": 66.7}, {"a": 20.0, "b": 30.0, "c": 50.0}],
)
def test_of_ten_thousand_requests_each_variant_gets_its_share_to_within_a_hundredth_of_a_percent(
    weights: dict[str, float],
) -> None:
    counted = Counter(shared_out(shares(**weights), number) for number in range(10_000))
    for name, weight in weights.items():
        assert abs(counted[name] - weight * 100) <= 1


@settings(max_examples=40)
@given(weight=st.floats(0.01, 99.99), requests=st.integers(1, 500))
def test_after_any_number_of_requests_a_canary_has_its_share_to_within_one(weight: float, requests: int) -> None:
    both = shares(canary=weight, stable=100 - weight)
    counted = sum(shared_out(both, number) == "canary" for number in range(requests))
    assert abs(counted - requests * weight / 100) <= 1


def test_a_caller_stays_with_the_canary_while_its_share_grows() -> None:
    callers = [f"customer-{number}" for number in range(2_000)]
    before: set[str] = set()
    for weight in (5.0, 10.0, 25.0, 50.0, 100.0):
        split = shares(canary=weight, stable=100 - weight) if weight < 100 else shares(canary=100.0)
        now = {caller for caller in callers if stuck_to(split, caller) == "canary"}
        assert before <= now
        assert abs(len(now) / len(callers) - weight / 100) < 0.03
        before = now


def test_the_same_caller_in_another_form_of_number_is_the_same_caller() -> None:
    assert key_of(7) == key_of(7.0) == key_of("7")
    assert key_of(None) is key_of("") is None
    assert key_of(True) != key_of(1)
