"""Changing what is written on MLflow runs after they ended: tags, names, notes; deleting and restoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.runs.naming import (
    RUN_HELP,
    gone_with_its_experiment,
    marks_in_place,
    marks_of,
    marks_of_active,
    mlflow_runs,
    moved_since,
    named,
    shown,
    writable_run,
)
from unipipe_tui.actions.runs.sync import bring_up_to_date
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import Refused, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.tools import Registry
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Undo, UndoKind
from unipipe_tui.domain.runs.query import Comparison, Field, FieldKind, Operator, RunQuery
from unipipe_tui.domain.runs.tags import (
    NOTE_TAG,
    check_run_name,
    check_tag_key,
    check_tag_value,
)
from unipipe_tui.domain.tracking import ModelVersion, Run
from unipipe_tui.domain.values import frozen


class Mark(Enum):
    """What of a run is written anew."""

    TAG = "tag"
    NAME = "name"


@frozen
class RunEdit:
    """What was decided: one text of a run, as it is now and as it will be."""

    run_id: str
    mark: Mark
    key: str
    """Of the tag; empty for the name."""
    before: str | None
    """Applying refuses when that is no longer so."""
    after: str | None
    """None: there will be no such tag."""


@frozen
class RunEdited:
    """A run on which something else is written now."""

    run_id: str
    what: str
    before: str | None
    after: str | None


@frozen
class TagRun:
    """Which tag of which run."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.WRITABLE_RUN]
    key: Annotated[str, OBJECT, "Key of the tag.", Names.TAG]
    value: Annotated[str | None, OBJECT, "Its value; empty when left out."] = None
    remove: Annotated[bool, "Take the tag away."] = False


def plan_tag(request: TagRun, world: World) -> Plan[RunEdit]:
    """Write a tag on an MLflow run, or take it away; `unipipe undo` puts back what was there.

    Tags that MLflow or Unipipe keep for themselves are refused, and so are the commits and experiments of DVC.
    """
    if request.remove and request.value is not None:
        raise UsageError("A tag that is taken away gets no value.", "Leave out the value, or --remove.")
    key = check_tag_key(request.key)
    after = None if request.remove else check_tag_value(request.value or "")
    run = writable_run(world, request.run)
    return plan_edit(run, Mark.TAG, key, run.tags.get(key), after)


@frozen
class RenameRun:
    """Which run is called what."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.WRITABLE_RUN]
    name: Annotated[str, OBJECT, "Its new name."]


def plan_rename(request: RenameRun, world: World) -> Plan[RunEdit]:
    """Give an MLflow run another name; several runs may share one, but are then named by their ids."""
    name = check_run_name(request.name)
    run = writable_run(world, request.run)
    return plan_edit(run, Mark.NAME, "", run.name, name, _name_warnings(world, name))


@frozen
class NoteRun:
    """What to note on which run."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.WRITABLE_RUN]
    text: Annotated[str, OBJECT, "The note, Markdown; empty takes it away."]


def plan_note(request: NoteRun, world: World) -> Plan[RunEdit]:
    """Write the note of an MLflow run: what MLflow shows as its description."""
    text = check_tag_value(request.text, "note")
    run = writable_run(world, request.run)
    return plan_edit(run, Mark.TAG, NOTE_TAG, run.tags.get(NOTE_TAG), text or None)


def plan_edit(
    run: Run, mark: Mark, key: str, before: str | None, after: str | None, warnings: tuple[str, ...] = ()
) -> Plan[RunEdit]:
    """Decide what writing one text of a run entails.

    Raises:
        UsageError: it is written so already.
    """
    what = _what(mark, key)
    if before == after:
        has = f"has no {what}" if after is None else f"has the {what} {shown(after)} already"
        raise UsageError(f"Run {named(run)} {has}.")
    text = f"run {named(run)}: {what} {shown(before)} -> {shown(after)}"
    effects = (plans.registry(text), plans.store("audit entry"))
    verb = "Take away" if after is None else "Write"
    title = f"{verb} {what} of run {named(run)}"
    back = "unipipe undo" if _can_go_back(mark, before) else "nothing to undo: MLflow takes no empty name"
    return Plan(title, effects, back, RunEdit(run.run_id, mark, key, before, after), warnings)


