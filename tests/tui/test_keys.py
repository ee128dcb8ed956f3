"""The key table: one place for bindings, footer, help and documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

from textual.binding import Binding
from textual.dom import DOMNode

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import EVERYWHERE, PLAN, TABLES, keys_of, keys_table
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.screens.help import help_lines

TAKEN_BY_TERMINALS_AND_EDITORS = {f"ctrl+{letter}" for letter in "hjklabdim"}


def pressed(screen: str) -> list[str]:
    return [key for line in keys_of(screen) for key in line.keys.split(",")]


def test_no_key_is_one_that_terminals_keep_for_themselves() -> None:
    assert not TAKEN_BY_TERMINALS_AND_EDITORS & {key for line in keys_table() for key in line.keys.split(",")}


def test_no_key_means_two_things_in_one_place() -> None:
    for place in {line.screen for line in keys_table()}:
        here = pressed(place)
        assert len(here) == len(set(here)), place


def test_every_change_with_a_key_is_bound_to_it() -> None:
    wanted = {action.key.stroke for action in CATALOG if isinstance(action, Change) and action.key}

    assert wanted == {"r", "p", "b", "z"}
    assert wanted <= set(pressed(EVERYWHERE))


def test_the_key_that_confirms_a_plan_triggers_none() -> None:
    confirming = next(line.keys for line in keys_of(PLAN) if line.does == "run_plan")

    assert confirming == "ctrl+o"
    assert [line.id for line in keys_table() if confirming in line.keys.split(",")] == ["plan.run-it"]


def test_every_bound_key_of_the_table_is_in_the_bindings() -> None:
    lines = [line for line in keys_of(EVERYWHERE) if line.does]

    assert len(bindings_of(EVERYWHERE)) == len(lines)


def test_the_help_names_every_key_and_every_capability() -> None:
    text = "\n".join(help_lines(200))

    assert all(line.what in text for line in keys_table())
    assert all(f"  {action.name} " in text for action in CATALOG)


def test_the_documentation_can_read_the_table_without_textual() -> None:
    code = "import sys, unipipe_tui.tui.keys as k; assert k.keys_table(); sys.exit('textual' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def parts_of_the_workbench() -> tuple[type[DOMNode], ...]:
    """Every class of ours that keys can be bound in: the app knows all of them."""
    return tuple(kind for kind in descendants(DOMNode) if kind.__module__.startswith("unipipe_tui."))


def descendants(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for one in kind.__subclasses__():
        yield one
        yield from descendants(one)


def bound_in(kind: type[DOMNode]) -> set[str]:
    """The ids of the key table that the class binds."""
    return {
        binding.id
        for ancestor in kind.__mro__
        for binding in ancestor.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }


def test_every_key_of_the_table_is_bound_somewhere_and_does_something_there() -> None:
    parts = parts_of_the_workbench()
    for line in (line for line in keys_table() if line.does):
        owners = [kind for kind in parts if line.id in bound_in(kind)]
        assert owners, f"nobody binds {line.id}"
        method = line.does.partition("(")[0]
        for owner in owners:
            acting = Unipipe if method.startswith("app.") else owner
            assert hasattr(acting, f"action_{method.removeprefix('app.')}"), f"{owner.__name__} cannot do {line.id}"


def test_every_key_that_asks_for_a_capability_asks_for_one_that_there_is() -> None:
    asked = [re.search(r"ask\('([^']+)'\)", line.does) for line in keys_table()]

    assert {found[1] for found in asked if found} <= {action.name for action in CATALOG}


def test_no_key_of_a_place_hides_one_that_works_everywhere_or_in_its_tables() -> None:
    """What is at hand at one moment is told apart by its keys, but for those that a place takes over on purpose."""
    on_purpose = {("lineage", "-")}
    for place in PLACES:
        for line in keys_of(place.name):
            for key in line.keys.split(","):
                if (place.name, key) not in on_purpose:
                    assert key not in pressed(EVERYWHERE), f"{line.id} hides a key that works everywhere"
                if line.does and key != "escape":
                    assert key not in pressed(TABLES), f"{line.id} cannot be reached from a table"


def test_no_class_of_ours_binds_a_key_beside_the_table() -> None:
    known = {line.id for line in keys_table()}
    for kind in parts_of_the_workbench():
        for binding in kind.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding), kind
            assert binding.id in known, f"{kind.__name__} binds {binding.key} by itself"
