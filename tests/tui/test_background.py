"""Work off the UI thread: it answers or says why not, and it never holds up the screen or the end."""

from __future__ import annotations

import threading
import time

from tests.fakes import FakeGit, staying
from tests.tui.conftest import until
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.ports.tools import WorkTree
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.background import Problem, answer_within, begin
from unipipe_tui.tui.screens.help import HelpScreen


def fail() -> None:
    raise Failed("It broke.", hint="Mend it.")


def stumble() -> None:
    raise KeyError("a bug")


async def test_an_expected_error_becomes_a_problem_with_its_hint() -> None:
    assert await begin(fail) == Problem("It broke.", "Mend it.")


async def test_a_bug_becomes_a_problem_that_says_so() -> None:
    problem = await begin(stumble)

    assert isinstance(problem, Problem)
    assert "KeyError" in problem.message
    assert "bug" in problem.hint


async def test_work_that_takes_too_long_is_reported_and_left_alone() -> None:
    release = threading.Event()

    problem = await answer_within(0.05, release.wait)
    release.set()

    assert isinstance(problem, Problem)
    assert "0.05 seconds" in problem.message


async def test_a_tool_that_hangs_holds_up_neither_the_help_nor_the_end(world: World) -> None:
    release = threading.Event()

    class HangingGit(FakeGit):
        def work_tree(self) -> WorkTree | None:
            release.wait(30)
            return super().work_tree()

    app = Unipipe(staying(world, git=HangingGit()))
    begun = time.monotonic()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("?")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape", "q")
    took = time.monotonic() - begun
    release.set()

    assert took < 5
