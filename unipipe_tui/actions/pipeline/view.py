"""The DVC pipeline as a graph: every stage, what it needs, how it stands and why, whether it runs now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.jobs.finding import as_it_is
from unipipe_tui.actions.world import World
from unipipe_tui.domain.events import StepEnded, StepStarted
from unipipe_tui.domain.freshness import Cause, CauseKind, Freshness, PipelineState, StageState
from unipipe_tui.domain.jobs import JobState, StageTiming
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.values import frozen

NOTHING_DECLARED = "No dvc.yaml declares a stage here, and no .dvc file declares data."
NEWEST_JOBS = 20
"""Among so many of the newest jobs those that run are looked for."""


@frozen
class ShowPipeline:
    """Nothing to say."""

    fold: Annotated[bool, "Show the stages of one foreach or matrix as one line."] = True


@frozen
class StageCount:
    """How many of the stages of a line are in one state."""

    state: str
    stages: int


@frozen
class StageLine:
    """One stage, or all stages that one template generated."""

    stage: str
    state: str
    layer: int
    """How many stages must run before it, at the least; 0: none."""
    after: tuple[str, ...]
    """The stages that it needs."""
    command: str
    stages: int
    """How many are folded into this line."""
    last_seconds: float | None
    description: str
    causes: tuple[str, ...] = ()
    """Why it is not up to date."""
    will_run: int = 0
    """How many of its stages the next run executes."""
    states: tuple[StageCount, ...] = ()
    """In which states the stages of this line are."""
    template: str | None = None
    """The foreach or matrix stage that generated it, or that this line stands for."""
    is_data: bool = False
    """Data that was added or imported: it has no command."""
    running: int = 0
    """How many of its stages a job executes now."""
    failed: bool = False
    """Whether its last execution failed."""

    @property
    def is_folded(self) -> bool:
        """Whether it stands for all stages of a template."""
        return self.stage == self.template


@frozen
class PipelineView:
    """The whole graph, in running order."""

    stages: tuple[StageLine, ...]
    total: int
    """How many stages there are, unfolded."""
    problems: tuple[str, ...]


def show_pipeline(request: ShowPipeline, world: World) -> PipelineView:
    """Show the stages of the DVC pipeline in running order: what each needs, how it stands and why, its last time."""
    pipeline = world.pipeline.read()
    state = world.pipeline.state(pipeline)
    timings = world.jobs.last_timings()
    running = running_stages(world)
    failed = world.jobs.failed_stages()
    layers = {address: number for number, layer in enumerate(pipeline.layers()) for address in layer}
    lines = tuple(
        _line(one, pipeline, layers[one.stage.address], timings.get(one.stage.address), running, failed)
        for one in state.states
    )
    view = PipelineView(lines, len(lines), sentences_of(pipeline, state))
    return folded(view) if request.fold else view


def sentences_of(pipeline: Pipeline, state: PipelineState) -> tuple[str, ...]:
    """What is wrong with the project's files, and what is not among its stages."""
    nothing = () if pipeline.stages or state.problems else (NOTHING_DECLARED,)
    folders = ", ".join(pipeline.inner_projects)
    inside = (f"DVC projects of their own are in {folders}: run unipipe there.",) if folders else ()
    return (*nothing, *inside, *(problem.sentence for problem in state.problems))


def sentences_of_causes(causes: Iterable[Cause]) -> tuple[str, ...]:
    """The causes in words; the stages that run before it in one sentence, however many they are."""
    found = tuple(causes)
    before = [cause.subject for cause in found if cause.kind is CauseKind.UPSTREAM_WILL_RUN]
    own = tuple(cause.sentence for cause in found if cause.kind is not CauseKind.UPSTREAM_WILL_RUN)
    said = (f"{', '.join(before)} {'runs' if len(before) == 1 else 'run'} before it",) if before else ()
    return (*own, *said)


def running_stages(world: World) -> Mapping[str, str]:
    """The stages that running jobs are executing now, each with the id of its job."""
    running = (
        job.id
        for job in world.jobs.latest(NEWEST_JOBS)
        if job.state is JobState.RUNNING and as_it_is(job, world).state is JobState.RUNNING
    )
    return {step: job for job in running for step in _open_steps(world, job)}


def _open_steps(world: World, job_id: str) -> Iterable[str]:
    begun: dict[str, None] = {}
    for _, event in world.job_folders.events(job_id):
        if isinstance(event, StepStarted):
            begun[event.name] = None
        elif isinstance(event, StepEnded):
            begun.pop(event.name, None)
    return begun


def _line(
    state: StageState,
    pipeline: Pipeline,
    layer: int,
    timing: StageTiming | None,
    running: Collection[str],
    failed: Collection[str],
) -> StageLine:
    stage = state.stage
    return StageLine(
        stage=stage.address,
        state=state.freshness.value,
        layer=layer,
        after=pipeline.parents(stage.address),
        command=" && ".join(stage.command),
        stages=1,
        last_seconds=round(timing.seconds, 3) if timing else None,
        description=stage.description,
        causes=sentences_of_causes(state.causes),
        will_run=int(state.will_run),
        states=(StageCount(state.freshness.value, 1),),
        template=stage.template,
        is_data=stage.is_data,
        running=int(stage.address in running),
        failed=stage.address in failed and state.freshness is not Freshness.FRESH,
    )


def folded(view: PipelineView, unfolded: Collection[str] = ()) -> PipelineView:
    """The graph with the stages of each template as one line, where the first of them stood; not of those named."""
    groups: dict[str, list[StageLine]] = {}
    owner: dict[str, str] = {}
    for line in view.stages:
        place = line.template if line.template and line.template not in unfolded else line.stage
        groups.setdefault(place, []).append(line)
        owner[line.stage] = place
    return replace(view, stages=tuple(_joined(place, lines, owner) for place, lines in groups.items()))


URGENCY = tuple(
    state.value
    for state in (
        Freshness.STALE,
        Freshness.NEVER_RUN,
        Freshness.NOT_PULLED,
        Freshness.UNKNOWN,
        Freshness.FROZEN,
        Freshness.FRESH,
    )
)
"""The states, beginning with the one that most needs attention."""


def _joined(place: str, lines: list[StageLine], owner: Mapping[str, str]) -> StageLine:
    first = lines[0]
    after = dict.fromkeys(owner[parent] for line in lines for parent in line.after if parent in owner)
    after.pop(place, None)
    if place == first.stage:
        return replace(first, after=tuple(after))
    seconds = [line.last_seconds for line in lines if line.last_seconds is not None]
    counts = {state: sum(line.state == state for line in lines) for state in URGENCY}
    return replace(
        first,
        stage=place,
        state=min((line.state for line in lines), key=URGENCY.index),
        layer=max(line.layer for line in lines),
        after=tuple(after),
        stages=len(lines),
        last_seconds=round(sum(seconds), 3) if seconds else None,
        causes=tuple(dict.fromkeys(f"{line.stage}: {cause}" for line in lines for cause in line.causes)),
        will_run=sum(line.will_run for line in lines),
        states=tuple(StageCount(state, count) for state, count in counts.items() if count),
        running=sum(line.running for line in lines),
        failed=any(line.failed for line in lines),
    )


SHOW = Look("pipeline show", ShowPipeline, show_pipeline, "unipipe pipeline show")
