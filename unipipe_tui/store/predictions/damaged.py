"""Segments that were cut off: of lines the whole ones are read; a Parquet file without its end says nothing of its rows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.store.faults import told

MARK = b"PAR1"
"""What a Parquet file begins and ends with."""
STILL_WRITTEN_SECONDS = 5.0
"""Who reads while a line is being written may see its beginning only."""


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


def ends_within_a_line(path: Path) -> bool:
    """Whether lines that nobody writes any more end in the middle of one: servers write whole lines only."""
    try:
        held = path.stat()
        if not held.st_size or time.time() - held.st_mtime < STILL_WRITTEN_SECONDS:
            return False
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"
    except OSError:
        return False


@contextmanager
def damage_told(target: str) -> Iterator[None]:
    """Say of a log that cannot be read which file it is. Raises Failed."""
    try:
        with told(Path(target)):
            yield
    except duckdb.Error as error:
        # What it meets in the middle of a Parquet file has no class of its own.
        if not (isinstance(error, duckdb.IOException | duckdb.InvalidInputException) or type(error) is duckdb.Error):
            raise
        said = str(error).splitlines()[0]
        raise Failed(
            f"The log of {target} cannot be read: {said}", "Set the damaged file aside; the others are whole."
        ) from None
