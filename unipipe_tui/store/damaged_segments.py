"""Folded segments that were cut off: a Parquet file without its end says nothing of its rows, so the others are read alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.store.faults import told

MARK = b"PAR1"
"""What a Parquet file begins and ends with."""


def whole(segments: Sequence[Path]) -> list[Path]:
    """Those that can be opened."""
    return [path for path in segments if not is_cut_off(path)]


def is_cut_off(path: Path) -> bool:
    """Whether a Parquet file lacks its beginning or its end; one that is gone does not, whoever opens it finds out."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(MARK))
            size = file.seek(0, os.SEEK_END)
            if size < 3 * len(MARK):
                return True
            file.seek(-len(MARK), os.SEEK_END)
            return begin != MARK or file.read() != MARK
    except OSError:
        return False


@contextmanager
def damage_told(target: str) -> Iterator[None]:
    """Say of a log that cannot be read which file it is. Raises Failed."""
    try:
        with told(Path(target)):
            yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        said = str(error).splitlines()[0]
        raise Failed(
            f"The log of {target} cannot be read: {said}", "Set the damaged file aside; the others are whole."
        ) from None
