"""Monitoring: targets, the checks one after the other, what changed in each column, the charts, and the fate of alerts."""

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
from unipipe_tui.tui.screens.answer import AnswerScreen
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.monitoring import VIEWS
from unipipe_tui.tui.screens.monitoring_panes import (
    AlertsPane,
    ExplanationPane,
    FeaturesPane,
    HistoryPane,
    OperationsPane,
    TargetsPane,
    TimelinePane,
)
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
    following = "unipipe drift history local"
    bad = Alert("performance-local-1", AlertKind.PERFORMANCE, "local", "precision 0.74", NOON, "j", command=following)
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
    await until(pilot, lambda: app.screen.query_one(OperationsPane).answer and app.screen.query_one(AlertsPane).answer)
    await until(
        pilot, lambda: app.screen.query_one(ExplanationPane).answer and app.screen.query_one(TimelinePane).answer
    )


def picture(app: Unipipe, name: str) -> str:
    widget = app.screen.query_one(f"#{name}")
    return (widget if isinstance(widget, Drawing) else widget.query_one(Drawing)).text


async def test_where_there_is_room_all_is_seen_at_once_and_follows_the_column_under_the_cursor(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=MANY) as pilot:
        await arrived(pilot, app)
        pane = app.screen.query_one(FeaturesPane)
        await until(
            pilot, lambda: "measured" in picture(app, "performance") or "too few" in picture(app, "performance")
        )
        rows = [[cell.text for cell in row.cells] for row in pane.grid.rows]
        target = [cell.text for cell in app.screen.query_one(TargetsPane).grid.rows[0].cells]
        titles = [str(pane.border_title), str(app.screen.query_one(TimelinePane).border_title)]
        first = {name: picture(app, name) for name in (*VIEWS, "timeline")}
        seen = [name for name in VIEWS if app.screen.query_one(f"#{name}").region.area > 0]
        await pilot.press("j")
        await until(pilot, lambda: "iberia" in picture(app, "explanation"))
        await pilot.press("v")
        await pilot.pause()
        second = picture(app, "history")
        turned = [name for name in VIEWS if app.screen.query_one(f"#{name}").region.area > 0]

    assert rows == [
        ["amount", "!", "2.500", "▁█", "0.001", "–", "[b]moved[/b]."],
        ["region", "!", "1.250", "▁█", "0.001", "–", "[b]moved[/b]."],
    ]
    assert target[3] == "! 2 of 2: amount, region"
    assert titles[0].startswith("Drift · check 2 of 2, 03-09 11:50 · version 2")
    assert "40 predictions" in titles[1]
    assert seen == [name for name in VIEWS if name != "history"]
    assert "█ window" in first["explanation"]
    assert "drift" in first["timeline"]
    assert "40 rows" in first["performance"]
    assert "yes 50.0 %" in first["predictions"]
    assert "No server of this target has written minutes" in first["operations"]
    assert "a p95" in first["operations"]
    assert turned == [name for name in VIEWS if name != "predictions"]
    assert "Effect of region" in second


async def test_a_check_made_meanwhile_is_seen_and_whoever_chose_no_column_looks_at_what_moved_farthest(
    watched: World,
) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await arrived(pilot, app)
        await until(pilot, lambda: picture(app, "story"))
        begun = picture(app, "story")
        pointed = app.screen.query_one(FeaturesPane).grid.pointed
        later = check(0, 0.01)
        columns = [column("region", 0.02, drifted=False), column("amount", 0.01, drifted=False)]
        report = {**json.loads(later.report), "columns": columns}
        watched.history.add_drift_check(replace(later, report=json.dumps(report)))
        for kind in AlertKind:
            watched.history.close_alerts(kind, "local", NOON + timedelta(minutes=1))
        await until(pilot, lambda: "well" in picture(app, "story"))
        await until(pilot, lambda: "What changed in region" in str(app.screen.query_one(ExplanationPane).border_title))
        await until(pilot, lambda: "✓ 0.02 <" in picture(app, "timeline"))
        now = app.screen.query_one(FeaturesPane).grid.pointed

    assert begun.endswith("→ unipipe drift history local")
    assert (pointed, now) == ("amount", "region")


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
        low = app.screen.query_one(AlertsPane).region.bottom
        small = app.screen.query_one("#predictions").region.height
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one("#predictions").region.height > small + 3)
        shown = app.screen.query_one(TimelinePane).display
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#predictions").region.height == small)

    assert turned == [["explanation"], ["history"], ["performance"], ["predictions"]]
    assert low == 23
    assert not shown


async def test_one_goes_through_the_checks_and_all_of_the_screen_follows(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=(120, 30)) as pilot:
        await arrived(pilot, app)
        pane = app.screen.query_one(FeaturesPane)

        async def gone_to(check: str) -> list[object]:
            await until(
                pilot, lambda: check in str(pane.border_title) and f"PSI {effect[check]}" in picture(app, "explanation")
            )
            return [pane.grid.rows[0].cells[1].text, "^" in picture(app, "timeline")]

        effect = {"check 1 of 2": "0.01", "check 2 of 2": "2.5"}
        before = await gone_to("check 2 of 2")
        await pilot.press("c")
        first = await gone_to("check 1 of 2")
        await pilot.press("c")
        await until(pilot, lambda: app._notifications)
        told = [note.message for note in app._notifications]
        selected = dict(app.screen.selection())  # type: ignore[attr-defined]
        await pilot.press("C")
        last = await gone_to("check 2 of 2")
        await pilot.press("c")
        await gone_to("check 1 of 2")
        await pilot.press("escape")
        back = await gone_to("check 2 of 2")

    assert (before, first, last, back) == (["!", False], ["✓", True], ["!", False], ["!", False])
    assert told == ["That is the first check."]
    assert selected["at"] == (NOON - timedelta(minutes=30)).isoformat()


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


async def test_alerts_are_snoozed_closed_read_and_acted_upon_by_key(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=(120, 40)) as pilot:
        await arrived(pilot, app)
        pane = app.screen.query_one(AlertsPane)
        pane.grid.focus()
        await until(pilot, lambda: "next: unipipe drift history local" in str(pane.border_title))
        forms = []
        for key in ("o", "x"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, FormScreen) and app.screen.query("#entry-reason"))
            forms.append(app.export_screenshot().replace("&#160;", " "))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen.query(AlertsPane))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen) and "effect_from" in app.export_screenshot())
        answer = app.export_screenshot().replace("&#160;", " ")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query(AlertsPane))
        await pilot.press("enter")
        await until(pilot, lambda: "next command" in app.export_screenshot().replace("&#160;", " "))
        read = app.export_screenshot().replace("&#160;", " ")

    assert "alerts snooze" in forms[0]
    assert "alerts close" in forms[1]
    assert all("performance-local-1" in form for form in forms)
    assert "drift history" in answer
    assert "performance of local: precision 0.74" in read


async def test_w_asks_where_to_draw_what_changed_in_the_column(watched: World) -> None:
    app = Unipipe(watched)
    async with app.run_test(size=(120, 40)) as pilot:
        await arrived(pilot, app)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and app.screen.query("#entry-to"))
        form = app.export_screenshot().replace("&#160;", " ")

    assert "drift draw" in form
    assert "drift-amount.svg" in form


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
        pane = app.screen.query_one(TargetsPane)
        targets = [[row.id, pane.display] for row in pane.grid.rows]

    assert "unipipe drift check local" in plan
    assert "shadow was never checked" in told
    assert title == "Drift"
    assert targets == [["local", True], ["shadow", True]]
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
