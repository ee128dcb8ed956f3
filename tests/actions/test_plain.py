"""Any answer becomes data that JSON can carry."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.actions.plain import to_plain
from unipipe_tui.domain.jobs import JobState


class Level(Enum):
    """Not a text by itself."""

    HIGH = 3


@dataclass(frozen=True)
class Answer:
    """Anything."""

    value: Any


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "2026-11-21T12:00:00+00:00"),
        (Path("a b/c"), "a b/c"),
        (JobState.SAID_NO, "said no"),
        (Level.HIGH, 3),
        (math.nan, None),
        (-math.inf, None),
        (1.5, 1.5),
        (True, True),
        (None, None),
        ((1, (2, Answer(3))), [1, [2, {"value": 3}]]),
        (frozenset({7}), [7]),
        ({1: math.nan, Path("x"): Level.HIGH}, {"1": None, "x": 3}),
        ({}, {}),
    ],
)
def test_a_value_becomes_plain_data_at_any_depth(value: object, plain: object) -> None:
    assert to_plain(value) == plain
    assert to_plain(Answer((value,))) == {"value": [plain]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.sampled_from(JobState),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner) | inner.map(Answer),
    max_leaves=8,
)


@given(VALUES)
def test_whatever_an_answer_holds_strict_json_can_carry_it(value: object) -> None:
    text = json.dumps(to_plain(value), allow_nan=False)
    assert json.loads(text) == to_plain(value)
