"""A terminal of 80 by 24 cells: nothing is out of reach, and what matters is on the screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from textual.command import CommandPalette
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static

from tests.fakes import NOON, FakeProcesses, staying
from tests.tui.conftest import JOBS, expect_soon, looked, until
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.actions.models.registry import PROMOTE, PromoteModel, plan_promotion
from unipipe_tui.actions.request import fields_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.plans import Plan
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.widgets.command_log import CommandLog
from unipipe_tui.tui.widgets.title import Title
from unipipe_tui.wiring import build_world

SIZE = (80, 24)
MANY = 40


async def test_every_form_shows_its_buttons_right_above_the_lower_border(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=SIZE) as pilot:
        # One form for every number of fields: what is in them does not move the buttons.
        by_fields = {len(fields_of(action.request)): action for action in CATALOG}
        for action in (action for number, action in by_fields.items() if number):
            app.push_screen(FormScreen(action, {}, busy_world))
            await pilot.pause()
            await pilot.pause()
            dialog, buttons = (app.screen.query_one(name).region for name in ("#dialog", "#buttons"))
            assert buttons.bottom == dialog.bottom - 1, action.name
            assert dialog.bottom <= SIZE[1], action.name
            app.pop_screen()
            await pilot.pause()


async def test_the_end_of_a_long_plan_is_reached_with_the_keys(busy_world: World) -> None:
    def plan(request: PromoteModel, world: World) -> Plan[object]:
        plan = plan_promotion(request, world)
        return replace(plan, effects=tuple(plans.run("step", str(number)) for number in range(MANY)))

    long = replace(PROMOTE, plan=plan)
    app = Unipipe(busy_world)
    async with app.run_test(size=SIZE) as pilot:
        app.push_screen(PlanScreen(long, PromoteModel("fraud-detector", 3), busy_world))
        await until(pilot, lambda: len(app.screen.query(PlanLine)) > MANY)
        lines, last = app.screen.query_one("#lines", VerticalScroll), app.screen.query(PlanLine).last()
        assert not lines.region.overlaps(last.region)
        await pilot.press(*("j" for _ in range(MANY)))
        await until(pilot, lambda: lines.region.overlaps(last.region))
        assert app.screen.query_one("#buttons").region.bottom < SIZE[1]


async def test_the_command_log_opens_at_its_end_and_stays_there_when_more_is_run(busy_world: World) -> None:
    for number in range(MANY):
        busy_world.jobs.begin(replace(JOBS[3], id=f"20260309-1200{number:02}-0000aa", started=NOON))
    app = Unipipe(busy_world)
    async with app.run_test(size=SIZE) as pilot:
        await looked(pilot, app)
        log = app.screen.query_one(CommandLog)
        await pilot.press("@")
        grid = log.grid
        await until(pilot, lambda: grid.max_scroll_y > 0 and grid.scroll_y == grid.max_scroll_y)
        before = grid.max_scroll_y
        busy_world.jobs.begin(replace(JOBS[3], id="20260309-130000-0000aa", started=NOON + timedelta(hours=1)))
        app.action_look_again()
        await expect_soon(pilot, lambda: grid.max_scroll_y > before and grid.scroll_y == grid.max_scroll_y)


async def test_the_palette_finds_by_the_words_of_the_help_and_not_by_scattered_letters(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"gates")
        results = app.screen.query_one(OptionList)
        await until(pilot, lambda: results.options)
        await pilot.pause(0.3)
        found = [str(option.prompt).splitlines()[0] for option in results.options]

    with_word = {action.name for action in CATALOG if "gates" in action.help.splitlines()[0].casefold()}
    assert {"retrain", "models check"} <= with_word
    assert set(found) == with_word


async def test_how_long_a_killed_job_took_is_not_made_up(world: World) -> None:
    world.jobs.begin(JOBS[3])
    app = Unipipe(staying(world, now=lambda: NOON, processes=FakeProcesses()))
    async with app.run_test(size=SIZE) as pilot:
        await looked(pilot, app)
        await pilot.press("7")
        await until(
            pilot,
            lambda: (
                isinstance(app.screen, JobsScreen)
                and "without saying" in str(app.screen.query_one("#job-head", Static).content)
            ),
        )
        await pilot.pause(0.5)
        head = str(app.screen.query_one("#job-head", Static).content)

    assert head.startswith("? lost  its process ended")


async def test_where_no_repository_is_the_title_says_so(tmp_path: Path) -> None:
    app = Unipipe(build_world(tmp_path))
    async with app.run_test(size=SIZE) as pilot:
        await looked(pilot, app)
        await until(pilot, lambda: "no Git repository" in str(app.screen.query_one(Title).content))
        title = str(app.screen.query_one(Title).content)

    assert "no Git repository" in title
    assert "detached" not in title
