"""MLflow's words, times and references, turned into ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from unipipe_tui.domain.tracking import RunStatus

NO_STAGE = "None"
REMOVED_STAGE = "Deleted_Internal"
"""What MLflow writes for a version without a stage, and for one that was deleted."""

RUN_NAME_TAG = "mlflow.runName"
PROMPT_TAG = "mlflow.prompt.is_prompt"
"""Marks the prompts that MLflow keeps among the registered models."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(milliseconds: object) -> datetime | None:
    """UTC time of MLflow's milliseconds since 1970; None for none, or for a number that is no time."""
    try:
        return None if milliseconds is None else _EPOCH + timedelta(milliseconds=int(str(milliseconds)))
    except (ValueError, OverflowError):
        return None


def status_of(word: object) -> RunStatus:
    """MLflow's word for how a run stands, or that we do not know it."""
    return next((status for status in RunStatus if status.value == word), RunStatus.UNKNOWN)


def run_source(source: str) -> tuple[str, str] | None:
    """The (run id, artifact path) of a `runs:/…` URI, None for any other."""
    run_id, _, path = source.removeprefix("runs:/").lstrip("/").partition("/")
    return (run_id, path) if source.startswith("runs:/") and path else None
