"""A change is performed as a job: what was planned is what is recorded, however it ends."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from tests.fakes import Unreachable
from unipipe_tui.actions.action import Change, Done
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.request import OBJECT
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetConfig
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import CheckSaidNo, ExitCode, Failed, Refused, Stopped, UnipipeError, UsageError
from unipipe_tui.domain.events import Event, Noted, StepEnded, StepStarted
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Undo, UndoKind
from unipipe_tui.wiring import world_at


@dataclass(frozen=True)
class Paint:
    """What to paint."""

    wall: Annotated[str, OBJECT, "The wall."]
    colour: Annotated[str, "The colour."] = "white"


@dataclass(frozen=True)
class Painted:
    """A painted wall."""

    wall: str
    litres: float
    exit_code: ExitCode = ExitCode.DONE


Apply = Callable[[Plan[Paint], World, Progress], Done[Painted]]


def plan_painting(request: Paint, world: World) -> Plan[Paint]:
    """Paint a wall."""
    return Plan(f"Paint {request.wall}", (plans.write(f"{request.wall} in {request.colour}"),), "paint again", request)


def paint(plan: Plan[Paint], world: World, progress: Progress) -> Done[Painted]:
    """Paint it."""
    with step(progress, "paint", 1, 1):
        progress.emit(Noted("wet paint"))
    undo = Undo(UndoKind.ALIAS, plan.decided.wall, "colour", before=1, after=2)
    return Done(Painted(plan.decided.wall, math.nan), undo, "one wall")


def painting(apply: Apply = paint) -> Change[Paint, Paint, Painted]:
    return Change("models paint", Paint, plan_painting, apply, "unipipe models paint north")


def failing(error: BaseException) -> Apply:
    """A way to apply that fails."""

    def apply(plan: Plan[Paint], world: World, progress: Progress) -> Done[Painted]:
        with step(progress, "paint", 1, 1):
            raise error

    return apply


@pytest.fixture
def world(project: Path) -> World:
    return world_at(project)


def performed(world: World, apply: Apply = paint, expected: str | None = None) -> list[Event]:
    """Perform it; answers with what a listener heard."""
    heard: list[Event] = []
    perform(painting(apply), Paint("it's north"), world, heard.append, lambda: False, expected)
    return heard


def test_what_was_done_is_recorded_as_a_job_an_audit_entry_events_a_result_and_a_way_back(world: World) -> None:
    heard = performed(world)
    job = world.jobs.find("last")
    assert job is not None
    assert (job.id, job.action, job.state, job.exit_code, job.message, job.actor) == (
        world.job_id,
        "models paint",
        JobState.DONE,
        0,
        "one wall",
        world.actor,
    )
    assert job.command == """unipipe models paint 'it'"'"'s north'"""
    assert job.ended is not None
    assert job.started <= job.ended
    (entry,) = world.audit.entries()
    assert (entry.action, entry.command, entry.job, entry.outcome, entry.detail) == (
        "models paint",
        job.command,
        job.id,
        "done",
        "one wall",
    )
    assert world.audit.verify() == (1, "")
    assert [event for _, event in world.job_folders.events(job.id)] == heard
    assert [type(event) for event in heard] == [StepStarted, Noted, StepEnded]
    assert json.loads(world.job_folders.result(job.id) or "") == {"wall": "it's north", "litres": None, "exit_code": 0}
    (change,) = world.history.changes()
    assert (change.job, change.command, change.undo.subject) == (job.id, job.command, "it's north")


def test_a_job_is_running_in_the_store_while_it_is_applied(world: World) -> None:
    seen: list[JobState] = []

    def look(plan: Plan[Paint], world: World, progress: Progress) -> Done[Painted]:
        seen.extend(job.state for job in world.jobs.latest(5))
        return Done(Painted("x", 1.0))

    performed(world, look)
    assert seen == [JobState.RUNNING]


@pytest.mark.parametrize(
    ("error", "raised", "state", "message"),
    [
        (Failed("No paint is left.", "buy some"), Failed, JobState.FAILED, "No paint is left."),
        (CheckSaidNo("The wall is wet."), CheckSaidNo, JobState.SAID_NO, "The wall is wet."),
        (Refused("Somebody paints it now."), Refused, JobState.REFUSED, "Somebody paints it now."),
        (Stopped("Stopped on request."), Stopped, JobState.STOPPED, "Stopped on request."),
        (KeyboardInterrupt(), Stopped, JobState.STOPPED, "Stopped on request."),
        (ZeroDivisionError("a bug"), ZeroDivisionError, JobState.FAILED, "ZeroDivisionError: a bug"),
    ],
)
def test_a_change_that_does_not_end_well_is_recorded_with_its_reason(
    world: World, error: BaseException, raised: type[BaseException], state: JobState, message: str
) -> None:
    with pytest.raises(raised):
        performed(world, failing(error))
    job = world.jobs.find("last")
    assert job is not None
    assert (job.state, job.message) == (state, message)
    (entry,) = world.audit.entries()
    assert (entry.outcome, entry.detail) == (state.value, message)
    assert world.job_folders.result(job.id) is None
    assert world.history.changes() == ()
    assert [event.outcome for _, event in world.job_folders.events(job.id) if isinstance(event, StepEnded)] == [
        "failed"
    ]


def test_an_interrupted_change_ends_with_130(world: World) -> None:
    with pytest.raises(Stopped) as stopped:
        performed(world, failing(KeyboardInterrupt()))
    assert stopped.value.exit_code is ExitCode.STOPPED
    job = world.jobs.find("last")
    assert job is not None
    assert job.exit_code == 130


def test_an_answer_of_no_is_a_job_that_said_no_and_has_its_result(world: World) -> None:
    def refuse(plan: Plan[Paint], world: World, progress: Progress) -> Done[Painted]:
        return Done(Painted("north", 0.0, ExitCode.CHECK_SAID_NO), detail="too wet")

    performed(world, refuse)
    job = world.jobs.find("last")
    assert job is not None
    assert (job.state, job.exit_code) == (JobState.SAID_NO, 4)
    assert world.job_folders.result(job.id) is not None


def test_the_plan_that_was_agreed_to_is_applied(world: World) -> None:
    agreed = make_plan(painting(), Paint("it's north"), world)
    assert agreed.command == ("unipipe", "models", "paint", "it's north")
    performed(world, expected=agreed.id)
    assert world.jobs.total() == 1


def test_another_plan_than_the_one_agreed_to_is_refused_and_nothing_is_applied_or_recorded(world: World) -> None:
    with pytest.raises(Refused, match="something moved") as refused:
        performed(world, failing(AssertionError("it was applied")), expected="0123456789ab")
    assert refused.value.exit_code is ExitCode.REFUSED
    assert "--dry-run" in refused.value.hint
    assert world.jobs.total() == 0
    assert world.audit.total() == 0


@pytest.mark.parametrize("forbids", [CheckSaidNo("The wall is wet."), UsageError("The wall is gone.")])
def test_a_plan_that_can_no_longer_be_made_is_refused_because_the_world_moved(
    world: World, forbids: UnipipeError
) -> None:
    def plan(request: Paint, world: World) -> Plan[Paint]:
        raise forbids

    change = dataclasses.replace(painting(), plan=plan)
    with pytest.raises(Refused, match="no longer holds: The wall") as refused:
        perform(change, Paint("north"), world, lambda _: None, lambda: False, "0123456789ab")
    assert refused.value.exit_code is ExitCode.REFUSED
    assert world.jobs.total() == 0


def test_nothing_is_changed_where_everything_is_read_only(world: World) -> None:
    closed = dataclasses.replace(world, read_only="the disk is a museum")
    with pytest.raises(Refused, match="the disk is a museum"):
        performed(closed, failing(AssertionError("it was applied")))
    assert world.jobs.total() == 0


def test_a_job_whose_beginning_cannot_be_recorded_is_not_begun(world: World) -> None:
    closed = dataclasses.replace(world, jobs=Unreachable("the store is locked"))  # type: ignore[arg-type]
    with pytest.raises(Failed, match="the store is locked"):
        performed(closed, failing(AssertionError("it was applied")))


@pytest.mark.parametrize("door", ["audit", "history", "job_folders"])
def test_an_end_that_cannot_be_recorded_does_not_hide_the_result(world: World, door: str) -> None:
    closed = dataclasses.replace(world, **{door: Unreachable("the disk is full")})  # type: ignore[arg-type]
    heard: list[Event] = []
    result = perform(painting(), Paint("north"), closed, heard.append, lambda: False)
    assert result.wall == "north"
    assert isinstance(heard[-1], Noted)
    assert "could not be" in heard[-1].text
    assert heard[-1].text.endswith("the disk is full")


def test_what_cannot_be_recorded_of_an_end_does_not_keep_the_rest_from_being_recorded(world: World) -> None:
    without_history = dataclasses.replace(world, history=Unreachable("the disk is full"))  # type: ignore[arg-type]
    performed(without_history)
    assert [entry.outcome for entry in world.audit.entries()] == ["done"]
    job = world.jobs.find(world.job_id)
    assert job is not None and job.state is JobState.DONE

    other = dataclasses.replace(world, job_id="another", jobs=_OnlyBeginnings())  # type: ignore[arg-type]
    performed(other)
    assert [change.job for change in world.history.changes()] == ["another"]
    assert [entry.job for entry in world.audit.entries()] == [world.job_id, "another"]


class _OnlyBeginnings:
    """Job records that take beginnings, and nothing else."""

    def begin(self, job: Job) -> None:
        """Take it."""

    def end(self, job: Job) -> None:
        """Fail."""
        raise Failed("the disk is full")


def test_an_end_that_cannot_be_recorded_does_not_hide_the_reason_of_a_failure(world: World) -> None:
    closed = dataclasses.replace(world, audit=Unreachable("the disk is full"))  # type: ignore[arg-type]
    with pytest.raises(UnipipeError, match="No paint"):
        performed(closed, failing(Failed("No paint is left.")))


def test_a_change_that_makes_a_project_is_recorded_there(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "new"
    change = dataclasses.replace(painting(), folder=lambda _: elsewhere)
    perform(change, Paint("north"), world, lambda _: None, lambda: False)
    assert world.jobs.total() == 0
    assert world_at(elsewhere).jobs.total() == 1


def test_a_change_asks_whether_it_should_stop(world: World) -> None:
    asked: list[bool] = []

    def ask(plan: Plan[Paint], world: World, progress: Progress) -> Done[Painted]:
        asked.append(progress.stopped())
        return Done(Painted("x", 1.0))

    perform(painting(ask), Paint("x"), world, lambda _: None, lambda: True)
    assert asked == [True]


def protecting(world: World, *names: str) -> World:
    """The world where these targets are protected."""
    targets = {name: TargetConfig(protected=True) for name in names}
    closed = dataclasses.replace(world, config=dataclasses.replace(world.config, targets=targets))
    return dataclasses.replace(closed, elsewhere=lambda root: closed)


def painting_shop(danger: str = "") -> Change[Paint, Paint, Painted]:
    def plan(request: Paint, world: World) -> Plan[Paint]:
        """Paint the shop."""
        made = plan_painting(request, world)
        return dataclasses.replace(made, effects=(plans.serve("is painted", "shop"),), name_to_type=danger)

    return dataclasses.replace(painting(), plan=plan)


@pytest.mark.parametrize("typed", ["", "shopp", "Shop", " shop", "wipe"])
def test_a_protected_target_is_not_changed_until_its_name_is_typed(world: World, typed: str) -> None:
    change, protected = painting_shop("wipe"), protecting(world, "local", "shop")
    with pytest.raises(UsageError, match="shop is protected") as refused:
        perform(change, Paint("north"), protected, lambda _: None, lambda: False, None, typed)
    assert "--confirm=shop" in refused.value.hint
    assert world.jobs.total() == 0

    perform(change, Paint("north"), protected, lambda _: None, lambda: False, None, "shop")
    assert world.jobs.total() == 1


def test_where_no_target_is_protected_a_dangerous_change_wants_its_own_name_and_another_one_none(world: World) -> None:
    with pytest.raises(UsageError, match="wipe is dangerous"):
        perform(painting_shop("wipe"), Paint("north"), world, lambda _: None, lambda: False)
    perform(painting_shop("wipe"), Paint("north"), world, lambda _: None, lambda: False, None, "wipe")
    perform(
        painting_shop(),
        Paint("north"),
        dataclasses.replace(world, job_id="j2"),
        lambda _: None,
        lambda: False,
        None,
        "x",
    )
    assert world.jobs.total() == 2


def test_a_change_in_another_project_is_guarded_by_what_that_project_protects(world: World, tmp_path: Path) -> None:
    there = dataclasses.replace(world, elsewhere=lambda root: protecting(world, "shop"))
    change = dataclasses.replace(painting_shop(), folder=lambda _: tmp_path)
    assert make_plan(change, Paint("north"), there).name_to_type == "shop"
    assert make_plan(painting_shop(), Paint("north"), there).name_to_type == ""
