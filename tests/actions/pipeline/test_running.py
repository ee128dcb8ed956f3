"""The pipeline's looks, and what the plan of a run says; the files and the store are real."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON, FakeProcesses, staying
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.pipeline.running import RUN, PlanPipeline, RunPipeline, plan_pipeline
from unipipe_tui.actions.pipeline.stages import ShowStage, show_stage
from unipipe_tui.actions.pipeline.view import ShowPipeline, StageCount, folded, show_pipeline
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.events import StepEnded, StepStarted, ToolSaid
from unipipe_tui.domain.jobs import Job, JobState, StageTiming
from unipipe_tui.store.jobs import EventFile
from unipipe_tui.wiring import build_world

PIPELINE = """\
stages:
  fetch: {cmd: fetch, deps: [in.csv], outs: [all.csv], desc: Everything.}
  split:
    foreach: [eu, us]
    do:
      cmd: split ${item}
      deps: [all.csv]
      outs: ["part-${item}.csv"]
  train:
    cmd: train
    deps: [part-eu.csv, part-us.csv]
    params: [train, {other.yaml: [seed]}]
    outs: [model.bin: {cache: false}]
    metrics: [scores.json: {cache: false}]
"""
LOCK = """\
schema: '2.0'
stages:
  fetch:
    cmd: fetch
    deps: [{path: in.csv, hash: md5, md5: 60b725f10c9c85c70d97880dfe8191b3, size: 2}]
    outs: [{path: all.csv, hash: md5, md5: 3b5d5c3712955042212316173ccf37be, size: 3}]
  train:
    cmd: train
    params:
      params.yaml: {train: {depth: 3, old: 1}}
      other.yaml: {seed: 7}
    outs:
    - {path: model.bin, hash: md5, md5: d41d8cd98f00b204e9800998ecf8427e, size: 12345}
