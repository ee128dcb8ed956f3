"""How far a run goes, and which stages it would execute."""

from __future__ import annotations

import pytest

from unipipe_tui.domain.freshness import Cause, CauseKind, Freshness, PipelineState, StageState, judge
from unipipe_tui.domain.pipelines import Dependency, Output, Pipeline, Stage
from unipipe_tui.domain.reach import Reach, chosen_addresses, due_stages, missing_inputs, within_reach


def stage(name: str, *reads: str, frozen: bool = False, template: str | None = None) -> Stage:
    dependencies = tuple(Dependency(path) for path in reads)
    return Stage(name, name, "dvc.yaml", ".", ("run",), dependencies, (Output(f"{name}.out"),), (), frozen,
                 template=template)  # fmt: skip


PIPELINE = Pipeline(
    (
        stage("fetch"),
        stage("split@a", "fetch.out", template="split"),
        stage("split@b", "fetch.out", template="split"),
        stage("join", "split@a.out", "split@b.out"),
        stage("report", "join.out"),
        stage("kept", "join.out", frozen=True),
    )
)
PARAM = Cause(CauseKind.PARAM_CHANGED, "depth", "3", "4")


def state(**own: Cause) -> PipelineState:
    """What is stale by itself; all that follows from that is judged as for a run of everything."""
    states: dict[str, StageState] = {}
    for address in PIPELINE.order():
        before = [parent for parent in PIPELINE.parents(address) if states[parent].will_run]
        causes = [cause for name, cause in own.items() if name == address.replace("@", "_")]
        states[address] = judge(PIPELINE.by_address[address], causes, before)
    return PipelineState(tuple(states.values()))


def due(state: PipelineState, *named: str, reach: Reach = Reach.NEEDED, force: bool = False) -> list[str]:
    return [one.address for one in due_stages(PIPELINE, state, named, reach, force=force)]


def test_a_templates_name_means_all_that_it_generated() -> None:
    assert chosen_addresses(PIPELINE, ("split", "fetch")) == ("fetch", "split@a", "split@b")


@pytest.mark.parametrize(
    ("reach", "wanted"),
    [
        (Reach.NEEDED, ("fetch", "split@a", "split@b", "join")),
        (Reach.ONLY, ("join",)),
        (Reach.DOWNSTREAM, ("join", "report", "kept")),
    ],
)
def test_a_run_reaches_what_is_asked_for(reach: Reach, wanted: tuple[str, ...]) -> None:
    assert within_reach(PIPELINE, ("join",), reach) == wanted


def test_a_run_of_everything_executes_what_is_stale_and_what_follows_but_nothing_frozen() -> None:
    assert due(state(split_a=PARAM)) == ["split@a", "join", "report"]
    assert due(state()) == []


def test_a_stage_that_only_waits_for_one_outside_does_not_run_alone() -> None:
    stale = state(split_a=PARAM)

    assert stale.of("join").freshness is Freshness.STALE
    assert due(stale, "join", reach=Reach.ONLY) == []
    assert due(stale, "join", reach=Reach.DOWNSTREAM) == []
    assert missing_inputs(PIPELINE, stale, ("join",), Reach.ONLY) == ("split@a",)
    assert missing_inputs(PIPELINE, stale, ("join",), Reach.NEEDED) == ()


def test_downstream_begins_at_the_stage_and_leaves_what_it_needs() -> None:
    stale = state(fetch=PARAM, split_a=PARAM)

    assert due(stale, "split@a", reach=Reach.DOWNSTREAM) == ["split@a", "join", "report"]
    assert due(stale, "split", reach=Reach.ONLY) == ["split@a"]


def test_force_executes_all_that_is_reached_except_what_is_frozen() -> None:
    assert due(state(), "join", reach=Reach.DOWNSTREAM, force=True) == ["join", "report"]


def test_a_plan_line_says_why_and_whether_a_stage_may_be_spared() -> None:
    first, second, *_ = due_stages(PIPELINE, state(split_a=PARAM), (), Reach.NEEDED)

    assert first.sentence == "split@a: depth changed from 3 to 4"
    assert second.sentence == "join: if split@a writes something new"
    assert (first.may_be_spared, second.may_be_spared) == (False, True)
    forced = due_stages(PIPELINE, state(), ("fetch",), Reach.ONLY, force=True)
    assert [one.sentence for one in forced] == ["fetch: forced"]
