"""The jobs screen: the list, and the output of one as it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from tests.fakes import NOON, FakeProcesses, staying
from tests.tui.conftest import JOBS, looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.domain.event_lines import to_line
from unipipe_tui.domain.events import Advanced, Event, Noted, StepStarted, ToolSaid
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.following import LINES_KEPT, follow
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.widgets.output import Output
from unipipe_tui.tui.widgets.rows import Rows

RUNNING = JOBS[3]


@pytest.fixture
def running(world: World) -> World:
    """A project where one job runs."""
    world.jobs.begin(RUNNING)
    return staying(world, now=lambda: NOON, processes=FakeProcesses(alive=frozenset({RUNNING.pid})))


def say(world: World, *events: Event) -> Path:
    path = world.job_folders.path(RUNNING.id) / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(to_line(event, 0.0) + "\n" for event in events)
    return path


def end(world: World) -> None:
    world.jobs.end(replace(RUNNING, state=JobState.DONE, ended=NOON, message="version 4", exit_code=0))


def output(app: Unipipe) -> tuple[str, ...]:
    return app.screen.query_one(Output).lines


def head(app: Unipipe) -> Any:
    return str(app.screen.query_one("#job-head", Static).content)


async def test_what_a_job_says_is_shown_while_it_says_it(running: World) -> None:
    say(running, StepStarted("train", 1, 2), Noted("beginning"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "beginning" in output(app))
        say(running, ToolSaid("dvc", "a later line"), Advanced(3, 10, "trees"))
        await until(pilot, lambda: "a later line" in output(app))
        assert "step 1/2: train · 3 of 10 trees" in head(app)
        end(running)
        await until(pilot, lambda: "version 4" in head(app))
        assert "✓ done" in head(app)
        assert output(app) == ("== train (1/2)", "beginning", "a later line")


async def test_a_hostile_line_is_shown_as_text(running: World) -> None:
    say(running, ToolSaid("dvc", "\x1b[2J[bold]loud[/bold]\x07 [/x]"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and output(app))
        await pilot.pause()
        picture = app.export_screenshot()

    assert "[bold]loud[/bold]" in picture.replace("&#160;", " ")


async def test_of_very_many_lines_the_newest_are_kept_and_the_rest_is_counted(running: World) -> None:
    say(running, *(ToolSaid("dvc", f"line {number}") for number in range(LINES_KEPT + 500)))
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and output(app))
        lines = output(app)
        say(running, Noted("one more"))
        await until(pilot, lambda: output(app)[-1] == "one more")
        later = output(app)

    assert lines[0] == "(500 earlier lines are not shown)"
    assert lines[-1] == f"line {LINES_KEPT + 499}"
    assert later[0] == "(501 earlier lines are not shown)"
    assert len(later) == LINES_KEPT + 1


async def test_scrolling_away_pauses_and_the_end_follows_again(running: World) -> None:
    say(running, *(ToolSaid("dvc", f"line {number}") for number in range(200)))
    app = Unipipe(running)
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and len(output(app)) == 200)
        widget = app.screen.query_one(Output)
        await until(pilot, lambda: widget.is_vertical_scroll_end and widget.scroll_y > 0)
        await pilot.press("enter", "g")
        await until(pilot, lambda: widget.scroll_y == 0)
        say(running, Noted("unseen"))
        await until(pilot, lambda: output(app)[-1] == "unseen")
        assert widget.scroll_y == 0
        await pilot.press("G")
        await until(pilot, lambda: widget.is_vertical_scroll_end)


async def test_the_cancel_key_asks_with_a_plan(running: World) -> None:
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        await pilot.pause()
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query(PlanLine))
        title = str(app.screen.query_one("#title", Static).content)

    assert title.startswith(f"Cancel job {RUNNING.id}")


async def test_a_killed_job_is_shown_as_lost(running: World) -> None:
    app = Unipipe(staying(running, processes=FakeProcesses()))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "lost" in head(app))
        row = str(app.screen.query_one("#jobs", Rows).options[0].prompt)

    assert row.startswith("?")


async def test_leaving_says_which_jobs_go_on(running: World, capsys: pytest.CaptureFixture[str]) -> None:
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("q")
        await pilot.pause()

    said = capsys.readouterr().err
    assert "Goes on: unipipe retrain" in said
    assert f"unipipe jobs attach {RUNNING.id}" in said


def test_nobody_waits_for_news_that_nobody_wants(running: World) -> None:
    assert list(follow(running, RUNNING.id, lambda: True)) == []
