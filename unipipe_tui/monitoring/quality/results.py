"""What is known of a model's performance, as values that anybody may hold without loading what computed them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.answers import AnswerKind
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Estimate


class Quality(StrEnum):
    """The figures of a classifier that are measured, and estimated without labels."""

    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"
    SPECIFICITY = "specificity"
    ROC_AUC = "roc_auc"
    PR_AUC = "pr_auc"


class Loss(StrEnum):
    """The figures of a regression that are measured, and estimated without labels; less is better."""

    MAE = "mae"
    MAPE = "mape"
    MSE = "mse"
    RMSE = "rmse"
    MSLE = "msle"
    RMSLE = "rmsle"


class Cut(StrEnum):
    """How traffic is cut into windows."""

    ROWS = "rows"
    DAY = "day"
    """Days of UTC: they have no daylight saving, so all are 24 hours long."""


class Clock(StrEnum):
    """Which moment of a labelled prediction says what window it is in."""

    PREDICTION = "prediction"
    """When it was answered: how good the model was then. Young windows lack labels that will still come."""
    LABEL = "label"
    """When its label came: what was learnt then. A window that has passed never changes."""


@frozen
class Band:
    """What is usual for a figure: mean ± 3 standard deviations over chunks of the reference, within what is possible."""

    low: float
    high: float
    chunks: int

    def alerts(self, value: float | None) -> bool:
        """Whether a value lies outside of it; one that is not known does not."""
        return value is not None and (value < self.low or value > self.high)


@frozen
class Figure:
    """One figure of one window: as labels show it, and as it is estimated without them."""

    metric: Quality | Loss
    measured: Estimate = UNKNOWN
    """Of the rows whose label is known, with a 95 % interval."""
    estimated: Estimate = UNKNOWN
    """Of all rows of the window, by CBPE, of numbers by DLE: with the range that 95 % of such windows' labels will show."""
    usual: Band | None = None
    unusual: bool = False
    """Whether the estimate lies outside of what is usual."""


@frozen
class ClassRecall:
    """Of the rows of one class, the share that was told as such."""

    name: str
    rows: int
    """Labelled ones of this class."""
    recall: Estimate
    """With Wilson's interval, 95 %."""


@frozen
class QualityWindow:
    """A stretch of traffic and how good it was."""

    first: datetime
    last: datetime
    rows: int
    labelled: int
    figures: tuple[Figure, ...]
    of_reference: bool = False
    """Whether the reference was taken from it: that it is as usual proves nothing."""
    classes: tuple[ClassRecall, ...] = ()
    """Of a model that answers with one of several classes."""

    @property
    def middle(self) -> datetime:
        """The moment that stands for it on an axis of time."""
        return self.first + (self.last - self.first) / 2

    def figure(self, metric: Quality | Loss) -> Figure:
        """The figure of that metric; one without numbers when it was not looked at."""
        return next((one for one in self.figures if one.metric is metric), Figure(metric))


@frozen
class ReliabilityBin:
    """Rows of near scores: what was said and what came true."""

    low: float
    high: float
    rows: int
    said: float
    """Mean score."""
    came_true: Estimate
    """Share of positive labels."""


@frozen
class Calibration:
    """Whether scores mean what they say: of rows with score 0.8, eight of ten should be positive.

    `brier` = `unreliability` - `resolution` + `uncertainty` + `within`, exactly (Murphy, 1973; `within` is what bins hide, after
    Stephenson, Coelho and Jolliffe, 2008).
    """

    rows: int
    bins: tuple[ReliabilityBin, ...]
    error: float
    """Expected calibration error: mean distance of what was said and what came true, weighted by rows."""
    error_by_chance: float
    """What the expected calibration error of perfect scores would be on so many rows."""
    brier: float
    unreliability: float
    resolution: float
    uncertainty: float
    within: float
    p_value: float | None
    """That perfect scores would do as badly (Spiegelhalter's z, two-sided); None when every score is 0 or 1."""
    surely_off: bool
    """Whether chance hardly explains it (p < 0.01), and it is more than twice what chance makes."""


class DetectorName(StrEnum):
    """The detectors of change in a stream of right and wrong decisions."""

    ADWIN = "adwin"
    PAGE_HINKLEY = "page_hinkley"
    DDM = "ddm"
    KSWIN = "kswin"


