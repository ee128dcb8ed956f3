"""The doors: what an action may ask of the world outside, in the domain's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.events import Event
from unipipe_tui.domain.jobs import Job, StageTiming
from unipipe_tui.domain.pipelines import Figure, Pipeline, PipelineState
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import (
    Alert,
    AlertKind,
    AuditEntry,
    DriftCheck,
    GateCheck,
    Promotion,
    Release,
    ReversibleChange,
)
from unipipe_tui.domain.reproduction import Reproduced, StageRun
from unipipe_tui.domain.serving import (
    FeedbackTaken,
    LoggedPrediction,
    Predicted,
    Record,
    ServerStatus,
    TrafficWindow,
    Value,
)
from unipipe_tui.domain.tracking import Scored
from unipipe_tui.domain.values import frozen


@frozen
class Commit:
    """One Git commit."""

    id: str
    author: str
    at: datetime
    subject: str


@frozen
class WorkTree:
    """What is checked out, and what was done to it since."""

    commit: str | None
    """Id of the head; None before the first commit."""
    branch: str | None
    """None when detached."""
    changed: tuple[str, ...]
    """Paths that differ from the head, untracked ones included, from the root of the work tree."""


class Git(Protocol):
    """The project's Git repository."""

    def is_repository(self) -> bool:
        """Whether the project lies in a Git work tree."""
        ...

    def refusal(self) -> str | None:
        """Why Git does not read the repository that is here, for instance because another user owns it."""
        ...

    def head(self) -> Commit | None:
        """The commit that is checked out; None before the first."""
        ...

    def work_tree(self) -> WorkTree | None:
        """What is checked out; None where Git reads no repository."""
        ...

    def commit_of(self, revision: str) -> Commit | None:
        """The commit that a revision names; None when there is none."""
        ...

    def user(self) -> str | None:
        """`Name <address>` as configured."""
        ...

    def verify(self) -> str:
        """The installed version; raises ToolMissing with the remedy."""
        ...

    def init(self, progress: Progress) -> None:
        """Make the folder a repository."""
        ...

    def commit(self, message: str, paths: Sequence[str], progress: Progress) -> Commit:
        """Commit these paths and nothing else; answers with the head when they hold nothing new."""
        ...


class PipelineFiles(Protocol):
    """The DVC pipeline as its files tell it; nothing is written but the hash cache."""

    def read(self) -> Pipeline:
        """All stages."""
        ...

    def state(self, pipeline: Pipeline) -> PipelineState:
        """What the next `dvc repro` would do."""
        ...

    def snapshot(self, pipeline: Pipeline) -> Mapping[str, str]:
        """By path: the md5 that DVC recorded for tracked data and locked outputs."""
        ...

    def figures(self, pipeline: Pipeline) -> tuple[Figure, ...]:
        """What stands in the metrics files that are here."""
        ...


class Dvc(Protocol):
    """The DVC command line."""

    def verify(self) -> str:
        """The installed version; raises ToolMissing with the remedy."""
        ...

    def init(self, progress: Progress) -> None:
        """Make the project a DVC project."""
        ...

    def add(self, path: str, progress: Progress) -> None:
        """Track a file or folder."""
        ...

    def repro_command(self, targets: Sequence[str] = (), *, force: bool = False) -> tuple[str, ...]:
        """The very command that `repro` runs, for a plan to show."""
        ...

    def repro(
        self,
        progress: Progress,
        targets: Sequence[str] = (),
        *,
        force: bool = False,
        env: Mapping[str, str] | None = None,
        on_stage: Callable[[StageRun], None] | None = None,
    ) -> Reproduced:
        """Bring the pipeline up to date; raises Failed naming the stage that failed.

        `on_stage` is told of each stage that ended, also when a later one fails or somebody stops the run.
        """
        ...


