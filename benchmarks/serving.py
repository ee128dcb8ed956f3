"""How many predictions a model server answers in a second, each of them logged before it is answered."""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from figures import Figure, said, seconds_of

from unipipe_tui.store.tables import TableFiles

UNIPIPE = Path(sys.executable).with_name("unipipe")
SAMPLE = Path(__file__).parents[1] / "sample_data" / "week-1.parquet"
SINGLE_SECONDS = 5.0
BATCH = 500
BATCHES = 10


def predictions(workspace: Path) -> Figure:
    """One client, one connection: single records for some seconds, then batches of five hundred."""
    url = json.loads(said([UNIPIPE, "serve", "start", "--yes", "--json"], workspace))["url"]
    try:
        return _measured(url)
    finally:
        said([UNIPIPE, "serve", "stop", "--yes"], workspace)


def _measured(url: str) -> Figure:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    records = TableFiles().records(SAMPLE)
    features = [{name: value for name, value in record.items() if name != "payment_id"} for record in records]
    _ask(connection, features[:1])
    singles: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < SINGLE_SECONDS:
        record = features[len(singles) % len(features)]
        singles.append(seconds_of(partial(_ask, connection, [record])))
    batch = (features * (BATCH // len(features) + 1))[:BATCH]
    batches = [seconds_of(lambda: _ask(connection, batch)) for _ in range(BATCHES)]
    connection.close()
    counted = {
        "requests_per_second": round(len(singles) / sum(singles)),
        "p95_milliseconds": round(1000 * statistics.quantiles(singles, n=20)[-1], 2),
        "rows_per_second_in_batches": round(BATCH * BATCHES / sum(batches)),
    }
    return Figure("one prediction", "<= 0.02 s", len(singles), statistics.median(singles), counted=counted)


def _ask(connection: http.client.HTTPConnection, records: Sequence[Mapping[str, object]]) -> None:
    body = json.dumps({"records": records})
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status}: {text.decode()[:300]}")
