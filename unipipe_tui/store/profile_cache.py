"""Profiles of files, counted once and kept by the files' content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.progress import Progress
from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.opening import columns_of
from unipipe_tui.monitoring.sources import Files, Source
from unipipe_tui.store.file_digests import stamp_of
from unipipe_tui.store.kept_profiles import KeptProfiles
from unipipe_tui.store.reachable import all_reachable


class Counter(Protocol):
    """Counts the distributions of a source; importing what it counts with takes a tenth of a second."""

    def __call__(
        self, source: Source, columns: Sequence[str] | None, like: Profile | None, progress: Progress | None
    ) -> Profile:
        """As `monitoring.profiles.profile`."""
        ...


class ProfileCache:
    """Counts distributions; a reference that was counted before is read from its file."""

    def __init__(self, folder: Path, count: Counter) -> None:
        self._kept = KeptProfiles(folder)
        self._count = count
        self._columns: dict[tuple[str, ...], tuple[str, ...]] = {}
        """By what the disk said of the files."""

    def columns(self, files: Sequence[Path]) -> tuple[str, ...]:
        """The names of the columns that Parquet, CSV or JSON-lines files have, in order."""
        with all_reachable(files) as reached:
            there = Files(tuple(str(path) for path in reached)).with_content()
            stamps = tuple(f"{path} {stamp_of(path)}" for path in there.paths)
            known = self._columns.get(stamps)
            if known is None:
                known = columns_of(there)
                # One command asks for two sets, each of them twice.
                self._columns = {**dict(list(self._columns.items())[-1:]), stamps: known}
            return known

    def profile(
        self,
        files: Sequence[Path],
        columns: Sequence[str] | None = None,
        like: Profile | None = None,
        progress: Progress | None = None,
    ) -> Profile:
        """The profile of Parquet, CSV or JSON-lines files; with `like`, counted in that profile's bins."""
        with all_reachable(files) as reached:
            source = Files(tuple(str(path) for path in reached))
            if like is not None:
                return self._count(source, columns, like, progress)
            (kept,) = self._kept.of(files, columns or (), lambda: [self._count(source, columns, None, progress)])
        return kept
