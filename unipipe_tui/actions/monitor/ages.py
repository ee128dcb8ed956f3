"""How old the newest predictions, labels and data are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.config import DataAgeConfig
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.moments import seconds_of
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen


@frozen
class TrafficAgeCheck:
    """Whether a target is still asked, and labels still come."""

    name: str = "freshness"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """One finding each for predictions and labels, where an age is configured."""
        rules = world.config.monitoring.freshness
        found = []
        if rules.predictions is not None:
            newest = world.predictions.window(target, 1).last
            found.append(_aged(target, "predictions", newest, rules.predictions, world.now()))
        if rules.labels is not None:
            newest = world.predictions.labelled_window(target, 1).last
            found.append(_aged(target, "labels", newest, rules.labels, world.now()))
        return tuple(found)


@frozen
class DataAgeCheck:
    """Whether files in the project are still renewed."""

    name: str = "data"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """One finding for each configured file or folder."""
        return tuple(_of_data(one, world) for one in world.config.monitoring.freshness.data)


def _of_data(rule: DataAgeConfig, world: World) -> Finding:
    path = world.root / rule.data
    if not path.exists():
        return _finding("", rule.data, FindingState.PROBLEM, f"{rule.data} is missing", None, rule.older_than)
    newest = world.tables.newest(path, rule.column) if rule.column else _written(path)
    return _aged("", rule.data, newest, rule.older_than, world.now())


def _written(path: Path) -> datetime | None:
    times = [file.stat().st_mtime for file in _files(path)]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _files(path: Path) -> Iterator[Path]:
    return (one for one in path.rglob("*") if one.is_file()) if path.is_dir() else iter((path,))


def _aged(target: str, subject: str, newest: datetime | None, older_than: str, now: datetime) -> Finding:
    if newest is None:
        # What never came cannot be late: a new target, an empty folder.
        return _finding(target, subject, FindingState.UNKNOWN, f"no {subject} yet", None, older_than)
    seconds = (now - newest).total_seconds()
    late = seconds > seconds_of(older_than)
    words = f"{subject}: the newest is {_words(seconds)} old, from {newest:%Y-%m-%d %H:%M} UTC; at most {older_than}"
    return _finding(target, subject, FindingState.PROBLEM if late else FindingState.FINE, words, newest, older_than)


def _finding(
    target: str, subject: str, state: FindingState, words: str, newest: datetime | None, older_than: str
) -> Finding:
    evidence = {"check": "freshness", "newest": newest and newest.isoformat(), "older_than": older_than}
    return Finding(
        kind=AlertKind.FRESHNESS,
        target=target,
        subject=subject,
        state=state,
        severity=Severity.WARNING,
        sentence=words,
        evidence=json.dumps(evidence),
        command=f"unipipe traffic show {target}" if target else "unipipe pipeline show",
        runbook="Look at what delivers it: who asks the target, what feeds the labels or the files.",
    )


def _words(seconds: float) -> str:
    """`3 d 4 h`, `5 h 10 m`, `4 m`: an age; none when the clock jumped back meanwhile."""
    minutes = max(0, int(seconds // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} m" if hours else f"{minutes} m"
