"""The audit: append-only, each entry bearing the hash of the one before; its head is also kept outside the store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from unipipe_tui.domain.records import GENESIS, AuditEntry, audit_hash, broken_link
from unipipe_tui.store.database import Database
from unipipe_tui.store.times import aware, stored

COLUMNS = "number, moment, actor, action, command, job, outcome, detail, previous, hash"


class Audit:
    """Who did what, when, and how it ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def _head_file(self) -> Path:
        return self._database.folder / "audit.head"

    def append(
        self, *, at: datetime, actor: str, action: str, command: str, job: str, outcome: str, detail: str
    ) -> AuditEntry:
        """Add one entry to the end of the chain."""
        with self._database.writing() as connection:
            last = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
            number, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
            fields = (actor, action, command, job, outcome, detail)
            entry = AuditEntry(number, at, *fields, previous, audit_hash(number, at, *fields, previous))
            connection.execute(
                "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [number, stored(at), *fields, previous, entry.hash],
            )
        # After the commit: a crash in between leaves a head that is one behind, which `verify` allows; one that is ahead
        # means that entries were removed.
        self._keep_head(f"{number} {entry.hash}\n")
        return entry

    def _keep_head(self, line: str) -> None:
        partial = self._head_file.with_suffix(".partial")
        try:
            partial.write_text(line)
            partial.replace(self._head_file)
        except OSError:
            # The disk is full: the head stays one behind, as after a crash.
            return

    def entries(self, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """The newest entries, oldest first."""
        rows = self._database.rows(
            f"SELECT * FROM (SELECT {COLUMNS} FROM audit ORDER BY number DESC LIMIT ?) ORDER BY number",  # noqa: S608
            [limit if limit is not None else 2**31],
        )
        return tuple(_entry(row) for row in rows)

    def total(self) -> int:
        """How many entries there are."""
        rows = self._database.rows("SELECT count(*) FROM audit")
        return int(rows[0][0]) if rows else 0

    def verify(self) -> tuple[int, str]:
        """Recompute the whole chain: how many entries there are, and what is wrong (empty: nothing)."""
        entries = self.entries()
        broken = broken_link(entries)
        if broken:
            return len(entries), f"entry {broken[0]}: {broken[1]}"
        return len(entries), self._missing_end(entries)

    def _missing_end(self, entries: tuple[AuditEntry, ...]) -> str:
        try:
            number, head = self._head_file.read_text().split()
        except (OSError, ValueError):
            return "" if not entries else "the chain's head was not kept, so a missing end could not be seen"
        if any(entry.number == int(number) and entry.hash == head for entry in entries[-100:]):
            return ""
        return f"there should be an entry {number}: entries are missing at the end, or the store was replaced"


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    number, at, *rest = row
    return AuditEntry(number, aware(at), *rest)
