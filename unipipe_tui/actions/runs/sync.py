"""Keeping the index of runs in step with the tools that keep the runs, and opening it for whoever wants to look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic, sleep
from typing import Annotated

from unipipe_tui.actions.action import Watch
from unipipe_tui.actions.request import Names, Short
from unipipe_tui.actions.runs.lost import lost_store, problem_of, told_of
from unipipe_tui.actions.world import World
from unipipe_tui.config import FILE_NAME
from unipipe_tui.domain.errors import Damaged, ExitCode, Failed, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.events import Advanced, Noted
from unipipe_tui.domain.ports.store import RunIndex
from unipipe_tui.domain.progress import Progress, Silent, step
from unipipe_tui.domain.runs.rows import (
    DVC,
    MLFLOW,
    RunSource,
    SourceState,
    stop_if_asked,
    stopped_on_the_way,
)
from unipipe_tui.domain.tracking import TrackingKind
from unipipe_tui.domain.values import frozen

PATIENCE_SECONDS = 8.0
"""How long a look waits for a synchronisation; then it answers with what there is, and says so."""
PATIENCE_WITH_OTHERS_SECONDS = 2.0
"""How long it waits for one that somebody else started: a first pass over a large store takes long."""
FRESH_SECONDS = 60.0
"""For how long an answer of a server counts as fresh: it cannot be asked cheaply whether anything changed."""
POLL_SECONDS = 0.03
SYNC_LINE = ("runs", "sync")
PROBLEMS_SHOWN = 3
"""Of each source, in an answer about runs; `runs sync` tells all."""
READ_IT = "Read it: unipipe runs sync"
BEING_READ = "It is being read now."


@frozen
class SyncRuns:
    """What to bring up to date, and how."""

    source: Annotated[str | None, "Only this source: `mlflow` or `dvc`.", Names.RUN_SOURCE, Short("s")] = None
    again: Annotated[bool, "Read everything again, not only what seems to have changed."] = False


@frozen
class SyncedSource:
    """One source after the synchronisation."""

    source: str
    place: str
    runs: int
    """How many the index holds of it."""
    read: int
    """How many were new or changed."""
    gone: int
    """How many are no longer there."""
    seconds: float
    remark: str = ""
    """How it was read, when that was not the swift way."""
    problem: str = ""
    """Why it could not be read to the end."""
    unreadable: tuple[str, ...] = ()
    """What of it could not be read, a sentence each; the runs concerned stay as they were known."""


@frozen
class RunsSynced:
    """What a synchronisation found."""

    sources: tuple[SyncedSource, ...]

    @property
    def exit_code(self) -> ExitCode:
        """3 when a source could not be read; what is broken in one that could is only told."""
        return ExitCode.TOOL_MISSING if any(source.problem for source in self.sources) else ExitCode.DONE


def sync_runs(request: SyncRuns, world: World, progress: Progress) -> RunsSynced:
    """Bring the index of runs up to date: MLflow runs, DVC experiments, the params and metrics of every commit.

    Only what changed is read. It can be ended at any time; the next one goes on where it stopped. Exit code 3 when a
    source cannot be read; the others are brought up to date all the same. Runs whose store vanished or was emptied stay
    known, and that is a problem too, until --again forgets them.

    Of an MLflow database on this machine, all that MLflow itself writes is followed. What somebody changed in it with
    plain SQL (a value in its place, a param that was taken away) may go unseen: --again reads everything.

    A server does not tell which of its runs changed. Of one with more than 5,000 runs, each synchronisation reads what
    began, went on or ended since the last; what somebody did to a run that ended before (a tag, a name, a note) is
    found once an hour, or at once with --again.
    """
    found = (*world.run_sources(), *world.distant_runs(()))
    sources = [source for source in found if request.source in (None, source.name)]
    _drop_if_damaged(world.run_index)
    lost = lost_store(world, _states(world.run_index)) if request.source in (None, MLFLOW) else None
    if not sources and not lost and request.source is not None:
        here = [source.name for source in found]
        hint = f"Sources here: {', '.join(here)}." if here else "Here is neither an MLflow store nor a DVC repository."
        raise UsageError(f"There is no source {request.source!r} of runs here.", hint=hint)
    try:
        passes = enumerate(sources, 1)
        read = [_synced(one, world, progress, number, len(sources), again=request.again) for number, one in passes]
    except KeyboardInterrupt:
        raise stopped_on_the_way() from None
    return RunsSynced((*([_without_its_store(lost, world, again=request.again)] if lost else []), *read))


def _without_its_store(lost: SourceState, world: World, *, again: bool) -> SyncedSource:
    if not again:
        return SyncedSource(MLFLOW, lost.place, lost.runs, 0, 0, 0.0, problem=problem_of(lost))
    world.run_index.forget(MLFLOW)
    return SyncedSource(MLFLOW, lost.place, 0, 0, lost.runs, 0.0)


def bring_up_to_date(world: World, progress: Progress, changed: Sequence[str] = ()) -> None:
    """Let the index follow a change of these runs that was just made through MLflow; if that fails, the next look does."""
    sources = [source for source in (*world.run_sources(), *world.distant_runs(changed)) if source.name == MLFLOW]
    try:
        for source in sources:
            _pass(source, world, progress)
    except UnipipeError as error:
        progress.emit(Noted(f"The index of runs does not know of it yet: {error.message}"))


def keep_in_step(world: World) -> None:
    """Let a process of its own read what changed, unless one is at it: for a screen, which does not wait for it."""
    if world.index_is_kept:
        _begin(world, _standing(world))


def at_once(world: World) -> World:
    """A world whose looks at runs wait for no synchronisation: for a screen, which asks again when the index moved."""
    return replace(world, runs_at_once=True)


@frozen
class OpenIndex:
    """An index to ask, and what a person should know about how far it can be trusted."""

    index: RunIndex
    notices: tuple[str, ...] = ()
    filled_by: tuple[str, ...] = ()
    """The sources that it holds runs of."""
    kept_at: str = ""
    """Where MLflow's runs are kept, or were; empty when there never was such a place."""


