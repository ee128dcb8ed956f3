"""Which segments lie in the folder of a log: thousands of names, listed again only when one came or went."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from unipipe_tui.domain.values import frozen

KINDS = ("predictions", "feedback", "minutes")
SETTLED_SECONDS = 2.0
"""Within one tick of the disk's clock another name may come, and the folder looks the same."""


@frozen
class Segment:
    """A file of the log, as it was listed."""

    path: Path
    size: int
    key: str
    """Its name and size: one that was made anew under the same name is another one."""


@frozen
class Segments:
    """Those of one kind, by name."""

    folded: tuple[Segment, ...] = ()
    """In Parquet; the same object as long as nothing came or went."""
    lines: tuple[Segment, ...] = ()
    """Those that grow still."""


class SegmentList:
    """The segments of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[tuple[int, ...], dict[str, Segments]] | None = None
        """What the disk said of the folder when it was listed, and the list; None when it may say the same of another one."""

    def of(self, kind: str) -> Segments:
        """The segments of a kind; one that was just being folded is only among the lines."""
        begun = time.time()
        try:
            held = os.stat(self._folder)
        except OSError:
            return Segments()
        looked, known = (held.st_dev, held.st_ino, held.st_mtime_ns), self._known
        if known is None or looked != known[0]:
            listed = _listed(self._folder)
            self._known = (looked, listed) if held.st_mtime < begun - SETTLED_SECONDS else None
            return listed[kind]
        of_kind = known[1][kind]
        # A folded segment is never written again.
        return Segments(of_kind.folded, tuple(_sized(one.path) or one for one in of_kind.lines))


def folded_and_lines(folder: Path, kind: str) -> Segments:
    """The segments of a kind, listed now."""
    return SegmentList(folder).of(kind)


def names(folder: Path, kind: str, ending: str, but: frozenset[str] = frozenset()) -> list[Path]:
    """The files of a kind with this ending, by name, but those of these names without ending; none where no folder is.

    Raises OSError.
    """
    begin, end = f"{kind}-", f".{ending}"
    try:
        found = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    ours = (name for name in found if name.startswith(begin) and name.endswith(end))
    return [folder / name for name in ours if name.removesuffix(end) not in but]


def _listed(folder: Path) -> dict[str, Segments]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry) for entry in entries)
    except OSError:
        found = []
    return {
        kind: _of_kind(folder, kind, [entry for name, entry in found if name.startswith(f"{kind}-")]) for kind in KINDS
    }


def _of_kind(folder: Path, kind: str, entries: Sequence[os.DirEntry[str]]) -> Segments:
    folded: dict[str, Segment] = {}
    lines: dict[str, Segment] = {}
    for entry in entries:
        stem, _, ending = entry.name.rpartition(".")
        place = {"parquet": folded, "jsonl": lines}.get(ending)
        if place is not None:
            # Gone since: whoever opens it finds out.
            with suppress(OSError):
                place[stem] = _segment(folder / entry.name, entry.name, entry.stat().st_size)
    return Segments(tuple(one for stem, one in folded.items() if stem not in lines), tuple(lines.values()))


def _sized(path: Path) -> Segment | None:
    try:
        return _segment(path, path.name, path.stat().st_size)
    except OSError:
        return None


def _segment(path: Path, name: str, size: int) -> Segment:
    return Segment(path, size, f"{name}:{size}")
