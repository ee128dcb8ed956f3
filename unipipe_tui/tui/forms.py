"""What a form takes and gives: texts by field, made into a request, and a command line made into texts."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unipipe_tui.actions.action import Action, Change
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.actions.command_line import PROGRAM
from unipipe_tui.actions.request import Field, fields_of, within_reach
from unipipe_tui.domain.values import frozen

Texts = Mapping[str, str]
"""By field name, what stands in the form. A bool is `yes` or `no`; several values are quoted as in a shell."""

YES, NO = "yes", "no"
PLACEHOLDERS = frozenset({"...", "DIR"})
"""Words in a suggested command line that stand for something that only the user knows."""


@frozen
class Filled:
    """A form as it stands: the request, or what is wrong by field."""

    request: Any | None
    wrong: Mapping[str, str]


@frozen
class Suggested:
    """A command line of ours, read back: the capability, its texts, and whether nothing is left to ask."""

    action: Action
    texts: Texts
    complete: bool


def ordered_fields(action: Action) -> tuple[Field, ...]:
    """The fields in the order of a form: the objects first, then what must be given, then the rest."""
    return tuple(sorted(fields_of(action.request), key=lambda field: (not field.positional, not field.required)))


def fill(action: Action, texts: Texts, folder: Path) -> Filled:
    """Make a request of what stands in the form. Relative paths begin at the folder, since a job starts elsewhere."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields_of(action.request):
        text = texts.get(field.name, initial_text(field)).strip()
        try:
            values[field.name] = _value(field, text, folder)
        except ValueError as error:
            wrong[field.name] = str(error)
    return Filled(None if wrong else action.request(**values), wrong)


def texts_of(action: Action, request: Any) -> Texts:
    """What a form shows for a request."""
    return {field.name: _shown(field, getattr(request, field.name)) for field in fields_of(action.request)}


def initial_text(field: Field) -> str:
    """What a form shows before anything is said."""
    if field.required:
        return NO if field.kind is bool else ""
    return _shown(field, field.default)


def read_command_line(line: str) -> Suggested | None:
    """Read a command line back; None when it is not one of ours or cannot be read."""
    try:
        program, *words = shlex.split(line)
    except ValueError:
        return None
    named = [a for a in CATALOG if words[: len(a.name.split())] == a.name.split()]
    if program != PROGRAM or not named:
        return None
    action = max(named, key=lambda a: len(a.name.split()))
    texts = _read_words(action, words[len(action.name.split()) :])
    if texts is None:
        return None
    known = {name: text for name, text in texts.items() if text not in PLACEHOLDERS}
    needed = {field.name for field in fields_of(action.request) if field.required}
    return Suggested(action, known, len(known) == len(texts) and needed <= known.keys())


def unfinished_line(action: Action, texts: Texts) -> str:
    """The command line as far as it can be told while something is missing."""
    if isinstance(action, Change) and action.stands_for:
        said = {field.name: texts.get(field.name, "").strip() or "…" for field in fields_of(action.request)}
        return shlex.join(action.stands_for(action.request(**said)))
    return f"{PROGRAM} {action.name}"


def _read_words(action: Action, words: Sequence[str]) -> Texts | None:
    fields = fields_of(action.request)
    flags = {field.flag: field for field in fields if not field.positional}
    places = [field for field in fields if field.positional]
    texts: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, given, value = word.partition("=")
        if name in flags and flags[name].kind is bool:
            texts[flags[name].name] = YES
        elif word.startswith("--no-") and f"--{word[5:]}" in flags:
            texts[flags[f"--{word[5:]}"].name] = NO
        elif name in flags and (given or waiting):
            _add(texts, flags[name], value if given else waiting.pop(0))
        elif not word.startswith("-") and places:
            _add(texts, places[0], word)
            places = places if places[0].many else places[1:]
        else:
            return None
    return texts


def _add(texts: dict[str, str], field: Field, word: str) -> None:
    if not field.many:
        texts[field.name] = word
    else:
        texts[field.name] = shlex.join([*shlex.split(texts.get(field.name, "")), word])


def _value(field: Field, text: str, folder: Path) -> Any:
    if field.many:
        items = tuple(_item(field, word, folder) for word in _split(text))
        if field.required and not items:
            raise ValueError("At least one is needed.")
        return items
    if text:
        return _item(field, text, folder)
    if field.required:
        raise ValueError("This is needed.")
    if field.optional:
        return None
    return field.default


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise ValueError("A quotation mark is not closed.") from None


def _item(field: Field, text: str, folder: Path) -> Any:
    if issubclass(field.kind, Enum):
        return _member(field.kind, text)
    if field.kind is bool:
        return text == YES
    if field.kind is Path:
        return Path(os.path.normpath(folder / Path(text).expanduser()))
    convert, wanted = _CONVERTERS.get(field.kind, (str, "text"))
    try:
        value = convert(text)
    except ValueError:
        raise ValueError(f"{text!r} is not {wanted}.") from None
    return within_reach(value) if isinstance(value, int) else value


def _member(kind: type[Enum], text: str) -> Enum:
    for member in kind:
        if str(member.value) == text:
            return member
    raise ValueError(f"Allowed: {', '.join(str(member.value) for member in kind)}.")


def _shown(field: Field, value: Any) -> str:
    if value is None or value is dataclasses.MISSING:
        return ""
    if field.many:
        return shlex.join(str(item) for item in value)
    if field.kind is bool:
        return YES if value else NO
    return str(value.value if isinstance(value, Enum) else value)


_CONVERTERS: Mapping[type[Any], tuple[Callable[[str], Any], str]] = MappingProxyType(
    {int: (int, "a whole number"), float: (float, "a number")}
)
