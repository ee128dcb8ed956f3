"""Hashes of files that are kept: a file that nobody wrote to since is not read again."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from unipipe_tui.monitoring.sources import digest_of_file

SETTLED_SECONDS = 2.0
"""A file that was written shortly before it was read could be written again within one tick of the disk's clock."""


class FileDigests:
    """SHA-256 of files, each kept with what the disk said of the file: identity, size and times."""

    def __init__(self, folder: Path, settled_seconds: float = SETTLED_SECONDS) -> None:
        self._folder = folder
        self._settled_seconds = settled_seconds

    def of(self, path: str) -> bytes:
        """The hash of what is in the file. Raises OSError when it cannot be read."""
        kept = self._folder / sha256(os.fsencode(os.path.abspath(path))).hexdigest()
        before = stamp_of(path)
        with suppress(OSError, ValueError):
            stamp, digest = kept.read_text().split()
            if stamp == before:
                return bytes.fromhex(digest)
        begun = time.time()
        digest_now = digest_of_file(path)
        if stamp_of(path) == before and _written(path) <= begun - self._settled_seconds:
            self._keep(kept, f"{before} {digest_now.hex()}")
        return digest_now

    def _keep(self, kept: Path, text: str) -> None:
        # Without it the file is read again.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_text(text)
            partial.replace(kept)


def stamp_of(path: str) -> str:
    """What is different whenever a file was written. Raises OSError when it is not there."""
    held = os.stat(path)
    return f"{held.st_dev}:{held.st_ino}:{held.st_size}:{held.st_mtime_ns}:{held.st_ctime_ns}"


def _written(path: str) -> float:
    held = os.stat(path)
    return max(held.st_mtime, held.st_ctime)
