"""The twelve steps: a pure function from gathered facts to the state, headline and next action of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StepState(StrEnum):
    """Where a step stands."""

    OK = "ok"
    STALE = "stale"
    RUNNING = "running"
    FAILED = "failed"
    ATTENTION = "attention"
    NOT_SET_UP = "not set up"


@dataclass(frozen=True)
class Step:
    """One of the twelve steps, with what it knows and what to do next."""

    number: int
    name: str
    state: StepState
    headline: str
    next_action: str
    """A command line, or empty when there is nothing to do."""


@dataclass(frozen=True)
class StageFact:
    """One stage of the pipeline, as far as the board cares."""

    name: str
    is_data: bool
    freshness: str
    cause: str
    """The first reason why it is not fresh; empty when it is."""


@dataclass(frozen=True)
class GateFact:
    """The newest version at the gates."""

    version: int
    passed: bool
    closed: int
    gates: int


@dataclass(frozen=True)
class TargetFact:
    """One target."""

    name: str
    state: str
    version: int | None
    url: str
    error: str


@dataclass(frozen=True)
class JobFact:
    """The last job of one kind."""

    state: str
    message: str
    at: datetime


@dataclass(frozen=True)
class Facts:
    """All that the board is made from. What could not be found out is in `unknown`, by step name, with the reason."""

    stages: tuple[StageFact, ...] = ()
    pipeline_problems: tuple[str, ...] = ()
    tracking: str = ""
    """Where runs are kept; empty: nowhere."""
    runs: int = 0
    newest_run: str = ""
    model: str = ""
    """The configured model, or the first that is registered."""
    versions: int = 0
    champion: int | None = None
    challenger: int | None = None
    gates: GateFact | None = None
    gates_configured: int = 0
    bundle: str = ""
    """Digest of the champion's bundle."""
    targets: tuple[TargetFact, ...] = ()
    predictions: int = 0
    labels: int = 0
    alerts: tuple[str, ...] = ()
    last_check: datetime | None = None
    drifted: tuple[str, ...] = ()
    training: JobFact | None = None
    """The last `pipeline run` or `retrain`."""
    retraining: JobFact | None = None
    unknown: tuple[tuple[str, str], ...] = ()


STEPS = (
    "ingest",
    "validate",
    "transform",
    "features",
    "experiment",
    "train",
    "evaluate",
    "register",
    "package",
    "release",
    "monitor",
    "retrain",
)
FRESH, MISSING = "fresh", "not pulled"
RUN = "unipipe pipeline run"


def board(facts: Facts) -> tuple[Step, ...]:
    """The twelve steps in order."""
    judges = {
        "ingest": _ingest,
        "validate": lambda f: _stage_step(f, ("valid", "check", "contract"), "no stage checks the data"),
        "transform": _transform,
        "features": lambda f: _stage_step(f, ("feature",), "no stage makes features"),
        "experiment": _experiment,
        "train": _train,
        "evaluate": _evaluate,
        "register": _register,
        "package": _package,
        "release": _release,
        "monitor": _monitor,
        "retrain": _retrain,
    }
    unknown = dict(facts.unknown)
    steps = []
    for number, name in enumerate(STEPS, start=1):
        if name in unknown:
            state, headline, action = StepState.ATTENTION, unknown[name], "unipipe doctor"
        else:
            state, headline, action = judges[name](facts)
        steps.append(Step(number, name, state, headline, action))
    return tuple(steps)


Judgement = tuple[StepState, str, str]


def _ingest(facts: Facts) -> Judgement:
    if facts.pipeline_problems:
        return StepState.ATTENTION, facts.pipeline_problems[0], "unipipe pipeline plan"
    data = [stage for stage in facts.stages if stage.is_data]
    named = [
        stage for stage in facts.stages if not stage.is_data and _named(stage, ("ingest", "download", "fetch", "load"))
    ]
    if not data and not named:
        return StepState.NOT_SET_UP, "no data is tracked by DVC", "dvc add data"
    missing = [stage for stage in data if stage.freshness == MISSING]
    if missing:
        return StepState.STALE, f"{missing[0].name}: {missing[0].cause}", "dvc pull"
    changed = [stage for stage in data if stage.freshness != FRESH]
    if changed:
        return StepState.STALE, f"{changed[0].name}: {changed[0].cause}", f"dvc commit {changed[0].name}"
    return _of_stages(named, f"{len(data)} tracked {'set' if len(data) == 1 else 'sets'} of data, up to date")


def _stage_step(facts: Facts, words: tuple[str, ...], none: str) -> Judgement:
    stages = [stage for stage in facts.stages if not stage.is_data and _named(stage, words)]
    if not stages:
        return StepState.NOT_SET_UP, none, ""
    return _of_stages(stages, f"{', '.join(stage.name for stage in stages[:3])} up to date")


def _transform(facts: Facts) -> Judgement:
    stages = [stage for stage in facts.stages if not stage.is_data]
    if not stages:
        return StepState.NOT_SET_UP, "no dvc.yaml describes a pipeline", "unipipe init --recipe fraud-detection DIR"
    return _of_stages(stages, f"all {len(stages)} stages up to date")


