"""Forms: what a person types becomes the same request that the command line would make."""

from __future__ import annotations

import shlex
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from unipipe_tui.actions.action import Action
from unipipe_tui.actions.catalog import CATALOG, action_named
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.models.registry import PromoteModel
from unipipe_tui.actions.request import Field, fields_of
from unipipe_tui.actions.runs.comparison import CompareRuns
from unipipe_tui.cli.commands import Options, build_app
from unipipe_tui.tui.forms import fill, ordered_fields, read_command_line, texts_of

HERE = Path("/somewhere/project")
PROMOTE = action_named("models promote")


def a_value(field: Field) -> Any:
    """Something that is not the default and that a shell must quote."""
    if issubclass(field.kind, Enum):
        return next(member for member in field.kind if member is not field.default)
    value = {str: "it's a 'word'", int: 7, float: 0.5, bool: not field.default, Path: HERE / "a b.csv"}[field.kind]
    return (value, value) if field.many else value


def parsed(words: tuple[str, ...]) -> Any:
    """The request that the real command line makes of these words."""
    made: list[Any] = []

    def handle(action: Action, request: Any, options: Options) -> None:
        made.append(request)

    build_app(handle)(args=list(words), standalone_mode=False)
    return made[0]


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_a_filled_form_and_its_command_line_ask_for_the_same(action: Action) -> None:
    request = action.request(**{field.name: a_value(field) for field in fields_of(action.request)})

    filled = fill(action, texts_of(action, request), HERE)

    assert filled.request == request
    assert parsed(command_line(action, filled.request)[1:]) == request


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_a_command_line_can_be_read_back_into_the_form(action: Action) -> None:
    request = action.request(**{field.name: a_value(field) for field in fields_of(action.request)})

    suggested = read_command_line(shlex.join(command_line(action, request)))

    assert suggested is not None
    assert suggested.action is action
    assert suggested.complete
    assert fill(action, suggested.texts, HERE).request == request


def test_the_objects_come_first_and_then_what_must_be_given() -> None:
    assert [field.name for field in ordered_fields(PROMOTE)] == ["model", "version", "to", "reason"]


def test_a_wrong_value_is_named_by_its_field() -> None:
    filled = fill(PROMOTE, {"model": "m", "version": "three"}, HERE)

    assert filled.request is None
    assert filled.wrong == {"version": "'three' is not a whole number."}
    assert fill(PROMOTE, {"model": "m", "version": "9" * 20}, HERE).wrong == {"version": f"{'9' * 20} is too large."}


def test_what_must_be_given_is_missed() -> None:
    assert fill(PROMOTE, {"model": "  "}, HERE).wrong == {"model": "This is needed.", "version": "This is needed."}


def test_an_emptied_field_means_its_default() -> None:
    assert fill(PROMOTE, {"model": "m", "version": "3", "to": ""}, HERE).request == PromoteModel("m", 3)


def test_several_values_are_told_apart_like_in_a_shell() -> None:
    compare = action_named("runs compare")

    assert fill(compare, {"runs": "abc 'd e'"}, HERE).request == CompareRuns(("abc", "d e"))
    assert fill(compare, {"runs": "abc 'd"}, HERE).wrong == {"runs": "A quotation mark is not closed."}


def test_a_relative_path_begins_at_the_project_because_the_job_starts_there() -> None:
    assert fill(action_named("store backup"), {"to": "../copy.duckdb"}, HERE).request.to == HERE.parent / "copy.duckdb"


@pytest.mark.parametrize("line", ["dvc pull", "unipipe", "unipipe no such", "unipipe models promote 'x", ""])
def test_a_command_line_of_another_kind_is_not_taken_for_ours(line: str) -> None:
    assert read_command_line(line) is None


def test_a_placeholder_in_a_suggestion_is_left_for_the_person_to_fill() -> None:
    suggested = read_command_line("unipipe retrain --reason '...'")

    assert suggested is not None
    assert not suggested.complete
    assert "reason" not in suggested.texts
