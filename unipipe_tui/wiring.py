"""The only module that joins actions to real tools and the store: it builds the World."""

from __future__ import annotations

import dataclasses
import getpass
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unipipe_tui.actions.world import OwnProcess, World
from unipipe_tui.adapters import process
from unipipe_tui.adapters.bundles import BundleFolder
from unipipe_tui.adapters.dvc.command_line import Dvc
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.adapters.monitor_turn import monitor_turn
from unipipe_tui.adapters.processes import LocalProcesses, run_in_project
from unipipe_tui.adapters.recipes import ShippedRecipes
from unipipe_tui.adapters.targets.local import LocalTarget
from unipipe_tui.adapters.targets.serving_process import free_port
from unipipe_tui.adapters.terminal import OwnTerminal
from unipipe_tui.adapters.workspace import FOLDER, claim, find_root
from unipipe_tui.config import (
    Config,
    TargetConfig,
    TargetKind,
    read_config,
    read_user_config,
    user_config_path,
)
from unipipe_tui.config.read_only import why_read_only
from unipipe_tui.domain.charts import Chart
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.jobs import DETACHED_JOB, new_job_id
from unipipe_tui.domain.outlines import MetricOutline
from unipipe_tui.domain.ports.exports import Exporter
from unipipe_tui.domain.ports.sinks import Sink
from unipipe_tui.domain.ports.targets import Target
from unipipe_tui.domain.ports.terminal import Terminal
from unipipe_tui.domain.ports.tools import DistantVersions, Registry, Tool
from unipipe_tui.domain.runs.importance import ImportanceMeter
from unipipe_tui.domain.runs.rows import MLFLOW, RunSource
from unipipe_tui.domain.secrets import SHORTEST_KNOWN, secret_values
from unipipe_tui.domain.tracking import TrackingKind, TrackingPlace
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.sources import Files
from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import INDEX, Database
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.history import History
from unipipe_tui.store.jobs import EventFile, JobFolders, JobRecords
from unipipe_tui.store.predictions import PredictionLog
from unipipe_tui.store.profile_cache import ProfileCache
from unipipe_tui.store.reachable import all_reachable
from unipipe_tui.store.rollouts import Rollouts
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import File, Memory
from unipipe_tui.store.store_file import StoreFile
from unipipe_tui.store.tables import TableFiles

if TYPE_CHECKING:
    from unipipe_tui.adapters.docker.images import Images
    from unipipe_tui.domain.serving import JudgedRows
    from unipipe_tui.monitoring.drift import DriftReport
    from unipipe_tui.monitoring.quality.values import QualityReport, QualitySettings

PACKAGE = Path(__file__).parent


def build_world(start: Path, also_checked: Sequence[Tool] = ()) -> World:
    """The world of the project that a folder lies in; the doctor looks at the other tools as well."""
    world = world_at(find_root(start))
    return dataclasses.replace(world, tools=(*world.tools, *also_checked)) if also_checked else world


def own_terminal() -> Terminal:
    """The terminal of this process."""
    return OwnTerminal()


def world_at(root: Path, processes: LocalProcesses | None = None) -> World:
    """The world of the project with this root, whether it exists already or not.

    Worlds that come from one another share what stands by for jobs.

    Raises:
        UsageError: its `unipipe.yaml` is wrong.
    """
    return _world_on(_ground(root.resolve()), processes or LocalProcesses())


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
    place = _tracking_place(root, config)
    job = os.environ.get(DETACHED_JOB) or new_job_id(time.time())
    return _Ground(root, config, root / FOLDER, unwritable, engine, database, place, job)


def _world_on(ground: _Ground, processes: LocalProcesses) -> World:
    root, config, folder, place, database = ground.root, ground.config, ground.folder, ground.place, ground.database
    writable = ground.unwritable is None
    git, dvc, tables = GitCommandLine(root), Dvc(root), TableFiles(ground.engine)
    runs, targets = RunsOfProject(root, place), TargetsOfProject(root, config, tables)
    run_index = RunIndex(File(Database(folder, kind=INDEX)) if writable else Memory())
    folders = JobFolders(folder / "jobs")
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
        tracking=TrackingFiles(place, last_seen_at=partial(_tracked_before, run_index, place)),
        run_index=run_index,
        index_is_kept=writable,
        run_sources=runs.near,
        distant_runs=runs.distant,
        distant_outline=partial(_distant_outline, place.uri),
        distant_versions=partial(_distant_versions, place.uri),
        open_registry=partial(_open_registry, place.uri),
        open_importance=_open_importance,
        draw_image=_draw_image,
        target_of=targets,
        free_port=free_port,
        exporter_of=targets.exporter,
        rollouts=Rollouts(database),
        bundles=BundleFolder(folder / "bundles"),
        predictions=PredictionLog(folder / "predictions", ground.engine),
        tables=tables,
        profiler=ProfileCache(folder / "cache" / "profiles"),
        report_quality=_report_quality,
        check_by=partial(_check_by, ProfileCache(folder / "cache" / "profiles")),
        jobs=JobRecords(database),
        job_folders=folders,
        events_of_this_job=lambda: EventFile(folders.create(ground.job)),
        events_of=lambda job: EventFile(folders.create(job)),
        history=History(database),
        audit=Audit(database),
        store=StoreFile(database),
        processes=processes,
        run_program=partial(run_in_project, root),
        recipes=ShippedRecipes(PACKAGE),
        sink_of=partial(_open_sink, root, config),
        monitor_turn=partial(monitor_turn, folder),
        tools=(*_tools(git, dvc), *targets.tools()),
        elsewhere=partial(world_at, processes=processes),
        secrets=_secrets(config),
    )


