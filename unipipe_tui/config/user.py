"""What a person wants of the workbench, in every project: keys, colours, plain characters, nothing changed by accident."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from unipipe_tui.config.reading import Reader, compose
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.user_commands import UserCommand
from unipipe_tui.domain.values import frozen

CONFIG_VARIABLE = "UNIPIPE_CONFIG"
PROGRAM_FOLDER = "unipipe"
CONFIG_NAME = "config.yaml"


class ThemeName(StrEnum):
    """The colours of the workbench."""

    DARK = "dark"
    LIGHT = "light"
    ANSI = "ansi"
    COLOUR_BLIND = "colour-blind"
    MONOCHROME = "monochrome"


@frozen
class KeyChoice:
    """Keys that somebody chose for one thing."""

    id: str
    """What they do, as `docs/keys.md` and the help name it: `models.check`."""
    keys: tuple[str, ...]
    where: str
    """File and line, for messages."""


@frozen
class UserConfig:
    """The whole of the user's `config.yaml`; everything has a default. A fault leaves its own key at the default."""

    keys: tuple[KeyChoice, ...] = ()
    """By id, the key or the list of keys that do it."""
    theme: ThemeName | None = None
    """Colours; those of the last time, or dark ones, when left out."""
    ascii: bool = False
    """Draw with plain ASCII characters only."""
    read_only: bool = False
    """Refuse every change, in every project."""
    commands: tuple[UserCommand, ...] = ()
    """Commands of your own, a list."""
    path: Path | None = None
    """The file, whether it is there or not; not a key."""
    problems: tuple[str, ...] = ()
    """What is wrong with the file, one sentence each; not a key."""


def user_config_path(environment: Mapping[str, str]) -> Path:
    """Where the user's configuration is."""
    named = environment.get(CONFIG_VARIABLE)
    return Path(named) if named else _base(environment, "XDG_CONFIG_HOME", ".config") / PROGRAM_FOLDER / CONFIG_NAME


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where the workbench keeps what it remembers, and files that somebody asked it for."""
    return _base(environment, "XDG_STATE_HOME", ".local/state") / PROGRAM_FOLDER


def read_user_config(path: Path) -> UserConfig:
    """Read the user's configuration; never fails, since what is wrong with it must not keep anybody from working."""
    try:
        node = compose(path, str(path))
    except UsageError as error:
        return UserConfig(path=path, problems=(_sentence(error),))
    return UserConfig(path=path) if node is None else _UserReader(path).read(node)


def _base(environment: Mapping[str, str], variable: str, usual: str) -> Path:
    # The standard says that a relative path there is to be ignored.
    named = Path(environment.get(variable) or "")
    return named if named.is_absolute() else Path(environment.get("HOME") or Path.home()) / usual


def _sentence(error: UsageError) -> str:
    return f"{error.message} {error.hint}".strip()


class _UserReader:
    """Reads key by key, so that one fault costs one key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = Reader(str(path))
        self._problems: list[str] = []
        self._lists: Mapping[str, Callable[[yaml.Node], Any]] = {"keys": self._keys, "commands": self._commands}
        self._kinds: Mapping[str, Any] = {"theme": ThemeName, "ascii": bool, "read_only": bool}

    def read(self, node: yaml.Node) -> UserConfig:
        values: dict[str, Any] = {}
        try:
            pairs = self._reader.pairs(node, (), "a mapping of keys to values")
        except UsageError as error:
            return UserConfig(path=self._path, problems=(_sentence(error),))
        for key_node, value_node in pairs:
            key = str(key_node.value)
            try:
                values[key] = self._value(key, key_node, value_node)
            except UsageError as error:
                self._problems.append(_sentence(error))
                if key == "read_only":
                    # Who wrote it wanted to be kept from something.
                    values[key] = True
        return UserConfig(**values, path=self._path, problems=tuple(self._problems))

    def _value(self, key: str, key_node: yaml.Node, value_node: yaml.Node) -> Any:
        if key in self._lists:
            says_nothing = isinstance(value_node, yaml.ScalarNode) and not value_node.value
            return () if says_nothing else self._lists[key](value_node)
        if key not in self._kinds:
            raise UsageError(
                f"{self._reader.line(key_node)}: unknown key `{key}`.",
                hint=f"Allowed here: {', '.join((*self._lists, *self._kinds))}.",
            )
        return self._reader.value(self._kinds[key], value_node, (key,))

    def _keys(self, node: yaml.Node) -> tuple[KeyChoice, ...]:
        choices = []
        for id_node, keys_node in self._reader.pairs(node, ("keys",), "a mapping of ids to keys"):
            try:
                choices.append(self._choice(str(id_node.value), keys_node))
            except UsageError as error:
                self._problems.append(_sentence(error))
        return tuple(choices)

    def _commands(self, node: yaml.Node) -> tuple[UserCommand, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._reader.wrong(node, ("commands",), "a list of commands")
        commands: dict[str, UserCommand] = {}
        for number, child in enumerate(node.value):
            try:
                command = self._reader.build(UserCommand, child, ("commands", str(number)))
            except UsageError as error:
                self._problems.append(_sentence(error))
                continue
            where = self._reader.line(child)
            if command.name in commands:
                self._problems.append(f"{where}: there is a command `{command.name}` already.")
            else:
                commands[command.name] = dataclasses.replace(command, where=where)
        return tuple(commands.values())

    def _choice(self, id: str, node: yaml.Node) -> KeyChoice:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        keys = tuple(self._key(id, child) for child in nodes)
        if not keys:
            raise self._reader.wrong(node, ("keys", id), "a key, or a list of keys")
        return KeyChoice(id, keys, self._reader.line(node))

    def _key(self, id: str, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            raise self._reader.wrong(node, ("keys", id), "a key, or a list of keys")
        return str(node.value).strip()
