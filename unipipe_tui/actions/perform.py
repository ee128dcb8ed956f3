"""Performing a change: the one road that both front ends take, with its plan, its job, its audit entry.

Whatever a job says or is recorded with passes here, and leaves its secrets here.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from unipipe_tui.actions.action import Change, Done, exit_code_of
from unipipe_tui.actions.command_line import command_line, confirmation
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import CheckSaidNo, ExitCode, Refused, Stopped, UnipipeError, UsageError
from unipipe_tui.domain.events import Event, Noted
from unipipe_tui.domain.jobs import Job, JobState, state_of_exit
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.telemetry import JobTrace
from unipipe_tui.domain.records import ReversibleChange
from unipipe_tui.domain.secrets import (
    command_without_secrets,
    event_without_secrets,
    plain_without_secrets,
    without_secrets,
)


def make_plan(change: Change[Any, Any, Any], request: Any, world: World) -> Plan[Any]:
    """Decide what the change would do; write its command line into the plan, and which name must be typed before."""
    home = change.home(request, world)
    plan = change.plan(request, home)
    protected = [name for name, target in home.targets.items() if target.protected]
    return dataclasses.replace(plan, command=plan.command or command_line(change, request)).guarded(protected)


class Listening:
    """The progress of one job: every event goes to its file and to one listener, without secrets."""

    def __init__(
        self,
        listeners: tuple[Callable[[Event], None], ...],
        stopped: Callable[[], bool],
        secrets: tuple[str, ...] = (),
        trace: JobTrace | None = None,
    ) -> None:
        self._listeners = listeners
        self._stopped = stopped
        self._secrets = secrets
        self._trace = trace

    def emit(self, event: Event) -> None:
        """Tell all listeners."""
        told = event_without_secrets(event, self._secrets)
        for listener in self._listeners:
            listener(told)

    def stopped(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stopped()

    def end(self, job: Job) -> None:
        """Nothing more will be said."""
        if self._trace is not None:
            self._trace.end(job)


def perform(
    change: Change[Any, Any, Any],
    request: Any,
    world: World,
    listener: Callable[[Event], None],
    stopped: Callable[[], bool],
    expected_plan: str | None = None,
    typed: str = "",
) -> Any:
    """Plan and apply a change as a job: recorded when it begins, when it ends and in the audit; answers with the result.

    `typed` is the name that somebody typed for what is protected or dangerous.

    Raises:
        Refused: read-only, or the plan is no longer the expected one.
        UsageError: another name must be typed, or one at all.
        UnipipeError: whatever the change itself could not do.
    """
    plan = allowed_plan(change, request, world, expected_plan)
    refuse_unconfirmed(plan, typed)
    return apply_plan(change, plan, change.home(request, world), listener, stopped)


def allowed_plan(
    change: Change[Any, Any, Any], request: Any, world: World, expected_plan: str | None = None
) -> Plan[Any]:
    """The plan, when it may be applied.

    Raises:
        Refused: read-only, or the plan is no longer the expected one.
        UnipipeError: the change cannot be planned.
    """
    refuse_when_read_only(change, request, world)
    if expected_plan is None:
        return make_plan(change, request, world)
    return _made_again(change, request, world, expected_plan)


def is_forbidden(change: Change[Any, Any, Any], request: Any, world: World) -> bool:
    """Whether this would be a change where nothing may be changed."""
    return bool(world.read_only) and not (change.only_looks and change.only_looks(request, world))


def refuse_when_read_only(change: Change[Any, Any, Any], request: Any, world: World) -> None:
    """Raise Refused where nothing may be changed."""
    if is_forbidden(change, request, world):
        raise Refused(f"This is read-only: {world.read_only}.", hint="Looks work; changes need a writable workspace.")


def refuse_unconfirmed(plan: Plan[Any], typed: str) -> None:
    """Raise UsageError unless the name was typed that the plan wants, if it wants one."""
    if not plan.name_to_type or typed == plan.name_to_type:
        return
    said = f"{typed} is another name" if typed else "its name must be typed"
    raise UsageError(f"{plan.why_typed}: {said}; nothing was changed.", hint=f"Add {confirmation(plan.name_to_type)}")


def _made_again(change: Change[Any, Any, Any], request: Any, world: World, expected: str) -> Plan[Any]:
    try:
        plan = make_plan(change, request, world)
    except (CheckSaidNo, UsageError) as error:
        # It was allowed when the plan was made: whatever forbids it now has moved since.
        raise Refused(f"The plan {expected} no longer holds: {error.message}", hint=error.hint) from None
    if plan.id != expected:
        raise Refused(
            f"The plan is now {plan.id}, not {expected}: something moved since it was made.",
            hint=f"Look at it again: {shlex.join(plan.command)} --dry-run",
        )
    return plan


def apply_plan(
    change: Change[Any, Any, Any],
    plan: Plan[Any],
    world: World,
    listener: Callable[[Event], None],
    stopped: Callable[[], bool],
) -> Any:
    """Apply a plan that was shown, as a job; answers with the change's result."""
    events = world.events_of_this_job()
    try:
        job = _begin(change, plan, world)
        trace = world.trace_of(job)
        progress = Listening((events.write, trace.hear, listener), stopped, world.secrets, trace)
        if trace.problem:
            progress.emit(Noted(trace.problem))
        return _applied(change, plan, world, progress, job)
    finally:
        events.close()


