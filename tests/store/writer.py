"""A process that writes jobs into a store and says each one only after it was acknowledged: `writer FOLDER NAME COUNT`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.store.made import job
from unipipe_tui.store.database import Database
from unipipe_tui.store.jobs import JobRecords


def main(folder: str, name: str, count: str) -> None:
    """Write, and acknowledge on stdout."""
    records = JobRecords(Database(Path(folder)))
    for number in range(int(count)):
        written = job(f"{name}-{number}")
        records.begin(written)
        print(written.id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
