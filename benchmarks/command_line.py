"""How long a person waits for an answer on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from figures import Figure, against, alone, said

BIN = Path(sys.executable).parent
UNIPIPE = BIN / "unipipe"


def version(workspace: Path) -> Figure:
    """The shortest command there is, beside the import of the library that parses all others."""
    return against(
        "unipipe --version",
        lambda: _quietly(UNIPIPE, "--version"),
        "python -c 'import typer'",
        lambda: _quietly(sys.executable, "-c", "import typer"),
        "ratio <= 1",
        runs=15,
    )


def help_text(workspace: Path) -> Figure:
    """All commands are built for it."""
    return alone("unipipe --help", lambda: _quietly(UNIPIPE, "--help"), "<= 0.4 s", runs=15)


def status_beside_dvc(workspace: Path) -> Figure:
    """The twelve steps, beside the one step that DVC knows."""
    return against(
        "unipipe status --json",
        lambda: _quietly(UNIPIPE, "status", "--json", cwd=workspace),
        "dvc status --json",
        lambda: _quietly(BIN / "dvc", "status", "--json", cwd=workspace),
        "ratio <= 0.6",
        runs=15,
    )


def status_beside_mlflow(workspace: Path) -> Figure:
    """The twelve steps, beside the list of runs."""
    uri = f"sqlite:///{workspace / 'mlflow.db'}"
    return against(
        "unipipe status --json",
        lambda: _quietly(UNIPIPE, "status", "--json", cwd=workspace),
        "mlflow runs list --experiment-id 1",
        lambda: _quietly(
            BIN / "mlflow", "runs", "list", "--experiment-id", "1", cwd=workspace, MLFLOW_TRACKING_URI=uri
        ),
        "ratio <= 0.1",
        runs=5,
    )


def _quietly(*argv: str | Path, cwd: Path | None = None, **env: str) -> None:
    said(argv, cwd, **env)
