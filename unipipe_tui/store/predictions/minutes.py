"""The minutes that servers wrote, read back: added over servers, and summed up by hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson

from unipipe_tui.domain.operations import Hour, Latency, Minute, ServerHour
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.engine import Engine, identifier
from unipipe_tui.store.predictions.segment_summaries import added, by_batches, flat, listed

HOUR = timedelta(hours=1)
NAMES = (
    "at",
    "server",
    "model",
    "version",
    "variant",
    "mirrored",
    "requests",
    "errors",
    "refused",
    "predictions",
    "seconds",
    "latency",
    "in_flight",
    "in_flight_limit",
    "rows_behind",
    "rows_limit",
    "busy",
    "up_seconds",
)


HOUR_AND_WHO = """source, epoch(date_trunc('hour', "at"))::BIGINT AS hour, server, model, version, variant, mirrored"""
LATENCIES = f"""
    SELECT source, hour, server, model, version, variant, mirrored, pair[1] AS bucket, sum(pair[2])
    FROM (SELECT {HOUR_AND_WHO}, unnest(latency) AS pair FROM $rows) GROUP BY ALL ORDER BY bucket
"""  # noqa: S608
HOURS = f"""
    SELECT {HOUR_AND_WHO},
        sum(requests)::BIGINT, sum(errors)::BIGINT, sum(refused)::BIGINT, sum(predictions)::BIGINT, sum(seconds),
        max(in_flight), min(in_flight_limit), max(rows_behind), min(rows_limit), max(busy), sum(up_seconds),
        bit_or(1::BIGINT << date_part('minute', "at")::INTEGER)
    FROM $rows GROUP BY source, hour, server, model, version, variant, mirrored
"""  # noqa: S608
UPTIMES = """
    SELECT source, epoch(date_trunc('hour', minute))::BIGINT AS hour, server, sum(up),
        bit_or(1::BIGINT << date_part('minute', minute)::INTEGER) FROM (
        SELECT source, date_trunc('minute', "at") AS minute, server, max(up_seconds) AS up FROM $rows GROUP BY ALL
    ) GROUP BY ALL
