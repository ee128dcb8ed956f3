"""What takes jobs long to import, imported now: for a process that stands by and is forked for each of them."""

from __future__ import annotations

from unipipe_tui.wiring.mlflow_client import silence_mlflow


def import_what_jobs_need() -> None:
    """Load MLflow's client and what the verdicts of a check compute with."""
    silence_mlflow()
    import unipipe_tui.monitoring.profiles
    import unipipe_tui.monitoring.rows
    import unipipe_tui.monitoring.verdict.importance
    import unipipe_tui.monitoring.verdict.multivariate
    import unipipe_tui.monitoring.verdict.segments  # noqa: F401
    from unipipe_tui.adapters.mlflow.client.early import make_ready

    make_ready()
