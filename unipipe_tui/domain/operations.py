"""How a target ran: requests, errors, latency and load of a minute or an hour, as its own servers wrote them down."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.values import frozen

LOWEST_MS = 0.01
GROWTH = 1.04
"""From one bucket to the next. A percentile is told as its bucket's geometric middle, at most 2 % from the true one."""
PERCENTILE_WITHIN = math.sqrt(GROWTH) - 1
_LOG_OF_GROWTH = math.log(GROWTH)


def bucket_of(milliseconds: float) -> int:
    """The bucket that counts a latency: bucket i holds those in (LOWEST_MS * GROWTH**(i-1), LOWEST_MS * GROWTH**i]."""
    return math.ceil(math.log(milliseconds / LOWEST_MS) / _LOG_OF_GROWTH) if milliseconds > LOWEST_MS else 0


def highest_in(bucket: int) -> float:
    """The longest latency that a bucket counts, in milliseconds."""
    return LOWEST_MS * GROWTH**bucket


@frozen
class Latency:
    """How long requests took: counts in buckets that grow by the same factor, so that any two can be added."""

    counts: tuple[tuple[int, int], ...] = ()
    """Bucket and how many, by rising bucket; those that counted none are left out."""

    @property
    def total(self) -> int:
        """How many requests there were."""
        return sum(count for _, count in self.counts)

    def percentile(self, share: float) -> float | None:
        """The latency in ms that this share of requests did not exceed (nearest rank); None without requests.

        At most 2 % from the exact one (`PERCENTILE_WITHIN`).
        """
        wanted, seen = max(1, math.ceil(share * self.total - 1e-9)), 0
        for bucket, count in self.counts:
            seen += count
            if seen >= wanted:
                return LOWEST_MS if bucket == 0 else highest_in(bucket) / math.sqrt(GROWTH)
        return None

    def over(self, milliseconds: float) -> float:
        """How many requests took longer; a fraction of the bucket that holds the limit itself."""
        if milliseconds <= 0:
            return float(self.total)
        place = math.log(milliseconds / LOWEST_MS) / _LOG_OF_GROWTH
        # Where the limit lies in its bucket, on the scale on which buckets are equally wide.
        return sum(count * min(1.0, max(0.0, bucket - place)) for bucket, count in self.counts)


@frozen
class SummingUp:
    """How far segments of a log are summed up that nobody has summed up before."""

    done: int
    of: int


def merged(latencies: Iterable[Latency]) -> Latency:
    """All of them together."""
    several = list(latencies)
    if len(several) == 1:
        return several[0]
    counts: defaultdict[int, int] = defaultdict(int)
    for latency in several:
        for bucket, count in latency.counts:
            counts[bucket] += count
    return Latency(tuple(sorted(counts.items())))


@frozen
class Minute:
    """What one variant did in a minute, on all servers of the target together; written also when nobody asked."""

    at: datetime
    """Where the minute begins, in UTC."""
    model: str
    version: int | None
    """None: requests that never got to a variant, because they were no requests or nothing was loaded."""
    variant: str
    requests: int = 0
    errors: int = 0
    """Answered with 500 or more: the server's fault."""
    refused: int = 0
    """Answered with 400 to 499: the caller's."""
    predictions: int = 0
    """Records that were scored; one request may hold many."""
    seconds: float = 0.0
    """What the requests that are counted in `latency` took, together."""
    latency: Latency = Latency()
    """Of requests that got to a variant and were not refused."""
    in_flight: int = 0
    """The most requests that one server had in hand at a time."""
    in_flight_limit: int | None = None
    """How many may wait for one model before others are turned away; None: its server did not say."""
    rows_behind: int = 0
    """The most log rows of one server that waited to be written."""
    rows_limit: int | None = None
    """How many may wait before requests are turned away."""
    busy: float | None = None
    """Processor seconds a second of the busiest server, all its threads together; None: its server did not say."""
    up_seconds: float = 0.0
    """How long servers were up, added over servers: 120 when two were up for the whole minute."""
    servers: int = 1
    """How many servers wrote it."""
    mirrored: bool = False
    """Whether it answered nobody: a shadow, whose requests are copies."""

    @property
    def key(self) -> tuple[str, int | None, str, bool]:
        """Who did it."""
        return self.model, self.version, self.variant, self.mirrored


@frozen
class Hour(Minute):
    """The same of a whole hour, or of as much of it as is over."""

    minutes: int = 0
    """How many of its minutes were written: fewer than 60 where no server was up."""


@frozen
class ServerHour:
    """How long one server was up in an hour, whatever it served: what a price by the hour is paid for."""

    at: datetime
    server: str
    up_seconds: float
    minutes: int
    """Which of the hour's minutes it wrote, a bit for each: `minutes >> 30 & 1` is the one from half past."""


@frozen
class PredictedHour:
    """What the prediction log tells of a version's answers in an hour; it knows no request that failed."""

    at: datetime
    model: str
    version: int
    variant: str
    rows: int
    first: datetime
    last: datetime
    yes: int
    """Predictions that were decided yes."""
    latency: Latency
    """One count a prediction."""
    scores: tuple[int, ...]
    """How many scores lie in each twentieth from 0 to 1; those beyond are in the first or the last; empty: no scores."""


class Measure(StrEnum):
    """What is held against what is usual for the hour."""

    TRAFFIC = "traffic"
    """Requests an hour."""
    ERRORS = "errors"
    """The share of requests that failed."""
    LATENCY = "latency"
    """p95 in ms."""


@frozen
class Expected:
    """A figure of an hour, and the range in which it should lie."""

    at: datetime
    measure: Measure
    value: float
    """Of an hour that is not over: as if it went on like this."""
    expected: float
    low: float
    high: float
    unusual: bool
    """Whether it is outside, and by enough to be worth a word."""


@frozen
class Percentiles:
    """How long requests took, in ms; None without requests."""

    requests: int
    p50: float | None
    p95: float | None
    p99: float | None


@frozen
class Rates:
    """How much was asked, and how much of it failed."""

    requests: int
    per_second: float | None
    """Over the time that a server was up."""
    errors: int
    error_share: float | None
    error_share_low: float | None
    """The 95 % interval of Wilson."""
    error_share_high: float | None
    refused: int
    predictions: int


@frozen
class Saturation:
    """The most that waited, against what may wait before requests are turned away."""

    in_flight: int
    in_flight_limit: int | None
    in_flight_at: datetime | None
    rows_behind: int
    rows_limit: int | None
    rows_at: datetime | None
    busy: float | None
    """Processor seconds a second of the busiest server; about 1 when one core is all that it can use."""
    busy_at: datetime | None


@frozen
class Cost:
    """What predictions cost."""

    per_1000: float | None
    """None without predictions."""
    currency: str
    total: float
    price_per_hour: float
    hours: float
    """That were paid for: of the target, or of its servers added."""
    predictions: int
    base: str
    """How it was reckoned."""


@frozen
class OperationsCoverage:
    """From when on something is known, so that silence and absence are told apart."""

    first_minute: datetime | None
    """The oldest minute that a server wrote; None: no server of this target writes minutes."""
    first_prediction: datetime | None
    last_minute: datetime | None
    last_prediction: datetime | None
    damaged: tuple[str, ...] = ()
    """Segments that cannot be read: what they held is missing in every figure."""
