"""Whatever becomes of the program that the terminal was lent to, the workbench takes it back."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.fakes import FakeTerminal
from tests.tui.conftest import expect_soon, looked, until
from tests.tui.shells import around, told
from unipipe_tui.actions.world import World
from unipipe_tui.config import UserConfig
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import OutsideWanted
from unipipe_tui.tui.shell import PROBLEMS_TOLD, told_shortly


class LentAsTextualDoes(Unipipe):
    """Takes the terminal back after the block, and after an error in it never."""

    CSS_PATH: ClassVar = [Path(str(inspect.getfile(Unipipe))).parent / name for name in Unipipe.CSS_PATH]
    is_lent = False

    @contextmanager
    def suspend(self) -> Iterator[Any]:
        self.is_lent = True
        yield
        self.is_lent = False


class Broken(FakeTerminal):
    def __init__(self, error: Exception | None, code: int = 0) -> None:
        super().__init__()
        self._error, self._code = error, code

    def run_in_front(self, argv: Sequence[str], cwd: Path) -> int:
        if self._error:
            raise self._error
        return self._code


@pytest.mark.parametrize(
    ("terminal", "words"),
    [
        (Broken(ToolMissing("ed cannot be started.", hint="Install it.")), "ed cannot be started. Install it."),
        (
            Broken(FileNotFoundError(2, "No such file or directory")),
            "ed cannot be started (No such file or directory).",
        ),
        (Broken(None, 3), "ed ended with 3."),
    ],
    ids=["missing", "folder gone", "failed"],
)
async def test_a_program_that_fails_gives_the_terminal_back_and_is_told(
    world: World, tmp_path: Path, terminal: FakeTerminal, words: str
) -> None:
    app = LentAsTextualDoes(world, around(tmp_path, terminal=terminal, EDITOR="ed"))
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        app.screen.post_message(OutsideWanted("text", editor=True))
        await until(pilot, lambda: words in told(app))

        assert not app.is_lent


def test_many_faults_of_a_configuration_are_told_in_a_few_lines() -> None:
    path = Path("/home/ada/.config/unipipe/config.yaml")
    problems = [f"{path}, line {number}: " + "no such theme " * 20 for number in range(9)]
    said = told_shortly(problems, path)

    assert len(said) == PROBLEMS_TOLD + 1
    assert said[0].startswith("line 0: no such theme")
    assert max(map(len, said)) <= 150
    assert said[-1] == "6 more; all of it: unipipe doctor"
    assert told_shortly(problems[:1], path)[-1] == "All of it: unipipe doctor"


async def test_the_faults_are_said_when_the_workbench_opens(world: World, tmp_path: Path) -> None:
    app = Unipipe(world, around(tmp_path, user=UserConfig(problems=("c, line 2: no such theme.",))))
    async with app.run_test(size=(100, 30)) as pilot:
        await expect_soon(pilot, lambda: "no such theme" in told(app))
