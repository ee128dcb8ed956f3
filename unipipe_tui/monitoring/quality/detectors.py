"""Detectors of change in the stream of right and wrong decisions: ADWIN, Page-Hinkley, DDM and KSWIN, by the river library.

Sources: ADWIN: Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007. Page-Hinkley:
Page, "Continuous inspection schemes", Biometrika 1954. DDM: Gama, Medas, Castillo and Rodrigues, "Learning with drift
detection", SBIA 2004. KSWIN: Raab, Heusinger and Schleif, "Reactive soft prototype computing for concept drift
streams", Neurocomputing 2020.
Assumption: errors of one concept are independent draws. `benchmarks/concept_drift.py` tells how soon each sees a
switch, and how often it sees one that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import DDM

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.quality.results import DetectorName, DetectorState

KSWIN_ROWS = 2_000
"""KSWIN costs a quarter of a millisecond a row, a thousand times what the others do: it is shown the newest rows only."""
MOST_CHANGES = 20


@frozen
class DetectorChoice:
    """A detector with its parameters, and whether its word is an alarm."""

    name: DetectorName
    parameters: str
    make: Callable[[], Any]
    decides: bool = False
    most_rows: int | None = None


DETECTORS = (
    DetectorChoice(
        DetectorName.ADWIN, "delta 0.002, looks each 32 rows", lambda: ADWIN(delta=0.002, clock=32), decides=True
    ),
    DetectorChoice(
        DetectorName.PAGE_HINKLEY,
        "upwards, delta 0.005, threshold 50, alpha 0.9999, from 30 rows",
        lambda: PageHinkley(min_instances=30, delta=0.005, threshold=50.0, alpha=0.9999, mode="up"),
    ),
    DetectorChoice(
        DetectorName.DDM,
        "from 200 rows, warning at 3, drift at 5 deviations",
        lambda: DDM(warm_start=200, warning_threshold=3.0, drift_threshold=5.0),
    ),
    DetectorChoice(
        DetectorName.KSWIN,
        "alpha 0.00001, window 200, newest 50, seed 1",
        lambda: KSWIN(alpha=1e-5, window_size=200, stat_size=50, seed=1),
        most_rows=KSWIN_ROWS,
    ),
)


def changes_in(errors: Sequence[bool], choice: DetectorChoice) -> tuple[int, ...]:
    """The places in a stream of errors at which a detector saw a change, for the better or the worse."""
    detector = choice.make()
    found = []
    for place, wrong in enumerate(errors):
        detector.update(int(wrong))
        if detector.drift_detected:
            found.append(place)
    return tuple(found)


def states_of(
    errors: Sequence[bool], moments: Sequence[datetime], choices: Sequence[DetectorChoice] = DETECTORS
) -> tuple[DetectorState, ...]:
    """What each detector says of a stream of errors, one a labelled prediction, in the order of the predictions."""
    return tuple(_state(errors, moments, choice) for choice in choices)


def _state(errors: Sequence[bool], moments: Sequence[datetime], choice: DetectorChoice) -> DetectorState:
    skipped = max(0, len(errors) - choice.most_rows) if choice.most_rows is not None else 0
    errors, moments = errors[skipped:], moments[skipped:]
    places = changes_in(errors, choice)
    last = places[-1] if places else None
    before = errors[places[-2] if len(places) > 1 else 0 : last] if last is not None else ()
    now = errors[last:] if last is not None else errors
    return DetectorState(
        name=choice.name,
        parameters=choice.parameters,
        rows=len(errors),
        changes=tuple(moments[place] for place in places[-MOST_CHANGES:]),
        rows_since=None if last is None else len(errors) - 1 - last,
        error_before=_share(before),
        error_now=_share(now),
        decides=choice.decides,
        worsened=last is not None and (_share(now) or 0.0) > (_share(before) or 0.0),
    )


def _share(errors: Sequence[bool]) -> float | None:
    return sum(errors) / len(errors) if errors else None
