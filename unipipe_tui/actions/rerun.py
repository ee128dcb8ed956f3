"""Running a job again: the same capability with the same request, planned anew and recorded as what it is."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from unipipe_tui.actions.action import Action, Change, Danger, Done, exit_code_of
from unipipe_tui.actions.command_line import PROGRAM, command_line, request_of
from unipipe_tui.actions.jobs.finding import find_job
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import HIDDEN
from unipipe_tui.domain.values import frozen


@frozen
class RerunJob:
    """Which job."""

    job: Annotated[str, OBJECT, "Job id, a part of it, or `last`.", Names.JOB]


@frozen
class Again:
    """What was decided: which change is made once more, and how it would go now."""

    job: str
    change: Change[Any, Any, Any]
    way: Plan[Any]


@frozen
class RunAgain:
    """A job that was run again."""

    job: str
    """The one before."""
    action: str
    detail: str
    """What it says of itself now."""
    answered: int
    """The exit code that its answer asks for."""

    @property
    def exit_code(self) -> ExitCode:
        """That of the change which was made again."""
        return ExitCode(self.answered)


def rerun_among(catalog: Callable[[], tuple[Action, ...]]) -> Change[RerunJob, Again, RunAgain]:
    """The capability to run again what any change of the catalog did."""

    def plan_rerun(request: RerunJob, world: World) -> Plan[Again]:
        """Do once more what a job did: its own command line, planned as things stand now."""
        job = find_job(world, request.job)
        if HIDDEN in job.command:
            raise UsageError(
                f"Job {job.id} was asked for with a secret, which is not kept.", hint=f"Type it anew: {job.command}"
            )
        change, asked = _read(job.command, catalog())
        if change.folder:
            raise UsageError(f"`{change.name}` works in a folder of its own.", hint=f"Type it there: {job.command}")
        way = change.plan(asked, world)
        # Line by line the plan of that command line: whoever starts it as a process of its own starts the same.
        again = Again(job.id, change, way)
        return replace(way, decided=again, command=command_line(change, asked), action=change.name)

    return Change("jobs rerun", RerunJob, plan_rerun, rerun, "unipipe jobs rerun last --yes", Danger.CONFIRM)


def rerun(plan: Plan[Again], world: World, progress: Progress) -> Done[RunAgain]:
    """Run a job again."""
    again = plan.decided
    done = again.change.apply(again.way, world, progress)
    answer = RunAgain(again.job, again.change.name, done.detail, int(exit_code_of(done.result)))
    return Done(answer, done.undo, done.detail)


def _read(command: str, catalog: tuple[Action, ...]) -> tuple[Change[Any, Any, Any], Any]:
    """The change and the request of a recorded command line."""
    unreadable = f"This version of {PROGRAM} cannot read what the job was asked for"
    try:
        program, *words = shlex.split(command)
        changes = [a for a in catalog if isinstance(a, Change) and words[: len(a.name.split())] == a.name.split()]
        if program != PROGRAM or not changes:
            raise UsageError(f"{unreadable}: {command}")
        change = max(changes, key=lambda action: len(action.name.split()))
        return change, request_of(change, (program, *words))
    except ValueError as error:
        raise UsageError(f"{unreadable}: {error}.", hint=f"Its command line was: {command}") from None
