"""The shapes that a capability can have: a look, a watch, a change."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import Undo
from unipipe_tui.domain.values import frozen

Request = TypeVar("Request")
Decided = TypeVar("Decided")
Result = TypeVar("Result")


class Danger(StrEnum):
    """How much a change asks for before it runs."""

    NONE = "none"
    """Only adds something: runs at once."""
    CONFIRM = "confirm"
    """Shows its plan and asks."""


@frozen
class Key:
    """The keystroke that asks for the capability in the terminal front end."""

    stroke: str
    label: str


@frozen
class Look(Generic[Request, Result]):
    """Answers a question; changes nothing."""

    name: str
    """The words on the command line: `models list`."""
    request: type[Request]
    look: Callable[[Request, World], Result]
    example: str
    repeatable: bool = False
    """Whether `--watch` shows it again and again."""
    csv: Callable[[Result], str] | None = None
    """The answer as a table for `--csv`, when it is one."""

    @property
    def help(self) -> str:
        """What the capability does: the docstring of its function."""
        return inspect.getdoc(self.look) or ""


@frozen
class Watch(Generic[Request, Result]):
    """Follows something until it ends, telling what happens; changes nothing."""

    name: str
    request: type[Request]
    watch: Callable[[Request, World, Progress], Result]
    example: str

    @property
    def help(self) -> str:
        """What the capability does: the docstring of its function."""
        return inspect.getdoc(self.watch) or ""


@frozen
class Done(Generic[Result]):
    """What a change answers with, and how to take it back when that is possible."""

    result: Result
    undo: Undo | None = None
    detail: str = ""
    """One line for the audit."""
    quiet: bool = False
    """Whether nothing came of it, so that its job need not be listed and is forgotten after a while."""


@frozen
class Change(Generic[Request, Decided, Result]):
    """Changes something: decides first (`plan`), acts after (`apply`)."""

    name: str
    request: type[Request]
    plan: Callable[[Request, World], Plan[Decided]]
    apply: Callable[[Plan[Decided], World, Progress], Done[Result]]
    example: str
    danger: Danger = Danger.CONFIRM
    key: Key | None = None
    folder: Callable[[Request], Path] | None = None
    """The project that it makes or works in, when that is not the one around us."""
    answer: Callable[[Request, World], Result | None] | None = None
    """What to say at once to a request that asks for no change at all; None to any other one."""
    only_looks: Callable[[Request, World], bool] | None = None
    """Whether a request changes nothing in spite of all, so that it may be carried out where nothing may be changed."""
    stands_for: Callable[[Request], tuple[str, ...]] | None = None
    """The command line, when it is another capability's: each command of a user's own is one of `user run`."""

    def home(self, request: Request, world: World) -> World:
        """The world that the change belongs to."""
        return world.elsewhere(self.folder(request)) if self.folder else world

    @property
    def help(self) -> str:
        """What the capability does: the docstring of its planning function."""
        return inspect.getdoc(self.plan) or ""


Action = Look[Any, Any] | Watch[Any, Any] | Change[Any, Any, Any]


def exit_code_of(result: object) -> ExitCode:
    """The exit code that an answer asks for: one that can say no (a closed gate, drift) has an `exit_code`."""
    code = getattr(result, "exit_code", ExitCode.DONE)
    return code if isinstance(code, ExitCode) else ExitCode.DONE
