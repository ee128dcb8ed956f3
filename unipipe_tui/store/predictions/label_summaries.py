"""What each segment of labels tells of which segment of predictions: joined once, since neither changes any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.values import frozen
from unipipe_tui.store.engine import Engine, literal
from unipipe_tui.store.predictions.choice import SLACK, stem
from unipipe_tui.store.predictions.segment_ids import Ends, overlap
from unipipe_tui.store.predictions.segment_summaries import OLD_FORM, YES, Held, listed, moment_of

LABELLED_OF_CELL = 4
"""Where a cell as it is kept tells how many labels it counts."""
LABELS_TOGETHER = 50
"""Segments of labels that are looked up in one pass."""
LOOKED_THROUGH = 50
"""Segments of predictions that are looked through at a time, the newest first, until every label has its prediction."""

FOUND = f"""
    SELECT labels.source, said.source AS segment, epoch(date_trunc('hour', said."at"))::BIGINT, said.version,
        coalesce(said.variant, 'stable'), count(*),
        count(*) FILTER (yes AND was), count(*) FILTER (yes AND NOT was),
        count(*) FILTER (NOT yes AND was), count(*) FILTER (NOT yes AND NOT was)
    FROM labels JOIN (SELECT *, CAST(decision AS VARCHAR) IN ({YES}) AS yes FROM $rows) AS said USING (prediction_id)
    GROUP BY ALL
