"""The real workbench in a pseudo-terminal, as a person starts it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from figures import QUIET

ROWS, COLUMNS = 40, 140


@dataclass
class Workbench:
    """A running workbench."""

    process: psutil.Process
    terminal: int
    shown: bytearray = field(default_factory=bytearray)
    """All that it wrote to the terminal so far."""

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.terminal, keys.encode())

    def seconds_until(self, text: bytes, since: float, within: float = 30.0) -> float:
        """How long after that moment the text was written; the moment is of `time.perf_counter`."""
        while text not in self.shown:
            if time.perf_counter() - since > within:
                raise SystemExit(f"the workbench never showed {text!r}: {bytes(self.shown[-500:])!r}")
            time.sleep(0.002)
        return time.perf_counter() - since


@contextmanager
def workbench(workspace: Path, rows: int = ROWS, columns: int = COLUMNS) -> Iterator[Workbench]:
    """Open it on a workspace; it is left at the end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(workspace)
        environment = {**os.environ, **QUIET, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR")
        os.execve(sys.executable, [sys.executable, "-m", "unipipe_tui"], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    opened = Workbench(psutil.Process(pid), terminal)
    threading.Thread(target=_drain, args=(terminal, opened.shown), daemon=True).start()
    try:
        yield opened
    finally:
        _close(pid, terminal)


def _drain(terminal: int, shown: bytearray) -> None:
    with suppress(OSError):
        while written := os.read(terminal, 65536):
            shown += written


def _close(pid: int, terminal: int) -> None:
    with suppress(OSError):
        os.write(terminal, b"q")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            break
        time.sleep(0.05)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(terminal)