class Registry(Protocol):
    """MLflow, opened for writing and for loading models; opening it takes seconds."""

    def register_run(self, model: str, run_id: str, tags: Mapping[str, str] | None = None) -> int:
        """Register the run's model and answer with its version; a run that has one already answers with that."""
        ...

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Let an alias name a version."""
        ...

    def delete_alias(self, model: str, alias: str) -> None:
        """Take an alias away."""
        ...

    def set_version_tag(self, model: str, version: int, key: str, value: str) -> None:
        """Tag a version."""
        ...

    def score(self, model: str, version: int, rows: Path, columns: Sequence[str] = ()) -> Scored:
        """Score a Parquet file with a version, and read these columns beside."""
        ...

    def download(self, model: str, version: int, to: Path) -> Path:
        """Copy the version's MLflow model folder."""
        ...

    def threshold(self, model: str, version: int) -> float | None:
        """The decision threshold in the model's metadata."""
        ...


class Server(Protocol):
    """The model server of one target."""

    def free_port(self) -> int:
        """The configured port when nobody listens there, else the next free one."""
        ...

    def status(self) -> ServerStatus:
        """Whether it answers, and with what."""
        ...

    def start(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Start it with this bundle and wait until it is ready."""
        ...

    def switch(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Let it load this bundle and wait until that is the one that answers; no request is dropped."""
        ...

    def stop(self, progress: Progress) -> ServerStatus:
        """Let it answer what it has begun, and end."""
        ...

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records."""
        ...

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id."""
        ...


class Bundles(Protocol):
    """The folder where bundles are kept: what a server is given."""

    def find(self, model: str, version: int) -> tuple[Path, Bundle] | None:
        """The sealed bundle of a version, by its manifest alone; None when it was never made."""
        ...

    def whole(self, model: str, version: int) -> tuple[Path, Bundle] | None:
        """The sealed bundle of a version, every file of it checked; None when it was never made or is damaged."""
        ...

    def place(self, model: str, version: int) -> Path:
        """Where the version's bundle belongs."""
        ...


class Predictions(Protocol):
    """The prediction log and the feedback of all targets."""

    def window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions, of one version if given."""
        ...

    def labelled_window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions that have a label, of one version if given."""
        ...

    def find(self, prediction_id: str) -> LoggedPrediction | None:
        """One prediction, by its id or an unambiguous beginning of it."""
        ...

    def export_window(self, target: str, rows: int, to: Path) -> int:
        """Write the inputs of the latest predictions to a Parquet file; answers with how many."""
        ...

    def export_labelled(self, target: str, to: Path, id_column: str, label_column: str, known: Sequence[Path]) -> int:
        """Write inputs and labels of all labelled predictions whose id is in none of the known files."""
        ...

    def totals(self, target: str) -> tuple[int, int]:
        """How many predictions and how many labels there are."""
        ...


class Tables(Protocol):
    """Tables in files."""

    def records(self, path: Path, columns: Sequence[str] | None = None) -> tuple[Record, ...]:
        """All rows of a Parquet, CSV or JSON-lines file."""
        ...

    def rows(self, path: Path) -> int:
        """How many rows a file has."""
        ...

    def columns(self, path: Path) -> tuple[str, ...]:
        """The names of its columns."""
        ...


class JobRecords(Protocol):
    """Jobs as the store knows them."""

    def begin(self, job: Job) -> None:
        """Record a job that has just started."""
        ...

    def end(self, job: Job) -> None:
        """Record how it ended."""
        ...

    def latest(self, limit: int) -> tuple[Job, ...]:
        """The newest first."""
        ...

    def total(self) -> int:
        """How many there are."""
        ...

    def find(self, name: str) -> Job | None:
        """By id, part of an id, or `last`."""
        ...

    def record_stages(self, timings: tuple[tuple[StageTiming, str], ...]) -> None:
        """How each stage ended and how long it took."""
        ...

    def last_timings(self) -> dict[str, StageTiming]:
        """By stage: its last real execution."""
        ...


class JobFolders(Protocol):
    """The files of jobs."""

    def path(self, job_id: str) -> Path:
        """Where they are."""
        ...

    def events(self, job_id: str) -> tuple[tuple[float, Event], ...]:
        """All that a job has said so far."""
        ...

    def follow(self, job_id: str) -> Iterator[tuple[float, Event] | None]:
        """Every event from the first; None whenever there is nothing new."""
        ...

    def result(self, job_id: str) -> str | None:
        """What the change answered with, as JSON."""
        ...

    def write_result(self, job_id: str, text: str) -> None:
        """Keep what the change answered with."""
        ...

    def output(self, job_id: str) -> str:
        """What a detached job's process itself wrote."""
        ...


class Processes(Protocol):
    """Processes of this machine."""

    def is_alive(self, pid: int, started: float | None = None) -> bool:
        """Whether it runs, and is the same that was created then."""
        ...

    def terminate(self, pid: int) -> None:
        """Ask it to end."""
        ...

    def stop_tree(self, pid: int) -> None:
        """End it and all that it started."""
        ...

    def launch(self, argv: Sequence[str], project: Path, cwd: Path | None = None) -> str:
        """Start one of our own command lines (without the program's name) as a detached job of a project; its id.

        Relative paths count from `cwd`, which is where this process stands unless given.
        """
        ...


class EventSink(Protocol):
    """Where a job's events are kept."""

    def write(self, event: Event) -> None:
        """Keep one event."""
        ...

    def close(self) -> None:
        """Nothing more will be said."""
        ...


class History(Protocol):
    """Decisions and findings that no tool keeps."""

    def add_gate_check(self, check: GateCheck) -> None: ...
    def gate_checks(self, model: str, version: int | None = None) -> tuple[GateCheck, ...]: ...
    def add_promotion(self, promotion: Promotion) -> None: ...
    def promotions(self, model: str, alias: str | None = None) -> tuple[Promotion, ...]: ...
    def add_release(self, release: Release) -> None: ...
    def releases(self, target: str | None = None, limit: int = 100) -> tuple[Release, ...]: ...
    def add_drift_check(self, check: DriftCheck) -> None: ...
    def drift_checks(self, target: str | None = None, limit: int = 100) -> tuple[DriftCheck, ...]: ...
    def open_alert(self, alert: Alert) -> None: ...
    def close_alerts(self, kind: AlertKind, target: str, at: datetime) -> int: ...
    def alerts(self, *, only_open: bool = True) -> tuple[Alert, ...]: ...
    def add_change(self, change: ReversibleChange) -> None: ...
    def changes(self, limit: int = 20) -> tuple[ReversibleChange, ...]: ...
    def mark_undone(self, job: str, undone_by: str) -> None: ...
    def notices(self) -> tuple[tuple[datetime, str], ...]: ...


class Audit(Protocol):
    """The append-only audit."""

    def append(
        self, *, at: datetime, actor: str, action: str, command: str, job: str, outcome: str, detail: str
    ) -> AuditEntry:
        """Add one entry to the end of the chain."""
        ...

    def entries(self, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """The newest entries, oldest first."""
        ...

    def total(self) -> int:
        """How many there are."""
        ...

    def verify(self) -> tuple[int, str]:
        """How many entries there are, and what is wrong with the chain (empty: nothing)."""
        ...


class StoreFile(Protocol):
    """The store as a whole."""

    def together(self) -> AbstractContextManager[None]:
        """Make all reads of this thread in the block over one connection; nothing may be written in it."""
        ...

    def check(self) -> tuple[str, int]:
        """Schema version and number of rows, after reading them all."""
        ...

    def backup(self, to: Path) -> int:
        """Copy it; answers with the bytes."""
        ...

    def query(self, sql: str, limit: int) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
        """Columns and rows of a read-only query."""
        ...


class Recipes(Protocol):
    """Projects to start from."""

    def names(self) -> tuple[str, ...]:
        """What there is."""
        ...

    def files(self, recipe: str) -> tuple[str, ...]:
        """The relative paths of the files that a recipe brings, sample data included; raises UsageError when unknown."""
        ...

    def copy(self, recipe: str, to: Path) -> None:
        """Copy them into a folder."""
        ...

    def sample(self, name: str) -> Path:
        """A file of the sample data."""
        ...


class Tool(Protocol):
    """An outside tool that `doctor` looks at."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def needed_for(self) -> str:
        """What does not work without it; empty when nothing works."""
        ...

    def verify(self) -> str:
        """The installed version; raises ToolMissing with the remedy."""
        ...
