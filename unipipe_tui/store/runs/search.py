"""Searches of the index of runs: which runs fit and in which order, how many, and what they have under some fields.

The order is that of MLflow's own search: what a run lacks comes last whichever way, NaN just before; ties, and everything when no
order is asked for, by the newest start and then by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from unipipe_tui.domain.runs.columns import Cell
from unipipe_tui.domain.runs.query import Comparison, Field, FieldKind, Life, Operator, Order, RunQuery
from unipipe_tui.domain.runs.query_grammar import LIFECYCLE, speaks_of
from unipipe_tui.domain.runs.rows import DELETED
from unipipe_tui.store.runs.conditions import Sql, column, condition_sql, joined, sql


def count_and_page(connection: duckdb.DuckDBPyConnection, query: RunQuery) -> tuple[int, list[int]]:
    """How many runs fit in all, and the numbers of those on the page, in order."""
    statement = page_sql(query)
    rows = connection.execute(statement.text, statement.values).fetchall()
    if rows:
        return rows[0][0], [number for _, number in rows]
    counting = sql("SELECT count(*) FROM runs WHERE {}", _fits(query))
    (total,) = connection.execute(counting.text, counting.values).fetchone() or (0,)
    return total, []


def fields_of(
    connection: duckdb.DuckDBPyConnection, query: RunQuery, fields: Sequence[Field]
) -> tuple[tuple[Cell, ...], ...]:
    """One row per run on the page, in order: its id, then these fields; None for what it lacks."""
    statement = fields_sql(query, fields)
    return tuple(connection.execute(statement.text, statement.values).fetchall())


def experiments_of(connection: duckdb.DuckDBPyConnection, query: RunQuery) -> list[tuple[str, str, int, int | None]]:
    """Name, source, how many runs fit, and the newest start of each experiment that has one."""
    statement = sql(
        "WITH fitting AS (SELECT * FROM runs WHERE {}) "
        "SELECT coalesce(experiments.name, experiment_id), fitting.source, count(*), max(start_time) FROM fitting "
        "LEFT JOIN experiments USING (source, experiment_id) GROUP BY ALL ORDER BY 4 DESC NULLS LAST, 1, 2",
        _fits(query),
    )
    return connection.execute(statement.text, statement.values).fetchall()


@contextmanager
def numbers_that_fit(connection: duckdb.DuckDBPyConnection, query: RunQuery) -> Iterator[str]:
    """The name of a table whose column `run` holds all runs that fit, whichever page; it is there during the block."""
    statement = sql("CREATE OR REPLACE TEMP TABLE fitting_runs AS SELECT run FROM runs WHERE {}", _fits(query))
    connection.execute(statement.text, statement.values)
    try:
        yield "temp.fitting_runs"
    finally:
        connection.execute("DROP TABLE temp.fitting_runs")


def page_sql(query: RunQuery) -> Sql:
    """Rows of the count of all that fit and the number of one run, for the runs of the page, in order."""
    return sql(
        "WITH fitting AS MATERIALIZED (SELECT * FROM runs WHERE {}) "
        "SELECT (SELECT count(*) FROM fitting), runs.run FROM fitting AS runs {}",
        _fits(query),
        _ordered_page(query),
    )


def fields_sql(query: RunQuery, fields: Sequence[Field]) -> Sql:
    """Rows of an id and its fields, for the runs of the page, in order."""
    # One pass over each table, however many of its keys are asked for.
    kinds = [kind for kind in _TABLES if any(field.kind is kind for field in fields)]
    pivots = [sql(f"of_{kind.value} AS ({{}})", _pivot(kind, fields)) for kind in kinds]
    page = sql(
        "page AS MATERIALIZED (SELECT *, row_number() OVER () AS place FROM (SELECT runs.* FROM runs {}))",
        _ordered_page(query, _fits(query)),
    )
    cells = [column(field) if field.kind is FieldKind.ATTRIBUTE else Sql(f"v{at}") for at, field in enumerate(fields)]
    return sql(
        "WITH {} SELECT {} FROM page AS runs {} ORDER BY place",
        joined(", ", (page, *pivots)),
        joined(", ", (Sql("runs.run_id"), *cells)),
        joined(" ", (Sql(f"LEFT JOIN of_{kind.value} USING (run)") for kind in kinds)),
    )


_TABLES = (FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG, FieldKind.DATASET)


def _pivot(kind: FieldKind, fields: Sequence[Field]) -> Sql:
    """A row per run of the page, with a column `v0`, `v1`, ... for each of the fields that is of this kind."""
    of_kind = [(at, field) for at, field in enumerate(fields) if field.kind is kind]
    if kind is FieldKind.DATASET:
        cells = [sql(f"{{}} AS v{at}", _all_texts(field)) for at, field in of_kind]
        wanted = Sql("true")
    else:
        cells = [sql(f"any_value(value) FILTER (key = {{}}) AS v{at}", field.key) for at, field in of_kind]
        wanted = sql("key IN (SELECT unnest({}::VARCHAR[]))", [field.key for _, field in of_kind])
    return sql(
        f"SELECT run, {{}} FROM {kind.value} WHERE {{}} AND run IN (SELECT run FROM page) GROUP BY run",  # noqa: S608
        joined(", ", cells),
        wanted,
    )


def _all_texts(field: Field) -> Sql:
    text = column(field)
    return sql("string_agg(DISTINCT nullif({}, ''), ', ' ORDER BY nullif({}, ''))", text, text)


def _ordered_page(query: RunQuery, fits: Sql | None = None) -> Sql:
    """Joins, order and page, to stand behind `FROM runs`."""
    orders = _without_repeats(query.order_by)
    joins = [
        sql(f"LEFT JOIN ({{}}) o{at} ON o{at}.run = runs.run", _values(order.field)) for at, order in enumerate(orders)
    ]
    keys = [_order(order, at) for at, order in enumerate(orders)]
    # An id may be there twice, in two sources; the number makes the pages add up.
    keys += [Sql("runs.start_time DESC NULLS LAST"), Sql("runs.run_id"), Sql("runs.run")]
    return sql(
        "{} {} ORDER BY {} {}",
        joined(
            " ", (one for order, one in zip(orders, joins, strict=True) if order.field.kind is not FieldKind.ATTRIBUTE)
        ),
        sql("WHERE {}", fits) if fits else Sql(""),
        joined(", ", keys),
        sql("LIMIT {} OFFSET {}", query.limit, query.offset)
        if query.limit is not None
        else sql("OFFSET {}", query.offset),
    )


def _without_repeats(orders: Sequence[Order]) -> list[Order]:
    """The first order by each field: runs that it leaves together are alike in it."""
    first: dict[Field, Order] = {}
    for order in orders:
        first.setdefault(order.field, order)
    return list(first.values())


def _values(field: Field) -> Sql:
    """What a run has under a field, as rows of `run` and `value`."""
    if field.kind is FieldKind.ATTRIBUTE:
        return Sql("")
    if field.kind is FieldKind.DATASET:
        return sql("SELECT run, {} AS value FROM datasets GROUP BY run", _all_texts(field))
    return sql(f"SELECT run, value FROM {field.kind.value} WHERE key = {{}}", field.key)  # noqa: S608 our own tables


def _order(order: Order, at: int) -> Sql:
    value = column(order.field) if order.field.kind is FieldKind.ATTRIBUTE else Sql(f"o{at}.value")
    way = "DESC" if order.descending else "ASC"
    if order.field.kind is FieldKind.METRIC:
        last = sql("CASE WHEN {} IS NULL THEN 2 WHEN isnan({}) THEN 1 ELSE 0 END", value, value)
        return sql(f"{{}}, {{}} {way}", last, value)
    return sql(f"{{}} {way} NULLS LAST", value)


def _fits(query: RunQuery) -> Sql:
    """What is true of the rows of `runs` that are asked for."""
    conditions = [] if query.where is None else [condition_sql(query.where)]
    # A question that says itself which life it wants is not narrowed to the living first.
    life = Life.ALL if query.life is Life.ACTIVE and speaks_of(query.where, LIFECYCLE) else query.life
    if life is not Life.ALL:
        conditions.append(_DELETED if life is Life.DELETED else sql("(NOT {})", _DELETED))
    if query.experiments:
        named = Comparison(Field(FieldKind.ATTRIBUTE, "experiment"), Operator.IN, query.experiments)
        conditions.append(condition_sql(named))
    return joined(" AND ", conditions) if conditions else Sql("true")


_DELETED = sql(
    "(runs.lifecycle = {} OR (runs.source, runs.experiment_id) IN"
    " (SELECT (source, experiment_id) FROM experiments WHERE lifecycle = {}))",
    DELETED,
    DELETED,
)
