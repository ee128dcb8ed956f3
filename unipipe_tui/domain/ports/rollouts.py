"""The door to what the store knows of releases on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from unipipe_tui.domain.rollouts.analysis import Analysis
from unipipe_tui.domain.rollouts.course import Move, Rollout


class Rollouts(Protocol):
    """The rollout in hand on each target, and every move that any of them made."""

    def begin(self, rollout: Rollout, why: str) -> None:
        """Record a new one before anything of it is done.

        Raises:
            Refused: another one is in hand on the same target.
        """
        ...

    def record(self, rollout: Rollout, why: str = "", evidence: Analysis | None = None) -> None:
        """Record its next move.

        Raises:
            Refused: somebody else moved it meanwhile.
        """
        ...

    def record_stop(self, target: str, at: datetime, actor: str, job: str) -> None:
        """Record that nothing answers on a target any more."""
        ...

    def current(self, target: str) -> Rollout | None:
        """The one in hand on a target."""
        ...

    def latest(self, target: str | None, limit: int) -> tuple[Rollout, ...]:
        """Those of a target, or of all; the newest first."""
        ...

    def total(self, target: str | None) -> int:
        """How many there are."""
        ...

    def moves(self, rollout: str) -> tuple[Move, ...]:
        """All moves of one, the oldest first."""
        ...

    def stood_at(self, target: str, at: datetime | None = None) -> Move | None:
        """The last move until then after which the target answered as was wanted; None: nothing is known."""
        ...
