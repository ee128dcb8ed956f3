"""Reads a DVC project from its files alone: no DVC is started or imported, and nothing is written but our own cache."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from unipipe_tui.adapters.dvc.config import DvcConfig, read_config
from unipipe_tui.adapters.dvc.documents import Unreadable, load, load_mapping, mapping
from unipipe_tui.adapters.dvc.hashes import DataCache, KnownHashes
from unipipe_tui.adapters.dvc.ignores import Ignores, dvc_ignores, git_ignores, is_project
from unipipe_tui.adapters.dvc.second_tree import read_params
from unipipe_tui.adapters.dvc.stages import PROJECT_FILE, Malformed, data_stage, pipeline_stage
from unipipe_tui.adapters.dvc.state import Comparison
from unipipe_tui.adapters.dvc.template import Refused, Scope, TemplateError, resolve_stages, resolve_value
from unipipe_tui.domain.freshness import PipelineState
from unipipe_tui.domain.pipelines import Artifact, Figure, OutputKind, Pipeline, Problem, Stage
from unipipe_tui.domain.runs.reproducibility import ParamValue

MARKS = (".dvc", ".git", "unipipe.yaml")
NEVER_ENTERED = frozenset({".git", ".hg", ".dvc", ".unipipe", ".venv", "venv", "node_modules", "__pycache__", "mlruns"})


class DvcFiles:
    """One DVC project on disk."""

    def __init__(self, root: Path, hash_cache: Path | None = None) -> None:
        """`hash_cache` is the folder in which known md5s may be kept; None keeps none."""
        self._root = root.absolute()
        self._hashes = KnownHashes(hash_cache)

    def read(self) -> Pipeline:
        """All stages and tracked data; what cannot be read becomes a problem and hides nothing else."""
        reading = _Reading(self._root, read_config(self._root))
        pipeline = reading.pipeline()
        return replace(pipeline, problems=(*pipeline.problems, *_uninitialised(pipeline), *pipeline.defects()))

    def state(self, pipeline: Pipeline) -> PipelineState:
        """Which stages are up to date in the workspace, and why the others are not."""
        config = read_config(self._root)
        state = Comparison(self._root, pipeline, self._hashes, DataCache(config.cache_folder)).state()
        self._hashes.save()
        unreachable = _nowhere_to_pull_from(state, config)
        return replace(state, problems=(*state.problems, *unreachable), can_pull=not unreachable)

    def snapshot(self, pipeline: Pipeline) -> dict[str, str]:
        """Path → md5 of tracked data and of every output, as the .dvc and lock files record them."""
        marks = (stage.locked.outputs for stage in pipeline.stages if stage.locked is not None)
        return {path: mark.value for found in marks for path, mark in sorted(found.items())}

    def figures(self, pipeline: Pipeline) -> tuple[Figure, ...]:
        """The values in the project's metrics files, as far as they are there and readable."""
        declared = (
            output.path for stage in pipeline.stages for output in stage.outputs if output.kind is OutputKind.METRIC
        )
        paths = dict.fromkeys([*declared, *pipeline.metrics])
        return tuple(figure for path in paths for figure in self._figures_of(path))

    def params(self, pipeline: Pipeline) -> tuple[ParamValue, ...]:
        """The values in the files of params that the stages name, as far as they are there and readable."""
        return read_params(self._root, pipeline)

    def default_remote(self) -> str | None:
        """The name of the remote that `dvc pull` and `dvc push` use; None when none is configured."""
        return read_config(self._root).default_remote

    def _figures_of(self, path: str) -> Iterator[Figure]:
        try:
            document = load(self._root / path)
        except (OSError, Unreadable):
            return
        for key, value in _flattened(document, ""):
            yield Figure(path, key, value)


