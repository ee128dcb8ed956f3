"""A look that takes long is not asked again and again, and the newest question is never lost."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from textual.app import App
from textual.widget import Widget

from tests.tui.conftest import until
from unipipe_tui.actions.action import Look
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed
from unipipe_tui.tui.widgets.drawing import Painter
from unipipe_tui.tui.widgets.picture_pane import REST, PicturePane
from unipipe_tui.wiring import build_world

SECONDS = 0.05


class Asked:
    """A look that takes its time, and counts."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def look(self, request: str, world: World) -> str:
        """Answers with the request."""
        self.requests.append(request)
        time.sleep(SECONDS)
        if request == "bad":
            raise Failed("It failed.")
        return f"{request} {len(self.requests)}"


class Pane(PicturePane[str]):
    TITLE = "Picture"

    def painter_of(self, answer: str) -> Painter:
        return lambda width, height: [((answer[:width], ""),)]


class Shown(App[None]):
    def compose(self) -> Iterable[Widget]:
        yield Pane()


async def test_the_same_is_asked_again_only_after_a_rest_and_another_thing_at_once(project: Path) -> None:
    world, asked, app = build_world(project), Asked(), Shown()
    look = Look("x", str, asked.look, "x")
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query_one(Pane)
        pane.ask(look, "a", world)
        await until(pilot, lambda: pane.answer == "a 1")
        for _ in range(20):
            pane.ask(look, "a", world)
        assert asked.requests == ["a"]
        pane.ask(look, "b", world)
        await until(pilot, lambda: pane.answer == "b 2")
        begun = time.monotonic()
        pane.ask(look, "b", world)
        await until(pilot, lambda: pane.answer == "b 3")
        assert time.monotonic() - begun >= SECONDS * (REST - 1)
        assert pane.drawing.text == "b 3"


async def test_a_problem_is_told_where_the_picture_would_be(project: Path) -> None:
    world, asked, app = build_world(project), Asked(), Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query_one(Pane)
        pane.ask(Look("x", str, asked.look, "x"), "bad", world)
        await until(pilot, lambda: "It failed." in pane.drawing.text)
        pane.forget()
        assert pane.drawing.text == "Looking …"
