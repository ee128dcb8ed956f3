"""The pipeline, what will run of it, and one stage, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from unipipe_tui.actions.pipeline.running import PipelinePlan
from unipipe_tui.actions.pipeline.stages import FileLine, StageView
from unipipe_tui.actions.pipeline.view import PipelineView
from unipipe_tui.cli.grids import SHORT_ID, Lines, block, duration, grid, pairs, shown


def pipeline_lines(view: PipelineView) -> Lines:
    """One line a stage, indented by how much must run before it."""
    header = ("stage", "state", "last", "after", "command")
    rows = [
        ("  " * s.layer + s.stage, s.state, _seconds(s.last_seconds), ", ".join(s.after), s.command)
        for s in view.stages
    ]
    return [*grid([header, *rows], header=True), *_problems(view.problems)]


def pipeline_plan_lines(plan: PipelinePlan) -> Lines:
    """Every stage that is not up to date, and below it why."""
    lines: Lines = []
    for stage in plan.stages:
        mark = "will run" if stage.will_run else stage.state
        last = "" if stage.last_seconds is None else f", {stage.last_seconds:.1f} s the last time"
        lines.append(Text.assemble((stage.stage, "bold"), f"  {mark}{last}"))
        lines += [Text(f"    {cause}") for cause in stage.causes]
    expected = "" if plan.expected_seconds is None or not plan.will_run else f", about {plan.expected_seconds:g} s"
    lines.append(Text(f"{plan.will_run} will run{expected}, {plan.up_to_date} up to date"))
    return [*lines, *_problems(plan.problems)]


def stage_lines(view: StageView) -> Lines:
    """What it is and how it stands, then what it reads and writes, and what it said."""
    state = f"{view.state}, runs now" if view.running else view.state
    said = (
        ("description", view.description),
        ("command", view.command),
        ("declared in", view.file),
        ("needs", ", ".join(view.before)),
        ("needed by", ", ".join(view.after)),
        ("stages", ", ".join(view.members)),
    )
    params = [(f"{p.file}:{p.key}", "-" if p.value is None else p.value, p.note) for p in view.params]
    metrics = [(m.path, m.key, shown(m.value)) for m in view.metrics]
    times = [(f"{e.at:%Y-%m-%d %H:%M:%S}", e.outcome, duration(e.seconds), e.job) for e in view.executions]
    log = [Text(), Text(f"said in job {view.log_job}", style="bold"), *(Text(f"  {line}") for line in view.log)]
    return [
        Text.assemble((view.stage, "bold"), f"  {state}"),
        *(Text(f"    {cause}") for cause in view.causes),
        *pairs(said),
        *block("reads", [_file(one, "from") for one in view.deps]),
        *block("params", params),
        *block("writes", [_file(one, "for") for one in view.outs]),
        *block("metrics", metrics),
        *block("executions", times),
        *(log if view.log_job else ()),
    ]


def _file(one: FileLine, word: str) -> tuple[str, ...]:
    size = "-" if one.size_bytes is None else f"{one.size_bytes:,} bytes"
    by = f"{word} {', '.join(one.by)}" if one.by else ""
    return (one.path, one.kind, (one.md5 or "-")[:SHORT_ID], size, by, one.note)


def _problems(problems: Iterable[str]) -> Lines:
    return [Text(f"problem: {problem}", style="red") for problem in problems]


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
