"""The containers of one target on their engine: looked at, started, waited for and taken away."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

from unipipe_tui.adapters.docker.collecting import MOST_BYTES, PYTHON
from unipipe_tui.adapters.docker.containers import (
    DESIRED_FILE,
    LABEL_FORMAT,
    LABEL_VOLUME,
    NOTHING_TOLD,
    Container,
    Release,
    Site,
    Surroundings,
    read_containers,
    run_router,
    run_version,
)
from unipipe_tui.adapters.docker.dockerfile import DESIRED_FORMAT, INSIDE_FOLDER, LOG_FOLDER, STATE_FOLDER
from unipipe_tui.adapters.docker.engine import Engine, last_words
from unipipe_tui.adapters.docker.orders import Needed
from unipipe_tui.adapters.process import Completed
from unipipe_tui.domain.errors import Failed, Refused
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import without_secrets
from unipipe_tui.domain.values import frozen

READY_WITHIN_SECONDS = 120
STOP_WITHIN_SECONDS = 15
"""Longer than the server takes to answer what it has begun."""
LAST_LINES = 8
ANOTHER_RELEASE = 5
KILLED = 137
NOTICED_WITHIN_SECONDS = 3.0


@frozen
class Door:
    """Where callers come in."""

    host: str
    port: int


class Fleet:
    """All containers that bear the labels of one target, whoever started them."""

    def __init__(
        self,
        engine: Engine,
        site: Site,
        door: Door,
        router_options: Sequence[str],
        around: Surroundings = NOTHING_TOLD,
    ) -> None:
        self._engine = engine
        self._site = site
        self._door = door
        self._router_options = tuple(router_options)
        self._around = around

    def look(self) -> tuple[Container, ...]:
        """What there is, the router first. Raises ToolMissing."""
        ids = self._engine.read("ps", "--all", "--quiet", "--no-trunc", *self._site.filters).split()
        if not ids:
            return ()
        # One that went away meanwhile makes an error, and the others are told nevertheless.
        told = self._engine.ask("inspect", "--type", "container", *ids).stdout
        try:
            return read_containers(json.loads(told))
        except (ValueError, KeyError) as error:
            raise Failed(f"docker inspect answered with no containers: {error!r}") from None

    def prepare(self, progress: Progress) -> None:
        """Make the network and the volume, if they are not there."""
        labels = [word for key, value in self._site.labels.items() for word in ("--label", f"{key}={value}")]
        if self._engine.ask("network", "inspect", self._site.network).exit_code:
            self._make(progress, "network", "create", *labels, self._site.network)
        if self._engine.ask("volume", "inspect", self._site.volume).exit_code:
            labels += ["--label", f"{LABEL_VOLUME}={secrets.token_hex(4)}"]
            self._engine.must(progress, "volume", "create", *labels, self._site.volume)

    def start(
        self, needed: Needed, found: Sequence[Container], release: Release, progress: Progress
    ) -> Container | None:
        """Start a version; None when it runs already, or was only kept for a quick way back."""
        name = self._site.container(needed.package.bundle.digest, needed.image)
        there = next((one for one in found if one.name == name), None)
        if there is not None and there.runs:
            return None
        if there is not None and there.state == "paused":
            self._engine.must(progress, "unpause", name)
            return None
        if there is not None:
            # What was only made, died before or was stopped is no place to begin from.
            self.remove([there], progress, seconds=0)
        bundle = needed.package.bundle
        words = run_version(self._site, bundle, needed.image, needed.variant, release, self._around)
        return self._run(name, words, progress)

    def start_router(self, image: str, release: Release, progress: Progress) -> Container:
        """Start the server that callers reach; it goes on with the last order that its volume holds."""
        door = (self._door.host, self._door.port)
        words = run_router(self._site, image, *door, release, self._router_options, self._around)
        return self._run(self._site.router, words, progress)

    def replace_router(self, router: Container, image: str, release: Release, progress: Progress) -> Container:
        """The same with another one in its place, which goes on as it was when the new one cannot be started."""
        before = f"{self._site.router}-before"
        if router.state == "running":
            self._engine.must(progress, "stop", "-t", str(STOP_WITHIN_SECONDS), router.name)
        if router.name != before:
            self._engine.ask("rm", "--force", before)
            self._engine.must(progress, "rename", router.name, before)
        try:
            new = self.start_router(image, release, progress)
        except BaseException:
            self._engine.ask("rename", before, self._site.router)
            if router.state == "running":
                self._engine.ask("start", self._site.router)
                self.await_ready(replace(router, name=self._site.router), progress)
            raise
        self._engine.must(progress, "rm", "--force", before)
        return new

    def fits(self, router: Container) -> bool:
        """Whether the router that is there can take our orders, at the door that is configured."""
        return (
            router.state == "running"
            and router.labels.get(LABEL_FORMAT) == str(DESIRED_FORMAT)
            and router.published == (self._door.host, self._door.port)
        )

    def await_ready(self, container: Container, progress: Progress, order: str | None = None) -> None:
        """Wait until the server in it is ready, with this order.

        Raises:
            Failed: it cannot be, or takes too long; what it says.
        """
        words = ("python", f"{INSIDE_FOLDER}/wait.py", str(READY_WITHIN_SECONDS), *((order,) if order else ()))
        done = self._engine.do(progress, "exec", container.name, *words)
        if done.exit_code == 0:
            return
        said = next((line for line in reversed(done.tail) if line.strip()), "")
        ended = self._ended(container, killed=done.exit_code == KILLED)
        raise Failed(
            f"The model cannot be served: {ended or without_secrets(said) or 'its container ended'}",
            hint=f"Its log: {' '.join(self._engine.argv('logs', container.name))}" if not ended else _hint(ended),
        )

    def order(self, document: str, expected: Collection[str]) -> str:
        """Give the router a new order; answers with the one before it, empty when there was none.

        Raises:
            Refused: another release than the expected ones is there.
        """
        done = self._take(document, expected)
        if done.exit_code == ANOTHER_RELEASE:
            raise Refused(
                f"Release {done.stdout.strip()} came to {self._site.target} meanwhile.",
                hint=f"unipipe release status {self._site.target}",
            )
        if done.exit_code:
            raise Failed(f"The router did not take its order: {last_words(done.stderr.splitlines())}")
        return done.stdout

    def park(self, container: Container, progress: Progress) -> None:
        """Let it answer what it has begun, then keep it as it is, without a share of the machine's time."""
        drain = ("python", f"{INSIDE_FOLDER}/drain.py", str(STOP_WITHIN_SECONDS))
        self._engine.do(progress, "exec", container.name, *drain)
        self._engine.must(progress, "pause", container.name)

    def remove(self, containers: Sequence[Container], progress: Progress, seconds: int = STOP_WITHIN_SECONDS) -> None:
        """Let them answer what they have begun, and take them away; one that is gone already is fine."""
        names = [one.name for one in containers]
        busy = [one.name for one in containers if one.state == "running"]
        if busy and seconds:
            self._engine.do(progress, "stop", "-t", str(seconds), *busy)
        if names:
            done = self._engine.do(progress, "rm", "--force", "--volumes", *names)
            if done.exit_code and any(one.name in names for one in self.look()):
                raise Failed(f"docker rm: {last_words(done.tail)}")

    def remove_quietly(self, containers: Sequence[Container]) -> None:
        """Take away what failed at once; it answers nobody."""
        for one in containers:
            self._engine.ask("rm", "--force", "--volumes", one.name)

    def stop_router(self, router: Container, progress: Progress) -> None:
        """Let it answer what it has begun; it stays there with its volume, for its log to be read."""
        if router.state == "running":
            # Its order would be followed by the next router before that one has its own.
            self._take("", ())
        self._engine.must(progress, "stop", "-t", str(STOP_WITHIN_SECONDS), router.name)

    def last_lines(self, container: Container, lines: int) -> str:
        """What the server in it wrote last."""
        done = self._engine.ask("logs", "--tail", str(lines), container.name)
        return without_secrets((done.stdout + done.stderr).strip())

    def volume_id(self) -> str | None:
        """Which volume the log is in; None when there is none."""
        done = self._engine.ask("volume", "inspect", "--format", "{{json .Labels}}", self._site.volume)
        labels = json.loads(done.stdout) if done.exit_code == 0 else None
        return str((labels or {}).get(LABEL_VOLUME) or "0") if done.exit_code == 0 else None

    def fetch(self, router: Container, known: str) -> str:
        """What is new in the prediction log, from the router, or beside one that is stopped."""
        script = (*PYTHON[1:], f"{INSIDE_FOLDER}/fetch.py", LOG_FOLDER, str(MOST_BYTES))
        if router.state == "running":
            return self._engine.read("exec", "--interactive", router.name, "python", *script, stdin=known, timeout=120)
        mounted = ("--volume", f"{self._site.volume}:{STATE_FOLDER}", "--network", "none", "--entrypoint", "python")
        return self._engine.read(
            "run", "--rm", "--interactive", *mounted, router.image, *script, stdin=known, timeout=120
        )

    def _take(self, document: str, expected: Collection[str]) -> Completed:
        words = ("python", f"{INSIDE_FOLDER}/take.py", DESIRED_FILE, *expected)
        return self._engine.ask("exec", "--interactive", self._site.router, *words, stdin=document)

    def _run(self, name: str, words: Sequence[str | Path], progress: Progress) -> Container:
        done = self._engine.do(progress, *words)
        made = next((one for one in self.look() if one.name == name), None)
        if done.exit_code == 0 and made is not None:
            return made
        if made is not None:
            self.remove_quietly([made])
        said = last_words(done.tail, 2)
        raise Failed(f"The container {name} could not be started: {said}", hint=_hint(said))

    def _make(self, progress: Progress, *words: str) -> None:
        """What somebody else may make at the same time."""
        done = self._engine.do(progress, *words)
        if done.exit_code and "already exists" not in "\n".join(done.tail):
            said = last_words(done.tail)
            raise Failed(f"docker {words[0]} {words[1]}: {said}", hint=_hint(said))

    def _now(self, container: Container) -> Container | None:
        return next((one for one in self.look() if one.id == container.id), None)

    def _ended(self, container: Container, *, killed: bool) -> str:
        """How the container ended; empty when it runs as it was started.

        `killed`: what was run in it was killed, which only its end does, though its state may not tell so at once.
        """
        now = self._now(container)
        until = monotonic() + (NOTICED_WITHIN_SECONDS if killed else 0.0)
        while now is not None and now.runs and monotonic() < until:
            sleep(0.1)
            now = self._now(container)
        if now is not None and now.runs:
            return ""
        lines = "" if now is None else self.last_lines(now, LAST_LINES)
        how = f"ended with code {now.exit_code}" if now is not None else "is gone"
        if now is not None and now.restarts:
            # The engine may have started it again by now: then it has no code of its end.
            code = "" if now.state == "running" else f", with code {now.exit_code}"
            how = f"ended {'once' if now.restarts == 1 else f'{now.restarts} times'}{code}"
        return f"its container {container.name} {how}:\n{lines}" if lines else f"its container {container.name} {how}"


def _hint(said: str) -> str:
    return next((hint for word, hint in _HINTS if word in said), "")


_HINTS = (
    ("port is already allocated", "Name another port in unipipe.yaml, targets.TARGET.port, or end what listens there."),
    ("address already in use", "Name another port in unipipe.yaml, targets.TARGET.port, or end what listens there."),
    ("cannot assign requested address", "The engine's machine has no such address: targets.TARGET.host."),
    ("code 137", "The engine ended it, most likely for its memory: docker inspect tells OOMKilled."),
    (
        "ModuleNotFoundError",
        "The model's requirements, or targets.TARGET.image.pip_arguments, leave out what it imports.",
    ),
    ("No such image", "Release it again: that builds or pulls it."),
    ("no space left on device", "The engine's disk is full: docker system df"),
    ("could not find an available", "The engine has no free network: docker network ls"),
    ("all predefined address pools", "The engine has no free network: docker network ls"),
)
