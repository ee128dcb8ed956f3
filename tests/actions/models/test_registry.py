"""Looking at models: what a table needs to tell versions apart."""

from __future__ import annotations

from pathlib import Path

from tests.actions.models.made import check_of, with_models
from unipipe_tui.actions.models.registry import ShowModel, show_model


def test_the_metrics_that_the_gates_judge_come_first_in_the_order_of_the_gates(project: Path) -> None:
    view = show_model(ShowModel("fraud"), with_models(project))

    assert view.metrics == ("holdout.recall", "holdout.precision", "holdout.recall.gulf", "loss")


def test_a_version_tells_its_newest_check_its_run_and_the_targets_that_answer_with_it(project: Path) -> None:
    world = with_models(project, tags={1: {"unipipe.champion.by": "bob", "unipipe.champion.reason": "first"}})
    world.history.add_gate_check(check_of(1, 0.9))
    world.history.add_gate_check(check_of(1, 0.6))
    third, second, first = show_model(ShowModel("fraud"), world).versions

    assert (first.gates, [result.value for result in first.gate_results]) == ("closed", [0.6])
    assert (first.served_by, second.served_by) == (("local",), ())
    assert (first.promoted_by, first.promotion_reason) == ("bob", "first")
    assert (first.run_name, third.run_name, third.metrics) == ("run-1", "", ())


def test_a_model_that_no_target_is_configured_for_asks_no_server(project: Path) -> None:
    world = with_models(project)
    (project / "unipipe.yaml").write_text("project: other\n")
    other = type(world)(**{**vars(world), "config": world.elsewhere(project).config})

    assert [version.served_by for version in show_model(ShowModel("fraud"), other).versions] == [(), (), ()]