def edit_run(plan: Plan[RunEdit], world: World, progress: Progress) -> Done[RunEdited]:
    """Write one text of a run.

    Raises:
        Refused: somebody changed the run since the plan was made.
    """
    edit = plan.decided
    what = _what(edit.mark, edit.key)
    with step(progress, "open MLflow", 1, 2):
        registry = world.open_registry()
    with step(progress, f"write {what}", 2, 2):
        marks = marks_of_active(registry, edit.run_id)
        now = marks.name if edit.mark is Mark.NAME else marks.tags.get(edit.key)
        if now != edit.before:
            raise moved_since(edit.run_id, f"its {what} is {shown(now)} now, not {shown(edit.before)}")
        _write(registry, edit)
    bring_up_to_date(world, progress, [edit.run_id])
    kind = UndoKind.RUN_NAME if edit.mark is Mark.NAME else UndoKind.RUN_TAG
    undo = Undo(kind, edit.run_id, key=edit.key, text_before=edit.before, text_after=edit.after)
    edited = RunEdited(edit.run_id, what, edit.before, edit.after)
    return Done(edited, undo if _can_go_back(edit.mark, edit.before) else None, detail=plan.effects[0].text)


def _can_go_back(mark: Mark, before: str | None) -> bool:
    return mark is Mark.TAG or bool(before)


def _write(registry: Registry, edit: RunEdit) -> None:
    if edit.mark is Mark.NAME:
        registry.rename_run(edit.run_id, edit.after or "")
    elif edit.after is None:
        registry.delete_run_tag(edit.run_id, edit.key)
    else:
        registry.set_run_tag(edit.run_id, edit.key, edit.after)


@frozen
class RunsLife:
    """What was decided: these runs are deleted, or there again."""

    runs: tuple[str, ...]
    deleted: bool
    """What they will be; applying refuses when one of them is that already."""


@frozen
class RunsMoved:
    """Runs that were deleted or restored."""

    runs: tuple[str, ...]
    deleted: bool


@frozen
class DeleteRuns:
    """Which runs."""

    runs: Annotated[
        tuple[str, ...], OBJECT, "Run ids, beginnings of ids, or names that only one run has.", Names.WRITABLE_RUN
    ]


def plan_deletion(request: DeleteRuns, world: World) -> Plan[RunsLife]:
    """Delete MLflow runs: MLflow hides them and keeps all they logged; `runs restore` or `unipipe undo` brings them back."""
    return plan_life(world, request.runs, deleted=True)


@frozen
class RestoreRuns:
    """Which runs."""

    runs: Annotated[
        tuple[str, ...],
        OBJECT,
        "Ids of deleted runs, beginnings of ids, or names that only one run has.",
        Names.DELETED_RUN,
    ]


def plan_restoring(request: RestoreRuns, world: World) -> Plan[RunsLife]:
    """Bring deleted MLflow runs back, with all that they logged; not without their experiment, where that is deleted."""
    return plan_life(world, request.runs, deleted=False)


def plan_life(world: World, names: tuple[str, ...], *, deleted: bool) -> Plan[RunsLife]:
    """Decide what deleting or restoring runs entails.

    Raises:
        UsageError: one is that already, is no run of MLflow, or shall be restored although its experiment is deleted.
    """
    if not names:
        raise UsageError("Name at least one run.", hint="unipipe runs list")
    return _life_of(mlflow_runs(world, names), world, deleted=deleted)


def _life_of(runs: Sequence[Run], world: World, *, deleted: bool) -> Plan[RunsLife]:
    found = {run.run_id: run for run in runs}
    for run in found.values():
        if run.experiment_deleted and not deleted:
            raise gone_with_its_experiment(world, run)
        if run.deleted is deleted:
            raise UsageError(f"Run {named(run)} is {'deleted already' if deleted else 'not deleted'}.")
    word = "active -> deleted" if deleted else "deleted -> active"
    effects = [plans.registry(f"run {named(run)}: {word}") for run in found.values()]
    count = f"{len(found)} runs" if len(found) > 1 else f"run {named(next(iter(found.values())))}"
    warnings = tuple(_version_warnings(world, found)) if deleted else ()
    undo = "unipipe undo" if not deleted else "unipipe undo, or unipipe runs restore; until somebody runs `mlflow gc`"
    title = f"{'Delete' if deleted else 'Restore'} {count}"
    decided = RunsLife(tuple(found), deleted)
    return Plan(title, (*effects, plans.store("audit entry")), undo, decided, warnings)


