"""Stands in for our server in a container: no model, quick to start, the same words on the command line and over HTTP.

Two models are not what they seem: the one called `crashes` ends with a word of why, and `never-ready` never is.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import sys
import threading
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

LIMITS = ("0.005", "0.05", "0.5", "+Inf")


class Shop:
    """What all requests share."""

    def __init__(self, desired: Path, log: Path) -> None:
        self.desired = desired
        self.log = log
        log.mkdir(parents=True, exist_ok=True)
        self.segment = log / f"predictions-{datetime.now(UTC).date()}-{os.getpid()}-0.jsonl"
        self.counted: Counter[tuple[str, str, int, int]] = Counter()
        self.given: dict[str, str] = {}
        self.turns = itertools.count()
        self.lock = threading.Lock()

    @property
    def wish(self) -> Any:
        return json.loads(self.desired.read_text())

    def chosen(self, name: str | None) -> Any:
        variants = self.wish["variants"]
        if name:
            return next((one for one in variants if one["name"] == name), None)
        answering = [one for one in variants if one["weight"] > 0]
        place, end = (next(self.turns) * 61) % 100, 0.0
        for one in answering:
            end += one["weight"]
            if place < end:
                return one
        return answering[-1]

    def score(self, variant: Any, records: list[Any]) -> list[float]:
        if "url" not in variant:
            return [float(variant["version"])] * len(records)
        body = json.dumps({"dataframe_split": {"columns": [], "data": [[]] * len(records)}}).encode()
        asked = urllib.request.Request(f"{variant['url']}/invocations", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return json.load(answer)["predictions"]

    def metrics(self) -> str:
        lines = []
        for (name, model, version, status), number in sorted(self.counted.items()):
            labels = f'model="{model}",version="{version}",variant="{name}"'
            lines.append(f'unipipe_requests_total{{{labels},status="{status}"}} {number}')
            lines += [f'unipipe_request_seconds_bucket{{{labels},le="{limit}"}} {number}' for limit in LIMITS]
        return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self.answer(200, self.shop.metrics())
            return
        never = any(one["model"] == "never-ready" for one in self.shop.wish["variants"])
        ready = self.path != "/readyz" or not never
        self.answer(200 if ready else 503, {"ready": ready, "variants": self.shop.wish["variants"]})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/feedback":
            self.feedback(sent["labels"])
            return
        records = sent.get("records") or sent.get("dataframe_split", {}).get("data", [])
        variant = self.shop.chosen(self.headers.get("Unipipe-Variant"))
        if variant is None:
            self.answer(404, {"error": "no such variant"})
            return
        scores = self.shop.score(variant, records)
        if self.path == "/invocations":
            self.answer(200, {"predictions": scores})
            return
        given = sent.get("ids") or [uuid4().hex for _ in records]
        if self.headers.get("Unipipe-Probe") is None:
            self.remember(variant, given, scores)
        predictions = [{"prediction_id": i, "score": s, "decision": 1} for i, s in zip(given, scores, strict=True)]
        said = {key: variant[key] for key in ("model", "version")}
        self.answer(200, {**said, "variant": variant["name"], "predictions": predictions, "known": []})

    def remember(self, variant: Any, ids: list[str], scores: list[float]) -> None:
        with self.shop.lock, self.shop.segment.open("a") as file:
            for one, score in zip(ids, scores, strict=True):
                row = {"prediction_id": one, "at": datetime.now(UTC).isoformat(), "model": variant["model"]}
                row |= {"version": variant["version"], "score": score, "decision": 1, "latency_ms": 1.0, "input.x": 1.0}
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
                self.shop.given.setdefault(one, "")
            self.shop.counted[(variant["name"], variant["model"], variant["version"], 200)] += 1

    def feedback(self, labels: list[Any]) -> None:
        known = [one for one in labels if one["prediction_id"] in self.shop.given]
        unknown = [one["prediction_id"] for one in labels if one["prediction_id"] not in self.shop.given]
        self.answer(200, {"accepted": len(known), "repeated": 0, "unknown": unknown, "conflicting": []})

    def answer(self, status: int, body: Any) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_words: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--desired", "--log", "--host", "--port", "--log-mode"):
        parser.add_argument(name)
    given = parser.parse_args()
    shop = Shop(Path(given.desired), Path(given.log))
    print("small server: listening", flush=True)
    if any(one["model"] == "crashes" for one in shop.wish["variants"]):
        sys.exit("small server: the model cannot be loaded: no module named somewhere")
    Handler.shop = shop
    server = ThreadingHTTPServer((given.host, int(given.port)), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
