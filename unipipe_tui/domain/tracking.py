"""What was tracked: runs, their figures and inputs, and the models registered from them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.model_files import ModelContents
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.outlines import Logged, MetricOutline, outline_of
from unipipe_tui.domain.run_files import RunFiles
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen


class RunStatus(Enum):
    """How a run stands, in MLflow's words."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    UNKNOWN = "UNKNOWN"
    """The store holds a word that we do not know."""


@frozen
class Metric:
    """One logged figure; `value` may be NaN."""

    key: str
    value: float
    step: int
    at: datetime | None
    """When it was logged, UTC."""


@frozen
class Dataset:
    """A data set that a run read."""

    name: str
    digest: str
    source: str | None = None
    """Where it came from, as MLflow wrote it: usually JSON."""
    context: str = ""
    """What it was read for, as its author said: `training`."""


@frozen
class Run:
    """One execution that was tracked. Strings are what its author wrote: escape them before showing."""

    run_id: str
    name: str
    experiment: str
    status: RunStatus
    started: datetime | None
    ended: datetime | None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    """The last value of each key, ordered by key."""
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()
    artifact_uri: str | None = None
    source: str = "mlflow"
    """Which source it is of: `mlflow` or `dvc`."""
    user: str = ""
    deleted: bool = False
    """Whether its author deleted it, or the experiment that it is in; it can be restored."""
    experiment_deleted: bool = False
    """Whether its experiment is deleted: it is hidden until that is restored."""

    def metric(self, key: str) -> float | None:
        """The last value logged under this key, None if there is none."""
        return next((metric.value for metric in self.metrics if metric.key == key), None)

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has not ended, or when nobody noted that."""
        return None if self.started is None or self.ended is None else (self.ended - self.started).total_seconds()

    @property
    def last_change(self) -> datetime | None:
        """The latest moment that the run gave a sign of life, UTC."""
        moments = [self.started, self.ended, *(metric.at for metric in self.metrics)]
        return max((moment for moment in moments if moment is not None), default=None)


@frozen
class RunPage:
    """The newest runs of a selection, and how many the whole selection holds."""

    runs: tuple[Run, ...]
    total: int


@frozen
class ExperimentRuns:
    """An experiment and the runs of it that count."""

    name: str
    source: str
    """Which source keeps it: `mlflow` or `dvc`."""
    runs: int
    newest: datetime | None
    """When its newest run began, UTC."""


@frozen
class RegisteredModel:
    """A name under which versions are registered."""

    name: str
    aliases: tuple[tuple[str, int], ...]
    """(alias, version), ordered by alias."""
    latest: int | None
    """The highest version number, None while there is no version."""
    description: str = ""

    def alias(self, name: str) -> int | None:
        """The version that bears this alias; None if none does."""
        return dict(self.aliases).get(name)


@frozen
class ModelVersion:
    """One version of a registered model."""

    model: str
    version: int
    run_id: str | None
    source: str
    """Where it was registered from: `models:/m-…`, `runs:/…` or a folder."""
    status: str
    """`READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`."""
    stage: str | None
    """The old stages (Staging, Production, Archived); None when it has none."""
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created: datetime | None
    description: str = ""

    @property
    def model_id(self) -> str | None:
        """The logged model that it was registered from (`m-…`), None for one from before MLflow 3."""
        found = re.fullmatch(r"models:/(m-[^/]+)/?", self.source)
        return found.group(1) if found else None


class TrackingKind(Enum):
    """In what form tracking is kept."""

    SQLITE = "SQLite database"
    FOLDER = "folder"
    REMOTE = "server"
    NOTHING = "nothing"


@frozen
class TrackingPlace:
    """Where runs and models are kept, and how we know."""

    kind: TrackingKind
    uri: str
    """Absolute, as MLflow's own client takes it; empty for `NOTHING`. May hold a password: show `shown` instead."""
    path: Path | None
    """The database file or the folder; None when it is not on this machine."""
    because: str
    """What named it: `unipipe.yaml`, `MLFLOW_TRACKING_URI` or a file that was found."""
    also: tuple[Path, ...] = ()
    """Other stores that were found and are not read."""

    @property
    def shown(self) -> str:
        """The URI without the user, the password and the question that a server's may hold."""
        return unicode_text(re.sub(r"\?.*$", "", re.sub(r"^([^:/]+)://(?!/).*@", r"\1://…@", self.uri)))


class Tracking(Protocol):
    """What can be asked about runs and models; every answer is read anew and nothing is written."""

    def runs(self, limit: int, experiment: str | None = None, ids: tuple[str, ...] | None = None) -> RunPage:
        """The newest runs, of one experiment or of these full ids if given."""
        ...

    def run(self, prefix: str) -> Run:
        """The one run whose id starts so; raises UsageError for none or several."""
        ...

    def metric_outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        """The history of a metric in at most so many cells with their extremes; without cells if there is none."""
        ...

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name, without prompts."""
        ...

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; raises UsageError for an unknown model."""
        ...

    def version(self, model: str, number: int) -> ModelVersion:
        """One version; raises UsageError for an unknown model or version."""
        ...

    def alias(self, model: str, alias: str) -> int | None:
        """The version that bears an alias; None if none does or the model is unknown."""
        ...

    def model_folder(self, version: ModelVersion) -> Path | None:
        """The folder on this machine that holds the version's files; None if it is not here."""
        ...

    def signature(self, version: ModelVersion) -> Signature | None:
        """What the version takes and gives; None when its files are not here or do not say."""
        ...

    def contents(self, version: ModelVersion) -> ModelContents | None:
        """What the version's files are now; None when they are not here. Raises Failed when one cannot be read."""
        ...

    def files_of(self, runs: Sequence[Run]) -> tuple[RunFiles | None, ...]:
        """The files that each of these runs left; None for one whose artifacts are not on this machine."""
        ...

    def logged_model(self, run: Run) -> bool | None:
        """Whether a run logged a model that can be registered; None when that cannot be told here."""
        ...

    def at(self, uri: str) -> Tracking:
        """The same questions, asked of another store on this machine."""
        ...

    def problems(self) -> tuple[str, ...]:
        """What could not be read, one sentence each."""
        ...


