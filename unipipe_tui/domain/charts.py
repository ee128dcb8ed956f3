"""Charts as values: what is to be drawn and what it means, without a word on how. A NaN is a gap."""

from __future__ import annotations

from enum import Enum

from unipipe_tui.domain.values import frozen


class Scale(Enum):
    """How values become distances."""

    FITTING = "fitting"
    """Linear; logarithmic where all values are positive and span more than three powers of ten."""
    LINEAR = "linear"
    LOG = "log"
    TIME = "time"
    """Values are milliseconds since the epoch."""


@frozen
class Axis:
    """What is told along one side of a chart."""

    title: str
    """As its author wrote it, of any characters."""
    unit: str = ""
    scale: Scale = Scale.FITTING
    categories: tuple[str, ...] = ()
    """Names of the values 0, 1, 2, ... where they are no numbers."""

    @property
    def label(self) -> str:
        """Title and unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


@frozen
class Line:
    """Values in the order of x; an outline has the extremes of each stretch beside its last value."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    """Empty when each stretch is one value."""


@frozen
class LineChart:
    """How something went on, one line for each of several."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


@frozen
class Points:
    """Points that belong together."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@frozen
class ScatterChart:
    """One thing against another."""

    title: str
    x: Axis
    y: Axis
    groups: tuple[Points, ...]


@frozen
class ParallelLine:
    """One run across all axes."""

    name: str
    values: tuple[float, ...]
    best: bool = False
    """Whether it is one of those that the chart is about."""


@frozen
class ParallelChart:
    """Many runs across several axes that stand side by side."""

    title: str
    axes: tuple[Axis, ...]
    lines: tuple[ParallelLine, ...]


@frozen
class Bar:
    """One amount; `spread` is what it may be off by."""

    name: str
    value: float
    spread: float = 0.0


@frozen
class BarChart:
    """Amounts of several things."""

    title: str
    value: Axis
    bars: tuple[Bar, ...]


@frozen
class OverlayCell:
    """One bin or value: its share of what was, and of what is."""

    label: str
    before: float
    now: float
    note: str = ""
    """A word on it: `new`, `gone`."""


@frozen
class OverlayChart:
    """Two distributions over the same cells."""

    before: str
    """What the first one is: `reference`."""
    now: str
    cells: tuple[OverlayCell, ...]
    ordered: bool
    """Bins of numbers, side by side; otherwise values by name, below each other."""
    title: str = ""
    missing: tuple[float, float] | None = None
    """Shares of rows that are in no cell because they hold no value, then and now; None where that says nothing."""


Chart = LineChart | ScatterChart | ParallelChart | BarChart
Picture = Chart | OverlayChart
"""Whatever can be drawn into a file."""
