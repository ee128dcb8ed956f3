"""What a front end needs to know of a request's fields, told once by their types and annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from unipipe_tui.domain.values import frozen


@frozen
class Positional:
    """Marks an object that a person names: `models promote fraud-detector 3`."""


@frozen
class Short:
    """A one-letter flag, for the few that are typed daily."""

    letter: str


OBJECT = Positional()


@frozen
class Field:
    """One field of a request, as a form or a parser sees it."""

    name: str
    kind: type[Any]
    """`str`, `int`, `float`, `bool`, `Path` or an `Enum`; of the items where there are several."""
    help: str
    default: Any
    """`dataclasses.MISSING` when it must be given."""
    positional: bool
    many: bool
    """A tuple of values."""
    optional: bool
    """May be None."""
    short: str | None

    @property
    def flag(self) -> str:
        """`--like-this`."""
        return "--" + self.name.replace("_", "-")

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is dataclasses.MISSING


def fields_of(request: type[Any]) -> tuple[Field, ...]:
    """The fields of a request class, in order."""
    hints = typing.get_type_hints(request, include_extras=True)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(request))


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    kind, *notes = typing.get_args(hint)
    optional = many = False
    if isinstance(kind, types.UnionType):
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
        optional = True
    if typing.get_origin(kind) is tuple:
        kind = typing.get_args(kind)[0]
        many = True
    return Field(
        name=field.name,
        kind=kind,
        help=next(note for note in notes if isinstance(note, str)),
        default=field.default,
        positional=OBJECT in notes,
        many=many,
        optional=optional,
        short=next((note.letter for note in notes if isinstance(note, Short)), None),
    )
