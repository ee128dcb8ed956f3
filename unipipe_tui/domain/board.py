"""The twelve steps: a pure function from gathered facts to the state, headline and next action of each."""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.values import frozen


class StepState(StrEnum):
    """Where a step stands."""

    OK = "ok"
    STALE = "stale"
    RUNNING = "running"
    FAILED = "failed"
    ATTENTION = "attention"
    NOT_SET_UP = "not set up"


@frozen
class Step:
    """One of the twelve steps, with what it knows and what to do next."""

    number: int
    name: str
    state: StepState
    headline: str
    next_action: str
    """A command line, or empty when there is nothing to do."""


@frozen
class StageFact:
    """One stage of the pipeline, as far as the board cares."""

    name: str
    is_data: bool
    freshness: str
    cause: str
    """The first reason why it is not fresh; empty when it is."""
    restore: str = ""
    """The command line that brings known data which it, or a stage before it, misses; empty when none is missing."""


@frozen
class GateFact:
    """The newest version at the gates."""

    version: int
    passed: bool
    closed: int
    gates: int


@frozen
class TargetFact:
    """One target."""

    name: str
    state: str
    answers: str
    """`version 3`, or the share of each version; empty: nothing answers."""
    url: str
    error: str
    """What is not as it was asked for, or why it cannot be asked."""
    way_on: str = ""
    """The command line that lets it answer again, or says what is wrong."""


@frozen
class JobFact:
    """The last job of one kind."""

    state: str
    message: str
    at: datetime


@frozen
class Facts:
    """All that the board is made from. What could not be found out is in `unknown`, by step name, with the reason."""

    stages: tuple[StageFact, ...] = ()
    pipeline_problems: tuple[str, ...] = ()
    dvc: bool = True
    """Whether DVC is initialised."""
    inner_projects: tuple[str, ...] = ()
    """Folders inside that are DVC projects of their own."""
    figures: tuple[str, ...] = ()
    """What DVC's metrics files say, each `auc 0.93`."""
    tracking: str = ""
    """Where runs are kept; empty: nowhere."""
    runs: int = 0
    newest_run: str = ""
    model: str = ""
    """The configured model, or the first that is registered."""
    configured: bool = False
    """Whether a model is configured, so that training registers it."""
    other_models: int = 0
    """How many more are registered, when none is configured."""
    versions: int = 0
    champion: int | None = None
    challenger: int | None = None
    named: tuple[str, ...] = ()
    """What else tells versions apart, each `stage Production: version 3`."""
    gates: GateFact | None = None
    gates_configured: int = 0
    bundle: str = ""
    """Digest of the champion's bundle."""
    targets: tuple[TargetFact, ...] = ()
    predictions: int = 0
    labels: int = 0
    alerts: tuple[str, ...] = ()
    """What the open ones say that nobody has acknowledged."""
    acknowledged: int = 0
    """How many more are open and were acknowledged."""
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
PULL, CHECK_OUT, ADD_REMOTE = "dvc pull", "dvc checkout", "dvc remote add --default NAME URL"
FIGURES_SHOWN = 3


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
        none = StepState.NOT_SET_UP, "no data is tracked by DVC", "dvc add data" if facts.dvc else "unipipe init"
        return _inside(facts) or none
    missing = [stage for stage in data if stage.freshness == MISSING]
    if missing:
        return StepState.STALE, _first_of(missing), _restoring(missing) or PULL
    changed = [stage for stage in data if stage.freshness != FRESH]
    if changed:
        return StepState.STALE, _first_of(changed), f"dvc commit {changed[0].name}"
    fine = f"{_count(len(data), 'tracked set')} of data," if data else ", ".join(stage.name for stage in named[:3])
    return _of_stages(named, f"{fine} up to date")


def _stage_step(facts: Facts, words: tuple[str, ...], none: str) -> Judgement:
    stages = [stage for stage in facts.stages if not stage.is_data and _named(stage, words)]
    if not stages:
        return StepState.NOT_SET_UP, none, ""
    return _of_stages(stages, f"{', '.join(stage.name for stage in stages[:3])} up to date")


def _transform(facts: Facts) -> Judgement:
    stages = [stage for stage in facts.stages if not stage.is_data]
    if not stages:
        none = "no dvc.yaml describes a pipeline", "unipipe init --recipe fraud-detection DIR"
        return _inside(facts) or (StepState.NOT_SET_UP, *none)
    return _of_stages(stages, f"all {len(stages)} stages up to date")


def _of_stages(stages: list[StageFact], fine: str) -> Judgement:
    waiting = [stage for stage in stages if stage.freshness not in (FRESH, "frozen", "unknown")]
    if not waiting:
        return StepState.OK, fine, ""
    due = [stage for stage in waiting if stage.freshness != MISSING] or waiting
    restoring = _restoring(due)
    if restoring:
        # Running would stop at the data that is missing, so that comes first.
        missing = next(stage for stage in waiting if stage.restore)
        return StepState.STALE, _first_of([missing, *waiting[1:]]), restoring
    return StepState.STALE, _first_of(due), PULL if due is waiting and waiting[0].freshness == MISSING else RUN


def _first_of(stages: list[StageFact]) -> str:
    more = f" (and {len(stages) - 1} more)" if len(stages) > 1 else ""
    return f"{stages[0].name}: {stages[0].cause}{more}"


def _restoring(stages: list[StageFact]) -> str:
    """What brings the data that these stages miss; pulling checks out too, and needs a remote."""
    ways = {stage.restore for stage in stages}
    return next((way for way in (ADD_REMOTE, PULL, CHECK_OUT, RUN) if way in ways), "")