def _applied(change: Change[Any, Any, Any], plan: Plan[Any], world: World, progress: Listening, job: Job) -> Any:
    try:
        done: Done[Any] = change.apply(plan, world, progress)
    except KeyboardInterrupt:
        _end(job, world, progress, ExitCode.STOPPED, "Stopped on request.")
        raise Stopped("Stopped on request.", hint="Run the same command again to go on.") from None
    except UnipipeError as error:
        _end(job, world, progress, error.exit_code, error.message)
        raise
    except BaseException as error:
        _end(job, world, progress, ExitCode.FAILED, f"{type(error).__name__}: {error}")
        raise
    _end(job, world, progress, exit_code_of(done.result), done.detail, done)
    return done.result


def _begin(change: Change[Any, Any, Any], plan: Plan[Any], world: World) -> Job:
    job = Job(
        id=world.job_id,
        action=plan.action or change.name,
        command=command_without_secrets(plan.command, world.secrets),
        actor=world.actor,
        state=JobState.RUNNING,
        started=world.now(),
        pid=world.process.pid,
        pid_started=world.process.started,
    )
    world.jobs.begin(job)
    return job


def _end(
    job: Job, world: World, progress: Listening, exit_code: int, message: str, done: Done[Any] | None = None
) -> None:
    said = without_secrets(message, world.secrets)
    ended = dataclasses.replace(
        job,
        state=state_of_exit(exit_code),
        ended=world.now(),
        message=said,
        exit_code=int(exit_code),
        quiet=done is not None and done.quiet,
    )
    with _noted(progress, "The answer of the job could not be kept"):
        if done:
            answer = plain_without_secrets(to_plain(done.result), world.secrets)
            world.job_folders.write_result(job.id, json.dumps(answer))
    with _noted(progress, "The end of the job could not be recorded"):
        world.jobs.end(ended)
    with _noted(progress, "The way back could not be recorded"):
        if done and done.undo:
            world.history.add_change(ReversibleChange(job.id, job.command, done.undo, world.now()))
    with _noted(progress, "The audit entry could not be written"):
        world.audit.append(
            at=world.now(),
            actor=job.actor,
            action=job.action,
            command=job.command,
            job=job.id,
            outcome=ended.state.value,
            detail=said,
        )
    progress.end(ended)


@contextmanager
def _noted(progress: Listening, what: str) -> Iterator[None]:
    # The work itself is done or has failed for its own reason; that must not be hidden by the bookkeeping.
    try:
        yield
    except UnipipeError as error:
        progress.emit(Noted(f"{what}: {error.message}"))
