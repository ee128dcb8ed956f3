"""Profiles that are kept by the content of the files they were counted from, so that a reference is counted once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.monitoring.distributions import Profile, profile_from_json
from unipipe_tui.monitoring.sources import Files, content_key
from unipipe_tui.store.file_digests import FileDigests


class KeptProfiles:
    """A file a set of profiles: how many there are, and each in a line.

    It is only a shorter way: what cannot be read, or not be kept because a disk is full, is counted again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests = FileDigests(folder / "contents")

    def of(
        self, files: Sequence[Path], settings: Sequence[object], count: Callable[[], Sequence[Profile]]
    ) -> tuple[Profile, ...]:
        """The profiles of files with this content, counted with these settings; `count` is asked where none are kept.

        Raises OSError when a file cannot be read.
        """
        key = content_key(Files(tuple(map(str, files))), *settings, digest_of=self._digests.of)
        kept = self._folder / f"{key}.json"
        with suppress(OSError, ValueError, UnipipeError):
            return _read(kept.read_text())
        counted = tuple(count())
        self._keep(kept, counted)
        return counted

    def _keep(self, kept: Path, counted: Sequence[Profile]) -> None:
        # Several targets are checked at once, each by a thread of one process, and often against one reference.
        partial = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                partial.write_text("\n".join([str(len(counted)), *(profile.to_json() for profile in counted)]))
                partial.replace(kept)
            except OSError:
                partial.unlink(missing_ok=True)


def _read(text: str) -> tuple[Profile, ...]:
    count, *lines = text.splitlines()
    if int(count) != len(lines):
        raise ValueError("cut off")
    return tuple(map(profile_from_json, lines))
