"""Which way a metric gets better is told by its name, unless somebody said it."""

from __future__ import annotations

import math

import pytest

from unipipe_tui.domain.runs.directions import HIGHER_WORDS, LOWER_WORDS, Direction, better, direction_of

LOWER, HIGHER, UNKNOWN = Direction.LOWER, Direction.HIGHER, Direction.UNKNOWN


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("loss", LOWER),
        ("val/testLoss", LOWER),
        ("cross_entropy", LOWER),
        ("mean_absolute_error", LOWER),
        ("accuracy_error", LOWER),
        ("neg_mean_squared_error", HIGHER),
        ("negative_log_likelihood", LOWER),
        ("holdout.ROC_AUC", HIGHER),
        ("recall: at 0.95", HIGHER),
        ("mAP50", HIGHER),
        ("r_squared", HIGHER),
        ("", UNKNOWN),
        ("temperature", UNKNOWN),
        ("glossary", UNKNOWN),
    ],
)
def test_a_name_tells_the_direction_by_its_words(name: str, direction: Direction) -> None:
    assert direction_of(name, {}) is direction


def test_what_is_configured_counts_before_the_name() -> None:
    said = {"loss": "higher", "auc": "minimise", "temperature": "MAX", "f1": "sideways"}
    assert [direction_of(name, said) for name in said] == [HIGHER, LOWER, HIGHER, UNKNOWN]
    assert direction_of("val_loss", said) is LOWER


def test_no_word_says_both() -> None:
    assert not LOWER_WORDS & HIGHER_WORDS


def test_a_value_is_better_only_where_the_direction_and_the_order_are_known() -> None:
    assert better(0.9, 0.8, HIGHER) is True
    assert better(0.9, 0.8, LOWER) is False
    assert better(0.8, 0.8, LOWER) is None
    assert better(0.9, 0.8, UNKNOWN) is None
    assert better(math.nan, 0.8, HIGHER) is None
    assert better(0.8, math.nan, HIGHER) is None
