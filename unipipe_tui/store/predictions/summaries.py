"""Summaries of segments that never change again: made once, kept as JSON lines, appended to."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

import orjson

from unipipe_tui.domain.operations import SummingUp
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.predictions.segment_list import Segment

STALE_LINES = 500
"""Lines about segments that are gone, or that another process wrote as well; with more the file is written anew."""
CHECK_BYTES = 9
"""A line begins with its checksum and a blank."""
TOGETHER = 50
"""Segments that are summed up before what was found is kept: so much is lost when the program is killed."""


Make = Callable[[Sequence[Path]], Mapping[Path, Any]]
"""Sums up segments: by path what is kept of each, as plain data; nothing of one that cannot be read."""


def _always(_told: Any) -> bool:
    return True


@frozen
class Summaries:
    """The summary of each segment, and the segments of which none can be made."""

    of: Mapping[Path, Any]
    missing: tuple[Path, ...]


class KeptSummaries:
    """The summaries of one kind of segment, by the segment's name and size; safe to call from several threads.

    What cannot be written is made again the next time: a full disk costs time, nothing else. Several processes share the
    work: what another one has kept meanwhile is not made again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn = Lock()
        """Of whoever sums up."""
        self._lock = Lock()
        """Of whoever looks at what is known, or adds to it."""
        self._known: dict[str, Any] = {}
        self._lines = 0
        self._read_to = (0, 0)
        """The file's inode, and how far it was read."""
        self._last: tuple[Sequence[Segment], Summaries] | None = None
        self.under_way: SummingUp | None = None
        """None while nothing is being summed up."""

    def of(self, segments: Sequence[Segment], make: Make, holds: Callable[[Any], bool] = _always) -> Summaries:
        """The summaries of these segments; of the same list the same object, as long as all of it has summaries.

        `make` is called for those that were never summed up, and where what was kept does not hold any more; one thread
        does it while others that need them wait.
        """
        with self._lock:
            if self._last is not None and self._last[0] is segments and all(map(holds, self._last[1].of.values())):
                return self._last[1]
            self._read()
            found = self._found(segments)
        if not found.missing and all(map(holds, found.of.values())):
            return found
        with self._turn:
            self._make(segments, make, holds)
            with self._lock:
                return self._found(segments)

    def known(self, segments: Sequence[Segment]) -> dict[Path, Any]:
        """The summaries of those of these segments that were summed up before; waits for nobody."""
        with self._lock:
            self._read()
            return {one.path: self._known[one.key] for one in segments if one.key in self._known}

    def _found(self, segments: Sequence[Segment]) -> Summaries:
        found = Summaries(
            {one.path: self._known[one.key] for one in segments if one.key in self._known},
            tuple(one.path for one in segments if one.key not in self._known),
        )
        self._tidy(segments)
        # What cannot be read now may be read later.
        self._last = None if found.missing else (segments, found)
        return found

    def _make(self, segments: Sequence[Segment], make: Make, holds: Callable[[Any], bool]) -> None:
        missing = self._missing(segments, holds)
        batches = [missing[at : at + TOGETHER] for at in range(0, len(missing), TOGETHER)]
        # Another process that does the same begins elsewhere.
        random.shuffle(batches)
        try:
            for number, batch in enumerate(batches):
                self.under_way = SummingUp(number * TOGETHER, len(missing))
                asked = {one.path: one.key for one in self._missing(batch, holds)}
                if asked:
                    made = make(tuple(asked))
                    with self._lock:
                        self._keep({asked[path]: told for path, told in made.items()})
        finally:
            self.under_way = None

    def _missing(self, segments: Sequence[Segment], holds: Callable[[Any], bool]) -> list[Segment]:
        with self._lock:
            self._read()
            return [one for one in segments if one.key not in self._known or not holds(self._known[one.key])]

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
            told = line[CHECK_BYTES:]
            # What the disk damaged is no summary any more: it is made again.
            if line[:CHECK_BYTES] == _check(told):
                key, summary = orjson.loads(told)
                self._known[key] = summary
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
    texts = (orjson.dumps(item) for item in summaries.items())
    return b"".join(_check(text) + text + b"\n" for text in texts)


def _check(text: bytes) -> bytes:
    return b"%08x " % crc32(text)