def _inside(facts: Facts) -> Judgement | None:
    """In a repository of several projects, the way to one of them."""
    if not facts.inner_projects:
        return None
    inner = facts.inner_projects
    more = f" and {len(inner) - 3} more" if len(inner) > 3 else ""
    headline = f"the DVC projects are inside: {', '.join(inner[:3])}{more}"
    return StepState.NOT_SET_UP, headline, f"cd {shlex.quote(inner[0])} && unipipe status"


def _named(stage: StageFact, words: tuple[str, ...]) -> bool:
    """Whether a word of the stage's own name begins so; neither its file nor the item of a foreach counts."""
    own = stage.name.rpartition(":")[2].partition("@")[0]
    return any(part.lower().startswith(words) for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", own))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _experiment(facts: Facts) -> Judgement:
    if facts.runs:
        return StepState.OK, f"{_count(facts.runs, 'run')}, newest {facts.newest_run}", "unipipe runs list"
    none = f"no runs yet in {facts.tracking}" if facts.tracking else "no MLflow store was found"
    if facts.figures:
        more = ", ..." if len(facts.figures) > FIGURES_SHOWN else ""
        shown = f"DVC metrics: {', '.join(facts.figures[:FIGURES_SHOWN])}{more}; {none}"
        return StepState.OK, shown, "dvc metrics show"
    return StepState.NOT_SET_UP, none, RUN if facts.configured else ""


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
        action = f"unipipe models check {shlex.quote(facts.model)} {gates.version}"
        return StepState.ATTENTION, f"version {gates.version}: {gates.closed} of {gates.gates} gates closed", action
    if facts.gates_configured:
        return StepState.NOT_SET_UP, f"{facts.gates_configured} gates, no version checked yet", RUN
    return _stage_step(facts, ("eval", "test", "metric"), "no gates are configured")


def _register(facts: Facts) -> Judgement:
    if not facts.versions:
        return StepState.NOT_SET_UP, "no version is registered", RUN if facts.configured else ""
    versions = f"{facts.model}: {_count(facts.versions, 'version')}"
    others = f"; and {_count(facts.other_models, 'more model')}" if facts.other_models else ""
    if facts.champion is None:
        named = f" ({', '.join(facts.named)})" if facts.named else ""
        action = f"unipipe models show {shlex.quote(facts.model)}"
        return StepState.ATTENTION, f"{versions}, no champion{named}{others}", action
    if facts.challenger is not None and facts.challenger > facts.champion:
        action = f"unipipe models promote {shlex.quote(facts.model)} {facts.challenger}"
        return StepState.ATTENTION, f"version {facts.challenger} challenges champion version {facts.champion}", action
    return StepState.OK, f"{versions}, champion {facts.champion}{others}", ""


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
        return _broken(min(broken, key=lambda target: target.state == "ready"))
    if not live:
        return StepState.NOT_SET_UP, "nothing is live", "unipipe serve start" if facts.champion else ""
    text = ", ".join(f"{target.name} serves {target.answers} on {target.url}" for target in live)
    return StepState.OK, text, ""


def _broken(target: TargetFact) -> Judgement:
    """One that answers all the same asks for attention; starting it would be no remedy."""
    if target.state == "ready":
        said = f"{target.name} serves {target.answers}: {target.error}"
        return StepState.ATTENTION, said, f"unipipe release show {target.name}"
    return StepState.FAILED, f"{target.name}: {target.error or target.state}", target.way_on


def _monitor(facts: Facts) -> Judgement:
    if facts.alerts:
        return StepState.ATTENTION, facts.alerts[0], "unipipe drift show"
    if not facts.predictions:
        return StepState.NOT_SET_UP, "no prediction was logged yet", ""
    counts = f"{facts.predictions:,} predictions, {facts.labels:,} labels"
    if facts.last_check is None:
        return StepState.ATTENTION, f"{counts}, never checked", "unipipe drift check"
    if facts.acknowledged:
        seen = f"{_count(facts.acknowledged, 'open alert')}, acknowledged"
        return StepState.OK, f"{counts}; {seen}; checked on {facts.last_check:%Y-%m-%d %H:%M}", "unipipe alerts list"
    if facts.drifted:
        found = f"{counts}, drift of {', '.join(facts.drifted)} on {facts.last_check:%Y-%m-%d %H:%M}"
        return StepState.ATTENTION, found, "unipipe drift show"
    return StepState.OK, f"{counts}, no drift on {facts.last_check:%Y-%m-%d %H:%M}", "unipipe drift check"


def _retrain(facts: Facts) -> Judgement:
    job = facts.retraining
    if job and job.state == "running":
        return StepState.RUNNING, "a retraining runs now", "unipipe jobs attach last"
    if facts.alerts:
        if facts.challenger is not None and facts.champion is not None and facts.challenger > facts.champion:
            promote = f"unipipe models promote {shlex.quote(facts.model)} {facts.challenger}"
            return StepState.ATTENTION, f"version {facts.challenger} was retrained and waits", promote
        return StepState.ATTENTION, facts.alerts[0], "unipipe retrain --reason 'an alert is open'"
    if job and job.state in ("failed", "lost", "stopped"):
        return StepState.FAILED, f"the last retraining {job.state}: {job.message}", "unipipe retrain --reason '...'"
    if job:
        return StepState.OK, f"last on {job.at:%Y-%m-%d %H:%M}: {job.message}", ""
    if not facts.champion:
        return StepState.NOT_SET_UP, "there is no champion to retrain", ""
    return StepState.OK, "nothing asks for a retraining", ""
