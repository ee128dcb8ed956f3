"""What a table says of how much it shows: the rows in sight, of all that there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.app import App, ComposeResult
from textual.containers import Container

from tests.fakes import NOON
from tests.tui.conftest import JOBS
from tests.tui.made_values import made
from unipipe_tui.actions.jobs.listing import JobLine, JobList
from unipipe_tui.actions.runs.listing import RunLine, RunList
from unipipe_tui.tui.screens.jobs import JobsPane
from unipipe_tui.tui.themes import DARK
from unipipe_tui.tui.widgets.pane import TablePane
from unipipe_tui.tui.widgets.runs import RunsPane

SHOWN, ALL = 200, 104_312


def some_jobs() -> JobList:
    done = JOBS[0]
    lines = (
        JobLine(f"job-{n}", done.action, done.state, NOON - timedelta(minutes=n), 1.0, "ada", f"unipipe x{n}", f"m{n}")
        for n in range(SHOWN)
    )
    return JobList(tuple(lines), ALL)


def some_runs() -> RunList:
    line: RunLine = made(RunLine, "x")
    runs = tuple(replace(line, run_id=f"{number:032x}") for number in range(SHOWN))
    empty: RunList = made(RunList, "")
    return replace(empty, runs=runs, total=ALL)


class Alone(App[None]):
    """A pane and nothing else."""

    def __init__(self, pane: TablePane[object]) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.pane = pane

    def compose(self) -> ComposeResult:
        yield Container(self.pane)


@pytest.mark.parametrize(("pane", "answer"), [(JobsPane, some_jobs), (RunsPane, some_runs)])
async def test_a_table_that_shows_a_part_says_of_how_many(pane: type, answer: object) -> None:
    app = Alone(pane())
    async with app.run_test(size=(100, 30)) as pilot:
        found = answer()  # type: ignore[operator]
        app.pane._take(None, found)
        await pilot.pause()
        assert len(app.pane.grid.rows) == SHOWN
        assert str(app.pane.border_subtitle) == "200 of 104,312"
        app.pane.grid.mark((app.pane.grid.rows[0].id,))
        app.pane.tell_count()
        assert str(app.pane.border_subtitle) == "200 of 104,312 · 1 marked"


async def test_a_filter_counts_what_it_leaves_of_all_that_there_are() -> None:
    app = Alone(JobsPane())  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        app.pane._take(None, some_jobs())
        await pilot.pause()
        app.pane.filtered("m19")
        assert str(app.pane.border_subtitle) == "11 of 104,312"
