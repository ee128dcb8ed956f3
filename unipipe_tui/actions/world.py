"""Everything that an action may touch, handed to it by the wiring: real tools, or fakes in a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from unipipe_tui.actions.verdict_doors import Verdicts
from unipipe_tui.config import Config, ModelConfig, TargetConfig, UserConfig
from unipipe_tui.domain.charts import Picture
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.jobs import Job
from unipipe_tui.domain.outlines import MetricOutline
from unipipe_tui.domain.ports.exports import Exporter
from unipipe_tui.domain.ports.objectives import LabelledDecisions
from unipipe_tui.domain.ports.operations import OperationsLog
from unipipe_tui.domain.ports.rollouts import Rollouts
from unipipe_tui.domain.ports.serving import Bundles, Predictions, Tables
from unipipe_tui.domain.ports.sinks import MonitorTurn, Sink
from unipipe_tui.domain.ports.store import Audit, EventSink, History, JobFolders, JobRecords, RunIndex, StoreFile
from unipipe_tui.domain.ports.targets import Target
from unipipe_tui.domain.ports.telemetry import JobTrace
from unipipe_tui.domain.ports.tools import (
    DistantVersions,
    Dvc,
    Git,
    PipelineFiles,
    Processes,
    Recipes,
    Registry,
    RunProgram,
    Tool,
)
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.importance import ImportanceMeter
from unipipe_tui.domain.runs.rows import RunSource
from unipipe_tui.domain.serving import AnsweredRows
from unipipe_tui.domain.telemetry import untraced
from unipipe_tui.domain.tracking import Tracking, TrackingPlace
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.drift import DriftReport
from unipipe_tui.monitoring.quality.results import QualityReport, QualitySettings


class Profiler(Protocol):
    """Counts the distributions of columns; reading files of any size takes one scan."""

    def profile(
        self,
        files: Sequence[Path],
        columns: Sequence[str] | None = None,
        like: Profile | None = None,
        progress: Progress | None = None,
    ) -> Profile:
        """The profile of Parquet, CSV or JSON-lines files; with `like`, counted in that profile's bins.

        One without `like` is kept by the files' content and not counted again. `progress` hears how many columns are
        counted, and can stop the work.
        """
        ...

    def columns(self, files: Sequence[Path]) -> tuple[str, ...]:
        """The names of their columns, in order; looks at no row where the format allows it."""
        ...


class ChecksByMethod(Protocol):
    """Compares two sets of rows by a method of one's own choice; importing what it computes with takes a second."""

    def __call__(
        self,
        method: DriftMethod,
        reference: Sequence[Path],
        current: Sequence[Path],
        columns: Sequence[str],
        progress: Progress | None = None,
    ) -> DriftReport:
        """These columns of the reference, each with the method's number and verdict; `progress` as for a profile."""
        ...


class QualityReporter(Protocol):
    """Tells how good decisions were; importing what it computes with takes a second."""

    def __call__(
        self, traffic: AnsweredRows, given: AnsweredRows | None, settings: QualitySettings, given_as: str = ""
    ) -> QualityReport:
        """Windows, estimates, detectors, calibration, forecast and causes; `given` is a labelled reference."""
        ...


@frozen
class OwnProcess:
    """This process, as a job records it."""

    pid: int
    started: float
    """Seconds since the epoch."""


@frozen
class World:
    """One project and the tools around it. Making one costs nothing: each tool is reached when it is used."""

    root: Path
    config: Config
    user: Callable[[], UserConfig]
    """What the user configured for every project, as it is now."""
    actor: str
    job_id: str
    """The id of the job that this process is, should it make a change."""
    process: OwnProcess
    now: Callable[[], datetime]
    """The time, in UTC."""
    read_only: str | None
    """Why nothing may be changed; None when it may."""
    git: Git
    pipeline: PipelineFiles
    dvc: Dvc
    tracking_place: TrackingPlace
    tracking: Tracking
    run_index: RunIndex
    index_is_kept: bool
    """Whether the index outlives this process; where nothing may be written it does not."""
    run_sources: Callable[[], tuple[RunSource, ...]]
    """Where runs are kept on this machine."""
    distant_runs: Callable[[Sequence[str]], tuple[RunSource, ...]]
    """What can only be read through MLflow's client, which takes seconds to begin; given ids of runs to read in any case."""
    distant_outline: Callable[[str, str, int], MetricOutline]
    """The outline of a run's metric, in so many cells, from a store that is not on this machine; takes seconds."""
    distant_versions: Callable[[], DistantVersions]
    """Registered versions in a store that is not on this machine; beginning to ask takes seconds."""
    open_registry: Callable[[], Registry]
    """Opens MLflow for writing, which takes seconds."""
    open_importance: Callable[[], ImportanceMeter]
    """Opens what fits forests, which takes seconds."""
    draw_image: Callable[[Picture, Path], None]
    """Draws a chart into an SVG or PNG file; beginning to draw takes a second."""
    target_of: Callable[[str], Target]
    """A place where versions answer."""
    free_port: Callable[[str, int], int]
    """On a host of this machine, the first port from one on where nobody listens."""
    exporter_of: Callable[[str], Exporter]
    """Makes documents of a target for other tools."""
    rollouts: Rollouts
    bundles: Bundles
    predictions: Predictions
    operations: OperationsLog
    """How targets ran, as their servers wrote it down."""
    outcomes: LabelledDecisions
    """How decisions turned out, when their labels came."""
    tables: Tables
    profiler: Profiler
    report_quality: QualityReporter
    check_by: ChecksByMethod
    verdicts: Verdicts
    jobs: JobRecords
    job_folders: JobFolders
    events_of_this_job: Callable[[], EventSink]
    events_of: Callable[[str], EventSink]
    """Where the events of a job that this process does beside its own are kept."""
    history: History
    audit: Audit
    store: StoreFile
    processes: Processes
    run_program: RunProgram
    recipes: Recipes
    sink_of: Callable[[str], Sink]
    """A configured way out for alerts, by name."""
    monitor_turn: MonitorTurn
    tools: tuple[Tool, ...]
    """What `doctor` looks at."""
    elsewhere: Callable[[Path], World]
    """The world of another project's folder."""
    runs_at_once: bool = False
    """Whether looks at runs answer with what the index holds, because somebody else keeps it in step: a screen does."""
    trace_of: Callable[[Job], JobTrace] = untraced
    """Begins the trace of a job, where somebody collects traces."""
    secrets: tuple[str, ...] = ()
    """What nothing that is recorded or said may hold: the secrets that this process was given in its environment."""

    @property
    def model(self) -> ModelConfig:
        """The configured model.

        Raises:
            UsageError: `unipipe.yaml` names none.
        """
        if self.config.model is None:
            raise UsageError(
                "No model is configured.", hint="Name it in unipipe.yaml:  model: {name: my-model, run_file: run.json}"
            )
        return self.config.model

    @property
    def targets(self) -> Mapping[str, TargetConfig]:
        """The configured targets, or one local target when none is."""
        return self.config.targets or {"local": TargetConfig()}

    def target(self, name: str | None) -> str:
        """The named target, or the only one.

        Raises:
            UsageError: there is no such target, or there are several and none is named.
        """
        if name is None and len(self.targets) == 1:
            return next(iter(self.targets))
        if name is None or name not in self.targets:
            said = "Several targets are configured" if name is None else f"There is no target {name!r}"
            raise UsageError(f"{said}.", hint=f"Targets: {', '.join(self.targets)}.")
        return name
