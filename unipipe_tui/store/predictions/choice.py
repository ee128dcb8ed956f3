"""Which segments a question needs: those of the latest predictions, those of a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from unipipe_tui.domain.values import frozen
from unipipe_tui.store.predictions.segment_summaries import Held

SLACK = timedelta(days=1)
"""So much a clock may have been set back between a prediction and its label."""


@frozen
class Choice:
    """Segments that need not be looked at, by name without ending; what is not known is looked at."""

    predictions: frozenset[str] = frozenset()
    feedback: frozenset[str] = frozenset()

    def of(self, kind: str) -> frozenset[str]:
        """Those of one kind."""
        return self.predictions if kind == "predictions" else self.feedback


ALL = Choice()


def stem(path: Path) -> str:
    """A segment's name, which it keeps when it is folded."""
    return path.name.rpartition(".")[0]


def newest(
    segments: Sequence[Held], rows: int, version: int | None = None, until: datetime | None = None
) -> tuple[Held, ...]:
    """The segments that hold the latest so many predictions, of one version if given, before a moment if given."""
    asked = [one for one in segments if one.rows(version) and (until is None or one.first < until)]
    surely, since = 0, None
    # All rows of a segment are as new as its first one: as soon as these are enough, none older is needed.
    for one in sorted(asked, key=lambda one: one.first, reverse=True):
        if until is None or one.last < until:
            surely, since = surely + one.rows(version), one.first
        if surely >= rows:
            return tuple(one for one in asked if since is None or one.last >= since)
    return tuple(asked)


def oldest(segments: Sequence[Held], rows: int, version: int | None = None) -> tuple[Held, ...]:
    """The segments that hold the first so many predictions, of one version if given."""
    asked = [one for one in segments if one.rows(version)]
    surely, until = 0, None
    for one in sorted(asked, key=lambda one: one.last):
        surely, until = surely + one.rows(version), one.last
        if surely >= rows:
            return tuple(one for one in asked if one.first <= until)
    return tuple(asked)


def since(segments: Sequence[Held], moment: datetime) -> tuple[Held, ...]:
    """The segments that hold predictions from a moment on."""
    return tuple(one for one in segments if one.last >= moment)


def without(segments: Sequence[Held], chosen: Sequence[Held]) -> frozenset[str]:
    """The names of those that were not chosen."""
    return frozenset(stem(one.path) for one in segments) - {stem(one.path) for one in chosen}


def begin_of(chosen: Sequence[Held]) -> datetime | None:
    """From when on labels can tell of these predictions; None when there are none."""
    first = min((one.first for one in chosen), default=None)
    return None if first is None else first - SLACK
