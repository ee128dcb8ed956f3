"""A table as text: CSV and Markdown, with every value as it is; and what its columns are called elsewhere."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from unipipe_tui.domain.unicode import unicode_text

Cell = str | int | float | datetime | None
"""What stands in a table; a time is in UTC."""

_BREAKS = re.compile(r"\r\n|\r|\n")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """RFC 4180: lines end in CR LF, a cell with a comma, quote or line break is quoted; nothing is an empty cell.

    Numbers have all their digits, NaN and infinities are `NaN`, `inf` and `-inf`. A text that begins with `=`, `+`, `-`
    or `@` stays as it is, because a param of `-1` must stay `-1`: whoever opens the table in a spreadsheet should import
    its columns as text.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([plain_text(cell) for cell in row] for row in rows)
    return written.getvalue()


def markdown_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table as GitHub shows it: bars and backslashes are escaped, line breaks are `<br>`."""
    lines = [header, ["---"] * len(header), *([plain_text(cell) for cell in row] for row in rows)]
    rule = 1
    return "".join(
        "| " + " | ".join(line if number == rule else map(_marked, line)) + " |\n" for number, line in enumerate(lines)
    )


def parquet_names(names: Iterable[str]) -> tuple[str, ...]:
    """What columns are called in a Parquet file: as they are, but of those that differ in capitals only the later are numbered.

    Who reads such a file with DuckDB or Spark could not tell them apart otherwise.
    """
    wanted = [unicode_text(name) for name in names]
    taken, met = {name.lower() for name in wanted}, set[str]()
    given: list[str] = []
    for name in wanted:
        numbered = (f"{name}_{number}" for number in itertools.count(1))
        free = next(new for new in numbered if new.lower() not in taken) if name.lower() in met else name
        taken.add(free.lower())
        met.add(name.lower())
        given.append(free)
    return tuple(given)


def plain_text(cell: Cell) -> str:
    """A cell as text that says the same: all digits, times in ISO 8601; nothing is empty."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return "NaN" if math.isnan(cell) else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _marked(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return _BREAKS.sub("<br>", safe)
