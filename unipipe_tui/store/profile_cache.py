"""Profiles of files, counted once and kept by the files' content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.progress import Progress
from unipipe_tui.monitoring.distributions import Profile, profile_from_json
from unipipe_tui.monitoring.opening import columns_of
from unipipe_tui.monitoring.sources import Files, Source, content_key
from unipipe_tui.store.file_digests import FileDigests, stamp_of
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
        self._folder = folder
        self._count = count
        self._digests = FileDigests(folder / "contents")
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
            there = Files(tuple(str(path) for path in files))
            kept = self._folder / f"{content_key(there, *(columns or ()), digest_of=self._digests.of)}.json"
            try:
                return profile_from_json(kept.read_text())
            except (OSError, UnipipeError):
                counted = self._count(source, columns, None, progress)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(counted.to_json())
        partial.replace(kept)
        return counted
