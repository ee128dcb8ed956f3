"""The door to verdicts that counts of columns do not give: it reads rows; importing what it computes with takes long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.drift import ColumnDrift
from unipipe_tui.monitoring.verdict.results import Importance, MultivariateDrift, SegmentDrift


class Verdicts(Protocol):
    """Compares two sets of rows, in files, by what no column shows by itself."""

    def with_texts(self, files: Sequence[Path], profile: Profile, like: Profile | None = None) -> Profile:
        """The profile with derived columns for each free text of it; with `like`, for those of that profile, in its bins.

        One without `like` is kept by the files' content and not counted again.
        """
        ...

    def embeddings(
        self, reference: Sequence[Path], current: Sequence[Path], names: Sequence[str]
    ) -> tuple[ColumnDrift, ...]:
        """Those of these columns that hold vectors in the reference."""
        ...

    def together(
        self, reference: Sequence[Path], current: Sequence[Path], profiles: tuple[Profile, Profile]
    ) -> MultivariateDrift:
        """All columns that both profiles have at once."""
        ...

    def segments(
        self, reference: Sequence[Path], current: Sequence[Path], profile: Profile, by: Profile
    ) -> SegmentDrift:
        """Every column of the reference's profile within each value of the columns of another profile of it."""
        ...

    def importance(
        self, version: int, answers: Path, effects: Mapping[str, float | None], drifted: frozenset[str]
    ) -> Importance:
        """How much the scores of a version depend on each input, by its logged answers; `effects` of the columns that moved."""
        ...
