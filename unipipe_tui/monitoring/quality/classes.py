"""How good the answers of a model of several classes are: accuracy, means over the classes, and each class's recall.

Where the log holds the probability of every class, the area under the ROC curves is measured as well, and all of these are
estimated without labels (`cbpe`).

Formulas: precision, recall and F1 are plain means over the classes that the rows' labels or answers name, as `macro`
averages of scikit-learn; a class that nobody chose has precision 0. Accuracy and each class's recall have Wilson's
interval. The means have that of their log-odds, with the standard error of the delta method over the cells of the
confusion matrix.
Source: Takahashi, Yamamoto, Kuchiba and Koyama, "Confidence interval for micro-averaged F1 and macro-averaged F1
scores", Applied Intelligence 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.answers import AnswerKind
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import AnsweredRows
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Estimate, wilson_interval
from unipipe_tui.monitoring.quality.attribution import LabelledPart, attribute_drop
from unipipe_tui.monitoring.quality.class_estimates import Chances, ClassGuesser, chances_of, learnt
from unipipe_tui.monitoring.quality.detectors import states_of
from unipipe_tui.monitoring.quality.figures import Bools, Floats
from unipipe_tui.monitoring.quality.measured import by_log_odds
from unipipe_tui.monitoring.quality.references import forecast_of, limit_of, reference_of
from unipipe_tui.monitoring.quality.results import (
    Band,
    ClassRecall,
    Clock,
    DropAttribution,
    Quality,
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
    last_labelled,
    window_of,
)

SHOWN = (Quality.ACCURACY, Quality.PRECISION, Quality.RECALL, Quality.F1)
MOST_SLICES = 12
METHOD = (
    "measured: accuracy and recalls with Wilson's 95 % interval; precision, recall and F1 are means over the classes "
    "(macro), with the interval of their log-odds by the delta method, the ROC area is the mean of each class against all "
    "others; estimated, where the log has probabilities: CBPE with isotonic calibration, as NannyML 0.13"
)
Names = NDArray[np.str_]


@frozen
class _Rows:
    """Answers and labels, parallel, one entry a row; an empty text where there is none."""

    said: Names
    true: Names
    arrays: Arrays
    chances: Chances

    @property
    def right(self) -> Bools:
        """Which rows were told as what they are."""
        return np.asarray(self.said == self.true)


def report_classes(
    traffic: AnsweredRows, given: AnsweredRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    """Windows with figures, detectors of change, a forecast, and which slices lost accuracy.

    `given` is a labelled reference; without one the oldest 40 % of the labelled traffic are.
    """
    metric = settings.metric
    if not isinstance(metric, Quality) or metric not in SHOWN:
        raise UsageError(f"{metric.value} of several classes is not measured.", hint=", ".join(SHOWN))
    names = tuple(traffic.probabilities)
    rows = _rows_of(traffic, names)
    held = rows if given is None else _rows_of(given, names)
    reference = reference_of(rows.arrays, None if given is None else held.arrays, given_as)
    places = reference.places
    cuts = cut_into_windows(rows.arrays, settings.cut, settings.clock, settings.window_rows)
    guesser, remarks = learnt(held.chances, places, settings.window_rows, settings.minimum_labels)
    if settings.clock is not Clock.PREDICTION:
        guesser = ClassGuesser(None)
    windows = tuple(_window(rows, cut, settings.clock, reference.is_in(cut), guesser) for cut in cuts)
    usual = _usual(metric, held, places, settings.window_rows) if settings.limit is None else None
    limit, told = limit_of(metric, settings.limit, usual)
    counted = np.flatnonzero(rows.arrays.labelled)
    return QualityReport(
        metric=metric,
        limit=limit,
        reference=reference.part,
        windows=windows,
        calibration=None,
        detectors=states_of((~rows.right)[counted].tolist(), [rows.arrays.at[place] for place in counted]),
        detected_on="all labelled predictions",
        forecast=forecast_of(metric, limit, windows, settings.minimum_labels),
        drop=_drop((held, given or traffic, places), (rows, traffic), cuts, settings.minimum_labels),
        method=METHOD,
        notices=(*told, *remarks),
        kind=AnswerKind.CLASSES,
    )


def measured_classes(metric: Quality, said: Names, true: Names) -> Estimate:
    """A figure of labelled rows; unknown without any."""
    if not len(true):
        return UNKNOWN
    if metric is Quality.ACCURACY:
        return wilson_interval(int((said == true).sum()), len(true))
    names, codes = np.unique(np.concatenate([said, true]), return_inverse=True)
    chosen, real = np.eye(len(names))[codes[: len(said)]], np.eye(len(names))[codes[len(said) :]]
    value, influence = _mean_over_classes(metric, chosen, real)
    spread = float(np.sqrt(np.mean(influence**2) / len(true)))
    if spread == 0.0 or value in (0.0, 1.0):
        share = wilson_interval(round(value * len(true)), len(true))
        return Estimate(value, min(value, share.low or 0.0), max(value, share.high or 0.0))
    return by_log_odds(value, spread)


def _mean_over_classes(metric: Quality, chosen: Floats, real: Floats) -> tuple[float, Floats]:
    """The figure, and what each row does to it (its influence); `chosen` and `real` have a column a class, 1 where it is."""
    both = chosen * real
    match metric:
        case Quality.PRECISION:
            below, tops = chosen, both
        case Quality.RECALL:
            below, tops = real, both
        case _:
            below, tops = chosen + real, 2 * both
    sums = below.mean(axis=0)
    shares = np.divide(tops.mean(axis=0), sums, out=np.zeros_like(sums), where=sums > 0)
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    return float(shares.mean()), np.asarray(((tops - shares * below) * scale).mean(axis=1))


def recalls(said: Names, true: Names) -> tuple[ClassRecall, ...]:
    """Each class of the labels, by name."""
    names = sorted(set(true.tolist()))
    return tuple(
        ClassRecall(
            name,
            int((true == name).sum()),
            wilson_interval(int(((true == name) & (said == name)).sum()), int((true == name).sum())),
        )
        for name in names
    )


def _rows_of(answered: AnsweredRows, names: Sequence[str]) -> _Rows:
    said = np.array([one or "" for one in answered.decisions], dtype=np.str_)
    true = np.array([one or "" for one in answered.labels], dtype=np.str_)
    nothing = np.zeros(len(true), dtype=bool)
    labelled = np.array([one is not None for one in answered.labels], dtype=bool)
    scores = np.full(len(true), np.nan)
    arrays = Arrays(scores, nothing, nothing, labelled, answered.at, answered.label_at)
    return _Rows(said, true, arrays, chances_of(answered, names))


def _window(rows: _Rows, places: Places, clock: Clock, of_reference: bool, guesser: ClassGuesser) -> QualityWindow:
    known = rows.arrays.labelled_of(places)
    said, true = rows.said[known], rows.true[known]
    chances = rows.chances.of(places)
    figures = tuple(guesser.figure(metric, chances, measured_classes(metric, said, true)) for metric in SHOWN)
    if len(chances.chosen):
        figures = (*figures, guesser.area(chances))
    return window_of(rows.arrays, places, clock, figures, of_reference, recalls(said, true))


def _usual(metric: Quality, held: _Rows, places: Places, chunk_rows: int) -> Band | None:
    """None where too few chunks of the reference tell it."""
    chunks = chunks_of(len(places), chunk_rows)
    found = [measured_classes(metric, held.said[places[at]], held.true[places[at]]).value for at in chunks]
    band = usual_band(found, 0.0, 1.0)
    return band if band is not None and band.chunks >= FEWEST_CHUNKS else None


def _drop(
    reference: tuple[_Rows, AnsweredRows, Places],
    current: tuple[_Rows, AnsweredRows],
    cuts: Sequence[Places],
    minimum_labels: int,
) -> DropAttribution | None:
    """Where accuracy was lost, from the reference to the last window with labels enough: being right is the decision."""
    held, asked, places = reference
    rows, traffic = current
    last = last_labelled(rows.arrays, cuts, minimum_labels)
    if last is None or not len(places):
        return None
    return attribute_drop(Quality.ACCURACY, _part(held, asked, places), _part(rows, traffic, last), MOST_SLICES)


def _part(rows: _Rows, answered: AnsweredRows, places: Places) -> LabelledPart:
    return LabelledPart(rows.right[places], np.ones(len(places), dtype=bool), chosen_of(answered.inputs, places))
