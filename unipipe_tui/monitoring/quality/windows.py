"""Traffic cut into windows, by rows or by day, by the moment of the prediction or of its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.serving import JudgedRows, Value
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Estimate
from unipipe_tui.monitoring.quality.cbpe import BinaryEstimator
from unipipe_tui.monitoring.quality.figures import Bools, Floats
from unipipe_tui.monitoring.quality.measured import measured
from unipipe_tui.monitoring.quality.results import ClassRecall, Clock, Cut, Figure, Quality, QualityWindow

Places = NDArray[np.int64]
FEWEST_CHUNKS = 5
"""From fewer chunks of the reference nobody knows what is usual."""


@frozen
class Arrays:
    """Judged rows as arrays, parallel, one entry a row."""

    scores: Floats
    """NaN where there is none."""
    decisions: Bools
    labels: Bools
    """False where none has come; see `labelled`."""
    labelled: Bools
    at: tuple[datetime, ...]
    label_at: tuple[datetime | None, ...]

    def moments(self, clock: Clock) -> tuple[datetime | None, ...]:
        """When each row was, by a clock."""
        return self.at if clock is Clock.PREDICTION else self.label_at

    def labelled_of(self, places: Places) -> Places:
        """Those of these rows whose label has come."""
        return np.asarray(places[self.labelled[places]])

    def figure(self, metric: Quality, places: Places) -> Estimate:
        """What the labels of these rows show."""
        known = self.labelled_of(places)
        return measured(metric, self.scores[known], self.decisions[known], self.labels[known])


def arrays_of(rows: JudgedRows) -> Arrays:
    """The arrays of judged rows."""
    return Arrays(
        scores=np.array([np.nan if one is None else one for one in rows.scores], dtype=np.float64),
        decisions=np.array(rows.decisions, dtype=bool),
        labels=np.array([bool(one) for one in rows.labels], dtype=bool),
        labelled=np.array([one is not None for one in rows.labels], dtype=bool),
        at=rows.at,
        label_at=rows.label_at,
    )


def cut_into_windows(arrays: Arrays, cut: Cut, clock: Clock, window_rows: int) -> tuple[Places, ...]:
    """The places of the rows of each window, oldest first.

    By the clock of labels only labelled rows are in any. By rows the last window is the one that may be smaller.
    """
    moments = arrays.moments(clock)
    places = [place for place, moment in enumerate(moments) if moment is not None and _counts(arrays, place, clock)]
    places.sort(key=lambda place: moments[place] or datetime.min)
    if cut is Cut.ROWS:
        return tuple(
            np.array(places[at : at + window_rows], dtype=np.int64) for at in range(0, len(places), window_rows)
        )
    days = groupby(places, key=lambda place: (moments[place] or datetime.min).astimezone(UTC).date())
    return tuple(np.array(list(day), dtype=np.int64) for _, day in days)


def _counts(arrays: Arrays, place: int, clock: Clock) -> bool:
    return clock is Clock.PREDICTION or bool(arrays.labelled[place])


def judged_window(
    arrays: Arrays, places: Places, clock: Clock, estimator: BinaryEstimator | None, of_reference: bool
) -> QualityWindow:
    """Every figure of a window, and by the clock of predictions the estimates of those whose labels lack."""
    guesser = estimator if clock is Clock.PREDICTION else None
    figures = tuple(_figure(metric, arrays, places, guesser) for metric in Quality)
    return window_of(arrays, places, clock, figures, of_reference)


def window_of(
    arrays: Arrays,
    places: Places,
    clock: Clock,
    figures: tuple[Figure, ...],
    of_reference: bool,
    classes: tuple[ClassRecall, ...] = (),
) -> QualityWindow:
    """The window of these rows, which are in the order of its clock, with what was found in it."""
    moments = arrays.moments(clock)
    seen = [moment for place in places.tolist() if (moment := moments[place]) is not None]
    labelled = int(arrays.labelled[places].sum())
    return QualityWindow(seen[0], seen[-1], len(places), labelled, figures, of_reference, classes)


def chosen_of(columns: Mapping[str, Sequence[Value]], places: Places) -> dict[str, list[Value]]:
    """The values of each column at these places."""
    wanted = places.tolist()
    return {name: [column[place] for place in wanted] for name, column in columns.items()}


def last_labelled(arrays: Arrays, cuts: Sequence[Places], fewest: int) -> Places | None:
    """The labelled rows of the last window that has enough of them."""
    labelled = (arrays.labelled_of(places) for places in reversed(cuts))
    return next((places for places in labelled if len(places) >= max(1, fewest)), None)


def _figure(metric: Quality, arrays: Arrays, places: Places, estimator: BinaryEstimator | None) -> Figure:
    shown = arrays.figure(metric, places)
    if estimator is None:
        return Figure(metric, shown)
    guess = UNKNOWN
    if np.isfinite(arrays.scores[places]).any():
        guess = estimator.estimate(metric, arrays.scores[places], arrays.decisions[places])
    usual = estimator.usual.get(metric)
    return Figure(metric, shown, guess, usual, usual is not None and usual.alerts(guess.value))
