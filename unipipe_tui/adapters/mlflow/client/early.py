"""What MLflow's client imports only when it opens a database, imported now: for a process that stands by for jobs."""

from __future__ import annotations

import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
from sqlalchemy.orm import configure_mappers

import unipipe_tui.adapters.mlflow.client.registry  # noqa: F401


def make_ready() -> None:
    """Do once what the first database would do."""
    configure_mappers()