"""


@frozen
class Part:
    """What one server wrote of one variant: of a minute, or of the minutes of an hour."""

    at: datetime
    server: str
    model: str
    version: int | None
    variant: str
    mirrored: bool
    requests: int
    errors: int
    refused: int
    predictions: int
    seconds: float
    latency: Sequence[int]
    """Bucket and how many, in turn."""
    in_flight: int
    in_flight_limit: int | None
    rows_behind: int
    rows_limit: int | None
    busy: float | None
    up_seconds: float
    minutes: int = 0
    """Which minutes of the hour were written, a bit for each."""

    @property
    def of(self) -> tuple[datetime, str, int, str, bool]:
        """What it is a part of, in an order that can be sorted."""
        return self.at, self.model, -1 if self.version is None else self.version, self.variant, self.mirrored


def parts_in_lines(lines: Iterable[bytes]) -> Iterator[Part]:
    """Those of a segment that still grows; a line that is torn is skipped."""
    for line in lines:
        try:
            row = orjson.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and line.endswith(b"\n") and "at" in row:
            yield _part(datetime.fromisoformat(row["at"]), [row.get(name) for name in NAMES[1:]])


def parts_in_parquet(engine: Engine, segments: Sequence[Path], since: datetime, until: datetime) -> Iterator[Part]:
    """Those of folded segments in [since, until). Raises duckdb.Error."""
    # Pairs would be ten times as many objects.
    names = ("flatten(latency)" if name == "latency" else identifier(name) for name in NAMES[1:])
    query = f"""SELECT epoch("at"), {", ".join(names)}
        FROM read_parquet({listed(segments)}, union_by_name = true) WHERE "at" >= ? AND "at" < ?"""  # noqa: S608
    with engine.scratch() as connection:
        found = connection.execute(query, [since, until]).fetchall()
    for at, *rest in found:
        yield _part(datetime.fromtimestamp(at, UTC), rest)


def _part(at: datetime, rest: Sequence[Any]) -> Part:
    server, model, version, variant, mirrored, requests, errors, refused, predictions, seconds, latency, *load = rest
    counted = (requests or 0, errors or 0, refused or 0, predictions or 0, seconds or 0.0)
    who = (server or "", model or "", version, variant or "", bool(mirrored))
    return Part(*(at, *who, *counted, _flattened(latency or ()), *load))


def _flattened(latency: Sequence[Any]) -> Sequence[int]:
    """Pairs as a server writes them, or as they are kept."""
    return latency if latency and isinstance(latency[0], int) else flat(latency)


def summed_by_hour(engine: Engine, segments: Sequence[Path]) -> dict[Path, Any]:
    """What is kept of each folded segment: its parts by hour, and how long each server was up."""
    with engine.scratch() as connection:
        return by_batches(segments, lambda paths: _summed(connection, paths))


def _summed(connection: duckdb.DuckDBPyConnection, segments: Sequence[Path]) -> dict[Path, Any]:
    rows = f"read_parquet({listed(segments)}, union_by_name = true, filename = 'source')"
    latencies: dict[Any, list[int]] = {}
    for *key, bucket, count in connection.execute(LATENCIES.replace("$rows", rows)).fetchall():
        latencies.setdefault(tuple(key), []).extend((bucket, int(count)))
    told: dict[str, Any] = {path.name: {"hours": [], "up": []} for path in segments}
    for row in connection.execute(HOURS.replace("$rows", rows)).fetchall():
        source, hour, *who = row[:7]
        counted, load = row[7:12], row[12:]
        one = [hour, *who, *counted, latencies.get(row[:7], []), *load]
        told[source.rpartition("/")[2]]["hours"].append(one)
    for source, *up in connection.execute(UPTIMES.replace("$rows", rows)).fetchall():
        told[source.rpartition("/")[2]]["up"].append(up)
    return {path: told[path.name] for path in segments}


def kept_hours(parts: Sequence[Part]) -> Any:
    """Hours as they are kept: plain lists."""
    hours = [[int(part.at.timestamp()), *_values(part)] for part in parts_by_hour(parts)]
    return {
        "hours": hours,
        "up": [[int(one.at.timestamp()), one.server, one.up_seconds, one.minutes] for one in uptime_of(parts)],
    }


def _values(part: Part) -> list[Any]:
    return [getattr(part, name) for name in (*NAMES[1:], "minutes")]


def hours_kept(told: Mapping[str, Any], since: datetime, until: datetime) -> Iterator[Part]:
    """The parts of a summary in [since, until)."""
    begin, end = since.timestamp(), until.timestamp()
    for at, *rest in told["hours"]:
        if begin <= at < end:
            yield _part(datetime.fromtimestamp(at, UTC), rest)


def uptime_kept(told: Mapping[str, Any]) -> Iterator[ServerHour]:
    """The uptimes of a summary."""
    for at, *rest in told["up"]:
        yield ServerHour(datetime.fromtimestamp(at, UTC), *rest)


def uptime_of(parts: Iterable[Part]) -> tuple[ServerHour, ...]:
    """How long each server was up in each hour."""
    # Every variant's row of a minute tells how long the one server was up in it.
    minutes: dict[tuple[str, datetime], float] = {}
    for part in parts:
        key = (part.server, part.at)
        minutes[key] = max(minutes.get(key, 0.0), part.up_seconds)
    return uptime_added(ServerHour(hour_of(at), server, up, 1 << at.minute) for (server, at), up in minutes.items())


def uptime_added(hours: Iterable[ServerHour]) -> tuple[ServerHour, ...]:
    """Those of the same server and hour together, oldest first."""
    together: dict[tuple[datetime, str], tuple[float, int]] = {}
    for one in hours:
        up, minutes = together.get((one.at, one.server), (0.0, 0))
        together[one.at, one.server] = up + one.up_seconds, minutes | one.minutes
    return tuple(
        ServerHour(at, server, round(up, 3), minutes) for (at, server), (up, minutes) in sorted(together.items())
    )


def parts_by_hour(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts of a server and variant in an hour, as one."""
    together: dict[tuple[Any, ...], list[Part]] = {}
    for part in parts:
        key = (hour_of(part.at), part.server, *part.of[1:])
        together.setdefault(key, []).append(part)
    return tuple(_hour_part(key[0], group) for key, group in sorted(together.items(), key=lambda item: item[0]))


