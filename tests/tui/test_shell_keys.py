"""A user's own keys: what is refused, and that everything that names a key names the chosen one."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.config import KeyChoice, UserConfig, read_user_config, state_folder, user_config_path
from unipipe_tui.tui.chosen_keys import KEPT, chosen_table
from unipipe_tui.tui.keys import EVERYWHERE, FORM, MODELS, PLAN, TABLES, KeyLine, keys_table

TABLE = (
    KeyLine(EVERYWHERE, "@", "Log", "", "log"),
    KeyLine(EVERYWHERE, "?", "Help", "", "help"),
    KeyLine(EVERYWHERE, "q", "Quit", "", "leave"),
    KeyLine(EVERYWHERE, "r", "Retrain", "", "ask('retrain')"),
    KeyLine(MODELS, "c", "Check", "", "app.ask('models check')"),
    KeyLine(TABLES, "j,down", "Down", "", "down"),
    KeyLine(PLAN, "y", "Copy", "", "copy"),
    KeyLine(PLAN, "n,q,escape", "Cancel", "", "close"),
    KeyLine(FORM, "enter", "Go on", ""),
)


def chosen(**keys: str) -> tuple[KeyChoice, ...]:
    return tuple(KeyChoice(id.replace("__", "."), tuple(key.split()), "c, line 1") for id, key in keys.items())


def config(folder: Path, text: str) -> UserConfig:
    path = folder / "config.yaml"
    path.write_text(text)
    return read_user_config(path)


def test_every_key_has_an_id_of_its_own() -> None:
    ids = [line.id for line in keys_table()]

    assert sorted(id for id in set(ids) if ids.count(id) > 1) == []
    assert "models.check" in ids


def test_the_configuration_is_where_the_standard_or_the_user_says() -> None:
    assert user_config_path({"HOME": "/h"}) == Path("/h/.config/unipipe/config.yaml")
    assert user_config_path({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/unipipe/config.yaml")
    assert user_config_path({"XDG_CONFIG_HOME": "not/absolute", "HOME": "/h"}) == Path("/h/.config/unipipe/config.yaml")
    assert user_config_path({"UNIPIPE_CONFIG": "/own.yaml", "XDG_CONFIG_HOME": "/x"}) == Path("/own.yaml")
    assert state_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/unipipe")
    assert state_folder({"HOME": "/h"}) == Path("/h/.local/state/unipipe")


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"

    assert read_user_config(path) == UserConfig(path=path)


def test_all_that_can_be_said_is_read(tmp_path: Path) -> None:
    said = config(
        tmp_path, "theme: colour-blind\nascii: true\nread_only: yes\nkeys:\n  models.check: C\n  plan.copy: [y, n]\n"
    )

    assert (said.theme, said.ascii, said.read_only, said.problems) == ("colour-blind", True, True, ())
    assert [(choice.id, choice.keys) for choice in said.keys] == [("models.check", ("C",)), ("plan.copy", ("y", "n"))]
    assert said.keys[1].where.endswith("config.yaml, line 6")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("thme: dark", "line 1", "unknown key `thme`"),
        ("ascii: true\ntheme: pink", "line 2", "`theme` is `pink`"),
        ("keys: [a]", "line 1", "`keys`"),
        ("keys:\n  models.check: {a: b}", "line 2", "`keys.models.check`"),
        ("keys:\n  models.check: []", "line 2", "`keys.models.check`"),
        ("keys:\n  a.b: x\n  a.b: y", "line 3", "there already"),
        ("keys: {a: b", "line 1", "expected"),
        ("- a", "line 1", "the file"),
        ("!!python/object/apply:os.system [id]", "line 1", "the file"),
    ],
)
def test_a_fault_is_one_sentence_that_names_its_line(tmp_path: Path, text: str, line: str, words: str) -> None:
    (problem,) = config(tmp_path, text).problems

    assert line in problem
    assert words in problem


def test_one_fault_costs_one_key(tmp_path: Path) -> None:
    said = config(tmp_path, "theme: pink\nascii: true\nkeys: {models.check: C}\n")

    assert (said.theme, said.ascii, len(said.keys), len(said.problems)) == (None, True, 1, 1)


def test_who_may_have_wanted_read_only_gets_it(tmp_path: Path) -> None:
    assert config(tmp_path, "read_only: perhaps").read_only


def test_a_chosen_key_stands_in_the_table_and_nothing_else_moves() -> None:
    table = chosen_table(TABLE, chosen(models__check="C", tables__down="n down"))

    assert table.problems == ()
    assert table.keys_of("models.check") == ("C",)
    assert table.keys_of("tables.down") == ("n", "down")
    moved = [line.id for line, was in zip(table.lines, TABLE, strict=True) if line != was]
    assert moved == ["models.check", "tables.down"]


@pytest.mark.parametrize("key", sorted(KEPT))
def test_keys_that_terminals_keep_are_refused(key: str) -> None:
    table = chosen_table(TABLE, chosen(models__check=key))

    assert table.lines == TABLE
    assert table.problems == (f"c, line 1: {key} cannot be used for `models.check`: terminals keep it for themselves.",)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (chosen(models__chek="C"), "there is no `models.chek`"),
        (chosen(models__check="controll+x"), "`controll+x` is no key"),
        (chosen(form__go_on="x"), "there is no `form.go_on`"),
        ((KeyChoice("form.go-on", ("f5",), "c, line 1"),), "`form.go-on` keeps its key (enter)"),
        (chosen(models__check="q"), "q of `models.check` is the key of `everywhere.quit` already"),
        (chosen(models__check="j"), "j of `models.check` is the key of `tables.down` already"),
        (chosen(everywhere__help="c"), "c of `everywhere.help` is the key of `models.check` already"),
        (chosen(plan__copy="n"), "n of `plan.copy` is the key of `plan.cancel` already"),
        (chosen(models__check="X X"), "X is given twice"),
        (chosen(everywhere__help="Z", everywhere__log="Z"), "Z of `everywhere.help` is the key of `everywhere.log`"),
    ],
)
def test_what_cannot_be_is_refused_with_one_message(choice: tuple[KeyChoice, ...], said: str) -> None:
    table = chosen_table(TABLE, choice)

    assert table.lines == TABLE
    assert said in table.problems[0]
    assert table.problems[0].startswith("c, line 1: ")


def test_two_things_can_change_keys_with_each_other() -> None:
    table = chosen_table(TABLE, chosen(everywhere__help="@", everywhere__log="?"))

    assert table.problems == ()
    assert (table.keys_of("everywhere.help"), table.keys_of("everywhere.log")) == (("@",), ("?",))


def test_dialogs_may_use_a_key_again() -> None:
    assert chosen_table(TABLE, chosen(plan__copy="r")).problems == ()
