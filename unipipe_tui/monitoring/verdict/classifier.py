"""Whether a model can tell rows of the reference from current ones: the domain classifier.

Formula: gradient boosted trees learn from which of both sets a row is, on one half of the rows, and score the other
half, and the other way round; the value is the area under the ROC curve (`areas`), 0.5 where nothing can be told. The
sets may be of different sizes. It is drift when the p-value is at most `significance` and the area at least (1 +
`effect`) / 2. Trees see a column alone as well as several together; which columns they used is what the area falls by
when one column is shuffled among the rows of the last half.
Assumptions: rows are independent draws: one that lies in both sets word for word (the same customer twice) is learned
by heart. A number that grows with time (a counter, a date) tells the sets apart all by itself, and rightly so.
Sources: Friedman, "On multivariate goodness-of-fit and two-sample testing", 2003; Lopez-Paz and Oquab, "Revisiting
classifier two-sample tests", ICLR 2017; Rabanser, Günnemann and Lipton, "Failing loudly", NeurIPS 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.verdict.areas import Area, Fold, area_of, area_over
from unipipe_tui.monitoring.verdict.results import ColumnUse
from unipipe_tui.monitoring.verdict.samples import SEED, Table

FOLDS = 2
TREES = 60
LEAVES = 15
MOST_SHUFFLED_ROWS = 4_000
TOLD_COLUMNS = 8

Floats = NDArray[np.float64]


@frozen
class ToldApart:
    """How well the sets were told apart, and by which columns."""

    area: Area
    folds: int
    columns: tuple[ColumnUse, ...]
    """Those it used most."""


def tell_apart(table: Table, significance: float) -> ToldApart:
    """Learn and score; which columns were used is only found out where anything is told apart."""
    rows = np.vstack([table.reference, table.current])
    is_current = np.repeat([False, True], [len(table.reference), len(table.current)])
    folds: list[Fold] = []
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, is_current):
        model = _model(table).fit(rows[seen], is_current[seen])
        scores = model.decision_function(rows[unseen])
        folds.append(Fold(scores[~is_current[unseen]], scores[is_current[unseen]]))
    area = area_over(folds)
    told = area.p_value <= significance
    return ToldApart(area, FOLDS, _used(table.names, model, rows[unseen], is_current[unseen]) if told else ())


def _model(table: Table) -> Any:
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=list(table.categorical),
        random_state=SEED,
    )


def _used(names: tuple[str, ...], model: Any, rows: Floats, is_current: NDArray[np.bool_]) -> tuple[ColumnUse, ...]:
    chance = np.random.default_rng(SEED)
    chosen = chance.permutation(len(rows))[:MOST_SHUFFLED_ROWS]
    rows, is_current = rows[chosen].copy(), is_current[chosen]
    whole = _area(model, rows, is_current)
    falls = []
    for place in range(len(names)):
        kept = rows[:, place].copy()
        rows[:, place] = chance.permutation(kept)
        falls.append(max(0.0, whole - _area(model, rows, is_current)))
        rows[:, place] = kept
    total = sum(falls)
    if not total:
        return ()
    uses = sorted(
        (ColumnUse(name, fall / total) for name, fall in zip(names, falls, strict=True)), key=lambda u: -u.share
    )
    return tuple(use for use in uses[:TOLD_COLUMNS] if use.share > 0)


def _area(model: Any, rows: Floats, is_current: NDArray[np.bool_]) -> float:
    scores = model.decision_function(rows)
    return area_of(scores[is_current], scores[~is_current])
