"""A request, its command line and the parser agree: request → argv → Typer → the same request, for every capability."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.actions.action import Action, Change
from unipipe_tui.actions.catalog import CATALOG, action_named
from unipipe_tui.actions.command_line import PROGRAM, approved, command_line, request_of
from unipipe_tui.actions.models.registry import PromoteModel
from unipipe_tui.actions.request import Field, fields_of
from unipipe_tui.cli.commands import Options, build_app

TEXT = st.one_of(
    st.sampled_from(
        ["", "-", "--", "---", "-x", "--help", "--json", "-1", "a b", "it's", '"', "$HOME", "`x`", "*", "=", "@f"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12),
)
PATHS = st.one_of(st.sampled_from([".", "..", "-", "-x", "--", "a b/c", "/", "~"]), TEXT).map(Path)
KINDS: dict[type, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**40), 2**40),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    Path: PATHS,
}


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Anything that a field may hold, and its default more often than chance would."""
    values = st.sampled_from(field.kind) if issubclass(field.kind, Enum) else KINDS[field.kind]
    if field.many:
        values = st.lists(values, min_size=field.required, max_size=4).map(tuple)
    if field.optional:
        values = st.none() | values
    return values if field.required else st.just(field.default) | values


def requests_of(action: Action) -> st.SearchStrategy[Any]:
    return st.builds(action.request, **{field.name: values_of(field) for field in fields_of(action.request)})


class Parser:
    """The real command line, built once; hands over what it understood instead of doing it."""

    def __init__(self) -> None:
        self._heard: list[tuple[Action, Any, Options]] = []
        self._command = typer.main.get_command(build_app(lambda *heard: self._heard.append(heard)))

    def understood(self, words: Sequence[str]) -> tuple[Action, Any, Options]:
        """The action, request and options that these words ask for."""
        self._heard.clear()
        with pytest.raises(SystemExit) as ended:
            self._command(args=list(words), prog_name=PROGRAM)
        assert ended.value.code in (0, None), words
        (heard,) = self._heard
        return heard


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser()


@pytest.mark.parametrize("name", [action.name for action in CATALOG])
@settings(max_examples=30)
@given(data=st.data())
def test_the_command_line_of_a_request_asks_for_that_request(parser: Parser, name: str, data: st.DataObject) -> None:
    action = action_named(name)
    request = data.draw(requests_of(action))
    argv = command_line(action, request)
    assert all(isinstance(word, str) for word in argv)
    assert parser.understood(argv[1:]) == (action, request, Options())


@pytest.mark.parametrize("name", [action.name for action in CATALOG])
@settings(max_examples=30)
@given(data=st.data())
def test_a_recorded_command_line_is_read_back_as_the_request_that_it_was(name: str, data: st.DataObject) -> None:
    action = action_named(name)
    request = data.draw(requests_of(action))
    assert request_of(action, command_line(action, request)) == request


def test_the_command_line_is_as_short_as_a_person_would_type_it() -> None:
    promote = action_named("models promote")
    assert command_line(promote, PromoteModel("fraud-detector", 3)) == (
        "unipipe",
        "models",
        "promote",
        "fraud-detector",
        "3",
    )
    assert command_line(promote, PromoteModel("-odd", 3, to="blue")) == (
        "unipipe",
        "models",
        "promote",
        "--to=blue",
        "--",
        "-odd",
        "3",
    )


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_the_example_of_a_capability_is_understood(parser: Parser, action: Action) -> None:
    program, *words = shlex.split(action.example)
    assert program == PROGRAM
    assert parser.understood(words)[0] is action


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_a_request_says_what_each_of_its_fields_is_and_only_its_first_ones_are_positional(action: Action) -> None:
    assert dataclasses.is_dataclass(action.request)
    for field in fields_of(action.request):
        assert field.help.endswith("."), field
        assert not field.positional or field.kind is not bool


CHANGES = [action.name for action in CATALOG if isinstance(action, Change)]


@given(data=st.data(), name=st.sampled_from(CHANGES), typed=TEXT)
def test_what_was_approved_is_asked_for_with_the_plan_and_the_name_that_was_typed(
    parser: Parser, data: st.DataObject, name: str, typed: str
) -> None:
    action = action_named(name)
    request = data.draw(requests_of(action))
    words = approved(action, command_line(action, request), "0123456789ab", typed)
    assert parser.understood(words) == (action, request, Options(yes=True, plan="0123456789ab", confirm=typed))