"""


@pytest.fixture
def world(project: Path) -> World:
    (project / ".dvc").mkdir()
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "dvc.lock").write_text(LOCK)
    (project / "params.yaml").write_text("train: {depth: 4}\nunrelated: 1\n")
    (project / "other.yaml").write_text("seed: 7\n")
    (project / "in.csv").write_text("b\n")
    (project / "scores.json").write_text('{"auc": 0.91, "by": {"eu": 0.9}}')
    return staying(build_world(project), now=lambda: NOON, processes=FakeProcesses(alive=frozenset({77})))


def timed(world: World, job: str, *stages: tuple[str, float, str], minutes: float = 0) -> None:
    at = NOON + timedelta(minutes=minutes)
    world.jobs.record_stages(
        tuple((StageTiming(stage, seconds, at, job), outcome) for stage, seconds, outcome in stages)
    )


def test_templates_are_folded_into_one_line_unless_they_are_named(world: World) -> None:
    whole = show_pipeline(ShowPipeline(fold=False), world)
    shown = show_pipeline(ShowPipeline(), world)

    assert [line.stage for line in whole.stages] == ["fetch", "split@eu", "split@us", "train"]
    assert [line.stage for line in shown.stages] == ["fetch", "split", "train"]
    assert shown == folded(whole)
    assert folded(whole, {"split"}).stages == whole.stages
    split = shown.stages[1]
    assert (split.is_folded, split.stages, split.states) == (True, 2, (StageCount("never run", 2),))
    assert split.after == ("fetch",)
    assert shown.stages[2].after == ("split",)


def test_each_line_bears_its_causes_and_how_it_went_last(world: World) -> None:
    timed(world, "j1", ("split@eu", 2.0, "ran"), ("split@us", 3.0, "ran"), ("train", 9.0, "ran"))
    timed(world, "j2", ("train", 1.0, "failed"), minutes=1)
    lines = {line.stage: line for line in show_pipeline(ShowPipeline(), world).stages}

    assert lines["split"].last_seconds == 5.0
    assert lines["train"].last_seconds == 9.0
    assert lines["train"].failed
    assert "train.depth changed from 3 to 4" in lines["train"].causes
    assert lines["train"].causes[-1] == "split@eu, split@us run before it"
    timed(world, "j3", ("train", 8.0, "ran"), minutes=2)
    assert not {line.stage: line.failed for line in show_pipeline(ShowPipeline(), world).stages}["train"]


def test_a_stage_that_a_living_job_executes_is_running(world: World) -> None:
    world.jobs.begin(Job("job-1", "pipeline run", "unipipe pipeline run", "ada", JobState.RUNNING, NOON, 77, 0.0))
    folder = world.job_folders.path("job-1")
    folder.mkdir(parents=True)
    events = EventFile(folder)
    for event in (StepStarted("run the pipeline", 1, 1), StepStarted("fetch", 1, 4), StepEnded("fetch", "done", 1.0),
                  StepStarted("split@us", 2, 4), ToolSaid("dvc", "half of it")):  # fmt: skip
        events.write(event)

    lines = show_pipeline(ShowPipeline(fold=False), world).stages
    assert [line.stage for line in lines if line.running] == ["split@us"]
    view = show_stage(ShowStage("split@us"), world)
    assert (view.running, view.log_job, view.log) == (True, "job-1", ("half of it",))
    ended = staying(world, processes=FakeProcesses(alive=frozenset()))
    assert not any(line.running for line in show_pipeline(ShowPipeline(), ended).stages)


def test_a_stage_tells_its_files_params_metrics_and_neighbours(world: World) -> None:
    view = show_stage(ShowStage("train"), world)

    assert [(dep.path, dep.by) for dep in view.deps] == [("part-eu.csv", ("split@eu",)), ("part-us.csv", ("split@us",))]
    assert [(out.path, out.kind, (out.md5 or "")[:4], out.size_bytes, out.note) for out in view.outs] == [
        ("model.bin", "out", "d41d", 12345, "missing"),
        ("scores.json", "metric", "", None, "new"),
    ]
    assert [(one.file, one.key, one.value, one.note) for one in view.params] == [
        ("params.yaml", "train.depth", "4", "was 3"),
        ("other.yaml", "seed", "7", ""),
        ("params.yaml", "train.old", None, "gone, was 1"),
    ]
    assert [(one.key, one.value) for one in view.metrics] == [("auc", 0.91), ("by.eu", 0.9)]
    assert (view.before, view.after, view.command) == (("split@eu", "split@us"), (), "train")
    assert show_stage(ShowStage("fetch"), world).outs[0].by == ("split@eu", "split@us")


def test_a_stage_tells_what_it_said_the_last_time_and_nothing_of_others(world: World) -> None:
    timed(world, "job-1", ("fetch", 1.0, "ran"), ("train", 2.0, "failed"))
    folder = world.job_folders.path("job-1")
    folder.mkdir(parents=True)
    events = EventFile(folder)
    for event in (StepStarted("fetch", 1, 2), ToolSaid("dvc", "fetched"), ToolSaid("dvc", "Running stage 'train':"),
                  StepEnded("fetch", "done", 1.0), StepStarted("train", 2, 2), ToolSaid("dvc", "epoch 1"),
                  ToolSaid("dvc", "no memory"), StepEnded("train", "failed", 2.0)):  # fmt: skip
        events.write(event)

    assert show_stage(ShowStage("fetch"), world).log == ("fetched",)
    train = show_stage(ShowStage("train", lines=1), world)
    assert (train.log, train.executions[0].outcome) == (("no memory",), "failed")


def test_a_template_is_told_by_the_member_that_needs_attention(world: World) -> None:
    view = show_stage(ShowStage("split"), world)

    assert (view.stage, view.members) == ("split@eu", ("split@eu", "split@us"))
    with pytest.raises(UsageError, match="There is no stage 'nothing'"):
        show_stage(ShowStage("nothing"), world)


def test_the_plan_of_a_run_names_every_stage_that_would_run(world: World) -> None:
    whole = make_plan(RUN, RunPipeline(), world)
    stages = [effect.text for effect in whole.effects if effect.kind.value == "stage"]

    assert whole.title == "Run the pipeline: 4 of 4 stages are not up to date"
    assert [text.partition(":")[0] for text in stages] == ["fetch", "split@eu", "split@us", "train"]
    assert stages[1] == "split@eu: it has never run here (and 1 more)"


def test_one_stage_alone_and_one_with_all_that_needs_it_are_planned_as_dvc_runs_them(world: World) -> None:
    only = make_plan(RUN, RunPipeline(("split",), only=True), world)
    downstream = make_plan(RUN, RunPipeline(("split@us",), downstream=True), world)

    assert only.effects[0].text == "dvc repro --single-item split"
    assert [e.text.partition(":")[0] for e in only.effects if e.kind.value == "stage"] == ["split@eu", "split@us"]
    assert any("fetch is not up to date and will not run" in warning for warning in only.warnings)
    assert downstream.effects[0].text == "dvc repro --downstream split@us"
    assert [e.text.partition(":")[0] for e in downstream.effects if e.kind.value == "stage"] == ["split@us", "train"]
    assert downstream.title == "Run split@us and what needs it: 2 of 2 stages will run"


def test_a_run_that_does_not_reach_the_training_registers_and_judges_nothing(world: World) -> None:
    (world.root / "unipipe.yaml").write_text("model: {name: m, run_file: model.bin}\n")
    world = staying(build_world(world.root), now=lambda: NOON)

    def kinds(request: RunPipeline) -> set[str]:
        return {effect.kind.value for effect in make_plan(RUN, request, world).effects}

    assert "registry" in kinds(RunPipeline())
    assert "registry" in kinds(RunPipeline(("fetch",), downstream=True))
    assert kinds(RunPipeline(("fetch",), only=True)) == {"run", "stage", "store"}
    assert make_plan(RUN, RunPipeline(("fetch",)), world).undo == "git checkout dvc.lock && dvc checkout"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (RunPipeline(("train",), only=True, downstream=True), "exclude each other"),
        (RunPipeline(only=True), "--only needs the name"),
        (RunPipeline(downstream=True), "--downstream needs the name"),
        (RunPipeline(("gone",)), "There is no stage 'gone'"),
    ],
)
def test_flags_that_make_no_sense_are_refused(world: World, request_: RunPipeline, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_plan(RUN, request_, world)


def test_a_templates_name_can_be_explained(world: World) -> None:
    plan = plan_pipeline(PlanPipeline(("split",)), world)

    assert [stage.stage for stage in plan.stages] == ["split@eu", "split@us"]
