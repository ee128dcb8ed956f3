"""Turns the content of dvc.yaml, dvc.lock and .dvc files into stages."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

from unipipe_tui.adapters.dvc.hashes import md5_of_listing
from unipipe_tui.adapters.dvc.template import DEFAULT_PARAMS, as_text
from unipipe_tui.domain.pipelines import Dependency, Fingerprint, Locked, Output, OutputKind, ParamReference, Stage

PROJECT_FILE = "dvc.yaml"

_SECTIONS = (("outs", OutputKind.DATA), ("metrics", OutputKind.METRIC), ("plots", OutputKind.PLOT))


class Malformed(Exception):
    """A stage that is not written as DVC wants it, with the reason."""


def pipeline_stage(
    root: Path, file: str, name: str, definition: Mapping[str, object], lock: Mapping[str, object], template: str | None
) -> Stage:
    """A stage of a dvc.yaml whose templates are resolved, with what the lock file says of it. Raises `Malformed`."""
    workdir = posixpath.normpath(posixpath.join(posixpath.dirname(file), _text(definition.get("wdir", "."), "wdir")))
    places = _Places(root, workdir)
    command = _commands(definition.get("cmd"))
    if not command:
        raise Malformed("a stage needs a command (`cmd`)")
    entry = lock.get(name)
    return Stage(
        address=_address(file, name),
        name=name,
        file=file,
        workdir=workdir,
        command=command,
        dependencies=tuple(places.dependency(_text(item, "deps")) for item in _items(definition, "deps")),
        outputs=tuple(_outputs(definition, places)),
        params=tuple(_params(_items(definition, "params"), places)),
        frozen=definition.get("frozen") is True,
        always_changed=definition.get("always_changed") is True,
        description=str(definition.get("desc") or ""),
        template=_address(file, template) if template is not None else None,
        locked=_locked(entry, places) if isinstance(entry, dict) else None,
    )


def data_stage(root: Path, file: str, document: Mapping[str, object]) -> Stage:
    """The stage of a .dvc file: added or imported data, or a command as DVC 0.x wrote it. Raises `Malformed`."""
    workdir = posixpath.normpath(posixpath.join(posixpath.dirname(file), _text(document.get("wdir") or ".", "wdir")))
    places = _Places(root, workdir)
    command = _commands(document.get("cmd"))
    dependencies = [_mapping(item, "deps") for item in _items(document, "deps")]
    outputs = [_mapping(item, "outs") for item in _items(document, "outs")]
    files = [entry for entry in dependencies if "params" not in entry]
    return Stage(
        address=file,
        name=posixpath.basename(file).removesuffix(".dvc"),
        file=file,
        workdir=workdir,
        command=command,
        dependencies=tuple(_imported(entry, places) for entry in files),
        outputs=tuple(_declared_output(entry, places) for entry in outputs),
        params=tuple(_legacy_params(dependencies, places)),
        frozen=document.get("frozen") is True or document.get("locked") is True,
        always_changed=document.get("always_changed") is True,
        description=str(document.get("desc") or ""),
        is_data=not command,
        is_import=not command and len(dependencies) == 1 and len(outputs) == 1,
        locked=_locked({**document, "params": _legacy_values(dependencies)}, places),
    )


class _Places:
    """Where the paths of a stage lie: they are written from its working directory."""

    def __init__(self, root: Path, workdir: str) -> None:
        self._root = os.path.abspath(root)
        self._workdir = workdir

    def place(self, path: str) -> str:
        """The path from the project's root; absolute when it lies outside; a URL stays as it is."""
        if _is_url(path):
            return path
        if posixpath.isabs(path):
            whole = posixpath.normpath(path)
            inside = os.path.commonpath([self._root, whole]) == self._root
            return posixpath.relpath(whole, self._root) if inside else whole
        joined = posixpath.normpath(posixpath.join(self._workdir, path))
        return posixpath.normpath(posixpath.join(self._root, joined)) if joined.split("/", 1)[0] == ".." else joined

    def dependency(self, path: str) -> Dependency:
        return Dependency(self.place(path), external=_is_url(path))


def _is_url(path: str) -> bool:
    return "://" in path


def _address(file: str, name: str) -> str:
    return name if file == PROJECT_FILE else f"{file}:{name}"


def _commands(command: object) -> tuple[str, ...]:
    if command is None:
        return ()
    if isinstance(command, list):
        return tuple(as_text(line) for line in command)
    return (as_text(command),)


def _outputs(definition: Mapping[str, object], places: _Places) -> Iterator[Output]:
    for section, kind in _SECTIONS:
        flags: dict[str, dict[str, object]] = {}
        for item in _items(definition, section):
            named = item if isinstance(item, dict) else {_text(item, section): {}}
            for path, content in named.items():
                flags.setdefault(_text(path, section), {}).update(content if isinstance(content, dict) else {})
        for path, given in flags.items():
            yield _output(path, given, kind, places)


