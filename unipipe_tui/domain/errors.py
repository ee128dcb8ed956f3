"""Errors that a user can act on. Anything else is a bug and keeps its traceback."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a finished command tells the shell."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    TOOL_MISSING = 3
    CHECK_SAID_NO = 4
    REFUSED = 5
    STOPPED = 130


class UnipipeError(Exception):
    """What happened, in one sentence, and what to do next."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Failed(UnipipeError):
    """The work was tried and did not succeed."""


class Damaged(Failed):
    """A file of our own is not what was written."""


class UsageError(UnipipeError):
    """What was asked for does not exist, is not allowed, or is configured wrongly."""

    exit_code = ExitCode.USAGE


class ToolMissing(UnipipeError):
    """A tool is not installed, too old or unreachable; the hint is its remedy."""

    exit_code = ExitCode.TOOL_MISSING


class CheckSaidNo(UnipipeError):
    """A gate is closed, drift was found, an approval is missing: the answer is no, not an accident."""

    exit_code = ExitCode.CHECK_SAID_NO


class Refused(UnipipeError):
    """Read-only, or the world moved since the plan was made."""

    exit_code = ExitCode.REFUSED


class Stopped(UnipipeError):
    """Somebody asked for the work to end, and it did."""

    exit_code = ExitCode.STOPPED
