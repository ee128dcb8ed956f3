"""Tells on stderr what a change does while it does it: lines everywhere, and a progress bar where there is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from unipipe_tui.cli.output import narrate, plain, wants_colour
from unipipe_tui.domain.events import Advanced, Event, Noted, StepEnded, StepStarted, ToolEnded, ToolSaid, ToolStarted

QUICK_SECONDS = 0.5


class Narrator:
    """Listens to events; a context manager, so that the bar is gone when the work is over."""

    def __init__(self) -> None:
        self._bar = _bar() if wants_colour(sys.stderr) else None
        self._task: TaskID | None = None

    def __enter__(self) -> Narrator:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        line = line_of(event)
        if line is not None:
            self._print(line)
        if self._bar:
            self._move(self._bar, event)

    def _print(self, line: Text) -> None:
        if self._bar:
            self._bar.console.print(line, soft_wrap=True)
        else:
            narrate(line)

    def _move(self, bar: Progress, event: Event) -> None:
        if isinstance(event, StepStarted):
            if self._task is None:
                self._task = bar.add_task("", total=event.total)
            bar.update(self._task, description=plain(event.name), total=event.total, completed=event.number - 1)
        elif isinstance(event, StepEnded) and self._task is not None:
            bar.advance(self._task)
        elif isinstance(event, Advanced) and self._task is not None and event.total:
            bar.update(self._task, description=f"{event.done:,} of {event.total:,} {plain(event.unit)}")


def line_of(event: Event) -> Text | None:
    """An event as one line; None for one that only moves the bar."""
    match event:
        case StepStarted(name, number, total):
            return Text(f"[{number}/{total}] {plain(name)}", style="bold")
        case StepEnded(name, outcome, seconds) if outcome == "failed" or seconds >= QUICK_SECONDS:
            return Text(f"      {outcome} after {seconds:.1f} s", style="red" if outcome == "failed" else "green")
        case ToolStarted(argv, _):
            return Text(f"      $ {plain(' '.join(argv))}", style="cyan")
        case ToolSaid(_, line):
            return Text(f"      {plain(line)}", style="bright_black") if line.strip() else None
        case ToolEnded(tool, exit_code, seconds) if exit_code:
            return Text(f"      {plain(tool)} ended with {exit_code} after {seconds:.1f} s", style="red")
        case Noted(text):
            return Text(f"      {plain(text)}", style="cyan" if text.startswith("$ ") else "")
        case _:
            return None


def _bar() -> Progress:
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True, markup=False, highlight=False), transient=True)
