"""Follows the file that says what shall answer, and goes over to it without dropping a request."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from unipipe_tui.domain.errors import Failed, UnipipeError
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.desired import Desired, WantedVariant, read_desired
from unipipe_tui.serving.metrics import Answerer
from unipipe_tui.serving.mirror import Mirror
from unipipe_tui.serving.queueing import ScoringQueue
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.routing import Share, shared_out, stuck_to
from unipipe_tui.serving.scoring import Scorer
from unipipe_tui.serving.upstreams import Upstream

LOOK_EVERY_SECONDS = 0.1
ASK_UPSTREAMS_EVERY_SECONDS = 1.0
_log = logging.getLogger(__name__)


@frozen
class ServedVariant:
    """One variant that is ready to be asked."""

    wanted: WantedVariant
    answerer: Answerer
    queue: ScoringQueue
    since: datetime
    mirror: Mirror | None = None
    """Where copies of requests go; None for one that answers."""

    @property
    def scorer(self) -> Scorer:
        """What answers for it."""
        return self.queue.scorer


class Table:
    """By what requests are shared out; never changes, so a request that began with one ends with it."""

    def __init__(self, desired: Desired, variants: tuple[ServedVariant, ...]) -> None:
        self.desired = desired
        self.variants = variants
        self.sticky = desired.sticky
        self.mirrored = tuple(variant for variant in variants if variant.mirror is not None)
        self.main = max((one for one in variants if one.mirror is None), key=lambda one: one.wanted.weight)
        self.column_names = frozenset(column.name for one in variants for column in one.scorer.columns)
        """Every column that any of the variants asks for."""
        self._named = {variant.wanted.name: variant for variant in variants}
        self._shares = [
            Share(one.wanted.name, one.wanted.weight)
            for one in variants
            if one.mirror is None and one.wanted.weight > 0
        ]
        self._numbers = itertools.count()

    def pick(self, wish: str | None, key: str | None) -> ServedVariant:
        """The variant that was asked for by name, else the one that the key sticks to, else the next in turn.

        Raises Refusing when there is none of that name.
        """
        if wish is not None:
            if wish not in self._named:
                raise Refusing(404, f"There is no variant {wish!r} here, only {', '.join(self._named)}.")
            return self._named[wish]
        if len(self._shares) == 1:
            return self.main
        name = shared_out(self._shares, next(self._numbers)) if key is None else stuck_to(self._shares, key)
        return self._named[name]


@frozen
class Stamp:
    """Tells one writing of the file from the next, even of equal content: writing it again means trying again."""

    modified_ns: int
    inode: int
    content: bytes


class Switch:
    """Holds the table that requests are shared out by; a thread of its own makes the next one and swaps a reference."""

    def __init__(
        self,
        file: Path,
        open_scorer: Callable[[WantedVariant], Scorer],
        open_mirror: Callable[[Answerer, Scorer], Mirror],
        announce: Callable[[Answerer], None] = lambda answerer: None,
    ) -> None:
        self.table: Table | None = None
        self.wanted: Desired | None = None
        self.error = f"{file} does not exist yet"
        self.troubles: Mapping[str, str] = {}
        """What keeps variants that are other servers from answering, by name."""
        self._file = file
        self._open_scorer = open_scorer
        self._open_mirror = open_mirror
        self._announce = announce
        self._seen: Stamp | None = None
        self._asked = 0.0
        self._stopping = Event()
        # A daemon, since a model that takes minutes to load must not hold up the end of the process.
        self._thread = Thread(target=self._watch, name="switch", daemon=True)

    def start(self) -> None:
        """Begin to watch; the first load begins at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the threads to end; does not wait for a load in hand."""
        self._stopping.set()
        for variant in self.table.mirrored if self.table else ():
            assert variant.mirror is not None
            variant.mirror.close()
            variant.mirror.join(1.0)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._look()
            self._ask_upstreams()
            self._stopping.wait(LOOK_EVERY_SECONDS)

    def _look(self) -> None:
        stamp = _stamp(self._file)
        if stamp is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            # The old table answers meanwhile, also when the new one is none.
            desired = read_desired(stamp.content, self._file)
            self.wanted, self.error = desired, ""
            self._go_over_to(desired)
        except UnipipeError as error:
            self._report(f"{error.message} {error.hint}".strip())
        except Exception as error:  # a model's own code may raise anything; the old one keeps serving
            _log.debug("the model's own traceback", exc_info=True)
            self._report(f"The bundle cannot be loaded: {type(error).__name__}: {error}")

    def _report(self, error: str) -> None:
        self.error = error
        _log.error("not switched: %r", error)

    def _go_over_to(self, desired: Desired) -> None:
        before = self.table.variants if self.table else ()
        variants: list[ServedVariant] = []
        try:
            for wanted in desired.variants:
                variants.append(self._served(wanted, (*before, *variants)))
        except BaseException:
            _close(tuple(variants), but=before)
            raise
        self.troubles = {}
        self.table = Table(desired, tuple(variants))
        _close(before, but=tuple(variants))
        if {id(one.queue) for one in before} != {id(one.queue) for one in variants}:
            _set_apart_what_stays()

    def _served(self, wanted: WantedVariant, others: tuple[ServedVariant, ...]) -> ServedVariant:
        """The variant, with the model that is loaded already when one of the others has it."""
        queue = next((one.queue for one in others if _same_source(one.wanted, wanted)), None)
        queue = queue or ScoringQueue(self._open_scorer(wanted))
        facts = queue.scorer.facts
        answerer = Answerer(facts.model, facts.version, wanted.name)
        for one in others:
            same_place = one.answerer == answerer and one.wanted.mirrored == wanted.mirrored
            if same_place and one.queue is queue:
                return ServedVariant(wanted, answerer, queue, one.since, one.mirror)
        self._announce(answerer)
        mirror = self._open_mirror(answerer, queue.scorer) if wanted.mirrored else None
        return ServedVariant(wanted, answerer, queue, datetime.now(UTC), mirror)

    def _ask_upstreams(self) -> None:
        """See which other servers are away now; a wish that failed for want of one is tried again."""
        if time.monotonic() - self._asked < ASK_UPSTREAMS_EVERY_SECONDS:
            return
        self._asked = time.monotonic()
        if self.error and self.wanted and any(variant.url for variant in self.wanted.variants):
            self._seen = None
        troubles: dict[str, str] = {}
        for variant in self.table.variants if self.table else ():
            if isinstance(variant.scorer, Upstream):
                try:
                    variant.scorer.verify()
                except Failed as error:
                    troubles[variant.wanted.name] = error.message
        self.troubles = troubles


def _set_apart_what_stays() -> None:
    """Spare the garbage collector the libraries and the models: going through them stops every request for 0.15 s."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _same_source(one: WantedVariant, other: WantedVariant) -> bool:
    """Whether both get their answers from the same place: a bundle is told by its digest, wherever it lies."""
    if one.url is None and other.url is None:
        return one.digest == other.digest
    return (one.url, one.facts, one.columns) == (other.url, other.facts, other.columns)


def _close(variants: tuple[ServedVariant, ...], but: tuple[ServedVariant, ...]) -> None:
    """Let end what nobody needs any more; requests in flight are still answered."""
    kept = {id(one.queue) for one in but}
    kept_mirrors = {id(one.mirror) for one in but}
    for variant in variants:
        if variant.mirror is not None and id(variant.mirror) not in kept_mirrors:
            variant.mirror.close()
        if id(variant.queue) not in kept:
            variant.queue.close()


def _stamp(file: Path) -> Stamp | None:
    try:
        with file.open("rb") as opened:
            facts = os.fstat(opened.fileno())
            return Stamp(facts.st_mtime_ns, facts.st_ino, opened.read())
    except OSError:
        return None
