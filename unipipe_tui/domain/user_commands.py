"""Commands that a user made: a program with arguments, in which the selected row and what is typed fill the gaps."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import PurePath

from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.values import frozen

EVERYWHERE = "everywhere"
TYPED = "input:"
"""How a gap begins that is filled with what somebody types."""
NAME_CHARACTERS = 32

_PIECE = re.compile(r"(?P<literal>\{\{|\}\}|[^{}]+)|\{(?P<gap>[^{}]*)\}|(?P<lone>[{}])")
_GAP = re.compile(r"(?:input:)?[a-z][a-z0-9_]*")
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9 ._-]{{0,{NAME_CHARACTERS - 1}}}")
_SHELLS = frozenset({"sh", "ash", "bash", "dash", "fish", "ksh", "zsh", "cmd", "cmd.exe", "powershell", "pwsh"})
_SHELL_TEXT = re.compile(r"-[a-z]*c|/c|-command", re.IGNORECASE)


@frozen
class TypedInput:
    """Something to be typed before the command runs."""

    name: str
    """What `{input:NAME}` in the template says."""
    help: str = ""
    """What the form says of it."""

    def __post_init__(self) -> None:
        if not _GAP.fullmatch(self.name) or keyword.iskeyword(self.name):
            raise ValueError(f"`{self.name}` is no name for an input: small letters, digits and _")


@frozen
class UserCommand:
    """A command of the user's own. It is started without a shell: each item of `run` is one argument, whatever fills it."""

    name: str
    """What it is called everywhere: letters, digits, blanks, `.`, `_` and `-`."""
    run: tuple[str, ...]
    """The program and its arguments: `{model}` is that field of the selected row, `{input:NAME}` what is typed, `{{` a brace."""
    key: str | None = None
    """Key in the workbench; without one the palette has it."""
    place: str = EVERYWHERE
    """The place where it is offered."""
    places: tuple[str, ...] = field(default=(), metadata={"key": "for"})
    """Several places, instead of `place`."""
    inputs: tuple[TypedInput, ...] = ()
    """What is to be typed before."""
    confirm: bool = False
    """Show its plan and ask; otherwise it runs at once."""
    dangerous: bool = False
    """Show its plan, and want its name typed."""
    changes: bool = True
    """Whether it changes something; one that does not may run where nothing may be changed."""
    where: str = field(default="", metadata={"key": None})
    """File and line, for messages."""

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ValueError(fault)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the selected row that it wants, in order."""
        return tuple(gap for gap in self._gaps if not gap.startswith(TYPED))

    @property
    def typed(self) -> tuple[str, ...]:
        """The names of the inputs that it wants, in order."""
        return tuple(gap.removeprefix(TYPED) for gap in self._gaps if gap.startswith(TYPED))

    @property
    def offered_in(self) -> tuple[str, ...]:
        """The places where it is offered; `everywhere` alone for all."""
        return self.places or (self.place,)

    @property
    def at_once(self) -> bool:
        """Whether it runs without being asked for."""
        return not (self.confirm or self.dangerous)

    @property
    def _gaps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(gap for item in self.run for gap in gaps_of(item)))

    def is_offered_in(self, place: str) -> bool:
        """Whether it is offered in a place."""
        return self.offered_in == (EVERYWHERE,) or place in self.offered_in

    def argv(self, fields: Mapping[str, str], inputs: Mapping[str, str]) -> tuple[str, ...]:
        """The program and its arguments with every gap filled.

        Raises:
            UsageError: a value is missing, or is asked for nowhere.
            Refused: a value would be taken for an option, or holds what no argument can.
        """
        values = {**fields, **{f"{TYPED}{name}": text for name, text in inputs.items()}}
        for gap in self._gaps:
            if gap not in values:
                raise UsageError(f"`{self.name}` wants a value for {_flag(gap)}.", hint=f"Add {_flag(gap)}=VALUE.")
        for gap in values:
            if gap not in self._gaps:
                raise UsageError(f"`{self.name}` has no gap for {_flag(gap)}.", hint=f"Its template: {self.template}")
        ended = self.run.index("--") if "--" in self.run else len(self.run)
        return tuple(_filled(item, values, number > ended) for number, item in enumerate(self.run))

    @property
    def template(self) -> str:
        """The template in one line."""
        return " ".join(self.run)


def gaps_of(item: str) -> tuple[str, ...]:
    """The gaps in one item of a template, in order."""
    return tuple(found["gap"] for found in _PIECE.finditer(item) if found["gap"] is not None)


def _filled(item: str, values: Mapping[str, str], after_options: bool) -> str:
    text = "".join(_text(found, values) for found in _PIECE.finditer(item))
    if "\0" in text:
        raise Refused("A value holds a NUL character, which no program can be given.")
    if text.startswith("-") and not item.startswith("-") and not after_options:
        raise Refused(
            f"`{text}` would be taken for an option of the program.",
            hint=f"If the program knows it, put `--` before `{item}` in the template.",
        )
    return text


def _text(piece: re.Match[str], values: Mapping[str, str]) -> str:
    if piece["gap"] is not None:
        return values[piece["gap"]]
    literal = piece["literal"] or ""
    return literal[0] if literal in ("{{", "}}") else literal


def _flag(gap: str) -> str:
    return f"--input {gap.removeprefix(TYPED)}" if gap.startswith(TYPED) else f"--field {gap}"


def _faults(command: UserCommand) -> Iterator[str]:
    if not _NAME.fullmatch(command.name):
        yield f"`{command.name}` is no name for a command: letters, digits, blanks, `.`, `_` and `-`, {NAME_CHARACTERS} at most"
    if not command.run or not command.run[0].strip():
        yield f"`{command.name}` runs nothing: `run` must begin with a program"
    if command.places and command.place != EVERYWHERE:
        yield f"`{command.name}` says both `place` and `for`; keep one of them"
    yield from (f"`{command.name}`: {fault}" for fault in _faults_of_template(command.run))
    named = [one.name for one in command.inputs]
    for name in named:
        if named.count(name) > 1:
            yield f"`{command.name}` has two inputs `{name}`"
        if name in command.fields:
            yield f"`{command.name}`: {{{name}}} is a field of the row, so no input may have that name"
        if name not in command.typed:
            yield f"`{command.name}`: no {{{TYPED}{name}}} in `run` takes the input `{name}`"
    for name in command.typed:
        if name not in named:
            yield f"`{command.name}`: {{{TYPED}{name}}} is in `run`, but `inputs` has no `{name}`"


def _faults_of_template(run: Sequence[str]) -> Iterator[str]:
    for number, item in enumerate(run):
        if any(found["lone"] for found in _PIECE.finditer(item)):
            yield f"a brace stands alone in `{item}`; write {{{{ or }}}} for one that is meant"
        for gap in gaps_of(item):
            if not _GAP.fullmatch(gap):
                yield f"{{{gap}}} names no field; write {{field}} or {{input:name}}"
            if number == 0:
                yield "the program must be named: no value may choose it"
            if number in _shell_texts(run):
                yield (
                    f"a shell would read {{{gap}}} as commands; hand it over as an argument of its own: "
                    "[sh, -c, 'echo \"$1\"', sh, '{" + gap + "}']"
                )


def _shell_texts(run: Sequence[str]) -> frozenset[int]:
    """The items that a shell would read as commands."""
    shells = [number for number, item in enumerate(run) if PurePath(item).name in _SHELLS]
    if not shells:
        return frozenset()
    options = [n for n, item in enumerate(run) if n > shells[0] and _SHELL_TEXT.fullmatch(item)]
    return frozenset(number + 1 for number in options[:1])
