"""What bringing a pipeline up to date did, stage by stage."""

from __future__ import annotations

from enum import StrEnum

from unipipe_tui.domain.values import frozen


class Outcome(StrEnum):
    """What became of a stage in one `dvc repro`."""

    RAN = "ran"
    CACHED = "cached"
    """DVC remembered a run with the same inputs and restored its outputs."""
    SKIPPED = "skipped"
    VERIFIED = "verified"
    """It has no command, or is frozen: DVC recorded what it found."""
    FAILED = "failed"


@frozen
class StageRun:
    """One stage of one `dvc repro`."""

    address: str
    outcome: Outcome
    seconds: float


@frozen
class Reproduced:
    """What `dvc repro` did, in the order it happened."""

    stages: tuple[StageRun, ...]

    @property
    def ran(self) -> tuple[str, ...]:
        """Addresses of the stages whose command was executed."""
        return tuple(stage.address for stage in self.stages if stage.outcome is Outcome.RAN)
