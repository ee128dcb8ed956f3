"""A server of ours, asked over HTTP: what it answers with, predictions, labels, counts."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from unipipe_tui.adapters.sent_records import Sent
from unipipe_tui.adapters.targets.metrics_text import read_measures
from unipipe_tui.domain.errors import Failed, ToolMissing, UsageError
from unipipe_tui.domain.ports.targets import LiveVariant
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Prediction, Record, Value
from unipipe_tui.domain.values import frozen

TOKEN_VARIABLE = "UNIPIPE_SERVE_TOKEN"  # noqa: S105
BATCH = 500
PREDICT_SECONDS = 60.0
LOOK_SECONDS = 2.0
Item = TypeVar("Item")


@frozen
class Answering:
    """What a server says of itself at `/readyz`."""

    ready: bool
    variants: tuple[LiveVariant, ...]
    main: LiveVariant | None
    """The variant that answers most."""
    since: datetime | None
    """Since when that one does."""
    release: str | None
    actor: str | None
    at: datetime | None
    """When the release was given to it."""
    sticky: str | None
    serving: str | None
    """The order that it answers by."""
    order: str | None
    """The order that it was given last; `error` speaks of it."""
    error: str | None
    requests: int
    remarks: tuple[str, ...]
    log_problem: str
    """Why the log cannot be written; empty: it can."""
    """What is not as it should be, one sentence each."""


@frozen
class ServerAt:
    """Where a server listens, and who is told to start it when it does not answer."""

    target: str
    host: str
    port: int
    started_by: str
    """What starts it, for the hint of a refusal."""
    log_place: str = ""
    """Where its own log is, for the hint of a failure."""

    def answering(self) -> Answering:
        """What it answers with. Raises ToolMissing when it does not answer at all."""
        _status, document = self._document("GET", "/readyz", timeout=LOOK_SECONDS)
        return _answering(document)

    def measures(self) -> tuple[Measures, ...]:
        """What each variant has done since the server was started. Raises ToolMissing."""
        return read_measures([self.metrics_text()])

    def refuse_unless_admitted(self) -> None:
        """Raise ToolMissing when it asks for a token that we have not: before it is changed, for nothing could be proved."""
        self.metrics_text()

    def metrics_text(self) -> str:
        """The counts as the server tells them. Raises ToolMissing."""
        return self._ask("GET", "/metrics", timeout=LOOK_SECONDS)[1]

    def probe(self, variant: str | None, records: Sequence[Record]) -> Predicted:
        """Ask one variant, or whatever answers, leaving no trace. Raises ToolMissing, UsageError, Failed."""
        headers = {"Unipipe-Probe": "1"} | ({} if variant is None else {"Unipipe-Variant": variant})
        return self._predicted(records, None, headers)

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records; large sets are sent in batches.

        Those whose id and inputs the target answered before keep their recorded answer, so a set that was taken in
        part can be sent again.

        Raises:
            ToolMissing: nobody answers there.
            UsageError: a record does not fit the model, or its id names another record's prediction.
        """
        return self._predicted(records, ids, {})

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

    def _predicted(self, records: Sequence[Record], ids: Sequence[str] | None, headers: Mapping[str, str]) -> Predicted:
        predictions: list[Prediction] = []
        versions: dict[int, None] = {}
        known: list[str] = []
        model = ""
        for begin, batch in _batches(records):
            body: dict[str, Any] = {"records": list(batch)}
            if ids is not None:
                body["ids"] = list(ids[begin : begin + BATCH])
            answer = self._post("/predict", body, Sent(records, begin, ids is not None), headers)
            before = answer.get("known", [])
            model = answer["model"]
            versions |= dict.fromkeys(one["version"] for one in before)
            if len(before) < len(batch):
                versions[answer["version"]] = None
            known += [one["prediction_id"] for one in before]
            predictions += [Prediction(p["prediction_id"], p["score"], p["decision"]) for p in answer["predictions"]]
        return Predicted(model, tuple(versions), tuple(predictions), tuple(known))

    def _post(
        self, path: str, body: object, sent: Sent | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        status, answer = self._document("POST", path, body, PREDICT_SECONDS, headers)
        if status == 200:
            return answer
        message = str(answer.get("error") or answer.get("detail") or f"HTTP {status}")
        if 400 <= status < 500:
            sent = sent or Sent()
            problems = dict.fromkeys(sent.told(p) for p in answer.get("problems", ()) if "field" in p)
            raise UsageError(f"The server refused: {message}{sent.fate}", hint="; ".join(list(problems)[:5]))
        raise Failed(f"The server failed: {message}", hint=self.log_place and f"Its log: {self.log_place}")

    def _document(
        self,
        method: str,
        path: str,
        body: object = None,
        timeout: float = 10.0,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        status, text = self._ask(method, path, body, timeout, headers)
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise self._away(error) from None
        return status, parsed if isinstance(parsed, dict) else {}

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        timeout: float = 10.0,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        connection = self._connection(timeout)
        sent = {"Content-Type": "application/json", **self._credentials(), **(headers or {})}
        try:
            connection.request(method, self._place(path), None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._away(error) from None
        finally:
            connection.close()
        self._refuse_unless_admitted(answer.status, text)
        return answer.status, text

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def _place(self, path: str) -> str:
        return path

    def _credentials(self) -> Mapping[str, str]:
        token = os.environ.get(TOKEN_VARIABLE)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _refuse_unless_admitted(self, status: int, text: str) -> None:
        """Raise ToolMissing when it was not the server's word on the request, but that nobody may ask like this."""
        if status == 401:
            said = "takes another bearer token than that" if self._credentials() else "asks for a bearer token"
            raise ToolMissing(
                f"The target {self.target} {said}.", hint=f"Set {TOKEN_VARIABLE} to the one that it was started with."
            )

    def _away(self, error: Exception) -> ToolMissing:
        return ToolMissing(
            f"The target {self.target} does not answer on http://{self.host}:{self.port} ({error}).",
            hint=f"Start it: {self.started_by}",
        )


def _answering(document: Mapping[str, Any]) -> Answering:
    variants = tuple(_live(given) for given in document.get("variants", ()))
    answering = [live for live in variants if not live.variant.mirrored]
    return Answering(
        ready=bool(document.get("ready")),
        variants=variants,
        main=max(answering, key=lambda live: live.variant.weight) if answering else None,
        since=_time(document.get("since")),
        release=document.get("release"),
        actor=document.get("actor"),
        at=_time(document.get("at")),
        sticky=document.get("sticky"),
        serving=document.get("serving"),
        order=document.get("order"),
        error=document.get("error") or None,
        requests=int(document.get("requests") or 0),
        remarks=tuple(_remarks(document)),
        log_problem=(document.get("log") or {}).get("error") or "",
    )


def _live(given: Mapping[str, Any]) -> LiveVariant:
    variant = Variant(
        given["name"], given["model"], given["version"], given["digest"], given["weight"], given["mirrored"]
    )
    return LiveVariant(variant, given["ready"], given.get("error") or "", given.get("commit"), given.get("data"))


def _remarks(document: Mapping[str, Any]) -> Iterator[str]:
    if document.get("error"):
        yield f"The last wish was not fulfilled: {document['error']}"
    if (document.get("log") or {}).get("error"):
        yield f"The prediction log cannot be written: {document['log']['error']}"
    worker = document.get("worker") or {}
    if worker.get("restarts"):
        yield f"The server was started again {worker['restarts']} times; the last one {worker['last_exit']}."


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _batches(items: Sequence[Item]) -> Iterator[tuple[int, Sequence[Item]]]:
    for begin in range(0, len(items), BATCH):
        yield begin, items[begin : begin + BATCH]