"""  # noqa: S608
JSON_TYPES = "{'prediction_id': 'VARCHAR', 'at': 'TIMESTAMPTZ', 'version': 'BIGINT', 'variant': 'VARCHAR', 'decision': 'VARCHAR'}"


@frozen
class HeldLabels:
    """What a segment of labels holds."""

    path: Path
    rows: int
    first: int
    """Microseconds since the epoch, as the next."""
    last: int


@frozen
class LabelledCell:
    """Labels of the predictions of one version in one hour of one segment of predictions."""

    segment: str
    hour: int
    version: int
    variant: str
    labelled: int
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


def sum_up_labels(engine: Engine, segments: Sequence[Path]) -> dict[Path, Any]:
    """How many labels each folded segment holds, and from when."""
    found: dict[Path, Any] = {}
    with engine.scratch() as connection:
        for path in segments:
            query = f"""SELECT count(*), epoch_us(min(CAST("at" AS TIMESTAMP))), epoch_us(max(CAST("at" AS TIMESTAMP)))
                FROM read_parquet({literal(path)})"""  # noqa: S608
            try:
                row = connection.execute(query).fetchone()
            except duckdb.Error:
                continue
            if row and row[0]:
                found[path] = list(row)
    return found


@frozen
class Joined:
    """What a segment of labels tells."""

    missing: int
    """Labels whose predictions were not there."""
    among: int
    """Which segments of predictions were there: a number that is another one when one more is."""
    cells: Sequence[Any]
    """As `LabelledCell` takes them."""

    def holds(self, among: int) -> bool:
        """Whether it would be told again among those segments."""
        return not self.missing or self.among == among


def join_labels(
    engine: Engine, labels: Sequence[HeldLabels], predictions: Sequence[Held], ends: Ends, among: int
) -> dict[Path, Any]:
    """What each of these segments of labels tells, as `Joined` takes it; one that cannot be read has none.

    `ends`: the first and the last id of segments of predictions, by name; where none are known they are looked through.
    """
    found: dict[Path, Any] = {}
    ordered = sorted(labels, key=lambda one: one.last)
    for begin in range(0, len(ordered), LABELS_TOGETHER):
        group = ordered[begin : begin + LABELS_TOGETHER]
        with engine.scratch() as connection:
            try:
                told = _joined(connection, group, predictions, ends)
            except duckdb.Error:
                continue
        for one in group:
            cells = told[one.path]
            found[one.path] = [one.rows - sum(cell[LABELLED_OF_CELL] for cell in cells), among, cells]
    return found


def join_growing(engine: Engine, path: Path, predictions: Sequence[Held], ends: Ends) -> Any:
    """What a segment of labels that still grows tells of so far; of one that was folded meanwhile the whole.

    None when it, or a segment of predictions, cannot be read.
    """
    types = "{'prediction_id': 'VARCHAR', 'label': 'VARCHAR'}"
    lines = f"read_json({literal(path)}, format = 'newline_delimited', ignore_errors = true, columns = {types})"
    folded = f"read_parquet({literal(path.with_suffix('.parquet'))})"
    for source in (lines, folded):
        with engine.scratch() as connection:
            try:
                connection.execute(
                    f"""CREATE TEMP TABLE labels AS SELECT '' AS source, prediction_id,
                    CAST(label AS VARCHAR) IN ({YES}) AS was FROM {source} WHERE prediction_id IS NOT NULL"""  # noqa: S608
                )
                return [cell for _, cell in _found(connection, predictions, ends)]
            except duckdb.Error:
                continue
    return None


def _joined(
    connection: duckdb.DuckDBPyConnection, labels: Sequence[HeldLabels], predictions: Sequence[Held], ends: Ends
) -> dict[Path, Any]:
    connection.execute(
        f"""CREATE TEMP TABLE labels AS SELECT source, prediction_id, CAST(label AS VARCHAR) IN ({YES}) AS was
        FROM read_parquet({listed([one.path for one in labels])}, union_by_name = true, filename = 'source')"""  # noqa: S608
    )
    told: dict[str, list[Any]] = {one.path.name: [] for one in labels}
    latest = moment_of(max(one.last for one in labels)) + SLACK
    for name, cell in _found(connection, [one for one in predictions if one.first <= latest], ends):
        told[_name(name)].append(cell)
    return {one.path: told[one.path.name] for one in labels}


def _found(
    connection: duckdb.DuckDBPyConnection, predictions: Sequence[Held], ends: Ends
) -> Iterator[tuple[str, list[Any]]]:
    """By the file of labels: cells of the predictions that they tell of. The newest are looked through first."""
    counted = connection.execute("SELECT count(*), min(prediction_id), max(prediction_id) FROM labels").fetchone()
    missing, first, last = counted or (0, None, None)
    near = [one for one in predictions if missing and overlap(ends.get(one.path.name), (first, last))]
    ordered = sorted(near, key=lambda one: one.last, reverse=True)
    for begin in range(0, len(ordered), LOOKED_THROUGH):
        for name, segment, *cell in _looked_through(connection, ordered[begin : begin + LOOKED_THROUGH]):
            yield name, [stem(Path(segment)), *cell]
            missing -= cell[3]
        if missing <= 0:
            return


def _looked_through(connection: duckdb.DuckDBPyConnection, segments: Sequence[Held]) -> Iterator[Any]:
    folded = [one.path for one in segments if one.path.suffix == ".parquet"]
    if folded:
        yield from _told_of(connection, _in_parquet(folded))
    for path in (one.path for one in segments if one.path.suffix != ".parquet"):
        try:
            told = _told_of(connection, _in_lines(path))
        except duckdb.IOException:
            # Folded since it was listed.
            told = _told_of(connection, _in_parquet([path.with_suffix(".parquet")]))
        yield from told


def _told_of(connection: duckdb.DuckDBPyConnection, source: str) -> list[Any]:
    wanted = 'prediction_id, source, CAST("at" AS TIMESTAMP) AS "at", version, variant, decision'
    rows = f"(SELECT {wanted} FROM (FROM {source} UNION ALL BY NAME {OLD_FORM}))"  # noqa: S608
    return connection.execute(FOUND.replace("$rows", rows)).fetchall()


def _in_parquet(paths: Sequence[Path]) -> str:
    return f"read_parquet({listed(paths)}, union_by_name = true, filename = 'source')"


def _in_lines(path: Path) -> str:
    how = f"format = 'newline_delimited', ignore_errors = true, columns = {JSON_TYPES}, filename = 'source'"
    return f"read_json({literal(path)}, {how})"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