def open_index(world: World) -> OpenIndex:
    """The index of runs, in step with MLflow if that takes no longer than a moment.

    What changed since the last synchronisation is read by a process of its own; where nothing may be written, by this
    one.

    Raises:
        ToolMissing: MLflow's store cannot be read, and no run of it is known from before.
    """
    found = _standing(world)
    if world.index_is_kept:
        if world.runs_at_once and found.stale:
            _refuse_if_nothing_is_known(_states(world.run_index).get(MLFLOW))
            found = replace(found, stale=f"{found.stale} {BEING_READ}")
        elif found.wants_reading and not world.runs_at_once:
            stale = _after_a_moment(world, _begin(world, found))
            found = replace(_standing(world), stale=stale)
    elif found.stale and world.run_sources():
        problem = _read_here(world)
        found = replace(_standing(world), stale=problem)
    kept_at = found.lost.place if found.lost else world.tracking_place.shown
    return OpenIndex(world.run_index, found.notices, found.filled_by, kept_at)


def _read_here(world: World) -> str:
    """Read what changed in MLflow's runs; why that failed, when some are known from before."""
    near = [source for source in world.run_sources() if source.name == MLFLOW]
    try:
        for source in near:
            _pass(source, world, Silent())
    except UnipipeError as error:
        if not any(state.runs for state in _states(world.run_index).values()):
            raise
        return error.message
    return ""


@frozen
class _Standing:
    """How far the index can be trusted at one moment."""

    stale: str
    """Why not for MLflow's runs; empty when it can."""
    problems: tuple[str, ...]
    """What kept the last pass over each source from being complete or swift, and what it could not read."""
    others: tuple[str, ...]
    """Why not for each source beside MLflow that changed."""
    may_ask_others: bool
    """Whether these may be asked without a person's word."""
    filled_by: tuple[str, ...]
    """The sources that it holds runs of."""
    lost: SourceState | None
    """What is known of an MLflow store that is not there any more."""

    @property
    def wants_reading(self) -> bool:
        """Whether a synchronisation should begin."""
        return bool(self.stale or (self.others and self.may_ask_others))

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know."""
        done = BEING_READ if self.may_ask_others else READ_IT
        others = (f"{behind} {done}" for behind in self.others)
        lost = told_of(self.lost) if self.lost else ""
        return tuple(filter(None, (lost, self.stale, *self.problems, *others)))


def _standing(world: World) -> _Standing:
    states, sources = _states(world.run_index), world.run_sources()
    others = (source for source in sources if source.name != MLFLOW)
    behind = ((source, _behind(source, states.get(source.name))) for source in others)
    return _Standing(
        stale=_stale(world, sources, states.get(MLFLOW)),
        problems=tuple(said for state in states.values() for said in _told(state)),
        others=tuple(said for source, said in behind if said and source.stamp()),
        may_ask_others=world.index_is_kept and (world.root / FILE_NAME).exists(),
        filled_by=tuple(name for name, state in states.items() if state.runs),
        lost=lost_store(world, states),
    )


def _told(state: SourceState) -> tuple[str, ...]:
    more = len(state.problems) - PROBLEMS_SHOWN
    total = f"Of {state.name} there are {len(state.problems):,} such problems in all; `unipipe runs sync` tells them."
    return (*state.problems[:PROBLEMS_SHOWN], *([total] if more > 0 else []))


def _begin(world: World, found: _Standing) -> int | None:
    """Start a synchronisation of what changed, in a process of its own; its pid, None when others are at it already."""
    wanted = [MLFLOW] if found.stale else []
    # DVC writes into its `.dvc/tmp` while it is asked. In a project that was never made one of ours only a person does that.
    if found.others and found.may_ask_others:
        wanted.append(DVC)
    idle = [name for name in wanted if _is_idle(world.run_index, name)]
    if not idle:
        return None
    only = ("--source", *idle) if len(idle) == 1 else ()
    return world.processes.background((*SYNC_LINE, *only), world.root)


def _is_idle(index: RunIndex, source: str) -> bool:
    with index.turn(source) as nobody_is_at_it:
        return nobody_is_at_it


def _stale(world: World, sources: Sequence[RunSource], state: SourceState | None) -> str:
    """Why the index cannot be trusted for MLflow's runs; empty when it can."""
    near = next((source for source in sources if source.name == MLFLOW), None)
    if near is not None:
        return _behind(near, state)
    if world.tracking_place.kind is TrackingKind.NOTHING:
        return ""
    if state is None or state.place != world.tracking_place.shown or state.synced is None:
        return f"{world.tracking_place.shown} was not read yet."
    age = (world.now() - state.synced).total_seconds()
    return "" if age < FRESH_SECONDS else f"The runs are those of {state.synced:%Y-%m-%d %H:%M:%S} UTC."


