"""What `local` has answered: rows of its log, each a second after the one before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fakes import NOON
from unipipe_tui.actions.world import World


def log_of(world: World) -> tuple[Path, int]:
    """The folder of the log, and how many answers stand in it."""
    folder = world.root / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    return folder, sum(len(path.read_text().splitlines()) for path in folder.glob("predictions-*.jsonl"))


def answer_row(
    number: int, inputs: Mapping[str, object], version: int = 1, score: float | None = 0.9, decision: int = 1
) -> dict[str, Any]:
    """An answer to these inputs; its number is the one that it has in the log."""
    at = (NOON + timedelta(seconds=number)).isoformat()
    known = {"prediction_id": f"p{number:05}", "at": at, "model": "fraud", "version": version}
    told = {"score": score, "decision": decision, "latency_ms": 1.0}
    return {**known, **told, **{f"input.{name}": value for name, value in inputs.items()}}


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a file of the log."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
