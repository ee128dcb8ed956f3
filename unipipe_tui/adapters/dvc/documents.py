"""Reads the documents that DVC reads (YAML 1.2, JSON, TOML, Python assignments) into plain values, without DVC."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

LARGEST_DOCUMENT_BYTES = 64 * 1024 * 1024
LARGEST_EXPANSION = 5_000_000
"""Values that a document may hold once its aliases are written out."""
DEEPEST_NESTING = 100

_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_INLINE_NESTING = re.compile(rf"(?:[-?][ \t]+){{{DEEPEST_NESTING}}}")


class Unreadable(Exception):
    """A document that cannot be read: what is wrong, and in which line (counted from 1) where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def load(path: Path) -> object:
    """The document's value, by its suffix as DVC does: .json, .toml, .py, anything else is YAML; {} when it is empty.

    Raises `Unreadable` for what is not such a document and `OSError` for what cannot be opened.
    """
    if path.stat().st_size > LARGEST_DOCUMENT_BYTES:
        raise Unreadable(f"larger than {LARGEST_DOCUMENT_BYTES // 2**20} MiB: not read")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 text (byte {error.start})") from error
    return parse(text, path.suffix)


def parse(text: str, suffix: str) -> object:
    """The value of a document's text. Raises `Unreadable`."""
    parser = _PARSERS.get(suffix.lower(), parse_yaml)
    try:
        value = parser(text)
    except (RecursionError, MemoryError) as error:
        raise Unreadable("nested too deeply") from error
    _measure(value, {}, set(), 0)
    return value


def load_mapping(path: Path) -> dict[str, object]:
    """As `load`, for a document whose top level must be a mapping; keys that are not text are left out."""
    return mapping(load(path))


def mapping(value: object) -> dict[str, object]:
    """A value that must be a mapping, with its text keys. Raises `Unreadable`."""
    if not isinstance(value, Mapping):
        raise Unreadable(f"holds a {type(value).__name__} where a mapping is expected")
    return {key: content for key, content in value.items() if isinstance(key, str)}


def parse_yaml(text: str) -> object:
    """YAML 1.2 as DVC reads it: `yes`, `no`, `on` and `off` are text, keys are unique. Raises `Unreadable`."""
    _refuse_abysses(text)
    try:
        value = yaml.load(text, Loader=_Yaml12)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        if conflict := _CONFLICT.search(text):
            raise Unreadable("holds unresolved merge conflicts", text.count("\n", 0, conflict.start()) + 1) from error
        mark = error.problem_mark or error.context_mark
        raise Unreadable(error.problem or "not valid YAML", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(f"not valid YAML: {error}") from error
    return {} if value is None else value


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"not valid JSON: {error.msg}", error.lineno) from error


def _parse_toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise Unreadable(f"not valid TOML: {error}", int(found[1]) if found else None) from error


def _parse_python(text: str) -> object:
    try:
        return _assignments(ast.parse(text).body)
    except SyntaxError as error:
        raise Unreadable(f"not valid Python: {error.msg}", error.lineno) from error
    except ValueError as error:
        raise Unreadable(f"not valid Python: {error}") from error


_PARSERS: Mapping[str, Callable[[str], object]] = {".json": _parse_json, ".toml": _parse_toml, ".py": _parse_python}


def _assignments(body: list[ast.stmt], *, of_self: bool = False) -> dict[str, object]:
    """Literal assignments of a module or class, and those to `self` in its `__init__`, as DVC counts them."""
    found: dict[str, object] = {}
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = _assignments(statement.body)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            found.update(_assignments(statement.body, of_self=True))
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
            name = _assigned_name(targets[0], of_self=of_self) if len(targets) == 1 else None
            if name is not None:
                try:
                    found[name] = ast.literal_eval(statement.value)
                except ValueError:
                    continue
    return found


def _assigned_name(target: ast.expr, *, of_self: bool) -> str | None:
    if isinstance(target, ast.Name) and not of_self:
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return None


def _refuse_abysses(text: str) -> None:
    """libyaml's composer recurses in C: brackets without end would end the whole process, not raise."""
    depth = 0
    if text.count("[") + text.count("{") > DEEPEST_NESTING:
        for bracket in re.finditer(r"[\[{\]}]", text):
            depth = depth + 1 if bracket[0] in "[{" else max(0, depth - 1)
            if depth > DEEPEST_NESTING:
                raise Unreadable("nested too deeply", text.count("\n", 0, bracket.start()) + 1)
    if _INLINE_NESTING.search(text):
        raise Unreadable("nested too deeply")


def _measure(value: object, known: dict[int, int], open_now: set[int], depth: int) -> int:
    """The size of a value with its aliases written out. Raises `Unreadable` when that is absurd, or has no end."""
    if not isinstance(value, dict | list):
        return 1
    identity = id(value)
    if identity in open_now:
        raise Unreadable("an alias holds itself")
    if depth > DEEPEST_NESTING:
        raise Unreadable("nested too deeply")
    if identity not in known:
        open_now.add(identity)
        children = value.values() if isinstance(value, dict) else value
        known[identity] = 1 + sum(_measure(child, known, open_now, depth + 1) for child in children)
        open_now.discard(identity)
        if known[identity] > LARGEST_EXPANSION:
            raise Unreadable("its aliases expand to an absurd size: not read")
    return known[identity]


class _Yaml12(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader with the scalars of YAML 1.2 and without repeated keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own form)

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[object, object]:
        """A mapping; a key that stands there twice is an error, as DVC treats it."""
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(node)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def _refuse_repeated_keys(node: yaml.MappingNode) -> None:
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            identity = (key.tag, key.value)
            if identity in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(identity)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    bases = {"0b": 2, "0o": 8, "0x": 16}
    base = bases.get(digits[:2])
    return sign * (int(digits[2:], base) if base else int(digits))


_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (
        "float",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("int", r"[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    (
        "timestamp",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
        r"(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?",
        "0123456789",
    ),
    ("value", r"=", "="),
)


def _teach(loader: type[yaml.SafeLoader]) -> None:
    for name, pattern, first in _SCALARS:
        characters = ["" if character == "\0" else character for character in first]
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(f"^(?:{pattern})$"), characters)
    loader.add_constructor("tag:yaml.org,2002:int", _integer)


_teach(_Yaml12)
