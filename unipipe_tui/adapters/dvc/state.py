"""Compares a pipeline with the workspace: which stages are up to date, and exactly why the others are not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from unipipe_tui.adapters.dvc.documents import Unreadable, load_mapping
from unipipe_tui.adapters.dvc.hashes import DataCache, KnownHashes, md5_of_listing
from unipipe_tui.adapters.dvc.ignores import dvc_ignores, files_below
from unipipe_tui.adapters.dvc.template import DEFAULT_PARAMS
from unipipe_tui.domain.freshness import Cause, CauseKind, PipelineState, StageState, judge
from unipipe_tui.domain.pipelines import Fingerprint, Locked, Output, ParamReference, Pipeline, Problem, Stage

LONGEST_VALUE = 80

_NOTHING = Locked((), {}, {}, {})


class Comparison:
    """One look at the workspace; each file is looked at once, however many stages read it."""

    def __init__(self, root: Path, pipeline: Pipeline, hashes: KnownHashes, cache: DataCache) -> None:
        self._root = root
        self._pipeline = pipeline
        self._workspace = _Workspace(root, hashes, cache)
        self._cache = cache
        self._cached: dict[Fingerprint, bool] = {}
        self._params: dict[str, dict[str, object] | None] = {}
        self._problems: list[Problem] = []
        self._owners = {output.path: (stage, output) for stage in pipeline.stages for output in stage.outputs}
        self._inside = _by_folder(self._owners.values())

    def state(self) -> PipelineState:
        """The state of every stage, in running order."""
        states: dict[str, StageState] = {}
        for address in self._pipeline.order():
            stage = self._pipeline.by_address[address]
            parents = () if stage.frozen or stage.is_data else self._pipeline.parents(address)
            stale = [parent for parent in parents if parent in states and states[parent].will_run]
            states[address] = judge(stage, self._causes(stage), stale)
        return PipelineState(tuple(states.values()), (*self._pipeline.problems, *self._problems))

    def _causes(self, stage: Stage) -> Iterator[Cause]:
        follows_inputs = not stage.frozen and not stage.is_data
        if stage.locked is None:
            yield Cause(CauseKind.NEVER_RUN)
            yield from self._missing_inputs(stage)
            return
        if stage.command and stage.locked.command and stage.command != stage.locked.command:
            before, after = (" && ".join(command) for command in (stage.locked.command, stage.command))
            yield Cause(CauseKind.COMMAND_CHANGED, stage.address, before, after)
        if follows_inputs:
            yield from self._dependency_causes(stage, stage.locked)
            yield from self._param_causes(stage, stage.locked)
        elif stage.is_import and not stage.frozen:
            yield from self._source_causes(stage, stage.locked)
        for output in stage.outputs:
            yield from self._output_causes(stage, output, stage.locked.outputs.get(output.path))
        if stage.runs_every_time:
            yield Cause(CauseKind.ALWAYS_CHANGED)

    def _source_causes(self, stage: Stage, locked: Locked) -> Iterator[Cause]:
        """Where imported data came from, as far as it is on this machine; that it is elsewhere is no fault."""
        for path, mark in locked.dependencies.items():
            if "://" not in path and self._workspace.exists(path):
                yield from self._workspace.difference(path, mark, CauseKind.DEPENDENCY_CHANGED)

    def _missing_inputs(self, stage: Stage) -> Iterator[Cause]:
        for cause in self._dependency_causes(stage, _NOTHING):
            if cause.kind in {CauseKind.DEPENDENCY_MISSING, CauseKind.DATA_NOT_PULLED, CauseKind.DATA_NOT_CHECKED_OUT}:
                yield cause

    def _dependency_causes(self, stage: Stage, locked: Locked) -> Iterator[Cause]:
        for dependency in stage.dependencies:
            path, mark = dependency.path, locked.dependencies.get(dependency.path)
            if dependency.external:
                yield Cause(CauseKind.NOT_CHECKED, path)
            elif not self._workspace.exists(path):
                yield from self._absent_dependency(path, mark)
            elif mark is None:
                yield Cause(CauseKind.DEPENDENCY_NEW, path)
            elif to_fetch := self._absent_parts(path):
                yield from to_fetch
            else:
                yield from self._workspace.difference(path, mark, CauseKind.DEPENDENCY_CHANGED)

    def _absent_parts(self, path: str) -> list[Cause]:
        """Data of other stages that belongs into a folder and is not there: until it is, nothing can be compared."""
        return [
            self._to_fetch(output.path, known)
            for stage, output in self._inside.get(path, ())
            if output.cached and (known := _recorded(stage, output)) and not self._workspace.exists(output.path)
        ]

    def _absent_dependency(self, path: str, mark: Fingerprint | None) -> Iterator[Cause]:
        """Something that is not there may be known data that only has to be fetched, as an output of another stage."""
        owner = self._owner_of(path)
        known = _recorded(*owner) if owner is not None else None
        if owner is None or known is None or not owner[1].cached:
            yield from () if owner is not None and mark is None else (Cause(CauseKind.DEPENDENCY_MISSING, path),)
        elif mark is not None and owner[1].path == path and known.value != mark.value:
            yield Cause(CauseKind.DEPENDENCY_CHANGED, path, _short(mark.value), _short(known.value))
        else:
            yield self._to_fetch(path, known)

    def _owner_of(self, path: str) -> tuple[Stage, Output] | None:
        for place in (path, *(str(folder) for folder in PurePosixPath(path).parents)):
            if place in self._owners:
                return self._owners[place]
        return next(iter(self._inside.get(path, ())), None)

    def _output_causes(self, stage: Stage, output: Output, mark: Fingerprint | None) -> Iterator[Cause]:
        if output.external:
            yield Cause(CauseKind.NOT_CHECKED, output.path)
        elif not self._workspace.exists(output.path):
            if output.cached and (mark is not None or stage.is_data):
                yield self._to_fetch(output.path, mark)
            else:
                yield Cause(CauseKind.OUTPUT_MISSING, output.path)
        elif mark is None:
            yield Cause(CauseKind.OUTPUT_NEW, output.path)
        else:
            changes = list(self._workspace.difference(output.path, mark, CauseKind.OUTPUT_CHANGED))
            if not changes and output.cached and not self._in_cache(mark):
                changes = [Cause(CauseKind.OUTPUT_NOT_IN_CACHE, output.path)]
            yield from changes

    def _to_fetch(self, path: str, mark: Fingerprint | None) -> Cause:
        here = mark is not None and self._in_cache(mark)
        return Cause(CauseKind.DATA_NOT_CHECKED_OUT if here else CauseKind.DATA_NOT_PULLED, path)

    def _in_cache(self, mark: Fingerprint) -> bool:
        if mark not in self._cached:
            self._cached[mark] = self._cache.has(mark)
        return self._cached[mark]

    def _param_causes(self, stage: Stage, locked: Locked) -> Iterator[Cause]:
        for reference in stage.params:
            values = self._params_of(reference.file)
            before = locked.params.get(reference.file)
            if values is None:
                yield Cause(CauseKind.DEPENDENCY_MISSING, reference.file)
            elif reference.key is None:
                names = dict.fromkeys([*values, *(before or {})])
                for name in names:
                    yield from _param_difference(ParamReference(reference.file, name), values, before or {}, whole=True)
            else:
                yield from _param_difference(reference, values, before or {}, whole=False)

    def _params_of(self, file: str) -> dict[str, object] | None:
        if file not in self._params:
            try:
                self._params[file] = load_mapping(self._root / file)
            except OSError:
                self._params[file] = None
            except Unreadable as error:
                self._problems.append(Problem(file, error.line, error.message))
                self._params[file] = None
        return self._params[file]


class _Workspace:
    """The files as they are now, against what was recorded."""

    def __init__(self, root: Path, hashes: KnownHashes, cache: DataCache) -> None:
        self._root = root
        self._hashes = hashes
        self._cache = cache
        self._values: dict[tuple[str, bool], str] = {}
        self._listings: dict[str, list[tuple[str, os.stat_result]]] = {}

    def exists(self, path: str) -> bool:
        return os.path.exists(self._root / path)

    def difference(self, path: str, mark: Fingerprint, kind: CauseKind) -> Iterator[Cause]:
        """A cause of the given kind when the file or folder is no longer what the mark says."""
        try:
            before, after = self._compare(path, mark)
        except OSError as error:
            yield Cause(kind, path, _short(mark.value), f"cannot be read: {error.strerror}")
            return
        if before != after:
            yield Cause(kind, path, before, after)

    def _compare(self, path: str, mark: Fingerprint) -> tuple[str, str]:
        """Before and after, equal when nothing changed; sizes are compared first, content only when they agree."""
        whole = self._root / path
        is_folder = whole.is_dir()
        if is_folder != mark.is_folder:
            return ("folder", "file") if mark.is_folder else ("file", "folder")
        if mark.size_bytes is not None and not mark.normalises_newlines:
            size, files = self._weigh(path) if is_folder else (whole.stat().st_size, None)
            if is_folder and mark.files is not None and files != mark.files:
                return f"{mark.files:,} files", f"{files:,} files"
            if size != mark.size_bytes:
                return f"{mark.size_bytes:,} bytes", f"{size:,} bytes"
        return _short(mark.value), _short(self._value(path, mark))

    def _weigh(self, path: str) -> tuple[int, int | None]:
        listing = self._listing(path)
        return sum(stat.st_size for _, stat in listing), len(listing)

    def _value(self, path: str, mark: Fingerprint) -> str:
        """The md5 of a file or folder as it is now; `mark` says of which sort, and what it is likely to be."""
        key = (path, mark.normalises_newlines)
        if key not in self._values:
            whole = self._root / path
            if mark.is_folder:
                likely = self._cache.listing(mark) or {}
                files = self._listing(path)
                marks = ((name, self._md5(whole / name, stat, mark, likely.get(name))) for name, stat in files)
                self._values[key] = md5_of_listing(marks)
            else:
                self._values[key] = self._md5(whole, whole.stat(), mark, mark.value)
        return self._values[key]

    def _md5(self, file: Path, stat: os.stat_result, mark: Fingerprint, likely: str | None) -> str:
        if likely is not None and self._cache.is_linked(stat, likely, is_legacy=mark.normalises_newlines):
            return likely
        return self._hashes.md5(file, stat, normalise_newlines=mark.normalises_newlines)

    def _listing(self, path: str) -> list[tuple[str, os.stat_result]]:
        if path not in self._listings:
            rules = dvc_ignores().descending_to(self._root, path)
            self._listings[path] = list(files_below(self._root, path, rules))
        return self._listings[path]


def _recorded(stage: Stage, output: Output) -> Fingerprint | None:
    return stage.locked.outputs.get(output.path) if stage.locked is not None else None


def _by_folder(owners: Iterable[tuple[Stage, Output]]) -> dict[str, list[tuple[Stage, Output]]]:
    """Each folder above an output, with the outputs that lie inside it."""
    inside: dict[str, list[tuple[Stage, Output]]] = {}
    for owner in owners:
        for folder in PurePosixPath(owner[1].path).parents:
            inside.setdefault(str(folder), []).append(owner)
    return inside


def _param_difference(
    reference: ParamReference, now: Mapping[str, object], before: Mapping[str, object], *, whole: bool
) -> Iterator[Cause]:
    key = reference.key or ""
    subject = key if reference.file == DEFAULT_PARAMS else f"{reference.file}:{key}"
    found, value = (key in now, now.get(key)) if whole else _look_up(now, key)
    if not found:
        yield Cause(CauseKind.PARAM_REMOVED, subject, before=_shown(before.get(key)))
    elif key not in before:
        yield Cause(CauseKind.PARAM_NEW, subject, after=_shown(value))
    elif before[key] != (list(value) if isinstance(value, tuple) else value):
        yield from _value_difference(subject, before[key], value)


def _value_difference(subject: str, before: object, value: object) -> Iterator[Cause]:
    """One cause for each value that differs: of a whole section that a stage names, only what was edited."""
    if not (isinstance(before, Mapping) and isinstance(value, Mapping)):
        yield Cause(CauseKind.PARAM_CHANGED, subject, _shown(before), _shown(value))
        return
    for key in dict.fromkeys((*before, *value)):
        inner = f"{subject}.{key}"
        if key not in value:
            yield Cause(CauseKind.PARAM_REMOVED, inner, before=_shown(before[key]))
        elif key not in before:
            yield Cause(CauseKind.PARAM_NEW, inner, after=_shown(value[key]))
        elif before[key] != value[key]:
            yield from _value_difference(inner, before[key], value[key])


def _look_up(values: Mapping[str, object], key: str) -> tuple[bool, object]:
    """Whether a dotted key is there, and its value; a number may be a place in a list."""
    current: object = values
    for part in key.split("."):
        member: str | int = int(part) if part.isdigit() and not _has(current, part) else part
        if not _has(current, member):
            return False, None
        current = current[member]  # type: ignore[index]
    return True, current


def _has(container: object, member: str | int) -> bool:
    if isinstance(container, Mapping):
        return member in container
    return isinstance(container, list | tuple) and isinstance(member, int) and member < len(container)


def _short(value: str) -> str:
    """Enough of a fingerprint to tell two apart on sight."""
    return f"{value[:8]}.dir" if value.endswith(".dir") else value[:8]


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
