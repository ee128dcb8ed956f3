"""What the fault journeys share: projects made by hand, command lines in the background, and who still lives in a folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import psutil

from tests.conftest import Said, git, own_environment

PATIENCE_SECONDS = 60.0
NOT_CONFIGURED = ""


def dvc_project(folder: Path, stages: str, config: str = NOT_CONFIGURED) -> Path:
    """A Git repository with this dvc.yaml; the `.dvc` folder is made by hand, since `dvc init` takes a second."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").touch()
    (folder / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / "dvc.yaml").write_text(stages)
    if config:
        (folder / "unipipe.yaml").write_text(config)
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "--quiet", "-m", "Begin", cwd=folder)
    return folder


def _hear_of_a_closed_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Background:
    """A command line that runs beside the test; ended with everything that it left, whatever the test does."""

    def __init__(self, *words: str, cwd: Path, **env: str) -> None:
        self._folder = cwd
        self._stdout = (cwd.parent / f"{cwd.name}-{time.monotonic_ns()}.out").open("w+")
        self._stderr = (cwd.parent / f"{cwd.name}-{time.monotonic_ns()}.err").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "unipipe_tui", *words],
            cwd=cwd,
            env={**own_environment(), **env},
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
            # A signal that whoever runs the tests ignores, as nohup does, would be ignored by what they start, too.
            preexec_fn=_hear_of_a_closed_terminal,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in [psutil.Process(pid) for pid in living_in(self._folder)]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        self._stdout.close()
        self._stderr.close()

    def signal(self, number: int) -> None:
        """Send it a signal, to nobody else."""
        self._process.send_signal(number)

    def end(self) -> Said:
        """Wait for its end; answers with what it said."""
        exit_code = self._process.wait(PATIENCE_SECONDS)
        self._stdout.seek(0)
        self._stderr.seek(0)
        return Said(exit_code, self._stdout.read(), self._stderr.read())


def living_in(folder: Path, program: str = "") -> set[int]:
    """The processes that work in this folder and whose command line holds the word."""
    found, place = set(), str(folder.resolve())
    for process in psutil.process_iter():
        try:
            # The place first: it is asked of every process of the machine, many times a second.
            if process.cwd() != place or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if program in " ".join(process.cmdline()):
                found.add(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until something holds; answers with how many seconds that took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, f"it did not happen within {seconds:g} seconds"
        time.sleep(0.02)
    return time.monotonic() - begun
