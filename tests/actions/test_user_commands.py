"""A user's own command as a job: started without a shell, followed, recorded, audited; refused where nothing may be changed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import unipipe
from tests.fakes import Listening
from unipipe_tui.actions.command_line import command_line, request_of
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.user_commands import (
    LIST,
    RUN,
    ListUserCommands,
    RunUserCommand,
    UserCommandRun,
    list_user_commands,
)
from unipipe_tui.actions.world import World
from unipipe_tui.config import UserConfig
from unipipe_tui.domain.errors import Failed, Refused, ToolMissing, UsageError
from unipipe_tui.domain.events import ToolSaid
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.user_commands import TypedInput, UserCommand
from unipipe_tui.wiring import build_world

SAY = (sys.executable, "-c", "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['UNIPIPE_JOB'])")


@pytest.fixture
def world(project: Path) -> World:
    return having(
        build_world(project),
        UserCommand("say", (*SAY, "{model}", "{input:why}"), inputs=(TypedInput("why"),)),
        UserCommand("look", (*SAY, "nothing"), changes=False),
        UserCommand("ask", (*SAY, "nothing"), confirm=True),
        UserCommand("wipe", (*SAY, "nothing"), dangerous=True),
        UserCommand("fail", (sys.executable, "-c", "raise SystemExit(7)")),
        UserCommand("gone", ("no-such-program-here",)),
    )


def having(world: World, *commands: UserCommand) -> World:
    return replace(world, user=lambda: UserConfig(commands=commands))


def test_its_arguments_reach_the_program_as_they_are(world: World) -> None:
    heard = Listening()
    request = RunUserCommand("say", ("model=$(id); a b",), ("why='x'",))

    answer = perform(RUN, request, world, heard.emit, lambda: False)

    (line,) = [event.line for event in heard.events if isinstance(event, ToolSaid)]
    assert line == f"{['$(id); a b', chr(39) + 'x' + chr(39)]} {world.root} {world.job_id}"
    assert isinstance(answer, UserCommandRun)
    assert answer.last_lines == (line,)


def test_it_is_a_job_with_an_end_and_an_entry_in_the_audit(world: World) -> None:
    request = RunUserCommand("say", ("model=fraud",), ("why=because",))

    perform(RUN, request, world, Listening().emit, lambda: False)
    with pytest.raises(Failed, match="exit code 7"):
        perform(RUN, RunUserCommand("fail"), replace(world, job_id="20260309-120000-000001"), print, lambda: False)

    failed, said = world.jobs.latest(2)
    assert (said.action, said.state) == ("user run", JobState.DONE)
    assert said.command == "unipipe user run --field=model=fraud --input=why=because say"
    assert (failed.state, failed.exit_code) == (JobState.FAILED, 1)
    assert [entry.outcome for entry in world.audit.entries()][-2:] == ["done", "failed"]


def test_its_command_line_can_be_read_back(world: World) -> None:
    request = RunUserCommand("say", ("model=a=b",), ("why=-x",))

    assert request_of(RUN, command_line(RUN, request)) == request


def test_only_what_the_configuration_marks_asks(world: World) -> None:
    plans = {name: make_plan(RUN, RunUserCommand(name), world) for name in ("look", "ask", "wipe")}

    assert [plan.at_once for plan in plans.values()] == [True, False, False]
    assert [plan.name_to_type for plan in plans.values()] == ["", "", "wipe"]
    assert "dangerous" in "\n".join(plans["wipe"].lines)


def test_where_nothing_may_be_changed_only_what_changes_nothing_runs(world: World) -> None:
    locked = replace(world, read_only="a test")

    with pytest.raises(Refused, match="read-only"):
        perform(RUN, RunUserCommand("ask"), locked, print, lambda: False)

    assert perform(RUN, RunUserCommand("look"), locked, Listening().emit, lambda: False).name == "look"
    # Where its job cannot be recorded it does not run either.
    with pytest.raises(Refused, match="read-only"):
        perform(RUN, RunUserCommand("look"), replace(locked, index_is_kept=False), print, lambda: False)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (RunUserCommand("other"), "no command `other`"),
        (RunUserCommand("say", ("model",)), "says no value"),
        (RunUserCommand("say", ("model=a", "model=b")), "there twice"),
        (RunUserCommand("say"), "--field model"),
    ],
)
def test_what_cannot_be_run_is_told_why(world: World, request_: RunUserCommand, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_plan(RUN, request_, world)


def test_a_program_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(ToolMissing, match="no-such-program-here"):
        perform(RUN, RunUserCommand("gone"), world, print, lambda: False)


def test_a_file_that_is_no_program_is_no_accident(world: World) -> None:
    script = world.root / "script"
    script.write_text("no first line\n")
    script.chmod(0o755)

    with pytest.raises(Failed, match="cannot be started"):
        perform(RUN, RunUserCommand("it"), having(world, UserCommand("it", ("./script",))), print, lambda: False)


def test_they_are_listed_with_what_is_wrong_with_the_file(world: World) -> None:
    listed = list_user_commands(ListUserCommands(), world)

    assert LIST.name == "user list"
    assert [(line.name, line.asks) for line in listed.commands][:4] == [
        ("say", "no"),
        ("look", "no"),
        ("ask", "plan"),
        ("wipe", "name"),
    ]
    assert (listed.commands[0].fields, listed.commands[0].inputs) == (("model",), ("why",))


def test_headless_it_asks_only_when_it_is_marked(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "commands:\n"
        "  - {name: say it, run: [echo, --, '{model}']}\n"
        "  - {name: wipe, run: ['true'], dangerous: true}\n"
        "  - {name: broken, run: [echo, '{model']}\n"
    )
    own = {"UNIPIPE_CONFIG": str(config)}

    said = unipipe("user", "run", "say it", "--field", "model=-x y", "--json", cwd=project, **own)
    unasked = unipipe("user", "run", "wipe", cwd=project, **own)
    unnamed = unipipe("user", "run", "wipe", "--yes", "--detach", cwd=project, **own)
    misnamed = unipipe("user", "run", "wipe", "--confirm", "wipee", cwd=project, **own)
    planned = unipipe("user", "run", "wipe", "--dry-run", "--json", cwd=project, **own)
    wiped = unipipe("user", "run", "wipe", "--confirm", "wipe", cwd=project, **own)
    listed = unipipe("user", "list", "--json", cwd=project, **own)

    assert (said.exit_code, said.json["argv"], said.json["last_lines"]) == (0, ["echo", "--", "-x y"], ["-- -x y"])
    refused = (unasked, unnamed, misnamed)
    assert [(one.exit_code, "--confirm=wipe" in one.stderr) for one in refused] == [(2, True)] * 3
    assert "wipee is another name" in misnamed.stderr
    assert (planned.json["confirm"], wiped.exit_code) == ("wipe", 0)
    assert unipipe("jobs", "list", "--json", cwd=project).json["total"] == 2
    assert [line["name"] for line in listed.json["commands"]] == ["say it", "wipe"]
    assert "line 4" in listed.json["problems"][0]
