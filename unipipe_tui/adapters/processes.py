"""Processes of this machine, our own detached jobs among them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.domain.jobs import DETACHED_JOB, LAUNCH_FILE, Launch, new_job_id


class LocalProcesses:
    """Ends processes, tells whether they live, and starts jobs that outlive this one."""

    def is_alive(self, pid: int, started: float | None = None) -> bool:
        """Whether it runs, and is the same that was created then (seconds since the epoch)."""
        return process.is_alive(pid, started)

    def terminate(self, pid: int) -> None:
        """Ask it to end."""
        process.terminate(pid)

    def stop_tree(self, pid: int) -> None:
        """End it and all that it started."""
        process.stop_tree(pid)

    def launch(self, argv: Sequence[str], project: Path, cwd: Path | None = None) -> str:
        """Start one of our own command lines (without the program's name) as a detached job; answers with its id.

        The job belongs to the project; relative paths in the command line count from `cwd`, which is where this process
        stands unless given. The job's folder tells of the launch when this returns, so that a follower finds it.
        """
        now = time.time()
        job_id = new_job_id(now)
        job_folder = project / ".unipipe" / "jobs" / job_id
        job_folder.mkdir(parents=True)
        pid = process.start_detached(
            [sys.executable, "-m", "unipipe_tui", *argv],
            cwd=cwd or Path.cwd(),
            output=job_folder / "output.log",
            env={DETACHED_JOB: job_id},
        )
        launch = Launch(("unipipe", *argv), now, pid, process.started_at(pid) or 0.0)
        (job_folder / LAUNCH_FILE).write_text(launch.to_json(), encoding="utf-8")
        return job_id

    def background(self, argv: Sequence[str], project: Path) -> int:
        """Start one of our own command lines that is no job, in a project; its pid. Nobody hears what it says."""
        return process.start_detached(
            [sys.executable, "-m", "unipipe_tui", *argv], cwd=project, output=Path(os.devnull)
        )
