"""Fingerprints of files and folders, computed as DVC computes them, and where DVC's cache keeps what bears them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from unipipe_tui.domain.pipelines import Fingerprint
from unipipe_tui.domain.values import frozen

CHUNK_BYTES = 2**20
SETTLED_NANOSECONDS = 2_000_000_000
"""A file that changed more recently may change again within its time stamp: its md5 is not kept."""

_PROBED_BYTES = 512
_TEXT_BYTES = bytes(range(32, 127)) + b"\n\r\t\f\b"


def md5_of_file(path: Path, *, normalise_newlines: bool = False) -> str:
    """A file's md5; DVC 2 counted CRLF as LF in every megabyte whose first 512 bytes look like text."""
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            is_text = normalise_newlines and _looks_like_text(chunk[:_PROBED_BYTES])
            md5.update(chunk.replace(b"\r\n", b"\n") if is_text else chunk)
    return md5.hexdigest()


def md5_of_listing(files: Iterable[tuple[str, str]]) -> str:
    """A folder's md5 from the (path, md5) of its files: that of DVC's JSON listing, marked with `.dir`."""
    listing = [{"md5": md5, "relpath": path} for path, md5 in sorted(files)]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _looks_like_text(block: bytes) -> bool:
    return b"\0" not in block and len(block.translate(None, _TEXT_BYTES)) <= 0.30 * len(block)


@frozen
class _Known:
    mtime_ns: int
    size: int
    inode: int
    md5: str

    def fits(self, stat: os.stat_result) -> bool:
        return (self.mtime_ns, self.size, self.inode) == (stat.st_mtime_ns, stat.st_size, stat.st_ino)


class KnownHashes:
    """The md5s of files that did not change since they were last computed, kept in one JSON file."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is where the file lives; None keeps nothing on disk."""
        self._file = folder / "hashes.json" if folder is not None else None
        self._before = _read_known(self._file)
        self._now: dict[str, _Known] = {}

    def md5(self, path: Path, stat: os.stat_result, *, normalise_newlines: bool = False) -> str:
        """The md5 of a file whose stat was just taken. Raises `OSError` when it cannot be read."""
        key = f"{'dos2unix:' if normalise_newlines else ''}{path}"
        known = self._now.get(key) or self._before.get(key)
        if known is None or not known.fits(stat):
            known = _Known(
                stat.st_mtime_ns,
                stat.st_size,
                stat.st_ino,
                md5_of_file(path, normalise_newlines=normalise_newlines),
            )
            if time.time_ns() - stat.st_mtime_ns < SETTLED_NANOSECONDS:
                return known.md5
        self._now[key] = known
        return known.md5

    def save(self) -> None:
        """Write what was used since the start, in one step; a folder that cannot be written costs only time."""
        if self._file is None or self._now == self._before:
            return
        rows = {key: [known.mtime_ns, known.size, known.inode, known.md5] for key, known in self._now.items()}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._file, json.dumps({"version": 1, "files": rows}))
        except OSError:
            return
        self._before = dict(self._now)


class DataCache:
    """The folder where DVC keeps data under its md5."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, mark: Fingerprint) -> bool:
        """Whether all of a recorded file or folder is there."""
        if not mark.is_folder:
            return os.path.exists(self._place(mark.value, mark.normalises_newlines))
        listing = self.listing(mark)
        return listing is not None and all(
            os.path.exists(self._place(md5, mark.normalises_newlines)) for md5 in listing.values()
        )

    def is_linked(self, stat: os.stat_result, md5: str, *, is_legacy: bool) -> bool:
        """Whether a file is the very copy in the cache, by link; only a copy that DVC protects from writing counts."""
        try:
            kept = os.stat(self._place(md5, is_legacy))
        except OSError:
            return False
        return os.path.samestat(stat, kept) and not kept.st_mode & 0o222

    def listing(self, mark: Fingerprint) -> dict[str, str] | None:
        """Path → md5 of a recorded folder's files; None when its listing is not there or not one."""
        try:
            rows = json.loads(Path(self._place(mark.value, mark.normalises_newlines)).read_bytes())
            return {row["relpath"]: row["md5"] for row in rows}
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _place(self, md5: str, is_legacy: bool) -> str:
        parts = (md5[:2], md5[2:]) if is_legacy else ("files", "md5", md5[:2], md5[2:])
        return os.path.join(self._folder, *parts)


def _read_known(file: Path | None) -> dict[str, _Known]:
    if file is None:
        return {}
    try:
        rows = json.loads(file.read_bytes())["files"]
        return {
            key: _Known(int(mtime), int(size), int(inode), str(md5)) for key, (mtime, size, inode, md5) in rows.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as temporary:
            temporary.write(text)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
