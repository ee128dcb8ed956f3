"""The prediction log and the feedback: segments of JSON lines and Parquet, joined by DuckDB when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import AnsweredRows, LoggedPrediction, ScoreCell, TrafficWindow, Value
from unipipe_tui.store.damaged_segments import damage_told, is_cut_off
from unipipe_tui.store.engine import Engine, identifier, literal
from unipipe_tui.store.faults import told
from unipipe_tui.store.reachable import all_reachable, reachable
from unipipe_tui.store.rolled_stretches import newest_labelled, rolled_stretches
from unipipe_tui.store.rollups import Rollups
from unipipe_tui.store.rows import aware, aware_or_none, storable
from unipipe_tui.store.segment_choice import ALL, Choice, begin_of, newest, oldest, stem, without
from unipipe_tui.store.segment_choice import since as from_moment
from unipipe_tui.store.segment_sources import count_rows, segments_of
from unipipe_tui.store.segment_summaries import Held, listed, moment_of

INPUT = "input."
POSITIVE = ("1", "1.0", "true", "True")
NUMBER_OF_LABEL = r"""
    CASE WHEN lower(label) IN ('true', 'false') THEN CAST(lower(label) = 'true' AS BIGINT)
    WHEN regexp_full_match(label, '[+-]?\d+(\.0*)?') THEN TRY_CAST(label AS BIGINT) END"""
"""A label is a whole number, or true or false; any other text has no number (a cast would round it)."""
NO_LABELS = '(SELECT NULL::VARCHAR AS prediction_id, NULL AS label, NULL::TIMESTAMP AS "at" WHERE false)'
NO_VARIANT = "SELECT NULL::VARCHAR AS variant WHERE false"
"""Beside segments that were written before variants had names."""
MOST_READ_WHOLE = 200_000
YES = ", ".join(f"'{word}'" for word in POSITIVE)
JUDGED = f"*, decision IN ({YES}) AS said, label IN ({YES}) AS was"
WINDOW = """
    count(*), min("at"), max("at"), arg_max(version, "at"), count(label),
    count(*) FILTER (label IS NOT NULL AND said AND was),
    count(*) FILTER (label IS NOT NULL AND said AND NOT was),
    count(*) FILTER (label IS NOT NULL AND NOT said AND was),
    count(*) FILTER (label IS NOT NULL AND NOT said AND NOT was),
    quantile_cont(latency_ms, 0.5), quantile_cont(latency_ms, 0.95), count(*) FILTER (said)"""
"""The columns of a `TrafficWindow`, of rows that are `JUDGED`."""


class PredictionLog:
    """All targets' predictions; one folder each below the given one."""

    def __init__(
        self,
        folder: Path,
        engine: Engine | None = None,
        rollups: Rollups | None = None,
        most_read_whole: int = MOST_READ_WHOLE,
    ) -> None:
        """With summaries of the segments only those are read that a question needs.

        With more predictions than `most_read_whole` stretches are told from summaries.
        """
        self._folder = folder
        self._engine = engine or Engine()
        self._rollups = rollups
        self._most_read_whole = most_read_whole

    def window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions, of one version if given."""
        where = "" if version is None else f"WHERE version = {int(version)}"
        latest = f'SELECT * FROM logged {where} ORDER BY "at" DESC LIMIT {int(rows)}'  # noqa: S608
        return self._window(target, latest, self._newest(target, rows, version))

    def labelled_window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions that have a label, of one version if given."""
        where = "label IS NOT NULL" + ("" if version is None else f" AND version = {int(version)}")
        latest = f'SELECT * FROM logged WHERE {where} ORDER BY "at" DESC LIMIT {int(rows)}'  # noqa: S608
        return self._window(target, latest, self._newest_labelled(target, rows, version))

    def answered(self, target: str, rows: int, version: int | None = None) -> AnsweredRows:
        """The latest predictions with their inputs and the labels that have come, of one version if given, oldest first."""
        where = "" if version is None else f"WHERE version = {int(version)}"
        with self._opened(target, self._newest(target, rows, version)) as connection:
            if connection is None:
                return AnsweredRows()
            latest = f'SELECT * FROM logged {where} ORDER BY "at" DESC, prediction_id DESC LIMIT {int(rows)}'  # noqa: S608
            columns = connection.execute("SELECT column_name FROM (DESCRIBE logged)").fetchall()
            names = [name for (name,) in columns if name.startswith(INPUT)]
            asked = "".join(f", {identifier(name)}" for name in names)
            found = connection.execute(
                f"""SELECT "at", TRY_CAST(score AS DOUBLE), decision, label, label_at{asked}
                FROM ({latest}) ORDER BY "at", prediction_id"""  # noqa: S608
            ).fetchall()
        if not found:
            return AnsweredRows()
        at, scores, decisions, labels, label_at, *inputs = zip(*found, strict=True)
        return AnsweredRows(
            at=tuple(aware(moment) for moment in at),
            scores=scores,
            decisions=decisions,
            labels=labels,
            label_at=tuple(aware_or_none(moment) for moment in label_at),
            inputs={name[len(INPUT) :]: column for name, column in zip(names, inputs, strict=True)},
        )

    def _window(self, target: str, chosen: str, choice: Choice) -> TrafficWindow:
        with self._opened(target, choice) as connection:
            if connection is None:
                return TrafficWindow(0)
            judged = f"WITH chosen AS ({chosen}), judged AS (SELECT {JUDGED} FROM chosen)"  # noqa: S608
            row = connection.execute(f"{judged} SELECT {WINDOW} FROM judged").fetchone()  # noqa: S608
        assert row is not None
        return _window_of(row)

    def stretches(self, target: str, most: int, since: datetime | None = None) -> tuple[TrafficWindow, ...]:
        """All predictions in about so many stretches of equally many rows, oldest first; each is of one version.

        There is one more wherever another version began to answer in the middle of a stretch. A long log is told from
        summaries: by whole hours of segments, percentiles within 2 %, without labels that are not folded yet.
        """
        choice = ALL
        if self._rollups is not None:
            segments = self._rollups.segments(target)
            asked = segments if since is None else from_moment(segments, since)
            if sum(one.rows() for one in asked) > self._most_read_whole:
                return rolled_stretches(asked, self._rollups.labelled(target), most, since)
            choice = self._choice(target, segments, asked)
        with self._opened(target, choice) as connection:
            if connection is None:
                return ()
            rows = connection.execute(
                f"""
                WITH counted AS (
                    SELECT "at", version, decision, label, latency_ms, count(*) OVER () AS total,
                        row_number() OVER (ORDER BY "at", prediction_id) - 1 AS place
                    FROM logged WHERE $since IS NULL OR "at" >= $since
                ),
                judged AS (
                    SELECT {JUDGED}, place // CAST(greatest(ceil(total / $most), 1) AS BIGINT) AS stretch FROM counted
                )
                SELECT {WINDOW} FROM judged GROUP BY stretch, version ORDER BY min("at"), stretch
                """,  # noqa: S608
                {"most": most, "since": storable(since)},
            ).fetchall()
        return tuple(_window_of(row) for row in rows)

    def scores(self, target: str, rows: int, cells: int) -> tuple[ScoreCell, ...]:
        """The scores of the latest predictions, and of as many before them, counted in cells of equal width.

        The cells reach from 0 to 1, or as far as scores that are no probabilities do; none when nothing has a score.
        """
        with self._opened(target, self._newest(target, 2 * rows)) as connection:
            if connection is None:
                return ()
            connection.execute(
                f"""
                CREATE TEMP TABLE scored AS
                SELECT TRY_CAST(score AS DOUBLE) AS score,
                    row_number() OVER (ORDER BY "at" DESC, prediction_id DESC) <= {int(rows)} AS late
                FROM logged ORDER BY "at" DESC, prediction_id DESC LIMIT {2 * int(rows)}
                """  # noqa: S608
            )
            ends = connection.execute("SELECT min(score), max(score) FROM scored WHERE isfinite(score)").fetchone()
            if ends is None or ends[0] is None:
                return ()
            low, high = (0.0, 1.0) if ends[0] >= 0 and ends[1] <= 1 else ends
            width = (high - low) / cells or 1.0
            found = connection.execute(
                "SELECT least(CAST(floor((score - $low) / $width) AS BIGINT), $last) AS cell, "
                "count(*) FILTER (late), count(*) FILTER (NOT late) FROM scored WHERE isfinite(score) GROUP BY cell",
                {"low": low, "width": width, "last": cells - 1},
            ).fetchall()
        counts = {cell: (latest, before) for cell, latest, before in found}
        edges = [(low * (cells - number) + high * number) / cells for number in range(cells + 1)]
        return tuple(ScoreCell(*ends, *counts.get(number, (0, 0))) for number, ends in enumerate(pairwise(edges)))

    def find(self, prediction_id: str) -> LoggedPrediction | None:
        """One prediction, by its id or an unambiguous beginning of it.

        Raises:
            UsageError: several ids begin so.
        """
        for folder in sorted(self._folder.glob("*")):
            found = self._find_in(folder.name, prediction_id)
            if found:
                return found
        return None

    def _find_in(self, target: str, prediction_id: str) -> LoggedPrediction | None:
        with self._opened(target) as connection:
            if connection is None:
                return None
            answer = connection.execute(
                "SELECT * FROM logged WHERE prediction_id = ? OR starts_with(prediction_id, ?) "
                "ORDER BY prediction_id = ? DESC LIMIT 2",
                [prediction_id] * 3,
            )
            names = [column[0] for column in answer.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        if len(rows) > 1 and rows[0]["prediction_id"] != prediction_id:
            raise UsageError(f"Several predictions begin with {prediction_id}.", hint="Give more of the id.")
        return _logged(rows[0], target) if rows else None

    def latest(
        self, target: str, rows: int, version: int, since: datetime, until: datetime | None = None
    ) -> tuple[LoggedPrediction, ...]:
        """The newest predictions of a version in a stretch of time, the newest first."""
        with self._opened(target, self._newest(target, rows, version, until)) as connection:
            if connection is None:
                return ()
            answer = connection.execute(
                """SELECT * FROM logged WHERE version = $version AND "at" >= $since AND ($until IS NULL OR "at" < $until)
                ORDER BY "at" DESC, prediction_id LIMIT $rows""",
                {"version": version, "since": storable(since), "until": storable(until), "rows": rows},
            )
            names = [column[0] for column in answer.description or ()]
            return tuple(_logged(dict(zip(names, row, strict=True)), target) for row in answer.fetchall())

    def export_window(self, target: str, rows: int, to: Path) -> int:
        """Write the inputs of the latest predictions to a Parquet file; answers with how many."""
        with self._opened(target, self._newest(target, rows)) as connection:
            if connection is None:
                return 0
            latest = f'(FROM logged ORDER BY "at" DESC LIMIT {int(rows)})'
            return _written(connection, f"SELECT {_inputs(connection)} FROM {latest}", to)  # noqa: S608

    def export_answers(self, target: str, version: int, rows: int, latest: Path, first: Path) -> tuple[int, int]:
        """Write the latest scores, decisions and inputs (`input.x`) of a version, and its first scores and decisions.

        Two Parquet files without a common answer: of a version with too few, each gets half. Answers with their rows.
        """
        of_version = f"FROM logged WHERE version = {int(version)}"
        answers = "TRY_CAST(score AS DOUBLE) AS score, decision"
        with self._opened(target, self._newest(target, 2 * rows, version)) as connection:
            if connection is None:
                return 0, 0
            both = f"SELECT count(*) FROM (SELECT 1 {of_version} LIMIT {2 * int(rows)})"  # noqa: S608
            counted = connection.execute(both).fetchone()
            there = int(counted[0]) if counted else 0
            columns = connection.execute("SELECT column_name FROM (DESCRIBE logged)").fetchall()
            inputs = "".join(f", {identifier(name)}" for (name,) in columns if name.startswith(INPUT))
            order = f'ORDER BY "at" DESC, prediction_id DESC LIMIT {there // 2}'
            late = _written(connection, f"SELECT {answers}{inputs} {of_version} {order}", latest)
        with self._opened(target, self._oldest(target, there - late, version)) as connection:
            if connection is None:
                return late, 0
            order = f'ORDER BY "at", prediction_id LIMIT {there - late}'
            return late, _written(connection, f"SELECT {answers} {of_version} {order}", first)

    def export_labelled(self, target: str, to: Path, id_column: str, label_column: str, known: Sequence[Path]) -> int:
        """Write inputs and labels of all labelled predictions whose id is in none of the known Parquet files.

        Raises:
            UsageError: a known file has no such id column, or a label is neither a whole number nor true or false.
        """
        with all_reachable(known) as known, self._opened(target) as connection:
            if connection is None:
                return 0
            new = "label IS NOT NULL"
            if known:
                _must_have(connection, id_column, known)
                files = f"read_parquet({listed(known)}, union_by_name = true)"
                ids = f"SELECT CAST({identifier(id_column)} AS VARCHAR) AS id FROM {files}"  # noqa: S608
                new += f" AND prediction_id NOT IN (FROM ({ids}) WHERE id IS NOT NULL)"
            _must_be_numbers(connection, new)
            chosen = f"prediction_id AS {identifier(id_column)}, {_inputs(connection)}, "
            chosen += f"{NUMBER_OF_LABEL} AS {identifier(label_column)}"
            return _written(connection, f'SELECT {chosen} FROM logged WHERE {new} ORDER BY "at", prediction_id', to)  # noqa: S608

    def damaged(self, target: str) -> tuple[str, ...]:
        """The names of segments that were cut off: their rows are missing from every answer."""
        return tuple(path.name for path in sorted((self._folder / target).glob("*.parquet")) if is_cut_off(path))

    def totals(self, target: str) -> tuple[int, int]:
        """How many predictions and how many labels there are; counted without reading them."""
        with reachable(self._folder / target) as folder, self._engine.scratch() as connection:
            predictions, labels = (
                count_rows(connection, folder, kind, self._counted(target, kind))
                for kind in ("predictions", "feedback")
            )
        return predictions, labels

    def _counted(self, target: str, kind: str) -> Mapping[str, int]:
        return self._rollups.folded_rows(target, kind) if self._rollups is not None else {}

    def _newest(self, target: str, rows: int, version: int | None = None, until: datetime | None = None) -> Choice:
        """Leaves out what the latest so many predictions are not in."""
        if self._rollups is None:
            return ALL
        segments = self._rollups.segments(target)
        return self._choice(target, segments, newest(segments, rows, version, until))

    def _oldest(self, target: str, rows: int, version: int) -> Choice:
        """Leaves out what the first so many predictions of a version are not in."""
        if self._rollups is None:
            return ALL
        segments = self._rollups.segments(target)
        return self._choice(target, segments, oldest(segments, rows, version))

    def _newest_labelled(self, target: str, rows: int, version: int | None) -> Choice:
        """Leaves out what the latest so many labelled predictions are not in."""
        if self._rollups is None:
            return ALL
        segments = self._rollups.segments(target)
        labelled = self._rollups.labelled(target, also_growing=True)
        return self._choice(target, segments, newest_labelled(segments, labelled, rows, version))

    def _choice(self, target: str, segments: Sequence[Held], chosen: Sequence[Held]) -> Choice:
        begin = begin_of(chosen)
        if self._rollups is None or begin is None or len(chosen) == len(segments):
            return ALL
        told_before = (stem(one.path) for one in self._rollups.labels(target) if moment_of(one.last) < begin)
        return Choice(without(segments, chosen), frozenset(told_before))

    @contextmanager
    def _opened(self, target: str, choice: Choice = ALL) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """A connection with the view `logged`: each prediction once, with its first label; None when there are none."""
        with reachable(self._folder / target) as folder, damage_told(target), self._engine.scratch() as connection:
            predictions = segments_of(connection, folder, "predictions", choice.predictions)
            if predictions is None:
                yield None
                return
            labels = segments_of(connection, folder, "feedback", choice.feedback) or NO_LABELS
            # A crash between writing a Parquet segment and removing its lines leaves both; the first one counts.
            connection.execute(
                f"""
                CREATE TEMP VIEW logged AS
                WITH once AS (
                    SELECT * REPLACE (CAST(decision AS VARCHAR) AS decision) FROM ({predictions} UNION ALL BY NAME {NO_VARIANT})
                    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY "at") = 1
                ),
                labels AS (
                    SELECT prediction_id, arg_min(CAST(label AS VARCHAR), "at") AS label, min("at") AS label_at
                    FROM {labels} GROUP BY prediction_id
                )
                SELECT once.*, labels.label, labels.label_at FROM once LEFT JOIN labels USING (prediction_id)
                """  # noqa: S608
            )
            yield connection


def _inputs(connection: duckdb.DuckDBPyConnection) -> str:
    columns = connection.execute("SELECT column_name FROM (DESCRIBE logged)").fetchall()
    names = [name for (name,) in columns if name.startswith(INPUT)]
    return ", ".join(f"{identifier(name)} AS {identifier(name[len(INPUT) :])}" for name in names)


def _must_have(connection: duckdb.DuckDBPyConnection, column: str, files: Sequence[Path]) -> None:
    for file in files:
        described = connection.execute(f"DESCRIBE FROM read_parquet({literal(file)})").fetchall()
        if column.lower() not in {name.lower() for name, *_ in described}:
            raise UsageError(
                f"{file} has no column {column!r}, so nobody can tell which predictions it holds already.",
                hint="Name the column of the ids in unipipe.yaml:  data: {id: ...}",
            )


def _must_be_numbers(connection: duckdb.DuckDBPyConnection, chosen: str) -> None:
    strange = connection.execute(
        f'SELECT label, prediction_id FROM logged WHERE {chosen} AND ({NUMBER_OF_LABEL}) IS NULL ORDER BY "at" LIMIT 1'  # noqa: S608
    ).fetchone()
    if strange:
        label, prediction = strange
        raise UsageError(
            f"The label {label!r} of the prediction {prediction!r} is neither a whole number nor true or false.",
            hint="Such labels are not trained on; `unipipe retrain --no-collect` leaves the traffic out.",
        )


def _written(connection: duckdb.DuckDBPyConnection, query: str, to: Path) -> int:
    with told(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = to.with_name(to.name + ".partial")
        with reachable(partial) as reached:
            answer = connection.execute(f"COPY ({query}) TO {literal(reached)} (FORMAT parquet)").fetchone()
        partial.replace(to)
    return int(answer[0]) if answer else 0


def _window_of(row: Sequence[Any]) -> TrafficWindow:
    return TrafficWindow(row[0], aware_or_none(row[1]), aware_or_none(row[2]), *row[3:])


def _logged(row: dict[str, Any], target: str) -> LoggedPrediction:
    inputs: dict[str, Value] = {name[len(INPUT) :]: value for name, value in row.items() if name.startswith(INPUT)}
    return LoggedPrediction(
        prediction_id=row["prediction_id"],
        at=aware(row["at"]),
        target=target,
        model=row["model"],
        version=row["version"],
        score=row["score"],
        decision=row["decision"],
        latency_ms=row["latency_ms"],
        inputs=inputs,
        label=row["label"],
        label_at=aware_or_none(row["label_at"]),
        variant=row["variant"],
    )
