"""The only module that joins actions to real tools and the store: it builds the World."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from unipipe_tui.actions.world import OwnProcess, World
from unipipe_tui.adapters import process
from unipipe_tui.adapters.bundles import BundleFolder
from unipipe_tui.adapters.dvc.command_line import Dvc
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.adapters.processes import LocalProcesses
from unipipe_tui.adapters.recipes import ShippedRecipes
from unipipe_tui.adapters.server import LocalServer
from unipipe_tui.adapters.workspace import FOLDER, claim, find_root
from unipipe_tui.config import Config, TargetConfig, read_config
from unipipe_tui.domain.jobs import DETACHED_JOB, new_job_id
from unipipe_tui.domain.ports import Registry, Tool
from unipipe_tui.domain.tracking import TrackingKind, TrackingPlace
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import Database
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.history import History
from unipipe_tui.store.jobs import EventFile, JobFolders, JobRecords
from unipipe_tui.store.predictions import PredictionLog
from unipipe_tui.store.profile_cache import ProfileCache
from unipipe_tui.store.store_file import StoreFile
from unipipe_tui.store.tables import TableFiles

PACKAGE = Path(__file__).parent


def build_world(start: Path) -> World:
    """The world of the project that a folder lies in."""
    return world_at(find_root(start))


def world_at(root: Path) -> World:
    """The world of the project with this root, whether it exists already or not.

    Raises:
        UsageError: its `unipipe.yaml` is wrong.
    """
    root = root.resolve()
    config = read_config(root)
    unwritable = claim(root)
    folder = root / FOLDER
    engine = Engine()
    database = Database(folder, engine=engine)
    if database.path.exists():
        engine.begin_early()
    place = _tracking_place(root, config)
    git = GitCommandLine(root)
    dvc = Dvc(root)
    folders = JobFolders(folder / "jobs")
    job_id = os.environ.get(DETACHED_JOB) or new_job_id(time.time())
    return World(
        root=root,
        config=config,
        actor=_actor(),
        job_id=job_id,
        process=OwnProcess(os.getpid(), process.started_at(os.getpid()) or 0.0),
        now=lambda: datetime.now(UTC),
        read_only=_read_only(config.read_only, unwritable),
        git=git,
        pipeline=DvcFiles(root, folder / "cache" if unwritable is None and folder.is_dir() else None),
        dvc=dvc,
        tracking_place=place,
        tracking=TrackingFiles(place),
        open_registry=lambda: _open_registry(place.uri),
        server_of=lambda target: _server(folder, target, config.targets.get(target, TargetConfig())),
        bundles=BundleFolder(folder / "bundles"),
        predictions=PredictionLog(folder / "predictions", engine),
        tables=TableFiles(engine),
        profiler=ProfileCache(folder / "cache" / "profiles"),
        jobs=JobRecords(database),
        job_folders=folders,
        events_of_this_job=lambda: EventFile(folders.create(job_id)),
        history=History(database),
        audit=Audit(database),
        store=StoreFile(database),
        processes=LocalProcesses(),
        recipes=ShippedRecipes(PACKAGE),
        tools=_tools(git, dvc),
        elsewhere=world_at,
    )


def _tracking_place(root: Path, config: Config) -> TrackingPlace:
    place = TrackingFiles.find(root, os.environ, config.mlflow).place
    if place.kind is TrackingKind.NOTHING and config.model is not None:
        # Nothing was tracked yet: this is where the first training will.
        return place_of("sqlite:///mlflow.db", root, "the default place")
    return place


def _open_registry(uri: str) -> Registry:
    # MLflow reads these when it is imported, which takes seconds; so only a process that writes to it does.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from unipipe_tui.adapters.mlflow.client import MlflowRegistry

    return MlflowRegistry(uri)


def _verify_mlflow() -> str:
    # Asking for the version of a package takes as long as all else that a short command imports from the standard library.
    from unipipe_tui.adapters.mlflow.installed import verify

    return verify()


def _server(folder: Path, target: str, config: TargetConfig) -> LocalServer:
    return LocalServer(target, folder / "serving" / target, folder / "predictions" / target, config.host, config.port)


def _actor() -> str:
    return os.environ.get("UNIPIPE_ACTOR") or getpass.getuser()


def _read_only(configured: bool, unwritable: str | None) -> str | None:
    if os.environ.get("UNIPIPE_READ_ONLY", "").lower() in ("1", "true", "yes"):
        return "UNIPIPE_READ_ONLY is set"
    if configured:
        return "unipipe.yaml says `read_only: true`"
    return unwritable


@frozen
class CheckedTool:
    """A tool that the doctor looks at."""

    name: str
    verify: Callable[[], str]
    needed_for: str = ""


def _tools(git: GitCommandLine, dvc: Dvc) -> tuple[Tool, ...]:
    return (
        CheckedTool("git", git.verify),
        CheckedTool("dvc", dvc.verify),
        CheckedTool("mlflow", _verify_mlflow),
    )
