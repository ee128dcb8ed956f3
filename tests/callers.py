"""Callers of a target: they ask again and again while something changes there, and remember who answered and what failed."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any


class Callers:
    """One caller at a port of this machine, with a new connection for each request; ends with the block it is opened for."""

    def __init__(self, port: int, *records: dict[str, Any], every_seconds: float = 0.02) -> None:
        self._port = port
        self._records = itertools.cycle(records)
        self._every_seconds = every_seconds
        self._over = threading.Event()
        self.versions: Counter[int] = Counter()
        self.ids: set[str] = set()
        self.failed: list[str] = []
        self.failed_at: list[float] = []
        """By the monotonic clock."""
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Callers:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def wait_for(self, versions: Sequence[int], seconds: float = 30) -> None:
        """Until each of these versions has answered."""
        deadline = time.monotonic() + seconds
        while not set(versions) <= set(self.versions) and time.monotonic() < deadline:
            time.sleep(self._every_seconds)

    def _ask(self) -> None:
        while not self._over.wait(self._every_seconds):
            self._ask_once(next(self._records), uuid.uuid4().hex)

    def _ask_once(self, record: dict[str, Any], name: str) -> None:
        body = json.dumps({"records": [record], "ids": [name]})
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
            assert answer.status == 200, said
            self.versions[said["version"]] += 1
            self.ids.add(name)
        except (OSError, http.client.HTTPException, ValueError, AssertionError) as error:
            self.failed_at.append(time.monotonic())
            self.failed.append(repr(error))
        finally:
            connection.close()
