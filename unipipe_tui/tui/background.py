"""Work off the UI thread: an answer or a problem, never an exception, and never a thread that keeps the program alive."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from unipipe_tui.domain.errors import CheckSaidNo, UnipipeError
from unipipe_tui.domain.values import frozen

Answer = TypeVar("Answer")
THREAD = "unipipe-look"


@frozen
class Problem:
    """Why there is no answer, and what to do about it."""

    message: str
    hint: str = ""
    said_no: bool = False
    """It was answered, and the answer is that there is nothing to show."""

    @property
    def sentence(self) -> str:
        """Both in one line."""
        return f"{self.message}  {self.hint}".rstrip()


def begin(work: Callable[[], Answer]) -> asyncio.Future[Answer | Problem]:
    """Start the work in a thread of its own; the future never raises.

    The thread is a daemon: a tool that hangs must not keep the program from ending, as an executor's thread would.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer | Problem] = loop.create_future()

    def settle(answer: Answer | Problem) -> None:
        if not future.done():
            future.set_result(answer)

    def run() -> None:
        answer = _answer_of(work)
        # The program may have ended meanwhile, and its loop with it.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=run, daemon=True, name=THREAD).start()
    return future


async def answer_within(seconds: float, work: Callable[[], Answer]) -> Answer | Problem:
    """The answer, or a problem when it does not come in time; the work itself cannot be stopped and is left alone."""
    try:
        return await asyncio.wait_for(begin(work), seconds)
    except TimeoutError:
        return late(seconds)


def late(seconds: float) -> Problem:
    """What is said when no answer came in time."""
    return Problem(f"No answer within {seconds:g} seconds.", "A tool may be hanging; see: unipipe doctor")


def _answer_of(work: Callable[[], Answer]) -> Answer | Problem:
    try:
        return work()
    except UnipipeError as error:
        return Problem(error.message, error.hint, isinstance(error, CheckSaidNo))
    except OSError as error:
        # The machine's doing: a full disk, a file that is closed to us or gone.
        return Problem(": ".join(filter(None, (error.filename and str(error.filename), error.strerror or str(error)))))
    except Exception as error:
        return Problem(f"{type(error).__name__}: {error}", "This is a bug in Unipipe; please report it.")


def join_threads(seconds: float) -> None:
    """Give work that is still in hand so many seconds to end in order, and let go of the rest."""
    until = time.monotonic() + seconds
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(max(0.0, until - time.monotonic()))
