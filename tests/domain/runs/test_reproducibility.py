"""A run that was made again is judged by its metrics, and by nothing that a clock or a machine decides."""

from __future__ import annotations

import dataclasses
import math

import pytest

from unipipe_tui.domain.pipelines import Dependency as Dep
from unipipe_tui.domain.pipelines import Fingerprint, Locked, Output, OutputKind, Pipeline, Stage
from unipipe_tui.domain.runs.reproducibility import (
    ParamValue,
    compare_metrics,
    different_texts,
    measuring_stages,
    stages_of_run,
    unstable_outputs,
    wanted_params,
)


@pytest.mark.parametrize(
    ("before", "after", "tolerance", "same"),
    [
        (0.9, 0.9, 0.0, True),
        (0.9, 0.9000001, 0.0, False),
        (0.9, 0.905, 0.01, True),
        (1000.0, 1009.0, 0.01, True),
        (1000.0, 1011.0, 0.01, False),
        (0.0, 1e-9, 0.0, False),
        (0.0, 1e-9, 1e-6, True),
        (math.nan, math.nan, 0.0, True),
        (math.nan, 1.0, 0.5, False),
        (math.inf, math.inf, 0.0, True),
        (math.inf, -math.inf, 0.5, False),
    ],
)
def test_two_values_are_the_same_within_the_tolerance(
    before: float, after: float, tolerance: float, same: bool
) -> None:
    [metric] = compare_metrics({"auc": before}, {"auc": after}, tolerance)
    assert metric.same is same


def test_the_difference_is_told_absolutely_and_as_a_share() -> None:
    [metric] = compare_metrics({"loss": -0.5}, {"loss": -0.4}, 0.0)
    assert metric.difference == pytest.approx(0.1)
    assert metric.relative == pytest.approx(0.2)
    [from_zero] = compare_metrics({"loss": 0.0}, {"loss": 0.4}, 0.0)
    assert (from_zero.difference, from_zero.relative) == (0.4, None)
    [from_nan] = compare_metrics({"loss": math.nan}, {"loss": 0.4}, 0.0)
    assert (from_nan.difference, from_nan.relative) == (None, None)


def test_a_metric_that_only_one_of_them_has_is_not_the_same() -> None:
    gone, new = compare_metrics({"auc": 0.9}, {"f1": 0.8}, 0.5)
    assert (gone.name, gone.after, gone.same) == ("auc", None, False)
    assert (new.name, new.before, new.same) == ("f1", None, False)


@pytest.mark.parametrize(
    ("name", "judged"),
    [
        ("train_seconds", False),
        ("fit_time", False),
        ("latency/p99", False),
        ("system/cpu_utilization_percentage", False),
        ("epochDuration", False),
        ("auc", True),
        ("time_to_event_auc", True),
        ("loss.runtimes", True),
    ],
)
def test_times_and_figures_of_the_machine_are_not_judged(name: str, judged: bool) -> None:
    [metric] = compare_metrics({name: 1.0}, {name: 2.0}, 0.0)
    assert (metric.judged, metric.same) == (judged, False)


FILES = (
    ParamValue("params.yaml", "train.model.depth", "6"),
    ParamValue("params.yaml", "train.seed", "7"),
    ParamValue("params.yaml", "split.seed", "9"),
    ParamValue("other.json", "rate", "0.10"),
    ParamValue("params.yaml", "train.shuffle", "True"),
)


def test_a_runs_params_are_found_by_their_whole_key_or_by_its_end() -> None:
    wanted = wanted_params(FILES, {"model.depth": "8", "train.seed": "7", "rate": "0.2"})
    assert [(at.key, at.text, to.text) for at, to in wanted.to_set] == [
        ("train.model.depth", "6", "8"),
        ("rate", "0.10", "0.2"),
    ]
    assert wanted.unknown == ()


def test_a_param_that_no_file_has_or_that_may_be_several_is_left_and_told() -> None:
    wanted = wanted_params(FILES, {"seed": "8", "epoch": "3", "depth": "6"})
    assert (wanted.to_set, wanted.unknown) == ((), ("epoch", "seed"))


@pytest.mark.parametrize(("key", "text"), [("rate", "0.1"), ("rate", "1e-1"), ("shuffle", "true"), ("depth", "6.0")])
def test_a_param_that_means_the_same_is_not_set(key: str, text: str) -> None:
    assert wanted_params(FILES, {key: text}).to_set == ()


def test_texts_that_differ_are_told_by_name() -> None:
    then, now = {"numpy": "2.1.0", "pandas": "3.0", "gone": "1"}, {"numpy": "2.2.0", "pandas": "3.0", "new": "1"}
    assert list(different_texts(then, now)) == [("gone", "1", None), ("new", None, "1"), ("numpy", "2.1.0", "2.2.0")]


def stage(name: str, reads: str, writes: str, kind: OutputKind = OutputKind.DATA, cached: bool = True) -> Stage:
    return Stage(
        name,
        name,
        "dvc.yaml",
        command=(name,),
        dependencies=(Dep(reads),),
        outputs=(Output(writes, kind, cached),),
        locked=Locked((name,), {reads: Fingerprint("in")}, {writes: Fingerprint("out")}, {}),
    )


PIPELINE = Pipeline(
    (
        stage("prepare", "raw", "table"),
        stage("train", "table", "run.json", cached=False),
        stage("evaluate", "run.json", "metrics.json", OutputKind.METRIC),
        stage("deploy", "run.json", "deployed"),
    )
)


def test_what_deploys_is_left_out_where_the_run_file_tells_who_logs() -> None:
    assert stages_of_run(PIPELINE, "run.json") == ("train", "evaluate")


@pytest.mark.parametrize("run_file", [None, "elsewhere.json"])
def test_all_stages_run_where_nobody_knows_who_logs(run_file: str | None) -> None:
    assert stages_of_run(PIPELINE, run_file) == ()


def test_only_what_measures_must_run_where_metrics_files_are_compared() -> None:
    assert measuring_stages(PIPELINE) == ("evaluate",)
    assert measuring_stages(Pipeline(PIPELINE.stages[:2])) == ()


def relocked(name: str, reads: str, writes: str) -> Pipeline:
    """The pipeline with other marks in the lock of one stage."""

    def changed(one: Stage) -> Stage:
        if one.name != name or one.locked is None:
            return one
        [read], [wrote] = one.locked.dependencies, one.locked.outputs
        marks = Locked(one.locked.command, {read: Fingerprint(reads)}, {wrote: Fingerprint(writes)}, {})
        return dataclasses.replace(one, locked=marks)

    return Pipeline(tuple(changed(one) for one in PIPELINE.stages))


def test_an_output_that_changed_although_nothing_else_did_is_told() -> None:
    assert unstable_outputs(PIPELINE, relocked("prepare", "in", "other")) == ("table",)


def test_an_output_of_other_inputs_and_a_report_that_git_keeps_are_not_chance() -> None:
    assert unstable_outputs(PIPELINE, relocked("prepare", "other", "other")) == ()
    assert unstable_outputs(PIPELINE, relocked("train", "in", "other")) == ()
    assert unstable_outputs(PIPELINE, PIPELINE) == ()
