"""Repositories as others leave them, built without a network, and one look at everything in them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from unipipe_tui.actions.models.registry import ListModels, ModelList, list_models
from unipipe_tui.actions.overview import Overview, Status, status
from unipipe_tui.actions.pipeline.running import PipelinePlan, PlanPipeline, StagePlan, plan_pipeline
from unipipe_tui.actions.pipeline.view import PipelineView, ShowPipeline, StageLine, show_pipeline
from unipipe_tui.actions.runs.listing import ListRuns, RunList, list_runs
from unipipe_tui.domain.board import Step
from unipipe_tui.wiring import build_world

OURS = ".unipipe"
EXCLUDED = b".unipipe/\n"


@dataclass(frozen=True)
class Repository:
    """A folder that a test fills."""

    root: Path

    def write(self, path: str, content: str | bytes = "") -> Path:
        """Write one file, with the folders above it."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def write_yaml(self, path: str, document: object) -> Path:
        """Write one YAML file."""
        return self.write(path, yaml.safe_dump(document, sort_keys=False))

    def dvc(self, folder: str = ".", remote: str | None = "https://data.example.org") -> None:
        """Initialise DVC in a folder, as its files show it."""
        settings = f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n" if remote else ""
        self.write(f"{folder}/.dvc/config", settings)
        self.write(f"{folder}/.dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
        # Some repositories track what DVC rewrites whenever it looks.
        self.write(f"{folder}/.dvc/tmp/btime", "kept by mistake")

    def track(self, path: str, content: str, *, here: bool = True) -> None:
        """Track a file with DVC; without `here` it was never pulled."""
        mark = {"md5": md5(content), "size": len(content.encode()), "hash": "md5", "path": Path(path).name}
        self.write_yaml(f"{path}.dvc", {"outs": [mark]})
        if here:
            self.write(path, content)
            self.cache(content)

    def cache(self, content: str) -> None:
        """Put content into DVC's cache."""
        mark = md5(content)
        self.write(f".dvc/cache/files/md5/{mark[:2]}/{mark[2:]}", content)

    def commit(self) -> Repository:
        """Make it a Git repository with all of it committed."""
        git("init", "--quiet", "--initial-branch=main", cwd=self.root)
        git("add", "--force", "-A", cwd=self.root)
        git("commit", "--quiet", "-m", "As it was", cwd=self.root)
        return self


def md5(content: str) -> str:
    """As DVC 3 counts it."""
    return hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


def locked(path: str, content: str) -> dict[str, object]:
    """A path as dvc.lock records it."""
    return {"path": path, "hash": "md5", "md5": md5(content), "size": len(content.encode())}


@dataclass(frozen=True)
class Looked:
    """What a stranger sees."""

    overview: Overview
    view: PipelineView
    plan: PipelinePlan
    runs: RunList
    models: ModelList

    def step(self, name: str) -> Step:
        """One of the twelve."""
        return next(step for step in self.overview.steps if step.name == name)

    @property
    def stages(self) -> Mapping[str, StageLine]:
        """The lines of `pipeline show`."""
        return {line.stage: line for line in self.view.stages}

    @property
    def planned(self) -> Mapping[str, StagePlan]:
        """The stages of `pipeline plan`."""
        return {stage.stage: stage for stage in self.plan.stages}


def look(start: Path, *also: Path) -> Looked:
    """Look at everything from this folder; fails when a byte below it, or below the other folders, changed.

    Every look is taken twice: the second one finds the store and the caches that the first one left.
    """
    before = fingerprints(start, *also)
    for _ in range(2):
        world = build_world(start)
        looked = Looked(
            status(Status(), world),
            show_pipeline(ShowPipeline(), world),
            plan_pipeline(PlanPipeline(), world),
            list_runs(ListRuns(), world),
            list_models(ListModels(), world),
        )
    assert fingerprints(start, *also) == before
    return looked


def fingerprints(*folders: Path) -> dict[str, str]:
    """Every path below these folders with what it holds; `.unipipe` and the one line that hides it do not count."""
    found: dict[str, str] = {}
    for folder in folders:
        for here, inner, files in os.walk(folder):
            inner[:] = [name for name in inner if name != OURS]
            found[here] = "folder"
            found.update({os.path.join(here, name): _content(Path(here, name)) for name in files})
    return found


def _content(file: Path) -> str:
    if file.is_symlink():
        return f"-> {os.readlink(file)}"
    content = file.read_bytes()
    if file.parts[-2:] == ("info", "exclude"):
        content = content.removesuffix(EXCLUDED).removesuffix(b"\n")
    return hashlib.sha256(content).hexdigest()


@contextmanager
def unwritable(root: Path) -> Iterator[None]:
    """Nothing below this folder can be written; skips the test where that cannot be arranged."""
    if os.geteuid() == 0:
        # Permission bits do not bind root, a read-only mount does.
        _mount("--bind", str(root), str(root))
        try:
            _mount("-o", "remount,ro,bind", str(root))
            yield
        finally:
            subprocess.run(["umount", str(root)], check=True)
        return
    folders = [Path(here) for here, _, _ in os.walk(root)]
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no read-only mount can be made here: {done.stderr.strip()}")


def mlflow_one_database(path: Path, *, empty: bool = False) -> None:
    """A database as MLflow 1 made it: no aliases, no data sets, no logged models; versions have stages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.executescript(_MLFLOW_ONE)
        if empty:
            for table in ("runs", "latest_metrics", "registered_models", "model_versions"):
                connection.execute(f"DELETE FROM {table}")
    connection.close()


_MLFLOW_ONE = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256), artifact_location VARCHAR(256),
    lifecycle_stage VARCHAR(32));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20),
    source_name VARCHAR(500), entry_point_name VARCHAR(50), user_id VARCHAR(256), status VARCHAR(9), start_time BIGINT,
    end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200),
    experiment_id INTEGER);
CREATE TABLE params (key VARCHAR(250), value VARCHAR(250), run_uuid VARCHAR(32));
CREATE TABLE tags (key VARCHAR(250), value VARCHAR(5000), run_uuid VARCHAR(32));
CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN);
CREATE TABLE latest_metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN,
    run_uuid VARCHAR(32));
CREATE TABLE registered_models (name VARCHAR(256) PRIMARY KEY, creation_time BIGINT, last_updated_time BIGINT,
    description VARCHAR(5000));
CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, creation_time BIGINT, last_updated_time BIGINT,
    description VARCHAR(5000), user_id VARCHAR(256), current_stage VARCHAR(20), source VARCHAR(500), run_id VARCHAR(32),
    status VARCHAR(20), status_message VARCHAR(500), run_link VARCHAR(500));
CREATE TABLE model_version_tags (key VARCHAR(250), value VARCHAR(5000), name VARCHAR(256), version INTEGER);
CREATE TABLE registered_model_tags (key VARCHAR(250), value VARCHAR(5000), name VARCHAR(256));
CREATE TABLE alembic_version (version_num VARCHAR(32));
INSERT INTO alembic_version VALUES ('451aebb31d03');
INSERT INTO experiments VALUES (0, 'Default', 'C:/Users/ada/mlruns/0', 'active');
INSERT INTO runs VALUES ('aaaa1111', 'kept', 'LOCAL', 'train.py', '', 'ada', 'FINISHED', 1600000000000, 1600000060000,
    '', 'active', 'C:/Users/ada/mlruns/0/aaaa1111/artifacts', 0);
INSERT INTO runs VALUES ('bbbb2222', 'abandoned', 'LOCAL', 'train.py', '', 'ada', 'RUNNING', 1600000100000, NULL,
    '', 'active', 'C:/Users/ada/mlruns/0/bbbb2222/artifacts', 0);
INSERT INTO latest_metrics VALUES ('auc', 0.91, 1600000050000, 0, 0, 'aaaa1111');
INSERT INTO registered_models VALUES ('churn', 1600000000000, 1600000000000, NULL);
INSERT INTO model_versions VALUES
    ('churn', 1, 1600000000000, 1600000000000, NULL, NULL, 'Archived', 'runs:/aaaa1111/model', 'aaaa1111', 'READY', '', ''),
    ('churn', 3, 1600000000000, 1600000000000, NULL, NULL, 'Production', 'runs:/aaaa1111/model', 'aaaa1111', 'READY', '', ''),
    ('churn', 4, 1600000000000, 1600000000000, NULL, NULL, 'Staging', 'runs:/aaaa1111/model', 'aaaa1111', 'READY', '', ''),
    ('churn', 5, 1600000000000, 1600000000000, NULL, NULL, 'None', 'runs:/aaaa1111/model', 'aaaa1111', 'READY', '', '');
"""


def mlruns_folder(repository: Repository, folder: str = "mlruns") -> None:
    """A folder store with one finished run, one that claims to run since years, and a model with stages."""
    experiment = f"{folder}/0"
    repository.write_yaml(
        f"{experiment}/meta.yaml",
        {
            "artifact_location": "file:///home/ada/mlruns/0",
            "experiment_id": "0",
            "lifecycle_stage": "active",
            "name": "Default",
        },
    )
    for run, state, begun in (("aaaa1111", 3, 1600000000000), ("bbbb2222", 1, 1600000100000)):
        meta = {
            "artifact_uri": f"file:///home/ada/mlruns/0/{run}/artifacts",
            "end_time": begun + 60_000 if state == 3 else None,
            "experiment_id": "0",
            "lifecycle_stage": "active",
            "name": "",
            "run_id": run,
            "run_uuid": run,
            "start_time": begun,
            "status": state,
        }
        repository.write_yaml(f"{experiment}/{run}/meta.yaml", meta)
    repository.write(f"{experiment}/aaaa1111/metrics/auc", "1600000050000 0.91 0\n")
    repository.write_yaml(f"{folder}/models/churn/meta.yaml", {"name": "churn", "creation_timestamp": 1600000000000})
    for number, stage in ((1, "Archived"), (2, "Production")):
        version = {"version": number, "current_stage": stage, "run_id": "aaaa1111", "source": "runs:/aaaa1111/model"}
        repository.write_yaml(f"{folder}/models/churn/version-{number}/meta.yaml", version)
