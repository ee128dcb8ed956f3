"""The one place a program is started, listened to and stopped."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from unipipe_tui.domain.errors import Failed, Stopped, ToolMissing
from unipipe_tui.domain.events import ToolEnded, ToolSaid, ToolStarted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen

GRACE_SECONDS = 0.5
WAIT_POLL_SECONDS = 0.01
TAIL_LINES = 40
LINE_WITHIN_SECONDS = 0.1
LONGEST_LINE = 20_000


@frozen
class Completed:
    """A program that has ended, with all that it wrote."""

    exit_code: int
    stdout: str
    stderr: str


@frozen
class Streamed:
    """A program that was listened to until it ended."""

    exit_code: int
    tail: tuple[str, ...]
    """Its last lines, stdout and stderr as they came."""
    seconds: float


def capture(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    timeout: float = 30.0,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> Completed:
    """Run a program to its end and return what it wrote.

    `env` is laid over this process's environment; `timeout` is in seconds.

    Raises:
        ToolMissing: the program does not exist, or cannot be executed.
        Failed: it did not end within the timeout; it and its children are gone.
    """
    # Read as bytes: reading as text would turn the carriage return in a file's name into a new line.
    tool = _popen(
        argv,
        cwd=cwd,
        env=_laid_over(env),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        stdout, stderr = tool.communicate(stdin and stdin.encode(), timeout=timeout)
    except subprocess.TimeoutExpired:
        stop_tree(tool.pid, grace_seconds=0)
        raise Failed(
            f"`{' '.join(argv[:3])}` gave no answer within {timeout:g} seconds.",
            hint="Run it by hand to see what it waits for.",
        ) from None
    except BaseException:
        stop_tree(tool.pid)
        raise
    return Completed(tool.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


def stream(
    argv: Sequence[str],
    progress: Progress,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    tool: str | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Streamed:
    """Run a program to its end, reporting each line as it is written.

    `tool` is the name shown (the program's own by default); `on_line` is called with every line after it was reported.

    Raises:
        ToolMissing: the program does not exist, or cannot be executed.
        Stopped: somebody asked for the end; the program and all its children are gone.
    """
    name = tool or Path(argv[0]).name
    begun = monotonic()
    running: subprocess.Popen[str] = _popen(
        argv,
        cwd=cwd,
        env=_laid_over(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    progress.emit(ToolStarted(tuple(argv), running.pid))
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        for line in _LineReader(running, progress):
            tail.append(line)
            progress.emit(ToolSaid(name, line))
            if on_line:
                on_line(line)
        exit_code = running.wait()
    except BaseException:
        _end(running)
        raise
    seconds = monotonic() - begun
    progress.emit(ToolEnded(name, exit_code, seconds))
    return Streamed(exit_code, tuple(tail), seconds)


def start_detached(argv: Sequence[str], *, cwd: Path, output: Path, env: Mapping[str, str] | None = None) -> int:
    """Start a program that outlives this process, its output appended to a file; returns its pid.

    Raises:
        ToolMissing: the program does not exist, or cannot be executed.
    """
    with output.open("ab") as sink:
        tool = _popen(argv, cwd=cwd, env=_laid_over(env), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    # The program is not ours to wait for; a thread reaps it, so that it never looks alive as a zombie.
    threading.Thread(target=tool.wait, daemon=True).start()
    return tool.pid


class Companion:
    """A program of ours that runs beside this process, takes a line and answers with one; it ends when we do."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._program: subprocess.Popen[str] = _popen(
            argv, cwd=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._said: queue.Queue[str] = queue.Queue()
        self._turn = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def heard(self, timeout_seconds: float) -> str | None:
        """The next line that it says; None when it says none in time."""
        try:
            return self._said.get(timeout=timeout_seconds) if timeout_seconds > 0 else self._said.get_nowait()
        except queue.Empty:
            return None

    def ask(self, line: str, timeout_seconds: float) -> str | None:
        """What it answers to a line; None when it is gone or does not answer in time."""
        with self._turn:
            try:
                assert self._program.stdin
                self._program.stdin.write(f"{line}\n")
                self._program.stdin.flush()
            except OSError:
                return None
            return self.heard(timeout_seconds)

    def end(self) -> None:
        """End it at once: it holds nothing that could be lost."""
        self._program.kill()
        self._program.wait()

    def _listen(self) -> None:
        assert self._program.stdout
        for line in self._program.stdout:
            self._said.put(line.strip())


def run_in_front(argv: Sequence[str], cwd: Path) -> int:
    """Let a program have this process's terminal until it ends; answers with its exit code.

    Raises:
        ToolMissing: the program does not exist, or cannot be executed.
    """
    # Ctrl-C is typed for the program; a handler of ours is not handed down to it, as ignoring the signal would be.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        # It must stay in our session: a new one would have no terminal.
        return _popen(argv, cwd=cwd, start_new_session=False).wait()
    finally:
        signal.signal(signal.SIGINT, before)


def is_alive(pid: int, started: float | None = None) -> bool:
    """Whether the process runs; with `started` (seconds since the epoch) also whether it is the same process."""
    try:
        process = psutil.Process(pid)
        return _runs(process) and (started is None or abs(process.create_time() - started) < 1.0)
    except psutil.Error:
        return False


def started_at(pid: int) -> float | None:
    """When the process was created, in seconds since the epoch; None when it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def terminate(pid: int) -> None:
    """Ask one process to end in its own way; a process that is gone already is fine."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def stop_tree(pid: int, grace_seconds: float = GRACE_SECONDS) -> None:
    """End a process and all that it started: first asked, then killed after the grace.

    All its descendants count, also those that left its group, and all of its group, also those whose parent has ended.
    """
    family = _family(pid)
    for member in family:
        _quietly(member.terminate)
    alive = _alive_after(grace_seconds, family)
    # Whoever joined after the list was taken is killed at once: it was started while the rest was ending.
    for member in {*alive, *_family(pid)}:
        _quietly(member.kill)
    _alive_after(GRACE_SECONDS, alive)


def _end(program: subprocess.Popen[str]) -> None:
    """End our own program and all that it started, and leave no zombie of it."""
    stop_tree(program.pid)
    with suppress(subprocess.TimeoutExpired):
        program.wait(GRACE_SECONDS)


def _alive_after(seconds: float, family: Sequence[psutil.Process]) -> list[psutil.Process]:
    # psutil's own wait takes a zombie for alive, and in a container there may be nobody to reap one.
    deadline = monotonic() + seconds
    while (alive := [member for member in family if _runs(member)]) and monotonic() < deadline:
        sleep(WAIT_POLL_SECONDS)
    return alive


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _family(pid: int) -> list[psutil.Process]:
    family = {member.pid: member for member in _group(pid)}
    try:
        parent = psutil.Process(pid)
        family |= {member.pid: member for member in (*parent.children(recursive=True), parent)}
    except psutil.Error:
        pass
    return list(family.values())


def _group(leader: int) -> list[psutil.Process]:
    """The living members of the session that this process leads or led; the number is not reused while one lives."""
    return [process for process in psutil.process_iter() if _session(process.pid) == leader]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except psutil.Error:
        return


def _popen(argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    try:
        return subprocess.Popen(list(argv), **{"start_new_session": True, **options})
    except (FileNotFoundError, PermissionError) as error:
        cwd = options["cwd"]
        if cwd is not None and not Path(cwd).is_dir():
            raise Failed(f"The folder {cwd} does not exist.") from None
        raise ToolMissing(
            f"{argv[0]} cannot be started ({error.strerror}).", hint="Install it, then see `unipipe doctor`."
        ) from None


def _laid_over(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(env or {})}


class _LineReader:
    """The lines of a running program; read in a thread, so that a program that says nothing can still be stopped."""

    def __init__(self, tool: subprocess.Popen[str], progress: Progress) -> None:
        self._tool = tool
        self._progress = progress
        self._unread: queue.Queue[str | None] = queue.Queue(maxsize=10_000)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._tool.stdout is not None
        for line in self._tool.stdout:
            self._unread.put(line.rstrip("\n")[:LONGEST_LINE])
        self._unread.put(None)

    def __iter__(self) -> _LineReader:
        return self

    def __next__(self) -> str:
        while True:
            if self._progress.stopped():
                raise Stopped("Stopped on request.")
            ended = self._tool.poll() is not None
            try:
                line = self._unread.get(timeout=LINE_WITHIN_SECONDS)
            except queue.Empty:
                if ended:
                    # What it left running in the background holds its output open; nobody waits for that.
                    raise StopIteration from None
                continue
            if line is None:
                raise StopIteration
            return line
