"""What the verdicts beside the one by column say, as values; whoever shows them needs no library that computed them."""

from __future__ import annotations

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.drift import ColumnDrift


@frozen
class ColumnUse:
    """How much a classifier looked at one column."""

    column: str
    share: float
    """Of the fall of the area that shuffling each column by itself costs; the shares of all columns sum to 1."""


@frozen
class DomainClassifier:
    """Whether a model can tell rows of the reference from current ones, on rows that it has not learned from."""

    value: float
    """Area under the ROC curve, the mean over the folds: 0.5 is chance."""
    low: float
    high: float
    """The 95 % interval (DeLong)."""
    effect: float
    """2 · area − 1: 0 is chance, 1 tells every row apart."""
    p_value: float
    """One-sided, of "both are alike"; adjusted for the number of tests beside it."""
    drifted: bool
    folds: int
    columns: tuple[ColumnUse, ...]
    """Those it used most; none where it tells nothing apart."""


@frozen
class Reconstruction:
    """How badly principal components of the reference describe current rows: those of an unknown joint, badly."""

    value: float
    """Mean squared error of a current row, in units of one column's variance."""
    usual: float
    """The same of rows of the reference that the components were not fitted on."""
    low: float
    high: float
    """Where the error of a window of this size usually lies (95 %)."""
    effect: float
    """How far the error moved, in standard deviations of a row's error in the reference; less than 0: became smaller."""
    p_value: float
    """Adjusted for the number of tests beside it."""
    drifted: bool
    components: int
    dimensions: int
    """How many numbers stand for a row."""
    explained: float
    """Share of the reference's variance that the components keep."""
    chunks: int
    """Into how many stretches the reference was cut, to see how much its error changes by itself."""


@frozen
class MultivariateDrift:
    """All columns together: whether they moved in a way that no column shows by itself."""

    judged: bool
    drifted: bool
    sentence: str
    columns: tuple[str, ...]
    """Which were looked at."""
    reference_rows: int
    """How many were looked at, ..."""
    current_rows: int
    reference_of: int
    """... of how many that there are."""
    current_of: int
    seed: int
    classifier: DomainClassifier | None = None
    reconstruction: Reconstruction | None = None


@frozen
class PredictionDrift:
    """The answers of one version, score and decision: the latest against what they are held against."""

    version: int
    against: str
    """`its own first answers`, or the file that holds scores."""
    judged: bool
    drifted: bool
    sentence: str
    columns: tuple[ColumnDrift, ...]
    reference_rows: int
    current_rows: int
    method: str


@frozen
class SegmentColumn:
    """One column among the rows of one value of a segment."""

    column: str
    drifted: bool
    effect: float | None
    p_value: float | None
    """Adjusted for all columns of all values of all segments."""
    reason: str


@frozen
class SegmentSlice:
    """The rows of one value of a segment."""

    segment: str
    value: str
    reference_rows: int
    current_rows: int
    judged: bool
    drifted: bool
    sentence: str
    columns: tuple[SegmentColumn, ...]
    """Those that drifted first, then the farthest; none where there are too few rows."""


@frozen
class SegmentDrift:
    """Every column within each value of each segment."""

    segments: tuple[str, ...]
    judged: bool
    """Whether any value had rows enough."""
    drifted: bool
    moved: tuple[str, ...]
    """`country=DE`: the values in which a column drifted, the farthest first."""
    sentence: str
    slices: tuple[SegmentSlice, ...]
    """Those that drifted first, then the largest."""
    tests: int
    """How many p-values were adjusted together."""
    left_out: tuple[str, ...]
    """Segments, or values of one, that were not looked at, each with the reason."""
    method: str


@frozen
class ColumnImportance:
    """How much the model's score depends on one column, and what its drift weighs by that."""

    column: str
    importance: float
    """Share of the fall of R² that shuffling each column by itself costs; the shares of all columns sum to 1."""
    spread: float
    """Standard deviation of the share over the shuffles."""
    effect: float | None
    """How far the column moved."""
    weighed: float | None
    """effect · importance."""
    drifted: bool
    hardly_used: bool
    """Whether it has less than a tenth of what each column had if all mattered alike."""
    sentence: str


@frozen
class Importance:
    """Which columns a version's score depends on, by a surrogate that learned it from logged inputs and scores."""

    judged: bool
    version: int
    r2: float | None
    """How well the surrogate tells scores of rows that it has not learned from; 1 is perfectly."""
    fit_wanted: float
    """Below this R² nothing is said of columns."""
    rows: int
    shuffles: int
    seed: int
    sentence: str
    columns: tuple[ColumnImportance, ...]
    """Those that weigh most first."""
