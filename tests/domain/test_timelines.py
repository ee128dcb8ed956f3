"""Quiet stretches are folded; the order of things never changes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from unipipe_tui.domain.timelines import LONGEST_GAP, folded


def test_regular_moments_stand_at_regular_places() -> None:
    assert folded([30, 10, 20, 10]) == {10: 0.0, 20: 0.5, 30: 1.0}


def test_a_gap_far_longer_than_the_others_is_drawn_as_a_few_of_them() -> None:
    places = folded([0, 1, 2, 3, 100_000, 100_001])
    steps = [after - before for before, after in pairwise(places[moment] for moment in sorted(places))]
    assert steps[3] / steps[0] == pytest.approx(LONGEST_GAP)
    assert all(step > 0 for step in steps)


def test_gaps_as_they_usually_are_keep_their_proportions() -> None:
    places = folded([0, 1, 3, 4, 6])
    assert places[3] - places[1] == pytest.approx(2 * (places[1] - places[0]))


def test_one_moment_stands_at_the_end_and_none_nowhere() -> None:
    assert folded([7, 7]) == {7: 1.0}
    assert folded([]) == {}
