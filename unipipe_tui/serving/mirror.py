"""Copies of requests for shadow variants: scored by a thread of their own, when there is time, and only logged."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread

from unipipe_tui.serving.metrics import Answerer, Metrics
from unipipe_tui.serving.queueing import Result, Work, score_together, take_together
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.scoring import Scored, Scorer
from unipipe_tui.serving.validation import Columns

COPIES_WAITING = 500
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Copy(Work):
    """A request's copy, with the ids of the predictions that were answered."""

    ids: Sequence[str] = ()


Record = Callable[[Answerer, Sequence[str], Columns, Scored, float], None]
"""Writes a shadow's predictions down, with the seconds that they took."""


class Mirror:
    """The queue and the thread of one shadow; what finds the queue full is dropped and counted."""

    def __init__(self, answerer: Answerer, scorer: Scorer, metrics: Metrics, record: Record) -> None:
        self._answerer = answerer
        self._scorer = scorer
        self._metrics = metrics
        self._record = record
        self._waiting: deque[Work] = deque()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._work, name=f"shadow-{answerer.variant}", daemon=True)
        self._thread.start()

    def offer(self, ids: Sequence[str], columns: Columns, records: int) -> None:
        """Take a copy if there is room, and return at once."""
        with self._changed:
            if self._closed or len(self._waiting) >= COPIES_WAITING:
                self._metrics.count_dropped(self._answerer)
                return
            self._waiting.append(Copy(columns, records, ids=ids))
            self._changed.notify()

    def drop(self) -> None:
        """Count a copy that this shadow cannot be given, for want of its columns."""
        self._metrics.count_dropped(self._answerer)

    def close(self) -> None:
        """Let the thread end; copies that still wait are dropped and counted."""
        with self._changed:
            self._closed = True
            while self._waiting:
                self._waiting.popleft()
                self._metrics.count_dropped(self._answerer)
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait for the copy in hand."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while works := self._take():
            began = time.perf_counter()
            results = score_together(self._scorer, works)
            seconds = time.perf_counter() - began
            for work, result in zip(works, results, strict=True):
                assert isinstance(work, Copy)
                self._finish(work, result, seconds)

    def _take(self) -> list[Work]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return take_together(self._scorer, self._waiting)

    def _finish(self, copy: Copy, result: Result, seconds: float) -> None:
        if isinstance(result, Exception):
            status = result.status if isinstance(result, Refusing) else 500
            _log.warning("the shadow %s failed: %s: %s", self._answerer.variant, type(result).__name__, result)
            self._metrics.count_copy(self._answerer, status, seconds)
            return
        self._metrics.count_copy(self._answerer, 200, seconds)
        self._metrics.count_outcomes(self._answerer, result.outcomes, mirrored=True)
        self._record(self._answerer, copy.ids, copy.columns, result, seconds)
