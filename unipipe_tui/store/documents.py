"""Values of the domain as JSON documents and back, by the annotations of their fields.

What a library for this costs to import is more than most commands take in all.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

Value = TypeVar("Value")


def to_document(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists, times as ISO 8601, members of enumerations by their value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_document(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_document(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def from_document(kind: type[Value], document: Any) -> Value:
    """The value that a document was made of; a field that it lacks has its default, one that is unknown is left out.

    Raises:
        TypeError, ValueError: it was made of something else.
    """
    return typing.cast("Value", _made(kind, document))


def _made(kind: Any, document: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if document is None else _made(options[0], document)
    if origin is tuple:
        return tuple(_made(typing.get_args(kind)[0], item) for item in document)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        names = {field.name for field in dataclasses.fields(kind)} & document.keys()
        return typing.cast("type[Any]", kind)(**{name: _made(hints[name], document[name]) for name in names})
    if kind is datetime:
        return datetime.fromisoformat(document)
    return kind(document) if isinstance(kind, type) and issubclass(kind, Enum | float) else document
