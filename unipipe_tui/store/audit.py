"""The audit: append-only, each entry bearing the hash of the one before; its head is also kept outside the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from unipipe_tui.domain.records import GENESIS, AuditEntry, audit_hash, broken_link
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.database import Database
from unipipe_tui.store.engine import PATIENCE_SECONDS
from unipipe_tui.store.faults import told
from unipipe_tui.store.lock import locked
from unipipe_tui.store.rows import aware, insert

COLUMNS = "number, moment, actor, action, command, job, outcome, detail, previous, hash"


@frozen
class Head:
    """The last entry, as it is kept outside the store."""

    number: int
    hash: str


class Audit:
    """Who did what, when, and how it ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._head_file = database.folder / "audit.head"

    def append(
        self, *, at: datetime, actor: str, action: str, command: str, job: str, outcome: str, detail: str
    ) -> AuditEntry:
        """Add one entry to the end of the chain."""
        actor, action, command, job, outcome, detail = map(unicode_text, (actor, action, command, job, outcome, detail))
        with self._head_in_hand():
            head = self._kept_head()
            with self._database.writing() as connection:
                whole = (
                    head is None
                    or connection.execute(
                        "SELECT 1 FROM audit WHERE number = ? AND hash = ?", [head.number, head.hash]
                    ).fetchone()
                )
                last = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
                number, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
                digest = audit_hash(number, at, actor, action, command, job, outcome, detail, previous)
                entry = AuditEntry(number, at, actor, action, command, job, outcome, detail, previous, digest)
                insert(
                    connection,
                    "audit",
                    number=number,
                    moment=at,
                    actor=actor,
                    action=action,
                    command=command,
                    job=job,
                    outcome=outcome,
                    detail=detail,
                    previous=previous,
                    hash=digest,
                )
            # After the commit: a crash in between leaves a head that is one behind, which `verify` allows. A head that
            # the chain no longer holds tells of entries that are gone: it stays, so that `verify` goes on saying so.
            if whole:
                self._keep_head(entry)
        return entry

    def entries(self, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """The newest entries, oldest first."""
        rows = self._database.rows(
            f"SELECT * FROM (SELECT {COLUMNS} FROM audit ORDER BY number DESC LIMIT ?) ORDER BY number",  # noqa: S608
            [max(limit, 0) if limit is not None else 2**62],
        )
        return tuple(_entry(row) for row in rows)

    def total(self) -> int:
        """How many entries there are."""
        rows = self._database.rows("SELECT count(*) FROM audit")
        return int(rows[0][0]) if rows else 0

    def verify(self) -> tuple[int, str]:
        """Recompute the whole chain: how many entries there are, and what is wrong (empty: nothing)."""
        # The head first: what is appended meanwhile is then more than it asks for, never less.
        head = self._kept_head()
        entries = self.entries()
        broken = broken_link(entries)
        if broken:
            return len(entries), f"entry {broken[0]}: {broken[1]}"
        if head is None:
            return len(entries), "the chain's head was not kept, so a missing end could not be seen" if entries else ""
        if head.number > len(entries) or entries[head.number - 1].hash != head.hash:
            return len(entries), (
                f"there should be an entry {head.number}: entries are missing at the end, or the store was replaced"
            )
        return len(entries), ""

    @contextmanager
    def _head_in_hand(self) -> Iterator[None]:
        """Let appends take turns, so that the head never goes back."""
        with told(self._database.path):
            self._database.folder.mkdir(parents=True, exist_ok=True)
            lock = self._head_file.with_suffix(".lock")
            with locked(lock, alone=True, timeout_seconds=PATIENCE_SECONDS):
                yield

    def _keep_head(self, entry: AuditEntry) -> None:
        partial = self._head_file.with_suffix(".partial")
        partial.write_text(f"{entry.number} {entry.hash}\n")
        partial.replace(self._head_file)

    def _kept_head(self) -> Head | None:
        try:
            number, digest = self._head_file.read_text().split()
            return Head(int(number), digest) if int(number) > 0 else None
        except (OSError, ValueError):
            return None


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    number, at, *rest = row
    return AuditEntry(number, aware(at), *rest)
