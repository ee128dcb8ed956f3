"""The command line that asks for the same thing: `cli` parses it, `tui` shows and starts it."""

from __future__ import annotations

from enum import Enum
from typing import Any

from unipipe_tui.actions.action import Action
from unipipe_tui.actions.request import fields_of

PROGRAM = "unipipe"


def command_line(action: Action, request: Any) -> tuple[str, ...]:
    """The shortest argv that asks for this request: `("unipipe", "models", "promote", "fraud-detector", "3")`."""
    flags: list[str] = []
    positional: list[str] = []
    for field in fields_of(action.request):
        value = getattr(request, field.name)
        if field.positional:
            positional += [_text(v) for v in (value if isinstance(value, tuple) else (value,)) if v is not None]
        elif value != field.default:
            flags += _flag(field.flag, value)
    # Data may begin with a dash; everything after `--` is taken as it is.
    dashed = ["--"] if any(text.startswith("-") for text in positional) else []
    return (PROGRAM, *action.name.split(), *flags, *dashed, *positional)


def approved(action: Action, command: tuple[str, ...], plan_id: str | None) -> tuple[str, ...]:
    """The words, without the program's name, that apply what was approved; with a plan's id only while it still holds.

    They stand right after the action's own words: behind a `--` they would be data.
    """
    _, *words = command
    name = len(action.name.split())
    return (*words[:name], "--yes", *(("--plan", plan_id) if plan_id else ()), *words[name:])


def _flag(flag: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    values = value if isinstance(value, tuple) else (value,)
    return [f"{flag}={_text(v)}" for v in values]


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)
