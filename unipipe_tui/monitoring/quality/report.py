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
from unipipe_tui.monitoring.quality.references import Reference, forecast_of, limit_of, reference_of
from unipipe_tui.monitoring.quality.reliability import calibration_of
from unipipe_tui.monitoring.quality.results import DropAttribution, Quality, QualityReport, QualitySettings
from unipipe_tui.monitoring.quality.windows import (
    FEWEST_CHUNKS,
    Arrays,
    Places,
    arrays_of,
    chosen_of,
    cut_into_windows,
    judged_window,
    last_labelled,
)

MOST_SLICES = 12
METHOD = (
    "measured: 95 % intervals of Wilson, of DeLong (ROC area) and of the log-odds (average precision); "
    "estimated: CBPE with isotonic calibration, usual is mean ± 3 σ over the reference's windows, as NannyML 0.13"
)


@frozen
class _Labelled:
    """Rows that have labels, by their places."""

    arrays: Arrays
    inputs: Mapping[str, Sequence[Value]]
    places: Places

    @property
    def part(self) -> LabelledPart:
        columns = chosen_of(self.inputs, self.places)
        return LabelledPart(self.arrays.decisions[self.places], self.arrays.labels[self.places], columns)


def report_quality(
    traffic: JudgedRows, given: JudgedRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    """Windows with figures and estimates, detectors of change, calibration, forecast, and where a loss came from.

    `given` is a labelled reference; without one the oldest 40 % of the labelled traffic are.
    """
    metric = settings.metric
    assert isinstance(metric, Quality)
    arrays = arrays_of(traffic)
    held = arrays if given is None else arrays_of(given)
    reference = reference_of(arrays, None if given is None else held, given_as)
    estimator, notices = _estimator(held, reference, settings)
    cuts = cut_into_windows(arrays, settings.cut, settings.clock, settings.window_rows)
    windows = tuple(
        judged_window(arrays, places, settings.clock, estimator, reference.is_in(places)) for places in cuts
    )
    current = last_labelled(arrays, cuts, settings.minimum_labels)
    limit, told = limit_of(metric, settings.limit, estimator.usual.get(metric) if estimator is not None else None)
    shown, counted, errors = _errors(arrays, metric)
    then = _Labelled(held, (given or traffic).inputs, reference.places)
    return QualityReport(
        metric=metric,
        limit=limit,
        reference=reference.part,
        windows=windows,
        calibration=None if current is None else calibration_of(arrays.scores[current], arrays.labels[current]),
        detectors=states_of(errors[counted].tolist(), [arrays.at[place] for place in np.flatnonzero(counted)]),
        detected_on=shown,
        forecast=forecast_of(metric, limit, windows, settings.minimum_labels),
        drop=_drop(metric, then, None if current is None else _Labelled(arrays, traffic.inputs, current)),
        method=METHOD,
        notices=(*told, *notices, *_notices(arrays, current, settings)),
    )


def _estimator(
    held: Arrays, reference: Reference, settings: QualitySettings
) -> tuple[BinaryEstimator | None, tuple[str, ...]]:
    places = reference.places
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


def _drop(metric: Quality, then: _Labelled, now: _Labelled | None) -> DropAttribution | None:
    if now is None or metric in AREAS or not len(then.places):
        return None
    return attribute_drop(metric, then.part, now.part, MOST_SLICES)


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
