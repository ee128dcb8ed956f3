"""The index follows its sources: only what changed is read, what broke off goes on, and a look knows how far to trust it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.fakes import FakeProcesses, FakeRuns
from unipipe_tui.actions.runs.groups import ListSweeps, list_sweeps
from unipipe_tui.actions.runs.naming import mlflow_runs
from unipipe_tui.actions.runs.sync import SyncRuns, at_once, bring_up_to_date, keep_in_step, open_index, sync_runs
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import ExitCode, Failed, Stopped, ToolMissing, UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.runs.query import RunQuery
from unipipe_tui.domain.runs.rows import MLFLOW, PUT_BACK, RunBatch, RunRow
from unipipe_tui.domain.tracking import TrackingKind, TrackingPlace
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory
from unipipe_tui.wiring import world_at


class Impatient(Silent):
    """Somebody who asks for the end at once."""

    def stopped(self) -> bool:
        return True


def world_of(project: Path, *sources: FakeRuns, distant: tuple[FakeRuns, ...] = ()) -> World:
    return dataclasses.replace(world_at(project), run_sources=lambda: sources, distant_runs=lambda ids: distant)


def held(world: World) -> set[str]:
    return {run.run_id for run in world.run_index.search(RunQuery()).runs}


def test_a_synchronisation_reads_all_runs_once_and_then_only_what_changed(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one", "b2": "two"})
    world = world_of(project, source)
    first = sync_runs(SyncRuns(), world, Silent()).sources[0]
    assert (first.runs, first.read, first.gone, first.problem) == (2, 2, 0, "")
    assert sync_runs(SyncRuns(), world, Silent()).sources[0].read == 0
    source.put(b2="changed", c3="new")
    del source.runs["a1"]
    later = sync_runs(SyncRuns(), world, Silent()).sources[0]
    assert (later.runs, later.read, later.gone) == (2, 2, 1)
    assert held(world) == {"b2", "c3"}


def test_what_was_interrupted_goes_on_where_it_stopped(project: Path) -> None:
    source = FakeRuns(runs={f"r{number}": "x" for number in range(5)}, dies_after=2)
    world = world_of(project, source)
    with pytest.raises(Stopped) as stopped:
        sync_runs(SyncRuns(), world, Silent())
    assert stopped.value.hint == "The runs that were read so far are kept; `unipipe runs sync` goes on from here."
    assert len(held(world)) == 2
    source.dies_after = None
    assert sync_runs(SyncRuns(), world, Silent()).sources[0].read == 3
    assert len(source.read) == 5


def test_a_synchronisation_ends_between_two_batches_when_somebody_asks(project: Path) -> None:
    world = world_of(project, FakeRuns(runs={"a1": "one", "b2": "two"}))
    with pytest.raises(Stopped):
        sync_runs(SyncRuns(), world, Impatient())
    assert len(held(world)) == 1


def test_a_source_that_is_away_is_told_and_the_others_are_read(project: Path) -> None:
    world = world_of(project, FakeRuns("dvc", "commits", runs={"c1": "first"}), distant=(FakeRuns(away=True),))
    synced = sync_runs(SyncRuns(), world, Silent())
    assert [source.problem for source in synced.sources] == ["", "The server does not answer. Start it."]
    assert synced.exit_code is ExitCode.TOOL_MISSING
    assert held(world) == {"c1"}


def test_a_synchronisation_tells_each_source_on_a_line_and_its_troubles_below(project: Path) -> None:
    near = FakeRuns(runs={"a1": "one"}, remark="its tables are not as expected")
    synced = sync_runs(SyncRuns(), world_of(project, near, distant=(FakeRuns("dvc", "commits", away=True),)), Silent())
    said = [line.plain.split() for line in lines_of(synced)]
    assert said[0] == ["source", "runs", "read", "gone", "took", "place"]
    assert [line[:4] for line in said[1:3]] == [["mlflow", "1", "1", "0"], ["dvc", "0", "0", "0"]]
    assert [line.plain for line in lines_of(synced)][3:] == [
        "note: mlflow was read through MLflow's client: its tables are not as expected.",
        "note: The server does not answer. Start it.",
    ]


def test_a_synchronisation_of_nothing_says_so(project: Path) -> None:
    (line,) = lines_of(sync_runs(SyncRuns(), world_of(project), Silent()))
    assert line.plain.startswith("nothing to read")


def test_an_index_of_another_place_is_of_no_use(project: Path) -> None:
    sync_runs(SyncRuns(), world_of(project, FakeRuns(runs={"a1": "one"})), Silent())
    moved = world_of(project, FakeRuns(place="sqlite:///other.db", runs={"z9": "other"}))
    sync_runs(SyncRuns(), moved, Silent())
    assert held(moved) == {"z9"}


def test_everything_is_read_again_when_that_is_asked_for_and_what_is_known_stays_meanwhile(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one", "b2": "two", "c3": "three"}, dies_after=1)
    world = world_of(project, dataclasses.replace(source, dies_after=None))
    sync_runs(SyncRuns(), world, Silent())
    del source.runs["c3"]
    with pytest.raises(Stopped):
        sync_runs(SyncRuns(again=True), world_of(project, source), Silent())
    assert held(world) == {"a1", "b2", "c3"}
    source.dies_after = None
    again = sync_runs(SyncRuns(again=True), world_of(project, source), Silent()).sources[0]
    assert (again.read, again.gone, held(world)) == (2, 1, {"a1", "b2"})


def test_what_of_a_source_could_not_be_read_is_told_by_the_synchronisation_and_by_each_look_after_it(
    project: Path,
) -> None:
    near = FakeRuns(runs={"a1": "one"}, unreadable=("Run b2 is broken.",))
    commits = FakeRuns("dvc", "commits", unreadable=tuple(f"Commit {number} is broken." for number in range(5)))
    world = world_of(project, near, commits)
    synced = sync_runs(SyncRuns(), world, Silent())
    assert synced.sources[0].unreadable == ("Run b2 is broken.",)
    assert "note: Commit 4 is broken." in [line.plain for line in lines_of(synced)]
    assert synced.exit_code is ExitCode.DONE
    assert open_index(world).notices == (
        "Run b2 is broken.",
        "Commit 0 is broken.",
        "Commit 1 is broken.",
        "Commit 2 is broken.",
        "Of dvc there are 5 such problems in all; `unipipe runs sync` tells them.",
    )
    near.unreadable = commits.unreadable = ()
    sync_runs(SyncRuns(), world, Silent())
    assert open_index(world).notices == ()


def test_runs_whose_store_is_not_there_any_more_stay_known_and_that_is_told_until_they_are_to_be_forgotten(
    project: Path,
) -> None:
    sync_runs(SyncRuns(), world_of(project, FakeRuns(runs={"a1": "one"})), Silent())
    world = world_of(project)
    (notice,) = open_index(world).notices
    assert notice.startswith("sqlite:///mlflow.db is not there any more: its runs are those of 20")
    assert open_index(world).kept_at == "sqlite:///mlflow.db"
    for asked in (SyncRuns(), SyncRuns("mlflow")):
        (lost,) = (synced := sync_runs(asked, world, Silent())).sources
        assert (lost.runs, lost.problem) == (1, f"{notice} {PUT_BACK}")
        assert synced.exit_code is ExitCode.TOOL_MISSING
    with pytest.raises(Failed, match="not there any more"):
        mlflow_runs(world, ("a1",))
    (forgotten,) = sync_runs(SyncRuns(again=True), world, Silent()).sources
    assert (forgotten.runs, forgotten.gone, forgotten.problem) == (0, 1, "")
    assert (held(world), open_index(world).notices) == (set(), ())


def test_a_store_that_is_configured_but_does_not_exist_is_told_by_the_synchronisation_and_by_each_look(
    project: Path,
) -> None:
    (project / "unipipe.yaml").write_text("mlflow: sqlite:///nope.db\n")
    missing = f"There is no file {project / 'nope.db'}: MLflow makes it when it logs the first run."
    (synced,) = sync_runs(SyncRuns(), world_at(project), Silent()).sources
    assert synced.unreadable == (missing,)
    assert open_index(world_at(project)).notices == (missing,)


def test_nothing_is_written_on_runs_of_a_store_that_vanished_where_mlflow_would_make_a_new_one(project: Path) -> None:
    (project / "unipipe.yaml").write_text("mlflow: sqlite:///gone.db\n")
    world = world_at(project)
    world.run_index.take(MLFLOW, world.tracking_place.shown, RunBatch("1", [RunRow("a1", "one", "1", "FINISHED")]))
    with pytest.raises(Failed, match=r"gone\.db is not there any more"):
        mlflow_runs(world, ("a1",))


def test_a_project_in_a_folder_whose_name_is_no_utf8_has_an_index_like_any_other(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"lat\xe9in")
    odd.mkdir()
    (odd / "mlflow.db").touch()
    world = world_at(odd)
    assert sync_runs(SyncRuns(), world, Silent()).sources[0].problem == ""
    batch = RunBatch("1", [RunRow("a1", "one", "1", "FINISHED", artifact_uri=str(odd))])
    world.run_index.take(MLFLOW, world.run_sources()[0].place, batch)
    assert (held(world), open_index(world).notices) == ({"a1"}, ())
    assert world.tracking_place.shown == world.run_sources()[0].place == f"sqlite:///{tmp_path}/lat\\udce9in/mlflow.db"


def test_an_unknown_source_is_refused_by_name(project: Path) -> None:
    with pytest.raises(UsageError, match="'wandb'") as refused:
        sync_runs(SyncRuns("wandb"), world_of(project, FakeRuns()), Silent())
    assert refused.value.hint == "Sources here: mlflow."


def test_a_damaged_index_is_made_again(project: Path) -> None:
    world = world_of(project, FakeRuns(runs={"a1": "one"}))
    sync_runs(SyncRuns(), world, Silent())
    (project / ".unipipe" / "runs.duckdb").write_bytes(b"rubbish" * 1000)
    world = world_of(project, FakeRuns(runs={"a1": "one"}))
    assert sync_runs(SyncRuns(), world, Silent()).sources[0].read == 1
    assert held(world) == {"a1"}


def test_a_look_at_an_index_that_is_in_step_starts_nothing(project: Path) -> None:
    world = world_of(project, FakeRuns(runs={"a1": "one"}))
    sync_runs(SyncRuns(), world, Silent())
    quiet = dataclasses.replace(world, processes=FakeProcesses())
    assert open_index(quiet).notices == ()


def test_a_look_where_nothing_may_be_written_reads_what_changed_itself(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one"})
    world = dataclasses.replace(world_of(project, source), run_index=RunIndex(Memory()), index_is_kept=False)
    assert open_index(world).index.search(RunQuery()).total == 1
    source.put(b2="two")
    assert open_index(world).index.search(RunQuery()).total == 2


def test_a_look_where_nothing_may_be_written_says_that_the_runs_could_not_be_read(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one"}, away=True)
    world = dataclasses.replace(world_of(project, source), run_index=RunIndex(Memory()), index_is_kept=False)
    with pytest.raises(ToolMissing, match="does not answer"):
        open_index(world)
    source.away = False
    open_index(world)
    source.put(b2="two")
    source.away = True
    assert open_index(world).notices == ("The server does not answer.",)


def test_a_look_says_what_could_not_be_read(project: Path) -> None:
    world = world_of(project, FakeRuns(runs={"a1": "one"}), FakeRuns("dvc", "commits"))
    sync_runs(SyncRuns("mlflow"), world, Silent())
    assert open_index(world).notices == ("The repository commits was not read yet. Read it: unipipe runs sync",)


def test_runs_of_one_server_are_not_taken_for_those_of_another(project: Path) -> None:
    def at(uri: str) -> World:
        place = TrackingPlace(TrackingKind.REMOTE, uri, None, "a test")
        world = world_of(project, distant=(FakeRuns(place=uri, runs={"a1": "one"}),))
        return dataclasses.replace(world, tracking_place=place, processes=FakeProcesses())

    here = at("http://127.0.0.1:1")
    sync_runs(SyncRuns(), here, Silent())
    assert open_index(here).notices == ()
    (notice,) = open_index(at("http://127.0.0.1:2")).notices
    assert notice.startswith("http://127.0.0.1:2 was not read yet.")


def test_a_look_says_that_what_it_lacks_is_being_read_when_it_began_that(project: Path) -> None:
    (project / "unipipe.yaml").write_text("mlflow: sqlite:///mlflow.db\n")
    world = world_of(project, FakeRuns(runs={"a1": "one"}), FakeRuns("dvc", "commits"))
    sync_runs(SyncRuns("mlflow"), world, Silent())
    asked = dataclasses.replace(world, processes=FakeProcesses())
    assert open_index(asked).notices == ("The repository commits was not read yet. It is being read now.",)


def test_a_look_of_a_screen_answers_with_what_there_is_and_leaves_the_reading_to_who_keeps_it_in_step(
    project: Path,
) -> None:
    source, processes = FakeRuns(runs={"a1": "one"}), FakeProcesses()
    world = dataclasses.replace(world_of(project, source), processes=processes)
    sync_runs(SyncRuns(), world, Silent())
    assert open_index(at_once(world)).notices == ()
    source.put(b2="two")
    opened = open_index(at_once(world))
    (notice,) = opened.notices
    assert "changed since" in notice
    assert notice.endswith("It is being read now.")
    assert [run.run_id for run in opened.index.search(RunQuery()).runs] == ["a1"]
    assert processes.begun == []


def test_a_look_that_asks_the_index_several_questions_starts_one_synchronisation(project: Path) -> None:
    (project / "unipipe.yaml").write_text("mlflow: sqlite:///mlflow.db\n")
    processes = FakeProcesses()
    world = world_of(project, FakeRuns(runs={"a1": "one"}), FakeRuns("dvc", "commits"))
    sync_runs(SyncRuns("mlflow"), world, Silent())
    list_sweeps(ListSweeps(), dataclasses.replace(world, processes=processes))
    assert processes.begun == [("runs", "sync", "--source", "dvc")]


def test_a_change_that_was_made_through_mlflow_is_in_the_index_at_once(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one"})
    world = world_of(project, source)
    sync_runs(SyncRuns(), world, Silent())
    source.put(a1="renamed")
    bring_up_to_date(world, Silent())
    assert world.run_index.runs(["a1"])[0].name == "renamed"


def test_a_screen_starts_one_synchronisation_when_the_source_changed_and_none_while_one_is_at_it(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one"})
    processes = FakeProcesses()
    world = dataclasses.replace(world_of(project, source), processes=processes)
    sync_runs(SyncRuns(), world, Silent())
    keep_in_step(world)
    assert processes.begun == []
    source.put(b2="two")
    with world.run_index.turn(MLFLOW):
        keep_in_step(world)
    assert processes.begun == []
    keep_in_step(world)
    assert processes.begun == [("runs", "sync", "--source", "mlflow")]


def test_a_look_starts_no_second_synchronisation_while_one_is_at_it(project: Path) -> None:
    source = FakeRuns(runs={"a1": "one"})
    world = dataclasses.replace(world_of(project, source), processes=FakeProcesses())
    with world.run_index.turn(MLFLOW):
        opened = open_index(world)
    assert world.processes.begun == []  # type: ignore[attr-defined]
    assert opened.notices == ("sqlite:///mlflow.db was not read yet. It is being read now.",)
