"""Whether anything may be changed: what the environment, the project and the user say."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.config.user import read_user_config, user_config_path

READ_ONLY_VARIABLE = "UNIPIPE_READ_ONLY"
READ_ONLY_FLAGS = {
    "--read-only": "it was opened with --read-only",
    "--serve": "it is served to a browser without --write",
}
"""What the variable holds when a flag says it: jobs that are started from here inherit it."""
NOT_READ_ONLY = frozenset({"", "0", "false", "no", "off"})


def why_read_only(environment: Mapping[str, str], configured: bool) -> str | None:
    """Why nothing may be changed; None when it may. `configured`: the project says so."""
    said = environment.get(READ_ONLY_VARIABLE, "").strip().lower()
    if said in READ_ONLY_FLAGS:
        return READ_ONLY_FLAGS[said]
    # Who sets it means it: a word that nobody thought of must not let changes through.
    if said not in NOT_READ_ONLY:
        return f"{READ_ONLY_VARIABLE} is set"
    if configured:
        return "unipipe.yaml says `read_only: true`"
    user = read_user_config(user_config_path(environment))
    return f"{user.path} says `read_only`" if user.read_only else None
