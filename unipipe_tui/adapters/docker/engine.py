"""The Docker engine through its command line: asked with `read`, changed with `do`, which shows what it does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unipipe_tui.adapters import process
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import without_secrets

QUIET = {"NO_COLOR": "1", "DOCKER_CLI_HINTS": "false", "BUILDKIT_PROGRESS": "plain"}
OLDEST = (20, 10)
"""Older engines do not know all options that containers are made with here."""
NOTICES = re.compile(
    r"^\s*(DEPRECATED:|WARNING: |Install the buildx component|https://docs\.docker\.com/go/)", re.IGNORECASE
)
OF_BUILDER = re.compile(r"--->|Removing intermediate container|Sending build context")
"""What the classic builder says between the lines of those that it runs."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LOCAL_SCHEMES = ("", "unix", "npipe", "fd")


class Engine:
    """One engine: the one at `host`, else the one that DOCKER_HOST or the current context names."""

    def __init__(self, host: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._host = host
        self._environment = environment or {}

    @property
    def machine(self) -> str | None:
        """Name of the machine that it runs on, as far as its address tells; None when that is this one."""
        address = urlsplit(self._host or self._environment.get("DOCKER_HOST", ""))
        return None if address.scheme in LOCAL_SCHEMES else address.hostname

    def argv(self, *words: str | Path) -> tuple[str, ...]:
        """The command line, as a person would type it."""
        return ("docker", *(("--host", self._host) if self._host else ()), *map(str, words))

    def version(self) -> str:
        """The engine's version.

        Raises:
            ToolMissing: no program, no engine, no permission, or too old; with what to do.
        """
        told: str = self.json("version", "--format", "{{json .Server}}", timeout=10).get("Version", "")
        numbers = tuple(int(number) for number in re.findall(r"\d+", told)[:2])
        if numbers < OLDEST:
            raise ToolMissing(f"The Docker engine is {told}; 20.10 is the oldest that will do.", "Update it.")
        return told

    def ask(self, *words: str | Path, timeout: float = 30.0, stdin: str | None = None) -> process.Completed:
        """Run a command that may say no; what keeps every command from working is raised.

        Raises:
            ToolMissing: the engine cannot be asked.
        """
        try:
            done = process.capture(self.argv(*words), timeout=timeout, env=QUIET, stdin=stdin)
        except ToolMissing:
            raise ToolMissing("There is no `docker` here.", hint=_INSTALL) from None
        if done.exit_code:
            raise_if_away(done.stderr)
        return done

    def read(self, *words: str | Path, timeout: float = 30.0, stdin: str | None = None) -> str:
        """What a command answers; what it says beside on stderr is no part of it.

        Raises:
            ToolMissing: the engine cannot be asked.
            Failed: the command said no.
        """
        done = self.ask(*words, timeout=timeout, stdin=stdin)
        if done.exit_code:
            raise Failed(f"docker {words[0]}: {last_words(done.stderr.splitlines())}")
        return done.stdout

    def json(self, *words: str | Path, timeout: float = 30.0) -> Any:
        """The one JSON document that a command answers with. Raises what `read` raises."""
        text = self.read(*words, timeout=timeout)
        try:
            return json.loads(text)
        except ValueError:
            raise Failed(f"docker {words[0]} answered with no JSON: {text[:80]!r}") from None

    def do(self, progress: Progress, *words: str | Path, env: Mapping[str, str] | None = None) -> process.Streamed:
        """Run a command that changes something, every line of it told as it comes; it may have failed.

        Raises:
            ToolMissing: the engine cannot be asked.
            Stopped: somebody asked for the end.
        """
        try:
            done = process.stream(self.argv(*words), progress, env={**QUIET, **(env or {})})
        except ToolMissing:
            raise ToolMissing("There is no `docker` here.", hint=_INSTALL) from None
        if done.exit_code:
            raise_if_away("\n".join(done.tail))
        return done

    def must(self, progress: Progress, *words: str | Path) -> str:
        """Run a command that changes something; answers with its last line.

        Raises:
            ToolMissing: the engine cannot be asked.
            Failed: it said no.
            Stopped: somebody asked for the end.
        """
        done = self.do(progress, *words)
        if done.exit_code:
            raise Failed(f"docker {words[0]}: {last_words(done.tail)}")
        return next((line for line in reversed(done.tail) if line.strip()), "")


def last_words(lines: Sequence[str], how_many: int = 1) -> str:
    """The last lines that say something, without notices, colours and secrets."""
    plain = [COLOURS.sub("", line).strip() for line in lines]
    telling = [line for line in plain if line and not NOTICES.match(line) and not OF_BUILDER.match(line)]
    return without_secrets("\n".join(telling[-how_many:])) or "it said nothing"


def raise_if_away(said: str) -> None:
    """Raises ToolMissing when a command failed since the engine cannot be asked at all."""
    found = next((away for away in _AWAY if away[0].search(said)), None)
    if found:
        raise ToolMissing(found[1], hint=found[2])


_INSTALL = "Install Docker's command line (docker.io or docker-ce-cli), then see `unipipe doctor`."
_AWAY = (
    (
        re.compile(r"permission denied while trying to connect", re.IGNORECASE),
        "This user may not use the Docker engine.",
        "Add the user to the group `docker` and log in again, or set DOCKER_HOST to a rootless engine.",
    ),
    (
        re.compile(
            r"Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API"
            r"|Is the docker daemon running|dial unix|dial tcp .*:237[56]",
            re.IGNORECASE,
        ),
        "The Docker engine does not answer.",
        "Start it (systemctl start docker), or set DOCKER_HOST, or `docker_host` of the target, to one that runs.",
    ),
    (
        re.compile(
            r'^(?:.*docker endpoint: )?(?:current )?context ".*(?:not found|does not exist)', re.I | re.MULTILINE
        ),
        "The context that Docker's command line is set to does not exist.",
        "docker context ls; docker context use NAME",
    ),
    (
        re.compile(r"unable to parse docker host|unable to resolve docker endpoint", re.IGNORECASE),
        "The address of the Docker engine is wrong.",
        "It looks like unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST.",
    ),
)
"""How the command line says that it could not ask; what a build, a registry or a container says must not be taken for it."""
