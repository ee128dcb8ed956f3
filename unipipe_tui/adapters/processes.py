"""Processes of this machine, our own detached jobs among them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.jobs import DETACHED_JOB, LAUNCH_FILE, JobStart, Launch, new_job_id
from unipipe_tui.domain.ports.tools import ProgramRun
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import secret_values, words_without_secrets

STAND_BY = "--stand-by"
ANSWER_WITHIN_SECONDS = 1.0
READY = "ready"
OURSELVES = (sys.executable, "-P", "-m", "unipipe_tui")
"""How a process of our own begins. -P: no module of the folder in which it begins is taken for a library's."""


def run_in_project(root: Path, argv: Sequence[str], progress: Progress, env: Mapping[str, str]) -> ProgramRun:
    """Run a program of the user's in the project, telling each line that it writes."""
    try:
        ended = process.stream(argv, progress, cwd=root, env=env)
    except OSError as error:
        # A script without a first line that names its interpreter, arguments that are too long.
        raise Failed(f"{argv[0]} cannot be started ({error.strerror}).") from None
    return ProgramRun(ended.exit_code, ended.seconds, ended.tail)


class LocalProcesses:
    """Ends processes, tells whether they live, and starts jobs that outlive this one."""

    def __init__(self) -> None:
        self._companion: process.Companion | None = None
        self._is_ready = False

    def stand_by(self) -> None:
        """Have a process import now what a job will need, so that the next jobs begin at once; it ends with this one."""
        if self._companion is None:
            self._companion = process.Companion([*OURSELVES, STAND_BY])

    @property
    def begins_at_once(self) -> bool:
        """Whether what stands by has imported all."""
        if self._companion is not None and not self._is_ready:
            self._is_ready = self._companion.heard(0) == READY
        return self._is_ready

    def stand_down(self) -> None:
        """End what stands by; jobs go on."""
        if self._companion is not None:
            self._companion.end()
            self._companion, self._is_ready = None, False

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
        start = JobStart(tuple(argv), str(cwd or Path.cwd()), str(job_folder / "output.log"), {DETACHED_JOB: job_id})
        pid = self._become(start) or process.start_detached(
            [*OURSELVES, *argv], cwd=Path(start.cwd), output=Path(start.output), env=start.env
        )
        shown = words_without_secrets(("unipipe", *argv), secret_values(os.environ))
        launch = Launch(shown, now, pid, process.started_at(pid) or 0.0)
        (job_folder / LAUNCH_FILE).write_text(launch.to_json(), encoding="utf-8")
        return job_id

    def background(self, argv: Sequence[str], project: Path) -> int:
        """Start one of our own command lines that is no job, in a project; its pid. Nobody hears what it says."""
        return process.start_detached([*OURSELVES, *argv], cwd=project, output=Path(os.devnull))

    def _become(self, start: JobStart) -> int | None:
        """Let the process that stands by become the job; None when there is none, or it is not ready yet or gone."""
        if self._companion is None or not self.begins_at_once:
            return None
        answer = self._companion.ask(start.to_json(), ANSWER_WITHIN_SECONDS)
        return int(answer) if answer and answer.isdigit() else None
