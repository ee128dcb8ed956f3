"""Any value of the vocabulary made from its annotations, with one text wherever a text may stand."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from unipipe_tui.domain.rollouts.traffic import Traffic, Variant

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
MANY = (tuple, list, Sequence, Iterable, Collection)


def made(kind: Any, text: str, number: float = 0.5) -> Any:
    """A value of this type: its first alternative, two of what may come many times."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return made(next(one for one in arguments if one is not types.NoneType), text, number)
    if origin is typing.Annotated:
        return made(arguments[0], text, number)
    if origin is typing.Literal:
        return arguments[0]
    if origin is tuple and Ellipsis not in arguments:
        return tuple(made(one, text, number) for one in arguments)
    if origin in MANY or origin in (frozenset, set):
        items = [made(arguments[0], text, number) for _ in range(1 if origin in (frozenset, set) else 2)]
        return {tuple: tuple, frozenset: frozenset, set: set}.get(origin, list)(items)
    if origin in (dict, Mapping):
        return {made(arguments[0], text, number): made(arguments[1], text, number)}
    if kind is Traffic:
        # It refuses two variants of one name, and weights that do not make a whole.
        shadow = Variant(f"{text}{text}.", text, 3, text, number, mirrored=True)
        return Traffic((Variant(text, text, 3, text), shadow), text)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        given = {field.name: made(hints[field.name], text, number) for field in dataclasses.fields(kind) if field.init}
        return typing.cast(Any, kind)(**given)
    return _plain(kind, text, number)


def _plain(kind: Any, text: str, number: float) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    plain = {str: text, float: number, int: 3, bool: True, datetime: NOON, Path: Path("p") / text.replace("/", "")}
    return plain.get(kind, text if kind in (Any, object) else None)
