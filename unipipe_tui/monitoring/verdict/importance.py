"""Which columns a version's score depends on, without loading the model: a surrogate, and what shuffling a column costs it.

Formula: gradient boosted trees learn the logged score from the logged inputs, on seven of ten rows. On the other
three R² says how well they imitate the model; below 0.5 nothing is said, for what the surrogate looks at is not what
the model looks at. Then each column is shuffled among these rows, three times; what R² falls by, as a share of the
falls of all columns, is the column's importance (permutation importance). A column's drift weighs effect ·
importance. A column with less than a tenth of an equal share is hardly looked at.
Assumptions: the score is a function of the logged inputs. Columns that go together share their importance as the
trees happened to choose; shuffling one of them asks for rows that never come. The importance is that of these rows: a
column that does not vary in them has none.
Sources: Breiman, "Random forests", Machine Learning 2001; Fisher, Rudin and Dominici, "All models are wrong, but many
are useful", JMLR 2019; surrogates: Molnar, *Interpretable Machine Learning*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import Family
from unipipe_tui.monitoring.rows import Column, Labels, Rows
from unipipe_tui.monitoring.verdict.results import ColumnImportance, Importance
from unipipe_tui.monitoring.verdict.samples import SEED, common_codes, numbers_of
from unipipe_tui.monitoring.words import percent, printable

FIT = 0.5
SHUFFLES = 3
MOST_ROWS = 10_000
FEWEST_ROWS = 200
LEARNED = 0.7
MOST_SHUFFLED_ROWS = 3_000
HARDLY = 0.1
"""Of what each column had if all mattered alike."""

INPUT = "input."

Floats = NDArray[np.float64]


@frozen
class Moved:
    """How far a column moved."""

    effect: float | None
    drifted: bool


def weigh_answers(version: int, rows: Rows, moved: Mapping[str, Moved]) -> Importance:
    """The same of answers as the prediction log writes them: a column `score`, and one `input.x` for each input x."""
    inputs: dict[str, Column] = {}
    for name in rows.columns:
        family = rows.family(name)
        if name.startswith(INPUT) and family is not None:
            inputs[name.removeprefix(INPUT)] = rows.numbers(name) if family is Family.NUMBER else rows.labels(name)
    return weigh(version, inputs, rows.numbers("score"), moved)


def weigh(version: int, inputs: Mapping[str, Column], scores: Column, moved: Mapping[str, Moved]) -> Importance:
    """The importance of each input of a version, and what its drift weighs by that."""
    known = np.isfinite(numbers_of(scores))
    chosen = _chosen(np.flatnonzero(known))
    if len(chosen) < FEWEST_ROWS or not inputs:
        few = f"{len(chosen):,} scored rows of it are too few to learn from, at least {FEWEST_ROWS:,} are asked for"
        return _unknown(version, None, len(chosen), few)
    target, table = numbers_of(scores)[chosen], np.column_stack([_coded(column)[chosen] for column in inputs.values()])
    if not float(target.std()) > 0:
        return _unknown(version, None, len(chosen), "all its scores are equal")
    cut = int(LEARNED * len(chosen))
    categorical = [isinstance(column, Labels) for column in inputs.values()]
    model = HistGradientBoostingRegressor(early_stopping=False, categorical_features=categorical, random_state=SEED)
    model.fit(table[:cut], target[:cut])
    r2 = _r2(model, table[cut:], target[cut:])
    if r2 < FIT:
        why = f"a surrogate tells its scores with R² {r2:.2f} only, at least {FIT:g} is asked for"
        return _unknown(version, r2, len(chosen), why)
    falls = _falls(model, table[cut:][:MOST_SHUFFLED_ROWS], target[cut:][:MOST_SHUFFLED_ROWS])
    total = float(falls.mean(axis=1).sum()) or 1.0
    columns = [
        _weighed(name, float(fall.mean()) / total, float(fall.std()) / total, len(inputs), moved.get(name))
        for name, fall in zip(inputs, falls, strict=True)
    ]
    columns.sort(key=lambda one: (-(one.weighed or 0.0), -one.importance))
    return Importance(
        judged=True,
        version=version,
        r2=r2,
        fit_wanted=FIT,
        rows=len(chosen),
        shuffles=SHUFFLES,
        seed=SEED,
        sentence=_sentence(version, r2, len(chosen), columns),
        columns=tuple(columns),
    )


def _chosen(known: NDArray[np.int64]) -> NDArray[np.int64]:
    """By lot and in no order: the first seven of ten are learned from."""
    return np.asarray(np.random.default_rng(SEED).permutation(known)[:MOST_ROWS])


def _coded(column: Column) -> Floats:
    if isinstance(column, Labels):
        return common_codes(column, Labels((), np.empty(0, dtype=np.int64)))[0]
    return numbers_of(column)


def _falls(model: Any, rows: Floats, target: Floats) -> Floats:
    """What R² falls by when a column is shuffled; shape (columns, shuffles), never less than 0."""
    chance, whole = np.random.default_rng(SEED), _r2(model, rows, target)
    rows = rows.copy()
    falls = np.zeros((rows.shape[1], SHUFFLES))
    for place in range(rows.shape[1]):
        kept = rows[:, place].copy()
        for shuffle in range(SHUFFLES):
            rows[:, place] = chance.permutation(kept)
            falls[place, shuffle] = max(0.0, whole - _r2(model, rows, target))
        rows[:, place] = kept
    return falls


def _r2(model: Any, rows: Floats, target: Floats) -> float:
    spread = float(((target - target.mean()) ** 2).sum())
    return 1 - float(((target - model.predict(rows)) ** 2).sum()) / spread if spread > 0 else 0.0


def _weighed(name: str, importance: float, spread: float, columns: int, moved: Moved | None) -> ColumnImportance:
    effect = moved.effect if moved else None
    drifted = moved is not None and moved.drifted
    hardly = importance < HARDLY / columns
    return ColumnImportance(
        column=name,
        importance=importance,
        spread=spread,
        effect=effect,
        weighed=None if effect is None else effect * importance,
        drifted=drifted,
        hardly_used=hardly,
        sentence=_told(name, importance, drifted=drifted, hardly=hardly),
    )


def _told(name: str, importance: float, *, drifted: bool, hardly: bool) -> str:
    share = percent(importance)
    if drifted:
        looks = f"the model hardly looks at it ({share})" if hardly else f"{share} of what moves the score"
        return f"{printable(name)}: drifted, and {looks}."
    return f"{printable(name)}: {share} of what moves the score."


def _sentence(version: int, r2: float, rows: int, columns: list[ColumnImportance]) -> str:
    most = sorted(columns, key=lambda one: -one.importance)[:3]
    named = ", ".join(f"{printable(one.column)} {percent(one.importance)}" for one in most)
    return (
        f"Version {version} looks most at {named}, by a surrogate of its scores "
        f"(R² {r2:.2f} on unseen rows, {rows:,} rows, seed {SEED})."
    )


def _unknown(version: int, r2: float | None, rows: int, why: str) -> Importance:
    sentence = f"Which columns version {version} looks at is not known: {why}."
    return Importance(False, version, r2, FIT, rows, SHUFFLES, SEED, sentence, ())
