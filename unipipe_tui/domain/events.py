"""What a change says while it runs: a closed union, passed to one listener and written to the job's file."""

from __future__ import annotations

from unipipe_tui.domain.values import frozen


@frozen
class StepStarted:
    """One of the change's own steps begins."""

    name: str
    number: int
    """Counted from 1."""
    total: int


@frozen
class StepEnded:
    """The step that started last has ended."""

    name: str
    outcome: str
    """`done`, `skipped` or `failed`."""
    seconds: float


@frozen
class ToolStarted:
    """A program was started; its command line is what the command log shows."""

    argv: tuple[str, ...]
    pid: int


@frozen
class ToolSaid:
    """One line that a program wrote, as it wrote it."""

    tool: str
    line: str


@frozen
class ToolEnded:
    """A program has ended."""

    tool: str
    exit_code: int
    seconds: float


@frozen
class Advanced:
    """Countable work moved on."""

    done: int
    total: int | None
    unit: str


@frozen
class Noted:
    """One sentence of narration."""

    text: str


Event = StepStarted | StepEnded | ToolStarted | ToolSaid | ToolEnded | Advanced | Noted
