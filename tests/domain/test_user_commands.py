"""A user's own command: every value is one argument, nothing of it becomes an option or a command of a shell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.user_commands import TypedInput, UserCommand


def command(*run: str, **more: Any) -> UserCommand:
    return UserCommand("mine", run, **more)


def test_gaps_are_filled_wherever_they_stand_and_braces_can_be_meant() -> None:
    notes = command("notes", "--model={model}", "v{version}", "{{{model}}}", "{input:why}", inputs=(TypedInput("why"),))

    argv = notes.argv({"model": "fraud", "version": "3"}, {"why": "it is better"})

    assert argv == ("notes", "--model=fraud", "v3", "{fraud}", "it is better")
    assert (notes.fields, notes.typed) == (("model", "version"), ("why",))


@given(st.text())
def test_a_value_is_one_argument_whatever_it_holds(value: str) -> None:
    try:
        argv = command("show", "--", "{model}", "x").argv({"model": value}, {})
    except Refused:
        assert "\0" in value
    else:
        assert argv == ("show", "--", value, "x")


@pytest.mark.parametrize("value", ["-rf", "--force", "-", "--"])
def test_a_value_never_becomes_an_option(value: str) -> None:
    with pytest.raises(Refused, match="option"):
        command("rm", "{model}").argv({"model": value}, {})

    assert command("rm", "--", "{model}").argv({"model": value}, {})[-1] == value
    assert command("rm", "--name={model}", "-{model}").argv({"model": value}, {})[1] == f"--name={value}"


def test_a_value_before_the_end_of_options_is_judged_as_well() -> None:
    with pytest.raises(Refused):
        command("git", "{model}", "--", "x").argv({"model": "-c"}, {})


def test_a_value_that_is_missing_or_wanted_nowhere_is_named() -> None:
    with pytest.raises(UsageError, match="--field model"):
        command("show", "{model}").argv({}, {})
    with pytest.raises(UsageError, match="--input why"):
        command("show", "{model}").argv({"model": "x"}, {"why": "y"})


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ((), "runs nothing"),
        (("  ",), "runs nothing"),
        (("{model}",), "program must be named"),
        (("echo", "{model"), "brace stands alone"),
        (("echo", "a}b"), "brace stands alone"),
        (("echo", "{Model!r}"), "names no field"),
        (("echo", "{}"), "names no field"),
        (("echo", "{input:why}"), "`inputs` has no `why`"),
        (("sh", "-c", "echo {model}"), "a shell would read"),
        (("/bin/bash", "-l", "-ec", "echo {model}"), "a shell would read"),
        (("env", "X=1", "zsh", "-c", "{model}"), "a shell would read"),
    ],
)
def test_a_template_that_makes_no_sense_or_lets_values_be_commands_is_refused(run: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        command(*run)


def test_a_script_of_the_users_own_may_have_values_as_its_arguments() -> None:
    script = command("sh", "-c", 'echo "$1"', "sh", "{model}")

    assert script.argv({"model": "$(reboot)"}, {})[-1] == "$(reboot)"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"place": "runs", "places": ("models",)}, "both `place` and `for`"),
        ({"inputs": (TypedInput("why"),)}, "no {input:why} in `run`"),
    ],
)
def test_what_contradicts_itself_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        command("echo", **more)


def test_names_are_plain() -> None:
    for name in ("", "-x", "a'b", "x" * 33, "a\nb"):
        with pytest.raises(ValueError, match="no name for a command"):
            UserCommand(name, ("true",))
    for name in ("class", "Upper", "with blank"):
        with pytest.raises(ValueError, match="no name for an input"):
            TypedInput(name)
