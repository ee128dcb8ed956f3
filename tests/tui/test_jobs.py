"""The jobs screen: the list, and the output of one as it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.fakes import NOON, FakeProcesses, staying
from tests.tui.conftest import JOBS, looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.domain.event_lines import to_line
from unipipe_tui.domain.events import Advanced, Event, Noted, StepEnded, StepStarted, ToolSaid
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.following import NEWEST_BYTES, follow
from unipipe_tui.tui.log_text import LINES_KEPT
from unipipe_tui.tui.messages import JobWanted
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.log_view import LogView
from unipipe_tui.tui.widgets.output import Output

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
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "beginning" in output(app))
        say(running, ToolSaid("dvc", "a later line"), Advanced(3, 10, "trees"))
        await until(pilot, lambda: "a later line" in output(app))
        assert "step 1/2: train · 3 of 10 trees" in head(app)
        end(running)
        await until(pilot, lambda: "version 4" in head(app))
        assert "✓ done" in head(app)
        assert output(app) == ("== train (1/2)", "beginning", "a later line")


async def followed(pilot: Pilot[None], app: Unipipe) -> Output:
    """The log of the newest job, once it has something to read."""
    await looked(pilot, app)
    await pilot.press("7")
    await until(pilot, lambda: isinstance(app.screen, JobsScreen) and output(app))
    return app.screen.query_one(Output)


async def test_a_hostile_line_is_shown_as_text(running: World) -> None:
    say(running, ToolSaid("dvc", "\x1b[2J[bold]loud[/bold]\x07 [/x]"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await followed(pilot, app)
        await pilot.pause()
        picture = app.export_screenshot()

    assert "[bold]loud[/bold]" in picture.replace("&#160;", " ")


async def test_of_very_many_lines_the_newest_are_kept_and_the_rest_is_counted(running: World) -> None:
    say(running, *(ToolSaid("dvc", f"line {number}") for number in range(LINES_KEPT + 500)))
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await followed(pilot, app)
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
        await pilot.press("7")
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
        await pilot.press("7")
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
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "lost" in head(app))
        row = app.screen.query_one("#jobs Grid", Grid).rows[0]

    assert row.cells[0].text == "?"


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


def title(app: Unipipe) -> str:
    return str(app.screen.query_one("#job").border_title)


def cells(app: Unipipe, column: int) -> list[str]:
    return [row.cells[column].text for row in app.screen.query_one("#jobs Grid", Grid).rows]


async def test_the_list_tells_how_far_a_running_job_is_and_the_head_how_each_step_went(running: World) -> None:
    say(running, StepStarted("ingest", 1, 2), StepEnded("ingest", "done", 1.5), StepStarted("train", 2, 2))
    say(running, Advanced(12, 100, "trees"))
    app = Unipipe(running)
    async with app.run_test(size=(160, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and cells(app, 5))
        assert cells(app, 0) == ["●"]
        assert cells(app, 5) == ["step 2/2: train · 12 of 100 trees"]
        strip = app.screen.query_one("#job-steps", Static)
        await until(pilot, lambda: "train" in str(strip.content))
        assert str(strip.content) == "✓ ingest 1.5 s  ● train  "
        end(running)
        await until(pilot, lambda: cells(app, 5) == ["version 4"])
        assert cells(app, 0) == ["✓"]


async def test_a_log_is_searched_paused_folded_and_cut_down_to_its_errors(running: World) -> None:
    say(running, *(ToolSaid("dvc", f"line {number} " + "x" * 120) for number in range(100)))
    say(running, ToolSaid("dvc", "ValueError: no such column"), Noted("line 100"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and len(output(app)) == 102)
        widget = app.screen.query_one(LogView).output
        assert "following" in title(app)
        await pilot.press("enter")
        await until(pilot, lambda: widget.has_focus)

        await pilot.press("/", *"LINE 9", "enter")
        await until(pilot, lambda: widget.matches[1] == 11)
        first = widget.matches[0]
        await pilot.press("n")
        assert widget.matches[0] == first % 11 + 1
        await pilot.press("N", "N")
        assert widget.matches[0] == (first - 2) % 11 + 1
        assert "paused" in title(app)
        assert "of 11 found" in title(app)
        await pilot.press("escape")
        await until(pilot, lambda: "found" not in title(app))

        say(running, Noted("newer"))
        await until(pilot, lambda: "paused, 1 newer" in title(app))
        assert output(app)[-1] == "line 100"
        await pilot.press("f")
        await until(pilot, lambda: output(app)[-1] == "newer" and "following" in title(app))
        await until(pilot, lambda: widget.is_vertical_scroll_end)

        await pilot.press("w")
        await until(pilot, lambda: "wrapped" in title(app) and widget.virtual_size.width <= widget.size.width)
        await pilot.press("e")
        await until(pilot, lambda: output(app) == ("ValueError: no such column",))


async def test_an_end_that_moves_on_while_it_is_scrolled_to_is_followed_still(running: World) -> None:
    say(running, Noted("first"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 30)) as pilot:
        widget = await followed(pilot, app)
        widget.add(str(number) for number in range(100))
        await until(pilot, lambda: widget.is_vertical_scroll_end and widget.scroll_y > 0)
        widget.add(str(number) for number in range(100))
        widget.scroll_y += 10
        assert not widget.is_vertical_scroll_end
        assert widget.following
        await until(pilot, lambda: widget.is_vertical_scroll_end)
        widget.scroll_y -= 10
        assert not widget.following


async def test_a_job_that_is_wanted_before_anything_was_looked_at_is_followed(running: World) -> None:
    say(running, Noted("early"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 30)) as pilot:
        app.post_message(JobWanted(RUNNING.id))
        await until(pilot, lambda: app.screen.query(Output) and output(app) == ("early",))
        assert isinstance(app.screen, JobsScreen)


async def test_a_pause_loses_nothing_that_can_still_be_kept_and_counts_the_rest(running: World) -> None:
    say(running, Noted("first"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 30)) as pilot:
        widget = await followed(pilot, app)
        widget.pause()
        widget.add([f"waiting {number}" for number in range(LINES_KEPT + 7)])
        assert output(app) == ("first",)
        assert widget.waiting == LINES_KEPT + 7
        widget.read_on()

    assert output_of(widget)[0] == "(8 earlier lines are not shown)"
    assert output_of(widget)[-1] == f"waiting {LINES_KEPT + 6}"


def output_of(widget: Output) -> tuple[str, ...]:
    return widget.lines


async def test_the_again_key_asks_with_the_plan_of_the_jobs_own_command(world: World) -> None:
    copied = replace(RUNNING, action="store backup", command="unipipe store backup copy.duckdb")
    world.jobs.begin(copied)
    world.jobs.end(replace(copied, state=JobState.DONE, ended=NOON))
    app = Unipipe(world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.selection())
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query(PlanLine))
        lines = [line.line for line in app.screen.query(PlanLine)]

    assert lines[0] == "  $ unipipe store backup copy.duckdb"


def test_of_a_very_long_log_only_the_end_is_read_but_all_steps_are_told(running: World) -> None:
    long = "x" * 100_000
    say(running, StepStarted("ingest", 1, 2), StepEnded("ingest", "done", 1.5), StepStarted("train", 2, 2))
    say(running, *(ToolSaid("dvc", f"{number} {long}") for number in range(NEWEST_BYTES // 100_000 + 20)))
    end(running)
    news = next(follow(left_alone(running), RUNNING.id, lambda: False))

    assert 20 <= news.skipped <= 30
    assert news.lines[0].startswith(f"{news.skipped - 3} ")
    assert [(step.step, step.outcome) for step in news.steps] == [("ingest", "done"), ("train", "done")]
    assert news.progress == "step 2/2: train"


def left_alone(world: World) -> World:
    return staying(world, processes=FakeProcesses())


def test_secrets_that_a_job_says_are_not_told(running: World) -> None:
    say(running, ToolSaid("git", "cloning https://ada:hunter2@example.org/repo"))
    end(running)
    news = list(follow(left_alone(running), RUNNING.id, lambda: False))

    assert [line for one in news for line in one.lines] == ["cloning https://…@example.org/repo"]


def test_a_job_that_nobody_sees_is_not_read_and_is_read_on_from_there(running: World) -> None:
    seen = [True, False, False, True]
    say(running, Noted("one"))
    told = follow(running, RUNNING.id, lambda: False, lambda: seen.pop(0) if seen else True)

    first = next(told)
    assert first and first.lines == ("one",)
    say(running, Noted("two"))
    assert [next(told), next(told)] == [None, None]
    then = next(told)
    assert then and (then.lines, then.skipped) == (("two",), 0)


async def test_the_followed_job_is_left_alone_while_another_place_is_in_sight(running: World) -> None:
    say(running, Noted("one"))
    app = Unipipe(running)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and output(app) == ("one",))
        log = app.screen.query_one(Output)
        await pilot.press("?")
        say(running, Noted("two"))
        await until(pilot, lambda: log.lines == ("one", "two"))
        await pilot.press("escape", "1")
        await until(pilot, lambda: app.current_mode == "overview")
        await pilot.pause(0.5)
        say(running, Noted("three"))
        await pilot.pause(0.5)
        assert log.lines == ("one", "two")
        await pilot.press("7")
        await until(pilot, lambda: log.lines == ("one", "two", "three"))