def _hour_part(hour: datetime, group: Sequence[Part]) -> Part:
    first = group[0]
    minutes = 0
    for part in group:
        minutes |= part.minutes or 1 << part.at.minute
    return Part(
        at=hour,
        server=first.server,
        model=first.model,
        version=first.version,
        variant=first.variant,
        mirrored=first.mirrored,
        **_sums(group),
        latency=flat(_latency(group)),
        minutes=minutes,
    )


def minutes_of(parts: Iterable[Part]) -> tuple[Minute, ...]:
    """Minutes, one for each variant, added over servers."""
    return tuple(
        Minute(
            at=group[0].at, **_who(group[0]), **_sums(group), latency=Latency(_latency(group)), servers=_servers(group)
        )
        for group in _grouped(parts)
    )


def hours_of(parts: Iterable[Part]) -> tuple[Hour, ...]:
    """Hours, one for each variant, added over servers; of parts that are hours already."""
    return tuple(_hour(group) for group in _grouped(parts))


def _hour(group: Sequence[Part]) -> Hour:
    minutes = 0
    for part in group:
        minutes |= part.minutes
    return Hour(
        at=group[0].at,
        **_who(group[0]),
        **_sums(group),
        latency=Latency(_latency(group)),
        servers=_servers(group),
        minutes=minutes.bit_count(),
    )


def _grouped(parts: Iterable[Part]) -> list[list[Part]]:
    together: dict[tuple[Any, ...], list[Part]] = {}
    for part in parts:
        together.setdefault(part.of, []).append(part)
    return [group for _, group in sorted(together.items(), key=lambda item: item[0])]


def _who(part: Part) -> dict[str, Any]:
    return {"model": part.model, "version": part.version, "variant": part.variant, "mirrored": part.mirrored}


def _sums(group: Sequence[Part]) -> dict[str, Any]:
    """Counts added, peaks of the one that had the highest."""
    return {
        "requests": sum(one.requests for one in group),
        "errors": sum(one.errors for one in group),
        "refused": sum(one.refused for one in group),
        "predictions": sum(one.predictions for one in group),
        "seconds": round(sum(one.seconds for one in group), 6),
        "in_flight": max(one.in_flight or 0 for one in group),
        "in_flight_limit": min((one.in_flight_limit for one in group if one.in_flight_limit), default=None),
        "rows_behind": max(one.rows_behind or 0 for one in group),
        "rows_limit": min((one.rows_limit for one in group if one.rows_limit), default=None),
        "busy": max((one.busy for one in group if one.busy is not None), default=None),
        "up_seconds": round(sum(one.up_seconds or 0.0 for one in group), 3),
    }


def _latency(group: Sequence[Part]) -> tuple[tuple[int, int], ...]:
    if len(group) == 1:
        one = group[0].latency
        return tuple(zip(one[::2], one[1::2], strict=True))
    return tuple(sorted(added(one.latency for one in group).items()))


def _servers(group: Sequence[Part]) -> int:
    return len({one.server for one in group})


def hour_of(moment: datetime) -> datetime:
    """Where its hour begins."""
    return moment.replace(minute=0, second=0, microsecond=0)


def first_minute_of(hour: ServerHour) -> datetime:
    """The first minute that a server wrote in an hour."""
    return hour.at + timedelta(minutes=(hour.minutes & -hour.minutes).bit_length() - 1)


def last_minute_of(hour: ServerHour) -> datetime:
    """The last one."""
    return hour.at + timedelta(minutes=hour.minutes.bit_length() - 1)
