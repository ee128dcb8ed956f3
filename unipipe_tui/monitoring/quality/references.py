"""What traffic is held against: labelled rows of another time, the limit of its figure, and where the figure is going."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.quality.forecasts import forecast
from unipipe_tui.monitoring.quality.results import Band, Forecast, Loss, Quality, QualityWindow, ReferencePart
from unipipe_tui.monitoring.quality.windows import Arrays, Places
from unipipe_tui.monitoring.words import percent

OWN_SHARE = 0.4
"""Of the labelled rows of the traffic itself, the oldest, that are the reference when none is given."""
OWN_TOLD = f"the oldest {percent(OWN_SHARE, 0)} of the labelled predictions looked at"


@frozen
class Reference:
    """Rows that were given, or the oldest labelled ones of the traffic itself."""

    places: Places
    """Of its labelled rows, oldest first, in the rows that it is taken from."""
    part: ReferencePart
    own: frozenset[int]
    """The same where they are the traffic's; none where they were given."""

    def is_in(self, window: Places) -> bool:
        """Whether the window has rows of it."""
        return not self.own.isdisjoint(window.tolist())


def reference_of(traffic: Arrays, given: Arrays | None, given_as: str) -> Reference:
    """The labelled rows of what was given; without it the oldest of the labelled traffic, by `OWN_SHARE`."""
    if given is not None:
        places = np.flatnonzero(given.labelled)
        return Reference(places, ReferencePart(len(given.at), len(places), given_as), frozenset())
    labelled = np.flatnonzero(traffic.labelled)
    places = np.asarray(labelled[: int(OWN_SHARE * len(labelled))])
    return Reference(places, ReferencePart(len(places), len(places), OWN_TOLD), frozenset(places.tolist()))


def limit_of(metric: Quality | Loss, asked: float | None, usual: Band | None) -> tuple[float | None, tuple[str, ...]]:
    """What is asked of a figure, else the end of what is usual that is worse; and what is to be said of that."""
    if asked is not None:
        return asked, ()
    option, end = ("--at-most", "upper") if isinstance(metric, Loss) else ("--at-least", "lower")
    if usual is None:
        return None, (f"Nothing is asked of {metric.value}: give {option}.",)
    told = f"Nothing is asked of {metric.value}: it is held against the {end} end of what is usual."
    return usual.high if isinstance(metric, Loss) else usual.low, (told,)


def forecast_of(
    metric: Quality | Loss, limit: float | None, windows: Sequence[QualityWindow], minimum_labels: int
) -> Forecast:
    """Where the figure is going, by the windows that have labels enough."""
    enough = [window for window in windows if window.labelled >= minimum_labels]
    return forecast(
        metric.value,
        limit,
        [window.middle for window in enough],
        [window.figure(metric).measured for window in enough],
        less_is_better=isinstance(metric, Loss),
    )
