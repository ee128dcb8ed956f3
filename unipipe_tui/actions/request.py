"""What a front end needs to know of a request's fields, told once by their types and annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any

from unipipe_tui.domain.values import frozen


@frozen
class Positional:
    """Marks an object that a person names: `models promote fraud-detector 3`."""


@frozen
class Short:
    """A one-letter flag, for the few that are typed daily."""

    letter: str


class Names(Enum):
    """What kind of thing a field names, where there is a list of such things to choose from."""

    MODEL = "models"
    VERSION = "versions"
    """Of the model that the request names, or of the configured one."""
    ALIAS = "aliases"
    TARGET = "targets"
    RELEASE = "releases"
    STAGE = "stages"
    RUN = "runs"
    WRITABLE_RUN = "runs of MLflow"
    """Commits and experiments of DVC are runs too, but nothing can be written on them."""
    DELETED_RUN = "deleted runs"
    EXPERIMENT = "experiments"
    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    COLUMN = "columns"
    """Metrics, params and tags of runs, as a query writes them."""
    RUN_SOURCE = "sources of runs"
    JOB = "jobs"
    ALERT = "alerts"
    FEATURE = "checked columns"
    """Of a target's traffic, in its last drift check."""
    THING = "things"
    """Whatever lineage can begin with."""
    ACTOR = "actors"
    CAPABILITY = "capabilities"
    RECIPE = "recipes"
    USER_COMMAND = "commands of yours"


OBJECT = Positional()
LARGEST = 2**53
"""Beyond it whole numbers are no longer exact in JSON, and no tool can be asked for so many."""


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
    names: Names | None = None
    """What it is chosen from; None: it is only typed."""

    @property
    def flag(self) -> str:
        """`--like-this`."""
        return "--" + self.name.replace("_", "-")

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is dataclasses.MISSING


def within_reach(number: int) -> int:
    """The number. Raises `ValueError` when it is beyond all that is counted."""
    if abs(number) > LARGEST:
        raise ValueError(f"{number} is too large.")
    return number


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
        names=next((note for note in notes if isinstance(note, Names)), None),
    )
