"""What a model looks at, by its logged answers only."""

from __future__ import annotations

import numpy as np

from unipipe_tui.monitoring.rows import Column, Labels, Numbers
from unipipe_tui.monitoring.verdict.importance import Moved, weigh
from unipipe_tui.monitoring.verdict.results import ColumnImportance, Importance


def logged(seed: int, rows: int = 1_500, noise: float = 0.02) -> tuple[dict[str, Column], Column]:
    """Inputs of which the score hangs on two, and hardly on a third."""
    chance = np.random.default_rng(seed)
    amount, hour, idle = (chance.normal(size=rows) for _ in range(3))
    region = chance.integers(0, 4, rows)
    score = 1 / (1 + np.exp(-2 * amount - (region == 2))) + 0.001 * hour + noise * chance.normal(size=rows)
    inputs: dict[str, Column] = {
        "amount": Numbers(amount),
        "hour": Numbers(hour),
        "idle": Numbers(idle),
        "region": Labels(("n", "e", "s", "w"), region),
    }
    return inputs, Numbers(score)


def of(found: Importance, name: str) -> ColumnImportance:
    return next(column for column in found.columns if column.column == name)


def test_a_column_that_drifted_and_is_hardly_looked_at_is_told_so() -> None:
    found = weigh(3, *logged(1), {"idle": Moved(1.0, drifted=True), "amount": Moved(0.2, drifted=True)})
    assert found.judged
    assert [column.column for column in found.columns][:2] == ["amount", "idle"]
    assert of(found, "amount").importance > 0.8
    assert of(found, "idle").hardly_used
    assert of(found, "idle").sentence.startswith("idle: drifted, and the model hardly looks at it (")
    assert of(found, "amount").sentence.endswith(" of what moves the score.")
    assert sum(column.importance for column in found.columns) > 0.999
    assert found.sentence.startswith("Version 3 looks most at amount ")


def test_the_importance_is_the_same_every_time() -> None:
    assert weigh(1, *logged(2), {}) == weigh(1, *logged(2), {})


def test_below_the_fit_that_is_asked_for_nothing_is_said_of_columns() -> None:
    found = weigh(1, *logged(3, noise=3.0), {})
    assert (found.judged, found.columns) == (False, ())
    assert found.r2 is not None
    assert found.r2 < found.fit_wanted
    assert "only, at least 0.5 is asked for" in found.sentence


def test_without_scores_without_a_spread_or_with_few_rows_it_is_not_known() -> None:
    inputs, score = logged(4)
    assert "too few to learn from" in weigh(1, *logged(5, rows=150), {}).sentence
    assert "too few to learn from" in weigh(1, inputs, Numbers(np.full(1_500, np.nan)), {}).sentence
    assert "all its scores are equal" in weigh(1, inputs, Numbers(np.full(1_500, 0.5)), {}).sentence
    assert not weigh(1, {}, score, {}).judged
