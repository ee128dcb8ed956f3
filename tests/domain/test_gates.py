"""Gates: a floor, a comparison with the champion, slice by slice."""

from __future__ import annotations

import pytest

from unipipe_tui.domain.gates import Figures, Gate, judge
from unipipe_tui.domain.records import GateResult

FLOOR = Gate("precision", at_least=0.9, beats_champion_within=None, by=None, minimum_rows=100)
RIVALRY = Gate("precision", at_least=None, beats_champion_within=0.01, by=None, minimum_rows=100)
BY_REGION = Gate("precision", at_least=0.9, beats_champion_within=None, by="region", minimum_rows=100)


def whole(precision: float | None, rows: int = 1000) -> dict[str, dict[str, Figures]]:
    return {"": {"": Figures(rows, {"precision": precision})}}


@pytest.mark.parametrize(("value", "passed"), [(0.9, True), (0.95, True), (0.8999, False), (None, False)])
def test_a_floor_is_passed_by_what_is_on_it_or_above(value: float | None, passed: bool) -> None:
    assert judge([FLOOR], whole(value), None) == (GateResult("precision", passed, value, ">= 0.9"),)


@pytest.mark.parametrize(("value", "passed"), [(0.92, True), (0.9101, True), (0.9099, False), (None, False)])
def test_a_candidate_may_be_worse_than_the_champion_by_the_tolerance(value: float | None, passed: bool) -> None:
    (result,) = judge([RIVALRY], whole(value), whole(0.92))
    assert result == GateResult("precision", passed, value, ">= 0.9100 (champion 0.9200 - 0.01)", champion=0.92)


@pytest.mark.parametrize("champion", [None, {}, whole(None)])
def test_without_a_figure_of_a_champion_there_is_nothing_to_be_worse_than(
    champion: dict[str, dict[str, Figures]] | None,
) -> None:
    (result,) = judge([RIVALRY], whole(0.1), champion)
    assert (result.passed, result.wanted) == (True, "no champion to compare with")


def test_a_gate_with_both_is_judged_twice() -> None:
    both = Gate("precision", at_least=0.9, beats_champion_within=0.0, by=None, minimum_rows=0)
    assert [result.passed for result in judge([both], whole(0.91), whole(0.95))] == [True, False]


def test_a_gate_by_a_column_is_judged_on_every_slice_that_has_enough_rows() -> None:
    slices = {
        "region": {
            "north": Figures(100, {"precision": 0.95}),
            "south": Figures(500, {"precision": 0.5}),
            "tiny": Figures(99, {"precision": 0.0}),
        }
    }
    assert [(result.slice, result.passed) for result in judge([BY_REGION], slices, None)] == [
        ("north", True),
        ("south", False),
    ]


def test_the_whole_holdout_is_judged_however_small() -> None:
    assert len(judge([FLOOR], whole(0.5, rows=3), None)) == 1


def test_slices_that_the_champion_does_not_know_are_compared_with_nothing() -> None:
    gate = Gate("precision", None, 0.0, "region", 0)
    candidate = {"region": {"new": Figures(10, {"precision": 0.1}), "old": Figures(10, {"precision": 0.1})}}
    champion = {"region": {"old": Figures(10, {"precision": 0.9})}}
    assert [result.passed for result in judge([gate], candidate, champion)] == [True, False]
