"""The files that runs left on this machine: their artifacts, the models that they logged, the packages of those."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from unipipe_tui.adapters.mlflow.places import folders_meant, local_path
from unipipe_tui.domain.run_files import RunFiles, packages_of
from unipipe_tui.domain.tracking import Run

MOST_FILES = 10_000
"""Of one run; whoever logged more did not mean to compare them one by one."""
MOST_MODELS = 2_000
"""Of one experiment: of more only the newest are looked into."""
BEGINNING_BYTES = 65_536
_RUN_ID = re.compile(r"^run_id: *['\"]?([\w-]+)", re.MULTILINE)


def files_of(runs: Sequence[Run], root: Path) -> tuple[RunFiles | None, ...]:
    """The files of each run; None for one whose artifacts are not on this machine.

    MLflow makes a run's folder with its first file: where the experiment has its folder here, a run without one has no
    files. Models lie among a run's artifacts in older versions, beside the runs of the experiment since MLflow 3.
    """
    models: dict[Path, Mapping[str, Sequence[Path]]] = {}
    found: list[RunFiles | None] = []
    for run in runs:
        folder = _artifact_folder(run, root)
        if folder is None:
            found.append(None)
            continue
        kept = folder.parent.parent / "models"
        if kept not in models:
            models[kept] = _models_by_run(kept)
        found.append(_files(folder, models[kept].get(run.run_id, ())))
    return tuple(found)


def _artifact_folder(run: Run, root: Path) -> Path | None:
    for folder in folders_meant(run.artifact_uri or "", root):
        # The folder of the experiment is what tells whether artifacts are kept here.
        if folder.is_dir() or (run.run_id == folder.parent.name and folder.parent.parent.is_dir()):
            return folder
    return None


def holds_a_model(artifacts: str) -> bool | None:
    """Whether MLflow finds a model among a run's artifacts, given their URI; None when they are not on this machine.

    It looks where the URI points and nowhere else, one folder deep; a relative URI may mean another folder then.
    """
    folder = local_path(artifacts, Path("/")) if artifacts.startswith(("/", "file:/")) else None
    if folder is None:
        return None
    return any((path / "MLmodel").is_file() for path in (folder.iterdir() if folder.is_dir() else ()))


def _models_by_run(folder: Path) -> Mapping[str, Sequence[Path]]:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for model in _newest(folder):
        inside = model / "artifacts"
        if named := _RUN_ID.search(_beginning(inside / "MLmodel")):
            found[named[1]].append(inside)
    return found


def _newest(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            models = sorted((entry.stat().st_mtime, entry.path) for entry in entries if entry.name.startswith("m-"))
    except OSError:
        return []
    return [Path(path) for _, path in models[-MOST_MODELS:]]


def _files(artifacts: Path, models: Sequence[Path]) -> RunFiles:
    sizes: dict[str, int] = {}
    packages: dict[str, str] = {}
    folders = [("", artifacts), *((f"model{'' if n == 1 else f'-{n}'}/", model) for n, model in enumerate(models, 1))]
    described = list(models)
    complete = True
    for prefix, folder in folders:
        for path, size in _walk(str(folder)):
            if len(sizes) >= MOST_FILES:
                complete = False
                break
            sizes[prefix + path] = size
            if not prefix and path.rpartition("/")[2] == "MLmodel":
                described.append((folder / path).parent)
    for model in described:
        packages |= _packages(model)
    return RunFiles(sizes, packages or None, complete)


def _walk(folder: str, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Path below the folder, and bytes, of each file in it, in order; a link counts as itself."""
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in inside:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
            continue
        with suppress(OSError):
            yield prefix + entry.name, entry.stat(follow_symlinks=False).st_size


def _packages(model: Path) -> dict[str, str]:
    requirements = _beginning(model / "requirements.txt")
    conda = {} if requirements else _conda(_beginning(model / "conda.yaml"))
    python = re.search(r"^python: *['\"]?([\w.]+)", _beginning(model / "python_env.yaml"), re.MULTILINE)
    return {**({"python": python[1]} if python else {}), **conda, **packages_of(requirements.splitlines())}


def _conda(text: str) -> dict[str, str]:
    """Packages of a conda environment, those from pip included."""
    try:
        environment: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    wanted = environment.get("dependencies") if isinstance(environment, dict) else None
    lines: list[str] = []
    for one in wanted if isinstance(wanted, list) else []:
        if isinstance(one, str):
            lines.append(one)
        elif isinstance(one, dict) and isinstance(one.get("pip"), list):
            lines += map(str, one["pip"])
    return packages_of(lines)


def _beginning(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(BEGINNING_BYTES).decode(errors="replace")
    except OSError:
        return ""
