"""How long the programs of a silent job still live after it was told to stop."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from figures import Figure, said

UNIPIPE = Path(sys.executable).with_name("unipipe")
SILENT = "stages:\n  wait:\n    cmd: sleep 600\n"
RUNS = 3


def cancel_of_a_silent_tool(workspace: Path) -> Figure:
    """From the signal that `unipipe jobs cancel` sends until DVC, the shell and the silent program are all gone."""
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        said([UNIPIPE, "init", project, "--yes"])
        (project / "dvc.yaml").write_text(SILENT)
        taken = [_cancelled(project) for _ in range(RUNS)]
    return Figure("cancel of a silent tool", "<= 1 s", RUNS, statistics.median(taken))


def _cancelled(project: Path) -> float:
    said([UNIPIPE, "pipeline", "run", "--yes", "--detach"], project)
    family = _family(project)
    job = next(process for process in family if "unipipe_tui" in process.cmdline())
    children = [process for process in family if process != job]
    begun = time.perf_counter()
    job.terminate()
    while any(_lives(child) for child in children):
        if time.perf_counter() - begun > 30:
            raise SystemExit("still alive half a minute after the signal")
        time.sleep(0.01)
    taken = time.perf_counter() - begun
    psutil.wait_procs([job], timeout=30)
    return taken


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _family(project: Path) -> list[psutil.Process]:
    """The processes that work in the project, once the silent one is among them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [process for process in psutil.process_iter() if _works_in(process, project)]
        if any("sleep" in process.name() for process in found):
            return found
        time.sleep(0.1)
    raise SystemExit("the silent tool did not start")


def _works_in(process: psutil.Process, project: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(project)
    except (psutil.Error, OSError):
        return False
