"""Everything that Unipipe can do, on one page. Both front ends, the help and the documentation are made from this list."""

from __future__ import annotations

from unipipe_tui.actions import (
    audit,
    demo,
    drift,
    going_back,
    jobs,
    lineage,
    models,
    overview,
    pipeline,
    projects,
    runs,
    serve,
    store,
    traffic,
)
from unipipe_tui.actions.action import Action

CATALOG: tuple[Action, ...] = (
    projects.INIT,
    demo.DEMO,
    projects.DOCTOR,
    overview.STATUS,
    store.SQL,
    pipeline.SHOW,
    pipeline.PLAN,
    pipeline.RUN,
    pipeline.RETRAIN,
    jobs.LIST,
    jobs.SHOW,
    jobs.LOGS,
    jobs.ATTACH,
    jobs.CANCEL,
    runs.LIST,
    runs.SHOW,
    runs.COMPARE,
    models.LIST,
    models.SHOW,
    models.CHECK,
    models.PROMOTE,
    models.ROLL_BACK,
    serve.START,
    serve.STOP,
    serve.STATUS,
    traffic.PREDICT,
    traffic.FEEDBACK,
    drift.CHECK,
    drift.SHOW,
    lineage.SHOW,
    audit.LIST,
    audit.VERIFY,
    store.CHECK,
    store.BACK_UP,
    going_back.ROLL_BACK,
    going_back.UNDO,
)

NOUNS: dict[str, str] = {
    "pipeline": "The DVC pipeline: what it is, what will run and why.",
    "jobs": "Executions of changes: what runs and what ran.",
    "runs": "MLflow runs.",
    "models": "Registered models: versions, gates, promotion.",
    "serve": "Model servers.",
    "drift": "Live traffic against the reference.",
    "lineage": "From a prediction to everything that it came from.",
    "audit": "Who did what.",
    "store": "The local store.",
}
"""What the groups of commands are about."""


def action_named(name: str) -> Action:
    """The capability of that name; KeyError when there is none."""
    return {action.name: action for action in CATALOG}[name]
