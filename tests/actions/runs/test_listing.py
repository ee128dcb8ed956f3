"""Listing and showing runs: what is asked for, in the order that is asked for, and what cannot be trusted is told."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from datetime import timedelta
from pathlib import Path

import pytest

from tests.actions.runs.made import Made, batch_of, world_with
from tests.conftest import unipipe
from tests.fakes import NOON, Unreachable
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.runs.listing import ListRuns, RunList, ShowRun, csv_of, list_runs, show_run
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.rows import DELETED, ExperimentRow, RunBatch, RunRow
from unipipe_tui.domain.tracking import SILENT_FOR

RUNS = (
    Made("aaaa1111", "first", {"f1": 0.5, "loss": 0.9}, {"depth": "3"}, {"team": "risk", "mlflow.user": "ada"}),
    Made("bbbb2222", "second", {"f1": 0.7, "loss": math.nan}, {"depth": "6"}, data=[("train", "d1", "training")]),
    Made("cccc3333", "third", {"f1": 0.6}, {"depth": "6"}, experiment="2"),
    Made("dddd4444", "gone", {"f1": 0.9}, lifecycle=DELETED),
)


@pytest.fixture
def world(project: Path) -> World:
    return world_with(project, *RUNS)


def names(listed: RunList) -> list[str]:
    return [run.name for run in listed.runs]


def text(result: object) -> str:
    return "\n".join(line.plain for line in lines_of(result))


def table(listed: RunList) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_of(listed), newline="")))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ListRuns(), ["third", "second", "first"]),
        (ListRuns(where="metrics.f1 > 0.55 and params.depth = '6'"), ["third", "second"]),
        (ListRuns(order_by=("params.depth", "metrics.f1 DESC")), ["first", "second", "third"]),
        (ListRuns(limit=1, offset=1), ["second"]),
        (ListRuns(limit=0), []),
        (ListRuns(experiment=("fraud",)), ["third"]),
        (ListRuns(experiment=("fraud", "churn"), where="params.depth=6"), ["third", "second"]),
        (ListRuns(deleted=True), ["gone"]),
    ],
)
def test_runs_are_filtered_ordered_and_paged(world: World, request_: ListRuns, expected: list[str]) -> None:
    assert names(list_runs(request_, world)) == expected


def test_the_total_counts_all_that_fit_whatever_the_page(world: World) -> None:
    assert list_runs(ListRuns(limit=1), world).total == 3
    assert list_runs(ListRuns(where="metrics.f1 > 0.55", limit=0), world).total == 2


def test_a_listed_run_has_everything_that_was_logged(world: World) -> None:
    run = list_runs(ListRuns(where="run_id = 'bbbb2222'"), world).runs[0]
    assert (run.experiment, run.status, run.user, run.source) == ("churn", "FINISHED", "ada", "mlflow")
    assert (run.start_time, run.end_time) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=1, seconds=1.5))
    assert run.params == {"depth": "6"}
    assert [(data.name, data.digest, data.context) for data in run.datasets] == [("train", "d1", "training")]


def test_a_metric_that_is_no_number_is_null_in_json_and_named_in_text_and_csv(world: World) -> None:
    listed = list_runs(ListRuns(columns=("name", "metrics.loss")), world)
    losses = {run["name"]: run["metrics"] for run in json.loads(json.dumps(to_plain(listed), allow_nan=False))["runs"]}
    assert losses == {"third": {}, "second": {"loss": None}, "first": {"loss": 0.9}}
    assert [row["metrics.loss"] for row in table(listed)] == ["", "NaN", "0.9"]
    assert text(listed).splitlines()[1:4] == ["third   -", "second  NaN", "first   0.9"]


def test_columns_are_shown_in_the_order_that_they_are_named_in(world: World) -> None:
    listed = list_runs(ListRuns(columns=("params.depth, metrics.f1", "start_time")), world)
    assert csv_of(listed).splitlines()[:2] == ["params.depth,metrics.f1,start_time", "6,0.6,2026-03-09T12:02:00+00:00"]
    assert text(listed).splitlines()[0].split() == ["params.depth", "metrics.f1", "start_time"]
    assert listed.runs[0].tags == {}
    assert listed.runs[0].metrics == {"f1": 0.6}


def test_a_column_whose_name_holds_a_comma_is_quoted(project: Path) -> None:
    world = world_with(project, Made("aaaa1111", params={"a,b": "1", "c d": "2"}))
    listed = list_runs(ListRuns(columns=("params.`a,b`,params.`c d`",)), world)
    assert table(listed) == [{"params.a,b": "1", "params.c d": "2"}]


@pytest.mark.parametrize("column", ["depth", "metrics", "attributes.no_such", "params.`depth", "experiment_id"])
def test_a_column_that_there_cannot_be_is_refused(world: World, column: str) -> None:
    with pytest.raises(UsageError):
        list_runs(ListRuns(columns=(column,)), world)


@pytest.mark.parametrize("wrong", [ListRuns(limit=-1), ListRuns(offset=-1), ListRuns(where="metrics.f1 >")])
def test_what_cannot_be_asked_is_refused(world: World, wrong: ListRuns) -> None:
    with pytest.raises(UsageError):
        list_runs(wrong, world)


def test_a_table_without_named_columns_has_all_that_was_logged_but_the_tags_of_mlflow(world: World) -> None:
    header = csv_of(list_runs(ListRuns(), world)).splitlines()[0].split(",")
    assert header[:4] == ["run_id", "name", "experiment", "status"]
    assert header[-4:] == ["metrics.f1", "metrics.loss", "params.depth", "tags.team"]


def test_values_come_back_from_a_csv_as_they_were_logged(project: Path) -> None:
    odd = {"formula": "=1+1", "minus": "-1", "quoted": 'a "b", c', "lines": "one\r\ntwo\nthree", "empty": ""}
    listed = list_runs(ListRuns(), world_with(project, Made("aaaa1111", metrics={"x": 0.1 + 0.2}, params=odd)))
    assert csv_of(listed).count("\r\n") == 3
    (row,) = table(listed)
    assert {key: row[f"params.{key}"] for key in odd} == odd
    assert float(row["metrics.x"]) == 0.1 + 0.2


def test_a_run_that_gave_no_sign_of_life_for_a_day_is_listed_as_probably_dead(project: Path) -> None:
    world = world_with(project, Made("aaaa1111", status="RUNNING"), Made("bbbb2222"))
    later = dataclasses.replace(world, now=lambda: NOON + SILENT_FOR * 2)
    assert [run.probably_dead for run in list_runs(ListRuns(), world).runs] == [False, False]
    listed = list_runs(ListRuns(), later)
    assert [(run.status, run.probably_dead) for run in listed.runs] == [("FINISHED", False), ("RUNNING", True)]
    assert "note: aaaa1111 is RUNNING since 2026-03-09, probably dead" in text(listed)


def test_a_list_says_how_many_there_are_and_fits_on_eighty_cells(project: Path) -> None:
    metrics = {f"metric number {number}": number * 1.5 for number in range(20)}
    runs = [Made(f"{number:032x}", "n" * 60, metrics, {"p": str(number)}) for number in range(1200)]
    lines = text(list_runs(ListRuns(limit=5), world_with(project, *runs))).splitlines()
    assert lines[-1] == "5 of 1,200 runs in no MLflow store; these are all in churn, all FINISHED"
    assert max(map(len, lines)) <= 80
    assert "metric number 0" in lines[0]


def test_a_list_of_what_fits_does_not_look_like_a_list_of_all(world: World) -> None:
    assert text(list_runs(ListRuns(limit=1), world)).endswith(
        "1 of 3 runs in no MLflow store; this one is in fraud, FINISHED"
    )
    fitting = list_runs(ListRuns(where="params.depth = '6'"), world)
    assert text(fitting).endswith("2 of 2 runs that fit, in no MLflow store, all FINISHED")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ListRuns(where="metrics.f1 > 5 or metrics.f2 < 1"), ("No run has metrics.f2.",)),
        (ListRuns(where="params.`de pth` = '6' and tags.team = 'risk'"), ("No run has params.`de pth`.",)),
        (ListRuns(experiment=("churn", "chrun"), where="tags.team = 'ops'"), ("No run is in an experiment 'chrun'.",)),
        (ListRuns(where="metrics.f1 > 5"), ()),
    ],
)
def test_a_question_in_vain_is_told_what_no_run_has(world: World, asked: ListRuns, said: tuple[str, ...]) -> None:
    listed = list_runs(asked, world)
    assert (listed.total, listed.problems) == (0, said)
    assert text(listed).startswith("no run fits")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ListRuns(columns=("name,metrics.typo", "metrics.f1")), ("No run has metrics.typo.",)),
        (ListRuns(order_by=("params.typo DESC", "experiment_id")), ("No run has params.typo.",)),
        (ListRuns(columns=("tags.team",), limit=1), ()),
    ],
)
def test_a_column_or_an_order_that_no_run_has_is_told(world: World, asked: ListRuns, said: tuple[str, ...]) -> None:
    listed = list_runs(asked, world)
    assert listed.runs
    assert listed.problems == said


def test_runs_beside_those_of_mlflow_are_not_said_to_be_in_its_store(project: Path) -> None:
    world = world_with(project, *RUNS)
    world.run_index.take("dvc", "commits", batch_of(Made("eeee5555", "a commit")))
    world.run_index.complete("dvc", "commits", "", NOON)
    listed = list_runs(ListRuns(), world)
    assert set(listed.sources) == {"mlflow", "dvc"}
    assert "4 of 4 runs in no MLflow store and Git" in text(listed)


def test_a_list_of_several_sources_has_room_for_the_figures_that_say_most_as_each_of_them_names_them(
    project: Path,
) -> None:
    sizes = {f"a_{kind}_count": 5.0 for kind in ("row", "fraud", "flag")}
    tracked = {"holdout.f1": 0.75, "holdout.f1.north": 0.5, **sizes}
    runs = (Made(f"{number:032x}", "wistful-shrike-452", tracked) for number in range(3))
    world = world_with(project, *runs)
    message = "Add 17500 labelled predictions to data/raw"
    commit = batch_of(Made("e" * 40, message, {"f1": 0.625, **sizes}))
    world.run_index.take("dvc", "commits", dataclasses.replace(commit, experiments=[ExperimentRow("1", "Git commits")]))
    lines = text(list_runs(ListRuns(), world)).splitlines()
    assert lines[0].split() == ["run", "name", "in", "started", "2026", "holdout.f1", "f1"]
    assert {line.split()[2] for line in lines[1:4]} <= {"mlflow", "git"}
    assert any("git" in line and "0.625" in line for line in lines)
    assert lines[-1].endswith(", all FINISHED")
    assert max(map(len, lines)) <= 80


def test_experiments_are_named_where_several_sources_and_several_experiments_are_listed(project: Path) -> None:
    world = world_with(project, Made("aaaa1111"), Made("bbbb2222", experiment="2", status="FAILED"))
    commit = dataclasses.replace(batch_of(Made("eeee5555", "Begin")), experiments=[ExperimentRow("1", "Git commits")])
    world.run_index.take("dvc", "commits", commit)
    lines = text(list_runs(ListRuns(), world)).splitlines()
    assert {tuple(line.split()[2:4]) for line in lines[:4]} == {
        ("in", "status"),
        ("churn", "FINISHED"),
        ("fraud", "FAILED"),
        ("git", "FINISHED"),
    }


def test_starts_in_several_years_are_told_with_the_year(project: Path) -> None:
    world = world_with(project, Made("aaaa1111"))
    old = RunRow("bbbb2222", "old", "1", "FINISHED", started=1_600_000_000_000)
    world.run_index.take("mlflow", "sqlite:///mlflow.db", RunBatch("", [old]))
    lines = text(list_runs(ListRuns(), world)).splitlines()
    assert lines[0].split() == ["run", "name", "started"]
    assert lines[1].endswith("2026-03-09 12:00") and lines[2].endswith("2020-09-13 12:26")


def test_what_decides_the_order_is_shown_first(world: World) -> None:
    assert "loss" not in text(list_runs(ListRuns(where="f1:0.6"), world)).splitlines()[0]
    ordered = text(list_runs(ListRuns(order_by=("params.depth",)), world)).splitlines()
    assert ordered[0].split().index("depth") < ordered[0].split().index("f1")


def test_a_run_is_shown_with_its_family_note_and_last_steps(project: Path) -> None:
    world = world_with(
        project,
        Made("aaaa1111", "sweep"),
        Made("bbbb2222", "middle", {"f1": 0.5}, tags={"mlflow.parentRunId": "aaaa1111"}, step=7),
        *(Made(f"cccc{number:04}", tags={"mlflow.parentRunId": "bbbb2222"}) for number in range(60)),
        Made("dddd4444", tags={"mlflow.note.content": "why\nso", "mlflow.parentRunId": "eeee5555"}),
    )
    view = show_run(ShowRun("middle"), world)
    assert view.parent is not None
    assert (view.parent.name, view.children_total, len(view.children)) == ("sweep", 60, 50)
    assert [(metric.key, metric.value, metric.step) for metric in view.metrics] == [("f1", 0.5, 7)]
    shown = text(view)
    assert "children (60)" in shown
    assert "... 10 more" in shown
    orphan = show_run(ShowRun("dddd"), world)
    assert orphan.note == "why\nso"
    assert orphan.parent is not None
    assert (orphan.parent.run_id, orphan.parent.status) == ("eeee5555", "not there any more")


def test_a_run_that_ended_before_it_started_took_no_negative_time(project: Path) -> None:
    view = show_run(ShowRun("aaaa1111"), world_with(project, Made("aaaa1111")))
    skewed = dataclasses.replace(view.run, end_time=view.run.start_time - timedelta(hours=1))
    assert "(60 min before it started)" in text(dataclasses.replace(view, run=skewed))


def test_a_deleted_run_is_shown_as_deleted(world: World) -> None:
    view = show_run(ShowRun("dddd4444"), world)
    assert view.run.deleted
    assert "FINISHED, deleted" in text(view)


def test_a_run_is_shown_when_the_registry_does_not_answer(world: World) -> None:
    view = show_run(ShowRun("aaaa"), dataclasses.replace(world, tracking=Unreachable("away")))
    assert view.problems == ("Its registered versions are not known: away",)
    assert "note: Its registered versions" in text(view)


@pytest.mark.parametrize("name", ["", "e", "nobody"])
def test_a_run_that_is_not_there_is_an_error(world: World, name: str) -> None:
    with pytest.raises(UsageError):
        show_run(ShowRun(name), world)


def test_deleted_runs_are_listed_when_the_question_asks_for_them(world: World) -> None:
    assert names(list_runs(ListRuns(where="lifecycle_stage='deleted'"), world)) == ["gone"]


def test_two_forms_of_an_answer_exclude_each_other(project: Path) -> None:
    assert unipipe("runs", "list", "--csv", "--json", cwd=project).exit_code == 2
