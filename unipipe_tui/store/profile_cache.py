"""Profiles of files, counted once and kept by the files' content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.monitoring.distributions import Profile, profile_from_json
from unipipe_tui.monitoring.profiles import columns_of, profile
from unipipe_tui.monitoring.sources import Files, content_key
from unipipe_tui.store.reachable import all_reachable


class ProfileCache:
    """Counts distributions; a reference that was counted before is read from its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def columns(self, files: Sequence[Path]) -> tuple[str, ...]:
        """The names of the columns that Parquet, CSV or JSON-lines files have, in order."""
        with all_reachable(files) as reached:
            return columns_of(Files(tuple(str(path) for path in reached)))

    def profile(
        self, files: Sequence[Path], columns: Sequence[str] | None = None, like: Profile | None = None
    ) -> Profile:
        """The profile of Parquet, CSV or JSON-lines files; with `like`, counted in that profile's bins."""
        with all_reachable(files) as reached:
            source = Files(tuple(str(path) for path in reached))
            if like is not None:
                return profile(source, columns, like=like)
            kept = self._folder / f"{content_key(source, *(columns or ()))}.json"
            try:
                return profile_from_json(kept.read_text())
            except (OSError, UnipipeError):
                counted = profile(source, columns)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.write_text(counted.to_json())
        partial.replace(kept)
        return counted
