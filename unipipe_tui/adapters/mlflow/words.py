"""MLflow's words, times and references, turned into ours."""

from __future__ import annotations

from unipipe_tui.domain.tracking import moment as moment
from unipipe_tui.domain.tracking import status_of as status_of

NO_STAGE = "None"
REMOVED_STAGE = "Deleted_Internal"
"""What MLflow writes for a version without a stage, and for one that was deleted."""

CONTEXT_TAG = "mlflow.data.context"
"""Marks what a data set was read for, among the tags of a run's input."""

PROMPT_TAG = "mlflow.prompt.is_prompt"
"""Marks the prompts that MLflow keeps among the registered models."""


def run_source(source: str) -> tuple[str, str] | None:
    """The (run id, artifact path) of a `runs:/…` URI, None for any other."""
    run_id, _, path = source.removeprefix("runs:/").lstrip("/").partition("/")
    return (run_id, path) if source.startswith("runs:/") and path else None


def quoted(name: str) -> str:
    """A name inside MLflow's filter language, which has no escape: it is quoted with the mark that it lacks."""
    return f'"{name}"' if "'" in name else f"'{name}'"
