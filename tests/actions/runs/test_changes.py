"""What is written on runs afterwards: exactly what the plan says, refused where it must not be, and taken back by undo."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOON, FakeRegistry, FakeTracking, RunsOfRegistry
from unipipe_tui.actions.action import Change
from unipipe_tui.actions.going_back import UNDO, UndoChange
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.runs.changes import (
    DELETE,
    NOTE,
    RENAME,
    RESTORE,
    TAG,
    DeleteRuns,
    NoteRun,
    RenameRun,
    RestoreRuns,
    TagRun,
)
from unipipe_tui.actions.runs.naming import mlflow_runs
from unipipe_tui.actions.runs.registration import REGISTER, RegisterRun
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode, Failed, Refused, UnipipeError, UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.runs.rows import ExperimentRow, RunBatch, RunRow
from unipipe_tui.domain.runs.tags import NOTE_TAG, RunMarks
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel, Run
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory
from unipipe_tui.wiring import world_at

FIRST, SECOND, GONE, OLD, BURIED = "a1" * 16, "b2" * 16, "c3" * 16, "d4" * 16, "e5" * 16


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry(
        {
            FIRST: RunMarks("first", {"stage": "draft", "git.commit": "9" * 40, "data.raw.md5": "d5"}, deleted=False),
            SECOND: RunMarks("second", {}, deleted=False),
            GONE: RunMarks("gone", {}, deleted=True),
            OLD: RunMarks("old", {"stage": "x"}, deleted=False, experiment_deleted=True),
            BURIED: RunMarks("buried", {"stage": "x"}, deleted=True, experiment_deleted=True),
        },
        with_model=frozenset({FIRST}),
    )


@pytest.fixture
def world(project: Path, registry: FakeRegistry) -> World:
    """A project whose MLflow is in memory; each job that is made in it has an id of its own."""
    (project / "unipipe.yaml").write_text("model: {name: fraud}\n")
    return dataclasses.replace(
        world_at(project),
        run_index=RunIndex(Memory()),
        index_is_kept=False,
        run_sources=lambda: (RunsOfRegistry(registry),),
        distant_runs=lambda ids: (),
        tracking=FakeTracking(),
        open_registry=lambda: registry,  # type: ignore[arg-type,return-value]
    )


def done(change: Change[Any, Any, Any], request: object, world: World, job: str = "20260309-120000-000001") -> Any:
    return perform(change, request, dataclasses.replace(world, job_id=job), lambda event: None, lambda: False)


def undone(world: World, number: int = 2) -> None:
    done(UNDO, UndoChange(), world, f"20260309-120000-{number:06x}")


def lines(change: Change[Any, Any, Any], request: object, world: World) -> list[str]:
    return [effect.text for effect in make_plan(change, request, world).effects]


def indexed(world: World, run_id: str) -> Run:
    return world.run_index.runs((run_id,))[0]


def with_versions(world: World, *run_ids: str) -> World:
    versions = tuple(
        ModelVersion("fraud", number, run_id, "", "READY", None, (), {}, NOON)
        for number, run_id in enumerate(run_ids, start=1)
    )
    model = RegisteredModel("fraud", (("champion", 1),), len(versions))
    return dataclasses.replace(world, tracking=FakeTracking((), (model,), versions))


def test_a_plan_says_what_a_tag_was_and_what_it_will_be(world: World, registry: FakeRegistry) -> None:
    assert lines(TAG, TagRun("first", "stage", "final"), world) == [
        "run a1a1a1a1 (`first`): tag stage `draft` -> `final`",
        "audit entry",
    ]
    assert lines(TAG, TagRun("first", "new"), world)[0].endswith("tag new none -> ``")
    assert lines(TAG, TagRun("first", "stage", remove=True), world)[0].endswith("tag stage `draft` -> none")
    assert registry.written == 0


def test_a_tag_is_written_known_to_the_index_and_undone(world: World, registry: FakeRegistry) -> None:
    edited = done(TAG, TagRun("a1a1", "stage", "final"), world)
    assert (edited.before, edited.after) == ("draft", "final")
    assert registry.marks[FIRST].tags["stage"] == indexed(world, FIRST).tags["stage"] == "final"
    undone(world)
    assert registry.marks[FIRST].tags["stage"] == indexed(world, FIRST).tags["stage"] == "draft"
    undone(world, 3)
    assert registry.marks[FIRST].tags["stage"] == "final"


def test_a_new_tag_is_taken_away_and_a_removed_one_put_back_by_undo(world: World, registry: FakeRegistry) -> None:
    done(TAG, TagRun("first", "new", "x"), world)
    undone(world)
    assert "new" not in registry.marks[FIRST].tags
    done(TAG, TagRun("first", "stage", remove=True), world, "20260309-120000-000003")
    assert "stage" not in registry.marks[FIRST].tags
    undone(world, 4)
    assert registry.marks[FIRST].tags["stage"] == "draft"


def test_a_name_is_changed_and_given_back(world: World, registry: FakeRegistry) -> None:
    done(RENAME, RenameRun("first", "baseline"), world)
    assert registry.marks[FIRST].name == indexed(world, FIRST).name == "baseline"
    undone(world)
    assert registry.marks[FIRST].name == indexed(world, FIRST).name == "first"


def test_a_name_that_another_run_has_is_warned_of(world: World) -> None:
    assert make_plan(RENAME, RenameRun("first", "alone"), world).warnings == ()
    [warning] = make_plan(RENAME, RenameRun("first", "second"), world).warnings
    assert "1 other run has this name" in warning


def test_a_note_is_what_mlflow_shows_as_description_and_an_empty_one_takes_it_away(
    world: World, registry: FakeRegistry
) -> None:
    done(NOTE, NoteRun("first", "Best so far.\nKeep."), world)
    assert registry.marks[FIRST].tags[NOTE_TAG] == "Best so far.\nKeep."
    assert "note `Best so far.\\nKeep.` -> none" in lines(NOTE, NoteRun("first", ""), world)[0]
    undone(world)
    assert NOTE_TAG not in registry.marks[FIRST].tags


def test_what_is_written_already_is_refused(world: World) -> None:
    for change, request in (
        (TAG, TagRun("first", "stage", "draft")),
        (TAG, TagRun("first", "none", remove=True)),
        (RENAME, RenameRun("first", "first")),
        (NOTE, NoteRun("first", "")),
    ):
        with pytest.raises(UsageError, match=r"already|has no"):
            make_plan(change, request, world)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("mlflow.user", "keeps the tag"),
        ("mlflow.runName", "runs rename|name of the run"),
        ("git.commit", "where the run came from"),
        ("git.dirty", "where the run came from"),
        ("data.raw.md5", "where the run came from"),
        ("unipipe.job", "where the run came from"),
        ("", "needs a key"),
        ("a" * 251, "251 characters"),
        ("a\nb", "not allowed"),
        ("a=b", "not allowed"),
        ("a//b", "as a path"),
        ("../a", "as a path"),
    ],
)
def test_keys_that_are_not_for_writing_are_refused(world: World, key: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_plan(TAG, TagRun("first", key, "x"), world)


@pytest.mark.parametrize("text", ["x" * 8001, "bell \x07", "\x1b[31m", "next \x85 line", "lone \udcff"])
def test_texts_that_mlflow_would_cut_or_a_terminal_would_obey_are_refused(world: World, text: str) -> None:
    for change, request in (
        (TAG, TagRun("first", "k", text)),
        (NOTE, NoteRun("first", text)),
        (RENAME, RenameRun("first", text)),
    ):
        with pytest.raises(UsageError, match=r"characters long|holds"):
            make_plan(change, request, world)


def test_the_longest_texts_and_keys_are_taken_whole(world: World, registry: FakeRegistry) -> None:
    done(TAG, TagRun("first", "k" * 250, "é" * 8000), world)
    assert registry.marks[FIRST].tags["k" * 250] == "é" * 8000


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "n" * 251])
def test_names_that_no_run_should_bear_are_refused(world: World, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        make_plan(RENAME, RenameRun("first", name), world)


def test_a_deleted_run_is_restored_before_it_is_written_on(world: World) -> None:
    with pytest.raises(UsageError, match="is deleted") as refused:
        make_plan(TAG, TagRun("gone", "k", "v"), world)
    assert refused.value.hint == f"unipipe runs restore {GONE}"


@pytest.mark.parametrize("name", ["old", "buried"])
def test_a_run_of_a_deleted_experiment_is_neither_restored_nor_written_on_before_that_is_there_again(
    world: World, registry: FakeRegistry, name: str
) -> None:
    requests: tuple[tuple[Change[Any, Any, Any], object], ...] = (
        (RESTORE, RestoreRuns((name,))),
        (TAG, TagRun(name, "k", "v")),
        (RENAME, RenameRun(name, "n")),
        (NOTE, NoteRun(name, "n")),
        (REGISTER, RegisterRun(name)),
    )
    for change, request in requests:
        with pytest.raises(UsageError, match="in the experiment `old`, which is deleted") as refused:
            make_plan(change, request, world)
        assert "mlflow experiments restore --experiment-id 2" in refused.value.hint
        assert world.tracking_place.uri in refused.value.hint
    assert registry.written == 0


def test_a_run_counts_as_deleted_with_its_experiment(world: World) -> None:
    assert mlflow_runs(world, ("old",))[0].deleted
    with pytest.raises(UsageError, match="is deleted already"):
        make_plan(DELETE, DeleteRuns(("old",)), world)


def test_an_experiment_that_was_deleted_since_the_plan_is_told(world: World, registry: FakeRegistry) -> None:
    plans = [
        (change, make_plan(change, request, world))
        for change, request in (
            (TAG, TagRun("first", "k", "v")),
            (REGISTER, RegisterRun("first")),
            (RESTORE, RestoreRuns(("gone",))),
        )
    ]
    for run_id in (FIRST, GONE):
        registry.marks[run_id] = dataclasses.replace(registry.marks[run_id], deleted=True, experiment_deleted=True)
    for change, plan in plans:
        with pytest.raises(Refused, match="its experiment is deleted now"):
            change.apply(plan, world, Silent())
    assert registry.written == 0


def test_undo_does_not_bring_runs_back_into_a_deleted_experiment(world: World, registry: FakeRegistry) -> None:
    done(DELETE, DeleteRuns(("first",)), world)
    registry.marks[FIRST] = dataclasses.replace(registry.marks[FIRST], experiment_deleted=True)
    registry.written += 1
    with pytest.raises(UsageError, match="in the experiment `old`, which is deleted"):
        undone(world)


def test_several_runs_of_one_name_are_told_by_their_ids(world: World, registry: FakeRegistry) -> None:
    registry.rename_run(SECOND, "first")
    with pytest.raises(UsageError) as several:
        make_plan(TAG, TagRun("first", "k", "v"), world)
    told = f"{several.value.message} {several.value.hint}"
    assert FIRST[:8] in told
    assert SECOND[:8] in told


def test_a_commit_of_dvc_is_no_run_to_write_on(world: World) -> None:
    commit = "e" * 40
    row = RunRow(commit, "main", "1", "FINISHED", started=1)
    world.run_index.take("dvc", "here", RunBatch("", [row], experiments=[ExperimentRow("1", "e")]))
    requests: tuple[tuple[Change[Any, Any, Any], object], ...] = (
        (TAG, TagRun(commit, "k", "v")),
        (RENAME, RenameRun(commit, "n")),
        (NOTE, NoteRun(commit, "n")),
        (DELETE, DeleteRuns((commit,))),
        (RESTORE, RestoreRuns((commit,))),
        (REGISTER, RegisterRun(commit)),
    )
    for change, request in requests:
        with pytest.raises(UsageError, match="commit or an experiment of DVC"):
            make_plan(change, request, world)


def test_whoever_wrote_since_the_plan_is_not_overwritten(world: World, registry: FakeRegistry) -> None:
    plan = make_plan(TAG, TagRun("first", "stage", "final"), world)
    registry.set_run_tag(FIRST, "stage", "theirs")
    with pytest.raises(Refused, match="tag stage is `theirs` now, not `draft`") as refused:
        TAG.apply(plan, world, Silent())
    assert refused.value.exit_code is ExitCode.REFUSED
    assert registry.marks[FIRST].tags["stage"] == "theirs"


def test_a_run_that_was_deleted_or_vanished_since_the_plan_is_left_alone(world: World, registry: FakeRegistry) -> None:
    plans = [
        (change, make_plan(change, request, world))
        for change, request in (
            (TAG, TagRun("first", "stage", "final")),
            (RENAME, RenameRun("first", "other")),
            (REGISTER, RegisterRun("first")),
            (DELETE, DeleteRuns(("first", "second"))),
        )
    ]
    registry.delete_run(FIRST)
    for change, plan in plans:
        with pytest.raises(Refused, match="Somebody changed run a1a1a1a1"):
            change.apply(plan, world, Silent())
    del registry.marks[FIRST]
    for change, plan in plans:
        with pytest.raises(Refused, match="does not know it any more"):
            change.apply(plan, world, Silent())
    assert not registry.marks[SECOND].deleted
    assert registry.versions == []


def test_runs_are_deleted_restored_and_undone_together(world: World, registry: FakeRegistry) -> None:
    assert lines(DELETE, DeleteRuns(("first", "b2b2", "first")), world) == [
        "run a1a1a1a1 (`first`): active -> deleted",
        "run b2b2b2b2 (`second`): active -> deleted",
        "audit entry",
    ]
    done(DELETE, DeleteRuns(("first", "b2b2")), world)
    assert all(indexed(world, run_id).deleted and registry.marks[run_id].deleted for run_id in (FIRST, SECOND))
    undone(world)
    assert not any(indexed(world, run_id).deleted or registry.marks[run_id].deleted for run_id in (FIRST, SECOND))
    done(RESTORE, RestoreRuns(("gone",)), world, "20260309-120000-000003")
    assert not registry.marks[GONE].deleted
    undone(world, 4)
    assert registry.marks[GONE].deleted


def test_runs_that_are_so_already_are_refused(world: World) -> None:
    with pytest.raises(UsageError, match="is deleted already"):
        make_plan(DELETE, DeleteRuns(("first", "gone")), world)
    with pytest.raises(UsageError, match="is not deleted"):
        make_plan(RESTORE, RestoreRuns(("first",)), world)
    with pytest.raises(UsageError, match="at least one run"):
        make_plan(DELETE, DeleteRuns(()), world)


def test_of_several_runs_either_all_are_deleted_or_none(world: World, registry: FakeRegistry) -> None:
    registry.broken = frozenset({SECOND})
    with pytest.raises(Failed, match="disk is full"):
        done(DELETE, DeleteRuns(("first", "second")), world)
    assert not any(registry.marks[run_id].deleted for run_id in (FIRST, SECOND))


def test_deleting_a_run_that_a_version_was_made_of_is_warned_of(world: World) -> None:
    [warning] = make_plan(DELETE, DeleteRuns(("first", "second")), with_versions(world, FIRST)).warnings
    assert warning == "fraud version 1 (champion) was registered from run a1a1a1a1 (`first`); it stays"


def test_undo_refuses_what_somebody_wrote_since(world: World, registry: FakeRegistry) -> None:
    done(TAG, TagRun("first", "stage", "final"), world)
    registry.set_run_tag(FIRST, "stage", "theirs")
    with pytest.raises(Refused, match="is `theirs` now, not `final`"):
        undone(world)
    done(DELETE, DeleteRuns(("second",)), world, "20260309-120000-000003")
    registry.restore_run(SECOND)
    with pytest.raises(Refused, match="was restored since"):
        undone(world, 4)


def test_a_runs_model_becomes_the_next_version_and_no_alias_moves(world: World, registry: FakeRegistry) -> None:
    told = lines(REGISTER, RegisterRun("first"), with_versions(world, SECOND))
    assert told == [
        "fraud: the model of run a1a1a1a1 (`first`) becomes version 2",
        f"fraud version 2: tag git.commit `{'9' * 40}`",
        "fraud version 2: tag data.raw.md5 `d5`",
        "fraud version 2: tag unipipe.digest, the digest of its files",
        "fraud@champion stays at version 1",
        "audit entry",
    ]
    registered = done(REGISTER, RegisterRun("first", "other"), world)
    assert (registered.model, registered.version) == ("other", 1)
    assert registry.versions == [("other", FIRST, {"git.commit": "9" * 40, "data.raw.md5": "d5"})]


def test_a_run_that_is_a_version_already_or_logged_no_model_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="is fraud version 1 already"):
        make_plan(REGISTER, RegisterRun("first"), with_versions(world, FIRST))
    with pytest.raises(UnipipeError, match="logged no model"):
        done(REGISTER, RegisterRun("second"), world)
    with pytest.raises(UsageError, match="holds '/'"):
        make_plan(REGISTER, RegisterRun("first", "a/b"), world)


def test_without_a_configured_model_one_must_be_named(world: World, project: Path) -> None:
    (project / "unipipe.yaml").write_text("project: p\n")
    unconfigured = dataclasses.replace(world, config=world_at(project).config)
    with pytest.raises(UsageError, match="none is configured") as refused:
        make_plan(REGISTER, RegisterRun("first"), unconfigured)
    assert "--model NAME" in refused.value.hint
    assert "unipipe.yaml" in refused.value.hint
    assert make_plan(REGISTER, RegisterRun("first", "other"), unconfigured).decided.model == "other"