def move_runs(plan: Plan[RunsLife], world: World, progress: Progress) -> Done[RunsMoved]:
    """Delete or restore runs: all of them, or none.

    Raises:
        Refused: somebody deleted or restored one since the plan was made.
    """
    life = plan.decided
    with step(progress, "open MLflow", 1, 2):
        registry = world.open_registry()
    with step(progress, "delete" if life.deleted else "restore", 2, 2):
        for run_id in life.runs:
            marks = marks_of(registry, run_id) if life.deleted else marks_in_place(registry, run_id)
            if marks.deleted is life.deleted:
                raise moved_since(run_id, f"it is {'deleted' if life.deleted else 'there'} again")
        _move_all(registry, life)
    bring_up_to_date(world, progress, life.runs)
    kind = UndoKind.RUNS_DELETED if life.deleted else UndoKind.RUNS_RESTORED
    undo = Undo(kind, life.runs[0], runs=life.runs)
    return Done(RunsMoved(life.runs, life.deleted), undo, detail=plan.title)


def _move_all(registry: Registry, life: RunsLife) -> None:
    there, back = registry.delete_run, registry.restore_run
    if not life.deleted:
        there, back = back, there
    moved: list[str] = []
    try:
        for run_id in life.runs:
            moved.append(run_id)
            there(run_id)
    except BaseException:
        _take_back(back, moved)
        raise


def _take_back(back: Callable[[str], None], moved: list[str]) -> None:
    for run_id in moved:
        # The last of them may not have moved at all; what made it fail is what counts.
        with suppress(UnipipeError):
            back(run_id)


def plan_edit_back(undo: Undo, world: World) -> Plan[RunEdit]:
    """Decide how a text of a run is put back.

    Raises:
        Refused: somebody wrote something else there since.
    """
    run = writable_run(world, undo.subject)
    mark = Mark.NAME if undo.kind is UndoKind.RUN_NAME else Mark.TAG
    now = run.name if mark is Mark.NAME else run.tags.get(undo.key)
    if now != undo.text_after:
        what = _what(mark, undo.key)
        raise Refused(
            f"The {what} of run {named(run)} is {shown(now)} now, not {shown(undo.text_after)} as after that change.",
            hint=f"Somebody wrote it since: unipipe runs show {run.run_id[:8]}",
        )
    return plan_edit(run, mark, undo.key, now, undo.text_before)


def plan_life_back(undo: Undo, world: World) -> Plan[RunsLife]:
    """Decide how deleted runs are restored, or restored ones deleted again.

    Raises:
        Refused: somebody did that to one of them since.
    """
    was_deleted = undo.kind is UndoKind.RUNS_DELETED
    runs = mlflow_runs(world, undo.runs)
    for run in runs:
        if run.deleted is not was_deleted:
            word = "restored" if was_deleted else "deleted"
            raise Refused(f"Run {named(run)} was {word} since that change.", hint=f"unipipe runs show {run.run_id[:8]}")
    return _life_of(runs, world, deleted=not was_deleted)


def _name_warnings(world: World, name: str) -> tuple[str, ...]:
    same = Comparison(Field(FieldKind.ATTRIBUTE, "run_name"), Operator.EQUAL, name)
    others = world.run_index.search(RunQuery(same, limit=1)).total
    if not others:
        return ()
    return (f"{others} other run{'s have' if others > 1 else ' has'} this name: they are then told apart by their ids",)


def _version_warnings(world: World, found: Mapping[str, Run]) -> list[str]:
    try:
        names = [model.name for model in world.tracking.models()]
        versions = [version for name in names for version in world.tracking.versions(name)]
    except ToolMissing:
        # A server's models are only read through MLflow's client, which takes seconds: a warning is not worth that.
        return []
    return [_version_warning(version, run) for version in versions if (run := found.get(version.run_id or ""))]


def _version_warning(version: ModelVersion, run: Run) -> str:
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    return f"{version.model} version {version.version}{aliases} was registered from run {named(run)}; it stays"


def _what(mark: Mark, key: str) -> str:
    if mark is Mark.NAME:
        return "name"
    return "note" if key == NOTE_TAG else f"tag {key}"


TAG = Change("runs tag", TagRun, plan_tag, edit_run, "unipipe runs tag 3f9a2c stage candidate --yes", Danger.CONFIRM)
RENAME = Change("runs rename", RenameRun, plan_rename, edit_run, "unipipe runs rename 3f9a2c baseline --yes")
NOTE = Change("runs note", NoteRun, plan_note, edit_run, "unipipe runs note 3f9a2c 'Best so far.' --yes")
DELETE = Change("runs delete", DeleteRuns, plan_deletion, move_runs, "unipipe runs delete 3f9a2c 81d0e7 --yes")
RESTORE = Change("runs restore", RestoreRuns, plan_restoring, move_runs, "unipipe runs restore 3f9a2c --yes")
