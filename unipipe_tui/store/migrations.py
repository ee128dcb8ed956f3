"""The store's schema, as numbered SQL files: a store is brought from any older version to the newest, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import duckdb


def shipped_migrations(schema: str = "schema") -> tuple[str, ...]:
    """The SQL of every migration in a folder of this room, in order: the first makes version 1 of an empty store."""
    folder = resources.files("unipipe_tui.store") / schema
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


def schema_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version of the store that the connection is in; 0 when it is empty."""
    try:
        row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    except duckdb.CatalogException:
        return 0
    return int(row[0]) if row and row[0] is not None else 0


def migrate(connection: duckdb.DuckDBPyConnection, migrations: Sequence[str]) -> None:
    """Apply the migrations that the store lacks: all of them, or none when one fails."""
    done = schema_version(connection)
    if done == len(migrations):
        return
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    for number, sql in enumerate(migrations[done:], start=done + 1):
        connection.execute(sql)
        connection.execute("INSERT INTO schema_version VALUES (?)", [number])
    connection.execute("COMMIT")
