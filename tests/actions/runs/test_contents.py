"""What there is to ask about: the experiments that runs are in, and the metrics, params and tags that they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.actions.runs.made import Made, world_with
from unipipe_tui.actions.runs.contents import ListColumns, ListExperiments, list_columns, list_experiments
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.domain.runs.rows import DELETED

RUNS = (
    Made("a1", metrics={"f1": 0.5, "loss": 0.9}, params={"depth": "3"}, tags={"team": "risk"}),
    Made("b2", metrics={"f1": 0.7, "top 5": 1.0}),
    Made("c3", metrics={"f1": 0.6}, experiment="2"),
    Made("d4", metrics={"gone": 0.9}, experiment="2", lifecycle=DELETED),
)


@pytest.fixture
def world(project: Path) -> World:
    return world_with(project, *RUNS)


def counted(world: World, request: ListExperiments) -> list[tuple[str, int]]:
    return [(one.name, one.runs) for one in list_experiments(request, world).experiments]


def test_experiments_are_listed_with_their_runs_and_the_one_with_the_newest_run_comes_first(world: World) -> None:
    found = list_experiments(ListExperiments(), world)
    assert [(one.name, one.source, one.runs) for one in found.experiments] == [
        ("fraud", "mlflow", 1),
        ("churn", "mlflow", 2),
    ]
    assert found.runs == 3
    newest = [one.newest for one in found.experiments if one.newest]
    assert newest == sorted(newest, reverse=True)
    assert len(newest) == 2


def test_an_experiment_counts_only_the_runs_that_fit(world: World) -> None:
    assert counted(world, ListExperiments("metrics.f1 > 0.55")) == [("fraud", 1), ("churn", 1)]
    assert counted(world, ListExperiments("loss:0.9")) == [("churn", 1)]
    assert counted(world, ListExperiments(deleted=True)) == [("fraud", 1)]


def test_columns_are_named_as_a_query_names_them_and_the_commonest_of_a_kind_comes_first(world: World) -> None:
    found = list_columns(ListColumns(), world).columns
    assert [(one.column, one.runs) for one in found] == [
        ("metrics.f1", 3),
        ("metrics.loss", 1),
        ("metrics.`top 5`", 1),
        ("params.depth", 1),
        ("tags.team", 1),
    ]
    assert all(parse_field(one.column).key == one.key for one in found)


def test_of_a_metric_it_is_told_which_values_are_the_better_ones(world: World) -> None:
    ways = {one.key: one.better for one in list_columns(ListColumns(), world).columns}
    assert ways == {
        "f1": Direction.HIGHER,
        "loss": Direction.LOWER,
        "top 5": Direction.HIGHER,
        "depth": None,
        "team": None,
    }


def test_only_columns_of_the_runs_that_are_asked_for_are_listed(world: World) -> None:
    fraud = list_columns(ListColumns(experiment=("fraud",)), world).columns
    assert [(one.kind, one.key) for one in fraud] == [(FieldKind.METRIC, "f1")]
    assert [one.key for one in list_columns(ListColumns(deleted=True), world).columns] == ["gone"]


def test_a_question_that_cannot_be_read_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="Column"):
        list_columns(ListColumns("metrics.f1 >"), world)
    with pytest.raises(UsageError, match="Column"):
        list_experiments(ListExperiments("metrics.f1 >"), world)
