"""Params become numbers where all of them are, and ranks tell how two columns go together."""

from __future__ import annotations

import math

import pytest

from unipipe_tui.domain.runs.columns import ColumnKind, column_of, rank_correlation


def test_texts_that_are_all_numbers_are_numbers() -> None:
    column = column_of("depth", ["6", None, "1e-3", " 4 "])
    assert column.kind is ColumnKind.NUMBER
    assert column.values == (6.0, None, 0.001, 4.0)
    assert math.isnan(column.numbers[1])


@pytest.mark.parametrize("texts", [["6", "deep"], ["nan", "1"], ["inf"], [""], ["True"], [None, None]])
def test_one_text_that_is_no_number_makes_categories(texts: list[str | None]) -> None:
    column = column_of("p", texts)
    assert column.kind is ColumnKind.CATEGORY
    assert column.categories == tuple(sorted({text for text in texts if text is not None}))


def test_a_category_counts_as_its_place_by_name() -> None:
    column = column_of("p", ["b", "a", None, "b"])
    assert column.numbers[:2] == (1.0, 0.0)
    assert math.isnan(column.numbers[2])
    assert column.commonest(1) == ("b",)
    assert column.distinct == 3


def test_rank_correlation_is_that_of_spearman() -> None:
    assert rank_correlation([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1.0)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)
    # With ties, worked out by hand: ranks 1.5 1.5 3 4 against 1 2 3.5 3.5.
    assert rank_correlation([1, 1, 2, 3], [1, 2, 3, 3]) == pytest.approx(4 / math.sqrt(4.5 * 4.5))
    assert rank_correlation([1, 2, math.nan, 3], [1, 2, 9, 3]) == pytest.approx(1.0)


def test_there_is_no_correlation_with_a_constant_or_with_two_points() -> None:
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert rank_correlation([1, 2], [1, 2]) is None
