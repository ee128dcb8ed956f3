"""What a server did in each minute: a row for each variant in its log, also when nobody asked: silence is no absence."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread

from unipipe_tui.domain.operations import bucket_of
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.folding import as_json
from unipipe_tui.serving.log_writer import LogFull

MINUTE = timedelta(minutes=1)
MOST_ROWS_KEPT = 10_000
"""Rows that a full disk keeps from being written; beyond that the oldest are given up."""
_log = logging.getLogger(__name__)

Who = tuple[str, int | None, str, bool]
"""Model, version, variant, and whether it only got copies."""
NOBODY: Who = ("", None, "", False)
"""Requests that never got to a variant."""
Put = Callable[[Sequence[bytes]], Future[None]]
"""Takes lines for the log. Raises LogFull or OSError; the answer tells when they are written."""


@frozen
class Bounds:
    """From where on the server turns requests away."""

    in_flight: int
    rows: int


class _Count:
    """One variant's minute so far."""

    __slots__ = ("errors", "latency", "predictions", "refused", "requests", "seconds")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.refused = 0
        self.predictions = 0
        self.seconds = 0.0
        self.latency: dict[int, int] = {}


class MinuteCounts:
    """Counts what every request adds to its minute; called by the event loop and by the threads of shadows."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[Who, _Count] = {}
        self._most_in_flight = 0

    def count(self, who: Who, status: int, seconds: float, in_flight: int) -> None:
        """One request came to its end; `in_flight` counts it still.

        The most in flight is found like this, for their number only falls where one of them ends.
        """
        bucket = bucket_of(seconds * 1000)
        with self._lock:
            if in_flight > self._most_in_flight:
                self._most_in_flight = in_flight
            one = self._counts.get(who) or self._begun(who)
            one.requests += 1
            if status < 400 or status >= 500:
                if status >= 500:
                    one.errors += 1
                if who is not NOBODY:
                    one.seconds += seconds
                    one.latency[bucket] = one.latency.get(bucket, 0) + 1
            else:
                one.refused += 1

    def count_predictions(self, who: Who, how_many: int) -> None:
        """Records were scored."""
        with self._lock:
            (self._counts.get(who) or self._begun(who)).predictions += how_many

    def taken(self, in_flight: int) -> tuple[dict[Who, _Count], int]:
        """What was counted so far, and the most in flight; counting begins anew, with those that are in flight now."""
        with self._lock:
            counts, self._counts = self._counts, {}
            most, self._most_in_flight = max(self._most_in_flight, in_flight), in_flight
        return counts, most

    def _begun(self, who: Who) -> _Count:
        return self._counts.setdefault(who, _Count())


@frozen
class Sights:
    """Where the load of a server is read."""

    present: Callable[[], Sequence[Who]]
    """The variants that it has now."""
    in_flight: Callable[[], int]
    most_rows_behind: Callable[[], int]
    """The most log rows that waited since it was asked last."""
    bounds: Bounds


class MinuteWriter:
    """Writes the rows when a minute is over and at the end. A thread, so that a slow model does not delay the minute."""

    def __init__(
        self,
        counts: MinuteCounts,
        sights: Sights,
        put: Put,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._counts = counts
        self._sights = sights
        self._put = put
        self._clock = clock
        # A worker that is started again is the same server.
        self._server = f"{socket.gethostname()}:{os.getppid()}"
        self._unwritten: deque[bytes] = deque(maxlen=MOST_ROWS_KEPT)
        self._handed_on: tuple[Future[None], Sequence[bytes]] | None = None
        """What the log has taken last, until it is known to be written."""
        self._stopping = Event()
        self._minute = minute_of(clock())
        self._began = time.monotonic()
        self._busy = time.process_time()
        self._thread = Thread(target=self._work, name="minutes", daemon=True)

    def start(self) -> None:
        """Begin with the minute that it is."""
        self._minute = minute_of(self._clock())
        self._began, self._busy = time.monotonic(), time.process_time()
        self._thread.start()

    def close(self) -> None:
        """Write the minute in hand, as far as it came."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stopping.wait(_until_next(self._clock())):
            # Woken too early by a hair, or by a clock that was set back a little within the minute: not over yet.
            if minute_of(self._clock()) != self._minute:
                self._end_minute()
        self._end_minute()

    def _end_minute(self) -> None:
        self._unwritten.extend(self._rows())
        if self._handed_on is not None:
            written, rows = self._handed_on
            if written.done() and written.exception() is not None:
                self._unwritten.extendleft(reversed(rows))
            elif not written.done() and not self._stopping.is_set():
                # The log tries them again by itself; at the end it gets all that there is.
                return
            self._handed_on = None
        rows = tuple(self._unwritten)
        try:
            self._handed_on = self._put(rows), rows
        except (LogFull, OSError) as error:
            # Kept, and tried again with the next minute.
            _log.warning("%d minutes are not written yet: %s", len(rows), error or type(error).__name__)
            return
        self._unwritten.clear()

    def _rows(self) -> list[bytes]:
        now, busy = time.monotonic(), time.process_time()
        up = now - self._began
        counts, in_flight = self._counts.taken(self._sights.in_flight())
        load: dict[str, object] = {
            "server": self._server,
            "up_seconds": round(up, 3),
            "busy": round((busy - self._busy) / up, 4) if up > 0 else 0.0,
            "in_flight": in_flight,
            "in_flight_limit": self._sights.bounds.in_flight,
            "rows_behind": self._sights.most_rows_behind(),
            "rows_limit": self._sights.bounds.rows,
        }
        everyone = dict.fromkeys((*self._sights.present(), *counts))
        if not everyone:
            # Up, with nothing loaded: that is no absence either.
            everyone[NOBODY] = None
        rows = [_row(self._minute, who, counts.get(who) or _Count(), load) for who in everyone]
        self._minute, self._began, self._busy = minute_of(self._clock()), now, busy
        return rows


def minute_of(moment: datetime) -> datetime:
    """Where its minute begins."""
    return moment.replace(second=0, microsecond=0)


def _until_next(moment: datetime) -> float:
    return (minute_of(moment) + MINUTE - moment).total_seconds()


def _row(minute: datetime, who: Who, count: _Count, load: dict[str, object]) -> bytes:
    model, version, variant, mirrored = who
    row = {
        "at": minute,
        "model": model,
        "version": version,
        "variant": variant,
        "mirrored": mirrored,
        "requests": count.requests,
        "errors": count.errors,
        "refused": count.refused,
        "predictions": count.predictions,
        "seconds": round(count.seconds, 6),
        "latency": sorted(count.latency.items()),
        **load,
    }
    return as_json(row) + b"\n"
