"""CSV files with lines that have more or fewer fields than the header: a reader that guesses takes them for one wide column."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

DELIMITERS = ",;\t|"


def torn_line(paths: Sequence[str], columns: Iterable[str]) -> str | None:
    """Where the first such line is, when a column that was found has the header of several; None when all is well."""
    wide = [name for name in columns if any(letter in name for letter in DELIMITERS)]
    found = (_torn_line(path, wide) for path in paths) if wide else ()
    return next((sentence for sentence in found if sentence), None)


def _torn_line(path: str, wide: Sequence[str]) -> str | None:
    with _opened(path) as lines:
        first = next(lines, "")
        reader = csv.reader(chain([first], lines), delimiter=max(DELIMITERS, key=first.count))
        header = next(reader, [])
        if len(header) < 2 or all(name in header for name in wide):
            # A quoted name may hold a comma.
            return None
        for fields in reader:
            if fields and len(fields) != len(header):
                where = f"line {reader.line_num:,} of {Path(path).name}"
                return f"{where} has {len(fields):,} fields, the header {len(header):,}"
    return None


@contextmanager
def _opened(path: str) -> Iterator[Iterator[str]]:
    open_text = gzip.open if path.lower().endswith(".gz") else open
    with open_text(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        yield iter(file)
