"""Times in the store are UTC without a zone; everywhere else they bear it."""

from __future__ import annotations

from datetime import UTC, datetime


def stored(at: datetime | None) -> datetime | None:
    """A moment as the store keeps it."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None)


def aware(at: datetime) -> datetime:
    """A stored moment with its zone."""
    return at.replace(tzinfo=UTC)


def aware_or_none(at: datetime | None) -> datetime | None:
    """A stored moment with its zone, or None."""
    return None if at is None else aware(at)
