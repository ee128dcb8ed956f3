"""Follows the file that names the wanted bundle, and switches to it without dropping a request."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from unipipe_tui.domain.errors import Failed, UnipipeError
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.models import ServedModel

LOOK_EVERY_SECONDS = 0.2
_log = logging.getLogger(__name__)


@frozen
class Desired:
    """What the operator wants served."""

    folder: Path
    digest: str
    order: str | None = None
    """What the operator calls this very wish, so that an answer to an earlier one is not taken for its own."""


@frozen
class Stamp:
    """Tells one writing of the file from the next, even of equal content: writing it again means trying again."""

    modified_ns: int
    inode: int
    content: bytes


class Switch:
    """Holds the model that serves now; a thread of its own loads the next one and then swaps one reference."""

    def __init__(self, file: Path, load: Callable[[Path, str], ServedModel]) -> None:
        self.served: ServedModel | None = None
        self.wanted: Desired | None = None
        self.error = f"{file} does not exist yet"
        self._file = file
        self._load = load
        self._seen: Stamp | None = None
        self._stopping = Event()
        # A daemon, since a model that takes minutes to load must not hold up the end of the process.
        self._thread = Thread(target=self._watch, name="switch", daemon=True)

    def start(self) -> None:
        """Begin to watch; the first load begins at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for a load in hand."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._look()
            self._stopping.wait(LOOK_EVERY_SECONDS)

    def _look(self) -> None:
        stamp = _stamp(self._file)
        if stamp is None or stamp == self._seen:
            return
        self._seen = stamp
        self.error = ""
        try:
            desired = read_desired(stamp.content, self._file)
            self.wanted = desired
            if self.served is None or self.served.bundle.digest != desired.digest:
                self.served = self._load(desired.folder, desired.digest)
        except UnipipeError as error:
            self._report(f"{error.message} {error.hint}".strip())
        except Exception as error:  # a model's own code may raise anything; the old one keeps serving
            _log.debug("the model's own traceback", exc_info=True)
            self._report(f"The bundle cannot be loaded: {type(error).__name__}: {error}")

    def _report(self, error: str) -> None:
        self.error = error
        _log.error("not switched: %r", error)


def read_desired(content: bytes, file: Path) -> Desired:
    """Parse `{"bundle": folder, "digest": sha256}` with an optional `order`; a relative folder is meant from the
    file's own place."""
    try:
        document = json.loads(content)
        folder, digest, order = document["bundle"], document["digest"], document.get("order")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failed(f"{file} does not name a bundle and its digest: {error!r}.", _EXAMPLE) from error
    if not isinstance(folder, str) or not isinstance(digest, str):
        raise Failed(f"{file}: bundle and digest must be strings.", _EXAMPLE)
    return Desired(file.parent / folder, digest, None if order is None else str(order))


_EXAMPLE = 'It must hold {"bundle": "<folder>", "digest": "<sha256>"}.'


def _stamp(file: Path) -> Stamp | None:
    try:
        with file.open("rb") as opened:
            facts = os.fstat(opened.fileno())
            return Stamp(facts.st_mtime_ns, facts.st_ino, opened.read())
    except OSError:
        return None
