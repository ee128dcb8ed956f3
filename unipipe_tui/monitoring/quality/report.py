"""All that is known of a target's performance, from its predictions and the labels that have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unipipe_tui.domain.serving import JudgedRows, Value
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.quality.attribution import AREAS, LabelledPart, attribute_drop
from unipipe_tui.monitoring.quality.cbpe import BinaryEstimator, fit_binary
from unipipe_tui.monitoring.quality.detectors import states_of
from unipipe_tui.monitoring.quality.figures import Bools
from unipipe_tui.monitoring.quality.forecasts import forecast
from unipipe_tui.monitoring.quality.reliability import calibration_of
from unipipe_tui.monitoring.quality.results import (
    DropAttribution,
    Quality,
    QualityReport,
    QualitySettings,
    ReferencePart,
)
from unipipe_tui.monitoring.quality.windows import (
    FEWEST_CHUNKS,
    OWN_TOLD,
    Arrays,
    Places,
    arrays_of,
    cut_into_windows,
    judged_window,
    last_labelled,
    own_reference,
)

MOST_SLICES = 12
METHOD = (
    "measured: 95 % intervals of Wilson, of DeLong (ROC area) and of the log-odds (average precision); "
    "estimated: CBPE with isotonic calibration, usual is mean ± 3 σ over the reference's windows, as NannyML 0.13"
)


@frozen
class _Reference:
    arrays: Arrays
    inputs: Mapping[str, Sequence[Value]]
    places: Places
    """Of its labelled rows, oldest first."""
    part: ReferencePart
    own: bool
    """Whether it is taken from the traffic that is looked at."""


def report_quality(
    traffic: JudgedRows, given: JudgedRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    """Windows with figures and estimates, detectors of change, calibration, forecast, and where a loss came from.

    `given` is a labelled reference; without one the oldest 40 % of the labelled traffic are.
    """
    metric = settings.metric
    assert isinstance(metric, Quality)
    arrays = arrays_of(traffic)
    reference = _reference(traffic, arrays, given, given_as)
    estimator, notices = _estimator(reference, settings)
    cuts = cut_into_windows(arrays, settings.cut, settings.clock, settings.window_rows)
    own = set(reference.places.tolist()) if reference.own else set()
    windows = tuple(
        judged_window(arrays, places, settings.clock, estimator, not own.isdisjoint(places.tolist())) for places in cuts
    )
    current = last_labelled(arrays, cuts, settings.minimum_labels)
    limit, told = _limit(metric, settings, estimator)
    shown, counted, errors = _errors(arrays, metric)
    enough = [window for window in windows if window.labelled >= settings.minimum_labels]
    return QualityReport(
        metric=metric,
        limit=limit,
        reference=reference.part,
        windows=windows,
        calibration=None if current is None else calibration_of(arrays.scores[current], arrays.labels[current]),
        detectors=states_of(errors[counted].tolist(), [arrays.at[place] for place in np.flatnonzero(counted)]),
        detected_on=shown,
        forecast=forecast(
            metric.value,
            limit,
            [window.middle for window in enough],
            [window.figure(metric).measured for window in enough],
        ),
        drop=_drop(metric, reference, arrays, traffic, current),
        method=METHOD,
        notices=(*told, *notices, *_notices(arrays, current, settings)),
    )


def _reference(traffic: JudgedRows, arrays: Arrays, given: JudgedRows | None, given_as: str) -> _Reference:
    if given is not None:
        own, held = False, arrays_of(given)
        places, inputs = np.flatnonzero(held.labelled), given.inputs
        what = given_as
    else:
        own, held, inputs = True, arrays, traffic.inputs
        places = own_reference(arrays)
        what = OWN_TOLD
    return _Reference(
        held, inputs, places, ReferencePart(len(held.at) if not own else len(places), len(places), what), own
    )


def _estimator(reference: _Reference, settings: QualitySettings) -> tuple[BinaryEstimator | None, tuple[str, ...]]:
    held, places = reference.arrays, reference.places
    if len(places) < max(1, settings.minimum_labels) or not np.isfinite(held.scores[places]).any():
        wanted = f"{len(places):,} labelled rows of at least {settings.minimum_labels:,}, with scores"
        return None, (f"Nothing is estimated: the reference has {wanted}.",)
    of_both = held.labels[places].any() and not held.labels[places].all()
    notices = [] if of_both else ["The reference has rows of one label only: scores are not calibrated."]
    found = fit_binary(held.scores[places], held.decisions[places], held.labels[places], settings.window_rows)
    known = {metric: band for metric, band in found.usual.items() if band.chunks >= FEWEST_CHUNKS}
    if not known:
        notices.append(f"What is usual is not known: it takes {FEWEST_CHUNKS} windows of the reference.")
    return BinaryEstimator(found.calibrator, known, found.rows), tuple(notices)


def _limit(
    metric: Quality, settings: QualitySettings, estimator: BinaryEstimator | None
) -> tuple[float | None, tuple[str, ...]]:
    if settings.limit is not None:
        return settings.limit, ()
    usual = estimator.usual.get(metric) if estimator is not None else None
    if usual is None:
        return None, (f"Nothing is asked of {metric.value}: give --at-least.",)
    return usual.low, (f"Nothing is asked of {metric.value}: it is held against the lower end of what is usual.",)


def _errors(arrays: Arrays, metric: Quality) -> tuple[str, Bools, Bools]:
    """Which labelled rows the figure counts, in words and as a mask, and which rows are errors."""
    wrong = arrays.decisions != arrays.labels
    match metric:
        case Quality.PRECISION:
            return "labelled predictions that were decided yes", arrays.labelled & arrays.decisions, wrong
        case Quality.RECALL:
            return "labelled predictions that should have been decided yes", arrays.labelled & arrays.labels, wrong
        case Quality.SPECIFICITY:
            return "labelled predictions that should have been decided no", arrays.labelled & ~arrays.labels, wrong
        case Quality.F1:
            return (
                "labelled predictions but those rightly decided no",
                arrays.labelled & (arrays.decisions | arrays.labels),
                wrong,
            )
        case _:
            return "all labelled predictions", arrays.labelled, wrong


def _drop(
    metric: Quality, reference: _Reference, arrays: Arrays, traffic: JudgedRows, current: Places | None
) -> DropAttribution | None:
    if current is None or metric in AREAS or not len(reference.places):
        return None
    then = _part(reference.arrays, reference.inputs, reference.places)
    return attribute_drop(metric, then, _part(arrays, traffic.inputs, current), MOST_SLICES)


def _part(arrays: Arrays, inputs: Mapping[str, Sequence[Value]], places: Places) -> LabelledPart:
    chosen = places.tolist()
    columns = {name: [column[place] for place in chosen] for name, column in inputs.items()}
    return LabelledPart(arrays.decisions[places], arrays.labels[places], columns)


def _notices(arrays: Arrays, current: Places | None, settings: QualitySettings) -> tuple[str, ...]:
    early = sum(
        1 for at, label_at in zip(arrays.at, arrays.label_at, strict=True) if label_at is not None and label_at < at
    )
    told = []
    if current is None:
        told.append(f"No window has {settings.minimum_labels:,} labels: no calibration, and no loss is attributed.")
    if early:
        told.append(f"{early:,} labels came before their predictions: a clock was set back.")
    return tuple(told)
