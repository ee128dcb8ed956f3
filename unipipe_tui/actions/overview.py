"""The overview: the twelve steps, what is live, what is wrong, what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.alerts.settling import open_alerts
from unipipe_tui.actions.asking import ask_all, way_to_start
from unipipe_tui.actions.jobs.finding import as_it_is
from unipipe_tui.actions.jobs.listing import JobLine, list_jobs
from unipipe_tui.actions.jobs.listing import ListJobs as _ListJobs
from unipipe_tui.actions.release.status import is_interrupted
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import CHALLENGER, CHAMPION
from unipipe_tui.domain.board import ADD_REMOTE, PULL, RUN, Facts, GateFact, JobFact, StageFact, Step, TargetFact, board
from unipipe_tui.domain.errors import ToolMissing, UnipipeError
from unipipe_tui.domain.freshness import RESTORABLE, PipelineState, StageState
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.pipelines import Figure, Pipeline
from unipipe_tui.domain.records import Alert, Release
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.server_status import Asked, ServerStatus
from unipipe_tui.domain.tracking import (
    ModelVersion,
    RegisteredModel,
    Run,
    RunStatus,
    TrackingKind,
    TrackingPlace,
    status_words,
)
from unipipe_tui.domain.values import frozen

TRAININGS = ("pipeline run", "retrain")
NO_REPOSITORY = "This is not a Git repository, so no commit can be recorded: `git init` makes it one."
LIVE_STAGES = ("Production", "Staging")


@frozen
class Status:
    """Nothing to say."""


@frozen
class ProjectFacts:
    """Where we are."""

    root: str
    name: str
    branch: str | None
    commit: str | None
    changed_files: int
    configured: bool
    """Whether there is a unipipe.yaml."""
    read_only: str | None


@frozen
class OnItsWay:
    """A release that is on its way to a target."""

    target: str
    release: str
    version: int
    strategy: str
    state: RolloutState
    step: int
    """Counted from 1."""
    steps: int
    traffic: Traffic | None
    """What the step answers with; None while it is being brought there."""
    interrupted: bool
    """Its job is gone and left it on its way."""


@frozen
class Overview:
    """The project at a glance."""

    project: ProjectFacts
    steps: tuple[Step, ...]
    live: tuple[ServerStatus, ...]
    alerts: tuple[Alert, ...]
    jobs: tuple[JobLine, ...]
    """The newest five."""
    notices: tuple[str, ...]
    """What else there is to know, one sentence each."""
    releases: tuple[Release, ...] = ()
    """The newest of each target: what it answers with, or did last, and what that was made of."""
    on_their_way: tuple[OnItsWay, ...] = ()


def status(request: Status, world: World) -> Overview:
    """Show the twelve steps of the model's life, each with its state, a headline from evidence and the next action."""
    gathered = _Gathered()
    _gather_pipeline(world, gathered)
    _gather_tracking(world, gathered)
    jobs: tuple[JobLine, ...] = ()
    alerts: tuple[Alert, ...] = ()
    releases: tuple[Release, ...] = ()
    ways: tuple[OnItsWay, ...] = ()
    with gathered.part("train", "evaluate", "monitor", "retrain"), world.store.together():
        _gather_store(world, gathered)
        jobs = list_jobs(_ListJobs(5), world).jobs
        alerts = open_alerts(world)
        ways = tuple(_ways(world))
        releases = tuple(release for name in world.targets for release in world.history.releases(name, 1))
    _gather_traffic(world, gathered)
    servers = _gather_targets(world, gathered)
    facts = Facts(**gathered.facts, unknown=tuple(gathered.unknown.items()))
    project = _project(world)
    if project.branch is None and project.commit is None and not world.git.is_repository():
        refusal = world.git.refusal()
        gathered.notices.append(f"Git refuses: {refusal}" if refusal else NO_REPOSITORY)
    return Overview(project, board(facts), servers, alerts, jobs, tuple(gathered.notices), releases, ways)