def _secrets(config: Config) -> tuple[str, ...]:
    """What nobody may see of the environment: what is called a secret, and what sinks take their addresses and tokens from."""
    named = (os.environ.get(name, "") for sink in config.alerts.sinks.values() for name in sink.variables)
    return tuple(
        dict.fromkeys((*(value for value in named if len(value) >= SHORTEST_KNOWN), *secret_values(os.environ)))
    )


def _tracking_place(root: Path, config: Config) -> TrackingPlace:
    place = TrackingFiles.find(root, os.environ, config.mlflow).place
    if place.kind is TrackingKind.NOTHING and config.model is not None:
        # Nothing was tracked yet: this is where the first training will.
        return place_of("sqlite:///mlflow.db", root, "the default place")
    return place


def _tracked_before(index: RunIndex, place: TrackingPlace) -> str:
    """The store at this place, if the index knows runs of it; where there is no store now, the one that there was."""
    try:
        states = index.sources()
    except UnipipeError:
        return ""
    known = (state.place for state in states if state.name == MLFLOW and state.runs and state.synced)
    return next((known_at for known_at in known if known_at == place.shown or not place.uri), "")


class RunsOfProject:
    """The sources of a project's runs. Few commands ask for them; the others need not load what reads them."""

    def __init__(self, root: Path, place: TrackingPlace) -> None:
        self._root = root
        self._place = place
        self._probed: tuple[str, str | None] | None = None

    def near(self) -> tuple[RunSource, ...]:
        """Those that can be read from files, which takes no MLflow."""
        from unipipe_tui.adapters.dvc.experiments import DvcRuns
        from unipipe_tui.adapters.mlflow.folder.changes import FolderRuns
        from unipipe_tui.adapters.mlflow.sqlite.changes import SqliteRuns

        path = self._place.path
        commits: tuple[RunSource, ...] = (DvcRuns(self._root),) if (self._root / ".dvc").is_dir() else ()
        if path is None or self._why_not_directly():
            return commits
        return (SqliteRuns(path) if self._place.kind is TrackingKind.SQLITE else FolderRuns(path), *commits)

    def distant(self, also: Sequence[str]) -> tuple[RunSource, ...]:
        """Those that only MLflow's client can read; importing it takes seconds."""
        place, why = self._place, self._why_not_directly()
        if place.kind is TrackingKind.NOTHING or (place.path is not None and not why):
            return ()
        _silence_mlflow()
        from unipipe_tui.adapters.mlflow.client.changes import ClientRuns

        return (ClientRuns(place.uri, place.shown, why or "", also=also),)

    def _why_not_directly(self) -> str | None:
        """Why a database is left to the client; it is looked into again only when it was written."""
        from unipipe_tui.adapters.mlflow.sqlite.changes import readable_directly
        from unipipe_tui.adapters.stamps import database_stamp

        if self._place.kind is not TrackingKind.SQLITE or self._place.path is None:
            return None
        stamp = database_stamp(self._place.path)
        if self._probed is None or self._probed[0] != stamp:
            self._probed = (stamp, readable_directly(self._place.path))
        return self._probed[1]


def _silence_mlflow() -> None:
    # MLflow reads these when it is imported, which takes seconds; so only a process that asks its client does.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")


def _distant_outline(uri: str, run_id: str, key: str, cells: int) -> MetricOutline:
    _silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.histories import distant_outline

    return distant_outline(uri, run_id, key, cells)


def _distant_versions(uri: str) -> DistantVersions:
    _silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.versions import ClientVersions

    return ClientVersions(uri)


def _open_registry(uri: str) -> Registry:
    _silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.registry import MlflowRegistry

    return MlflowRegistry(uri)


def import_what_jobs_need() -> None:
    """Load what takes long: for a process that will be forked for jobs."""
    _silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.early import make_ready

    make_ready()


