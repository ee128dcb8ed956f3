"""`monitor run`: every check of every target, once or again and again; one process per workspace."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic, sleep
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.monitor.checks import CHECKS, WORKSPACE_CHECKS
from unipipe_tui.actions.monitor.forgetting import forget_old_rounds, is_quiet
from unipipe_tui.actions.monitor.round import MonitorRound, Stuck, go_round, of_job
from unipipe_tui.actions.perform import apply_plan
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, Refused, Stopped, UsageError
from unipipe_tui.domain.events import Event, Noted
from unipipe_tui.domain.jobs import new_job_id
from unipipe_tui.domain.moments import seconds_of
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.schedules import next_due
from unipipe_tui.domain.values import frozen

LONGEST_WAIT_SECONDS = 0.5
COMMAND = ("unipipe", "monitor", "run")


@frozen
class RunMonitor:
    """How often, and how patiently."""

    every: Annotated[str | None, "Begin a round each so often (30s, 5m, 1h), until Ctrl-C or SIGTERM."] = None
    once: Annotated[bool, "One round; what happens without --every."] = False
    rounds: Annotated[int | None, "With --every, end after so many rounds."] = None
    within: Annotated[float, "Seconds after which a target that hangs is left; the others are not kept waiting."] = (
        120.0
    )


@frozen
class MonitorOrder:
    """What was decided."""

    every_seconds: int | None
    rounds: int | None
    within_seconds: float


@frozen
class Monitored:
    """What was watched."""

    rounds: int
    failed: int
    """Rounds that could not be made; their jobs say why."""
    last: MonitorRound | None

    @property
    def exit_code(self) -> ExitCode:
        """A check that could not be made is a failure; a problem that was found is not."""
        faulty = self.failed or (self.last is not None and self.last.faults)
        return ExitCode.FAILED if faulty else ExitCode.DONE


def plan_monitor(request: RunMonitor, world: World) -> Plan[MonitorOrder]:
    """Make every check of every target, open and close alerts, and tell the sinks; with --every, again and again.

    Checks: drift, performance of labelled decisions, error budgets, freshness of predictions, labels and data, whether the
    target answers, its errors and slow requests. A target that hangs or is away does not keep the others waiting, nor does
    a sink. One process per workspace watches: a second one is refused with exit code 5. It may be killed at any point; each
    round is a job of its own. Exit code 1 when a check could not be made.
    """
    if request.once and request.every is not None:
        raise UsageError("--once and --every exclude each other.", hint="Leave one of them out.")
    if request.rounds is not None and (request.rounds < 1 or request.every is None):
        raise UsageError("--rounds is a number from 1 up, and goes with --every.", hint="--every 5m --rounds 12")
    if not 0 < request.within <= 3600:
        raise UsageError("--within must be more than 0 and at most 3600 seconds.")
    every = None if request.every is None else seconds_of(request.every)
    with world.monitor_turn() as holder:
        _refuse_beside(holder)
    names = ", ".join(check.name for check in (*CHECKS, *WORKSPACE_CHECKS))
    sinks = ", ".join(world.config.alerts.sinks) or "none is configured"
    effects = (
        plans.store(f"checks of {', '.join(world.targets)}: {names}"),
        plans.store("alerts opened, renewed and closed"),
        plans.serve(f"sinks that are told: {sinks}"),
    )
    often = "once" if every is None else f"every {request.every}"
    order = MonitorOrder(every, request.rounds, request.within)
    return Plan(f"Check all targets, {often}", effects, "nothing to undo: a check only adds its result", order)


def run_monitor(plan: Plan[MonitorOrder], world: World, progress: Progress) -> Done[Monitored]:
    """Watch."""
    order = plan.decided
    with world.monitor_turn() as holder:
        _refuse_beside(holder)
        if order.every_seconds is None:
            last = go_round(world, progress, order.within_seconds, Stuck())
            forget_old_rounds(world, progress)
            return Done(Monitored(1, 0, last), detail=_detail(last), quiet=is_quiet(last, None))
        return _watch(order, order.every_seconds, world, progress)


def _watch(order: MonitorOrder, every_seconds: int, world: World, progress: Progress) -> Done[Monitored]:
    first, one_round = monotonic(), _Rounds(Stuck())
    rounds = failed = 0
    last: MonitorRound | None = None
    while True:
        rounds += 1
        job = new_job_id(world.now().timestamp())
        try:
            last = apply_plan(one_round.change, _round_plan(order), of_job(world, job), _unheard, progress.stopped).last
            progress.emit(Noted(f"round {rounds}, job {job}: {_detail(last) if last else ''}"))
        except Stopped:
            raise
        except Exception as error:
            # A store that is busy or a disk that is full now may be fine by the next round: who watches goes on.
            failed += 1
            progress.emit(Noted(f"round {rounds}, job {job} failed: {error}"))
        forget_old_rounds(world, progress)
        if order.rounds is not None and rounds >= order.rounds:
            return Done(Monitored(rounds, failed, last), detail=f"{rounds} rounds, {failed} failed")
        _wait_until(next_due(first, every_seconds, monotonic()), progress)


def _wait_until(due: float, progress: Progress) -> None:
    while (left := due - monotonic()) > 0:
        if progress.stopped():
            raise Stopped("Stopped on request.")
        sleep(min(left, LONGEST_WAIT_SECONDS))


class _Rounds:
    """The rounds of one watch, each recorded as a job of its own while the watch holds the workspace."""

    def __init__(self, stuck: Stuck) -> None:
        self._stuck = stuck
        self._before: MonitorRound | None = None
        self.change = replace(RUN, apply=self._apply)

    def _apply(self, plan: Plan[MonitorOrder], world: World, progress: Progress) -> Done[Monitored]:
        last = go_round(world, progress, plan.decided.within_seconds, self._stuck)
        quiet, self._before = is_quiet(last, self._before), last
        return Done(Monitored(1, 0, last), detail=_detail(last), quiet=quiet)


def _round_plan(order: MonitorOrder) -> Plan[MonitorOrder]:
    one = MonitorOrder(None, None, order.within_seconds)
    return Plan(
        "Check all targets", (), "nothing to undo: a check only adds its result", one, command=(*COMMAND, "--once")
    )


def _refuse_beside(holder: int | None) -> None:
    if holder is not None:
        who = f"process {holder}" if holder else "another process"
        raise Refused(f"This workspace is watched already, by {who}.", hint="See: unipipe jobs list")


def _unheard(event: Event) -> None:
    """Tell nobody: a round's events are kept with its job."""


def _detail(last: MonitorRound) -> str:
    problems = sum(line.state.value == "problem" for line in last.findings)
    moved = f", {len(last.moves)} alerts moved" if last.moves else ""
    faults = f", {len(last.faults)} not made" if last.faults else ""
    return f"{last.checks} checks{faults}, {problems} problems{moved}, {last.open} alerts open"


RUN = Change("monitor run", RunMonitor, plan_monitor, run_monitor, "unipipe monitor run --every 5m", Danger.NONE)
