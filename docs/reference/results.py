"""What a capability answers with, told by the annotations of its functions."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

from unipipe_tui.actions.action import Action, Change, Look
from unipipe_tui.domain.errors import ExitCode

ALWAYS = {ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.TOOL_MISSING}
WHEN_FOLLOWING = {ExitCode.STOPPED}
WHEN_CHANGING = {ExitCode.REFUSED, ExitCode.STOPPED}


def result_of(action: Action) -> type[Any]:
    """The class of the answer: what a look or a watch returns, the `R` of the `Done[R]` that a change returns."""
    if isinstance(action, Change):
        (result,) = typing.get_args(typing.get_type_hints(action.apply)["return"])
        return typing.cast("type[Any]", result)
    function = action.look if isinstance(action, Look) else action.watch
    return typing.cast("type[Any]", typing.get_type_hints(function)["return"])


def exit_codes_of(action: Action) -> tuple[ExitCode, ...]:
    """The exit codes that the capability can end with: those of its kind, those of its verdict, those of its help."""
    codes = set(ALWAYS)
    if isinstance(action, Change):
        codes |= WHEN_CHANGING
    elif not isinstance(action, Look):
        codes |= WHEN_FOLLOWING
    codes |= {ExitCode(int(number)) for number in re.findall(r"exit code (\d+)", action.help, re.IGNORECASE)}
    verdict = getattr(result_of(action), "exit_code", None)
    if isinstance(verdict, property):
        source = inspect.getsource(verdict.fget)  # type: ignore[arg-type]
        codes |= {ExitCode[name] for name in re.findall(r"ExitCode\.([A-Z_]+)", source)}
        codes |= set(ExitCode) if "ExitCode(" in source else set()
    return tuple(sorted(codes))
