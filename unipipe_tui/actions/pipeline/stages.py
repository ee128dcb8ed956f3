"""One stage of the DVC pipeline, whole: what it reads and writes, its params and metrics, its executions, what it said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.jobs.logs import log_line
from unipipe_tui.actions.pipeline.view import URGENCY, running_stages, sentences_of_causes
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.events import StepEnded, StepStarted
from unipipe_tui.domain.freshness import Cause, CauseKind, PipelineState
from unipipe_tui.domain.pipelines import Fingerprint, OutputKind, Pipeline, Stage
from unipipe_tui.domain.reach import chosen_addresses
from unipipe_tui.domain.values import frozen

EXECUTIONS_SHOWN = 10
NEXT_STAGE = ("Running stage '", "Stage '", "Verifying ")
"""How DVC begins to speak of the next stage, which is how the end of one is known."""


@frozen
class ShowStage:
    """Which stage."""

    stage: Annotated[
        str,
        OBJECT,
        "Stage, as `unipipe pipeline show` names it; a foreach or matrix stands for all of it.",
        Names.STAGE,
    ]
    lines: Annotated[int, "How many of the last lines that it said."] = 40


@frozen
class FileLine:
    """A file or folder that the stage reads or writes."""

    path: str
    kind: str
    """`dep`, `out`, `metric` or `plot`."""
    md5: str | None
    """As recorded when it last ran; of a folder it ends in `.dir`."""
    size_bytes: int | None
    files: int | None
    """How many files a folder holds."""
    by: tuple[str, ...]
    """The stage that writes it, of a dependency; those that read it, of an output."""
    cached: bool | None
    """Whether DVC's cache keeps an output; otherwise Git does, or nobody. None for a dependency."""
    note: str
    """What is not as it was recorded; empty when nothing is."""


@frozen
class ParamLine:
    """A value that the stage reads."""

    file: str
    key: str
    value: str | None
    """As it stands in the file; None when it is not there."""
    note: str
    """How it differs from the last time; empty when it does not."""


@frozen
class MetricLine:
    """A value in the stage's metrics files."""

    path: str
    key: str
    value: float | int | str | bool


@frozen
class ExecutionLine:
    """One time that the stage ran."""

    at: datetime
    outcome: str
    seconds: float
    job: str


@frozen
class StageView:
    """All that is known of one stage."""

    stage: str
    state: str
    causes: tuple[str, ...]
    running: bool
    command: str
    workdir: str
    file: str
    """The file that declares it."""
    description: str
    template: str | None
    frozen: bool
    always_changed: bool
    before: tuple[str, ...]
    """The stages that it needs."""
    after: tuple[str, ...]
    """The stages that need it."""
    deps: tuple[FileLine, ...]
    outs: tuple[FileLine, ...]
    params: tuple[ParamLine, ...]
    metrics: tuple[MetricLine, ...]
    executions: tuple[ExecutionLine, ...]
    """The newest first."""
    log_job: str | None
    """The job whose words these are."""
    log: tuple[str, ...]
    """The last lines that it said the last time it ran."""
    members: tuple[str, ...] = ()
    """The stages of a foreach or matrix, when its name was asked for: the rest tells of the one that needs attention."""


def show_stage(request: ShowStage, world: World) -> StageView:
    """Show one stage: why it is stale, what it reads and writes, its params, metrics, executions and last words."""
    if request.lines < 0:
        raise UsageError("--lines must be 0 or more.")
    pipeline = world.pipeline.read()
    members = chosen_addresses(pipeline, (request.stage,))
    if not members:
        there = ", ".join(list(pipeline.by_address)[:12]) or "none"
        raise UsageError(f"There is no stage {request.stage!r}.", hint=f"There is: {there}.")
    state = world.pipeline.state(pipeline)
    address = min(members, key=lambda one: URGENCY.index(state.of(one).freshness.value))
    return _view(pipeline, state, address, world, request.lines, members if members != (request.stage,) else ())


def _view(
    pipeline: Pipeline, state: PipelineState, address: str, world: World, lines: int, members: tuple[str, ...]
) -> StageView:
    stage, judged = pipeline.by_address[address], state.of(address)
    running = running_stages(world).get(address)
    executions = world.jobs.executions(address, EXECUTIONS_SHOWN)
    log_job = running or (executions[0][0].job if executions else None)
    return StageView(
        stage=address,
        state=judged.freshness.value,
        causes=sentences_of_causes(judged.causes),
        running=running is not None,
        command=" && ".join(stage.command),
        workdir=stage.workdir,
        file=stage.file,
        description=stage.description,
        template=stage.template,
        frozen=stage.frozen,
        always_changed=stage.runs_every_time,
        before=pipeline.parents(address),
        after=pipeline.children(address),
        deps=tuple(_deps(pipeline, stage, judged.causes)),
        outs=tuple(_outs(pipeline, stage, judged.causes)),
        params=tuple(_params(stage, judged.causes, world, pipeline)),
        metrics=tuple(_metrics(pipeline, stage, world)),
        executions=tuple(
            ExecutionLine(timing.at, outcome, round(timing.seconds, 3), timing.job) for timing, outcome in executions
        ),
        log_job=log_job,
        log=_said(world, log_job, address, lines) if log_job else (),
        members=members,
    )


