"""What each segment of a prediction log holds, in short: by hour, version and variant. Made once for a folded segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.operations import GROWTH, LOWEST_MS, Latency, PredictedHour
from unipipe_tui.domain.rollouts.traffic import STABLE
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.engine import Engine, literal

SCORE_CELLS = 20
FILES_TOGETHER = 50
"""In one query: each has to open every file before it begins, and one damaged file spoils all of them."""
YES = "'1', '1.0', 'true', 'True'"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_OF_CELL = 4
"""Where a cell as it was kept tells its rows."""
OLD_FORM = "SELECT NULL::VARCHAR AS variant, NULL::DOUBLE AS score, NULL::DOUBLE AS latency_ms WHERE false"
"""Beside segments that lack a column."""

CELLS = f"""
    SELECT source, epoch(date_trunc('hour', "at"))::BIGINT AS hour, model, version, coalesce(variant, '{STABLE}') AS variant,
        count(*) AS found, epoch_us(min("at")) AS first, epoch_us(max("at")) AS last,
        count(*) FILTER (CAST(decision AS VARCHAR) IN ({YES})) AS yes,
        histogram(CASE WHEN latency_ms <= {LOWEST_MS} THEN 0
            ELSE CAST(ceil(ln(latency_ms / {LOWEST_MS}) / ln({GROWTH})) AS INTEGER) END) AS latency,
        histogram(CAST(least(greatest(floor(TRY_CAST(score AS DOUBLE) * {SCORE_CELLS}), 0), {SCORE_CELLS - 1}) AS INTEGER))
            AS scores
    FROM $rows GROUP BY ALL ORDER BY source, hour
"""  # noqa: S608


@frozen
class Cell:
    """The predictions of one version in one hour of one segment."""

    hour: int
    """Seconds since the epoch."""
    model: str
    version: int
    variant: str
    rows: int
    first: int
    """Microseconds since the epoch."""
    last: int
    yes: int
    latency: Sequence[int]
    """Bucket and how many, in turn: pairs would be ten times as many objects to read back."""
    scores: Sequence[int]


@frozen
class Held:
    """What a segment holds."""

    path: Path
    cells: tuple[Cell, ...]
    first: datetime
    """The moment of its oldest prediction."""
    last: datetime
    """The moment of its newest prediction."""

    def rows(self, version: int | None = None) -> int:
        """How many predictions it holds, of one version if given."""
        return sum(cell.rows for cell in self.cells if version in (None, cell.version))


def held(path: Path, told: Any) -> Held:
    """A summary as it was kept; of a segment with rows."""
    cells = tuple(Cell(*cell) for cell in told)
    first, last = min(cell.first for cell in cells), max(cell.last for cell in cells)
    return Held(path, cells, moment_of(first), moment_of(last))


def rows_told(told: Any) -> int:
    """How many predictions a summary as it was kept counts."""
    return sum(cell[ROWS_OF_CELL] for cell in told)


def sum_up(engine: Engine, segments: Sequence[Path], folded: bool) -> dict[Path, Any]:
    """The summary of each segment, in the form in which it is kept; one that cannot be read has none."""
    with engine.scratch() as connection:
        return by_batches(segments, lambda paths: dict(_asked(connection, paths, folded)))


def by_batches(segments: Sequence[Path], ask: Callable[[Sequence[Path]], Mapping[Path, Any]]) -> dict[Path, Any]:
    """What is answered about each segment; those that make a query fail are found by halves, and left out."""
    found: dict[Path, Any] = {}
    for begin in range(0, len(segments), FILES_TOGETHER):
        found.update(_asked_in_halves(segments[begin : begin + FILES_TOGETHER], ask))
    return found


def _asked_in_halves(
    segments: Sequence[Path], ask: Callable[[Sequence[Path]], Mapping[Path, Any]]
) -> Mapping[Path, Any]:
    try:
        return ask(segments)
    except duckdb.Error:
        if len(segments) == 1:
            return {}
    half = len(segments) // 2
    return {**_asked_in_halves(segments[:half], ask), **_asked_in_halves(segments[half:], ask)}


def listed(paths: Sequence[Path]) -> str:
    """Paths as a list in SQL."""
    return f"[{', '.join(literal(path) for path in paths)}]"


def _asked(connection: duckdb.DuckDBPyConnection, segments: Sequence[Path], folded: bool) -> Iterator[tuple[Path, Any]]:
    if folded:
        source = f"read_parquet({listed(segments)}, union_by_name = true, filename = 'source')"
    else:
        types = (
            "{'at': 'TIMESTAMPTZ', 'model': 'VARCHAR', 'version': 'BIGINT', 'variant': 'VARCHAR', 'score': 'VARCHAR', "
            "'decision': 'VARCHAR', 'latency_ms': 'DOUBLE'}"
        )
        source = (
            f"read_json({listed(segments)}, format = 'newline_delimited', ignore_errors = true, columns = {types}, "
            "filename = 'source')"
        )
    wanted = 'source, CAST("at" AS TIMESTAMP) AS "at", model, version, variant, score, decision, latency_ms'
    rows = f'(SELECT {wanted} FROM (FROM {source} UNION ALL BY NAME {OLD_FORM}) WHERE "at" IS NOT NULL)'  # noqa: S608
    told: dict[str, list[Any]] = {path.name: [] for path in segments}
    for name, *cell, latency, scores in connection.execute(CELLS.replace("$rows", rows)).fetchall():
        told[name.rpartition("/")[2]].append([*cell, _counted(latency), _counted(scores)])
    return ((path, told[path.name]) for path in segments)


def _counted(histogram: Mapping[int, int] | None) -> list[int]:
    found = sorted((int(place), int(count)) for place, count in (histogram or {}).items() if place is not None)
    return flat(found)


def flat(pairs: Iterable[Sequence[int]]) -> list[int]:
    """`[[1, 2], [3, 4]]` as `[1, 2, 3, 4]`."""
    return [number for pair in pairs for number in pair]


def by_hour(segments: Iterable[Held]) -> tuple[PredictedHour, ...]:
    """The hours of all of them together, oldest first."""
    together: dict[tuple[int, str, int, str], list[Cell]] = {}
    for segment in segments:
        for cell in segment.cells:
            together.setdefault((cell.hour, cell.model, cell.version, cell.variant), []).append(cell)
    return tuple(_hour(key, cells) for key, cells in sorted(together.items()))


def _hour(key: tuple[int, str, int, str], cells: Sequence[Cell]) -> PredictedHour:
    hour, model, version, variant = key
    scores = added(cell.scores for cell in cells)
    return PredictedHour(
        at=EPOCH + timedelta(seconds=hour),
        model=model,
        version=version,
        variant=variant,
        rows=sum(cell.rows for cell in cells),
        first=moment_of(min(cell.first for cell in cells)),
        last=moment_of(max(cell.last for cell in cells)),
        yes=sum(cell.yes for cell in cells),
        latency=Latency(tuple(sorted(added(cell.latency for cell in cells).items()))),
        scores=tuple(scores.get(place, 0) for place in range(SCORE_CELLS)) if scores else (),
    )


def added(counted: Iterable[Sequence[int]]) -> dict[int, int]:
    """Counts of the same place, added; of places and counts in turn."""
    counts: dict[int, int] = {}
    for one in counted:
        for place, count in zip(one[::2], one[1::2], strict=True):
            counts[place] = counts.get(place, 0) + count
    return counts


def moment_of(microseconds: int) -> datetime:
    """As it was written, in UTC."""
    return EPOCH + timedelta(microseconds=microseconds)
