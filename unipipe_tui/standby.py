"""A process that has imported already what a job will need, and forks for each: a job then begins in a tenth of a second.

Importing MLflow takes seconds. The workbench starts this beside itself once it is open, and the demo for its story; a
job that comes is the very command line that is shown, run in a fork of this process: its own session, its own output,
nothing shared but what was imported. It ends when its input does, so it never outlives who started it, however that ends.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TextIO

from unipipe_tui.domain.jobs import JobStart
from unipipe_tui.wiring import import_what_jobs_need

Run = Callable[[Sequence[str]], None]


def stand_by(run: Run) -> None:
    """Read a job to start per line, start it, and answer with its pid; until the input ends."""
    orders, answers = _own_pipes()
    import_what_jobs_need()
    # The system takes the dead children away: nobody here waits for a job.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _tell(answers, "ready")
    for line in orders:
        pid = os.fork()
        if pid == 0:
            orders.close()
            answers.close()
            _become(JobStart.from_json(line), run)
        _tell(answers, str(pid))


def _own_pipes() -> tuple[TextIO, TextIO]:
    """The pipes to the workbench, out of reach of what is imported: that may print, and must not print into them."""
    orders, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return orders, answers


def _tell(answers: TextIO, word: str) -> None:
    answers.write(f"{word}\n")
    answers.flush()


def _become(start: JobStart, run: Run) -> NoReturn:
    """Be the job from here on: as if this process had been started with its command line."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sink = os.open(start.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(sink, stream)
        os.chdir(start.cwd)
        os.environ.update(start.env)
        # MLflow makes the names of runs by chance: two forks must not make the same.
        random.seed()
        sys.argv[1:] = start.words
        run(start.words)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
