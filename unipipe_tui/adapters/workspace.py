"""The project's root, and `.unipipe` in it: made once, and kept out of Git by this clone's own exclude file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.domain.errors import ToolMissing

FOLDER = ".unipipe"
MARKS = ("unipipe.yaml", FOLDER, ".dvc", ".git")


def find_root(start: Path) -> Path:
    """The nearest folder, upwards, that holds a project; the start itself when there is none."""
    start = start.resolve()
    return next((f for f in (start, *start.parents) if any((f / mark).exists() for mark in MARKS)), start)


def claim(root: Path) -> str | None:
    """Make `.unipipe` where the root is a project's; answers with why nothing can be written there, or None."""
    folder = root / FOLDER
    try:
        if any((root / mark).exists() for mark in MARKS):
            folder.mkdir(exist_ok=True)
            _exclude(root)
            closed = next((path for path in _written_by_changes(folder) if not os.access(path, os.W_OK)), None)
            return f"{closed} cannot be written ({_why(closed)})" if closed else None
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror})"
    return None


def _written_by_changes(folder: Path) -> Iterator[Path]:
    """The folder, and what every change writes of that which is there; it may all be somebody else's."""
    yield folder
    with os.scandir(folder) as entries:
        yield from (Path(entry.path) for entry in entries if entry.name.endswith((".duckdb", ".lock", "jobs")))


def _why(path: Path) -> str:
    return os.strerror(errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES)


def _exclude(root: Path) -> None:
    usual = root / ".git" / "info" / "exclude"
    if usual.is_file() and _names_us(usual):
        return
    try:
        # Git does not answer in a repository that another user owns; its file is where it always is.
        exclude = GitCommandLine(root).exclude_file() or (usual if usual.is_file() else None)
    except ToolMissing:
        # Whoever needs Git will say that it is missing; the doctor must still be able to.
        return
    if exclude is None or (exclude.is_file() and _names_us(exclude)):
        return
    exclude.parent.mkdir(parents=True, exist_ok=True)
    there = exclude.read_bytes() if exclude.is_file() else b""
    # The last line is somebody's pattern, and may lack its end.
    begin = b"" if there.endswith(b"\n") or not there else b"\n"
    with exclude.open("ab") as file:
        file.write(begin + f"{FOLDER}/\n".encode())


def _names_us(exclude: Path) -> bool:
    return f"{FOLDER}/" in exclude.read_text(errors="replace").splitlines()