def _of_stages(stages: list[StageFact], fine: str) -> Judgement:
    waiting = [stage for stage in stages if stage.freshness not in (FRESH, "frozen", "unknown")]
    if not waiting:
        return StepState.OK, fine, ""
    first = waiting[0]
    more = f" (and {len(waiting) - 1} more)" if len(waiting) > 1 else ""
    if all(stage.freshness == MISSING for stage in waiting):
        return StepState.STALE, f"{first.name}: {first.cause}{more}", "dvc pull"
    return StepState.STALE, f"{first.name}: {first.cause}{more}", RUN


def _named(stage: StageFact, words: tuple[str, ...]) -> bool:
    return any(word in stage.name.lower() for word in words)


def _experiment(facts: Facts) -> Judgement:
    if not facts.tracking:
        return StepState.NOT_SET_UP, "no MLflow store was found", RUN
    if not facts.runs:
        return StepState.NOT_SET_UP, f"no runs yet in {facts.tracking}", RUN
    return StepState.OK, f"{facts.runs:,} runs, newest {facts.newest_run}", "unipipe runs list"


def _train(facts: Facts) -> Judgement:
    job = facts.training
    if job and job.state == "running":
        return StepState.RUNNING, "a training runs now", "unipipe jobs attach last"
    if job and job.state in ("failed", "lost", "stopped"):
        return StepState.FAILED, f"the last training {job.state}: {job.message}", RUN
    stages = [stage for stage in facts.stages if not stage.is_data and _named(stage, ("train", "fit"))]
    if not stages:
        return StepState.NOT_SET_UP, "no stage trains a model", ""
    return _of_stages(stages, job.message if job else f"{stages[0].name} up to date")


def _evaluate(facts: Facts) -> Judgement:
    if facts.gates:
        gates = facts.gates
        if gates.passed:
            return StepState.OK, f"version {gates.version} passed {gates.gates} gates", ""
        action = f"unipipe models check {facts.model} {gates.version}"
        return StepState.ATTENTION, f"version {gates.version}: {gates.closed} of {gates.gates} gates closed", action
    if facts.gates_configured:
        return StepState.NOT_SET_UP, f"{facts.gates_configured} gates, no version checked yet", RUN
    return _stage_step(facts, ("eval", "test", "metric"), "no gates are configured")


def _register(facts: Facts) -> Judgement:
    if not facts.versions:
        return StepState.NOT_SET_UP, "no version is registered", RUN
    if facts.champion is None:
        action = f"unipipe models show {facts.model}"
        return StepState.ATTENTION, f"{facts.model}: {facts.versions} versions, no champion", action
    if facts.challenger is not None and facts.challenger > facts.champion:
        action = f"unipipe models promote {facts.model} {facts.challenger}"
        return StepState.ATTENTION, f"version {facts.challenger} challenges champion version {facts.champion}", action
    return StepState.OK, f"{facts.model}: {facts.versions} versions, champion {facts.champion}", ""


def _package(facts: Facts) -> Judgement:
    if facts.champion is None:
        return StepState.NOT_SET_UP, "there is no champion to package", ""
    if not facts.bundle:
        return StepState.NOT_SET_UP, f"version {facts.champion} has no bundle yet", "unipipe serve start"
    return StepState.OK, f"version {facts.champion}, sha256 {facts.bundle[:12]}", ""


def _release(facts: Facts) -> Judgement:
    live = [target for target in facts.targets if target.state == "ready"]
    broken = [target for target in facts.targets if target.state == "died" or target.error]
    if broken:
        return (
            StepState.FAILED,
            f"{broken[0].name}: {broken[0].error or broken[0].state}",
            f"unipipe serve start {broken[0].name}",
        )
    if not live:
        return StepState.NOT_SET_UP, "nothing is live", "unipipe serve start" if facts.champion else ""
    text = ", ".join(f"{target.name} serves version {target.version} on {target.url}" for target in live)
    return StepState.OK, text, ""


def _monitor(facts: Facts) -> Judgement:
    if facts.alerts:
        return StepState.ATTENTION, facts.alerts[0], "unipipe drift show"
    if not facts.predictions:
        return StepState.NOT_SET_UP, "no prediction was logged yet", ""
    counts = f"{facts.predictions:,} predictions, {facts.labels:,} labels"
    if facts.last_check is None:
        return StepState.ATTENTION, f"{counts}, never checked", "unipipe drift check"
    return StepState.OK, f"{counts}, no drift on {facts.last_check:%Y-%m-%d %H:%M}", "unipipe drift check"


def _retrain(facts: Facts) -> Judgement:
    job = facts.retraining
    if job and job.state == "running":
        return StepState.RUNNING, "a retraining runs now", "unipipe jobs attach last"
    if facts.alerts:
        if facts.challenger is not None and facts.champion is not None and facts.challenger > facts.champion:
            promote = f"unipipe models promote {facts.model} {facts.challenger}"
            return StepState.ATTENTION, f"version {facts.challenger} was retrained and waits", promote
        return StepState.ATTENTION, facts.alerts[0], "unipipe retrain --reason 'an alert is open'"
    if job and job.state in ("failed", "lost", "stopped"):
        return StepState.FAILED, f"the last retraining {job.state}: {job.message}", "unipipe retrain --reason '...'"
    if job:
        return StepState.OK, f"last on {job.at:%Y-%m-%d %H:%M}: {job.message}", ""
    if not facts.champion:
        return StepState.NOT_SET_UP, "there is no champion to retrain", ""
    return StepState.OK, "nothing asks for a retraining", ""
