"""The sets of rows that are compared: the files that a path or a pattern names, and the columns that are asked about."""

from __future__ import annotations

import glob
import stat
from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.monitoring.words import printable

READABLE = "Parquet, CSV, TSV and JSON lines can be read."
WILD = "*?["
MOST_SHOWN = 30


def files_of(path: Path) -> tuple[Path, ...]:
    """The file of that path, or the files that it names as a pattern (`**` for any depth), in the order of their names.

    Raises:
        UsageError: there is none.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return _files_like(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be reached: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        raise UsageError(f"{path} is a folder.", hint=f"Name its files: '{path}/*.parquet'. {READABLE}")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is no file to read twice.", hint="Write what comes out of it to a file first.")
    return (path,)


def _files_like(path: Path) -> tuple[Path, ...]:
    if not any(letter in str(path) for letter in WILD):
        raise UsageError(
            f"There is no file {path}.", hint="Give a path from the folder that you are in, or pull the data."
        )
    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not found:
        raise UsageError(
            f"No file is called like {path}.", hint="Put the pattern in quotes, so that the shell leaves it."
        )
    return tuple(found)


def configured_reference(world: World) -> Path:
    """The file that a target's traffic is held against.

    Raises:
        UsageError: none is configured, or it is not there.
    """
    name = world.config.data.reference
    if name is None:
        raise UsageError(
            "No reference is configured.", hint="Name it in unipipe.yaml:  data: {reference: data/train.parquet}"
        )
    path = world.root / name
    if not path.is_file():
        raise UsageError(f"The reference {name} is missing.", hint="Make it: unipipe pipeline run, or dvc pull")
    return path


def columns_asked(words: Sequence[str], there: Sequence[str], of: str, ignored: frozenset[str]) -> tuple[str, ...]:
    """The columns to compare: those that were named, one by one or with commas, or all but the ignored ones.

    Raises:
        UsageError: a named one is not there, or none is left.
    """
    named = [name for word in words for name in ((word,) if word in there else _parts(word))]
    unknown = [name for name in named if name not in there]
    if unknown:
        shown = ", ".join(map(printable, there[:MOST_SHOWN]))
        more = f" and {len(there) - MOST_SHOWN:,} more" if len(there) > MOST_SHOWN else ""
        raise UsageError(f"{of} has no column {unknown[0]!r}.", hint=f"It has: {shown}{more}.")
    wanted = tuple(dict.fromkeys(named)) or tuple(name for name in there if name not in ignored)
    if not wanted:
        raise UsageError(f"{of} has no column to compare.", hint=READABLE)
    return wanted


def _parts(word: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in word.split(",") if part.strip())
