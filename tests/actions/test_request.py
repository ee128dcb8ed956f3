"""What a front end is told of a request's fields, and of the words that the catalog is made of."""

from __future__ import annotations

import dataclasses
from dataclasses import FrozenInstanceError, dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest

from unipipe_tui.actions.action import Action, Change, Look
from unipipe_tui.actions.catalog import CATALOG, NOUNS, action_named
from unipipe_tui.actions.request import OBJECT, Field, Names, Short, fields_of


class Colour(StrEnum):
    """A choice."""

    RED = "red"


@dataclass(frozen=True)
class Everything:
    """One field of each kind."""

    name: Annotated[str, OBJECT, "Its name."]
    files: Annotated[tuple[Path, ...], "Its files."] = ()
    how_many: Annotated[int, "How many.", Short("n")] = 3
    colour: Annotated[Colour | None, "Its colour."] = None
    loud: Annotated[bool, "Whether it is loud."] = False
    target: Annotated[str | None, "Where.", Names.TARGET] = None


def test_a_field_is_told_by_its_type_and_its_annotations() -> None:
    missing = dataclasses.MISSING
    assert fields_of(Everything) == (
        Field("name", str, "Its name.", missing, positional=True, many=False, optional=False, short=None),
        Field("files", Path, "Its files.", (), positional=False, many=True, optional=False, short=None),
        Field("how_many", int, "How many.", 3, positional=False, many=False, optional=False, short="n"),
        Field("colour", Colour, "Its colour.", None, positional=False, many=False, optional=True, short=None),
        Field("loud", bool, "Whether it is loud.", False, positional=False, many=False, optional=False, short=None),
        Field("target", str, "Where.", None, False, many=False, optional=True, short=None, names=Names.TARGET),
    )


def test_a_flag_is_the_name_with_dashes_and_a_field_without_a_default_is_required() -> None:
    name, _, how_many, *_ = fields_of(Everything)
    assert how_many.flag == "--how-many"
    assert name.required
    assert not how_many.required


def test_every_capability_has_a_name_of_its_own() -> None:
    names = [action.name for action in CATALOG]
    assert len(set(names)) == len(names)
    assert [action_named(name) for name in names] == list(CATALOG)


def test_every_noun_is_told_and_has_a_capability() -> None:
    assert {name.partition(" ")[0] for name in (action.name for action in CATALOG) if " " in name} == set(NOUNS)


def test_no_key_asks_for_two_capabilities() -> None:
    strokes = [action.key.stroke for action in CATALOG if isinstance(action, Change) and action.key]
    assert strokes
    assert len(set(strokes)) == len(strokes)


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_a_capability_says_what_it_does_in_a_sentence(action: Action) -> None:
    assert action.help[0].isupper()
    assert action.help.endswith(".")
    assert action.example.startswith(f"unipipe {action.name}")


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_a_request_is_a_value_of_kinds_that_both_front_ends_know(action: Action) -> None:
    assert "cannot assign" in _refusal_to_change(action.request)
    for field in fields_of(action.request):
        assert issubclass(field.kind, str | int | float | bool | Path | Enum), field
        assert isinstance(action, Look) or field.name not in ("json", "yes", "dry_run", "detach", "plan", "confirm")


NAMED = {
    "model": {Names.MODEL},
    "version": {Names.VERSION},
    "target": {Names.TARGET},
    "stage": {Names.STAGE},
    "stages": {Names.STAGE},
    "run": {Names.RUN, Names.WRITABLE_RUN},
    "runs": {Names.RUN, Names.WRITABLE_RUN, Names.DELETED_RUN},
    "experiment": {Names.EXPERIMENT},
    "metric": {Names.METRIC},
    "job": {Names.JOB},
    "alert": {Names.ALERT},
    "thing": {Names.THING},
}


def test_a_field_that_is_called_like_something_that_is_listed_says_that_it_names_it() -> None:
    called = [(action.name, field) for action in CATALOG for field in fields_of(action.request) if field.name in NAMED]

    assert {field.name for _, field in called} == set(NAMED)
    assert [(name, field.name) for name, field in called if field.names not in NAMED[field.name]] == []


def test_every_kind_of_thing_that_can_be_named_is_named_by_some_field() -> None:
    assert {field.names for action in CATALOG for field in fields_of(action.request)} - {None} == set(Names)


def _refusal_to_change(request: type[Any]) -> str:
    with pytest.raises(FrozenInstanceError) as refused:
        object.__new__(request).anything = 1
    return str(refused.value)
