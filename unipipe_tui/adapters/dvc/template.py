"""Resolves the templates of a dvc.yaml: `vars`, `${...}`, `foreach` and `matrix`, by DVC's own rules."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import product
from pathlib import Path

from unipipe_tui.adapters.dvc.documents import Unreadable, load_mapping
from unipipe_tui.domain.values import frozen

DEFAULT_PARAMS = "params.yaml"

_EXPRESSION = re.compile(r"(?<!\\)\$\{(.*?)\}")
_REFERENCE = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\])*")


class TemplateError(Exception):
    """A template that DVC would refuse, with the reason."""


@frozen
class CommandStyle:
    """How a mapping becomes flags in a command (`parsing` in DVC's configuration)."""

    booleans_have_no_form: bool = False
    """`--no-flag` for false."""
    lists_repeat_the_flag: bool = False


@frozen
class Resolved:
    """A stage's definition with every `${...}` replaced."""

    name: str
    definition: Mapping[str, object]
    template: str | None
    """The foreach or matrix stage it was generated from."""


@frozen
class Refused:
    """A stage (or section) that could not be resolved, and why."""

    name: str
    reason: str


@frozen
class Scope:
    """The values that `${...}` may name, gathered from params files and `vars`; grows by copying."""

    folder: Path
    """The root of the project; paths of vars files are taken from here."""
    values: Mapping[str, object] = field(default_factory=dict)
    loaded: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """File → the keys taken from it; None: all."""

    def with_default_params(self, workdir: str) -> Scope:
        """Adds `params.yaml` beside the dvc.yaml, when there is one."""
        path = posixpath.normpath(posixpath.join(workdir, DEFAULT_PARAMS))
        return self._with_file(DEFAULT_PARAMS, workdir) if (self.folder / path).is_file() else self

    def with_vars(self, entries: object, workdir: str) -> Scope:
        """Adds the entries of a `vars` section. Raises `TemplateError`."""
        scope = self
        if not isinstance(entries, list):
            raise TemplateError("vars must be a list")
        for entry in entries:
            if isinstance(entry, str):
                scope = scope._with_file(entry, workdir)
            elif isinstance(entry, dict):
                scope = scope._with_values(entry)
            else:
                raise TemplateError(f"vars may hold file names and mappings, not {entry!r}")
        return scope

    def with_loop(self, variables: Mapping[str, object]) -> Scope:
        """Sets `item` and `key`, over what may already bear those names."""
        return Scope(self.folder, {**self.values, **variables}, self.loaded)

    def select(self, reference: str) -> object:
        """The value that a reference such as `a.b[0]` names. Raises `TemplateError`."""
        current: object = self.values
        for part in reference.replace("[", ".").replace("]", "").split("."):
            current = _member(current, part.strip(), reference)
        return current

    def _with_file(self, item: str, workdir: str) -> Scope:
        name, _, listed = item.partition(":")
        path = posixpath.normpath(posixpath.join(workdir, name))
        keys = frozenset(key for key in listed.split(",") if key) or None
        before = self.loaded.get(path, frozenset())
        if before is None and keys is None:
            return self
        if before is None or (before and (keys is None or keys & before)):
            raise TemplateError(f"vars load {item!r} twice")
        values = self._read(path)
        missing = next((key for key in sorted(keys or ()) if key not in values), None)
        if missing is not None:
            raise TemplateError(f"{path} has no key {missing!r}")
        chosen = {key: value for key, value in values.items() if keys is None or key in keys}
        return Scope(
            self.folder,
            _merged(self.values, chosen, ""),
            {**self.loaded, path: None if keys is None else keys | before},
        )

    def _with_values(self, values: Mapping[object, object]) -> Scope:
        chosen = {key: value for key, value in values.items() if isinstance(key, str)}
        return Scope(self.folder, _merged(self.values, chosen, ""), self.loaded)

    def _read(self, path: str) -> dict[str, object]:
        try:
            return load_mapping(self.folder / path)
        except Unreadable as error:
            raise TemplateError(f"vars file {path}: {error.message}") from error
        except OSError as error:
            raise TemplateError(f"vars file {path} cannot be read: {error.strerror}") from error


def resolve_stages(
    stages: Mapping[str, object], scope: Scope, workdir: str, style: CommandStyle
) -> Iterator[Resolved | Refused]:
    """Every stage of a dvc.yaml, generated ones included, in the order of the file."""
    for name, definition in stages.items():
        try:
            if not isinstance(definition, dict):
                raise TemplateError("a stage must be a mapping")
            template, variants = _variants(name, definition, scope)
        except TemplateError as error:
            yield Refused(name, str(error))
            continue
        for generated, variables in variants:
            try:
                resolved = _resolve_stage(template, scope.with_loop(variables), workdir, style)
                yield Resolved(generated, resolved, name if generated != name else None)
            except TemplateError as error:
                yield Refused(generated, str(error))


def resolve_value(value: object, scope: Scope, section: str = "", style: CommandStyle | None = None) -> object:
    """A value with every `${...}` in it replaced, in keys too. Raises `TemplateError`."""
    if isinstance(value, str):
        return _resolve_text(value, scope, section, style or CommandStyle())
    if isinstance(value, dict):
        return {
            _resolve_key(key, scope, section): resolve_value(content, scope, section, style)
            for key, content in value.items()
        }
    if isinstance(value, list):
        return [resolve_value(content, scope, section, style) for content in value]
    return value


def as_text(value: object, style: CommandStyle | None = None) -> str:
    """How a value looks inside a longer text: booleans in lower case, a mapping as command line flags."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return " ".join(_flags(value, style or CommandStyle()))
    return str(value)


_Variants = list[tuple[str, dict[str, object]]]


def _variants(name: str, definition: dict[str, object], scope: Scope) -> tuple[dict[str, object], _Variants]:
    """A stage's template, and for each stage it generates the name and the loop variables."""
    if "matrix" in definition:
        template = {key: value for key, value in definition.items() if key != "matrix"}
        return template, [
            (f"{name}@{key}", {"key": key, "item": item}) for key, item in _combinations(definition, scope)
        ]
    if "foreach" in definition:
        body = definition.get("do")
        if not isinstance(body, dict):
            raise TemplateError("foreach needs a mapping under `do`")
        return body, [(f"{name}@{key}", variables) for key, variables in _iterations(definition["foreach"], scope)]
    return definition, [(name, {})]


def _iterations(foreach: object, scope: Scope) -> Iterator[tuple[str, dict[str, object]]]:
    iterable = resolve_value(foreach, scope, "foreach")
    if isinstance(iterable, dict):
        for key, value in {as_text(key): value for key, value in iterable.items()}.items():
            yield key, {"item": value, "key": key}
    elif isinstance(iterable, list):
        by_index = any(isinstance(value, dict | list) for value in iterable)
        named = {as_text(number if by_index else value): value for number, value in enumerate(iterable)}
        for key, value in named.items():
            yield key, {"item": value}
    else:
        raise TemplateError(f"foreach needs a list or a mapping, not {type(iterable).__name__}")


def _combinations(definition: Mapping[str, object], scope: Scope) -> Iterator[tuple[str, dict[object, object]]]:
    axes = resolve_value(definition["matrix"], scope, "foreach")
    if not isinstance(axes, dict) or not all(isinstance(values, list) for values in axes.values()):
        raise TemplateError("matrix needs a mapping of lists")
    found: dict[str, dict[object, object]] = {}
    for chosen in product(*(enumerate(values) for values in axes.values())):
        pairs = list(zip(axes, chosen, strict=True))
        name = "-".join(
            f"{axis}{at}" if isinstance(value, dict | list) else as_text(value) for axis, (at, value) in pairs
        )
        found[name] = {axis: value for axis, (_, value) in pairs}
    yield from found.items()


def _resolve_stage(
    template: Mapping[str, object], scope: Scope, workdir: str, style: CommandStyle
) -> dict[str, object]:
    if "vars" in template:
        inner = template.get("wdir") or "."
        stage_workdir = posixpath.join(workdir, as_text(resolve_value(inner, scope, "wdir")))
        scope = scope.with_vars(template["vars"], stage_workdir)
    return {key: resolve_value(value, scope, key, style) for key, value in template.items() if key != "vars"}


def _resolve_text(text: str, scope: Scope, section: str, style: CommandStyle) -> object:
    found = list(_EXPRESSION.finditer(text))
    if len(found) == 1 and found[0].group(0) == text:
        return _checked(scope.select(_reference(found[0])), section)
    whole = _EXPRESSION.sub(lambda match: as_text(_checked(scope.select(_reference(match)), section), style), text)
    return whole.replace(r"\${", "${") if "${" in whole else whole


def _resolve_key(key: object, scope: Scope, section: str) -> object:
    resolved = resolve_value(key, scope, section)
    if isinstance(resolved, dict | list):
        raise TemplateError(f"{key!r} names a {type(resolved).__name__}, which cannot be a key")
    return resolved


def _reference(match: re.Match[str]) -> str:
    if not _REFERENCE.fullmatch(match[1]):
        raise TemplateError(f"{match[0]} is not a reference")
    return match[1]


def _checked(value: object, section: str) -> object:
    if isinstance(value, dict | list) and section != "foreach" and not (isinstance(value, dict) and section == "cmd"):
        raise TemplateError(
            f"a {'mapping' if isinstance(value, dict) else 'list'} cannot be put into {section or 'text'}"
        )
    return value


def _member(container: object, part: str, reference: str) -> object:
    if isinstance(container, Mapping) and part in container:
        return container[part]
    if (
        isinstance(container, list)
        and re.fullmatch(r"[-+]?\d+", part)
        and -len(container) <= int(part) < len(container)
    ):
        return container[int(part)]
    raise TemplateError(f"no value is named ${{{reference}}}")


def _merged(into: Mapping[str, object], new: Mapping[str, object], above: str) -> dict[str, object]:
    """Both mappings in one; the same name with two values is refused, as DVC does."""
    merged = dict(into)
    for key, value in new.items():
        path = f"{above}.{key}" if above else key
        existing = merged.get(key)
        if isinstance(existing, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(existing, value, path)
        elif key in merged:
            raise TemplateError(f"vars define {path!r} twice")
        else:
            merged[key] = value
    return merged


def _flags(value: Mapping[object, object], style: CommandStyle, above: str = "") -> Iterator[str]:
    for key, content in value.items():
        flag = f"--{above}{key}"
        if isinstance(content, bool):
            if content:
                yield flag
            elif style.booleans_have_no_form:
                yield f"--no-{above}{key}"
        elif isinstance(content, dict):
            yield from _flags(content, style, f"{above}{key}.")
        elif isinstance(content, list):
            yield from _list_flag(flag, content, style)
        else:
            yield f"{flag} {shlex.quote(content) if isinstance(content, str) else content}"


def _list_flag(flag: str, values: list[object], style: CommandStyle) -> Iterator[str]:
    for number, value in enumerate(values):
        if isinstance(value, dict | list):
            raise TemplateError(f"a list inside the list of {flag} cannot become flags")
        word = shlex.quote(value) if isinstance(value, str) else str(value)
        yield f"{flag} {word}" if style.lists_repeat_the_flag or number == 0 else word
