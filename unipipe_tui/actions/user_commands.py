"""Commands of the user's own, from the user's own configuration: what there is, and running one as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.pipeline.training import environment
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import words_without_secrets
from unipipe_tui.domain.user_commands import UserCommand
from unipipe_tui.domain.values import frozen

WHERE_TO_WRITE = (
    "Write it into your own configuration, under `commands`; `unipipe doctor` names the file and its faults."
)


@frozen
class ListUserCommands:
    """All of them."""


@frozen
class UserCommandLine:
    """One command."""

    name: str
    key: str | None
    places: tuple[str, ...]
    run: str
    """Its template."""
    fields: tuple[str, ...]
    """What it wants of the selected row."""
    inputs: tuple[str, ...]
    """What is typed before."""
    asks: str
    """`no`, `plan`, or `name`: what stands between the key and its start."""
    changes: bool


@frozen
class UserCommands:
    """The user's own commands."""

    commands: tuple[UserCommandLine, ...]
    problems: tuple[str, ...]
    """What is wrong with the file, one sentence each."""


@frozen
class RunUserCommand:
    """Which one, and what fills its gaps."""

    name: Annotated[
        str, OBJECT, "Command, as your configuration names it; see `unipipe user list`.", Names.USER_COMMAND
    ]
    field: Annotated[
        tuple[str, ...], "A field of a row, as NAME=VALUE; the workbench takes it from the selected row."
    ] = ()
    input: Annotated[tuple[str, ...], "Something that the workbench lets one type, as NAME=VALUE."] = ()


@frozen
class Prepared:
    """What was decided: the program and its arguments."""

    name: str
    argv: tuple[str, ...]


@frozen
class UserCommandRun:
    """A command that ended well."""

    name: str
    argv: tuple[str, ...]
    """Without secrets."""
    seconds: float
    last_lines: tuple[str, ...]
    """The end of what it said."""


def list_user_commands(request: ListUserCommands, world: World) -> UserCommands:
    """List the commands of your own configuration: their keys, places and templates."""
    user = world.user()
    return UserCommands(tuple(map(_line, user.commands)), user.problems)


def _line(command: UserCommand) -> UserCommandLine:
    asks = "name" if command.dangerous else "plan" if command.confirm else "no"
    return UserCommandLine(
        command.name,
        command.key,
        command.offered_in,
        command.template,
        command.fields,
        tuple(one.name for one in command.inputs),
        asks,
        command.changes,
    )


def plan_user_command(request: RunUserCommand, world: World) -> Plan[Prepared]:
    """Run a command of your own configuration as a job; it is started without a shell, each value as one argument.

    Ends with exit code 1 when the command ends with any other than 0. One that your configuration marks with `confirm` or
    `dangerous` asks first; one that it marks with `changes: false` runs where nothing may be changed.
    """
    command = command_named(world, request.name)
    argv = command.argv(_pairs("--field", request.field), _pairs("--input", request.input))
    return Plan(
        title=f"Run your command `{command.name}`",
        effects=(plans.run(*argv),),
        undo="none: nobody but its author knows what it does",
        decided=Prepared(command.name, argv),
        warnings=("your configuration says that it is dangerous",) if command.dangerous else (),
        at_once=command.at_once,
        name_to_type=command.name if command.dangerous else "",
    )


def command_named(world: World, name: str) -> UserCommand:
    """The user's command of that name; raises UsageError when there is none."""
    user = world.user()
    found = next((command for command in user.commands if command.name == name), None)
    if found is None:
        there = (
            f"There is: {', '.join(command.name for command in user.commands)}." if user.commands else WHERE_TO_WRITE
        )
        raise UsageError(f"There is no command `{name}` of your own.", hint=" ".join((there, *user.problems)))
    return found


def only_looks(request: RunUserCommand, world: World) -> bool:
    """Whether the command changes nothing, and its job can be recorded."""
    return not command_named(world, request.name).changes and world.index_is_kept


def run_user_command(plan: Plan[Prepared], world: World, progress: Progress) -> Done[UserCommandRun]:
    """Start the program, and listen to it until it ends."""
    wanted = plan.decided
    ended = world.run_program(wanted.argv, progress, environment(world))
    if ended.exit_code:
        raise Failed(
            f"`{wanted.argv[0]}` ended with exit code {ended.exit_code}.", hint="What it said is in the job's log."
        )
    argv = words_without_secrets(wanted.argv, world.secrets)
    result = UserCommandRun(wanted.name, argv, round(ended.seconds, 3), ended.last_lines)
    return Done(result, detail=f"{wanted.name}: done")


def _pairs(flag: str, texts: Sequence[str]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, given, value = text.partition("=")
        if not given or not name:
            raise UsageError(f"{flag} {text} says no value.", hint=f"Say {flag} NAME=VALUE.")
        if name in pairs:
            raise UsageError(f"{flag} {name} is there twice.", hint="Leave one of them out.")
        pairs[name] = value
    return pairs


LIST = Look("user list", ListUserCommands, list_user_commands, "unipipe user list")
RUN = Change(
    "user run",
    RunUserCommand,
    plan_user_command,
    run_user_command,
    "unipipe user run deploy-notes --field model=fraud-detector --yes",
    Danger.CONFIRM,
    only_looks=only_looks,
)
