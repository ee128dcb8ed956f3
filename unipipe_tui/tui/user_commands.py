"""The user's own commands in the workbench: their keys, what is wrong with them, and each as a capability. Knows no Textual."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.request import Names
from unipipe_tui.actions.user_commands import RUN, Prepared, RunUserCommand, plan_user_command, run_user_command
from unipipe_tui.actions.world import World
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.user_commands import EVERYWHERE, UserCommand
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.chosen_keys import KeyTable, can_meet, fault_of_key
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import KeyLine
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.text import harmless

_NAMES: Mapping[str, Names] = MappingProxyType(
    {
        "stage": Names.STAGE,
        "run": Names.RUN,
        "metric": Names.METRIC,
        "model": Names.MODEL,
        "version": Names.VERSION,
        "target": Names.TARGET,
        "column": Names.FEATURE,
        "alert": Names.ALERT,
        "job": Names.JOB,
        "thing": Names.THING,
    }
)
"""What the fields of rows name."""


@frozen
class OwnCommands:
    """The commands that make sense here, the keys with theirs among them, and what was wrong with the others."""

    commands: tuple[UserCommand, ...]
    keys: KeyTable
    problems: tuple[str, ...]

    @property
    def lines(self) -> tuple[KeyLine, ...]:
        """Their keys alone."""
        return tuple(line for line in self.keys.lines if line.own)

    def named(self, name: str) -> UserCommand:
        """The command of that name; KeyError when there is none."""
        return {command.name: command for command in self.commands}[name]


def own_commands(table: KeyTable, commands: Sequence[UserCommand]) -> OwnCommands:
    """Take each command whose places, fields and key are right; of the others, one sentence a fault."""
    taken: list[UserCommand] = []
    lines = list(table.lines)
    problems: list[str] = []
    for command in commands:
        own_lines = _lines(command)
        faults = [f"{command.where}: {fault}" for fault in (*_faults(command), *_clashes(own_lines, lines))]
        problems += faults
        if not faults:
            taken.append(command)
            lines += own_lines
    order = list(dict.fromkeys(line.screen for line in lines))
    woven = tuple(sorted(lines, key=lambda line: order.index(line.screen)))
    return OwnCommands(tuple(taken), dataclasses.replace(table, lines=woven), tuple(problems))


def what_it_does(command: UserCommand) -> str:
    """A line for help and palette."""
    asks = " Wants its name typed first." if command.dangerous else " Shows the plan first." if command.confirm else ""
    return harmless(f"Run {command.template}.{asks}")


def change_of(command: UserCommand) -> Change[Any, Prepared, Any]:
    """The command as a capability of its own, whose form asks for what its template wants; it runs as `user run`."""
    helps = {one.name: one.help or "Typed by you." for one in command.inputs}
    fields = [(name, Annotated[str, f"The {name} of the selected row.", _NAMES.get(name)]) for name in command.fields]
    fields += [(name, Annotated[str, helps[name]]) for name in command.typed]
    request_class = dataclasses.make_dataclass("OwnRequest", fields, frozen=True)

    def as_run(request: Any) -> RunUserCommand:
        return RunUserCommand(
            command.name,
            tuple(f"{name}={getattr(request, name)}" for name in command.fields),
            tuple(f"{name}={getattr(request, name)}" for name in command.typed),
        )

    def plan(request: Any, world: World) -> Plan[Prepared]:
        return dataclasses.replace(plan_user_command(as_run(request), world), action=RUN.name)

    plan.__doc__ = what_it_does(command)
    return Change(
        command.name,
        request_class,
        plan,
        run_user_command,
        RUN.example,
        only_looks=lambda request, world: bool(RUN.only_looks and RUN.only_looks(as_run(request), world)),
        stands_for=lambda request: command_line(RUN, as_run(request)),
    )


def texts_of_row(command: UserCommand, selection: Texts) -> Texts:
    """What the selected row fills in; what is to be typed it never does."""
    return {name: selection[name] for name in command.fields if name in selection}


def _lines(command: UserCommand) -> list[KeyLine]:
    if command.key is None:
        return []
    does = f"own_command('{command.name}')"
    return [
        KeyLine(place, command.key, command.name, what_it_does(command), does, True, command.changes, own=True)
        for place in command.offered_in
    ]


def _faults(command: UserCommand) -> Iterator[str]:
    if command.name in {action.name for action in CATALOG}:
        yield f"`{command.name}` is the name of a capability; call your command something else."
    known = {place.name: place.fields for place in PLACES}
    for place in command.offered_in:
        if place not in known and place != EVERYWHERE:
            yield f"`{command.name}`: there is no place `{place}`. There is: {', '.join((EVERYWHERE, *known))}."
    offered = known if EVERYWHERE in command.offered_in else [place for place in command.offered_in if place in known]
    fields = sorted({name for place in offered for name in known[place]})
    for name in command.fields:
        if offered and name not in fields:
            there = f"Fields there: {', '.join(fields)}." if fields else "Rows there have no fields."
            yield f"`{command.name}`: no row there has a field {{{name}}}. {there}"
    if command.key is not None and (fault := fault_of_key(command.key, command.name)):
        yield fault


def _clashes(own: Sequence[KeyLine], lines: Iterable[KeyLine]) -> Iterator[str]:
    for line in own:
        for other in lines:
            if line.keys in other.keys.split(",") and can_meet(line.screen, other.screen):
                yield f"{line.keys} of `{line.label}` is the key of `{other.id}` already."