@frozen
class Scored:
    """What a model said about each row of a table."""

    scores: tuple[float, ...]
    """One per row: the probability of the second class if the model gives probabilities, else its prediction."""
    columns: Mapping[str, tuple[object, ...]]
    """The columns that were asked for (labels, slices), one value per row."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(milliseconds: object) -> datetime | None:
    """UTC time of milliseconds since 1970, as MLflow keeps them; None for none, or for a number that is no time."""
    try:
        return None if milliseconds is None else _EPOCH + timedelta(milliseconds=int(str(milliseconds)))
    except (ValueError, OverflowError):
        return None


def status_of(word: object) -> RunStatus:
    """MLflow's word for how a run stands, or that we do not know it."""
    return next((status for status in RunStatus if status.value == word), RunStatus.UNKNOWN)


def outline_of_history(key: str, history: Iterable[Metric], cells: int) -> MetricOutline:
    """The outline of values that are at hand."""
    return outline_of(key, (Logged(one.step, _milliseconds(one.at), one.value) for one in history), cells)


def _milliseconds(at: datetime | None) -> int:
    return 0 if at is None else (at - _EPOCH) // timedelta(milliseconds=1)


SILENT_FOR = timedelta(hours=24)
"""A run that says nothing for longer than this is taken for dead: its process ended without telling MLflow."""


def stale_running(run: Run, now: datetime) -> bool:
    """Whether a run that claims to be RUNNING has given no sign of life for more than a day."""
    last = run.last_change
    return run.status is RunStatus.RUNNING and (last is None or now - last > SILENT_FOR)


def status_words(run: Run, now: datetime) -> str:
    """The status as a person should read it: a run that is probably dead does not look alive."""
    if not stale_running(run, now):
        return run.status.value
    return dead_words(run.started)


def dead_words(started: datetime | None) -> str:
    """The status of a run that is probably dead, as a person should read it."""
    since = f"{started:%Y-%m-%d}" if started else "an unknown date"
    return f"RUNNING since {since}, probably dead"


def no_such_run(prefix: str, candidates: Sequence[str] = ()) -> UsageError:
    """The error for a run id that names no run, or (with candidates) several."""
    if candidates:
        return UsageError(f"More than one run id starts with {prefix!r}.", f"For example {', '.join(candidates[:5])}.")
    return UsageError(f"There is no run {prefix!r}.", "List the runs to see their ids.")


def no_such_model(name: str, known: Iterable[str]) -> UsageError:
    """The error for an unknown registered model; its hint names those that exist."""
    names = sorted(known)
    hint = f"There is {', '.join(names[:8])}{' and more' if len(names) > 8 else ''}." if names else "There is none yet."
    return UsageError(f"There is no registered model {name!r}.", hint)


def no_such_version(model: str, number: int, known: Iterable[int]) -> UsageError:
    """The error for an unknown version of a known model; its hint names the newest that exist."""
    numbers = sorted(known, reverse=True)
    newest = ", ".join(str(one) for one in numbers[:8])
    hint = f"It has {newest}{' and older ones' if len(numbers) > 8 else ''}." if numbers else "It has no version yet."
    return UsageError(f"{model} has no version {number}.", hint)


def check_model_name(name: str) -> str:
    """Return the name if MLflow's stores accept it for a registered model, else raise UsageError."""
    if not name.strip():
        raise UsageError("A model needs a name.", "Give one such as fraud-detector.")
    forbidden = sorted({character for character in name if character in "/:\\%" or not character.isprintable()})
    if forbidden:
        raise UsageError(
            f"The model name {name!r} holds {', '.join(map(repr, forbidden))}.",
            "Leave out '/', ':', '\\', '%' and control characters.",
        )
    if posixpath.normpath(name) != name or name == "." or name.startswith(".."):
        raise UsageError(f"The model name {name!r} would be read as a path.", "Do not start with a dot.")
    if len(name) > 256:
        raise UsageError("The model name is longer than 256 characters.", "Choose a shorter one.")
    return name


def check_alias_name(alias: str) -> str:
    """Return the alias if MLflow accepts it, else raise UsageError."""
    if not re.fullmatch(r"[\w\-]+", alias):
        raise UsageError(
            f"The alias {alias!r} is not allowed.", "Use letters, digits, '_' and '-' only, for example champion."
        )
    if alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
        raise UsageError(f"MLflow keeps the alias {alias!r} for itself.", "Choose another, for example champion.")
    if len(alias) > 255:
        raise UsageError("The alias is longer than 255 characters.", "Choose a shorter one.")
    return alias
