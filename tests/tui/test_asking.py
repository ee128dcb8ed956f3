"""From a wish to its end: palette, forms, plans, jobs; and that nothing runs by accident."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, OptionList, Static

from tests.fakes import FakeProcesses
from tests.tui.conftest import expect_soon, looked, until
from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import CATALOG, action_named
from unipipe_tui.actions.command_line import approved
from unipipe_tui.actions.models.registry import PromoteModel
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.store import BACK_UP, BackUpStore
from unipipe_tui.actions.world import World
from unipipe_tui.domain.plans import Plan
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.answer import AnswerScreen
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.jobs import Followed, JobsScreen
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.screens.overview import OverviewScreen
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.widgets.output import Output
from unipipe_tui.wiring import build_world


def planned(app: Unipipe) -> bool:
    return isinstance(app.screen, PlanScreen) and bool(app.screen.query(PlanLine))


async def test_the_palette_offers_every_capability(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        offered = app.screen.query_one(OptionList)
        await until(pilot, lambda: len(offered.options) >= len(CATALOG))
        text = "\n".join(str(option.prompt) for option in offered.options)

    assert [action.name for action in CATALOG if action.name not in text] == []


async def test_a_look_is_answered_as_pairs_and_tables(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(160, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(action_named("models list")))
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen))
        output = app.screen.query_one(Output)
        await expect_soon(pilot, lambda: "fraud-detector" in "\n".join(output.lines))


async def test_the_form_shows_its_command_line_and_makes_the_request(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(action_named("models promote")))
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-model", Input).value == "fraud-detector"
        assert app.screen.query_one("#entry-version", Input).value == "3"
        app.screen.query_one("#entry-reason", Input).value = "it's better"
        await pilot.pause()
        line = str(app.screen.query_one("#command-line", Static).content)
        await pilot.press("enter")
        await until(pilot, lambda: planned(app))
        request = app.screen._request  # type: ignore[attr-defined]

    assert shlex.split(line) == ["$", *shlex.split('unipipe models promote --reason="it\'s better" fraud-detector 3')]
    assert request == PromoteModel("fraud-detector", 3, reason="it's better")


async def test_the_cursor_of_a_form_is_where_something_is_missing(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(action_named("models check")))
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and app.screen.focused)
        focused = app.screen.focused

    assert focused is not None
    assert focused.id == "entry-version"


async def test_a_form_says_what_is_wrong_and_stays(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press("enter")
        await pilot.pause()
        wrong = app.screen.query_one("#wrong-reason", Static)

        assert isinstance(app.screen, FormScreen)
        assert wrong.display
        assert str(wrong.content) == "This is needed."


async def test_the_plan_dialog_shows_exactly_the_plan(busy_world: World) -> None:
    promote = action_named("models promote")
    assert isinstance(promote, Change)
    expected = make_plan(promote, PromoteModel("fraud-detector", 3), busy_world)
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        title = str(app.screen.query_one("#title", Static).content)
        lines = tuple(line.line for line in app.screen.query(PlanLine))
        shown = ["".join(str(part.content) for part in line.query(Static)) for line in app.screen.query(PlanLine)]

    assert (title, *lines) == expected.lines
    assert tuple(shown) == lines


@pytest.mark.parametrize("key", ["p", "enter", "space", "r", "b", "z", "y"])
async def test_pressing_a_trigger_or_enter_again_and_again_runs_nothing(busy_world: World, key: str) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        assert app.screen.focused is not None
        assert app.screen.focused.id == "cancel"
        await pilot.press(*[key] * 5)
        await pilot.pause(0.3)
        await pilot.press(*[key] * 5)
        await pilot.pause(0.3)

    assert isinstance(busy_world.processes, FakeProcesses)
    assert busy_world.processes.launched == []


async def test_a_trigger_that_is_held_opens_one_dialog_and_runs_nothing(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press(*["p"] * 8)
        await until(pilot, lambda: planned(app))
        await pilot.press("escape")
        await pilot.pause(0.3)
        assert isinstance(app.screen, OverviewScreen)

    assert isinstance(busy_world.processes, FakeProcesses)
    assert busy_world.processes.launched == []


async def test_ctrl_o_starts_the_shown_command_line_as_a_job_of_that_very_plan(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        plan = app.screen._plan  # type: ignore[attr-defined]
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))

    assert isinstance(busy_world.processes, FakeProcesses)
    argv = ("models", "promote", "--yes", "--plan", plan.id, "fraud-detector", "3")
    assert busy_world.processes.launched == [(argv, busy_world.root)]


def test_what_confirms_is_not_taken_for_data() -> None:
    plan = Plan("t", (), "u", None, command=("unipipe", "store", "backup", "--", "-odd"))

    assert approved(BACK_UP, plan.command, plan.id)[:5] == ("store", "backup", "--yes", "--plan", plan.id)


async def test_y_copies_the_command_line_of_the_plan(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        await pilot.press("y")
        await pilot.pause()
        assert planned(app)

    assert app.clipboard == "unipipe models promote fraud-detector 3"


async def test_an_error_while_planning_is_told_with_its_hint(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("z")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))
        told = str(app.screen.query_one("#told", Static).content)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))

    assert "There is nothing to undo yet." in told
    assert "→ Promotions" in told


async def test_after_an_error_the_form_is_open_again_with_what_was_typed(world: World, project: Path) -> None:
    taken = project / "taken.duckdb"
    taken.touch()
    app = Unipipe(world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(BACK_UP, {"to": "taken.duckdb"}))
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-to", Input).value == str(taken)


async def test_read_only_keys_stay_and_say_why_not(project: Path) -> None:
    (project / "unipipe.yaml").write_text("read_only: true\n")
    app = Unipipe(build_world(project))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        footer = {binding.binding.key for binding in app.screen.active_bindings.values() if binding.binding.show}
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))
        told = str(app.screen.query_one("#told", Static).content)

    assert {"r", "p", "b", "z"} <= footer
    assert "read_only: true" in told


async def test_a_confirmed_plan_is_carried_out_by_a_real_process(world: World, project: Path) -> None:
    world.jobs.total()
    app = Unipipe(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(action_named("init"), complete=True))
        await until(pilot, lambda: planned(app))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        await until(pilot, lambda: "done" in str(app.screen.query_one("#job-head", Static).content), 60)
        job = world.jobs.find("last")

    assert job is not None
    assert (job.action, job.exit_code) == ("init", 0)
    assert (project / ".dvc").is_dir()
    said = json.loads((world.job_folders.path(job.id) / "request.json").read_text())
    assert said["argv"][:4] == ["unipipe", "init", "--yes", "--plan"]


async def test_a_plan_that_no_longer_holds_is_refused_by_the_job(world: World, project: Path) -> None:
    copy = project / "copy.duckdb"
    plan = make_plan(BACK_UP, BackUpStore(copy), world)
    copy.touch()
    words = approved(BACK_UP, plan.command, plan.id)
    job_id = world.processes.launch(words, project)
    app = Unipipe(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        app.followed = Followed(job_id, world, shlex.join(plan.command))
        await pilot.press("7")
        await until(pilot, lambda: "exists already" in "\n".join(app.screen.query_one(Output).lines), 30)
        head = str(app.screen.query_one("#job-head", Static).content)

    assert "ended before it began" in head
