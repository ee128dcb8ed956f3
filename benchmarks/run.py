"""Measures how fast Unipipe is beside the tools that it joins: one JSON line for each figure."""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import canary_false_alarms
import command_line
import drift_speed
import following
import idle_terminal
import indexing
import monitoring_screen
import releasing
import rollups
import screens
import serving
import stopping
import storing
import telling
from figures import Figure, said

UNIPIPE = Path(sys.executable).with_name("unipipe")

MEASURES: dict[str, Callable[[Path], Figure]] = {
    "version": command_line.version,
    "help": command_line.help_text,
    "status-dvc": command_line.status_beside_dvc,
    "status-mlflow": command_line.status_beside_mlflow,
    "store-writes": storing.writes_at_once,
    "cancel": stopping.cancel_of_a_silent_tool,
    "log": following.lag_of_a_followed_log,
    "idle-tui": idle_terminal.idle,
    "first-paint": screens.first_paint,
    "keys": screens.key_to_paint,
    "confirm": screens.promotion,
    "runs-place": screens.many_runs_shown,
    "serve-ready": serving.ready,
    "serve-one": serving.single_of_demo,
    "serve-one-logistic": serving.single_of_logistic,
    "serve-many": serving.many_of_demo,
    "serve-many-logistic": serving.many_of_logistic,
    "serve-log": serving.logging,
    "serve-canary": serving.canary,
    "serve-switch": serving.switching,
    "release-local": releasing.on_local,
    "release-docker": releasing.on_docker,
    "release-kubernetes": releasing.on_kubernetes,
    "false-alarms": canary_false_alarms.false_alarms,
    "abort-in-numbers": canary_false_alarms.abort_of_errors,
    "drift-warm": drift_speed.warm,
    "drift-cold": drift_speed.cold,
    "drift-defaults": drift_speed.beside_defaults,
    "drift-long": drift_speed.long,
    "drift-wide": drift_speed.wide,
    "demo": telling.demo,
    "monitoring-50m": rollups.many_predictions,
    "monitoring-place": monitoring_screen.monitoring_screen,
    "sync": indexing.full_sync,
    "next-sync": indexing.next_sync,
    "runs-page": indexing.page,
    "runs-list": indexing.listing,
    "runs-compare": indexing.compare,
    "runs-history": indexing.long_history,
}


def main() -> None:
    """Measure what was asked for, in a workspace that was named or is made now."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="measure only this; repeatable")
    parser.add_argument("--workspace", type=Path, help="trained workspace to measure in; made when left out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unipipe-benchmark-") as folder:
        workspace = asked.workspace or _made(Path(folder) / "workspace")
        for name in asked.only or MEASURES:
            print(MEASURES[name](workspace.resolve()).line(), flush=True)


def _made(workspace: Path) -> Path:
    said([UNIPIPE, "init", "--recipe", "fraud-detection", workspace, "--yes"])
    config = workspace / "unipipe.yaml"
    config.write_text(config.read_text().replace("port: 8765", f"port: {_free_port()}"))
    said([UNIPIPE, "pipeline", "run", "--commit", "--yes"], cwd=workspace)
    return workspace


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
