"""The board: for every step, from what facts it gets which state, headline and next action."""

from __future__ import annotations

import dataclasses
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from unipipe_tui.domain.board import (
    CHECK_OUT,
    PULL,
    RUN,
    STEPS,
    Facts,
    GateFact,
    JobFact,
    StageFact,
    Step,
    StepState,
    TargetFact,
    board,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OK, STALE, RUNNING, FAILED, ATTENTION, NOT_SET_UP = (
    StepState.OK,
    StepState.STALE,
    StepState.RUNNING,
    StepState.FAILED,
    StepState.ATTENTION,
    StepState.NOT_SET_UP,
)


def stage(
    name: str, freshness: str = "fresh", cause: str = "", *, is_data: bool = False, restore: str = ""
) -> StageFact:
    return StageFact(name, is_data, freshness, cause, restore)


def job(state: str, message: str = "version 3") -> JobFact:
    return JobFact(state, message, NOON)


def target(state: str, error: str = "", answers: str = "version 3") -> TargetFact:
    return TargetFact("shop", state, answers, "http://h:1", error, "unipipe serve start shop")


DATA = stage("data/raw.dvc", is_data=True)
MODEL = {"model": "my model", "configured": True, "versions": 2}
TRAFFIC = {"predictions": 1200, "labels": 300}

CASES: dict[str, tuple[str, dict[str, Any], StepState, str, str]] = {
    "nothing tracked": ("ingest", {}, NOT_SET_UP, "no data is tracked by DVC", "dvc add data"),
    "no DVC": ("ingest", {"dvc": False}, NOT_SET_UP, "no data is tracked by DVC", "unipipe init"),
    "projects inside": (
        "ingest",
        {"inner_projects": ("a b", "c")},
        NOT_SET_UP,
        "the DVC projects are inside: a b, c",
        "cd 'a b' && unipipe status",
    ),
    "data up to date": ("ingest", {"stages": (DATA,)}, OK, "1 tracked set of data, up to date", ""),
    "data not pulled": (
        "ingest",
        {"stages": (stage("d.dvc", "not pulled", "d is missing", is_data=True),)},
        STALE,
        "d.dvc: d is missing",
        PULL,
    ),
    "data not checked out": (
        "ingest",
        {"stages": (stage("d.dvc", "not pulled", "d is missing", is_data=True, restore=CHECK_OUT),)},
        STALE,
        "d.dvc: d is missing",
        CHECK_OUT,
    ),
    "data changed": (
        "ingest",
        {"stages": (stage("d.dvc", "stale", "d changed", is_data=True), DATA)},
        STALE,
        "d.dvc: d changed",
        "dvc commit d.dvc",
    ),
    "a broken pipeline": (
        "ingest",
        {"pipeline_problems": ("dvc.yaml line 3 is wrong",), "stages": (DATA,)},
        ATTENTION,
        "dvc.yaml line 3 is wrong",
        "unipipe pipeline plan",
    ),
    "an ingest stage": ("ingest", {"stages": (stage("download", "stale", "url changed"),)}, STALE, "url changed", RUN),
    "no validation": ("validate", {"stages": (stage("train"),)}, NOT_SET_UP, "no stage checks the data", ""),
    "a validation": ("validate", {"stages": (stage("validate"),)}, OK, "validate up to date", ""),
    "a validation to run": (
        "validate",
        {"stages": (stage("checkRows", "stale", "rules changed"), stage("validate", "stale", "x"))},
        STALE,
        "checkRows: rules changed (and 1 more)",
        RUN,
    ),
    "no pipeline": ("transform", {"stages": (DATA,)}, NOT_SET_UP, "no dvc.yaml describes a pipeline", "unipipe init "),
    "a pipeline": ("transform", {"stages": (stage("a"), stage("b", "frozen"))}, OK, "all 2 stages up to date", ""),
    "a stage to run": ("transform", {"stages": (stage("a", "stale", "code changed"),)}, STALE, "code changed", RUN),
    "no features": ("features", {"stages": (stage("train"),)}, NOT_SET_UP, "no stage makes features", ""),
    "features": ("features", {"stages": (stage("sub/dvc.yaml:make_features@a"),)}, OK, "up to date", ""),
    "no tracking": ("experiment", {}, NOT_SET_UP, "no MLflow store was found", ""),
    "no runs": ("experiment", {"tracking": "sqlite:///x", "configured": True}, NOT_SET_UP, "no runs yet in", RUN),
    "runs": ("experiment", {"runs": 1200, "newest_run": "deft-owl"}, OK, "1,200 runs, newest deft-owl", "unipipe runs"),
    "metrics without runs": ("experiment", {"figures": ("auc 0.9",)}, OK, "DVC metrics: auc 0.9", "dvc metrics show"),
    "no training": ("train", {}, NOT_SET_UP, "no stage trains a model", ""),
    "a training stage": ("train", {"stages": (stage("train"),)}, OK, "train up to date", ""),
    "trained": ("train", {"stages": (stage("train"),), "training": job("done")}, OK, "version 3", ""),
    "training": ("train", {"training": job("running")}, RUNNING, "a training runs now", "unipipe jobs attach last"),
    "training failed": ("train", {"training": job("failed", "no disk")}, FAILED, "last training failed: no disk", RUN),
    "training lost": ("train", {"training": job("lost")}, FAILED, "the last training lost", RUN),
    "no gates": ("evaluate", {}, NOT_SET_UP, "no gates are configured", ""),
    "gates not tried": ("evaluate", {"gates_configured": 2}, NOT_SET_UP, "2 gates, no version checked yet", RUN),
    "gates open": ("evaluate", {"gates": GateFact(2, True, 0, 4)}, OK, "version 2 passed 4 gates", ""),
    "gates closed": (
        "evaluate",
        {"gates": GateFact(2, False, 1, 4), **MODEL},
        ATTENTION,
        "version 2: 1 of 4 gates closed",
        "unipipe models check 'my model' 2",
    ),
    "no version": ("register", {"configured": True}, NOT_SET_UP, "no version is registered", RUN),
    "a model of others": ("register", {}, NOT_SET_UP, "no version is registered", ""),
    "no champion": (
        "register",
        MODEL,
        ATTENTION,
        "my model: 2 versions, no champion",
        "unipipe models show 'my model'",
    ),
    "a champion": ("register", {**MODEL, "champion": 2}, OK, "my model: 2 versions, champion 2", ""),
    "a challenger": (
        "register",
        {**MODEL, "champion": 1, "challenger": 2},
        ATTENTION,
        "version 2 challenges champion version 1",
        "unipipe models promote 'my model' 2",
    ),
    "an old challenger": ("register", {**MODEL, "champion": 2, "challenger": 1}, OK, "champion 2", ""),
    "nothing to package": ("package", {}, NOT_SET_UP, "there is no champion to package", ""),
    "not packaged": ("package", {"champion": 1}, NOT_SET_UP, "version 1 has no bundle yet", "unipipe serve start"),
    "packaged": ("package", {"champion": 1, "bundle": "ab" * 32}, OK, "version 1, sha256 abababababab", ""),
    "nothing live": ("release", {"champion": 1}, NOT_SET_UP, "nothing is live", "unipipe serve start"),
    "nothing to release": ("release", {}, NOT_SET_UP, "nothing is live", ""),
    "live": ("release", {"targets": (target("ready"),)}, OK, "shop serves version 3 on http://h:1", ""),
    "a dead server": ("release", {"targets": (target("died"),)}, FAILED, "shop: died", "unipipe serve start shop"),
    "a canary": (
        "release",
        {"targets": (target("ready", answers="1 90 % · 2 10 %"),)},
        OK,
        "shop serves 1 90 % · 2 10 % on http://h:1",
        "",
    ),
    "a server that answers, but not as it was told": (
        "release",
        {"targets": (target("ready", "1 of 2 pods"),)},
        ATTENTION,
        "shop serves version 3: 1 of 2 pods",
        "unipipe release show shop",
    ),
    "one that is away before one that is not as it should be": (
        "release",
        {"targets": (target("ready", "1 of 2 pods"), target("stopped", "no answer"))},
        FAILED,
        "shop: no answer",
        "unipipe serve start shop",
    ),
    "no traffic": ("monitor", {}, NOT_SET_UP, "no prediction was logged yet", ""),
    "unwatched": ("monitor", TRAFFIC, ATTENTION, "1,200 predictions, 300 labels, never checked", "unipipe drift check"),
    "well": ("monitor", {**TRAFFIC, "last_check": NOON}, OK, "no drift on 2026-11-21 12:00", "unipipe drift check"),
    "drift": (
        "monitor",
        {**TRAFFIC, "last_check": NOON, "drifted": ("amount",)},
        ATTENTION,
        "drift of amount on 2026-11-21 12:00",
        "unipipe drift show",
    ),
    "an alert": (
        "monitor",
        {**TRAFFIC, "alerts": ("amount drifted",)},
        ATTENTION,
        "amount drifted",
        "unipipe drift show",
    ),
    "nothing to retrain": ("retrain", {}, NOT_SET_UP, "there is no champion to retrain", ""),
    "no need": ("retrain", {"champion": 1}, OK, "nothing asks for a retraining", ""),
    "need": ("retrain", {"champion": 1, "alerts": ("drift",)}, ATTENTION, "drift", "unipipe retrain --reason"),
    "retraining": (
        "retrain",
        {"retraining": job("running"), "alerts": ("x",)},
        RUNNING,
        "runs now",
        "unipipe jobs attach",
    ),
    "retrained": ("retrain", {"champion": 1, "retraining": job("done")}, OK, "last on 2026-11-21 12:00: version 3", ""),
    "retraining failed": (
        "retrain",
        {"retraining": job("stopped", "Stopped.")},
        FAILED,
        "retraining stopped",
        "unipipe",
    ),
    "a retrained version waits": (
        "retrain",
        {**MODEL, "champion": 1, "challenger": 2, "alerts": ("drift",)},
        ATTENTION,
        "version 2 was retrained and waits",
        "unipipe models promote 'my model' 2",
    ),
}


def step_of(facts: Facts, name: str) -> Step:
    return board(facts)[STEPS.index(name)]


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_judged_by_its_facts(case: str) -> None:
    name, facts, state, headline, action = CASES[case]
    step = step_of(Facts(**facts), name)
    assert step.state is state
    assert headline in step.headline
    assert step.next_action.startswith(action) if action else step.next_action == ""


@pytest.mark.parametrize("name", STEPS)
def test_every_step_has_a_case_for_each_of_its_states(name: str) -> None:
    states = {state for step, _, state, _, _ in CASES.values() if step == name}
    assert OK in states
    assert len(states) >= 2


def test_there_are_twelve_steps_in_the_order_of_the_model_s_life() -> None:
    steps = board(Facts())
    assert tuple(step.name for step in steps) == STEPS
    assert [step.number for step in steps] == list(range(1, 13))


@pytest.mark.parametrize("name", STEPS)
def test_what_could_not_be_found_out_takes_down_its_own_step_and_no_other(name: str) -> None:
    facts = Facts(stages=(DATA, stage("train")), runs=3, newest_run="x", champion=1, **MODEL)
    before = board(facts)
    after = board(dataclasses.replace(facts, unknown=((name, "the disk is on fire"),)))
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [Step(STEPS.index(name) + 1, name, ATTENTION, "the disk is on fire", "unipipe doctor")]


@pytest.mark.parametrize("case", CASES)
def test_every_next_action_is_a_line_that_a_shell_understands(case: str) -> None:
    name, facts, *_ = CASES[case]
    action = step_of(Facts(**facts), name).next_action
    assert action == "" or shlex.split(action)[0] in ("unipipe", "dvc", "cd")