def _deps(pipeline: Pipeline, stage: Stage, causes: tuple[Cause, ...]) -> Iterator[FileLine]:
    recorded = stage.locked.dependencies if stage.locked else {}
    for dependency in stage.dependencies:
        path = dependency.path
        by = [
            p
            for p in pipeline.parents(stage.address)
            if _touches([one.path for one in pipeline.by_address[p].outputs], path)
        ]
        note = f"from {dependency.source}" if dependency.source else _note(path, causes, _DEPENDENCY)
        yield _file_line(path, "dep", recorded.get(path), tuple(by), None, note)


def _outs(pipeline: Pipeline, stage: Stage, causes: tuple[Cause, ...]) -> Iterator[FileLine]:
    recorded = stage.locked.outputs if stage.locked else {}
    for output in stage.outputs:
        readers = tuple(
            child
            for child in pipeline.children(stage.address)
            if any(_touches([output.path], one.path) for one in pipeline.by_address[child].dependencies)
        )
        note = _note(output.path, causes, _OUTPUT)
        yield _file_line(output.path, output.kind.value, recorded.get(output.path), readers, output.cached, note)


def _file_line(
    path: str, kind: str, mark: Fingerprint | None, by: tuple[str, ...], cached: bool | None, note: str
) -> FileLine:
    if mark is None:
        return FileLine(path, kind, None, None, None, by, cached, note or "not recorded yet")
    return FileLine(path, kind, mark.value, mark.size_bytes, mark.files, by, cached, note)


_DEPENDENCY = {
    CauseKind.DEPENDENCY_CHANGED: "changed: {before} → {after}",
    CauseKind.DEPENDENCY_MISSING: "missing",
    CauseKind.DEPENDENCY_NEW: "new",
    CauseKind.DATA_NOT_PULLED: "not pulled",
    CauseKind.DATA_NOT_CHECKED_OUT: "not checked out",
    CauseKind.NOT_CHECKED: "not checked: outside the repository",
}
_OUTPUT = {
    CauseKind.OUTPUT_CHANGED: "changed since: {before} → {after}",
    CauseKind.OUTPUT_MISSING: "missing",
    CauseKind.OUTPUT_NEW: "new",
    CauseKind.OUTPUT_NOT_IN_CACHE: "not in the cache",
    CauseKind.DATA_NOT_PULLED: "not pulled",
    CauseKind.DATA_NOT_CHECKED_OUT: "not checked out",
    CauseKind.NOT_CHECKED: "not checked: outside the repository",
}
_PARAM = {
    CauseKind.PARAM_CHANGED: "was {before}",
    CauseKind.PARAM_NEW: "new",
    CauseKind.PARAM_REMOVED: "gone, was {before}",
}


def _note(subject: str, causes: tuple[Cause, ...], words: Mapping[CauseKind, str]) -> str:
    found = next((cause for cause in causes if cause.subject == subject and cause.kind in words), None)
    return words[found.kind].format(before=found.before, after=found.after) if found else ""


def _touches(written: Iterable[str], path: str) -> bool:
    """Whether one of these is the path, a folder above it, or inside it."""
    return any(
        path == one or path.startswith(f"{one.rstrip('/')}/") or one.startswith(f"{path.rstrip('/')}/")
        for one in written
    )


def _params(stage: Stage, causes: tuple[Cause, ...], world: World, pipeline: Pipeline) -> Iterator[ParamLine]:
    wanted = {(reference.file, reference.key) for reference in stage.params}
    values = world.pipeline.params(pipeline) if wanted else ()
    known: set[str] = set()
    for value in values:
        if any(file == value.file and _is_within(value.key, key) for file, key in wanted):
            subject = f"{value.file}:{value.key}"
            known.update((subject, value.key))
            note = _note(value.key, causes, _PARAM) or _note(subject, causes, _PARAM)
            yield ParamLine(value.file, value.key, value.text, note)
    for cause in causes:
        if cause.kind is CauseKind.PARAM_REMOVED and cause.subject not in known:
            file, _, key = cause.subject.rpartition(":")
            yield ParamLine(file or "params.yaml", key, None, _note(cause.subject, causes, _PARAM))


def _is_within(key: str, above: str | None) -> bool:
    return above is None or key == above or key.startswith(f"{above}.") or above.startswith(f"{key}.")


def _metrics(pipeline: Pipeline, stage: Stage, world: World) -> Iterator[MetricLine]:
    paths = {output.path for output in stage.outputs if output.kind is OutputKind.METRIC}
    if paths:
        for figure in world.pipeline.figures(pipeline):
            if figure.path in paths:
                yield MetricLine(figure.path, figure.key, figure.value)


def _said(world: World, job_id: str, address: str, lines: int) -> tuple[str, ...]:
    """The last lines that the job said while the stage ran."""
    kept: deque[str] = deque(maxlen=lines)
    inside = False
    for _, event in world.job_folders.events(job_id):
        if isinstance(event, StepStarted) and event.name == address:
            inside = True
            kept.clear()
        elif isinstance(event, StepEnded) and event.name == address:
            inside = False
        elif inside and (line := log_line(event)) is not None:
            kept.append(line)
    while kept and (not kept[-1].strip() or kept[-1].startswith(NEXT_STAGE)):
        kept.pop()
    return tuple(kept)


STAGE = Look("pipeline stage", ShowStage, show_stage, "unipipe pipeline stage train")
