"""What surrounds the workbench: what its user configured, the terminal, and the folder for what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from types import MappingProxyType

from unipipe_tui.config import UserConfig, read_user_config, state_folder, user_config_path
from unipipe_tui.domain.ports.terminal import Terminal
from unipipe_tui.domain.values import frozen

ASCII_VARIABLE = "UNIPIPE_ASCII"
YES = frozenset({"1", "true", "yes"})


@frozen
class Surroundings:
    """Handed to the app by whoever opens it; as it stands here there is nothing around it."""

    user: UserConfig = UserConfig()
    environment: Mapping[str, str] = field(default_factory=dict)
    terminal: Terminal | None = None
    state: Path | None = None
    """Where something may be kept; None: nothing is."""

    @property
    def ascii(self) -> bool:
        """Whether only ASCII characters are painted."""
        return self.user.ascii or self.environment.get(ASCII_VARIABLE, "").casefold() in YES

    @property
    def colourless(self) -> bool:
        """Whether the user wants no colours in any program."""
        return bool(self.environment.get("NO_COLOR"))


ALONE = Surroundings()
"""Nothing around: no user, no terminal, nothing kept."""


def surroundings_of(environment: Mapping[str, str], terminal: Terminal) -> Surroundings:
    """Read what the user configured; the environment as it is now, whatever becomes of it later."""
    user = read_user_config(user_config_path(environment))
    return Surroundings(user, MappingProxyType(dict(environment)), terminal, state_folder(environment))
