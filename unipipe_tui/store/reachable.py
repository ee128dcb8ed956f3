"""A path as DuckDB takes it, which is UTF-8: a folder of another name is reached through an open handle of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.unicode import is_unicode

HANDLES = Path("/proc/self/fd")
"""Where Linux names the files that a process has open. Systems without it refuse such names of folders anyway."""


@contextmanager
def reachable(path: Path) -> Iterator[Path]:
    """The path under which DuckDB finds this file or folder, for the length of the block.

    Raises:
        UsageError: its name is no UTF-8, or that of its folder where there is no other way to it.
        OSError: its folder cannot be opened.
    """
    if is_unicode(str(path)):
        yield path
        return
    if not is_unicode(path.name) or not HANDLES.is_dir():
        raise UsageError(f"{path} cannot be used: its name is no UTF-8.", hint="Rename it.")
    if not path.parent.is_dir():
        # Nothing is there to be found, under whatever name.
        yield HANDLES / "none" / path.name
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield HANDLES / str(folder) / path.name
    finally:
        os.close(folder)


@contextmanager
def all_reachable(paths: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """The same of several files."""
    with ExitStack() as held:
        yield tuple(held.enter_context(reachable(path)) for path in paths)
