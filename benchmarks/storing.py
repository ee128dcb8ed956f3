"""Many processes that write to the store at once: how long it takes, and whether anything is lost."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from figures import Figure

from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import Database

WRITERS = 8
WRITES = 50


def writes_at_once(workspace: Path) -> Figure:
    """Eight processes append fifty audit entries each, all beginning at the same moment."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        argv = [sys.executable, __file__, str(folder)]
        writers = [subprocess.Popen([*argv, str(number)], stdout=subprocess.PIPE) for number in range(WRITERS)]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        begun = time.perf_counter()
        (folder / "go").touch()
        codes = [writer.wait() for writer in writers]
        seconds = time.perf_counter() - begun
        survivors, problem = Audit(Database(folder)).verify()
    counted = {
        "survivors": survivors,
        "expected": WRITERS * WRITES,
        "failed_writers": sum(code != 0 for code in codes),
        "chain_is_whole": int(not problem),
        "milliseconds_each": round(1000 * seconds / (WRITERS * WRITES), 1),
    }
    return Figure(f"{WRITERS} processes x {WRITES} writes", "all survive", 1, seconds, counted=counted)


def _write(folder: Path, name: str) -> None:
    audit = Audit(Database(folder))
    print("ready", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.001)
    for number in range(WRITES):
        audit.append(
            at=datetime.now(UTC),
            actor=name,
            action="benchmark",
            command="",
            job=f"{name}-{number}",
            outcome="done",
            detail="",
        )


if __name__ == "__main__":
    _write(Path(sys.argv[1]), sys.argv[2])
