"""The door `verdicts` of the World; what computes them is loaded by the process that asks for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.sources import Files
from unipipe_tui.monitoring.verdict.text_columns import free_texts
from unipipe_tui.store.kept_profiles import KeptProfiles
from unipipe_tui.store.reachable import all_reachable

if TYPE_CHECKING:
    from unipipe_tui.monitoring.drift import ColumnDrift
    from unipipe_tui.monitoring.verdict.results import Importance, MultivariateDrift, SegmentDrift


class FileVerdicts:
    """Verdicts on rows in files."""

    def __init__(self, folder: Path) -> None:
        """Profiles of a reference's texts and segments are kept in the folder."""
        self._kept = KeptProfiles(folder)

    def with_texts(self, files: Sequence[Path], profile: Profile, like: Profile | None = None) -> Profile:
        """The profile with derived columns for each free text."""
        if not free_texts(like or profile):
            return profile
        from unipipe_tui.monitoring.verdict.texts import with_texts

        with all_reachable(files) as reached:
            source = _files(reached)
            if like is not None:
                return with_texts(source, profile, like)
            (whole,) = self._kept.of(files, ("texts", profile.digest), lambda: [with_texts(source, profile)])
        return whole

    def embeddings(
        self, reference: Sequence[Path], current: Sequence[Path], names: Sequence[str]
    ) -> tuple[ColumnDrift, ...]:
        """Those of these columns that hold vectors."""
        from unipipe_tui.monitoring.verdict.vectors import Vectors, vectors_of

        with all_reachable(reference) as then, all_reachable(current) as now:
            held = {name: one for name, one in vectors_of(_files(then), names).items() if isinstance(one, Vectors)}
            if not held:
                return ()
            from unipipe_tui.monitoring.verdict.embeddings import check_embeddings

            return check_embeddings(held, vectors_of(_files(now), tuple(held)))

    def together(
        self, reference: Sequence[Path], current: Sequence[Path], profiles: tuple[Profile, Profile]
    ) -> MultivariateDrift:
        """All columns at once."""
        from unipipe_tui.monitoring.rows import open_rows
        from unipipe_tui.monitoring.verdict.multivariate import check_together

        with (
            all_reachable(reference) as then,
            all_reachable(current) as now,
            open_rows(_files(then)) as before,
            open_rows(_files(now), like=profiles[0]) as after,
        ):
            return check_together(before, after, profiles)

    def segments(
        self, reference: Sequence[Path], current: Sequence[Path], profile: Profile, by: Profile
    ) -> SegmentDrift:
        """Every column within each value of these columns."""
        from unipipe_tui.monitoring.rows import open_rows
        from unipipe_tui.monitoring.verdict.segments import check_segments, count_segments

        def counted() -> tuple[Profile, ...]:
            with open_rows(_files(then)) as before:
                return count_segments(before, profile, by)

        with all_reachable(reference) as then, all_reachable(current) as now:
            parts = self._kept.of(reference, ("segments", profile.digest, by.digest), counted)
            with open_rows(_files(now), like=profile) as after:
                return check_segments(parts, after, profile, by)

    def importance(
        self, version: int, answers: Path, effects: Mapping[str, float | None], drifted: frozenset[str]
    ) -> Importance:
        """How much the scores of a version depend on each input."""
        from unipipe_tui.monitoring.rows import open_rows
        from unipipe_tui.monitoring.verdict.importance import Moved, weigh_answers

        moved = {name: Moved(effect, name in drifted) for name, effect in effects.items()}
        with all_reachable([answers]) as reached, open_rows(_files(reached)) as rows:
            return weigh_answers(version, rows, moved)


def _files(paths: Sequence[Path]) -> Files:
    return Files(tuple(map(str, paths)))
