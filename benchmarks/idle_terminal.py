"""What the terminal workbench costs while nobody touches it."""

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
from contextlib import suppress
from pathlib import Path

import psutil
from figures import QUIET, Figure

ROWS, COLUMNS = 40, 140
SETTLE_SECONDS = 8.0
WATCH_SECONDS = 10.0


def idle(workspace: Path) -> Figure:
    """Open the real workbench in a pseudo-terminal, let it settle, and watch its processor time and its children."""
    pid, terminal = _open(workspace)
    shown = bytearray()
    threading.Thread(target=_drain, args=(terminal, shown), daemon=True).start()
    try:
        time.sleep(SETTLE_SECONDS)
        workbench = psutil.Process(pid)
        before = sum(workbench.cpu_times()[:2])
        begun = time.perf_counter()
        children = _children(workbench, WATCH_SECONDS)
        share = (sum(workbench.cpu_times()[:2]) - before) / (time.perf_counter() - begun)
        memory = workbench.memory_info().rss / 2**20
        if workbench.status() == psutil.STATUS_ZOMBIE or b"monitor" not in shown:
            raise SystemExit(f"the workbench did not come up: {bytes(shown[-500:])!r}")
    finally:
        _close(pid, terminal)
    counted = {
        "cpu_share": round(share, 4),
        "programs_started": len(children),
        "memory_mib": round(memory),
        "watched_seconds": WATCH_SECONDS,
    }
    return Figure("idle workbench", "cpu_share < 0.01, programs_started 0", 1, counted=counted)


def _open(workspace: Path) -> tuple[int, int]:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(workspace)
        environment = {**os.environ, **QUIET, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR")
        os.execve(sys.executable, [sys.executable, "-m", "unipipe_tui"], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return pid, terminal


def _drain(terminal: int, shown: bytearray) -> None:
    with suppress(OSError):
        while written := os.read(terminal, 65536):
            shown += written


def _children(workbench: psutil.Process, seconds: float) -> set[int]:
    seen: set[int] = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen |= {child.pid for child in workbench.children(recursive=True)}
        time.sleep(0.02)
    return seen


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
