"""The key table: one place for bindings, footer, help and documentation."""

from __future__ import annotations

import subprocess
import sys

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import EVERYWHERE, PLAN, keys_of, keys_table
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
