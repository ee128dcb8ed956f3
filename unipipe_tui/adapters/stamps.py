"""What is different whenever a file was written, told without reading it."""

from __future__ import annotations

from pathlib import Path


def file_stamp(path: Path) -> str:
    """Identity, size and time of a file; a dash for one that is not there."""
    try:
        held = path.stat()
    except OSError:
        return "-"
    return f"{held.st_ino}:{held.st_size}:{held.st_mtime_ns}"


def database_stamp(path: Path) -> str:
    """The same of a SQLite file and of the log beside it, which SQLite keeps beside the real file, not beside a link."""
    real = path.resolve()
    return f"{file_stamp(real)} {file_stamp(real.with_name(f'{real.name}-wal'))}"
