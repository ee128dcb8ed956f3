"""Whether MLflow is here, and new enough."""

from __future__ import annotations

from importlib import metadata

from unipipe_tui.domain.errors import ToolMissing

OLDEST = (3, 0)
REMEDY = "Install it into the project's environment: pip install 'mlflow>=3.0'."


def verify() -> str:
    """The installed MLflow's version, learnt without importing it; raises ToolMissing if absent or too old."""
    try:
        version = metadata.version("mlflow")
    except metadata.PackageNotFoundError as error:
        raise ToolMissing("MLflow is not installed.", REMEDY) from error
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        raise ToolMissing(f"MLflow {version} is too old.", REMEDY)
    return version
