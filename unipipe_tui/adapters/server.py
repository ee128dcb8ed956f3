"""The local model server: a detached process of ours, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from unipipe_tui.adapters import process
from unipipe_tui.adapters.sent_records import Sent
from unipipe_tui.domain.errors import Failed, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.events import Advanced, Noted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.serving import (
    FeedbackTaken,
    Predicted,
    Prediction,
    Record,
    ServerState,
    ServerStatus,
    Value,
)
from unipipe_tui.domain.values import frozen

READY_WITHIN_SECONDS = 90.0
STOP_WITHIN_SECONDS = 10.0
TOKEN_VARIABLE = "UNIPIPE_SERVE_TOKEN"  # noqa: S105
BATCH = 500
GREETING = "unipipe serving: listening"
"""How the first line of every server begins; whoever said no more than this was ended from outside."""

Item = TypeVar("Item")


@frozen
class Running:
    """The process that was started for a target, and where it listens."""

    pid: int
    started: float
    host: str | None = None
    port: int | None = None
    """None in what an older Unipipe wrote: it listens where the configuration says."""


class LocalServer:
    """The server of one local target; its files lie in a folder of its own.

    Host and port are those of the next start. A server that runs is found where it was started, whatever the
    configuration says by now.
    """

    def __init__(self, target: str, folder: Path, predictions: Path, host: str, port: int) -> None:
        self._target = target
        self._folder = folder
        self._predictions = predictions
        self._host = host
        self._port = port

    @property
    def url(self) -> str:
        """Where it listens, or will when it is started."""
        host, port = self._address()
        return f"http://{host}:{port}"

    def _address(self) -> tuple[str, int]:
        running = self._running()
        if running is None or running.host is None or running.port is None:
            return self._host, self._port
        if not process.is_alive(running.pid, running.started):
            return self._host, self._port
        return running.host, running.port

    def free_port(self) -> int:
        """The configured port when nobody listens there, else the next free one."""
        for port in range(self._port, self._port + 100):
            if self._is_free(port):
                return port
        raise Failed(f"No port from {self._port} on is free.", hint="Name another in unipipe.yaml: targets.")

    def _is_free(self, port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._host, port))
            except OSError:
                return False
            return True

    def status(self) -> ServerStatus:
        """Whether it answers, and with what."""
        running = self._running()
        if running is None:
            return ServerStatus(self._target, ServerState.STOPPED, self.url)
        if not process.is_alive(running.pid, running.started):
            return ServerStatus(self._target, ServerState.DIED, self.url, running.pid, error=self._last_words())
        try:
            _, answer = self._ask("GET", "/readyz", timeout=2.0)
        except UnipipeError:
            return ServerStatus(self._target, ServerState.STARTING, self.url, running.pid)
        return ServerStatus(
            self._target,
            ServerState.READY if answer.get("ready") else ServerState.STARTING,
            self.url,
            running.pid,
            model=answer.get("model"),
            version=answer.get("version"),
            digest=answer.get("digest"),
            since=datetime.fromisoformat(answer["since"]) if answer.get("since") else None,
            requests=answer.get("requests"),
            order=answer.get("order"),
            error=answer.get("error") or None,
        )

    def start(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Start it with this bundle and wait until it is ready.

        Raises:
            Failed: the port is in use, or the model cannot be loaded.
        """
        if not self._is_free(self._port):
            # Whoever listens there may be another copy's server with the same model: its answers are not ours.
            raise Failed(
                f"Port {self._port} on {self._host} is in use.",
                hint=f"End what listens there, or name another in unipipe.yaml: targets.{self._target}.port.",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        self._predictions.mkdir(parents=True, exist_ok=True)
        order = self._want(bundle, digest)
        log = self._folder / "server.log"
        log.write_bytes(b"")
        pid = process.start_detached(self._argv(), cwd=self._folder, output=log)
        self._record(pid)
        progress.emit(Noted(f"The server starts on {self.url} as process {pid}."))
        try:
            return self._wait_for(digest, order, progress)
        except BaseException:
            # What never became ready must not stand in the way of the next start.
            self.stop(progress)
            raise

    def switch(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Let it load this bundle and wait until that is the one that answers; no request is dropped.

        Raises:
            Failed: the model cannot be loaded; the one before goes on answering. Or there is no server.
        """
        if self._running() is None:
            raise self._not_running()
        before = self._wanted()
        order = self._want(bundle, digest)
        try:
            return self._wait_for(digest, order, progress)
        except BaseException:
            # Left there, the refused bundle would be loaded by the next start.
            if before is not None:
                self._want(*before)
            raise

    def stop(self, progress: Progress) -> ServerStatus:
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
        return self.status()

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records; large sets are sent in batches.

        Those whose id and inputs the target answered before keep their recorded answer, so a set that was taken in
        part can be sent again.

        Raises:
            ToolMissing: nobody answers there.
            UsageError: a record does not fit the model, or its id names another record's prediction.
        """
        predictions: list[Prediction] = []
        versions: dict[int, None] = {}
        known: list[str] = []
        model = ""
        for begin, batch in _batches(records):
            body: dict[str, Any] = {"records": list(batch)}
            if ids is not None:
                body["ids"] = list(ids[begin : begin + BATCH])
            answer = self._post("/predict", body, Sent(records, begin, ids is not None))
            before = answer.get("known", [])
            model = answer["model"]
            versions |= dict.fromkeys(one["version"] for one in before)
            if len(before) < len(batch):
                versions[answer["version"]] = None
            known += [one["prediction_id"] for one in before]
            predictions += [Prediction(p["prediction_id"], p["score"], p["decision"]) for p in answer["predictions"]]
        return Predicted(model, tuple(versions), tuple(predictions), tuple(known))

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id; large sets are sent in batches.

        Raises:
            ToolMissing: nobody answers there.
        """
        taken = FeedbackTaken(0, 0, (), ())
        for _, batch in _batches(labels):
            body = {"labels": [{"prediction_id": name, "label": label} for name, label in batch]}
            answer = self._post("/feedback", body)
            taken = FeedbackTaken(
                taken.accepted + answer["accepted"],
                taken.repeated + answer["repeated"],
                (*taken.unknown, *answer["unknown"]),
                (*taken.conflicting, *answer.get("conflicting", ())),
            )
        return taken

    def _argv(self) -> list[str]:
        options: dict[str, object] = {
            "--desired": self._folder / "desired.json",
            "--log": self._predictions,
            "--port": self._port,
            "--host": self._host,
        }
        if os.environ.get(TOKEN_VARIABLE):
            options["--token-env"] = TOKEN_VARIABLE
        flat = [str(word) for pair in options.items() for word in pair]
        return [sys.executable, "-m", "unipipe_tui.serving", *flat]

    def _want(self, bundle: Path, digest: str) -> str:
        """Write down what is to be served; answers with the order's name."""
        order = secrets.token_hex(8)
        partial = self._folder / "desired.json.partial"
        partial.write_text(json.dumps({"bundle": str(bundle), "digest": digest, "order": order}))
        partial.replace(self._folder / "desired.json")
        return order

    def _wanted(self) -> tuple[Path, str] | None:
        try:
            document = json.loads((self._folder / "desired.json").read_text())
            return Path(document["bundle"]), str(document["digest"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def _process_file(self) -> Path:
        return self._folder / "process.json"

    def _record(self, pid: int) -> None:
        started = process.started_at(pid) or 0.0
        self._process_file.write_text(json.dumps(asdict(Running(pid, started, self._host, self._port))))

    def _running(self) -> Running | None:
        try:
            return Running(**json.loads(self._process_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _wait_for(self, digest: str, order: str, progress: Progress) -> ServerStatus:
        begun = monotonic()
        while monotonic() - begun < READY_WITHIN_SECONDS:
            status = self.status()
            if status.state is ServerState.READY and status.digest == digest:
                return status
            if status.state is ServerState.DIED:
                self._process_file.unlink(missing_ok=True)
                raise Failed(f"The server did not start: {status.error}", hint=f"Its log: {self._folder}/server.log")
            if status.state is ServerState.STOPPED:
                raise self._not_running()
            if status.error and status.order == order:
                raise Failed(f"The model cannot be served: {status.error}", hint=f"Its log: {self._folder}/server.log")
            progress.emit(Advanced(int(monotonic() - begun), None, "seconds"))
            sleep(0.25)
        raise Failed(
            f"The server was not ready within {READY_WITHIN_SECONDS:g} seconds.",
            hint=f"Its log: {self._folder}/server.log",
        )

    def _not_running(self) -> Failed:
        return Failed(f"The server of {self._target} is not running.", hint=f"unipipe serve start {self._target}")

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "server.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        if not lines or lines[-1].startswith(GREETING):
            return "it ended without a word, as a killed process does"
        return lines[-1]

    def _post(self, path: str, body: object, sent: Sent | None = None) -> dict[str, Any]:
        status, answer = self._ask("POST", path, body, timeout=60.0)
        if status == 200:
            return answer
        message = str(answer.get("error") or answer.get("detail") or f"HTTP {status}")
        if 400 <= status < 500:
            sent = sent or Sent()
            problems = dict.fromkeys(sent.told(p) for p in answer.get("problems", ()) if "field" in p)
            raise UsageError(f"The server refused: {message}{sent.fate}", hint="; ".join(list(problems)[:5]))
        raise Failed(f"The server failed: {message}", hint=f"Its log: {self._folder}/server.log")

    def _ask(self, method: str, path: str, body: object = None, timeout: float = 10.0) -> tuple[int, dict[str, Any]]:
        host, port = self._address()
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        headers = {"Content-Type": "application/json"}
        if token := os.environ.get(TOKEN_VARIABLE):
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            parsed = json.loads(answer.read())
            return answer.status, parsed if isinstance(parsed, dict) else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ToolMissing(
                f"The target {self._target} does not answer on http://{host}:{port} ({error}).",
                hint=f"Start it: unipipe serve start {self._target}",
            ) from None
        finally:
            connection.close()


def _batches(items: Sequence[Item]) -> Iterator[tuple[int, Sequence[Item]]]:
    for begin in range(0, len(items), BATCH):
        yield begin, items[begin : begin + BATCH]
