"""The prediction log and the feedback: segments of JSON lines and Parquet, joined by DuckDB when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.serving import JudgedRows, LoggedPrediction, ScoreCell, TrafficWindow, Value
from unipipe_tui.store.engine import Engine, identifier, literal
from unipipe_tui.store.faults import told
from unipipe_tui.store.reachable import all_reachable, reachable
from unipipe_tui.store.rows import aware, aware_or_none, storable

INPUT = "input."
POSITIVE = ("1", "1.0", "true", "True")
NUMBER_OF_LABEL = r"""
    CASE WHEN lower(label) IN ('true', 'false') THEN CAST(lower(label) = 'true' AS BIGINT)
    WHEN regexp_full_match(label, '[+-]?\d+(\.0*)?') THEN TRY_CAST(label AS BIGINT) END"""
"""A label is a whole number, or true or false; any other text has no number (a cast would round it)."""
AT_IN_UTC = 'CAST("at" AS TIMESTAMP) AS "at"'
NO_LABELS = '(SELECT NULL::VARCHAR AS prediction_id, NULL AS label, NULL::TIMESTAMP AS "at" WHERE false)'
NUMBERS = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")
"""What DuckDB may guess for JSON; it would also take text that looks like a date or a UUID for one, and change it."""
NO_VARIANT = "SELECT NULL::VARCHAR AS variant WHERE false"
"""Beside segments that were written before variants had names."""
ATTEMPTS = 10
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

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self._folder = folder
        self._engine = engine or Engine()

    def window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions, of one version if given."""
        where = "" if version is None else f"WHERE version = {int(version)}"
        return self._window(target, f'SELECT * FROM logged {where} ORDER BY "at" DESC LIMIT {int(rows)}')  # noqa: S608

    def labelled_window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions that have a label, of one version if given."""
        where = "label IS NOT NULL" + ("" if version is None else f" AND version = {int(version)}")
        return self._window(target, f'SELECT * FROM logged WHERE {where} ORDER BY "at" DESC LIMIT {int(rows)}')  # noqa: S608

    def judged(self, target: str, rows: int, version: int | None = None) -> JudgedRows:
        """The latest predictions with their inputs and the labels that have come, of one version if given, oldest first."""
        where = "" if version is None else f"WHERE version = {int(version)}"
        with self._opened(target) as connection:
            if connection is None:
                return JudgedRows()
            latest = f'SELECT {JUDGED} FROM logged {where} ORDER BY "at" DESC, prediction_id DESC LIMIT {int(rows)}'  # noqa: S608
            columns = connection.execute("SELECT column_name FROM (DESCRIBE logged)").fetchall()
            names = [name for (name,) in columns if name.startswith(INPUT)]
            asked = "".join(f", {identifier(name)}" for name in names)
            found = connection.execute(
                f"""SELECT "at", TRY_CAST(score AS DOUBLE), coalesce(said, false), CASE WHEN label IS NOT NULL THEN was END,
                label_at{asked} FROM ({latest}) ORDER BY "at", prediction_id"""  # noqa: S608
            ).fetchall()
        if not found:
            return JudgedRows()
        at, scores, decisions, labels, label_at, *inputs = zip(*found, strict=True)
        return JudgedRows(
            at=tuple(aware(moment) for moment in at),
            scores=scores,
            decisions=decisions,
            labels=labels,
            label_at=tuple(aware_or_none(moment) for moment in label_at),
            inputs={name[len(INPUT) :]: column for name, column in zip(names, inputs, strict=True)},
        )

    def _window(self, target: str, chosen: str) -> TrafficWindow:
        with self._opened(target) as connection:
            if connection is None:
                return TrafficWindow(0)
            judged = f"WITH chosen AS ({chosen}), judged AS (SELECT {JUDGED} FROM chosen)"  # noqa: S608
            row = connection.execute(f"{judged} SELECT {WINDOW} FROM judged").fetchone()  # noqa: S608
        assert row is not None
        return _window_of(row)

    def stretches(self, target: str, most: int, since: datetime | None = None) -> tuple[TrafficWindow, ...]:
        """All predictions in about so many stretches of equally many rows, oldest first; each is of one version.

        There is one more wherever another version began to answer in the middle of a stretch.
        """
        with self._opened(target) as connection:
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
        with self._opened(target) as connection:
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
        with self._opened(target) as connection:
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
        with self._opened(target) as connection:
            if connection is None:
                return 0
            latest = f'(FROM logged ORDER BY "at" DESC LIMIT {int(rows)})'
            return _written(connection, f"SELECT {_inputs(connection)} FROM {latest}", to)  # noqa: S608

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
                files = f"read_parquet({_list(known)}, union_by_name = true)"
                ids = f"SELECT CAST({identifier(id_column)} AS VARCHAR) AS id FROM {files}"  # noqa: S608
                new += f" AND prediction_id NOT IN (FROM ({ids}) WHERE id IS NOT NULL)"
            _must_be_numbers(connection, new)
            chosen = f"prediction_id AS {identifier(id_column)}, {_inputs(connection)}, "
            chosen += f"{NUMBER_OF_LABEL} AS {identifier(label_column)}"
            return _written(connection, f'SELECT {chosen} FROM logged WHERE {new} ORDER BY "at", prediction_id', to)  # noqa: S608

    def totals(self, target: str) -> tuple[int, int]:
        """How many predictions and how many labels there are; counted without reading them."""
        with reachable(self._folder / target) as folder, self._engine.scratch() as connection:
            return _count(connection, folder, "predictions"), _count(connection, folder, "feedback")

    @contextmanager
    def _opened(self, target: str) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """A connection with the view `logged`: each prediction once, with its first label; None when there are none."""
        with reachable(self._folder / target) as folder, self._engine.scratch() as connection:
            predictions = _segments(connection, folder, "predictions")
            if predictions is None:
                yield None
                return
            labels = _segments(connection, folder, "feedback") or NO_LABELS
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


def _count(connection: duckdb.DuckDBPyConnection, folder: Path, kind: str) -> int:
    """How many rows of one kind there are: the server gives no id and takes no label twice, so none is counted twice.

    A segment that lies there both as lines and as Parquet was being folded; its lines count.
    """
    lines = {path.stem: path for path in folder.glob(f"{kind}-*.jsonl")}
    parquet = [path for path in folder.glob(f"{kind}-*.parquet") if path.stem not in lines]
    return sum(_lines_in(connection, path) for path in lines.values()) + _rows_of(connection, parquet)


def _lines_in(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        # Folded since it was listed.
        return _rows_of(connection, [path.with_suffix(".parquet")])


def _rows_of(connection: duckdb.DuckDBPyConnection, parquet: Sequence[Path]) -> int:
    if not parquet:
        return 0
    row = connection.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata({_list(parquet)})").fetchone()  # noqa: S608
    return int(row[0] or 0) if row else 0


def _segments(connection: duckdb.DuckDBPyConnection, folder: Path, kind: str) -> str | None:
    """All rows of one kind as a relation, `at` in UTC; None when there are none.

    The lines come first: a segment that is folded into Parquet meanwhile is then found twice, never missed.
    """
    chosen = f"SELECT * REPLACE ({AT_IN_UTC}) FROM"
    parts = [f"{chosen} {kind}"] if _has_lines(connection, folder, kind) else []
    parquet = sorted(folder.glob(f"{kind}-*.parquet"))
    if parquet:
        parts.append(f"{chosen} read_parquet({_list(parquet)}, union_by_name = true)")
    return f"({' UNION ALL BY NAME '.join(parts)})" if parts else None


def _has_lines(connection: duckdb.DuckDBPyConnection, folder: Path, kind: str) -> bool:
    """Copy the rows that are still JSON lines into a table named after their kind; whether there are any."""
    for _ in range(ATTEMPTS):
        try:
            segments = [path for path in sorted(folder.glob(f"{kind}-*.jsonl")) if path.stat().st_size]
            return bool(segments) and _copied(connection, kind, segments)
        except (OSError, duckdb.IOException):
            # One was folded and removed since it was listed.
            continue
    raise Failed(f"The {kind} in {folder} cannot be read.", hint="Try again; see `unipipe doctor`.")


def _copied(connection: duckdb.DuckDBPyConnection, kind: str, segments: Sequence[Path]) -> bool:
    # A line that was torn by a kill was never acknowledged: it is ignored.
    lines = f"{_list(segments)}, format = 'newline_delimited', ignore_errors = true, union_by_name = true"
    types = _guessed(connection, lines)
    if "prediction_id" not in types:
        return False
    listed = ", ".join(f"{identifier(name)}: {literal(type_)}" for name, type_ in types.items())
    known = f"SELECT * FROM read_json({lines}, columns = {{{listed}}}) WHERE prediction_id IS NOT NULL"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {kind} AS {known}")
    return True


def _guessed(connection: duckdb.DuckDBPyConnection, lines: str) -> dict[str, str]:
    guesses = connection.execute(f"DESCRIBE FROM read_json({lines}, sample_size = -1)").fetchall()
    return {name: guess if guess in NUMBERS else "VARCHAR" for name, guess, *_ in guesses}


def _list(paths: Sequence[Path]) -> str:
    return f"[{', '.join(literal(path) for path in paths)}]"


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
