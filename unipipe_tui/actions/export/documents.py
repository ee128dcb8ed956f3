"""`export prometheus` and `export grafana`: printed, or written to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.export import metric_names as names
from unipipe_tui.actions.export.dashboard import dashboard
from unipipe_tui.actions.export.rules import groups
from unipipe_tui.actions.objectives.budgets import budgets_of
from unipipe_tui.actions.output_file import FORCE_HELP, OutputFile, output_file
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetConfig, TargetKind
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.objectives import ObjectiveKind
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen


@frozen
class ExportRules:
    """Where to."""

    to: Annotated[Path | None, "The file to write; without one the rules are printed."] = None
    force: Annotated[bool, FORCE_HELP] = False


@frozen
class ExportDashboard:
    """Where to."""

    to: Annotated[Path | None, "The file to write; without one the dashboard is printed."] = None
    force: Annotated[bool, FORCE_HELP] = False


@frozen
class DocumentExported:
    """A document for another tool."""

    what: str
    targets: tuple[str, ...]
    objectives: tuple[str, ...]
    budgets: tuple[str, ...]
    parts: int
    """Rules, or panels."""
    to: Path | None
    """None when it was not written."""
    notices: tuple[str, ...]
    text: str | None
    """The document; None when it was written to a file."""


@frozen
class DocumentOrder:
    """What will be written."""

    document: DocumentExported
    to: OutputFile


def print_rules(request: ExportRules, world: World) -> DocumentExported | None:
    """The rules of a request that names no file; None when it names one."""
    return _rules(world) if request.to is None else None


def plan_rules(request: ExportRules, world: World) -> Plan[DocumentOrder]:
    """Export rules for Prometheus: what it records of each target, and alerts of error budgets that burn too fast.

    For each configured objective: the burn rate over 5m, 30m, 1h, 6h, 3d and its whole time, and alerts that look at two
    windows each. Beside them rates, shares of errors and percentiles by variant, and alerts of targets that are away, fail, are
    slow or cannot write their log. Prometheus must give the label `target` when it scrapes; the head of the file says how.
    """
    return _planned(_rules(world), request.to, force=request.force, tool="Prometheus")


def print_dashboard(request: ExportDashboard, world: World) -> DocumentExported | None:
    """The dashboard of a request that names no file; None when it names one."""
    return _dashboard(world) if request.to is None else None


def plan_dashboard(request: ExportDashboard, world: World) -> Plan[DocumentOrder]:
    """Export a dashboard for Grafana: traffic, errors, latency, load, scores, drift, labels, and error budgets.

    It is chosen there what target, model and variant it shows; a mark tells when a version began to answer. What it shows of
    error budgets is recorded by the rules of `unipipe export prometheus`.
    """
    return _planned(_dashboard(world), request.to, force=request.force, tool="Grafana")


def write_document(plan: Plan[DocumentOrder], world: World, progress: Progress) -> Done[DocumentExported]:
    """Write the file."""
    order = plan.decided
    document = order.document
    with order.to.draft(world) as draft:
        draft.write_text(document.text or "", encoding="utf-8")
    told = DocumentExported(
        document.what,
        document.targets,
        document.objectives,
        document.budgets,
        document.parts,
        order.to.path,
        document.notices,
        None,
    )
    return Done(told, detail=f"{document.what} to {order.to.path}")


def _planned(document: DocumentExported, to: Path | None, *, force: bool, tool: str) -> Plan[DocumentOrder]:
    if to is None:
        raise UsageError("No file is named.", hint="Give one: --to FILE; without --dry-run it is printed.")
    file = output_file(to, force=force)
    title = f"Export {document.what} for {tool}"
    effect = file.effect(f"{document.parts} {'rules' if tool == 'Prometheus' else 'panels'}")
    return Plan(title, (effect,), file.way_back, DocumentOrder(document, file), document.notices)


def _rules(world: World) -> DocumentExported:
    found = groups(tuple(world.targets), world.config.slos, world.config.monitoring.operations)
    body = yaml.safe_dump({"groups": found}, sort_keys=False, width=110, allow_unicode=True)
    rules = sum(len(group["rules"]) for group in found)
    return _document("rules", world, rules, f"{_head(world)}{body}", tuple(_off_limits(world)))


def _dashboard(world: World) -> DocumentExported:
    found = dashboard(_title(world), tuple(world.targets), _budgets(world))
    panels = sum(panel["type"] != "row" for panel in found["panels"])
    return _document("a dashboard", world, panels, json.dumps(found, indent=2, ensure_ascii=False) + "\n", ())


def _document(what: str, world: World, parts: int, text: str, notices: tuple[str, ...]) -> DocumentExported:
    objectives = tuple(world.config.slos)
    return DocumentExported(what, tuple(world.targets), objectives, _budgets(world), parts, None, notices, text)


def _budgets(world: World) -> tuple[str, ...]:
    return tuple(budgets_of(world.config.slos))


def _title(world: World) -> str:
    model = world.config.model.name if world.config.model else ""
    return world.config.project or model or world.root.name


def _off_limits(world: World) -> list[str]:
    """Times that the server's histogram does not tell exactly."""
    told = []
    for name, one in world.config.slos.items():
        if one.kind is not ObjectiveKind.LATENCY or one.below_ms is None:
            continue
        limit = names.nearest_limit(one.below_ms / 1000) * 1000
        if limit != one.below_ms:
            told.append(
                f"{name}: Prometheus counts up to {limit:g} ms, the nearest limit of the server's histogram to {one.below}."
            )
    return told


def _head(world: World) -> str:
    """How Prometheus must scrape, as a comment."""
    jobs = [_job(name, target) for name, target in world.targets.items()]
    example = yaml.safe_dump({"scrape_configs": jobs}, sort_keys=False)
    lines = [
        "Made by `unipipe export prometheus`. The rules tell targets apart by the label `target`, which Prometheus gives when",
        "it scrapes. In prometheus.yml:",
        "",
        *example.splitlines(),
        "",
        *_off_limits(world),
    ]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _job(name: str, target: TargetConfig) -> Mapping[str, Any]:
    found = _discovered(name, target) if target.kind is TargetKind.KUBERNETES else _static(name, target)
    return {"job_name": f"unipipe-{name}", "metrics_path": "/metrics", **found}


def _static(name: str, target: TargetConfig) -> Mapping[str, Any]:
    return {"static_configs": [{"targets": [f"{target.host}:{target.port}"], "labels": {"target": name}}]}


def _discovered(name: str, target: TargetConfig) -> Mapping[str, Any]:
    label = "__meta_kubernetes_pod_label_unipipe_dev_target"
    return {
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [target.kubernetes.namespace]}}],
        "relabel_configs": [
            {"source_labels": [label], "regex": name, "action": "keep"},
            {"source_labels": [label], "target_label": "target"},
        ],
    }


PROMETHEUS = Change(
    "export prometheus",
    ExportRules,
    plan_rules,
    write_document,
    "unipipe export prometheus --to unipipe-rules.yml",
    danger=Danger.NONE,
    answer=print_rules,
)
GRAFANA = Change(
    "export grafana",
    ExportDashboard,
    plan_dashboard,
    write_document,
    "unipipe export grafana --to unipipe-dashboard.json",
    danger=Danger.NONE,
    answer=print_dashboard,
)
