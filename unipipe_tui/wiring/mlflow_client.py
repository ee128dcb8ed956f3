"""What only MLflow's client can do; importing it takes seconds, so only those who ask for it do."""

from __future__ import annotations

import os

from unipipe_tui.domain.outlines import MetricOutline
from unipipe_tui.domain.ports.tools import DistantVersions, Registry


def silence_mlflow() -> None:
    """Say that nothing shall be sent home. MLflow reads this when it is imported."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")


def distant_outline(uri: str, run_id: str, key: str, cells: int) -> MetricOutline:
    """The outline of a run's metric, in so many cells."""
    silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.histories import distant_outline as outline

    return outline(uri, run_id, key, cells)


def distant_versions(uri: str) -> DistantVersions:
    """Registered versions in a store that is not on this machine."""
    silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.versions import ClientVersions

    return ClientVersions(uri)


def open_registry(uri: str) -> Registry:
    """The registry, for writing."""
    silence_mlflow()
    from unipipe_tui.adapters.mlflow.client.registry import MlflowRegistry

    return MlflowRegistry(uri)


def verify_mlflow() -> str:
    """Its version, when it can be used."""
    # Asking for the version of a package takes as long as all else that a short command imports from the standard library.
    from unipipe_tui.adapters.mlflow.installed import verify

    return verify()
