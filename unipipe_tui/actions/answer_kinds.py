"""Whether a target says yes or no: figures of decisions are made from those only."""

from __future__ import annotations

from unipipe_tui.actions.world import World
from unipipe_tui.domain.answers import AnswerKind, kind_of

KIND_ROWS = 2000
"""So many of the latest predictions tell."""


def says_yes_or_no(world: World, target: str, version: int | None, rows: int = KIND_ROWS) -> bool:
    """Whether the latest answers, of one version if given, are decisions and neither classes nor numbers."""
    return kind_of(world.predictions.answered(target, min(rows, KIND_ROWS), version)) is AnswerKind.DECISIONS
