"""The prediction log and the feedback: segments of JSON lines and Parquet, joined by DuckDB when somebody asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import AnsweredRows, LoggedPrediction, ScoreCell, TrafficWindow, Value
from unipipe_tui.store.engine import Engine, identifier, literal
from unipipe_tui.store.predictions.answered import INPUT, read_answered
from unipipe_tui.store.predictions.choice import ALL, Choice, newest, oldest, without
from unipipe_tui.store.predictions.choice import since as from_moment
from unipipe_tui.store.predictions.damaged import damage_told, ends_within_a_line, is_cut_off
from unipipe_tui.store.predictions.exported import inputs_in, write, write_labelled
from unipipe_tui.store.predictions.rollups import Rollups
from unipipe_tui.store.predictions.segment_list import KINDS, Segments, folded_and_lines
from unipipe_tui.store.predictions.segment_summaries import Held
from unipipe_tui.store.predictions.sources import count_rows, segments_of
from unipipe_tui.store.reachable import all_reachable, reachable
from unipipe_tui.store.rows import aware, aware_or_none, storable

POSITIVE = ("1", "1.0", "true", "True")
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
        """The latest predictions with their inputs and the labels that have come, of one version if given, oldest first.

        Labels come late: as far as there are any, at least half of these are the latest that have theirs.
        """
        with self._opened(target, self._newest_with_labels(target, rows, version)) as connection:
            if connection is None:
                return AnsweredRows()
            return read_answered(connection, rows, version)

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
                return self._rollups.stretches(target, asked, most, since)
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
        choice = ALL if self._rollups is None else self._rollups.without_id(target, prediction_id)
        with self._opened(target, choice, f"starts_with(prediction_id, {literal(prediction_id)})") as connection:
            if connection is None:
                return None
            answer = connection.execute("SELECT * FROM logged ORDER BY prediction_id = ? DESC LIMIT 2", [prediction_id])
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
            return write(connection, f"SELECT {inputs_in(connection)} FROM {latest}", to)  # noqa: S608

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
            late = write(connection, f"SELECT {answers}{inputs} {of_version} {order}", latest)
        with self._opened(target, self._oldest(target, there - late, version)) as connection:
            if connection is None:
                return late, 0
            order = f'ORDER BY "at", prediction_id LIMIT {there - late}'
            return late, write(connection, f"SELECT {answers} {of_version} {order}", first)

    def export_labelled(self, target: str, to: Path, id_column: str, label_column: str, known: Sequence[Path]) -> int:
        """Write inputs and labels of all labelled predictions whose id is in none of the known Parquet files.

        Raises:
            UsageError: a known file has no such id column, or a label is neither a whole number nor true or false.
        """
        choice = self._newest_labelled(target, sys.maxsize, None)
        with all_reachable(known) as known, self._opened(target, choice) as connection:
            if connection is None:
                return 0
            return write_labelled(connection, to, id_column, label_column, known)

    def damaged(self, target: str) -> tuple[str, ...]:
        """The names of segments that were cut off: rows of theirs are missing from every answer."""
        folder = self._folder / target
        listed = [self._listed(folder, kind) for kind in KINDS]
        read = {name for kind in KINDS for name in self._read_before(target, kind)}
        folded = (one.path for some in listed for one in some.folded if one.path.name not in read)
        cut = [path for path in folded if is_cut_off(path)]
        torn = [one.path for some in listed for one in some.lines if ends_within_a_line(one.path)]
        return tuple(sorted(path.name for path in (*cut, *torn)))

    def totals(self, target: str) -> tuple[int, int]:
        """How many predictions and how many labels there are; counted without reading them."""
        with damage_told(target), reachable(self._folder / target) as folder, self._engine.scratch() as connection:
            predictions, labels = (
                count_rows(connection, self._listed(folder, kind), self._counted(target, kind))
                for kind in ("predictions", "feedback")
            )
        return predictions, labels

    def _listed(self, folder: Path, kind: str) -> Segments:
        return folded_and_lines(folder, kind) if self._rollups is None else self._rollups.listed(folder, kind)

    def _counted(self, target: str, kind: str) -> Mapping[str, int]:
        return self._rollups.folded_rows(target, kind) if self._rollups is not None else {}

    def _read_before(self, target: str, kind: str) -> frozenset[str]:
        return self._rollups.summed_up(target, kind) if self._rollups is not None else frozenset()

    def _newest(self, target: str, rows: int, version: int | None = None, until: datetime | None = None) -> Choice:
        """Leaves out what the latest so many predictions are not in."""
        if self._rollups is None:
            return ALL
        segments = self._rollups.segments(target)
        return self._choice(target, segments, newest(segments, rows, version, until))

    def _newest_with_labels(self, target: str, rows: int, version: int | None) -> Choice:
        """Leaves out what neither the latest predictions are in nor the latest half as many that have a label."""
        if self._rollups is None:
            return ALL
        segments = self._rollups.segments(target)
        labelled = self._rollups.newest_labelled(target, segments, rows // 2, version)
        if labelled is None:
            return ALL
        chosen = {one.path: one for one in (*newest(segments, rows, version), *labelled)}
        return self._choice(target, segments, tuple(chosen.values()))

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
        chosen = self._rollups.newest_labelled(target, segments, rows, version)
        return ALL if chosen is None else self._choice(target, segments, chosen)

    def _choice(self, target: str, segments: Sequence[Held], chosen: Sequence[Held]) -> Choice:
        if self._rollups is None or len(chosen) == len(segments):
            return ALL
        return Choice(without(segments, chosen), self._rollups.silent_labels(target, chosen))

    @contextmanager
    def _opened(
        self, target: str, choice: Choice = ALL, of: str = "true"
    ) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """A connection with the view `logged`: each prediction once, with its first label; None when there are none.

        `of`: of which ids, as SQL.
        """
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
                    WHERE {of} QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY "at") = 1
                ),
                labels AS (
                    SELECT prediction_id, arg_min(CAST(label AS VARCHAR), "at") AS label, min("at") AS label_at
                    FROM {labels} WHERE {of} GROUP BY prediction_id
                )
                SELECT once.*, labels.label, labels.label_at FROM once LEFT JOIN labels USING (prediction_id)
                """  # noqa: S608
            )
            yield connection


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
