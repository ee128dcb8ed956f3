"""What every registry promises about runs: the same sentences, held against the fake and MLflow's own client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.adapters.conftest_mlflow import Stored
from tests.fakes import FakeRegistry
from unipipe_tui.adapters.mlflow.client.registry import MlflowRegistry
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.ports.tools import Registry
from unipipe_tui.domain.runs.tags import NAME_TAG, NOTE_TAG, RunMarks

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]


@dataclass(frozen=True)
class Opened:
    """A registry with a run named `failed one`, one that is deleted, and one whose experiment is."""

    registry: Registry
    run: str
    deleted: str
    buried: str


@pytest.fixture(params=["fake", "database", "folder"])
def opened(request: pytest.FixtureRequest) -> Opened:
    if request.param == "fake":
        marks = {
            "1" * 32: RunMarks("failed one", {NAME_TAG: "failed one"}, deleted=False),
            "2" * 32: RunMarks("gone", {NAME_TAG: "gone"}, deleted=True),
            "3" * 32: RunMarks("buried", {NAME_TAG: "buried"}, deleted=True, experiment_deleted=True),
        }
        return Opened(FakeRegistry(marks), *marks)  # type: ignore[arg-type]
    stored: Stored = request.getfixturevalue(request.param)
    client = stored.client()
    experiment = client.create_experiment("buried")
    buried = client.create_run(experiment, run_name="buried").info.run_id
    client.delete_experiment(experiment)
    return Opened(MlflowRegistry(stored.uri), stored.failed, stored.deleted, buried)


def test_a_tag_is_written_over_and_taken_away(opened: Opened) -> None:
    for value in ("draft", "final", "", "two\nlines", "é" * 8000):
        opened.registry.set_run_tag(opened.run, "a/stage", value)
        assert opened.registry.run_marks(opened.run).tags["a/stage"] == value
    opened.registry.delete_run_tag(opened.run, "a/stage")
    opened.registry.delete_run_tag(opened.run, "a/stage")
    assert "a/stage" not in opened.registry.run_marks(opened.run).tags


def test_the_note_is_a_tag_like_any_other(opened: Opened) -> None:
    opened.registry.set_run_tag(opened.run, NOTE_TAG, "**Best** so far.")
    assert opened.registry.run_marks(opened.run).tags[NOTE_TAG] == "**Best** so far."


def test_a_run_bears_its_new_name_everywhere(opened: Opened) -> None:
    assert opened.registry.run_marks(opened.run).name == "failed one"
    opened.registry.rename_run(opened.run, "a better [name]")
    marks = opened.registry.run_marks(opened.run)
    assert (marks.name, marks.tags[NAME_TAG]) == ("a better [name]", "a better [name]")


def test_a_deleted_run_still_tells_its_marks_and_comes_back_with_them(opened: Opened) -> None:
    opened.registry.set_run_tag(opened.run, "kept", "yes")
    opened.registry.delete_run(opened.run)
    gone = opened.registry.run_marks(opened.run)
    assert (gone.deleted, gone.tags["kept"]) == (True, "yes")
    opened.registry.restore_run(opened.run)
    assert opened.registry.run_marks(opened.run) == RunMarks(gone.name, gone.tags, deleted=False)


def test_deleting_and_restoring_twice_changes_nothing_more(opened: Opened) -> None:
    for act, deleted in ((opened.registry.delete_run, True), (opened.registry.restore_run, False)):
        act(opened.run)
        before = opened.registry.run_marks(opened.run)
        act(opened.run)
        assert opened.registry.run_marks(opened.run) == before
        assert before.deleted is deleted


def test_nothing_is_written_on_a_deleted_run(opened: Opened) -> None:
    before = opened.registry.run_marks(opened.deleted)
    assert before.deleted
    for write in (
        lambda: opened.registry.set_run_tag(opened.deleted, "k", "v"),
        lambda: opened.registry.rename_run(opened.deleted, "other"),
        lambda: opened.registry.delete_run_tag(opened.deleted, next(iter(before.tags))),
    ):
        with pytest.raises(Failed):
            write()
    assert opened.registry.run_marks(opened.deleted) == before


def test_a_run_tells_that_its_experiment_is_deleted_also_when_it_was_restored_itself(opened: Opened) -> None:
    assert [opened.registry.run_marks(run).experiment_deleted for run in (opened.run, opened.deleted)] == [False, False]
    assert opened.registry.run_marks(opened.buried).experiment_deleted
    opened.registry.restore_run(opened.buried)
    marks = opened.registry.run_marks(opened.buried)
    assert (marks.deleted, marks.experiment_deleted) == (False, True)


def test_an_unknown_run_is_told(opened: Opened) -> None:
    unknown = "0" * 32
    acts: tuple[Callable[[], object], ...] = (
        lambda: opened.registry.run_marks(unknown),
        lambda: opened.registry.set_run_tag(unknown, "k", "v"),
        lambda: opened.registry.delete_run_tag(unknown, "k"),
        lambda: opened.registry.rename_run(unknown, "n"),
        lambda: opened.registry.delete_run(unknown),
        lambda: opened.registry.restore_run(unknown),
    )
    for act in acts:
        with pytest.raises(UsageError, match="There is no run"):
            act()
