"""What the disk and DuckDB say when something is wrong, as errors that a user can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unipipe_tui.domain.errors import Damaged, Failed, Refused, UnipipeError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SIGNS_OF_NO_ROOM = ("No space left", "File too large", "Disk quota exceeded")
SIGNS_OF_DAMAGE = ("Corrupt database", "not a valid DuckDB", "Could not read enough bytes")
"""Words of DuckDB by which a damaged file is known; whatever else it says, the file is left where it is."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the disk and DuckDB say in the block into errors with a hint; a wrong query of ours stays a bug.

    Raises:
        Refused: the store at this path is one of a newer program.
        Failed: it is damaged, held by another program, or cannot be reached, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _disk_full() from None
        raise Failed(f"{path.name} cannot be reached: {error}.", hint="unipipe doctor") from None
    except (duckdb.Error, RuntimeError) as error:
        if "interrupted" in str(error).lower():
            # A signal that met a query: DuckDB makes an error of its own of it.
            raise KeyboardInterrupt from None
        known = _known(path, error)
        if known is None:
            raise
        raise known from None


def is_damage(error: Exception) -> bool:
    """Whether DuckDB found that a file is not what it wrote."""
    return any(sign in str(error) for sign in SIGNS_OF_DAMAGE)


def newer(path: Path) -> Refused:
    """The store is one of a newer program."""
    return Refused(
        f"The store {path.name} was written by a newer Unipipe than this one.",
        hint="Upgrade this Unipipe, or work in another copy of the repository.",
    )


def busy(seconds: float) -> Failed:
    """Somebody else had the store all the time."""
    return Failed(
        f"The store was busy for {seconds:g} seconds.", hint="Another process holds it; see `unipipe jobs list`."
    )


def _known(path: Path, error: Exception) -> UnipipeError | None:
    said = str(error)
    if is_damage(error):
        return _damaged(path)
    if any(sign in said for sign in SIGNS_OF_NO_ROOM):
        return _disk_full()
    if not isinstance(error, duckdb.IOException | duckdb.SerializationException):
        return None
    if "version number" in said:
        return newer(path)
    if "Could not set lock" in said:
        return Failed(
            f"The store {path.name} is held open by another program.",
            hint="Close it there, for instance a `duckdb` prompt; then run the command again.",
        )
    return Failed(f"The store cannot be used: {said.splitlines()[0]}", hint="unipipe store check")


def _disk_full() -> Failed:
    return Failed("The disk is full: nothing was recorded.", hint="Free some room, then run the command again.")


def _damaged(path: Path) -> Damaged:
    return Damaged(
        f"The store {path.name} is damaged.",
        hint="The next change sets it aside and begins a new one; a copy made by `unipipe store backup` can be put back.",
    )
