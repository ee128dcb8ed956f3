"""CSV files with lines that have more or fewer fields than the header: a reader that guesses takes them for another table.

For one wide column, mostly; and when the last line has the most fields, for a table of which that line is the header.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

DELIMITERS = ",;\t|"


def torn_line(paths: Sequence[str], columns: Collection[str]) -> str | None:
    """Where the first such line is, when the columns that were found are not those of the header; None when all is well."""
    found = (_torn_line(path, columns) for path in paths)
    try:
        return next((sentence for sentence in found if sentence), None)
    except csv.Error:
        # A field is longer than this reader takes.
        return None


def _torn_line(path: str, columns: Collection[str]) -> str | None:
    wide = {name for name in columns if any(letter in name for letter in DELIMITERS)}
    with _opened(path) as lines:
        first = next(lines, "")
        there = [letter for letter in DELIMITERS if letter in first] or [DELIMITERS[0]]
        headers = {letter: next(csv.reader([first], delimiter=letter), []) for letter in there}
        delimiter = max(headers, key=lambda letter: len(headers[letter]))
        reader = csv.reader(chain([first], lines), delimiter=delimiter)
        # The same, unless a name goes on in the next line.
        header = headers[delimiter] = next(reader, [])
        if len(header) < 2 or _is_read(headers.values(), columns, wide):
            return None
        rows = ((reader.line_num, len(fields)) for fields in reader if fields)
        return _torn_among(rows, len(header), Path(path).name, of_one_column=bool(wide))


def _is_read(headers: Collection[Sequence[str]], columns: Collection[str], wide: Collection[str]) -> bool:
    """Whether the columns are those of the first line, however that is parted."""
    if wide:
        # The names themselves hold such letters, and the reader found where they end.
        return any(len(header) > 1 and set(header).issuperset(wide) for header in headers)
    return any(len(header) == len(columns) or set(columns).intersection(header) for header in headers)


def _torn_among(rows: Iterable[tuple[int, int]], wanted: int, name: str, *, of_one_column: bool) -> str | None:
    """`rows` are the number of each line and of its fields.

    None where none looks like the header's: then that is a title, or the name of the one column that was found.
    """
    torn, is_header = "", False
    for number, found in rows:
        is_header = is_header or found == wanted or (of_one_column and found > 1)
        if found != wanted and not torn:
            torn = f"line {number:,} of {name} has {found:,} fields, the header {wanted:,}"
        if torn and is_header:
            return torn
    return None


@contextmanager
def _opened(path: str) -> Iterator[Iterator[str]]:
    open_text = gzip.open if path.lower().endswith(".gz") else open
    with open_text(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        yield iter(file)