def _behind(source: RunSource, state: SourceState | None) -> str:
    what = source.place if source.name == MLFLOW else f"The repository {source.place}"
    if state is None or state.place != source.place or (state.synced is None and state.runs == 0):
        return f"{what} was not read yet."
    if state.synced is None:
        return f"Only {state.runs:,} runs of {source.place} were read so far."
    if state.stamp != source.stamp():
        return f"{what} changed since {state.synced:%Y-%m-%d %H:%M:%S} UTC, when it was read."
    return ""


def _after_a_moment(world: World, pid: int | None) -> str:
    """What still keeps the index from being trusted when the patience is over or that process has ended."""
    deadline = monotonic() + (PATIENCE_SECONDS if pid is not None else PATIENCE_WITH_OTHERS_SECONDS)
    while True:
        over = monotonic() > deadline or (pid is not None and not world.processes.is_alive(pid))
        state = _states(world.run_index).get(MLFLOW)
        stale = _stale(world, world.run_sources(), state)
        if not stale:
            return ""
        if over:
            _refuse_if_nothing_is_known(state)
            being_read = pid is None or world.processes.is_alive(pid)
            return f"{stale} {BEING_READ if being_read else READ_IT}"
        sleep(POLL_SECONDS)


def _refuse_if_nothing_is_known(state: SourceState | None) -> None:
    if state is not None and state.problems and not state.runs:
        raise ToolMissing(" ".join(state.problems[:PROBLEMS_SHOWN]), hint="Then read it: unipipe runs sync")


def _states(index: RunIndex) -> dict[str, SourceState]:
    try:
        return {state.name: state for state in index.sources()}
    except Damaged:
        # The synchronisation that this leads to makes a new one.
        return {}


@contextmanager
def _turn(index: RunIndex, source: str, progress: Progress) -> Iterator[None]:
    """Be the only one who fills the index from this source."""
    told = False
    while True:
        with index.turn(source) as ours:
            if ours:
                yield
                return
        stop_if_asked(progress)
        if not told:
            progress.emit(Noted("Another synchronisation is at it; this one goes on when that has ended."))
            told = True
        sleep(POLL_SECONDS)


def _drop_if_damaged(index: RunIndex) -> None:
    try:
        index.sources()
    except Damaged:
        index.forget(MLFLOW)


def _synced(
    source: RunSource, world: World, progress: Progress, number: int, total: int, *, again: bool
) -> SyncedSource:
    begun = monotonic()
    done, problem = _Pass(), ""
    try:
        with step(progress, f"read {source.place}", number, total):
            done = _pass(source, world, progress, again=again)
    except (ToolMissing, UsageError, Failed) as error:
        problem = " ".join(filter(None, (error.message, error.hint)))
        world.run_index.trouble(source.name, source.place, problem)
    state = _states(world.run_index).get(source.name)
    return SyncedSource(
        source=source.name,
        place=source.place,
        runs=state.runs if state else 0,
        read=done.read,
        gone=done.gone,
        seconds=round(monotonic() - begun, 3),
        remark=source.remark,
        problem=problem,
        unreadable=done.unreadable,
    )


@frozen
class _Pass:
    """What a pass over a source found."""

    read: int = 0
    gone: int = 0
    unreadable: tuple[str, ...] = ()


def _pass(source: RunSource, world: World, progress: Progress, *, again: bool = False) -> _Pass:
    """Read what changed in a source, or all that there is."""
    index, found = world.run_index, _Pass()
    with _turn(index, source.name, progress):
        state = _states(index).get(source.name)
        if state is not None and state.place != source.place:
            index.forget(source.name)
            state = None
        stamp, cursor = source.stamp(), state.cursor if state and not again else None
        for batch in source.changes(cursor, index.known(source.name), progress):
            index.take(source.name, source.place, batch)
            found = _Pass(
                found.read + len(batch.runs),
                found.gone + len(batch.gone),
                (*found.unreadable, *batch.unreadable),
            )
            progress.emit(Advanced(batch.done, batch.total, "runs"))
            stop_if_asked(progress)
        # The stamp of before: what changed while it was read is looked at again.
        problems = tuple(filter(None, (source.remark, *found.unreadable)))
        index.complete(source.name, source.place, stamp, world.now(), problems)
        return found


SYNC = Watch("runs sync", SyncRuns, sync_runs, "unipipe runs sync")