@dataclass
class _Reading:
    """One pass over a project's folders, gathering as it goes."""

    root: Path
    config: DvcConfig
    stages: list[Stage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    inner_projects: list[str] = field(default_factory=list)
    outputs: set[str] = field(default_factory=set)

    def pipeline(self) -> Pipeline:
        for folder, names in self._folders():
            for name in names:
                self._read(posixpath.join(folder, name))
        return Pipeline(
            tuple(self.stages),
            tuple(self.problems),
            tuple(self.metrics),
            tuple(self.plots),
            tuple(self.artifacts),
            tuple(sorted(self.inner_projects)),
            is_project(self.root),
        )

    def _folders(self) -> Iterator[tuple[str, list[str]]]:
        """Every folder that may declare stages, with its dvc.yaml and .dvc files; outputs are not entered."""
        rules = [dvc_ignores().entering(self.root, ""), _with_exclude(self.root).entering(self.root, "")]
        pending = [("", rules)]
        # Where nothing marks a project (somebody's home, a disk), there is no end to what lies below.
        bounded = any((self.root / mark).exists() for mark in MARKS)
        while pending:
            folder, rules = pending.pop()
            folders, files = self._listed(folder, rules)
            yield (
                folder,
                sorted((name for name in files if _declares(name)), key=lambda name: (name != PROJECT_FILE, name)),
            )
            for path in sorted(folders, reverse=True) if bounded else ():
                if path not in self.outputs:
                    pending.append((path, [rule.entering(self.root, path) for rule in rules]))

    def _listed(self, folder: str, rules: list[Ignores]) -> tuple[list[str], list[str]]:
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(self.root / folder) as entries:
                for entry in entries:
                    path = posixpath.join(folder, entry.name)
                    is_folder = entry.is_dir(follow_symlinks=False)
                    wanted = _worth_entering(entry) if is_folder else _declares(entry.name)
                    if not wanted or any(rule.hide(path, is_folder=is_folder) for rule in rules):
                        continue
                    if not is_folder:
                        files.append(entry.name)
                    elif is_project(Path(entry.path)):
                        self.inner_projects.append(path)
                    else:
                        folders.append(path)
        except OSError as error:
            self.problems.append(Problem(folder or ".", None, f"cannot be read: {error.strerror}"))
        return folders, files

    def _read(self, file: str) -> None:
        before = len(self.stages)
        try:
            document = load_mapping(self.root / file)
            if posixpath.basename(file) == PROJECT_FILE:
                self._read_project(file, document)
            else:
                self.stages.append(data_stage(self.root, file, document))
        except Unreadable as error:
            self.problems.append(Problem(file, error.line, error.message))
        except (Malformed, TemplateError) as error:
            self.problems.append(Problem(file, None, str(error)))
        except OSError as error:
            self.problems.append(Problem(file, None, f"cannot be read: {error.strerror}"))
        self.outputs.update(output.path for stage in self.stages[before:] for output in stage.outputs)

    def _read_project(self, file: str, document: Mapping[str, object]) -> None:
        workdir = posixpath.dirname(file) or "."
        scope = Scope(self.root).with_default_params(workdir).with_vars(document.get("vars") or [], workdir)
        lock = self._lock_beside(file)
        declared = mapping(document.get("stages") or {})
        for found in resolve_stages(declared, scope, workdir, self.config.command_style):
            if isinstance(found, Refused):
                self._refuse(file, found.name, found.reason)
                continue
            try:
                self.stages.append(pipeline_stage(self.root, file, found.name, found.definition, lock, found.template))
            except Malformed as error:
                self._refuse(file, found.name, str(error))
        self._read_sections(file, document, scope)

    def _read_sections(self, file: str, document: Mapping[str, object], scope: Scope) -> None:
        """The sections beside `stages`: figures, plots and artifacts."""
        sections: dict[str, object] = {}
        for name in ("metrics", "plots", "artifacts"):
            try:
                sections[name] = resolve_value(document.get(name), scope, "foreach")
            except TemplateError as error:
                self._refuse(file, name, str(error))
        folder = posixpath.dirname(file)
        self.metrics += [_beside(folder, path) for path in _listed_texts(sections.get("metrics"))]
        self.plots += [_beside(folder, path) for path in _plot_files(sections.get("plots"))]
        self.artifacts += _artifacts(sections.get("artifacts"), folder)

    def _lock_beside(self, file: str) -> dict[str, object]:
        """The stages of the lock file; those of the first schema stand at its top level."""
        path = posixpath.splitext(file)[0] + ".lock"
        try:
            document = load_mapping(self.root / path)
            return mapping(document.get("stages") or {}) if "schema" in document else document
        except FileNotFoundError:
            return {}
        except Unreadable as error:
            self.problems.append(Problem(path, error.line, error.message))
        except OSError as error:
            self.problems.append(Problem(path, None, f"cannot be read: {error.strerror}"))
        return {}

    def _refuse(self, file: str, name: str, reason: str) -> None:
        line = _line_of(self.root / file, name.split("@", 1)[0])
        self.problems.append(Problem(file, line, f"{name}: {reason}"))


def _uninitialised(pipeline: Pipeline) -> tuple[Problem, ...]:
    if pipeline.initialised or not pipeline.stages:
        return ()
    return (Problem(pipeline.stages[0].file, None, "DVC is not initialised in this project: `dvc init` does it"),)


def _nowhere_to_pull_from(state: PipelineState, config: DvcConfig) -> tuple[Problem, ...]:
    def has_remote(stage: Stage) -> bool:
        return stage.is_import or all(output.remote for output in stage.outputs)

    waiting = [state for state in state.states if state.way_back == "dvc pull" and not has_remote(state.stage)]
    if config.default_remote is not None or not waiting:
        return ()
    return (
        Problem(".dvc/config", None, "no default remote is set, so `dvc pull` cannot fetch the data that is missing"),
    )


def _declares(name: str) -> bool:
    return name == PROJECT_FILE or (name.endswith(".dvc") and name != ".dvc")


def _worth_entering(entry: os.DirEntry[str]) -> bool:
    return entry.name not in NEVER_ENTERED and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))


def _with_exclude(root: Path) -> Ignores:
    exclude = git_ignores()
    local = Ignores(("info/exclude",)).entering(root, ".git")
    return Ignores(exclude.file_names, tuple(("", spec) for _, spec in local.layers))


def _line_of(path: Path, name: str) -> int | None:
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*:", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else None


def _beside(folder: str, path: str) -> str:
    return path if "://" in path else posixpath.normpath(posixpath.join(folder, path))


def _listed_texts(section: object) -> list[str]:
    return [item for item in section if isinstance(item, str)] if isinstance(section, list) else []


def _plot_files(section: object) -> Iterator[str]:
    """The files of a `plots` section: named themselves, or as the keys of their axes."""
    for item in section if isinstance(section, list) else []:
        for name, settings in item.items() if isinstance(item, dict) else ((item, None),):
            axes = [settings.get(axis) for axis in ("x", "y")] if isinstance(settings, dict) else []
            files = [str(file) for axis in axes if isinstance(axis, dict) for file in axis]
            yield from files or [str(name)]


def _artifacts(section: object, folder: str) -> Iterator[Artifact]:
    for name, content in section.items() if isinstance(section, dict) else ():
        if isinstance(content, dict) and isinstance(content.get("path"), str):
            path = _beside(folder, content["path"])
            yield Artifact(str(name), path, str(content.get("type") or ""), str(content.get("desc") or ""))


def _flattened(value: object, above: str) -> Iterator[tuple[str, float | int | str | bool]]:
    if isinstance(value, Mapping):
        for key, content in value.items():
            yield from _flattened(content, f"{above}.{key}" if above else str(key))
    elif isinstance(value, bool | int | float | str):
        yield above, value
