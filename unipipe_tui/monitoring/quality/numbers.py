"""How far off a regression's answers are: measured where true values have come, estimated (DLE) where they have not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from unipipe_tui.domain.answers import AnswerKind
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.serving import AnsweredRows, Value
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN
from unipipe_tui.monitoring.quality.detectors import states_of
from unipipe_tui.monitoring.quality.dle import LossEstimator, fit_losses, measured_loss, row_losses
from unipipe_tui.monitoring.quality.figures import Floats
from unipipe_tui.monitoring.quality.references import forecast_of, limit_of, reference_of
from unipipe_tui.monitoring.quality.results import (
    Band,
    Clock,
    Figure,
    Loss,
    QualityReport,
    QualitySettings,
    QualityWindow,
)
from unipipe_tui.monitoring.quality.thresholds import chunks_of, usual_band
from unipipe_tui.monitoring.quality.windows import (
    FEWEST_CHUNKS,
    Arrays,
    Places,
    chosen_of,
    cut_into_windows,
    window_of,
)
from unipipe_tui.monitoring.words import percent

SHOWN = (Loss.MAE, Loss.RMSE)
FAR_OFF_SHARE = 0.9
"""A row counts as an error for the detectors when it is farther off than this share of the reference's rows."""
METHOD = (
    "measured: mean loss with its 95 % t-interval (RMSE: the root of that of the squared errors); estimated: DLE with "
    "gradient boosted trees, usual is mean ± 3 σ over the reference's windows, as NannyML 0.13"
)


@frozen
class _Rows:
    """Answers and true values as arrays, parallel, one entry a row."""

    arrays: Arrays
    """`scores` are the answers."""
    true: Floats
    """NaN where none has come, or where it is no number."""
    inputs: Mapping[str, Sequence[Value]]


@frozen
class _Usual:
    estimator: LossEstimator | None
    bands: Mapping[Loss, Band]
    told: tuple[str, ...]


def report_numbers(
    traffic: AnsweredRows, given: AnsweredRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    """Windows with losses and estimates, detectors of change and a forecast.

    `given` is a labelled reference; without one the oldest 40 % of the labelled traffic are.
    """
    metric = settings.metric if isinstance(settings.metric, Loss) else Loss.MAE
    rows = _rows_of(traffic)
    held = rows if given is None else _rows_of(given)
    reference = reference_of(rows.arrays, None if given is None else held.arrays, given_as)
    usual = _usual(held, reference.places, settings)
    cuts = cut_into_windows(rows.arrays, settings.cut, settings.clock, settings.window_rows)
    windows = tuple(_window(rows, cut, settings.clock, usual, reference.is_in(cut)) for cut in cuts)
    limit, told = limit_of(metric, settings.limit, usual.bands.get(metric))
    far_off, shown = _far_off(rows, held, reference.places)
    counted = np.flatnonzero(rows.arrays.labelled)
    return QualityReport(
        metric=metric,
        limit=limit,
        reference=reference.part,
        windows=windows,
        calibration=None,
        detectors=states_of(far_off, [rows.arrays.at[place] for place in counted]),
        detected_on=shown,
        forecast=forecast_of(metric, limit, windows, settings.minimum_labels),
        drop=None,
        method=METHOD,
        notices=(*told, *usual.told),
        kind=AnswerKind.NUMBERS,
    )


def _rows_of(answered: AnsweredRows) -> _Rows:
    true = np.array([_number(one) for one in answered.labels], dtype=np.float64)
    nothing = np.zeros(len(true), dtype=bool)
    arrays = Arrays(
        scores=np.array([np.nan if one is None else one for one in answered.scores], dtype=np.float64),
        decisions=nothing,
        labels=nothing,
        labelled=np.isfinite(true),
        at=answered.at,
        label_at=answered.label_at,
    )
    return _Rows(arrays, true, answered.inputs)


def _number(text: str | None) -> float:
    """NaN for what is none."""
    try:
        return math.nan if text is None else float(text)
    except ValueError:
        return math.nan


def _usual(held: _Rows, places: Places, settings: QualitySettings) -> _Usual:
    """What the reference says of windows whose true values have not come."""
    predicted, true = held.arrays.scores[places], held.true[places]
    if len(places) < max(1, settings.minimum_labels) or not np.isfinite(predicted).any():
        wanted = f"{len(places):,} labelled rows of at least {settings.minimum_labels:,}, with predictions"
        return _Usual(None, {}, (f"Nothing is estimated: the reference has {wanted}.",))
    chunks = chunks_of(len(places), settings.window_rows)
    found = {loss: usual_band([measured_loss(loss, predicted[at], true[at]).value for at in chunks]) for loss in SHOWN}
    bands = {loss: band for loss, band in found.items() if band is not None and band.chunks >= FEWEST_CHUNKS}
    told = () if bands else (f"What is usual is not known: it takes {FEWEST_CHUNKS} windows of the reference.",)
    try:
        return _Usual(
            fit_losses(chosen_of(held.inputs, places), predicted, true, settings.window_rows, SHOWN), bands, told
        )
    except Failed as error:
        return _Usual(None, bands, (*told, f"Nothing is estimated: {error.message}"))


def _window(rows: _Rows, places: Places, clock: Clock, usual: _Usual, of_reference: bool) -> QualityWindow:
    estimator = usual.estimator if clock is Clock.PREDICTION else None
    inputs = chosen_of(rows.inputs, places) if estimator is not None else {}
    figures = tuple(_figure(loss, rows, places, usual, estimator, inputs) for loss in SHOWN)
    return window_of(rows.arrays, places, clock, figures, of_reference)


def _figure(
    loss: Loss,
    rows: _Rows,
    places: Places,
    usual: _Usual,
    estimator: LossEstimator | None,
    inputs: Mapping[str, Sequence[float | str | None]],
) -> Figure:
    predicted = rows.arrays.scores[places]
    shown = measured_loss(loss, predicted, rows.true[places])
    guess = UNKNOWN if estimator is None else estimator.estimate(loss, inputs, predicted)
    band = usual.bands.get(loss)
    return Figure(loss, shown, guess, band, band is not None and band.alerts(guess.value))


def _far_off(rows: _Rows, held: _Rows, places: Places) -> tuple[list[bool], str]:
    """Which labelled rows are errors, for detectors that look at errors; and which those are, in words."""
    losses = row_losses(Loss.MAE, rows.arrays.scores, rows.true)[rows.arrays.labelled]
    known = row_losses(Loss.MAE, held.arrays.scores[places], held.true[places])
    known = known[np.isfinite(known)]
    if not len(known):
        return [], "no rows: the reference has no errors to compare with"
    line = float(np.quantile(known, FAR_OFF_SHARE))
    few = f"{percent(1 - FAR_OFF_SHARE, 0)} of the reference"
    shown = f"labelled predictions, an error being one farther off than {line:.4g}, as {few} are"
    return [bool(one > line) for one in losses], shown
