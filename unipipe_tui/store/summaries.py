"""Summaries of segments that never change again: made once, kept as JSON lines, appended to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from unipipe_tui.domain.values import frozen

STALE_LINES = 500
"""Lines about segments that are gone, or that another process wrote as well; with more the file is written anew."""


@frozen
class Segment:
    """A file of the log, as it was listed."""

    path: Path
    size: int

    @property
    def key(self) -> str:
        """One that was made anew under the same name is another one."""
        return f"{self.path.name}:{self.size}"


class KeptSummaries:
    """The summaries of one kind of segment, by the segment's name and size; safe to call from several threads.

    What cannot be written is made again the next time: a full disk costs time, nothing else.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = Lock()
        self._known: dict[str, Any] = {}
        self._lines = 0
        self._read_to = (0, 0)
        """The file's inode, and how far it was read."""

    def of(
        self, segments: Sequence[Segment], make: Callable[[Sequence[Path]], Mapping[Path, Any]]
    ) -> tuple[dict[Path, Any], tuple[Path, ...]]:
        """The summary of each of these segments, and those of which none can be made.

        `make` is called for those that were never summed up; one thread does it while others wait.
        """
        with self._lock:
            self._read()
            missing = {one.path: one.key for one in segments if one.key not in self._known}
            if missing:
                self._keep({missing[path]: told for path, told in make(tuple(missing)).items()})
            found = {one.path: self._known[one.key] for one in segments if one.key in self._known}
            self._tidy(segments)
        return found, tuple(one.path for one in segments if one.path not in found)

    def _read(self) -> None:
        try:
            with self._file.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                if self._read_to[0] != inode:
                    self._read_to = (inode, 0)
                file.seek(self._read_to[1])
                text = file.read()
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._read_to = (inode, self._read_to[1] + len(whole))
        for line in whole.splitlines():
            with suppress(ValueError):
                key, told = orjson.loads(line)
                self._known[key] = told
                self._lines += 1

    def _keep(self, added: Mapping[str, Any]) -> None:
        self._known.update(added)
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                # The blank line ends one that an earlier process did not get to end.
                os.write(descriptor, b"\n" + _lines(added))
            finally:
                os.close(descriptor)

    def _tidy(self, segments: Sequence[Segment]) -> None:
        """Forget segments that are gone, as soon as that is worth a writing."""
        if max(self._lines, len(self._known)) - len(segments) <= STALE_LINES:
            return
        wanted = {one.key for one in segments}
        self._known = {key: told for key, told in self._known.items() if key in wanted}
        partial = self._file.with_suffix(".partial")
        with suppress(OSError):
            partial.write_bytes(_lines(self._known))
            partial.replace(self._file)
        self._read_to, self._lines = (0, 0), 0


def _lines(summaries: Mapping[str, Any]) -> bytes:
    return b"".join(orjson.dumps(item) + b"\n" for item in summaries.items())


def folded_and_lines(folder: Path, kind: str) -> tuple[list[Segment], list[Segment]]:
    """The segments of a kind in Parquet and in lines; one that was just being folded is only among the lines."""
    folded: dict[str, Segment] = {}
    lines: dict[str, Segment] = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return [], []
    for entry in entries:
        if not entry.name.startswith(f"{kind}-"):
            continue
        stem, _, ending = entry.name.rpartition(".")
        place = {"parquet": folded, "jsonl": lines}.get(ending)
        if place is not None:
            # Gone since: whoever opens it finds out.
            with suppress(OSError):
                place[stem] = Segment(folder / entry.name, entry.stat().st_size)
    return [one for stem, one in folded.items() if stem not in lines], list(lines.values())
