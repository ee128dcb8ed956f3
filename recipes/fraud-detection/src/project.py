"""Where the project is, its parameters, and how its reports are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def stage_params(stage: str) -> dict[str, Any]:
    """The section of `params.yaml` that belongs to one stage."""
    params: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    return params[stage]


def write_report(name: str, content: dict[str, Any]) -> None:
    """Write `reports/<name>`; the same content always gives the same bytes."""
    path = ROOT / "reports" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
