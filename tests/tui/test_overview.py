"""The overview: the board, what is live, what is wrong, what runs, and that it stays quiet when nothing moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import OptionList, Static

from tests.fakes import NOON, FakeGit, FakeTarget, staying
from tests.tui.conftest import JOBS, MODEL, expect_soon, looked, until
from tests.tui.test_monitoring import check
from unipipe_tui.actions.jobs.listing import JobLine
from unipipe_tui.actions.world import World
from unipipe_tui.domain.board import STEPS
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.records import Alert, AlertKind, How, Promotion, Release
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.message import CommandToCopy
from unipipe_tui.tui.screens.overview import TimelinePane
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.widgets.board import Board
from unipipe_tui.tui.widgets.command_log import CommandLog
from unipipe_tui.tui.widgets.facts import job_rows
from unipipe_tui.tui.widgets.rows import Rows
from unipipe_tui.tui.widgets.title import Title
from unipipe_tui.wiring import build_world


def rows_of(rows: OptionList) -> list[str]:
    return [str(option.prompt) for option in rows.options]


async def test_the_board_shows_the_twelve_steps(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        rows = rows_of(app.screen.query_one(Board))

    assert len(rows) == 12
    assert [row.split()[0] for row in rows] == [str(number) for number in range(1, 13)]
    assert [row.split()[2] for row in rows] == list(STEPS)


async def test_a_state_can_be_told_without_colour(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 24)) as pilot:
        await looked(pilot, app)
        glyphs = {row.split()[2]: row.split()[1] for row in rows_of(app.screen.query_one(Board))}

    assert glyphs["evaluate"] == "✓"
    assert glyphs["ingest"] == "~"
    assert glyphs["train"] == "●"
    assert glyphs["monitor"] == "!"
    assert glyphs["package"] == "·"


async def test_no_row_is_wider_than_the_screen(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        rows = rows_of(app.screen.query_one(Board))

    assert all(len(row) <= 78 for row in rows)
    assert any("…" in row for row in rows)


async def test_it_says_where_we_are_what_is_live_and_what_is_wrong(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(160, 40)) as pilot:
        await looked(pilot, app)
        title = str(app.screen.query_one(Title).content)
        live = str(app.screen.query_one("#live", Static).content)
        alerts = str(app.screen.query_one("#alerts", Static).content)
        jobs = rows_of(app.screen.query_one("#newest-jobs", Rows))

    assert "fraud-detection  main 3f9a2c1 ±2" in title
    assert live.splitlines() == [
        "● local version 2  since 03-08 10:00",
        "  ready, all traffic, 10,432 requests",
        "  127.0.0.1:8765",
    ]
    assert "amount and region moved" in alerts
    assert "● retrain runs" in alerts
    assert [job.split()[3] for job in jobs] == ["retrain", "drift", "serve", "pipeline"]


async def test_it_says_on_which_data_and_commit_the_live_version_was_made(busy_world: World) -> None:
    release = Release("local", MODEL, 2, "ab" * 32, "35a4e46b" * 5, "3c0343fdcaf8.dir", "run", "ada", NOON, JOBS[1].id)
    busy_world.history.add_release(release)
    said = []
    for world in (busy_world, staying(busy_world, target_of=lambda name: FakeTarget())):
        app = Unipipe(world)
        async with app.run_test(size=(80, 24)) as pilot:
            await looked(pilot, app)
            said.append(str(app.screen.query_one("#live", Static).content).splitlines())

    assert said[0][2] == "  data 3c0343fd, commit 35a4e46"
    assert said[1] == ["· local stopped, was version 2", "  data 3c0343fd, commit 35a4e46"]


async def test_the_timeline_shows_performance_drift_and_what_happened_below_the_board(busy_world: World) -> None:
    busy_world.history.add_drift_check(check(30, 0.01))
    busy_world.history.add_drift_check(check(10, 2.5))
    busy_world.history.add_promotion(Promotion(MODEL, "champion", 2, 1, How.PROMOTE, "ada", "", NOON, JOBS[0].id))
    app = Unipipe(busy_world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        pane = app.screen.query_one(TimelinePane)
        await until(pilot, lambda: pane.answer)
        low, tall = pane.drawing.text, pane.region.height
        title = str(pane.border_title)
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: pane.region.height > tall)
        wide = pane.drawing.text

    assert title.startswith("Timeline of local")
    lines = low.splitlines()
    assert lines[0].endswith("✗ 0.74, not ≥ 0.9")
    assert lines[1].endswith("✗ 2.5, not < 0.05")
    assert {"!", "▲"} <= set(lines[2].split())
    assert "▲ promoted" in wide


async def test_an_acknowledged_alert_stands_after_what_runs_with_another_glyph(busy_world: World) -> None:
    busy_world.history.acknowledge_alert("a1", NOON, "grace", "")
    app = Unipipe(busy_world)
    async with app.run_test(size=(200, 50)) as pilot:
        await looked(pilot, app)
        now = str(app.screen.query_one("#alerts", Static).content).splitlines()

    assert now[0] == "✓ Nothing asks for attention."
    assert now[1].startswith("● retrain runs")
    assert now[2].startswith("○ amount and region moved")
    assert now[2].endswith("acknowledged by grace")


async def test_markup_in_data_is_shown_as_it_is(busy_world: World) -> None:
    hostile = "[bold red]not bold[/] [/nonsense] \x1b[31m[@click=app.bell]x[/]"
    busy_world.history.open_alert(Alert("a2", AlertKind.PERFORMANCE, "[b]t[/b]", hostile, NOON, JOBS[0].id))
    busy_world.jobs.end(replace(JOBS[0], message=hostile, ended=NOON))
    app = Unipipe(staying(busy_world, git=FakeGit(commit_id="[red]" + "0" * 35)))
    async with app.run_test(size=(200, 50)) as pilot:
        await looked(pilot, app)
        alerts = str(app.screen.query_one("#alerts", Static).content)
        jobs = "\n".join(rows_of(app.screen.query_one("#newest-jobs", Rows)))
        picture = app.export_screenshot()

    shown = "[bold red]not bold[/] [/nonsense] [@click=app.bell]x[/]"
    assert shown in alerts
    assert shown[:50] in jobs
    assert "\x1b" not in picture


async def test_enter_on_a_step_leads_to_the_plan_of_its_next_action(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await pilot.press(*"jjjjjjj", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))
        command = str(app.screen.query("PlanLine .text").first(Static).content)

    assert command == "unipipe models promote fraud-detector 3"


async def test_the_next_action_of_another_tool_is_shown_to_copy(project: Path) -> None:
    (project / ".dvc").mkdir()
    app = Unipipe(build_world(project))
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CommandToCopy))
        told = str(app.screen.query_one("#told", Static).content)
        await pilot.press("c")
        await pilot.pause()
        copied = app.clipboard

    assert "$ dvc add data" in told
    assert copied == "dvc add data"


async def test_the_command_log_lists_command_lines_newest_last(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        log = app.screen.query_one(CommandLog)
        assert not log.display
        await pilot.press("@")
        await until(pilot, lambda: log.display and len(log.grid.rows) == 4)
        await until(pilot, lambda: log.grid.pointed == log.grid.rows[-1].id)
        rows = [[cell.text for cell in row.cells] for row in log.grid.rows]
        await pilot.press("@")
        assert not log.display

    assert rows[0] == ["✓", "11:20:00", "ada", "$ unipipe pipeline run --commit", "0", "4.2 s"]
    assert "retrain" in rows[-1][3]


async def test_a_look_that_fails_is_told_in_place_and_the_old_picture_stays(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        (world.root / "unipipe.yaml").write_text("modle: {}\n")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.snapshot.problem)
        problem = str(app.screen.query_one("#problem", Static).content)
        rows = rows_of(app.screen.query_one(Board))
        title = str(app.screen.query_one(Title).content)

    assert "unknown key `modle`" in problem
    assert "Allowed here" in problem
    assert len(rows) == 12
    assert "stale since" in title


async def test_a_change_by_somebody_else_is_noticed(world: World, project: Path) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        (project / "unipipe.yaml").write_text("project: renamed\n")
        await expect_soon(pilot, lambda: "renamed" in str(app.screen.query_one(Title).content))


async def test_the_cursor_stays_on_its_step_through_a_refresh(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        await pilot.press("j", "j", "down", "k")
        before = app.snapshot
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.snapshot is not before)
        pointed = app.screen.query_one(Board).pointed

    assert pointed == "3"


def test_a_job_has_room_for_what_it_says_before_its_command_takes_any() -> None:
    says = "Go forward with fraud-detector champion: version 1 -> version 2"
    command = "unipipe models rollback --forward fraud-detector"
    job = JobLine("j", "models rollback", JobState.DONE, NOON, 1.9, "ada", command, says)
    (row,) = job_rows([job])

    assert says in row.paint(190).plain
    assert f"$ {job.command}" in row.paint(190).plain
