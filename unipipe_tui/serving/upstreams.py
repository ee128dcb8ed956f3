"""Another server as a variant: any one that speaks MLflow's `/invocations`, ours in a container or MLflow's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import urllib3

from unipipe_tui.domain.errors import Failed
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.scoring import Beside, Facts, as_decision
from unipipe_tui.serving.tensors import TensorFacts
from unipipe_tui.serving.validation import Column, Columns, Kind

CONNECTIONS = 16
CONNECT_SECONDS = 2.0
PING_SECONDS = 2.0
_HEADERS = {
    "Content-Type": "application/json",
    # One of ours would log and count it too; the router does both.
    "Unipipe-Probe": "1",
}
_SAID_AT_MOST = 300


class Upstream:
    """One server over HTTP, its connections kept open."""

    def __init__(self, url: str, facts: Facts, columns: tuple[Column, ...], seconds: float) -> None:
        self.url = url
        self.facts = facts
        self.columns = columns
        self.threads = CONNECTIONS
        self.outputs: tuple[TensorFacts, ...] | None = None
        """What it says that it answers with; empty when it does not say, None when it was not asked yet."""
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
        )

    def mergeable(self, columns: Columns) -> object | None:
        """Never: how it treats records that come together is its own affair."""
        return None

    def predict(self, columns: Columns, records: int) -> Any:
        """Its predictions, one row per record. Raises Refusing: 502 or 503 when it is away or fails, 504 when too late."""
        return self.predict_with(columns, records, Beside())

    def predict_with(self, columns: Columns, records: int, beside: Beside) -> Any:
        """As `predict`, with params, which the server behind checks, and below the span of whoever asks."""
        names = [name for name in columns if name not in self._unsaid(columns)]
        rows = zip(*(columns[name] for name in names), strict=True) if names else ([] for _ in range(records))
        body: dict[str, object] = {"dataframe_split": {"columns": names, "data": [list(row) for row in rows]}}
        if beside.params:
            body["params"] = beside.params
        document = self._post(json.dumps(body, default=_as_json).encode(), {**_HEADERS, **(beside.trace or {})})
        if not isinstance(document, dict) or "predictions" not in document:
            raise Refusing(502, f"The server at {self.url} answered without predictions.")
        # As it came: whoever asks by MLflow's protocol gets the same from the router.
        return document["predictions"]

    def _unsaid(self, columns: Columns) -> set[str]:
        """Truth values that nobody gave: MLflow takes null for false, so they must not be sent."""
        truths = (one.name for one in self.columns if one.kind is Kind.BOOLEAN and not one.required)
        return {name for name in truths if name in columns and not any(value is not None for value in columns[name])}

    def verify(self) -> None:
        """Raises Failed when it does not answer or is not ready."""
        try:
            answer = self._pool.request("GET", f"{self.url}/ping", timeout=PING_SECONDS, headers=_HEADERS)
        except urllib3.exceptions.HTTPError as error:
            raise Failed(f"The server at {self.url} does not answer: {_reason(error)}.") from None
        if answer.status >= 500:
            raise Failed(f"The server at {self.url} is not ready: HTTP {answer.status} {_said(answer.data)}")
        if self.outputs is None:
            self._ask_outputs()

    def _ask_outputs(self) -> None:
        """By the Open Inference Protocol, which MLflow's own server does not speak."""
        path = f"/v2/models/{quote(self.facts.model, safe='')}/versions/{self.facts.version}"
        try:
            answer = self._pool.request("GET", f"{self.url}{path}", timeout=PING_SECONDS, headers=_HEADERS)
            told = json.loads(answer.data) if answer.status == 200 else {"outputs": []}
            self.outputs = tuple(
                TensorFacts(str(one["name"]), str(one["datatype"]), tuple(one["shape"])) for one in told["outputs"]
            )
            # Other servers have parameters of their own, or say that there are none.
            classes = (told.get("parameters") or {}).get("classes") or ()
            self.facts = replace(self.facts, classes=tuple(as_decision(one) for one in classes))
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            self.outputs = ()

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Any:
        answer = self._ask(body, headers)
        if answer.status == 200:
            try:
                return json.loads(answer.data)
            except ValueError:
                raise Refusing(502, f"The server at {self.url} answered no JSON.") from None
        status = answer.status if answer.status in (503, 504) else 502
        raise Refusing(status, f"The server at {self.url} answered {answer.status}: {_said(answer.data)}")

    def _ask(self, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        for last in (False, True):
            try:
                return self._pool.request("POST", f"{self.url}/invocations", body=body, headers=headers)
            except urllib3.exceptions.ReadTimeoutError:
                raise Refusing(504, f"The server at {self.url} took too long.") from None
            except urllib3.exceptions.NewConnectionError as error:
                raise Refusing(502, f"The server at {self.url} is away: {_reason(error)}.") from None
            except urllib3.exceptions.HTTPError as error:
                # A kept connection that the other side closed meanwhile is no failure of the server: once more, anew.
                if last:
                    raise Refusing(502, f"The server at {self.url} is away: {_reason(error)}.") from None
        raise AssertionError("the second attempt answers or raises")


def _as_json(value: object) -> str:
    if isinstance(value, datetime):
        # pandas wants all times of a column in one form.
        return value.isoformat(timespec="microseconds")
    return base64.b64encode(bytes(value)).decode()  # type: ignore[call-overload]


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2] or type(error).__name__


def _said(data: bytes) -> str:
    return " ".join(data.decode(errors="replace").split())[:_SAID_AT_MOST]
