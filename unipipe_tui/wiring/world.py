"""Builds the World of a project: every door joined to the real tool or the store behind it."""

from __future__ import annotations

import dataclasses
import getpass
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from unipipe_tui.actions.world import OwnProcess, World
from unipipe_tui.adapters import process
from unipipe_tui.adapters.bundles import BundleFolder
from unipipe_tui.adapters.dvc.command_line import Dvc
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.monitor_turn import monitor_turn
from unipipe_tui.adapters.processes import LocalProcesses, run_in_project
from unipipe_tui.adapters.recipes import ShippedRecipes
from unipipe_tui.adapters.targets.serving_process import free_port
from unipipe_tui.adapters.terminal import OwnTerminal
from unipipe_tui.adapters.workspace import FOLDER, claim, find_root
from unipipe_tui.config import Config, read_config, read_user_config, user_config_path
from unipipe_tui.config.read_only import why_read_only
from unipipe_tui.domain.jobs import DETACHED_JOB, new_job_id
from unipipe_tui.domain.ports.terminal import Terminal
from unipipe_tui.domain.ports.tools import Tool
from unipipe_tui.domain.secrets import SHORTEST_KNOWN, secret_values
from unipipe_tui.domain.telemetry import header_secrets
from unipipe_tui.domain.tracking import TrackingPlace
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import INDEX, Database
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.history import History
from unipipe_tui.store.jobs import EventFile, JobFolders, JobRecords
from unipipe_tui.store.predictions.log import PredictionLog
from unipipe_tui.store.predictions.outcomes import DecisionOutcomes
from unipipe_tui.store.predictions.rollups import Rollups
from unipipe_tui.store.profile_cache import ProfileCache
from unipipe_tui.store.rollouts import Rollouts
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import File, Memory
from unipipe_tui.store.store_file import StoreFile
from unipipe_tui.store.tables import TableFiles
from unipipe_tui.wiring.late import (
    check_by,
    count_rows,
    draw_image,
    open_importance,
    open_sink,
    report_quality,
    trace_of,
)
from unipipe_tui.wiring.mlflow_client import distant_outline, distant_versions, open_registry
from unipipe_tui.wiring.runs import RunsOfProject, tracked_before, tracking_place
from unipipe_tui.wiring.targets import TargetsOfProject
from unipipe_tui.wiring.tools import tools_of_project
from unipipe_tui.wiring.verdicts import FileVerdicts

PACKAGE = Path(__file__).parents[1]


def build_world(start: Path, also_checked: Sequence[Tool] = ()) -> World:
    """The world of the project that a folder lies in; the doctor looks at the other tools as well."""
    world = world_at(find_root(start))
    return dataclasses.replace(world, tools=(*world.tools, *also_checked)) if also_checked else world


def own_terminal() -> Terminal:
    """The terminal of this process."""
    return OwnTerminal()


def world_at(root: Path, kept: _Kept | None = None) -> World:
    """The world of the project with this root, whether it exists already or not.

    Worlds that come from one another share what stands by for jobs, and what they read of prediction logs.

    Raises:
        UsageError: its `unipipe.yaml` is wrong.
    """
    return _world_on(_ground(root.resolve()), kept or _Kept(LocalProcesses(), {}))


@frozen
class _Kept:
    """What worlds that come from one another share."""

    processes: LocalProcesses
    rollups: dict[Path, Rollups]
    """By the project's own folder."""

    def rollups_of(self, ground: _Ground) -> Rollups:
        folder = ground.folder
        return self.rollups.setdefault(
            folder, Rollups(folder / "predictions", folder / "cache" / "rollups", ground.engine)
        )


@frozen
class _Ground:
    """What the doors of a project stand on."""

    root: Path
    config: Config
    folder: Path
    unwritable: str | None
    """Why nothing can be written to the folder."""
    engine: Engine
    database: Database
    place: TrackingPlace
    job: str


