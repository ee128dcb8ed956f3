"""Whether the user's configuration makes sense, for the doctor. Knows no Textual."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.config import read_user_config, user_config_path
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.tui.chosen_keys import chosen_table
from unipipe_tui.tui.keys import keys_table
from unipipe_tui.tui.user_commands import own_commands


def verify(environment: Mapping[str, str]) -> str:
    """Where it is, or would be.

    Raises:
        ToolMissing: something in it is wrong; the workbench takes its defaults there.
    """
    user = read_user_config(user_config_path(environment))
    table = chosen_table(keys_table(), user.keys)
    problems = (*user.problems, *table.problems, *own_commands(table, user.commands).problems)
    if problems:
        raise ToolMissing(" ".join(problems), hint=f"Mend {user.path}; until then the defaults hold there.")
    return str(user.path) if user.path and user.path.exists() else f"none at {user.path}; the defaults hold"
