"""Which params matter, by scikit-learn: only the process that is asked to find out imports it.

A random forest learns to tell the rank of a run by the metric from its params. Ranks, so that one run that diverged does not
outweigh all others. The runs are cut into five folds; a forest that has not seen a fold says how well it tells the
ranks in it (R²), then each param's values are shuffled among the runs of the fold, five times, and what R² falls by on
average is the param's weight. A param whose values are texts becomes one column for each of its commonest values; they are
shuffled together. The method is permutation importance (Breiman 2001, Random Forests, Machine Learning 45; on held-out
data as in Molnar, Interpretable Machine Learning, chapter on permutation feature importance).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold

from unipipe_tui.domain.errors import Stopped
from unipipe_tui.domain.events import Advanced
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.columns import Column, ColumnKind
from unipipe_tui.domain.runs.importance import MOST_CATEGORIES, MOST_RUNS, ParamWeight, Study, Weights

SEED = 20
TREES = 100
FOLDS = 5
SHUFFLES_PER_FOLD = 5
SMALLEST_LEAF = 2

Numbers = NDArray[np.float64]


class ForestImportance:
    """Weighs params, see above."""

    def weigh(self, study: Study, progress: Progress) -> Weights:
        """The weight of each param.

        Raises:
            Stopped: somebody asked for the end.
        """
        chance = np.random.default_rng(SEED)
        chosen = _sample(len(study.target), chance)
        ranks = np.asarray(rankdata(np.asarray(study.target)[chosen]), dtype=np.float64) / len(chosen)
        blocks = [_block(column.chosen(chosen.tolist())) for column in study.params]
        falls: list[list[float]] = [[] for _ in study.params]
        for number, (seen, held_out) in enumerate(KFold(FOLDS, shuffle=True, random_state=SEED).split(ranks), 1):
            if progress.stopped():
                raise Stopped("Stopped on request.")
            forest = _forest().fit(np.hstack([block[seen] for block in blocks]), ranks[seen])
            _shuffle_each(forest, [block[held_out] for block in blocks], ranks[held_out], chance, falls)
            progress.emit(Advanced(number, FOLDS, "folds"))
        whole = _forest(judged=True).fit(np.hstack(blocks), ranks)
        weights = [
            ParamWeight(column.name, float(np.mean(fallen)), float(np.std(fallen)))
            for column, fallen in zip(study.params, falls, strict=True)
        ]
        heaviest = tuple(sorted(weights, key=lambda one: (-one.weight, one.param)))
        return Weights(heaviest, float(whole.oob_score_), len(chosen), TREES, FOLDS * SHUFFLES_PER_FOLD, SEED)


def _forest(*, judged: bool = False) -> RandomForestRegressor:
    return RandomForestRegressor(
        n_estimators=TREES, min_samples_leaf=SMALLEST_LEAF, random_state=SEED, oob_score=judged, n_jobs=1
    )


def _sample(runs: int, chance: np.random.Generator) -> NDArray[np.int64]:
    if runs <= MOST_RUNS:
        return np.arange(runs)
    return np.sort(chance.choice(runs, MOST_RUNS, replace=False))


def _block(column: Column) -> Numbers:
    """The columns that stand for a param, shape (runs, columns); the forest takes NaN for a missing number."""
    if column.kind is ColumnKind.NUMBER:
        return np.asarray(column.numbers, dtype=np.float64)[:, None]
    common = column.commonest(MOST_CATEGORIES)
    hot = [[float(value == name) for name in common] for value in column.values]
    return np.asarray(hot, dtype=np.float64).reshape(len(column.values), len(common))


def _shuffle_each(
    forest: RandomForestRegressor,
    blocks: list[Numbers],
    ranks: Numbers,
    chance: np.random.Generator,
    falls: list[list[float]],
) -> None:
    before = _r2(ranks, forest.predict(np.hstack(blocks)))
    for number, block in enumerate(blocks):
        for _ in range(SHUFFLES_PER_FOLD):
            shuffled = [*blocks[:number], block[chance.permutation(len(block))], *blocks[number + 1 :]]
            falls[number].append(before - _r2(ranks, forest.predict(np.hstack(shuffled))))


def _r2(truth: Numbers, told: Numbers) -> float:
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1.0 - float(np.sum((truth - told) ** 2)) / spread if spread > 0 else 0.0