def _report_quality(
    traffic: JudgedRows, given: JudgedRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    from unipipe_tui.monitoring.quality.report import report_quality

    return report_quality(traffic, given, settings, given_as)


def _open_importance() -> ImportanceMeter:
    from unipipe_tui.adapters.importance import ForestImportance

    return ForestImportance()


def _draw_image(chart: Chart, to: Path) -> None:
    from unipipe_tui.charts.image import draw_image

    draw_image(chart, to)


def _verify_mlflow() -> str:
    # Asking for the version of a package takes as long as all else that a short command imports from the standard library.
    from unipipe_tui.adapters.mlflow.installed import verify

    return verify()


class TargetsOfProject:
    """The targets of a project. What drives containers and clusters is loaded only by those who ask for one of them."""

    def __init__(self, root: Path, config: Config, tables: TableFiles) -> None:
        self._root = root
        self._config = config
        self._tables = tables
        self._folder = root / FOLDER
        self._allow_pickle = config.model is not None and config.model.allow_pickle

    def __call__(self, name: str) -> Target:
        """The target of that name; the default one when none is configured."""
        config = self._config.targets.get(name, TargetConfig())
        match config.kind:
            case TargetKind.LOCAL:
                return self._local(name, config)
            case TargetKind.DOCKER:
                return self._docker(name, config)
            case TargetKind.KUBERNETES:
                return self._kubernetes(name, config)

    def exporter(self, name: str) -> Exporter:
        """What makes documents of a target for other tools."""
        from unipipe_tui.adapters.kubernetes.exports import KubernetesExporter

        model = self._config.model.name if self._config.model else "model"
        return KubernetesExporter(name, model, self._config.targets.get(name, TargetConfig()))

    def tools(self) -> tuple[Tool, ...]:
        """What releases need beyond this machine, one for each target."""
        return tuple(
            CheckedTool(f"target {name}", partial(self._verified, name), "releases")
            for name, config in self._config.targets.items()
            if config.kind is not TargetKind.LOCAL
        )

    def _verified(self, name: str) -> str:
        return self(name).verify()

    def _local(self, name: str, config: TargetConfig) -> Target:
        place = (self._serving(name), self._predictions(name), config.host, config.port, config.log)
        return LocalTarget(name, *place, allow_pickle=self._allow_pickle)

    def _docker(self, name: str, config: TargetConfig) -> Target:
        from unipipe_tui.adapters.docker.engine import Engine as DockerEngine
        from unipipe_tui.adapters.docker.fleet import Door
        from unipipe_tui.adapters.docker.target import DockerTarget

        return DockerTarget(
            project=self._config.project or self._root.name,
            target=name,
            engine=DockerEngine(config.docker_host, os.environ),
            images=self._images(config),
            door=Door(config.host, config.port),
            predictions=self._predictions(name),
            count_rows=self._tables.rows,
            mode=config.log,
            environment=os.environ,
        )

    def _kubernetes(self, name: str, config: TargetConfig) -> Target:
        from unipipe_tui.adapters.kubernetes.gitops import GitOpsTarget
        from unipipe_tui.adapters.kubernetes.target import KubernetesTarget

        model = self._config.model.name if self._config.model else self._root.name
        cluster = KubernetesTarget(
            target=name,
            model=model,
            config=config,
            folder=self._serving(name),
            predictions=self._predictions(name),
            images=self._images(config),
            count_rows=self._tables.rows,
        )
        if config.gitops is None:
            return cluster
        git = GitCommandLine(self._root)
        return GitOpsTarget(name, model, config, cluster, git, self._folder / "gitops" / name)

    def _images(self, config: TargetConfig) -> Images:
        from unipipe_tui.adapters.docker.engine import Engine as DockerEngine
        from unipipe_tui.adapters.docker.images import Images

        engine = DockerEngine(config.docker_host, os.environ)
        return Images(engine, config.image, self._folder / "images", os.environ, allow_pickle=self._allow_pickle)

    def _serving(self, name: str) -> Path:
        return self._folder / "serving" / name

    def _predictions(self, name: str) -> Path:
        return self._folder / "predictions" / name


def _check_by(
    profiles: ProfileCache,
    method: DriftMethod,
    reference: Sequence[Path],
    current: Sequence[Path],
    columns: Sequence[str],
) -> DriftReport:
    from unipipe_tui.monitoring.methods.checking import Counted, check_by

    with all_reachable(reference) as then, all_reachable(current) as now:
        known = profiles.profile(then, columns)
        sets = Files(tuple(map(str, then))), Files(tuple(map(str, now)))
        return check_by(method, Counted(sets[0], known), Counted(sets[1], profiles.profile(now, columns, like=known)))


def _open_sink(root: Path, config: Config, name: str) -> Sink:
    from unipipe_tui.adapters.sinks.opening import open_sink

    return open_sink(config.alerts, root, name)


def _actor() -> str:
    return os.environ.get("UNIPIPE_ACTOR") or getpass.getuser()


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
