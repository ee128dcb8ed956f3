"""Several versions in one server: shares, sticky callers, names, shadows, probes, and what is counted of each."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from .servers import PLAIN, Sealed, Server, Start, logged, payment, wish

pytestmark = pytest.mark.xdist_group("serving")
Pair = tuple[Sealed, Sealed]


@pytest.fixture(scope="module")
def server(start: Start, bundles: Pair) -> Server:
    return start(bundles[0])


def of(sealed: Sealed, name: str, weight: float, **more: object) -> dict[str, object]:
    return wish(sealed.folder, sealed.bundle.digest, name, weight, **more)


def split(bundles: Pair, weight: float) -> list[dict[str, object]]:
    return [of(bundles[1], "canary", weight), of(bundles[0], "stable", 100 - weight)]


def ask(server: Server, times: int, **record: object) -> list[dict[str, Any]]:
    with httpx.Client(base_url=server.url, timeout=30, verify=PLAIN) as client:
        answers = [client.post("/predict", json={"records": [payment(**record)]}) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def test_answers_log_and_counts_name_the_variant_and_each_gets_its_exact_share(server: Server, bundles: Pair) -> None:
    server.share_out(*split(bundles, 10))
    before = {name: server.counted("unipipe_requests_total", variant=name) for name in ("canary", "stable")}
    answers = ask(server, 300)
    counted = Counter(answer["variant"] for answer in answers)
    assert abs(counted["canary"] - 30) <= 1
    assert {(one["variant"], one["version"]) for one in answers} == {("canary", 2), ("stable", 1)}
    rows = {row["prediction_id"]: (row["variant"], row["version"]) for row in logged(server.log)}
    for one in answers:
        assert rows[one["predictions"][0]["prediction_id"]] == (one["variant"], one["version"])
    for name, earlier in before.items():
        assert server.counted("unipipe_requests_total", variant=name, status="200") - earlier == counted[name]


def test_a_sticky_caller_stays_with_its_variant_while_the_share_grows(server: Server, bundles: Pair) -> None:
    hours = range(200)
    server.share_out(*split(bundles, 20), sticky="hour")
    early = {hour for hour in hours if ask(server, 1, hour=hour)[0]["variant"] == "canary"}
    server.share_out(*split(bundles, 60), sticky="hour")
    late = {hour for hour in hours if ask(server, 1, hour=hour)[0]["variant"] == "canary"}
    assert early < late
    assert 20 <= len(early) <= 65
    assert {one["variant"] for one in ask(server, 10, hour=min(early))} == {"canary"}


def test_a_key_in_the_header_sticks_whatever_the_record_holds(server: Server, bundles: Pair) -> None:
    server.share_out(*split(bundles, 50))
    by_key = {
        key: {server.predict([payment(hour=hour)], Key=key).json()["variant"] for hour in range(4)}
        for key in (f"customer-{number}" for number in range(12))
    }
    assert all(len(variants) == 1 for variants in by_key.values())
    assert set.union(*by_key.values()) == {"canary", "stable"}


def test_a_variant_is_asked_by_name_and_one_that_is_not_there_is_refused(server: Server, bundles: Pair) -> None:
    server.share_out(of(bundles[0], "a", 100), of(bundles[1], "b", 0))
    assert server.predict([payment()], Variant="b").json()["version"] == 2
    assert {one["variant"] for one in ask(server, 5)} == {"a"}
    refused = server.predict([payment()], Variant="c")
    assert refused.status_code == 404
    assert "only a, b" in refused.json()["error"]


def test_a_model_that_stays_is_not_loaded_again(server: Server, bundles: Pair) -> None:
    server.share_out(of(bundles[0], "stable", 100))
    began = time.monotonic()
    for weight in (10, 20, 30):
        state: Any = server.share_out(*split(bundles, weight))
    first = server.share_out(*split(bundles, 40))["variants"]
    assert [one["since"] for one in state["variants"]] == [one["since"] for one in first]  # type: ignore[attr-defined]
    assert time.monotonic() - began < 15


def test_a_thousand_requests_during_switches_all_succeed(server: Server, bundles: Pair) -> None:
    server.share_out(of(bundles[0], "stable", 100))
    with ThreadPoolExecutor(4) as callers:
        asked = [callers.submit(ask, server, 250) for _ in range(4)]
        switches = 0
        while not all(one.done() for one in asked):
            weight = (10, 50, 90)[switches % 3]
            server.share_out(*split(bundles, weight))
            server.share_out(of(bundles[switches % 2], "stable", 100))
            switches += 2
    answers = [answer for one in asked for answer in one.result()]
    assert len(answers) == 1_000
    assert switches >= 2
    assert {answer["version"] for answer in answers} == {1, 2}


def test_a_shadow_gets_copies_that_are_logged_under_the_same_ids_and_never_answers(
    server: Server, bundles: Pair
) -> None:
    server.share_out(of(bundles[0], "stable", 100), of(bundles[1], "shadow", 0, mirrored=True))
    answers = ask(server, 40)
    assert {(one["variant"], one["version"]) for one in answers} == {("stable", 1)}
    ids = {one["predictions"][0]["prediction_id"] for one in answers}
    deadline = time.monotonic() + 10
    while len(rows := logged(server.log, "shadow")) < 40 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert {row["prediction_id"] for row in rows} == ids
    assert {(row["variant"], row["version"]) for row in rows} == {("shadow", 2)}
    answered = {row["prediction_id"]: row for row in logged(server.log)}
    assert all(answered[row["prediction_id"]]["score"] != row["score"] for row in rows)
    assert server.counted("unipipe_requests_total", variant="shadow") == 40
    one = min(ids)
    server.label(**{one: 1})
    assert server.counted("unipipe_feedback_total", variant="shadow", label="1") == 1


def test_a_probe_is_answered_and_leaves_no_trace(server: Server, bundles: Pair) -> None:
    server.share_out(of(bundles[0], "stable", 100), of(bundles[1], "shadow", 0, mirrored=True))
    before, rows = server.metrics(), len(logged(server.log))
    for variant in ("stable", "shadow"):
        answer = server.predict([payment()], Variant=variant, Probe="1")
        assert (answer.status_code, answer.json()["variant"]) == (200, variant)
    time.sleep(0.2)
    assert len(logged(server.log)) == rows
    assert {line: value for line, value in server.metrics().items() if "created" not in line} == {
        line: value for line, value in before.items() if "created" not in line
    }


def test_labels_are_counted_by_variant_and_decision(server: Server, bundles: Pair) -> None:
    server.share_out(of(bundles[0], "stable", 100))
    before = server.counted("unipipe_feedback_total", variant="stable", decision="1", label="0")
    server.predict([payment(amount=400.0)], ids=["counted-label"])
    server.label(**{"counted-label": 0})
    server.label(**{"counted-label": 0})
    assert server.counted("unipipe_feedback_total", variant="stable", decision="1", label="0") == before + 1


def test_refused_requests_are_counted_by_their_code(server: Server) -> None:
    before = server.counted("unipipe_requests_total", status="422")
    server.predict([payment(hour="late")])
    httpx.post(f"{server.url}/predict", content=b"{")
    assert server.counted("unipipe_requests_total", status="422") == before + 2


def test_readiness_tells_the_whole_table(server: Server, bundles: Pair) -> None:
    told = server.share_out(*split(bundles, 25), release="r-1", target="local", sticky="hour", actor="ada", at="2030")
    assert {key: told[key] for key in ("release", "target", "sticky", "actor", "version", "error")} == {
        "release": "r-1",
        "target": "local",
        "sticky": "hour",
        "actor": "ada",
        "version": 1,
        "error": None,
    }
    variants: Any = told["variants"]
    assert [(one["name"], one["version"], one["weight"], one["ready"]) for one in variants] == [
        ("canary", 2, 25.0, True),
        ("stable", 1, 75.0, True),
    ]
    assert [one["digest"] for one in variants] == [bundles[1].bundle.digest, bundles[0].bundle.digest]


def test_a_bundle_of_another_version_than_the_file_says_is_refused(server: Server, bundles: Pair) -> None:
    server.share_out(of(bundles[0], "stable", 100))
    with pytest.raises(AssertionError, match="The bundle holds fraud 2, wanted is fraud 9"):
        server.share_out(of(bundles[1], "stable", 100, model="fraud", version=9))
    assert ask(server, 1)[0]["version"] == 1
