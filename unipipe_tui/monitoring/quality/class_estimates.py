"""What the probabilities of several classes tell beside the class that was chosen: areas, and estimates without labels (CBPE)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unipipe_tui.domain.serving import AnsweredRows
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Estimate
from unipipe_tui.monitoring.quality.cbpe import ClassesEstimator, fit_classes
from unipipe_tui.monitoring.quality.figures import Classes, Floats
from unipipe_tui.monitoring.quality.measured import mean_roc_area
from unipipe_tui.monitoring.quality.results import Band, Figure, Quality
from unipipe_tui.monitoring.quality.windows import FEWEST_CHUNKS, Places

ESTIMATED = (Quality.ACCURACY, Quality.PRECISION, Quality.RECALL, Quality.F1, Quality.ROC_AUC)
UNTOLD = -1
"""In place of a class that the model does not name, or where nothing was said."""
NO_PROBABILITIES = (
    "The log holds the class that was chosen and no probabilities of the others: nothing is estimated without labels."
)


@frozen
class Chances:
    """What was said of each class, beside what was chosen and what was true: parallel, one entry a row."""

    scores: Floats
    """Of shape (rows, classes); NaN where nothing was said."""
    chosen: Classes
    """Which column is the class that was chosen, or UNTOLD."""
    real: Classes
    """Which is that of the label, or UNTOLD."""

    def of(self, places: Places) -> Chances:
        """Those rows of these places that say something of every class."""
        there = places[np.isfinite(self.scores[places]).all(axis=1) & (self.chosen[places] != UNTOLD)]
        return Chances(self.scores[there], self.chosen[there], self.real[there])

    @property
    def labelled(self) -> Chances:
        """Those rows whose label is one of the classes."""
        there = self.real != UNTOLD
        return Chances(self.scores[there], self.chosen[there], self.real[there])


def chances_of(answered: AnsweredRows, names: Sequence[str]) -> Chances:
    """The same as numbers, with these classes as columns."""
    places = {name: place for place, name in enumerate(names)}
    untold = (None,) * len(answered.decisions)
    columns = [answered.probabilities.get(name, untold) for name in names]
    return Chances(
        np.array(columns, dtype=np.float64).reshape(len(columns), len(untold)).T,
        np.array([places.get(one or "", UNTOLD) for one in answered.decisions], dtype=np.int64),
        np.array([places.get(one or "", UNTOLD) for one in answered.labels], dtype=np.int64),
    )


@frozen
class ClassGuesser:
    """What is known of windows from the probabilities in them."""

    estimator: ClassesEstimator | None
    """None: only what labels show."""

    def figure(self, metric: Quality, chances: Chances, measured: Estimate) -> Figure:
        """A figure that labels showed, with its estimate."""
        if self.estimator is None:
            return Figure(metric, measured)
        guess = self.estimator.estimate(metric, chances.scores, chances.chosen) if len(chances.chosen) else UNKNOWN
        usual = self._usual(metric)
        return Figure(metric, measured, guess, usual, usual is not None and usual.alerts(guess.value))

    def area(self, chances: Chances) -> Figure:
        """The mean area under the ROC curves of each class against all others."""
        known = chances.labelled
        return self.figure(Quality.ROC_AUC, chances, mean_roc_area(known.scores, known.real))

    def _usual(self, metric: Quality) -> Band | None:
        found = self.estimator.usual.get(metric) if self.estimator is not None else None
        return found if found is not None and found.chunks >= FEWEST_CHUNKS else None


def learnt(
    reference: Chances, places: Places, window_rows: int, minimum_labels: int
) -> tuple[ClassGuesser, tuple[str, ...]]:
    """What the labelled rows of a reference say of windows without labels, and what there is to remark."""
    if not reference.scores.shape[1]:
        return ClassGuesser(None), (NO_PROBABILITIES,)
    known = reference.of(places).labelled
    if len(known.real) < max(1, minimum_labels):
        wanted = (
            f"{len(known.real):,} labelled rows of at least {minimum_labels:,}, with the probability of every class"
        )
        return ClassGuesser(None), (f"Nothing is estimated: the reference has {wanted}.",)
    return ClassGuesser(fit_classes(known.scores, known.chosen, known.real, window_rows, ESTIMATED)), ()
