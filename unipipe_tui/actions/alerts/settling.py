"""Letting findings open, renew and close alerts; and for which sinks what happened to an alert is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from unipipe_tui.actions.world import World
from unipipe_tui.config import AlertsConfig
from unipipe_tui.domain.alerts import AlertEvent, AlertMarks, AlertTurn, Turn, awake
from unipipe_tui.domain.findings import Finding
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.secrets import plain_without_secrets, without_secrets


def settle(findings: Sequence[Finding], world: World) -> tuple[AlertTurn, ...]:
    """What became of the alerts: all findings of a check at once, in one transaction, together with what sinks will hear."""
    told = tuple(_told(finding, world) for finding in findings)
    return world.history.settle(told, world.now(), world.job_id, source(world), wants(world))


def mark(alert: Alert, marks: AlertMarks, turn: Turn | None, world: World) -> None:
    """Write down what somebody decided about an alert; with a turn, sinks hear of it."""
    world.history.mark_alert(alert.id, marks, turn, world.now(), world.job_id, source(world), wants(world))


def open_alerts(world: World) -> tuple[Alert, ...]:
    """The open alerts as they are now: those whose snooze is over ask again."""
    return awake(world.history.alerts(), world.now())


def source(world: World) -> str:
    """What an event says that it comes from."""
    return f"/unipipe/{quote(world.config.project or world.root.name, safe='')}"


def wants(world: World) -> partial[tuple[str, ...]]:
    """Tells the names of the sinks that an event is for."""
    return partial(_sinks_for, world.config.alerts)


def _sinks_for(alerts: AlertsConfig, event: AlertEvent) -> tuple[str, ...]:
    return alerts.sinks_for(event.kind, event.severity)


def _told(finding: Finding, world: World) -> Finding:
    """With the runbook of the project, and without secrets: from here it is kept, shown and sent."""
    evidence = plain_without_secrets(json.loads(finding.evidence), world.secrets)
    runbook = world.config.alerts.runbooks.get(finding.kind.value) or finding.runbook
    return dataclasses.replace(
        finding,
        sentence=without_secrets(finding.sentence, world.secrets),
        evidence=json.dumps(evidence),
        runbook=runbook,
    )
