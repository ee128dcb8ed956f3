"""Text in columns, made for eighty cells: values as a person reads them, clipped and lined up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from unipipe_tui.cli.output import plain
from unipipe_tui.domain.table_text import Cell

Lines = list[Text]
PAGE_CELLS = 80
SHORT_ID = 8
"""How many signs of a run's id are shown where it need not be whole."""
SHORT_COMMIT = 9
"""The same of a commit."""
LONGEST_NAME = 20
GAP = "  "
QUIET = "bright_black"


def block(title: str, rows: Sequence[Sequence[str]], *, header: bool = False) -> Lines:
    """A table under its title, after an empty line; nothing at all without a row below its header."""
    if len(rows) < 1 + header:
        return []
    return [Text(), Text(title, style="bold"), *indented(grid(rows, header=False))]


def grid(rows: Sequence[Sequence[str]], *, header: bool) -> Lines:
    """Columns side by side, as wide as their widest cell; the last one as long as it is."""
    clean = [[_one_line(cell) for cell in row] for row in rows]
    widths = widths_of(clean)
    lines = []
    for number, row in enumerate(clean):
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        lines.append(Text(GAP.join(padded).rstrip(), style="bold" if header and number == 0 else ""))
    return lines


def pairs(facts: Iterable[tuple[str, str]]) -> Lines:
    """`name  value`, without those that say nothing."""
    return grid([fact for fact in facts if fact[1]], header=False)


def indented(lines: Iterable[Text]) -> Lines:
    """The lines two cells further in."""
    return [Text(GAP).append_text(line) if line.plain else line for line in lines]


def notes(said: Iterable[str]) -> Lines:
    """What a reader should know before trusting the answer."""
    return [Text(f"note: {one}", style="yellow") for one in said]


def shown(value: Cell) -> str:
    """A value for a person: `-` for nothing, NaN and infinities by name, four digits that count."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return _number(value)
    return f"{value:,}" if isinstance(value, int) else value


def shown_p(p_value: float | None) -> str:
    """A p-value for a person: two digits that count, and no more than that it is tiny where rounding rules."""
    if p_value is None:
        return "-"
    return "< 1e-15" if p_value < 1e-15 else f"{p_value:.2g}"


def signed(delta: float) -> str:
    """A difference, with three digits that count."""
    return f"{delta:+,.0f}" if delta.is_integer() and abs(delta) < 1e15 else f"{delta:+.3g}"


def clipped(text: str, cells: int) -> str:
    """The text in one line and at most so many cells."""
    line = _one_line(text)
    return line if cell_len(line) <= cells else set_cell_size(line, cells - 1).rstrip() + "…"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:,.0f}" if value.is_integer() and 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """How long something took, for a person."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"


def _one_line(text: str) -> str:
    return plain(text).replace("\n", " ").replace("\t", " ")


def widths_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """The cells of each column's widest value."""
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)]


def width_of(rows: Sequence[Sequence[str]]) -> int:
    """How many cells the whole table takes."""
    return sum(width + len(GAP) for width in widths_of(rows)) - len(GAP)