@frozen
class DetectorState:
    """What one detector says of the errors, in the order in which the predictions were answered."""

    name: DetectorName
    parameters: str
    rows: int
    """How many labelled predictions it was shown."""
    changes: tuple[datetime, ...]
    """When it saw the error change; the moment of the prediction at which it did."""
    rows_since: int | None
    """How many it was shown since it saw the last change; None when it saw none."""
    error_before: float | None
    """The share of errors before the last change; None when it saw none."""
    error_now: float | None
    """The share of errors since the last change, or in all when it saw none."""
    decides: bool
    """Whether its word is an alarm; the others are shown beside it."""
    worsened: bool
    """Whether the last change it saw was one for the worse."""


class TrendState(StrEnum):
    """What can be said of where a figure goes."""

    FALLING = "falling"
    NO_TREND = "no trend"
    ALREADY_BELOW = "already below"
    TOO_FEW_WINDOWS = "too few windows"
    RISING = "rising"
    """Of a figure of which less is better."""
    ALREADY_ABOVE = "already above"
    FAR_OFF = "far off"
    """It goes there, and would reach the limit only long after what was seen says anything."""


@frozen
class Forecast:
    """When a figure will fall below its limit, or a loss rise above it, if it goes on as it did."""

    metric: str
    limit: float | None
    state: TrendState
    windows: int
    slope_per_day: float | None
    p_trend: float | None
    """One-sided, of weighted least squares (t-test): that a figure without trend would seem to fall so."""
    p_order: float | None
    """One-sided, of the order alone (Mann and Kendall), which no outlier can make."""
    below_in_seconds: float | None
    """From the last window on; None where no moment is told."""
    earliest_seconds: float | None
    latest_seconds: float | None
    """Ends of the 95 % interval (Fieller)."""
    sentence: str


@frozen
class SliceLoss:
    """What one slice has to do with a loss."""

    column: str
    value: str
    reference: Estimate
    current: Estimate
    reference_share: float
    """Of what the figure counts: all rows for accuracy, rows decided yes for precision, positive rows for recall."""
    current_share: float
    lost: float
    """How much of the overall loss came with this slice: `worse` + `more_of_it`."""
    worse: float
    """Because the slice itself got worse."""
    more_of_it: float
    """Because there is more of a slice that was worse than others, or less of a better one."""
    share_of_loss: float | None
    """Of the whole; None when nothing was lost overall."""
    beyond_its_share: float
    """How much more was lost here than if every slice had lost alike: `lost` less the slice's share of the whole loss now."""
    p_value: float
    """Adjusted for all slices of all columns (Benjamini and Hochberg)."""
    significant: bool


@frozen
class DropAttribution:
    """Where a loss came from: every column's slices add up to the whole."""

    metric: Quality
    reference: Estimate
    current: Estimate
    lost: float
    slices: tuple[SliceLoss, ...]
    """Those first that lost most beyond their share: a slice that is nearly everything explains nothing."""
    tested: int
    """How many slices of all columns were tested: p-values are adjusted for so many."""


@frozen
class ReferencePart:
    """What everything is held against."""

    rows: int
    labelled: int
    what: str
    """In words: where it is from."""


@frozen
class QualityReport:
    """All that is known of a target's performance."""

    metric: Quality | Loss
    """The figure that is watched."""
    limit: float | None
    """What it must not fall below, or rise above when it is a loss; None: nothing is asked of it."""
    reference: ReferencePart
    windows: tuple[QualityWindow, ...]
    calibration: Calibration | None
    detectors: tuple[DetectorState, ...]
    detected_on: str
    """Which decisions the detectors were shown."""
    forecast: Forecast
    drop: DropAttribution | None
    """From the reference to the last window with labels enough."""
    method: str
    notices: tuple[str, ...]
    kind: AnswerKind = AnswerKind.DECISIONS

    @property
    def less_is_better(self) -> bool:
        """Whether the figure is a loss."""
        return isinstance(self.metric, Loss)

    def misses(self, value: float | None) -> bool:
        """Whether a figure is on the wrong side of the limit; one that is not known is not."""
        if value is None or self.limit is None:
            return False
        return value > self.limit if self.less_is_better else value < self.limit


@frozen
class QualitySettings:
    """What to look at and how."""

    metric: Quality | Loss
    limit: float | None
    """What the figure must not fall below, or rise above when it is a loss; the end of what is usual when there is none."""
    minimum_labels: int
    window_rows: int
    cut: Cut = Cut.ROWS
    clock: Clock = Clock.PREDICTION
