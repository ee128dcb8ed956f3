"""`operations show` and its check, over what servers wrote: figures, gaps, cost, and hours that are unusual."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.made_minutes import minute_row
from unipipe_tui.actions.action import Look
from unipipe_tui.actions.monitor.unusual_hours import OperationsAnomalyCheck
from unipipe_tui.actions.operations import SHOW, ShowOperations, Source, Step, show_operations
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render_operations import operations_lines
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.findings import AlertKind, FindingState
from unipipe_tui.domain.operations import Measure
from unipipe_tui.domain.progress import Silent
from unipipe_tui.wiring import world_at

NOW = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)
CONFIG = "targets:\n  local: {kind: local, cost: {per_hour: 0.12, currency: EUR}}\n"


def world_with(root: Path, rows: list[dict[str, Any]], config: str = CONFIG, now: datetime = NOW) -> World:
    """A project whose server wrote these minutes."""
    root.mkdir(exist_ok=True)
    (root / "unipipe.yaml").write_text(config)
    log = root / ".unipipe" / "predictions" / "local"
    log.mkdir(parents=True)
    (log / "minutes-2026-03-09-1-0.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return dataclasses.replace(world_at(root), now=lambda: now)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def between(begin: datetime, end: datetime, **changes: Any) -> list[dict[str, Any]]:
    """A row for each minute."""
    count = int((end - begin) / timedelta(minutes=1))
    return [minute_row(begin + timedelta(minutes=number), **changes) for number in range(count)]


def test_rates_percentiles_load_and_cost_are_told_of_the_time_that_a_server_was_up(tmp_path: Path) -> None:
    rows = between(hours_ago(4.5), hours_ago(2.5)) + between(hours_ago(1.5), NOW)
    rows[10] |= {"errors": 6, "refused": 3, "in_flight": 40, "busy": 0.9}
    view = show_operations(ShowOperations(since="6h"), world_with(tmp_path / "p", rows))
    assert (view.by, view.rates.requests, view.rates.per_second) == (Step.HOUR, 60 * 210, 1.0)
    assert (view.rates.errors, view.rates.refused) == (6, 3)
    assert view.rates.error_share_low is not None
    assert view.rates.error_share_low < 6 / 12_600
    assert [(row.at.hour, row.source, row.requests) for row in view.rows] == [
        (8, Source.MINUTES, 3600),
        (9, Source.MINUTES, 3600),
        (10, Source.NOTHING, None),
        (11, Source.MINUTES, 3600),
        (12, Source.MINUTES, 1800),
    ]
    assert all(row.p50_ms == pytest.approx(5.0, rel=0.03) for row in view.rows if row.requests)
    assert (view.saturation.in_flight, view.saturation.in_flight_limit, view.saturation.busy) == (40, 1024, 0.9)
    assert view.cost is not None
    # From 08:00 on, when it is known to have run: 4.5 hours, whether it was up or not.
    assert view.cost.per_1000 == pytest.approx(1000 * 0.12 * 4.5 / 12_600)
    assert view.cost.base == "0.12 EUR an hour x 4.5 hours / 12,600 predictions"


def test_a_price_of_servers_is_paid_for_the_time_that_they_were_up(tmp_path: Path) -> None:
    rows = between(hours_ago(2), hours_ago(1)) + between(hours_ago(2), hours_ago(1.5), server="host:2")
    config = "targets:\n  local: {cost: {per_server_hour: 0.5, currency: USD}}\n"
    view = show_operations(ShowOperations(since="3h"), world_with(tmp_path / "p", rows, config))
    assert view.cost is not None
    assert (view.cost.hours, view.cost.total, view.cost.currency) == (1.5, 0.75, "USD")


@pytest.mark.parametrize(
    ("asked", "hours"),
    [
        (ShowOperations(since="1h"), 1.5),
        (ShowOperations(since="2026-03-09T08:30", until="2026-03-09T10:10"), 3.0),
        (ShowOperations(since="2026-03-09T08:00", until="2026-03-09T10:00"), 2.0),
        (ShowOperations(since="2026-03-09T13:30+05:30", until="2026-03-09T15:30+05:30"), 2.0),
        (ShowOperations(since="2026-03-09T10:00", until="2026-03-10"), 2.5),
    ],
)
def test_a_price_by_the_hour_is_paid_for_the_hours_whose_predictions_it_is_divided_by(
    asked: ShowOperations, hours: float, tmp_path: Path
) -> None:
    view = show_operations(asked, world_with(tmp_path / "p", between(hours_ago(6.5), NOW)))
    assert view.cost is not None
    assert (view.cost.hours, view.cost.predictions) == (hours, 3600 * hours)
    assert {row.source for row in view.rows} == {Source.MINUTES}


def test_two_hours_are_told_by_the_minute_and_variants_apart_with_shadows_not_counted(tmp_path: Path) -> None:
    begin = hours_ago(1)
    rows = [
        *between(begin, NOW),
        *between(begin, NOW, version=4, variant="canary", requests=6),
        *between(begin, NOW, version=5, variant="next", requests=66, mirrored=True),
        minute_row(begin, 2, version=None, model="", variant="", latency=[], refused=2, predictions=0),
    ]
    world = world_with(tmp_path / "p", rows)
    view = show_operations(ShowOperations(since="1h"), world)
    assert (view.by, len(view.rows), view.rows[1].requests) == (Step.MINUTE, 60, 66)
    assert view.rates.requests == 60 * 66 + 2
    assert [(one.variant, one.version, one.mirrored) for one in view.variants] == [
        ("stable", 3, False),
        ("canary", 4, False),
        ("", None, False),
        ("next", 5, True),
    ]
    canary = show_operations(ShowOperations(since="1h", variant="canary"), world)
    assert (canary.rates.requests, canary.rows[0].requests) == (360, 6)
    assert show_operations(ShowOperations(since="1h", version=5), world).rates.requests == 60 * 66


def test_without_minutes_the_prediction_log_is_told_and_what_is_missing_is_said(tmp_path: Path) -> None:
    world = world_with(tmp_path / "p", [])
    row = {"model": "fraud", "version": 3, "variant": "stable", "score": 0.4, "decision": 0, "latency_ms": 7.0}
    at = hours_ago(1.2).isoformat()
    log = tmp_path / "p" / ".unipipe" / "predictions" / "local" / "predictions-2026-03-09-1-0.jsonl"
    log.write_text("".join(json.dumps({"prediction_id": f"p{n}", "at": at} | row) + "\n" for n in range(5)))
    view = show_operations(ShowOperations(since="3h"), world)
    (first, second) = view.rows
    assert (first.source, first.predictions, first.requests, first.errors) == (Source.LOG, 5, None, None)
    assert first.p50_ms == pytest.approx(7.0, rel=0.03)
    assert (second.source, second.predictions) == (Source.LOG, 0)
    assert "only what the prediction log tells" in view.notices[0]


def test_of_a_time_before_there_were_minutes_no_later_prediction_is_told(tmp_path: Path) -> None:
    world = world_with(tmp_path / "p", between(hours_ago(1), NOW))
    row = {"model": "fraud", "version": 3, "variant": "stable", "score": 0.4, "decision": 0}
    told = [(hours_ago(4.2), 7.0), (hours_ago(2.2), 700.0), (hours_ago(2.1), 700.0)]
    lines = [{"prediction_id": f"p{n}", "at": at.isoformat(), "latency_ms": ms} for n, (at, ms) in enumerate(told)]
    log = tmp_path / "p" / ".unipipe" / "predictions" / "local" / "predictions-2026-03-09-1-0.jsonl"
    log.write_text("".join(json.dumps(line | row) + "\n" for line in lines))
    view = show_operations(ShowOperations(since="2026-03-09T06:00", until="2026-03-09T09:00"), world)
    assert [one.predictions for one in view.rows] == [1]
    assert view.latency.p99 == pytest.approx(7.0, rel=0.03)
    assert view.cost is not None and view.cost.predictions == 1


def test_a_target_of_which_nothing_is_known_says_so(tmp_path: Path) -> None:
    view = show_operations(ShowOperations(), world_with(tmp_path / "p", []))
    assert (view.rows, view.rates.requests, view.rates.per_second) == ((), 0, None)
    assert view.notices


@pytest.mark.parametrize(
    "asked",
    [ShowOperations(since="1d", until="2d"), ShowOperations(since="30d", by=Step.MINUTE), ShowOperations("nowhere")],
)
def test_what_cannot_be_shown_is_refused(asked: ShowOperations, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        show_operations(asked, world_with(tmp_path / "p", []))


def seasonal(days: int, last: int) -> list[dict[str, Any]]:
    """Weeks of traffic with days, a row for ten minutes; in the newest hour only so many requests each."""
    rows = []
    begin = NOW.replace(minute=0) - timedelta(days=days)
    for number in range(days * 144 + 4):
        at = begin + timedelta(minutes=10 * number)
        requests = round(300 * math.exp(0.8 * math.sin(2 * math.pi * at.hour / 24)) * (1 + 0.03 * (number % 5)))
        asked = last if at >= NOW.replace(minute=0) else requests
        # As ten rows would be, which are many to write.
        rows.append(minute_row(at, asked, up_seconds=600.0))
    return rows


@pytest.mark.parametrize(("last", "state"), [(340, FindingState.FINE), (30, FindingState.PROBLEM)])
def test_the_check_finds_an_hour_that_is_unusual_and_the_look_marks_it(
    last: int, state: FindingState, tmp_path: Path
) -> None:
    world = world_with(tmp_path / "p", seasonal(15, last))
    findings = {one.subject: one for one in OperationsAnomalyCheck().findings(world, "local", Silent())}
    traffic = findings["unusual traffic"]
    assert (traffic.kind, traffic.state) == (AlertKind.OPERATIONS, state)
    assert "expected" in traffic.sentence
    assert json.loads(traffic.evidence)["measure"] == "traffic"
    assert findings["unusual errors"].state is FindingState.FINE
    view = show_operations(ShowOperations(since="12h"), world)
    assert [one.measure for one in view.unusual] == ([Measure.TRAFFIC] if state is FindingState.PROBLEM else [])
    lines = [line.plain for line in operations_lines(view)]
    assert any(line.strip().startswith("!") for line in lines) == bool(view.unusual)


def test_before_a_week_of_minutes_nothing_is_found_and_the_look_says_why(tmp_path: Path) -> None:
    world = world_with(tmp_path / "p", seasonal(3, 0))
    assert OperationsAnomalyCheck().findings(world, "local", Silent()) == ()
    assert any("takes minutes of 7 days" in note for note in show_operations(ShowOperations(), world).notices)


def test_the_rows_fit_on_eighty_columns(tmp_path: Path) -> None:
    rows = between(hours_ago(5), NOW, requests=123_456, errors=12_345, in_flight=1_000, busy=3.5)
    lines = [
        line.plain for line in operations_lines(show_operations(ShowOperations(), world_with(tmp_path / "p", rows)))
    ]
    begin = lines.index("rows")
    table = lines[begin + 1 : lines.index("", begin)]
    assert len(table) == 7
    assert max(map(len, table)) <= 80
    assert isinstance(SHOW, Look)
