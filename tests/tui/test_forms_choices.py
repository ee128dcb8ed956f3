"""Choosing in a form: what lies below a field, with which keys one goes through it, and that it keeps nobody from typing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.fakes import FakeTarget, FakeTracking, staying
from tests.tui.conftest import until, version_of
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.models.registry import PromoteModel
from unipipe_tui.actions.world import World
from unipipe_tui.domain.tracking import RegisteredModel
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.surroundings import Surroundings
from unipipe_tui.tui.widgets.choices import MOST_OPTIONS, ChoiceList

LINES_AND_BORDER = 8


class Form:
    """A form in hand."""

    def __init__(self, pilot: Pilot[None], screen: FormScreen) -> None:
        self.pilot = pilot
        self.screen = screen
        self.answers: list[Any] = []

    async def opened(self) -> Form:
        """Open it over what is there."""
        await self.pilot.app.push_screen(self.screen, self.answers.append)
        return self

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def offers(self, field: str) -> list[str]:
        """The values below a field, as soon as there are any."""
        await until(self.pilot, lambda: self.list_of(field).option_count)
        return self.values(field)

    def values(self, field: str) -> list[str]:
        return [choice.value for choice in self.list_of(field).choices] if self.list_of(field).is_open else []

    def list_of(self, field: str) -> ChoiceList:
        return self.screen.query_one(f"#choices-{field}", ChoiceList)

    def entry(self, field: str) -> Input:
        return self.screen.query_one(f"#entry-{field}", Input)

    def said_of(self, field: str) -> str:
        said = self.screen.query_one(f"#wrong-{field}", Static)
        return str(said.content) if said.display else ""

    def lines(self, field: str) -> list[str]:
        """The list as it is painted, without its border."""
        shown = self.list_of(field)
        return [shown.render_line(y).text for y in range(shown.size.height)]


PROMOTE = action_named("models promote")
KNOWN = {"model": "fraud-detector"}


async def test_the_arrows_go_through_the_choices_and_enter_takes_one_and_then_goes_on(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(PROMOTE, KNOWN, busy_world)).opened()
        assert await form.offers("version") == ["3", "2", "1"]
        assert form.list_of("version").border_subtitle == "3 of 3"
        await form.press("down", "down", "up", "down")
        (line,) = (line for line in form.lines("version") if line.startswith("❯"))
        assert line.startswith("❯ 2  champion · served by local")
        await form.press("enter")
        assert form.entry("version").value == "2"
        assert form.values("version") == []
        assert (
            str(form.screen.query_one("#command-line", Static).content) == "$ unipipe models promote fraud-detector 2"
        )
        await form.press("enter")

    assert form.answers == [PromoteModel("fraud-detector", 2)]


async def test_who_types_is_not_hindered_by_the_choices(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(PROMOTE, KNOWN, busy_world)).opened()
        await form.offers("version")
        await form.press("2")
        # A list that only repeats what stands in the field is none.
        assert form.values("version") == []
        await form.press("tab")
        assert form.screen.focused is form.entry("to")
        assert await form.offers("to") == ["champion", "challenger"]
        await form.press("ctrl+u", *"chal")
        assert form.values("to") == ["challenger"]
        await form.press("enter")

    assert form.answers == [PromoteModel("fraud-detector", 2, "chal")]


async def test_escape_closes_the_choices_first_and_then_the_form(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(PROMOTE, KNOWN, busy_world)).opened()
        await form.offers("version")
        await form.press("escape")
        assert form.values("version") == []
        assert form.answers == []
        await form.press("down")
        assert form.list_of("version").pointed is not None
        await form.press("up")
        assert form.list_of("version").pointed is None
        await form.press("escape", "escape")

    assert form.answers == [None]


async def test_a_click_takes_a_choice_and_the_field_keeps_the_keys(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(PROMOTE, KNOWN, busy_world)).opened()
        await form.offers("version")
        await pilot.click(form.list_of("version"), offset=(3, 3))
        await pilot.pause()
        assert form.entry("version").value == "1"
        assert form.entry("version").has_focus


async def test_several_values_are_taken_one_after_the_other(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(action_named("pipeline run"), {"stages": "ingest"}, busy_world)).opened()
        form.entry("stages").focus()
        assert "train" in await form.offers("stages")
        await form.press("down", "enter", *"tra")
        assert form.values("stages") == ["train"]
        await form.press("down", "enter")
        assert form.entry("stages").value == "ingest validate train "


async def test_a_value_that_is_not_among_the_choices_is_warned_of_and_not_refused(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(PROMOTE, KNOWN, busy_world)).opened()
        await form.offers("version")
        await form.press("9")
        assert form.said_of("version") == "! 9: not among the versions."
        await form.press("enter")

    assert form.answers == [PromoteModel("fraud-detector", 9)]


async def test_other_versions_are_offered_when_the_form_names_another_model(busy_world: World) -> None:
    models = (RegisteredModel("fraud-detector", (), 1), RegisteredModel("churn", (), None))
    world = staying(busy_world, tracking=FakeTracking(models=models, versions=(version_of(1),)))
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(PROMOTE, {"version": "1"}, world)).opened()
        assert await form.offers("model") == ["churn", "fraud-detector"]
        await form.press("tab")
        await until(pilot, lambda: form.said_of("version") == "")
        await form.press("shift+tab", *"churn", "tab")
        await until(pilot, lambda: form.said_of("version"))
        assert form.said_of("version") == "There are no versions to choose from."


async def test_what_cannot_be_listed_is_said_softly_and_typed_freely(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(action_named("serve start"), {"target": "local"}, world)).opened()
        await until(pilot, lambda: form.said_of("version"))
        assert form.said_of("version") == "versions cannot be listed: No model is configured."
        assert form.screen.query_one("#wrong-version").has_class("-remark")
        await form.press("4", "enter")

    assert form.answers[0].version == 4


async def test_a_look_that_hangs_keeps_nobody_waiting_and_is_still_taken_when_it_answers(world: World) -> None:
    answers = threading.Event()

    def target_of(name: str) -> FakeTarget:
        answers.wait(20)
        return FakeTarget(name)

    slow = staying(world, target_of=target_of)
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(action_named("serve stop"), {}, slow, list_within_seconds=0.1)).opened()
        await until(pilot, lambda: form.said_of("target"))
        assert form.said_of("target").startswith("targets cannot be listed: No answer within 0.1 seconds.")
        await form.press("l")
        assert form.entry("target").value == "l"
        answers.set()
        assert await form.offers("target") == ["local"]
        assert form.said_of("target") == "! l: not among the targets."


@pytest.mark.parametrize(("size", "ascii"), [((80, 24), False), ((200, 50), True)], ids=["80x24", "200x50 in ascii"])
async def test_the_choices_are_whole_on_the_screen_and_never_lie_on_what_is_typed(
    busy_world: World, size: tuple[int, int], ascii: bool
) -> None:
    app = Unipipe(busy_world, Surroundings(environment={"UNIPIPE_ASCII": "1"} if ascii else {}))
    async with app.run_test(size=size) as pilot:
        form = await Form(pilot, FormScreen(action_named("runs draw"), {}, busy_world)).opened()
        # The first field and one at the end, where the list has no room below.
        for field in ("kind", "better"):
            form.entry(field).focus()
            await form.offers(field)
            (shown,) = (one for one in form.screen.query(ChoiceList) if one.is_open)
            await until(pilot, lambda field=field: form.lines(field))
            assert shown.name == field
            assert shown.region in app.screen.region
            assert shown.region.height <= LINES_AND_BORDER
            assert not shown.region.overlaps(form.entry(field).region)


async def test_of_very_many_choices_all_are_counted_and_only_some_can_be_gone_through(busy_world: World) -> None:
    many = tuple(RegisteredModel(f"model-{number:04}", (), 1) for number in range(MOST_OPTIONS + 1))
    world = staying(busy_world, tracking=FakeTracking(models=many))
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(action_named("models show"), {}, world)).opened()
        assert len(await form.offers("model")) == MOST_OPTIONS
        assert form.list_of("model").border_subtitle == f"{len(many)} of {len(many)}"
        await form.press(*"0500")
        assert form.values("model") == ["model-0500"]


async def test_markup_and_escape_sequences_in_a_name_are_shown_as_they_are_and_taken_whole(busy_world: World) -> None:
    hostile = "[red]x[/] \x1b[31my"
    world = staying(busy_world, tracking=FakeTracking(models=(RegisteredModel(hostile, (), 1, "[b]d"),)))
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await Form(pilot, FormScreen(action_named("models show"), {}, world)).opened()
        await form.offers("model")
        await until(pilot, lambda: form.lines("model")[0].startswith("  [red]x[/] y  latest 1 · [b]d"))
        await form.press("down", "enter", "enter")

    assert form.answers[0].model == hostile
