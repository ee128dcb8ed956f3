"""Monitoring: the features of the last check, what each looks like, the charts, and taking note of an alert."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from tests.fakes import NOON, staying
from tests.tui.conftest import looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.config import DataConfig, Port, TargetConfig
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.monitoring import VIEWS, AlertsPane, FeaturesPane, HistoryPane, LatencyPane
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.widgets.drawing import Drawing

MANY = (160, 48)


def column(name: str, effect: float, drifted: bool) -> dict[str, object]:
    return {
        "column": name,
        "kind": "numeric" if name == "amount" else "categorical",
        "drifted": drifted,
        "reason": f"PSI {effect}: [b]moved[/b].",
        "reference_rows": 100,
        "current_rows": 100,
        "value": effect,
        "p_value": 0.001,
        "effect": effect,
        "labels": ["< 1", "1 to 2", "> 2"] if name == "amount" else ["iberia", "gulf"],
        "reference_shares": [0.5, 0.5, 0.0] if name == "amount" else [1.0, 0.0],
        "current_shares": [0.2, 0.3, 0.5] if name == "amount" else [0.6, 0.4],
    }


def check(minutes: int, effect: float) -> DriftCheck:
    drifted = effect > 0.05
    performance = {
        "metric": "precision",
        "value": 0.99 - effect / 10,
        "low": 0.5,
        "high": 1.0,
        "threshold": 0.9,
        "labels": 900,
        "state": "below" if drifted else "ok",
        "sentence": "precision",
    }
    columns = [column("amount", effect, drifted), column("region", effect / 2, drifted)]
    report = json.dumps({"columns": columns, "reference_rows": 100, "performance": performance, "window": None})
    at = NOON - timedelta(minutes=minutes)
    return DriftCheck("local", "fraud-detector", 2, 100, drifted, ("amount",) if drifted else (), report, at, "j")


@pytest.fixture
def watched(busy_world: World) -> World:
    """Two checks, some traffic and two open alerts."""
    busy_world.history.add_drift_check(check(30, 0.01))
    busy_world.history.add_drift_check(check(10, 2.5))
    bad = Alert("performance-local-1", AlertKind.PERFORMANCE, "local", "precision 0.74", NOON, "j")
    busy_world.history.open_alert(bad)
    folder = busy_world.root / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True)
    rows = (
        {
            "prediction_id": f"p{number:03}",
            "at": (NOON - timedelta(minutes=40 - number)).isoformat(),
            "model": "fraud-detector",
            "version": 2,
            "score": number / 40,
            "decision": number % 2,
            "latency_ms": 10.0 + number,
        }
        for number in range(40)
    )
    (folder / "predictions-1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return busy_world


async def arrived(pilot: Pilot[None], app: Unipipe) -> None:
    """Go there and wait for what is asked there."""
    await looked(pilot, app)
    await pilot.press("6")
    await until(pilot, lambda: app.screen.query(FeaturesPane) and app.screen.query_one(FeaturesPane).history)
    await until(pilot, lambda: app.screen.query_one(LatencyPane).answer and app.screen.query_one(AlertsPane).answer)


def picture(app: Unipipe, name: str) -> str:
    widget = app.screen.query_one(f"#{name}")
    return (widget if isinstance(widget, Drawing) else widget.query_one(Drawing)).text


async def test_where_there_is_room_all_is_seen_at_once_and_follows_the_feature_under_the_cursor(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=MANY) as pilot:
        await arrived(pilot, app)
        pane = app.screen.query_one(FeaturesPane)
        rows = [[cell.text for cell in row.cells] for row in pane.grid.rows]
        title = str(pane.border_title)
        first = {name: picture(app, name) for name in VIEWS}
        seen = [name for name in VIEWS if app.screen.query_one(f"#{name}").region.area > 0]
        await pilot.press("j")
        await until(pilot, lambda: "iberia" in picture(app, "distribution"))
        second = {name: picture(app, name) for name in VIEWS}

    assert rows == [
        ["amount", "!", "2.500", "0.001", "▁█", "[b]moved[/b]."],
        ["region", "!", "1.250", "0.001", "▁█", "[b]moved[/b]."],
    ]
    assert title.startswith("Drift · local · version 2 · 100 rows against 100 · 03-09 11:50")
    assert seen == list(VIEWS)
    assert "█ window" in first["distribution"]
    assert "Effect of amount" in first["history"]
    assert "✗ precision 0.740, 900 labels of version 2" in first["performance"]
    assert "yes 50.0 %" in first["predictions"]
    assert "Latency: p50 29.5 ms" in first["latency"]
    assert "The log keeps what was answered" in first["latency"]
    assert "Effect of region" in second["history"]
    assert second["performance"] == first["performance"]


async def test_where_there_is_little_room_one_view_is_in_sight_and_v_turns_to_the_next(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await arrived(pilot, app)

        def seen() -> list[str]:
            return [name for name in VIEWS if app.screen.query_one(f"#{name}").display]

        turned = [seen()]
        for _ in range(2):
            await pilot.press("v")
            turned.append(seen())
        await pilot.press("V", "V", "V")
        turned.append(seen())
        await pilot.press("enter")
        turned.append(seen())
        low = app.screen.query_one(AlertsPane).region.bottom

    assert turned == [["distribution"], ["history"], ["performance"], ["latency"], ["distribution"]]
    assert low == 23


async def test_a_asks_why_and_leads_to_the_plan_of_taking_note(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=(120, 40)) as pilot:
        await arrived(pilot, app)
        rows = [[cell.text for cell in row.cells][:3] for row in app.screen.query_one(AlertsPane).grid.rows]
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and app.screen.query("#entry-reason"))
        app.screen.query_one("#entry-reason").focus()
        await pilot.press(*"known", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))
        plan = app.export_screenshot()

    assert rows[0] == ["!", "performance", "precision 0.74"]
    assert "--reason=known" in plan.replace("&#160;", " ")
    assert "performance-local-1" in plan


async def test_an_acknowledged_alert_has_another_glyph_and_is_not_acknowledged_twice(watched: World) -> None:
    watched.history.acknowledge_alert("performance-local-1", NOON, "grace", "the sale")
    watched.history.close_alerts(AlertKind.DRIFT, "local", NOON)
    app = Unipipe(watched)
    async with app.run_test(size=(120, 40)) as pilot:
        await arrived(pilot, app)
        pane = app.screen.query_one(AlertsPane)
        rows = [[row.cells[0].text, row.cells[-1].text] for row in pane.grid.rows]
        await pilot.press("a")
        await until(pilot, lambda: app._notifications)
        told = [note.message for note in app._notifications]
        await pilot.press("A")
        await until(pilot, lambda: len(pane.grid.rows) == 2)
        glyphs = {row.cells[0].text for row in pane.grid.rows}
        title = str(pane.border_title)

    assert rows == [["○", "grace: the sale"]]
    assert "grace has acknowledged it" in told[0]
    assert glyphs == {"○", "✓"}
    assert title.startswith("All alerts")


async def test_d_plans_a_check_of_the_target_that_is_shown(watched: World) -> None:
    (watched.root / "reference.csv").write_text("amount\n1\n")
    targets = {"local": TargetConfig(), "shadow": TargetConfig(port=Port(8766))}
    config = replace(watched.config, targets=targets, data=DataConfig(reference="reference.csv"))
    app = Unipipe(staying(watched, config=config))
    async with app.run_test(size=(120, 40)) as pilot:
        await arrived(pilot, app)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))
        plan = app.export_screenshot().replace("&#160;", " ")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query(FeaturesPane))
        await pilot.press("t")
        await until(pilot, lambda: app.screen.query_one(FeaturesPane).problem)
        await pilot.pause()
        told = app.export_screenshot().replace("&#160;", " ")
        title = str(app.screen.query_one(FeaturesPane).border_title)
        rows = app.screen.query_one(FeaturesPane).grid.rows
        history = app.screen.query_one(HistoryPane).answer

    assert "unipipe drift check local" in plan
    assert "shadow was never checked" in told
    assert title == "Drift"
    assert rows == ()
    assert history is None


async def test_a_target_that_was_never_checked_says_what_to_run(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        await pilot.press("6")
        await until(pilot, lambda: app.screen.query(FeaturesPane) and app.screen.query_one(FeaturesPane).problem)
        await pilot.pause()
        shown = app.export_screenshot().replace("&#160;", " ")

    assert "unipipe drift check local" in shown
    assert "No open alert" in shown
