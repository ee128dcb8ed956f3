"""Answers as lines of text: a general rule for any result, and a better one where a person deserves it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import singledispatch
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from unipipe_tui.actions.audit import AuditList
from unipipe_tui.actions.demo import Told
from unipipe_tui.actions.going_back import WentBack
from unipipe_tui.actions.jobs.logs import JobLog
from unipipe_tui.actions.lineage.tracing import Lineage, RunFacts
from unipipe_tui.actions.models.registry import Figure, ModelView
from unipipe_tui.actions.overview import Overview
from unipipe_tui.actions.release.export import ReleaseExported
from unipipe_tui.actions.store import QueryResult
from unipipe_tui.cli import (
    render_charts,
    render_comparison,
    render_drift,
    render_models,
    render_monitoring,
    render_objectives,
    render_operations,
    render_performance,
    render_pipeline,
    render_releases,
    render_reproduction,
    render_runs,
)
from unipipe_tui.cli.output import plain
from unipipe_tui.domain.board import Step, StepState
from unipipe_tui.domain.things import Walk

Lines = list[Text]
FEW = 4

GLYPHS: dict[StepState, tuple[str, str]] = {
    StepState.OK: ("✓", "green"),
    StepState.STALE: ("~", "yellow"),
    StepState.RUNNING: ("●", "cyan"),
    StepState.FAILED: ("✗", "red"),
    StepState.ATTENTION: ("!", "magenta"),
    StepState.NOT_SET_UP: ("·", "bright_black"),
}
"""A glyph for each state, so that colour is never the only sign."""


@singledispatch
def lines_of(result: object) -> Lines:
    """A result as lines: single values as `name  value`, sequences of values as tables, in the order of the fields."""
    if not dataclasses.is_dataclass(result):
        return [Text(_cell(result))]
    singles: list[tuple[str, Any]] = []
    blocks: Lines = []
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if _is_table(value):
            blocks += [Text(), *_titled(field.name, _table(value))]
        elif isinstance(value, dict) and len(value) > FEW:
            blocks += [Text(), *_titled(field.name, _pairs(value.items()))]
        elif dataclasses.is_dataclass(value):
            blocks += [Text(), *_titled(field.name, lines_of(value))]
        elif not _is_empty(value):
            singles.append((_words(field.name), value))
    lines = _pairs(singles) + blocks
    return lines[1:] if lines and not lines[0].plain else lines


@lines_of.register
def _(overview: Overview) -> Lines:
    project = overview.project
    dirty = f", {project.changed_files} changed" if project.changed_files else ""
    where = f"{project.branch or 'detached'} {(project.commit or 'no commit')[:9]}{dirty}"
    lines = [Text.assemble((project.name, "bold"), f"  {where}")]
    if project.read_only:
        lines.append(Text(f"read-only: {project.read_only}", style="yellow"))
    lines.append(Text())
    rows = [(f"{s.number:>2}", GLYPHS[s.state][0], s.name, s.state.value, _headline(s)) for s in overview.steps]
    lines += _aligned(rows, [GLYPHS[s.state][1] for s in overview.steps])
    if overview.alerts:
        lines += [Text(), *_titled("alerts", render_monitoring.open_alert_lines(overview.alerts))]
    if overview.jobs:
        lines += [Text(), *_titled("jobs", _table(overview.jobs))]
    lines += [Text(f"note: {notice}", style="yellow") for notice in overview.notices]
    return lines


def _headline(step: Step) -> str:
    return f"{step.headline}  -> {step.next_action}" if step.next_action else step.headline


for _of_runs in (
    render_pipeline.pipeline_lines,
    render_pipeline.pipeline_plan_lines,
    render_pipeline.stage_lines,
    render_runs.run_list_lines,
    render_runs.run_view_lines,
    render_comparison.run_comparison_lines,
    render_models.card_lines,
    render_models.version_comparison_lines,
    render_releases.release_list_lines,
    render_releases.status_lines,
    render_releases.view_lines,
    render_releases.difference_lines,
    render_releases.released_lines,
    render_runs.runs_exported_lines,
    render_runs.runs_synced_lines,
    render_reproduction.run_reproduced_lines,
    render_charts.best_lines,
    render_charts.histories_lines,
    render_charts.scatter_lines,
    render_charts.parallel_lines,
    render_charts.weighed_lines,
    render_charts.sweeps_lines,
    render_charts.duplicates_lines,
    render_drift.checked_lines,
    render_drift.shown_lines,
    render_drift.explained_lines,
    render_drift.standing_lines,
    render_monitoring.timeline_lines,
    render_monitoring.drift_history_lines,
    render_monitoring.traffic_lines,
    render_monitoring.alert_list_lines,
    render_monitoring.alert_lines,
    render_monitoring.monitored_lines,
    render_performance.performance_lines,
    render_objectives.objective_lines,
    render_operations.operations_lines,
):
    lines_of.register(_of_runs)


@lines_of.register
def _(view: ModelView) -> Lines:
    lines = [Text(view.model, style="bold")]
    for version in view.versions:
        names = f"  {', '.join(version.aliases)}" if version.aliases else ""
        stage = f"  stage {version.stage}" if version.stage else ""
        lines += [Text(), Text(f"version {version.version}{names}{stage}", style="bold")]
        facts = [
            ("created", _cell(version.created)),
            ("run", version.run_id or "-"),
            ("commit", version.commit or "-"),
            ("data", version.data or "-"),
            ("files", f"sha256 {version.digest}" if version.digest else "not recorded"),
            ("promoted by", _by(version.promoted_by, version.promotion_reason) or "-"),
            *([("rejected by", _by(version.rejection.by, version.rejection.reason))] if version.rejection else ()),
            *([("served by", ", ".join(version.served_by))] if version.served_by else ()),
            ("metrics", _few(_in_order(version.metrics, view.metrics), 8)),
            ("gates", version.gates),
        ]
        lines += [Text("  ").append_text(line) for line in _pairs(facts)]
        if version.gate_results:
            lines += [Text("    ").append_text(line) for line in _table(version.gate_results)]
    return lines


def _by(who: str | None, why: str | None) -> str:
    return f"{who}: {why}" if who and why else who or ""


def _in_order(figures: Iterable[Figure], names: Sequence[str]) -> dict[str, float | None]:
    values = {figure.name: figure.value for figure in figures}
    return {name: values[name] for name in names if name in values}


def _few(values: Mapping[str, object], most: int = FEW) -> str:
    shown = ", ".join(f"{name}={_cell(value)}" for name, value in list(values.items())[:most])
    return f"{shown}, ..." if len(values) > most else shown


@lines_of.register
def _(listed: AuditList) -> Lines:
    rows = [
        (str(e.number), _cell(e.at), e.actor, e.outcome, e.command, e.detail, e.job, e.hash[:12])
        for e in listed.entries
    ]
    header = ("number", "at", "actor", "outcome", "command", "detail", "job", "hash")
    lines = _aligned([header, *rows], ["bold"]) if rows else []
    fitting = f" that fit, of {listed.total:,}" if listed.fitting != listed.total else ""
    return [*lines, Text(f"{len(rows)} of {listed.fitting:,} entries{fitting}", style="bright_black")]


@lines_of.register
def _(log: JobLog) -> Lines:
    hidden = log.total - len(log.lines)
    return ([Text(f"({hidden} earlier lines)")] if hidden else []) + [Text(line) for line in log.lines]


@lines_of.register
def _(result: QueryResult) -> Lines:
    rows = [tuple(_cell(value) for value in row) for row in result.rows]
    return _aligned([result.columns, *rows], ["bold"])


@lines_of.register
def _(lineage: Lineage) -> Lines:
    lines: Lines = []
    for name in ("prediction", "release", "version", "promotions", "run", "commit", "data"):
        value = getattr(lineage, name)
        if isinstance(value, RunFacts):
            lines += [*_titled(name, _run_facts(value)), Text()]
        elif value:
            body = _table(value) if _is_table(value) else lines_of(value)
            lines += [*_titled(name, body), Text()]
    return lines + [Text(f"missing: {gap}", style="yellow") for gap in lineage.missing]


@lines_of.register
def _(walk: Walk) -> Lines:
    lines = [Text(f"{walk.thing.title}  ", style="bold").append(walk.thing.id, style="bright_black")]
    lines += [Text("  ").append_text(line) for line in _pairs((fact.name, fact.value) for fact in walk.facts)]
    for name, neighbours in (("came from", walk.above), ("led to", walk.below)):
        rows = [(n.relation, n.thing.title, n.thing.said, _cell(n.thing.at), n.thing.id) for n in neighbours]
        lines += [Text(), *_titled(name, _aligned(rows, []) if rows else [Text("nothing that is recorded")])]
    return lines + [Text(note, style="yellow") for note in walk.notes]


def _run_facts(run: RunFacts) -> Lines:
    return _pairs(
        [
            ("run id", run.run_id),
            ("name", run.name),
            ("started", run.started),
            ("params", _few(run.params, 12)),
            ("metrics", _few(run.metrics, 6)),
        ]
    )


@lines_of.register
def _(back: WentBack) -> Lines:
    return lines_of(back.moved or back.released)


@lines_of.register
def _(exported: ReleaseExported) -> Lines:
    what = f"{exported.model} version {exported.version} for {exported.target} as {exported.format.value}"
    files = [Text(f"  {file.name}") for file in exported.files]
    return [Text(f"✓ {what}, in {exported.to}", style="bold"), *files]


@lines_of.register
def _(told: Told) -> Lines:
    lines: Lines = []
    for chapter in told.chapters:
        lines.append(Text(f"{chapter.number}. {chapter.name}  ({chapter.seconds:.1f} s)", style="bold"))
        lines += [Text(f"   {sentence}") for sentence in chapter.happened]
    lines.append(Text())
    lines.append(
        Text(f"The workspace is {told.directory}; it took {told.seconds:.0f} s. Look around: cd there, then `unipipe`.")
    )
    return lines


def _titled(name: str, body: Lines) -> Lines:
    return [Text(_words(name), style="bold"), *(Text("  ").append_text(line) for line in body)]


def _table(values: Sequence[Any]) -> Lines:
    fields = dataclasses.fields(values[0])
    shown = [field.name for field in fields if any(_fits_a_cell(getattr(value, field.name)) for value in values)]
    rows = [tuple(_cell(getattr(value, name)) for name in shown) for value in values]
    return _aligned([tuple(_words(name) for name in shown), *rows], ["bold"])


def _pairs(pairs: Iterable[tuple[str, Any]]) -> Lines:
    return _aligned([(name, _cell(value)) for name, value in pairs], [])


def _aligned(rows: Sequence[Sequence[str]], styles: Sequence[str]) -> Lines:
    """Columns side by side, as wide as their widest cell; the last one as long as it is."""
    clean = [[plain(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(cell_len(row[i]) for row in clean) for i in range(len(clean[0]))] if clean else []
    lines = []
    for number, row in enumerate(clean):
        text = "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        lines.append(Text(text, style=styles[number] if number < len(styles) else ""))
    return lines


CELLS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "yes" if value else "no",
    datetime: lambda value: f"{value:%Y-%m-%d %H:%M:%S}",
    float: lambda value: _number(value),
}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Enum):
        return str(value.value)
    if type(value) in CELLS:
        return CELLS[type(value)](value)
    if dataclasses.is_dataclass(value):
        return " ".join(_cell(getattr(value, f.name)) for f in dataclasses.fields(value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={_cell(item)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(_cell(item) for item in value)
    return str(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.4g}"


def _is_table(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and dataclasses.is_dataclass(value[0])


def _fits_a_cell(value: Any) -> bool:
    """Whether there is something to show that is small enough for one cell of a table."""
    if _is_empty(value):
        return False
    return not _is_table(value) or len(dataclasses.fields(value[0])) <= 2


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", (), {})


def _words(name: str) -> str:
    return name.replace("_", " ")
