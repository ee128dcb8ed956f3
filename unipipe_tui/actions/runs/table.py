"""Runs as a table: which columns a person asks for, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_grammar import Holds, holds
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.domain.table_text import Cell
from unipipe_tui.domain.tracking import moment

_PARTS = re.compile(r"(?:`[^`]*`|\"[^\"]*\"|[^,`\"])+")
_CALLED = {"run_name": "name", "user_id": "user"}
FIRST = ("run_id", "run_name", "experiment", "status", "start_time", "end_time", "duration", "user_id", "source")
"""The attributes that a table begins with when nobody says which columns it should have."""


def columns_of(asked: Iterable[str]) -> tuple[Field, ...]:
    """The fields that are named, one by one or with commas between them; each once.

    Raises:
        UsageError: there is no such field.
    """
    parts = (part.strip() for text in asked for part in _PARTS.findall(text))
    return tuple(dict.fromkeys(parse_field(part) for part in parts if part))


def usual_columns(keys: Iterable[Field]) -> tuple[Field, ...]:
    """The common attributes, then these metrics, params and tags by name, without the tags that MLflow writes itself."""
    kinds = (FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG)
    told = [key for key in keys if not (key.kind is FieldKind.TAG and key.key.startswith("mlflow."))]
    logged = sorted(set(told), key=lambda key: (kinds.index(key.kind), key.key))
    return (*(Field(FieldKind.ATTRIBUTE, name) for name in FIRST), *logged)


def column_name(column: Field) -> str:
    """What stands above a column: `metrics.loss`, `params.depth`, `start_time`; a query understands it too."""
    if column.kind is FieldKind.ATTRIBUTE:
        return _CALLED.get(column.key, column.key)
    return f"{column.kind.value}.{column.key}"


def cells_of(columns: Sequence[Field], rows: Iterable[Sequence[str | float | None]]) -> list[tuple[Cell, ...]]:
    """The rows of the index, whose first cell is the run's id, without that and with times as times."""
    times = [number for number, column in enumerate(columns) if is_time(column)]
    cells = []
    for _, *row in rows:
        values: list[Cell] = list(row)
        for number in times:
            values[number] = _time(row[number])
        cells.append(tuple(values))
    return cells


def is_number(column: Field) -> bool:
    """Whether a column holds numbers and nothing else."""
    return holds(column.kind, column.key) is Holds.NUMBER


def is_time(column: Field) -> bool:
    """Whether a column holds moments."""
    return holds(column.kind, column.key) is Holds.TIME


def _time(milliseconds: str | float | None) -> datetime | None:
    return None if milliseconds is None else moment(round(float(milliseconds)))
