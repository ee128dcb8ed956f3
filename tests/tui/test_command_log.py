"""The command log: the end of what the selected command said, with its exit code and without its secrets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import Static

from tests.fakes import NOON, FakeProcesses, staying
from tests.tui.conftest import JOBS, looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.domain.event_lines import to_line
from unipipe_tui.domain.events import ToolSaid, ToolStarted
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.widgets.command_log import CommandLog, TailPane


def ended(world: World, number: int, command: str, *said: str) -> Job:
    """A job that failed after it had said something."""
    job = replace(JOBS[0], id=f"20260309-1200{number:02}-0000aa", command=command, state=JobState.RUNNING)
    world.jobs.begin(job)
    world.jobs.end(replace(job, state=JobState.FAILED, ended=NOON, message="no", exit_code=3))
    path: Path = world.job_folders.path(job.id) / "events.jsonl"
    path.parent.mkdir(parents=True)
    events = (ToolStarted(("git", "push"), 1), *(ToolSaid("git", line) for line in said))
    path.write_text("".join(to_line(event, 0.0) + "\n" for event in events))
    return job


def tail(app: Unipipe) -> str:
    return str(app.screen.query_one(TailPane).query_one(Static).content)


async def test_the_selected_command_tells_what_it_said_last_and_no_secret(world: World) -> None:
    first = ended(world, 1, "unipipe init --token=hunter2", *(f"line {number}" for number in range(100)))
    ended(world, 2, "unipipe retrain", "pushing to https://ada:hunter2@example.org/r", "refused")
    app = Unipipe(staying(world, now=lambda: NOON, processes=FakeProcesses()))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        log = app.screen.query_one(CommandLog)
        await pilot.press("@")
        await until(pilot, lambda: "refused" in tail(app))
        assert "https://…@example.org/r" in tail(app)
        shown = [cell.text for row in log.grid.rows for cell in row.cells]
        assert "$ unipipe init --token=…" in shown
        assert "3" in shown
        assert not any("hunter2" in text for text in (tail(app), *shown))

        log.grid.focus()
        await pilot.press("k")
        await until(pilot, lambda: tail(app).endswith("line 99"))
        assert "line 50" not in tail(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.selection()["job"] == first.id)


async def test_a_log_that_nobody_sees_asks_nothing(world: World) -> None:
    ended(world, 1, "unipipe retrain", "said")
    app = Unipipe(staying(world, now=lambda: NOON, processes=FakeProcesses()))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        app.action_look_again()
        await pilot.pause(0.3)
        assert app.screen.query_one(TailPane).answer is None
        await pilot.press("@")
        await until(pilot, lambda: "said" in tail(app))


async def test_the_log_is_filtered_as_every_table_is(world: World) -> None:
    for number, command in enumerate(("unipipe retrain", "unipipe models check 3", "unipipe models promote 3")):
        ended(world, number, command, f"said {number}")
    app = Unipipe(staying(world, now=lambda: NOON, processes=FakeProcesses()))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        log = app.screen.query_one(CommandLog)
        await pilot.press("@")
        await until(pilot, lambda: "said 2" in tail(app))
        log.grid.focus()
        await pilot.press("/", *"retr")
        await until(pilot, lambda: "said 0" in tail(app))
        assert [row.cells[3].text for row in log.grid.rows] == ["$ unipipe retrain"]
        assert "1 of 3" in str(log.border_title)
        ended(world, 3, "unipipe retrain --force", "said 3")
        app.action_look_again()
        await until(pilot, lambda: "2 of 4" in str(log.border_title))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(log.grid.rows) == 4)
        assert app.focused is log.grid
