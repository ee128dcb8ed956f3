"""The process of one local target: its files, its start and its end, and the wish that it follows."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep

from unipipe_tui.adapters import process
from unipipe_tui.adapters.targets.desired import with_order, write_desired
from unipipe_tui.adapters.targets.http import TOKEN_VARIABLE, Answering, ServerAt
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.events import Advanced, Noted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.serving import LogMode, ServerState
from unipipe_tui.domain.values import frozen

READY_WITHIN_SECONDS = 90.0
STOP_WITHIN_SECONDS = 20.0
GREETING = "unipipe serving: listening"
"""How the first line of every server begins; whoever said no more than this was ended from outside."""


@frozen
class Running:
    """The process that was started for a target, and where it listens."""

    pid: int
    started: float
    host: str | None = None
    port: int | None = None
    """None in what an older Unipipe wrote: it listens where the configuration says."""


@frozen
class Found:
    """The process as it is now."""

    state: ServerState
    pid: int | None = None
    answering: Answering | None = None
    """What it says of itself; None when it does not answer."""
    last_words: str = ""
    """Of one that died."""


class ServingProcess:
    """One local target's server; its files lie in a folder of its own.

    Host and port are those of the next start. A server that runs is found where it was started, whatever the
    configuration says by now.
    """

    def __init__(
        self,
        target: str,
        folder: Path,
        predictions: Path,
        host: str,
        port: int,
        mode: LogMode = LogMode.BEHIND,
        *,
        allow_pickle: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`allow_pickle`: the next start loads also models that run code when they are loaded.

        `variables` stand in its environment beside those of this process.
        """
        self.target = target
        self.folder = folder
        self._predictions = predictions
        self._host = host
        self._port = port
        self._mode = mode
        self._allow_pickle = allow_pickle
        self._variables = variables or {}

    @property
    def url(self) -> str:
        """Where it listens, or will when it is started."""
        server = self.server
        return f"http://{server.host}:{server.port}"

    @property
    def server(self) -> ServerAt:
        """Whom to ask."""
        host, port = self._address()
        return ServerAt(self.target, host, port, f"unipipe serve start {self.target}", f"{self.folder}/server.log")

    def found(self) -> Found:
        """Whether it runs, and what it says of itself."""
        running = self._running()
        if running is None:
            return Found(ServerState.STOPPED)
        if not process.is_alive(running.pid, running.started):
            return Found(ServerState.DIED, running.pid, last_words=self._last_words())
        try:
            answering = self.server.answering()
        except ToolMissing:
            return Found(ServerState.STARTING, running.pid)
        return Found(ServerState.READY if answering.ready else ServerState.STARTING, running.pid, answering)

    def argv(self) -> list[str]:
        """The command line of the next start."""
        options: dict[str, object] = {
            "--desired": self._desired_file,
            "--log": self._predictions,
            "--log-mode": self._mode.value,
            "--port": self._port,
            "--host": self._host,
        }
        if os.environ.get(TOKEN_VARIABLE):
            options["--token-env"] = TOKEN_VARIABLE
        flat = [str(word) for pair in options.items() for word in pair]
        return [
            sys.executable,
            "-m",
            "unipipe_tui.serving",
            *flat,
            *(("--allow-pickle",) if self._allow_pickle else ()),
        ]

    def start(self, wish: str, order: str, progress: Progress) -> Found:
        """Start it with this wish (the text of the desired file) and wait until it is fulfilled.

        Raises:
            Failed: the port is in use, or the wish cannot be fulfilled; then nothing runs.
        """
        if not is_free(self._host, self._port):
            # Whoever listens there may be another copy's server with the same model: its answers are not ours.
            raise Failed(
                f"Port {self._port} on {self._host} is in use.",
                hint=f"End what listens there, or name another in unipipe.yaml: targets.{self.target}.port.",
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._predictions.mkdir(parents=True, exist_ok=True)
        write_desired(self._desired_file, wish)
        log = self.folder / "server.log"
        log.write_bytes(b"")
        pid = process.start_detached(self.argv(), cwd=self.folder, output=log, env=self._variables)
        self._record(pid)
        progress.emit(Noted(f"The server starts on {self.url} as process {pid}."))
        try:
            return self._wait_for(order, progress)
        except BaseException:
            # What never became ready must not stand in the way of the next start.
            self.stop(progress)
            raise

    def switch(self, wish: str, order: str, progress: Progress) -> Found:
        """Let it follow another wish and wait until that is fulfilled; no request is dropped.

        Raises:
            Failed: it cannot be fulfilled; what answered before goes on. Or there is no server.
        """
        if self._running() is None:
            raise self._not_running()
        before = self._wish()
        write_desired(self._desired_file, wish)
        try:
            return self._wait_for(order, progress)
        except BaseException:
            # Left there, the wish that was refused would be followed by the next start.
            if before is not None:
                write_desired(self._desired_file, with_order(before, new_order()))
            raise

    def stop(self, progress: Progress) -> None:
        """Let it answer what it has begun, and end."""
        running, url = self._running(), self.url
        if running and process.is_alive(running.pid, running.started):
            process.terminate(running.pid)
            deadline = monotonic() + STOP_WITHIN_SECONDS
            while process.is_alive(running.pid, running.started) and monotonic() < deadline:
                sleep(0.05)
            process.stop_tree(running.pid)
            progress.emit(Noted(f"The server on {url} has stopped."))
        self._process_file.unlink(missing_ok=True)

    def log(self, lines: int) -> str:
        """The last lines that it wrote."""
        try:
            text = (self.folder / "server.log").read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _address(self) -> tuple[str, int]:
        running = self._running()
        if running is None or running.host is None or running.port is None:
            return self._host, self._port
        if not process.is_alive(running.pid, running.started):
            return self._host, self._port
        return running.host, running.port

    @property
    def _desired_file(self) -> Path:
        return self.folder / "desired.json"

    @property
    def _process_file(self) -> Path:
        return self.folder / "process.json"

    def _wish(self) -> str | None:
        """The wish that it follows; None when there is none that could be followed again."""
        try:
            text = self._desired_file.read_text()
            with_order(text, "")
        except (OSError, ValueError):
            return None
        return text

    def _record(self, pid: int) -> None:
        started = process.started_at(pid) or 0.0
        self._process_file.write_text(json.dumps(asdict(Running(pid, started, self._host, self._port))))

    def _running(self) -> Running | None:
        try:
            return Running(**json.loads(self._process_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _wait_for(self, order: str, progress: Progress) -> Found:
        begun = monotonic()
        while monotonic() - begun < READY_WITHIN_SECONDS:
            found = self.found()
            if found.answering is not None and found.answering.ready and found.answering.serving == order:
                return found
            self._refuse(found, order)
            progress.emit(Advanced(int(monotonic() - begun), None, "seconds"))
            sleep(0.1)
        raise Failed(
            f"The server was not ready within {READY_WITHIN_SECONDS:g} seconds.",
            hint=f"Its log: {self.folder}/server.log",
        )

    def _refuse(self, found: Found, order: str) -> None:
        """Raise Failed when waiting longer is of no use."""
        hint = f"Its log: {self.folder}/server.log"
        if found.state is ServerState.DIED:
            self._process_file.unlink(missing_ok=True)
            raise Failed(f"The server did not start: {found.last_words}", hint=hint)
        if found.state is ServerState.STOPPED:
            raise self._not_running()
        if found.answering is not None and found.answering.error and found.answering.order == order:
            raise Failed(f"The model cannot be served: {found.answering.error}", hint=hint)

    def _not_running(self) -> Failed:
        return Failed(f"The server of {self.target} is not running.", hint=f"unipipe serve start {self.target}")

    def _last_words(self) -> str:
        lines = self.log(1).strip()
        if not lines or lines.startswith(GREETING):
            return "it ended without a word, as a killed process does"
        return lines


def free_port(host: str, first: int) -> int:
    """The first port from this one on where nobody listens.

    Raises:
        Failed: there is none among the next hundred.
    """
    for port in range(first, first + 100):
        if is_free(host, port):
            return port
    raise Failed(f"No port from {first} on is free.", hint="Name another in unipipe.yaml: targets.")


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def new_order() -> str:
    """A name for a wish that no other wish has."""
    return secrets.token_hex(8)
