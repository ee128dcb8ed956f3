"""The lineage screen: walking up, down and back with the keyboard, and reading the audit."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input, Static

from tests.actions.lineage.made import PROMOTED, RUN, TRAINED, with_lineage
from tests.fakes import NOON, staying
from tests.tui.conftest import looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.lineage import AuditPane, ChainPane, LineageScreen
from unipipe_tui.tui.sheets.lineage import thing_of
from unipipe_tui.tui.widgets.reading import Reading


def here(app: Unipipe) -> str:
    answer = app.screen.query_one(ChainPane).answer if isinstance(app.screen, LineageScreen) else None
    return answer.thing.id if answer else ""


def lineage_of(app: Unipipe) -> LineageScreen:
    assert isinstance(app.screen, LineageScreen)
    return app.screen


def pointed(app: Unipipe) -> str:
    return thing_of(app.screen.query_one(ChainPane).grid.pointed or "")


def trail(app: Unipipe) -> str:
    return str(app.screen.query_one("#trail", Static).content)


def told(app: Unipipe) -> str:
    return str(app.screen.query_one(Reading).query_one(Static).content)


def numbers(app: Unipipe) -> list[str]:
    return [row.cells[1].text for row in app.screen.query_one(AuditPane).grid.rows]


def audited(world: World) -> World:
    """A world where two jobs left entries in the audit."""
    for job, action in ((TRAINED, "retrain"), (PROMOTED, "models promote")):
        world.audit.append(
            at=NOON, actor="ada", action=action, command=f"unipipe {action}", job=job, outcome="done", detail="well"
        )
    return world


async def test_one_walks_from_production_to_the_run_and_back_again(project: Path) -> None:
    world = staying(with_lineage(project))
    app = Unipipe(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("8")
        await until(pilot, lambda: here(app) == "production" and pointed(app).startswith("release:"))
        await pilot.press("enter")
        await until(pilot, lambda: here(app) == f"release:local/{PROMOTED}" and pointed(app) == "version:fraud/2")
        await pilot.press("enter")
        await until(pilot, lambda: here(app) == "version:fraud/2" and pointed(app) == f"run:{RUN}")
        assert app.screen.query_one(LineageScreen.AUTO_FOCUS or "").has_focus
        await pilot.press("enter")
        await until(pilot, lambda: here(app) == f"run:{RUN}")
        assert "param depth" in told(app)
        assert trail(app).startswith("● run c0ffee")
        assert trail(app).endswith("‹ production")

        await pilot.press("backspace")
        await until(pilot, lambda: here(app) == "version:fraud/2")
        await pilot.press("-", "-")
        await until(pilot, lambda: here(app) == "production")
        assert trail(app) == "● production"
        await pilot.press("-")
        await until(pilot, lambda: app.current_mode == "overview")


async def test_any_id_can_be_typed_and_a_wrong_one_leaves_one_where_one_stands(project: Path) -> None:
    app = Unipipe(staying(with_lineage(project)))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("8")
        await until(pilot, lambda: here(app) == "production")
        await pilot.press("t", *"p-001", "enter")
        await until(pilot, lambda: here(app) == "prediction:p-001")
        assert not app.screen.query_one("#thing", Input).display
        await pilot.press("t", "x", "enter")
        chain = app.screen.query_one(ChainPane)
        await until(pilot, lambda: chain.problem)
        assert "There is no thing 'x'" in str(chain.border_title)
        lineage_of(app).look(app.world)
        await until(pilot, lambda: chain.problem is None)
        assert here(app) == "prediction:p-001"
        assert trail(app) == "● prediction p-001  ‹ production"


async def test_the_audit_is_filtered_verified_and_leads_to_its_jobs(project: Path) -> None:
    app = Unipipe(staying(audited(with_lineage(project))))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("8")
        await until(pilot, lambda: here(app) == "production" and numbers(app) == ["2", "1"])
        pane = app.screen.query_one(AuditPane)
        await until(pilot, lambda: "2 · ✓ the chain of 2 is whole" in str(pane.border_title))
        await pilot.press("a", "j")
        await until(pilot, lambda: "Audit entry 1" in told(app) and "✓ fits the chain" in told(app))
        await pilot.press("/", *"prom", "enter")
        await until(pilot, lambda: numbers(app) == ["2"])
        assert "1 of 2 · ✓" in str(pane.border_title)
        await pilot.press("w")
        await until(pilot, lambda: here(app) == f"job:{PROMOTED}")
        await pilot.press("a", "enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        await until(pilot, lambda: app.screen.selection() == {"job": PROMOTED})
