"""Keeps a worker running: the light parent holds the port, so callers queue while one that died is started again."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from unipipe_tui.domain.values import frozen

FIRST_BACK_OFF_SECONDS = 0.1
LONGEST_BACK_OFF_SECONDS = 10.0
STEADY_AFTER_SECONDS = 30.0
"""A worker that lived so long is started again at once when it dies."""
PASSED_ON = (signal.SIGTERM, signal.SIGINT)


@frozen
class Past:
    """What became of the workers before this one."""

    restarts: int = 0
    last_exit: str | None = None


Work = Callable[[Past, Callable[[], None]], int]
"""What a worker does until it is told to stop: told of the past, it says when it serves; the answer is its exit code."""


class Supervisor:
    """One worker at a time, each a fork of this process before anything heavy was imported."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._worker = 0
        self._told: int | None = None
        """The signal that asked for the end."""

    def run(self) -> int:
        """Until a signal ends it, or the first worker cannot start; the answer is the exit code."""
        for number in PASSED_ON:
            signal.signal(number, self._pass_on)
        past, back_off = Past(), FIRST_BACK_OFF_SECONDS
        while True:
            began = time.monotonic()
            status, has_served = self._one(past)
            code = os.waitstatus_to_exitcode(status)
            if self._told is not None:
                return 130 if self._told == signal.SIGINT else max(code, 0)
            if not has_served and code >= 0:
                # It said itself why it cannot: another one could not either.
                return code
            if time.monotonic() - began > STEADY_AFTER_SECONDS:
                back_off = FIRST_BACK_OFF_SECONDS
            past = Past(past.restarts + 1, _said(code))
            sys.stderr.write(f"unipipe serving: the worker {past.last_exit}; another one starts in {back_off:g} s\n")
            sys.stderr.flush()
            if self._told_within(back_off):
                return 0
            back_off = min(back_off * 2, LONGEST_BACK_OFF_SECONDS)

    def _one(self, past: Past) -> tuple[int, bool]:
        """Run one worker to its end: its wait status, and whether it ever served."""
        alive_read, alive_write = os.pipe()
        serving_read, serving_write = os.pipe()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        self._worker = os.fork()
        if self._worker == 0:
            os.close(alive_write)
            os.close(serving_read)
            for number in PASSED_ON:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os._exit(_worker(self._work, past, alive_read, serving_write))
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(alive_read)
        os.close(serving_write)
        try:
            _pid, status = os.waitpid(self._worker, 0)
            return status, os.read(serving_read, 1) == b"1"
        finally:
            self._worker = 0
            os.close(alive_write)
            os.close(serving_read)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._told = number
        if self._worker:
            os.kill(self._worker, number)

    def _told_within(self, seconds: float) -> bool:
        """Wait, but no longer once the end was asked for."""
        end = time.monotonic() + seconds
        while self._told is None and time.monotonic() < end:
            time.sleep(0.02)
        return self._told is not None


def _worker(work: Work, past: Past, alive: int, serving: int) -> int:
    """The whole life of a worker, in the fork; nothing of the parent's stack is unwound."""
    threading.Thread(target=_end_with_parent, args=(alive,), name="parent", daemon=True).start()
    try:
        return work(past, lambda: _say(serving))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _say(serving: int) -> None:
    os.write(serving, b"1")
    os.close(serving)


def _end_with_parent(alive: int) -> None:
    """Nothing is ever written there: reading ends when the parent does, however it ends."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _said(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
