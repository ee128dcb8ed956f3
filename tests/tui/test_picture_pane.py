"""A look that takes long is not asked again and again, and the newest question is never lost."""

from __future__ import annotations

import asyncio
import threading
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


class Impatient(Pane):
    WITHIN_SECONDS = SECONDS / 5


class Shown(App[None]):
    def compose(self) -> Iterable[Widget]:
        yield Pane()
        yield Impatient(id="impatient")


async def test_the_same_is_asked_again_only_after_a_rest_and_another_thing_at_once(project: Path) -> None:
    world, asked, app = build_world(project), Asked(), Shown()
    look = Look("x", str, asked.look, "x")
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query(Pane).first()
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
        begun = time.monotonic()
        pane.ask(look, "b", world, "a check was recorded")
        await until(pilot, lambda: pane.answer == "b 4")
        assert time.monotonic() - begun < SECONDS * (REST - 1)


async def test_a_problem_is_told_where_the_picture_would_be(project: Path) -> None:
    world, asked, app = build_world(project), Asked(), Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query(Pane).first()
        pane.ask(Look("x", str, asked.look, "x"), "bad", world)
        await until(pilot, lambda: "It failed." in pane.drawing.text)
        pane.forget()
        assert pane.drawing.text == "Looking …"


async def test_what_a_first_answer_waits_for_is_told_instead_of_a_suspicion_that_something_hangs(project: Path) -> None:
    world, app, answering = build_world(project), Shown(), threading.Event()
    async with app.run_test(size=(60, 10)) as pilot:
        pane = app.query_one(Impatient)
        pane.ask(Look("x", str, lambda request, world: str(answering.wait(5)), "x"), "a", world)
        pane.say_waiting("50 of 2,500 segments …")
        await asyncio.sleep(SECONDS)
        waiting = str(pane.border_title), pane.problem, pane.drawing.text
        answering.set()
        await until(pilot, lambda: pane.answer == "True")
        pane.say_waiting("50 of 2,500 segments …")
        after = str(pane.border_title)
        pane.forget()
        answering.clear()
        pane.ask(Look("x", str, lambda request, world: str(answering.wait(5)), "x"), "b", world)
        await until(pilot, lambda: pane.problem)
        pane.say_waiting("50 of 2,500 segments …")
        late = str(pane.border_title), pane.problem
        answering.set()
    assert "50 of 2,500 segments" in waiting[0]
    assert waiting[1:] == (None, "")
    assert "segments" not in after
    assert "50 of 2,500 segments" in late[0]
    assert late[1] is None
