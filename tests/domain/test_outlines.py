"""An outline keeps the extremes of a history, whatever its length and order."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.outlines import BOUNDLESS, Logged, OutlineAxis, is_finite, outline_of

HISTORIES = st.lists(
    st.builds(Logged, st.integers(-(10**12), 10**12), st.integers(0, 10**13), st.floats(width=64)), max_size=60
)


@given(HISTORIES, st.integers(-1, 30))
def test_no_value_and_no_extreme_gets_lost(history: list[Logged], cells: int) -> None:
    outline = outline_of("m", history, cells)
    finite = [one.value for one in history if is_finite(one.value)]
    assert sum(cell.count for cell in outline.cells) == outline.count == len(history)
    assert outline.not_finite == len(history) - len(finite)
    assert len(outline.cells) <= max(cells, 1)
    lows = [cell.low for cell in outline.cells if cell.low is not None]
    highs = [cell.high for cell in outline.cells if cell.high is not None]
    assert (min(lows, default=None), max(highs, default=None)) == (min(finite, default=None), max(finite, default=None))
    places = [place for cell in outline.cells for place in (cell.first, cell.last)]
    assert places == sorted(places)


def test_cells_are_stretches_of_steps_with_their_last_value() -> None:
    history = [Logged(step, step * 10, float(-step)) for step in range(100)]
    random.Random(3).shuffle(history)
    first, *_, last = outline_of("m", history, 10).cells
    assert (first.first, first.last, first.low, first.high, first.end, first.count) == (0, 9, -9.0, 0.0, -9.0, 10)
    assert (last.first, last.last, last.end) == (90, 99, -99.0)


def test_what_was_logged_again_and_again_without_a_step_is_laid_out_over_time() -> None:
    outline = outline_of("m", [Logged(0, at, float(at)) for at in (3000, 1000, 2000)], 3)
    assert outline.axis is OutlineAxis.TIME
    assert [(cell.first, cell.end) for cell in outline.cells] == [(1000, 1000.0), (2000, 2000.0), (3000, 3000.0)]


def test_a_single_value_lies_at_its_step() -> None:
    outline = outline_of("m", [Logged(7, 1000, 0.5)], 10)
    assert (outline.axis, outline.cells[0].first, outline.cells[0].end) == (OutlineAxis.STEP, 7, 0.5)


def test_infinity_is_no_number_in_either_of_its_forms() -> None:
    values = (math.nan, math.inf, -BOUNDLESS, 1.0)
    outline = outline_of("m", [Logged(step, 0, value) for step, value in enumerate(values)], 1)
    assert (outline.not_finite, outline.cells[0].low, outline.cells[0].high) == (3, 1.0, 1.0)
    gap = outline_of("m", [Logged(0, 0, math.nan)], 5).cells[0]
    assert (gap.low, gap.high, gap.end, gap.count) == (None, None, None, 1)
