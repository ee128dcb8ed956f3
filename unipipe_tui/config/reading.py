"""Reading YAML strictly: values as annotations say, and complaints that name file, line, key and what is allowed."""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any, NewType

import yaml

from unipipe_tui.domain.errors import UsageError

Port = NewType("Port", int)
LAST_PORT = 65535


def compose(path: Path, shown: str) -> yaml.Node | None:
    """The nodes of a file, an empty mapping when it says nothing; None when there is no file.

    Raises:
        UsageError: it cannot be read or is not YAML; the file is named as `shown`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown} cannot be read: {error}.", hint="It must be text in UTF-8.") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"{shown}, {_where(error, text)}: {_problem(error)}.", hint="Mend the YAML there.") from None
    except RecursionError:
        raise UsageError(f"{shown} is nested too deeply.", hint="Nothing in it needs more than four levels.") from None
    if node is None or _tag(node) == "null":
        beginning = yaml.Mark(shown, 0, 0, 0, "", 0)
        return yaml.MappingNode("tag:yaml.org,2002:map", [], beginning, beginning)
    return node


def _where(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"line {text.count(chr(10), 0, error.position) + 1}"
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else "somewhere"


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML")


class Reader:
    """Builds dataclasses from YAML nodes, so that every complaint can name its line.

    A field is named as in the class, unless its metadata say another `key`; None there: it is no key.
    """

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name

    def build(self, kind: type[Any], node: yaml.Node, path: tuple[str, ...]) -> Any:
        hints = typing.get_type_hints(kind)
        known = {key: f for f in dataclasses.fields(kind) if f.name != "present" and (key := _key(f))}
        values: dict[str, Any] = {}
        for key_node, value_node in self.pairs(node, path, "a mapping of keys to values"):
            key = str(key_node.value)
            if key not in known:
                raise UsageError(
                    f"{self.line(key_node)}: unknown key `{'.'.join((*path, key))}`.",
                    hint=f"Allowed here: {', '.join(known)}.",
                )
            if not self._says_nothing(known[key], value_node):
                name = known[key].name
                values[name] = self.value(hints[name], value_node, (*path, key))
        for name, spec in known.items():
            if spec.name not in values and _is_required(spec):
                raise UsageError(
                    f"{self.line(node)}: `{'.'.join((*path, name))}` is missing.",
                    hint=f"Keys here: {', '.join(known)}.",
                )
        try:
            return kind(**values)
        except (ValueError, UsageError) as error:
            message = str(error).removesuffix(".")
            raise UsageError(f"{self.line(node)}: {message}.", hint=getattr(error, "hint", "")) from None

    def line(self, node: yaml.Node) -> str:
        """Where a node stands, for a message."""
        return f"{self._file_name}, line {node.start_mark.line + 1}"

    def pairs(self, node: yaml.Node, path: tuple[str, ...], allowed: str) -> list[tuple[yaml.Node, yaml.Node]]:
        """Keys and values of a mapping; YAML would let a key that comes twice win silently."""
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, path, allowed)
        seen: dict[str, yaml.Node] = {}
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise UsageError(
                    f"{self.line(key_node)}: `{'.'.join((*path, key))}` is there already.",
                    hint=f"Keep this one or that in line {seen[key].start_mark.line + 1}.",
                )
            seen[key] = key_node
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        return pairs

    def _says_nothing(self, spec: dataclasses.Field[Any], node: yaml.Node) -> bool:
        """A section whose entries are all commented out is as good as left out."""
        is_section = spec.default_factory is not dataclasses.MISSING or spec.default == ()
        return is_section and _tag(node) == "null"

    def value(self, kind: Any, node: yaml.Node, path: tuple[str, ...]) -> Any:
        origin = typing.get_origin(kind)
        if origin is types.UnionType:
            if _tag(node) == "null":
                return None
            kind = next(option for option in typing.get_args(kind) if option is not type(None))
            return self.value(kind, node, path)
        if origin is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self.wrong(node, path, "a list")
            item = typing.get_args(kind)[0]
            return tuple(self.value(item, child, (*path, str(i))) for i, child in enumerate(node.value))
        if origin is dict:
            item = typing.get_args(kind)[1]
            pairs = self.pairs(node, path, "a mapping of names to settings")
            return {self._name(key, path): self.value(item, child, (*path, str(key.value))) for key, child in pairs}
        if dataclasses.is_dataclass(kind):
            return self.build(typing.cast("type[Any]", kind), node, path)
        return self._scalar(kind, node, path)

    def _name(self, node: yaml.Node, path: tuple[str, ...]) -> str:
        name = str(node.value)
        # It becomes the name of a folder and of a place on the command line.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", name):
            raise self.wrong(node, path, "a name of letters, digits, - and _")
        return name

    def _scalar(self, kind: Any, node: yaml.Node, path: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(node, path, _allowed(kind))
        try:
            if kind is str and _tag(node) != "null":
                # As it is written: `no` and `2026-01-01` are names like any other.
                return str(node.value)
            if isinstance(kind, type) and issubclass(kind, Enum):
                return kind(node.value)
            value = _number_or_bool(node)
        except ValueError:
            raise self.wrong(node, path, _allowed(kind)) from None
        if type(value) is kind or (kind is Port and type(value) is int and 1 <= value <= LAST_PORT):
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise self.wrong(node, path, _allowed(kind))

    def wrong(self, node: yaml.Node, path: tuple[str, ...], allowed: str) -> UsageError:
        shown = f" is `{node.value}`" if isinstance(node, yaml.ScalarNode) and node.value else ""
        key = f"`{'.'.join(path)}`" if path else "the file"
        return UsageError(
            f"{self.line(node)}: {key}{shown}, which is not allowed.",
            hint=f"Allowed: {allowed}.",
        )


def _key(spec: dataclasses.Field[Any]) -> str | None:
    key: str | None = spec.metadata.get("key", spec.name)
    return key


def _tag(node: yaml.Node) -> str:
    return str(node.tag.rpartition(":")[2])


def _is_required(spec: dataclasses.Field[Any]) -> bool:
    return spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING


def _number_or_bool(node: yaml.ScalarNode) -> object:
    """The value as YAML reads it, but `1e-3` too is a number, and infinities are none."""
    if _tag(node) == "str" and node.style is None:
        value: object = float(node.value)
    else:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    return value


def _allowed(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(str(member.value) for member in kind)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return f"a whole number from 1 to {LAST_PORT}" if kind is Port else words.get(kind, "a mapping")
