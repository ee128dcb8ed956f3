"""The models place: versions and what is known of them, the card, the comparison, and what its keys ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static

from tests.actions.models.made import with_models
from tests.fakes import FakeTracking, staying
from tests.tui.conftest import looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.screens.models import ModelsPane, ModelsScreen, VersionsPane
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.screens.reading import ReadingScreen
from unipipe_tui.tui.widgets.reading import Reading


@pytest.fixture
def models_world(project: Path) -> World:
    """Three versions, the first is champion."""
    made = with_models(project, tags={2: {"unipipe.rejected": "bob", "unipipe.rejected.why": "leaks"}})
    doors = ("actor", "now", "git", "tracking", "open_registry", "target_of")
    return staying(made, **{name: getattr(made, name) for name in doors})


def rows(app: Unipipe, pane: str = "#versions") -> list[str]:
    return [row.id for row in app.screen.query_one(f"{pane} Grid").rows]  # type: ignore[attr-defined]


def read(app: Unipipe, reading: str = "Reading") -> str:
    return str(app.screen.query_one(f"{reading} Static", Static).content)


async def shown(pilot: Any, app: Unipipe) -> None:
    await looked(pilot, app)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, ModelsScreen) and rows(app) and "fraud version" in read(app))


async def test_a_single_model_takes_no_room_and_gives_the_versions_its_name(models_world: World) -> None:
    app = Unipipe(models_world)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)

        assert not app.screen.query_one(ModelsPane).display
        assert str(app.screen.query_one(VersionsPane).border_title).startswith("Versions of fraud")
        assert rows(app) == ["fraud/3", "fraud/2", "fraud/1"]
        await pilot.press("j")
        await until(pilot, lambda: "rejected by     ⊘ bob: leaks" in read(app))
        assert app.screen.selection() == {"model": "fraud", "version": "2"}  # type: ignore[attr-defined]


async def test_of_several_models_the_projects_own_is_shown_first_and_each_keeps_its_own_marks(
    models_world: World,
) -> None:
    known = models_world.tracking
    models = (*known.models(), replace(known.models()[0], name="another", aliases=()))
    versions = (*known.versions("fraud"), replace(known.version("fraud", 1), model="another"))
    app = Unipipe(staying(models_world, tracking=FakeTracking((), models, versions)))
    async with app.run_test(size=(160, 40)) as pilot:
        await shown(pilot, app)
        await until(pilot, lambda: rows(app, "#models") == ["another", "fraud"])
        assert app.screen.query_one(ModelsPane).display
        assert app.screen.selection()["model"] == "fraud"  # type: ignore[attr-defined]
        await pilot.press("G", "space")
        app.screen.query_one(ModelsPane).grid.focus()
        await pilot.press("k", "enter")
        await until(pilot, lambda: rows(app) == ["another/1"])
        await until(pilot, lambda: app.screen.selection() == {"model": "another", "version": "1"})  # type: ignore[attr-defined]
        await pilot.press("d")

        # The mark is on a version of the other model, so there is no pair.
        assert isinstance(app.screen, ModelsScreen)


async def test_without_a_model_it_says_what_to_run(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen) and app.screen.query_one("#models-place.-none"))

        assert app.screen.query_one(ModelsPane).display
        assert not app.screen.query_one(VersionsPane).display


async def test_enter_shows_the_card_of_the_version_and_y_copies_its_markdown(models_world: World) -> None:
    app = Unipipe(models_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("G", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen) and "fraud version 1" in read(app))
        assert "Finds payments to look at." in read(app)
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard.startswith("# fraud version 1\n"))
        await pilot.press("escape")

        assert isinstance(app.screen, ModelsScreen)


async def test_d_compares_the_champion_or_two_marked_versions_the_older_one_first(models_world: World) -> None:
    app = Unipipe(models_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("j", "d")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen) and "train.py" in read(app))
        assert app.screen.query_one("#dialog").border_title == "$ unipipe models compare fraud 1 2"
        await pilot.press("escape", "g", "space", "space", "d")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen) and "The run of version 3" in read(app))
        assert app.screen.query_one("#dialog").border_title == "$ unipipe models compare fraud 2 3"


async def test_a_version_is_rejected_for_a_reason_and_accepted_again_at_once(models_world: World) -> None:
    app = Unipipe(models_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-version", Input).value == "3"
        assert app.screen.query_one("#entry-reason", Input).has_focus
        await pilot.press("escape", "j", "x")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))

        assert "Accept fraud version 2 again" in str(app.screen.query_one("#title", Static).content)


async def test_promoting_the_rejected_version_under_the_cursor_says_why_not(models_world: World) -> None:
    app = Unipipe(models_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("j", "p")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))

        assert any("rejected by bob: leaks" in str(static.content) for static in app.screen.query(Static))


async def test_a_card_that_cannot_be_made_says_why(models_world: World) -> None:
    app = Unipipe(models_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        app.screen._newest = replace(app.screen._newest, world=replace(app.world, tracking=FakeTracking()))  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen) and "no registered model" in read(app))

        assert isinstance(app.screen.query_one(Reading), Reading)
