"""The command line that asks for the same thing: `cli` parses it, `tui` shows and starts it; and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from unipipe_tui.actions.action import Action, Change
from unipipe_tui.actions.request import Field, fields_of

PROGRAM = "unipipe"


def command_line(action: Action, request: Any) -> tuple[str, ...]:
    """The shortest argv that asks for this request: `("unipipe", "models", "promote", "fraud-detector", "3")`."""
    if isinstance(action, Change) and action.stands_for:
        return action.stands_for(request)
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


def request_of(action: Action, command: Sequence[str]) -> Any:
    """The request that a command line of `command_line` asks for.

    Raises:
        ValueError: another version of this program wrote it, and it can no longer be read.
    """
    fields = fields_of(action.request)
    flags = {field.flag: field for field in fields if not field.positional}
    places = [field for field in fields if field.positional]
    values: dict[str, Any] = {}
    words = list(command[1 + len(action.name.split()) :])
    positional: list[str] = []
    while words:
        word = words.pop(0)
        name, given, text = word.partition("=")
        if word == "--":
            positional, words = positional + words, []
        elif name in flags:
            _put(values, flags[name], text if given else True)
        elif word.startswith("--no-") and f"--{word[5:]}" in flags:
            values[flags[f"--{word[5:]}"].name] = False
        elif word.startswith("--") or not places:
            raise ValueError(f"{action.name} does not take {word}")
        else:
            positional.append(word)
    for text in positional:
        field = places[0] if len(places) == 1 or places[0].many else places.pop(0)
        _put(values, field, text)
    missing = [field.name for field in fields if field.required and field.name not in values]
    if missing:
        raise ValueError(f"{action.name} wants {', '.join(missing)}")
    return action.request(**values)


def _put(values: dict[str, Any], field: Field, text: str | bool) -> None:
    if isinstance(text, bool) and field.kind is not bool:
        raise ValueError(f"{field.flag} wants a value")
    value = text if isinstance(text, bool) else field.kind(text)
    if field.many:
        values[field.name] = (*values.get(field.name, ()), value)
    elif field.name in values:
        raise ValueError(f"{field.name} is there twice")
    else:
        values[field.name] = value


def approved(action: Action, command: tuple[str, ...], plan_id: str | None, typed: str = "") -> tuple[str, ...]:
    """The words, without the program's name, that apply what was approved; with a plan's id only while it still holds.

    `typed` is the name that was typed for what is protected or dangerous. The flags stand right after the action's own
    words: behind a `--` they would be data.
    """
    _, *words = command
    name = len(action.name.split())
    approval = ("--yes", *(("--plan", plan_id) if plan_id else ()), *((confirmation(typed),) if typed else ()))
    return (*words[:name], *approval, *words[name:])


def confirmation(name: str) -> str:
    """The flag that types a name: `--confirm=production`."""
    return f"--confirm={name}"


def _flag(flag: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    values = value if isinstance(value, tuple) else (value,)
    return [f"{flag}={_text(v)}" for v in values]


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)
