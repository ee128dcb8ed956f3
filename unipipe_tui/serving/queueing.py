"""Requests of one version wait here to be scored; those that waited together are scored together.

One call of a scikit-learn pipeline costs much the same for one record and for twenty, so under load this is where the
throughput comes from. Nobody is made to wait for company: what is alone is scored alone, at once.

A thread scores, so that the event loop is free meanwhile. But to wake it and be woken by it takes a tenth of a
millisecond, and under load a seventh of the processor: what has shown to be quick is scored on the loop itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Thread

from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.scoring import Beside, Scored, Scorer, joined, rows_of, score
from unipipe_tui.serving.validation import Columns

RECORDS_TOGETHER = 256
"""A call takes no more requests once it holds so many records."""
MOST_WAITING = 1024
"""More requests than this are not worth keeping: their callers are gone before their turn."""
QUICK_SECONDS = 0.01
"""A call that takes no longer may hold up the event loop."""
QUICK_RECORDS = 16
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Work:
    """One request that waits for its score."""

    columns: Columns
    records: int
    done: asyncio.Future[Scored] | None = None
    """Where the answer goes; None in calls without a loop."""
    beside: Beside | None = None
    """What the caller says beside the records; a request with params is scored alone."""

    @property
    def has_params(self) -> bool:
        """Whether something is asked of the model that others who wait do not ask."""
        return self.beside is not None and bool(self.beside.params)


Result = Scored | Exception


class ScoringQueue:
    """The queue of one scorer; asked from the event loop, answered on it or by threads that end when it is closed."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self._waiting: deque[Work] = deque()
        self._soon: deque[Work] = deque()
        """What the event loop scores itself; touched by its thread only."""
        self._is_quick = False
        """Whether the newest call was."""
        self._changed = Condition()
        self._closed = False
        for number in range(scorer.threads):
            Thread(target=self._work, name=f"score-{scorer.facts.version}-{number}", daemon=True).start()

    async def score(self, columns: Columns, records: int, beside: Beside | None = None) -> Scored:
        """The answer to one request. Raises Refusing when too many wait, and what the scorer raises."""
        loop = asyncio.get_running_loop()
        work = Work(columns, records, loop.create_future(), beside)
        assert work.done is not None
        if self._may_hold_up_the_loop(work):
            # Not before those are here, too, whose requests have arrived with this one.
            if not self._soon:
                loop.call_soon(self._score_on_the_loop, loop)
            self._soon.append(work)
            return await work.done
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                raise Refusing(503, f"{MOST_WAITING} requests wait already. Ask again later.", retry_seconds=1)
            self._waiting.append(work)
            self._changed.notify()
            if self._closed:
                # The request began before the switch, and its threads have ended since.
                Thread(target=self._work, name="score-late", daemon=True).start()
        return await work.done

    def close(self) -> None:
        """Let the threads end when nothing waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _may_hold_up_the_loop(self, work: Work) -> bool:
        """Not a model of somebody's own: it may be quick a hundred times, and then wait for a network."""
        if not self._is_quick or work.has_params or not 0 < work.records <= QUICK_RECORDS:
            return False
        return len(self._soon) < MOST_WAITING and self.scorer.mergeable(work.columns) is not None

    def _score_on_the_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        if works := take_together(self.scorer, self._soon):
            _deliver(works, self._scored(works))
        if self._soon:
            # Others get their turn in between.
            loop.call_soon(self._score_on_the_loop, loop)

    def _scored(self, works: Sequence[Work]) -> list[Result]:
        began = time.perf_counter()
        results = score_together(self.scorer, works)
        self._is_quick = time.perf_counter() - began <= QUICK_SECONDS
        return results

    def _work(self) -> None:
        while works := self._take():
            results = self._scored(works)
            # One call for all: each one wakes the event loop.
            loop = next(work.done.get_loop() for work in works if work.done is not None)
            try:
                loop.call_soon_threadsafe(_deliver, works, results)
            except RuntimeError:
                # The loop has ended, and with it whoever waited.
                return

    def _take(self) -> list[Work]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return take_together(self.scorer, self._waiting)


def take_together(scorer: Scorer, waiting: deque[Work]) -> list[Work]:
    """The first request that is still wanted, and those after it that can share its call."""
    works: list[Work] = []
    shape: object | None = None
    records = 0
    while waiting:
        work = waiting[0]
        if work.done is not None and work.done.done():
            # Its caller has gone or its time is up.
            waiting.popleft()
            continue
        own = None if work.has_params else scorer.mergeable(work.columns)
        if works and (own is None or own != shape or records + work.records > RECORDS_TOGETHER):
            break
        works.append(waiting.popleft())
        shape, records = own, records + work.records
        if own is None:
            break
    return works


def score_together(scorer: Scorer, works: Sequence[Work]) -> list[Result]:
    """One result for each request; when the call fails each is scored by itself, so that only the guilty one fails."""
    if len(works) > 1:
        try:
            together = score(scorer, joined([work.columns for work in works]), sum(work.records for work in works))
        except Exception:  # whatever the model raises, it is told when the guilty request is scored alone
            _log.debug("%d requests together failed", len(works), exc_info=True)
        else:
            return _apart(together, works)
    return [_alone(scorer, work) for work in works]


def _apart(together: Scored, works: Sequence[Work]) -> list[Result]:
    results: list[Result] = []
    begin = 0
    for work in works:
        end = begin + work.records
        results.append(Scored(rows_of(together.output, begin, end), together.outcomes[begin:end], together.classes))
        begin = end
    return results


def _alone(scorer: Scorer, work: Work) -> Result:
    try:
        return score(scorer, work.columns, work.records, work.beside)
    except Exception as error:  # a model is somebody's code: whatever it raises is its answer to this request
        return error


def _deliver(works: Sequence[Work], results: Sequence[Result]) -> None:
    for work, result in zip(works, results, strict=True):
        if work.done is None or work.done.done():
            continue
        if isinstance(result, Exception):
            work.done.set_exception(result)
        else:
            work.done.set_result(result)