def _ways(world: World) -> Iterator[OnItsWay]:
    for name in world.targets:
        rollout = world.rollouts.current(name)
        if rollout is not None:
            yield OnItsWay(
                target=name,
                release=rollout.id,
                version=rollout.candidate.version,
                strategy=rollout.strategy.kind.value,
                state=rollout.state,
                step=rollout.place + 1,
                steps=len(rollout.steps),
                traffic=rollout.wanted if rollout.stands else None,
                interrupted=is_interrupted(rollout, world),
            )


@dataclass
class _Gathered:
    """Facts as they come in. A part that fails takes its own steps down, never the whole board."""

    facts: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @contextmanager
    def part(self, *steps: str) -> Iterator[None]:
        try:
            yield
        except UnipipeError as error:
            for name in steps:
                self.unknown[name] = error.message


def _project(world: World) -> ProjectFacts:
    tree = world.git.work_tree()
    return ProjectFacts(
        root=str(world.root),
        name=world.config.project or world.root.name,
        branch=tree.branch if tree else None,
        commit=tree.commit if tree else None,
        changed_files=len(tree.changed) if tree else 0,
        configured=world.config.present,
        read_only=world.read_only,
    )


def _gather_pipeline(world: World, gathered: _Gathered) -> None:
    with gathered.part("ingest", "validate", "transform", "features"):
        pipeline = world.pipeline.read()
        state = world.pipeline.state(pipeline)
        gathered.facts["pipeline_problems"] = tuple(problem.sentence for problem in state.problems)
        gathered.facts["dvc"] = pipeline.initialised
        gathered.facts["inner_projects"] = pipeline.inner_projects
        gathered.facts["figures"] = _figure_words(world.pipeline.figures(pipeline))
        gathered.facts["stages"] = _stage_facts(pipeline, state)


def _way_to_missing_data(state: PipelineState) -> str:
    """Without a remote, running makes the outputs again, but no run brings data that was added."""
    if state.can_pull:
        return PULL
    return ADD_REMOTE if any(s.stage.is_data and s.way_back == PULL for s in state.states) else RUN


def _stage_facts(pipeline: Pipeline, state: PipelineState) -> tuple[StageFact, ...]:
    to_missing_data = _way_to_missing_data(state)
    ways = {s.stage.address: to_missing_data if s.way_back == PULL else s.way_back for s in state.states}
    return tuple(_stage_fact(s, _first_way(s.stage.address, ways, pipeline) if s.causes else "") for s in state.states)


def _first_way(address: str, ways: Mapping[str, str], pipeline: Pipeline) -> str:
    """What brings the data that a stage misses itself, or else the data that a stage before it misses."""
    return next((ways[one] for one in (address, *pipeline.upstream(address)) if ways.get(one)), "")


def _stage_fact(state: StageState, restore: str) -> StageFact:
    # What has to be fetched comes first: nothing runs before it is here.
    causes = sorted(state.causes, key=lambda cause: cause.kind not in RESTORABLE)
    cause = causes[0].sentence if causes else ""
    return StageFact(state.stage.address, state.stage.is_data, state.freshness.value, cause, restore)


def _gather_tracking(world: World, gathered: _Gathered) -> None:
    configured = world.config.model.name if world.config.model else None
    gathered.facts.update(model=configured or "", configured=configured is not None)
    with gathered.part("experiment", "register", "package"):
        place = world.tracking_place
        if place.kind is TrackingKind.REMOTE:
            raise ToolMissing(f"MLflow is a server, {place.shown}: only local stores are read yet.")
        gathered.facts["tracking"] = _where(place, world.root)
        gathered.notices += world.tracking.problems()
        if place.also:
            others = ", ".join(str(path.relative_to(world.root)) for path in place.also)
            gathered.notices.append(f"Runs are read from {_where(place, world.root)}; not from {others}.")
        page = world.tracking.runs(1)
        gathered.facts["runs"] = page.total
        gathered.facts["newest_run"] = _run_words(page.runs[0], world) if page.runs else ""
        models = world.tracking.models()
        chosen = next((m for m in models if m.name == configured), models[0] if models and not configured else None)
        if chosen is not None:
            gathered.facts["other_models"] = 0 if configured else len(models) - 1
            _gather_model(chosen, world, gathered)


