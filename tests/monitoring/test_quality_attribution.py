"""Which slice lost how much: parts that add up to the whole, and a culprit that is found among innocents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.quality.attribution import MISSING, REST, LabelledPart, attribute_drop
from unipipe_tui.monitoring.quality.cbpe import realized
from unipipe_tui.monitoring.quality.results import Quality

SHARES = (Quality.PRECISION, Quality.RECALL, Quality.F1, Quality.ACCURACY, Quality.SPECIFICITY)
rows = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from(["north", "south", None]), st.integers(0, 9)), min_size=1
)


def part(found: list[tuple[bool, bool, str | None, int]]) -> LabelledPart:
    decisions, labels, regions, amounts = zip(*found, strict=True)
    return LabelledPart(np.array(decisions), np.array(labels), {"region": regions, "amount": amounts})


@settings(max_examples=60)
@given(rows, rows, st.sampled_from(SHARES))
def test_the_slices_of_each_column_add_up_to_the_whole_loss(
    then: list[tuple[bool, bool, str | None, int]], now: list[tuple[bool, bool, str | None, int]], metric: Quality
) -> None:
    drop = attribute_drop(metric, part(then), part(now))
    shown = [realized(metric, np.zeros(len(one)), part(one).decisions, part(one).labels) for one in (then, now)]
    if drop is None:
        assert None in shown
        return
    assert shown[0] is not None and shown[1] is not None
    assert drop.lost == pytest.approx(shown[0] - shown[1])
    for column in {one.column for one in drop.slices}:
        slices = [one for one in drop.slices if one.column == column]
        assert sum(one.lost for one in slices) == pytest.approx(drop.lost, abs=1e-9)
        assert sum(one.current_share for one in slices) == pytest.approx(1.0)
        assert all(one.worse + one.more_of_it == pytest.approx(one.lost) for one in slices)


def made(seed: int, worse_in: str | None, rows: int = 3000) -> LabelledPart:
    """Right in nine of ten cases; in one region of eight only in six."""
    generator = np.random.default_rng(seed)
    regions = generator.choice(list("abcdefgh"), rows)
    right = generator.random(rows) < np.where(regions == (worse_in or ""), 0.6, 0.9)
    labels = generator.random(rows) < 0.3
    noise = {f"noise{place}": generator.integers(0, 5, rows).tolist() for place in range(5)}
    return LabelledPart(labels == right, labels, {"region": regions.tolist(), **noise})


def test_the_slice_that_got_worse_is_told_first_with_its_share_of_the_loss() -> None:
    drop = attribute_drop(Quality.ACCURACY, made(1, None), made(2, "c"), most=3)
    assert drop is not None
    first, *others = drop.slices
    assert (first.column, first.value, first.significant) == ("region", "c", True)
    assert first.share_of_loss == pytest.approx(1.0, abs=0.25)
    assert first.worse == pytest.approx(0.3 / 8, abs=0.012)
    assert len(others) == 2
    assert drop.tested == 8 + 5 * 4


def test_where_nothing_changed_hardly_any_of_many_slices_is_called_worse() -> None:
    found = [attribute_drop(Quality.ACCURACY, made(seed, None, 800), made(seed + 100, None, 800)) for seed in range(20)]
    accused = [drop for drop in found if drop is not None and any(one.significant for one in drop.slices)]
    assert len(accused) <= 3


def test_a_new_slice_is_held_against_the_whole_and_more_of_a_bad_one_is_told_apart() -> None:
    yes, wrong = np.ones(200, dtype=bool), np.array([True] * 180 + [False] * 20)
    then = LabelledPart(yes, wrong, {"region": ["old"] * 180 + ["bad"] * 20})
    new = LabelledPart(yes, wrong, {"region": ["old"] * 180 + ["new"] * 20})
    more = LabelledPart(yes, np.array([True] * 100 + [False] * 100), {"region": ["old"] * 100 + ["bad"] * 100})
    drop = attribute_drop(Quality.PRECISION, then, new)
    assert drop is not None
    by_name = {one.value: one for one in drop.slices}
    assert by_name["new"].worse == pytest.approx(0.1 * 0.9)
    assert by_name["new"].reference.value is None
    assert by_name["new"].significant
    drop = attribute_drop(Quality.PRECISION, then, more)
    assert drop is not None
    bad = next(one for one in drop.slices if one.value == "bad")
    assert (bad.worse, bad.more_of_it) == (pytest.approx(0.0), pytest.approx(0.4 * 0.9))


def test_numbers_are_cut_at_quartiles_and_odd_values_have_slices_of_their_own() -> None:
    right = np.ones(400, dtype=bool)
    amounts = [float(number) for number in range(399)] + [float("nan")]
    many = [f"v{number}" for number in range(400)]
    mostly_zero = [0.0] * 300 + [float(number) for number in range(1, 101)]
    drop = attribute_drop(
        Quality.ACCURACY,
        *[LabelledPart(right, right, {"amount": amounts, "id": many, "count": mostly_zero, "one": [1] * 400})] * 2,
    )
    assert drop is not None
    names = {column: [one.value for one in drop.slices if one.column == column] for column in ("amount", "id", "count")}
    assert len(names["amount"]) == 5
    assert MISSING in names["amount"]
    assert REST in names["id"]
    assert set(names["count"]) >= {"< 1"}
    assert not [one for one in drop.slices if one.column == "one"]


def test_an_area_under_a_curve_is_refused() -> None:
    one = made(1, None, 50)
    with pytest.raises(Failed, match="cannot be attributed"):
        attribute_drop(Quality.ROC_AUC, one, one)
