"""The verdicts beside the columns as recorded checks hold them, read back as the values that they were."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

from unipipe_tui.actions.drift.beside import Beside


def read_beside(report: Mapping[str, Any]) -> Beside:
    """What the report of a check holds; what an older program wrote otherwise is left out."""
    hints = typing.get_type_hints(Beside)
    found = {}
    for field in dataclasses.fields(Beside):
        try:
            found[field.name] = _read(hints[field.name], report.get(field.name))
        except (KeyError, TypeError, ValueError):
            continue
    return Beside(**found)


def _read(kind: Any, found: Any) -> Any:
    """A value of this kind, from the plain form of it."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if found is None:
            return None
        (kind,) = (option for option in typing.get_args(kind) if option is not types.NoneType)
        return _read(kind, found)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        return tuple(_read(item, one) for one in found)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        known = {field.name: found[field.name] for field in dataclasses.fields(kind) if field.name in found}
        return kind(**{name: _read(hints[name], one) for name, one in known.items()})
    return kind(found) if isinstance(kind, type) and issubclass(kind, Enum) else found
