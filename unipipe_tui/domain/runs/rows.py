"""Runs as rows: what a source of runs hands to the index, some whole runs at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from unipipe_tui.domain.errors import Failed, Stopped
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen

MLFLOW = "mlflow"
DVC = "dvc"
"""What the sources are called."""

ACTIVE = "active"
DELETED = "deleted"
"""The two stages of life that MLflow knows; what is deleted can be restored."""


PUT_BACK = "Put it back, or let its runs be forgotten: unipipe runs sync --again"


class ExperimentRow(NamedTuple):
    """A named group of runs."""

    experiment_id: str
    name: str
    lifecycle: str = ACTIVE


class RunRow(NamedTuple):
    """One run without what was logged to it. Moments are milliseconds since the epoch, as MLflow keeps them."""

    run_id: str
    name: str
    experiment_id: str
    status: str
    """In MLflow's words; a word that we do not know is kept as it is."""
    lifecycle: str = ACTIVE
    user: str | None = None
    started: int | None = None
    ended: int | None = None
    artifact_uri: str | None = None


class ParamRow(NamedTuple):
    """A param of a run."""

    run_id: str
    key: str
    value: str


class MetricRow(NamedTuple):
    """The last value of a metric; it may be NaN or infinite."""

    run_id: str
    key: str
    value: float
    step: int = 0
    at: int | None = None


class TagRow(NamedTuple):
    """A tag of a run."""

    run_id: str
    key: str
    value: str


class DatasetRow(NamedTuple):
    """A data set that a run read; `context` is MLflow's tag of the input (`training`), empty without one."""

    run_id: str
    name: str
    digest: str
    context: str = ""
    source: str | None = None


@frozen
class RunBatch:
    """Some runs, each whole: all rows that the source holds of every run named here.

    The index takes a batch in one transaction, together with the cursor; so whoever is killed between two batches
    goes on after the last one that was taken.
    """

    cursor: str
    """What to hand to the source next time, when all up to this batch was taken: opaque, the source's own."""
    runs: Sequence[RunRow] = ()
    params: Sequence[ParamRow] = ()
    metrics: Sequence[MetricRow] = ()
    tags: Sequence[TagRow] = ()
    datasets: Sequence[DatasetRow] = ()
    experiments: Sequence[ExperimentRow] | None = None
    """All experiments of the source; None when they were not looked at."""
    gone: Sequence[str] = ()
    """Ids of runs that the source no longer holds at all."""
    unreadable: Sequence[str] = ()
    """What of the source could not be read, a sentence each: which run, and what is wrong with it. All that is
    still wrong is said in every pass, also what was known before."""
    done: int = 0
    """How many runs were looked at so far in this synchronisation."""
    total: int | None = None
    """How many will be, as far as is known."""


def joined(batches: Iterable[RunBatch]) -> RunBatch:
    """The rows of all of these in one batch, which has no cursor yet."""
    all_of = tuple(batches)
    return RunBatch(
        cursor="",
        runs=[row for one in all_of for row in one.runs],
        params=[row for one in all_of for row in one.params],
        metrics=[row for one in all_of for row in one.metrics],
        tags=[row for one in all_of for row in one.tags],
        datasets=[row for one in all_of for row in one.datasets],
        unreadable=[said for one in all_of for said in one.unreadable],
    )


class KnownRuns(Protocol):
    """What the index holds of a source, for the source to find out what it no longer has."""

    def ids(self) -> frozenset[str]:
        """The ids of all its runs."""
        ...

    def tags_per_run(self) -> Mapping[str, int]:
        """By run id: how many tags it has; a run without any may be missing."""
        ...


class RunSource(Protocol):
    """One place where runs are kept: an MLflow store, or the experiments and commits of DVC and Git."""

    @property
    def name(self) -> str:
        """MLFLOW or DVC: what the index calls it."""
        ...

    @property
    def place(self) -> str:
        """Where it is, without any secret; an index of another place is of no use."""
        ...

    @property
    def remark(self) -> str:
        """Why it is not read in the swiftest way; empty when it is."""
        ...

    def stamp(self) -> str:
        """What is different whenever the source may have changed; cheap to ask (milliseconds), empty when unknown."""
        ...

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        """All runs that are new, changed or gone since the cursor; all there are without one.

        A source that vanished or was emptied as a whole since the cursor is refused: that is mostly a slip, and what is
        known of it stays. Without a cursor it is taken as it is.

        A cursor that cannot be used any more (an older format, a store that was replaced) counts as none; runs that
        are known but not there any more are then named as gone. The last batch's cursor stands for a complete pass.
        Between batches the source looks whether somebody asked for the end, and raises Stopped.

        Raises:
            ToolMissing: the source is locked or does not answer.
            UsageError, Failed: it cannot be read.
        """
        ...


def emptied(what: str, known: int) -> Failed:
    """The error for a source that holds nothing where runs of it are known."""
    return Failed(
        f"{what}, although {known:,} {'run' if known == 1 else 'runs'} of it {'is' if known == 1 else 'are'} known.",
        PUT_BACK,
    )


def stop_if_asked(progress: Progress) -> None:
    """End a pass over a source, between two batches or questions, when somebody asked for that: raises Stopped."""
    if progress.stopped():
        raise stopped_on_the_way()


def stopped_on_the_way() -> Stopped:
    """A pass over a source was ended by a person; what it leaves behind."""
    return Stopped(
        "Stopped on request.", "The runs that were read so far are kept; `unipipe runs sync` goes on from here."
    )


@frozen
class SourceState:
    """What the index knows of a source."""

    name: str
    place: str
    runs: int
    cursor: str | None
    stamp: str
    """The source's stamp before the last complete pass; empty when there was none."""
    synced: datetime | None
    """End of the last complete pass, UTC."""
    problems: tuple[str, ...] = ()
    """What kept the last pass from being complete or swift, and what it could not read, a sentence each."""