def _output(path: str, flags: Mapping[str, object], kind: OutputKind, places: _Places) -> Output:
    remote = flags.get("remote")
    return Output(
        path=places.place(path),
        kind=kind,
        cached=flags.get("cache") is not False,
        persist=flags.get("persist") is True,
        remote=remote if isinstance(remote, str) else None,
        external=_is_url(path),
    )


def _declared_output(entry: Mapping[str, object], places: _Places) -> Output:
    kind = OutputKind.METRIC if entry.get("metric") else OutputKind.PLOT if entry.get("plot") else OutputKind.DATA
    return _output(_text(entry.get("path"), "outs"), entry, kind, places)


def _imported(entry: Mapping[str, object], places: _Places) -> Dependency:
    source = entry.get("repo")
    if isinstance(source, dict):
        return Dependency(str(entry.get("path", "")), external=True, source=str(source.get("url", "")))
    if isinstance(entry.get("db"), dict):
        return Dependency("the query of a database", external=True, source="database")
    return places.dependency(_text(entry.get("path"), "deps"))


def _params(items: list[object], places: _Places) -> Iterator[ParamReference]:
    keys: dict[str, list[str]] = {}
    whole = {file for item in items if isinstance(item, dict) for file, listed in item.items() if not listed}
    for item in items:
        for file, listed in item.items() if isinstance(item, dict) else ((DEFAULT_PARAMS, [item]),):
            if listed and not isinstance(listed, list):
                raise Malformed(f"the params of {file} must be a list")
            keys.setdefault(_text(file, "params"), []).extend(as_text(key) for key in listed or [])
    for file, listed_keys in keys.items():
        place = places.place(file)
        if file in whole:
            yield ParamReference(place, None)
        else:
            yield from (ParamReference(place, key) for key in dict.fromkeys(listed_keys))


def _legacy_params(entries: list[dict[str, object]], places: _Places) -> Iterator[ParamReference]:
    for entry in entries:
        keys = entry.get("params")
        for key in keys if isinstance(keys, dict | list) else ():
            yield ParamReference(places.place(str(entry.get("path") or DEFAULT_PARAMS)), str(key))


def _legacy_values(entries: list[dict[str, object]]) -> dict[str, object]:
    return {
        str(entry.get("path") or DEFAULT_PARAMS): values
        for entry in entries
        if isinstance(values := entry.get("params"), dict)
    }


def _locked(entry: Mapping[str, object], places: _Places) -> Locked:
    params = entry.get("params")
    values = params if isinstance(params, dict) else {}
    return Locked(
        command=_commands(entry.get("cmd")),
        dependencies=dict(_fingerprints(_items(entry, "deps"), places)),
        outputs=dict(_fingerprints(_items(entry, "outs"), places)),
        params={places.place(str(file)): found for file, found in values.items() if isinstance(found, dict)},
    )


def _fingerprints(entries: list[object], places: _Places) -> Iterator[tuple[str, Fingerprint]]:
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            place = places.place(entry["path"])
            mark = _fingerprint(entry, in_project=not _is_url(place) and not posixpath.isabs(place))
            if mark is not None:
                yield place, mark


def _fingerprint(entry: Mapping[str, object], *, in_project: bool) -> Fingerprint | None:
    algorithm = entry.get("hash")
    value = entry.get(algorithm) if isinstance(algorithm, str) else entry.get("md5")
    files = entry.get("files")
    if not value and isinstance(files, list):
        value = _md5_of_listed(files)
    value = value or entry.get("etag") or entry.get("checksum")
    if not value:
        return None
    size, count = entry.get("size"), entry.get("nfiles")
    return Fingerprint(
        value=str(value).lower(),
        size_bytes=size if isinstance(size, int) else None,
        files=count if isinstance(count, int) else None,
        normalises_newlines=algorithm is None and in_project,
    )


def _md5_of_listed(files: list[object]) -> str | None:
    rows = [row for row in files if isinstance(row, dict) and row.get("md5") and row.get("relpath")]
    return md5_of_listing((str(row["relpath"]), str(row["md5"])) for row in rows) if len(rows) == len(files) else None


def _items(definition: Mapping[str, object], section: str) -> list[object]:
    items = definition.get(section)
    if items is None:
        return []
    if not isinstance(items, list):
        raise Malformed(f"`{section}` must be a list")
    return items


def _text(value: object, section: str) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed(f"`{section}` holds {value!r} where a path is expected")
    return value


def _mapping(value: object, section: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Malformed(f"`{section}` holds {value!r} where a mapping is expected")
    return value
