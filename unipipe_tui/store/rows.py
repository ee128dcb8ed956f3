"""How values get into the store's rows and come back: Unicode text and JSON, times in UTC, enumerations by their value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

import duckdb

from unipipe_tui.domain.unicode import unicode_text


def insert(connection: duckdb.DuckDBPyConnection, table: str, **values: object) -> None:
    """Add one row, its values given by column."""
    _put("INSERT", connection, table, values)


def replace(connection: duckdb.DuckDBPyConnection, table: str, **values: object) -> None:
    """Add one row, in the place of the one with the same primary key if there is one."""
    _put("INSERT OR REPLACE", connection, table, values)


def _put(how: str, connection: duckdb.DuckDBPyConnection, table: str, values: Mapping[str, object]) -> None:
    statement = f"{how} INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
    connection.execute(statement, [storable(value) for value in values.values()])


def storable(value: object) -> object:
    """A value as the store keeps it: times in UTC without a zone, enumerations by value, text without lone surrogates,
    also in lists and mappings.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return unicode_text(value) if isinstance(value, str) else value


def json_text(value: object) -> str:
    """Plain data as the store keeps it in a column of JSON, which takes no escape that stands for half a character."""
    return json.dumps(storable(value))


def aware(at: datetime) -> datetime:
    """A stored moment with its zone."""
    return at.replace(tzinfo=UTC)


def aware_or_none(at: datetime | None) -> datetime | None:
    """A stored moment with its zone, or None."""
    return None if at is None else aware(at)