def _gather_model(model: RegisteredModel, world: World, gathered: _Gathered) -> None:
    versions = world.tracking.versions(model.name)
    aliases = [f"{alias}: version {version}" for alias, version in model.aliases]
    champion = model.alias(CHAMPION)
    bundle = world.bundles.find(model.name, champion) if champion is not None else None
    gathered.facts.update(
        model=model.name,
        versions=len(versions),
        champion=champion,
        challenger=model.alias(CHALLENGER),
        named=(*aliases, *_stages(versions)),
        bundle=bundle[1].digest if bundle else "",
    )


def _stages(versions: Sequence[ModelVersion]) -> tuple[str, ...]:
    """The newest version in each of MLflow's old stages that means something is live or about to be."""
    newest = {stage: next((v.version for v in versions if v.stage == stage), None) for stage in LIVE_STAGES}
    return tuple(f"stage {stage}: version {version}" for stage, version in newest.items() if version is not None)


def _where(place: TrackingPlace, root: Path) -> str:
    inside = place.path is not None and place.path.is_relative_to(root)
    return str(place.path.relative_to(root)) if place.path is not None and inside else place.shown


def _run_words(run: Run, world: World) -> str:
    status = "" if run.status is RunStatus.FINISHED else f" ({status_words(run, world.now())})"
    return f"{run.name or run.run_id[:9]}{status}"


def _figure_words(figures: Sequence[Figure]) -> tuple[str, ...]:
    repeated = len({figure.key for figure in figures}) < len(figures)
    names = (f"{figure.path}:{figure.key}" if repeated else figure.key for figure in figures)
    return tuple(f"{name} {_shown(figure.value)}" for name, figure in zip(names, figures, strict=True))


def _shown(value: float | int | str | bool) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _gather_store(world: World, gathered: _Gathered) -> None:
    gathered.facts["gates_configured"] = len(world.config.gates)
    model = gathered.facts.get("model") or ""
    checks = world.history.gate_checks(model) if model else ()
    if checks:
        newest = checks[0]
        closed = sum(not result.passed for result in newest.results)
        gathered.facts["gates"] = GateFact(newest.version, newest.passed, closed, len(newest.results))
    jobs = [as_it_is(job, world) for job in world.jobs.latest(200)]
    gathered.facts["training"] = _last(jobs, lambda job: job.action in TRAININGS)
    gathered.facts["retraining"] = _last(jobs, lambda job: job.action == "retrain")
    alerts = open_alerts(world)
    gathered.facts["alerts"] = tuple(alert.message for alert in alerts if alert.asks)
    gathered.facts["acknowledged"] = sum(not alert.asks for alert in alerts)
    checked = world.history.drift_checks(limit=1)
    gathered.facts["last_check"] = checked[0].at if checked else None
    gathered.facts["drifted"] = checked[0].columns if checked else ()
    gathered.notices += [text for _, text in world.history.notices()]


def _gather_traffic(world: World, gathered: _Gathered) -> None:
    with gathered.part("monitor"):
        totals = [world.predictions.totals(name) for name in world.targets]
        gathered.facts["predictions"] = sum(total for total, _ in totals)
        gathered.facts["labels"] = sum(labels for _, labels in totals)


def _last(jobs: list[Job], wanted: Callable[[Job], bool]) -> JobFact | None:
    job = next((job for job in jobs if wanted(job)), None)
    if job is None:
        return None
    state = JobState.DONE if job.state is JobState.SAID_NO else job.state
    return JobFact(state.value, job.message, job.started)


def _gather_targets(world: World, gathered: _Gathered) -> tuple[ServerStatus, ...]:
    servers: tuple[ServerStatus, ...] = ()
    if world.config.model is None:
        return servers
    with gathered.part("release"):
        asked = ask_all(world)
        servers = tuple(one.status for one in asked)
        gathered.facts["targets"] = tuple(_target_fact(one, world) for one in asked)
    return servers


def _target_fact(asked: Asked, world: World) -> TargetFact:
    status = asked.status
    way_on = "unipipe doctor" if asked.live is None else way_to_start(world, asked.target)
    return TargetFact(asked.target, status.state.value, status.answers, status.url, status.error or "", way_on)


STATUS = Look("status", Status, status, "unipipe status", repeatable=True)