def _ground(root: Path) -> _Ground:
    config = read_config(root)
    unwritable = claim(root)
    engine = Engine()
    database = Database(root / FOLDER, engine=engine)
    if database.path.exists():
        engine.begin_early()
    place = tracking_place(root, config)
    job = os.environ.get(DETACHED_JOB) or new_job_id(time.time())
    return _Ground(root, config, root / FOLDER, unwritable, engine, database, place, job)


def _world_on(ground: _Ground, kept: _Kept) -> World:
    root, config, folder, place, database = ground.root, ground.config, ground.folder, ground.place, ground.database
    writable = ground.unwritable is None
    git, dvc, tables = GitCommandLine(root), Dvc(root), TableFiles(ground.engine)
    runs, targets = RunsOfProject(root, place), TargetsOfProject(root, config, tables)
    run_index = RunIndex(File(Database(folder, kind=INDEX)) if writable else Memory())
    folders = JobFolders(folder / "jobs")
    profiles = ProfileCache(folder / "cache" / "profiles", count_rows)
    rollups = kept.rollups_of(ground)
    return World(
        root=root,
        config=config,
        user=lambda: read_user_config(user_config_path(os.environ)),
        actor=_actor(),
        job_id=ground.job,
        process=OwnProcess(os.getpid(), process.started_at(os.getpid()) or 0.0),
        now=lambda: datetime.now(UTC),
        read_only=why_read_only(os.environ, config.read_only) or ground.unwritable,
        git=git,
        pipeline=DvcFiles(root, folder / "cache" if writable and folder.is_dir() else None),
        dvc=dvc,
        tracking_place=place,
        tracking=TrackingFiles(place, last_seen_at=partial(tracked_before, run_index, place)),
        run_index=run_index,
        index_is_kept=writable,
        run_sources=runs.near,
        distant_runs=runs.distant,
        distant_outline=partial(distant_outline, place.uri),
        distant_versions=partial(distant_versions, place.uri),
        open_registry=partial(open_registry, place.uri),
        open_importance=open_importance,
        draw_image=draw_image,
        target_of=targets,
        free_port=free_port,
        exporter_of=targets.exporter,
        rollouts=Rollouts(database),
        bundles=BundleFolder(folder / "bundles"),
        predictions=PredictionLog(folder / "predictions", ground.engine, rollups),
        operations=rollups,
        outcomes=DecisionOutcomes(folder / "predictions", ground.engine, rollups),
        tables=tables,
        profiler=profiles,
        report_quality=report_quality,
        verdicts=FileVerdicts(folder / "cache" / "profiles"),
        check_by=partial(check_by, profiles),
        jobs=JobRecords(database),
        job_folders=folders,
        events_of_this_job=lambda: EventFile(folders.create(ground.job)),
        events_of=lambda job: EventFile(folders.create(job)),
        history=History(database),
        audit=Audit(database),
        store=StoreFile(database),
        processes=kept.processes,
        run_program=partial(run_in_project, root),
        recipes=ShippedRecipes(PACKAGE),
        sink_of=partial(open_sink, root, config),
        monitor_turn=partial(monitor_turn, folder),
        tools=(*tools_of_project(git, dvc), *targets.tools()),
        elsewhere=partial(world_at, kept=kept),
        trace_of=trace_of,
        secrets=_secrets(config),
    )


def _secrets(config: Config) -> tuple[str, ...]:
    """What nobody may see of the environment: what is called a secret, and what sinks take their addresses and tokens from."""
    named = (os.environ.get(name, "") for sink in config.alerts.sinks.values() for name in sink.variables)
    known = (value for value in named if len(value) >= SHORTEST_KNOWN)
    return tuple(dict.fromkeys((*known, *header_secrets(os.environ), *secret_values(os.environ))))


def _actor() -> str:
    return os.environ.get("UNIPIPE_ACTOR") or getpass.getuser()
