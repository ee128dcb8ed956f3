"""What the doctor looks at on this machine."""

from __future__ import annotations

from collections.abc import Callable

from unipipe_tui.adapters.dvc.command_line import Dvc
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.domain.ports.tools import Tool
from unipipe_tui.domain.values import frozen
from unipipe_tui.wiring.mlflow_client import verify_mlflow


@frozen
class CheckedTool:
    """A tool that the doctor looks at."""

    name: str
    verify: Callable[[], str]
    needed_for: str = ""


def tools_of_project(git: GitCommandLine, dvc: Dvc) -> tuple[Tool, ...]:
    """Those that every project needs."""
    return (
        CheckedTool("git", git.verify),
        CheckedTool("dvc", dvc.verify),
        CheckedTool("mlflow", verify_mlflow),
    )
