"""Registered models and their versions, as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unipipe_tui.actions.models.registry import ModelLine, ModelList, ModelView, VersionLine
from unipipe_tui.domain.records import GateResult, How
from unipipe_tui.tui.lines import MUTED, Line, fact, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import day_and_clock, fit, harmless
from unipipe_tui.tui.theme import Sign

GATE_SIGNS = {
    "passed": Sign("✓", "$success"),
    "closed": Sign("✗", "$error"),
    "failed": Sign("✗", "$error"),
}
NOT_CHECKED = Sign("·", "$muted")
REJECTED = Sign("⊘", "$error")
SERVES = Sign("●", "$success")
FIRST_METRICS = 3
"""How many stand where they are seen at once; the rest comes after all else."""
MOST_METRICS = 12
GATE_NAME_CELLS = 20
WAYS = {
    How.PROMOTE.value: "",
    How.BACK.value: "rollback",
    How.FORWARD.value: "forward again",
    How.UNDO.value: "undo",
}
"""What stands for a reason where nobody gave one: how the version became champion."""


def models_sheet(found: ModelList) -> Sheet:
    """One row a model."""
    columns = (
        Column("model", "model", 40),
        Column("latest", "latest", right=True),
        Column("at", "aliases", 40),
        Column("description", "description", 200, stretches=True),
    )
    return Sheet(columns, tuple(_model_row(model) for model in found.models))


def _model_row(model: ModelLine) -> SheetRow:
    aliases = " ".join(f"{one.alias}={one.version}" for one in model.aliases)
    return SheetRow(
        model.name,
        (
            Cell(harmless(model.name), "bold"),
            Cell("–" if model.latest is None else str(model.latest), rank=model.latest),
            Cell(harmless(aliases), "$secondary"),
            Cell(harmless(model.description), MUTED),
        ),
    )


def versions_sheet(view: ModelView) -> Sheet:
    """One row a version: names, gates, the metrics that gates judge, who serves it, what it was made of."""
    metrics = _whole(view.metrics)[:MOST_METRICS]
    first, rest = metrics[:FIRST_METRICS], metrics[FIRST_METRICS:]
    columns = (
        Column("version", "v", right=True),
        Column("aliases", "names", 28),
        Column("gates", "gates", 14),
        *_metric_columns(first, metrics),
        Column("served", "served by", 16),
        Column("created", "created"),
        Column("commit", "commit"),
        Column("data", "data", 8),
        Column("by", "promoted by", 24),
        *_metric_columns(rest, metrics),
    )
    return Sheet(columns, tuple(_version_row(view.model, version, first, rest) for version in view.versions))


def version_id(model: str, version: int) -> str:
    """What tells a version from those of other models too: marks and changes are not carried from one to another."""
    return f"{model}/{version}"


def _whole(names: Sequence[str]) -> tuple[str, ...]:
    """Without the metrics of slices: `f1.dach` where there is an `f1`."""
    known = set(names)
    return tuple(name for name in names if name.rpartition(".")[0] not in known)


def _metric_columns(names: Sequence[str], beside: Sequence[str]) -> Iterator[Column]:
    lasts = [name.rpartition(".")[2] for name in beside]
    for name in names:
        last = name.rpartition(".")[2]
        # `holdout.precision` is called `precision` where no other one is to be seen.
        title = last if name in beside[:FIRST_METRICS] or lasts.count(last) == 1 else name
        yield Column(f"metrics.{name}", harmless(title), 20, right=True)


def _version_row(model: str, version: VersionLine, first: Sequence[str], rest: Sequence[str]) -> SheetRow:
    figures = {figure.name: figure.value for figure in version.metrics}
    created = day_and_clock(version.created) if version.created else "–"
    return SheetRow(
        version_id(model, version.version),
        (
            Cell(str(version.version), "bold", version.version),
            _names_cell(version),
            _gates_cell(version),
            *(_figure_cell(figures.get(name)) for name in first),
            Cell(f"{SERVES.glyph} {harmless(' '.join(version.served_by))}", SERVES.style)
            if version.served_by
            else Cell("–", MUTED),
            Cell(created, MUTED, version.created.timestamp() if version.created else None),
            Cell(harmless(version.commit or "–")[:7], "$secondary"),
            Cell(harmless(version.data or "–")[:8], MUTED),
            Cell(_promoted(version)),
            *(_figure_cell(figures.get(name)) for name in rest),
        ),
    )


def _names_cell(version: VersionLine) -> Cell:
    names = harmless(" ".join((*version.aliases, *([version.stage] if version.stage else []))))
    if version.rejection:
        return Cell(f"{REJECTED.glyph} rejected {names}".rstrip(), REJECTED.style)
    return Cell(names or "–", "bold $accent" if version.aliases else MUTED)


def _gates_cell(version: VersionLine) -> Cell:
    sign = GATE_SIGNS.get(version.gates, NOT_CHECKED)
    passed, all_gates = sum(result.passed for result in version.gate_results), len(version.gate_results)
    said = f"{passed} of {all_gates}" if all_gates else harmless(version.gates)
    return Cell(f"{sign.glyph} {said}", sign.style, passed / all_gates if all_gates else -1.0)


def _figure_cell(value: float | None) -> Cell:
    return Cell("–" if value is None else f"{value:.4g}", rank=value if value is not None else float("nan"))


def _who_and_why(who: str | None, why: str | None) -> str:
    return harmless(f"{who}: {why}" if who and why else who or "")


def _promoted(version: VersionLine) -> str:
    reason = version.promotion_reason or ""
    return _who_and_why(version.promoted_by, WAYS.get(reason, reason))


def version_lines(view: ModelView, version: VersionLine) -> list[Line]:
    """All that is known of a version: how it stands, its gates with their numbers, what it was made of, its metrics."""
    figures = {figure.name: figure.value for figure in version.metrics}
    return [
        *section(f"{view.model} version {version.version}", _standing(version)),
        *section("Gates", _gate_lines(version)),
        *section("Made of", _made_of(version)),
        *section(
            "Metrics",
            (_metric_line(name, figures[name]) for name in _whole(view.metrics) if name in figures),
        ),
    ]


def _standing(version: VersionLine) -> Iterator[Line]:
    if version.rejection:
        told = _who_and_why(version.rejection.by, version.rejection.reason)
        yield fact("rejected by", f"{REJECTED.glyph} {told}", REJECTED.style)
    yield fact("aliases", ", ".join(version.aliases), "bold $accent")
    if version.stage:
        yield fact("stage", version.stage)
    served = f"{SERVES.glyph} {', '.join(version.served_by)}" if version.served_by else "no target"
    yield fact("served by", served, SERVES.style if version.served_by else MUTED)
    yield fact("promoted by", _promoted(version))
    if version.description:
        yield fact("description", version.description)


def _made_of(version: VersionLine) -> Iterator[Line]:
    yield fact("registered", f"{version.created:%Y-%m-%d %H:%M} UTC" if version.created else None)
    yield fact("run", f"{(version.run_id or '–')[:12]} {version.run_name}".strip())
    yield fact("commit", (version.commit or "–")[:12], "$secondary")
    yield fact("data", version.data)
    if version.digest:
        yield fact("files", f"sha256 {version.digest[:12]}")


def _gate_lines(version: VersionLine) -> list[Line]:
    if not version.gate_results:
        return [remark("Not checked yet; c checks them.")]
    # What closed a gate is what one looks for.
    ordered = sorted(version.gate_results, key=lambda result: result.passed)
    return [_gate_line(result) for result in ordered]


def _gate_line(result: GateResult) -> Line:
    sign = GATE_SIGNS["passed" if result.passed else "closed"]
    value = "no value" if result.value is None else f"{result.value:.4g}"
    name = f"{result.gate} {result.slice}".strip()
    return (
        (f"{sign.glyph} ", sign.style),
        (f"{fit(harmless(name), GATE_NAME_CELLS)}  ", "bold"),
        (f"{value:>8}  ", sign.style),
        (harmless(result.wanted), MUTED),
    )


def _metric_line(name: str, value: float | None) -> Line:
    return ((f"{fit(harmless(name), 28)}  ", MUTED), ("–" if value is None else f"{value:.6g}", ""))
