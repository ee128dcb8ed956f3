"""The releases place: targets, what is on its way there, their history, how they do, and what its keys ask for."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Input, Static

from tests.actions.release.made_rollouts import a_canary
from tests.fakes import NOON, FakeProcesses, FakeTarget, FakeTracking, staying
from tests.tui.conftest import CONFIG, JOBS, MODEL, looked, until, version_of
from unipipe_tui.actions.world import World
from unipipe_tui.config import read_config
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.tracking import RegisteredModel
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.models import ModelsScreen
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.screens.reading import ReadingScreen
from unipipe_tui.tui.screens.releases import ReleasesScreen
from unipipe_tui.tui.screens.releases_panes import HistoryPane, TargetPane, TargetsPane

RUNNING = JOBS[3].id


@pytest.fixture
def live_world(busy_world: World) -> World:
    """Version 2 is live since an hour, version 1 was before."""
    for version, hours in ((1, 2), (2, 1)):
        at, job = NOON - timedelta(hours=hours), JOBS[1].id
        busy_world.history.add_release(
            Release(
                "local", MODEL, version, "ab" * 32, "c" * 40, "dd" * 16, "r", "ada", at, f"{job}{'x' * (2 - version)}"
            )
        )
    signed = FakeTracking(
        (),
        (RegisteredModel(MODEL, (("champion", 2),), 3),),
        tuple(version_of(number) for number in (3, 2, 1)),
        {2: Signature((), (), {"amount": 2.5})},
    )
    return staying(busy_world, tracking=signed)


def read(app: Unipipe) -> str:
    return str(app.screen.query_one("Reading Static", Static).content)


def targets(app: Unipipe) -> list[str]:
    """State, shares, what is on its way."""
    sheet = app.screen.query_one(TargetsPane).grid.sheet
    wanted = [sheet.index_of(key) for key in ("state", "traffic", "way", "problem")]
    return [" | ".join(row.cells[n].text for n in wanted if n is not None) for row in sheet.rows]


def told(app: Unipipe) -> str:
    return "\n".join(notice.message for notice in app._notifications)


async def planned(pilot: Any, app: Unipipe) -> str:
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query(PlanLine))
    lines = [line.line for line in app.screen.query(PlanLine)]
    return "\n".join([str(app.screen.query_one("#title", Static).content), *lines])


async def shown(pilot: Any, app: Unipipe) -> None:
    await looked(pilot, app)
    await pilot.press("5")
    await until(pilot, lambda: isinstance(app.screen, ReleasesScreen) and app.screen.query_one(TargetPane).answer)
    await until(pilot, lambda: app.screen.query_one(HistoryPane).answer)
    await until(pilot, lambda: "looking" not in "".join(targets(app)))


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_target_shows_what_it_serves_how_it_does_and_what_it_served_before(
    live_world: World, size: tuple[int, int]
) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, app)
        history = app.screen.query_one(HistoryPane).grid.rows

        assert [[cell.text for cell in row.cells[:2]] for row in history] == [
            ["● live", f"{MODEL} 2"],
            ["· replaced", f"{MODEL} 1"],
        ]
        assert targets(app) == ["● ready | v2 ████████ 100 %"]
        assert "v2  ████████████████  100 %  stable    ● ready" in read(app)
        assert str(app.screen.query_one(TargetPane).border_title).startswith("Target local")


async def test_the_cursor_in_the_history_chooses_the_version_that_is_started(live_world: World) -> None:
    app = Unipipe(staying(live_world, target_of=lambda name: FakeTarget()))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        assert app.screen.selection() == {"target": "local"}  # type: ignore[attr-defined]
        await pilot.press("enter", "j")
        assert app.screen.selection() == {"target": "local", "model": MODEL, "version": "1"}  # type: ignore[attr-defined]
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))

        assert f"Start local with {MODEL} version 1" in str(app.screen.query_one("#title", Static).content)


async def test_x_plans_to_stop_the_target_under_the_cursor(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))

        assert "Stop local on http://127.0.0.1:8765" in str(app.screen.query_one("#title", Static).content)


async def test_t_asks_for_a_prediction_with_the_example_of_the_model(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))

        assert app.screen.query_one("#entry-record", Input).value == '{"amount": 2.5}'
        assert app.screen.query_one("#entry-target", Input).value == "local"


async def test_enter_in_the_history_goes_to_the_job_that_released_it(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))

        assert app.followed is not None
        assert app.followed.job_id == JOBS[1].id


async def test_without_a_release_it_says_how_to_begin(busy_world: World) -> None:
    app = Unipipe(staying(busy_world, target_of=lambda name: FakeTarget()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)

        assert "unipipe serve start local" in read(app)
        assert app.screen.query_one(HistoryPane).grid.rows == ()


def canary(state: RolloutState = RolloutState.WATCHING, place: int = 0, job: str = RUNNING) -> Rollout:
    return a_canary(state, place, model=MODEL, before=2, version=3, job=job, since=NOON - timedelta(seconds=20))


class Canary(FakeTarget):
    """Version 3 has a tenth of the requests and fails at every fifth."""

    def measures(self) -> tuple[Measures, ...]:
        return (Measures("canary", 3, 100, 20), Measures("stable", 2, 900, 1))


def on_its_way(world: World, rollout: Rollout) -> World:
    world.rollouts.begin(rollout, "")
    target = Canary.answering(*(rollout.wanted.variants if rollout.wanted else ()))
    return staying(world, target_of=lambda name: target)


async def test_a_canary_is_started_from_the_form_after_a_plan_of_all_its_steps(live_world: World) -> None:
    processes = FakeProcesses(alive=frozenset({4711, 4712}))
    app = Unipipe(staying(live_world, processes=processes))
    async with app.run_test(size=(120, 50)) as pilot:
        await shown(pilot, app)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-target", Input).value == "local"
        for name, text in (("version", "3"), ("strategy", "canary"), ("steps", "10,50")):
            app.screen.query_one(f"#entry-{name}", Input).value = text
        await until(pilot, lambda: "--steps=10,50" in str(app.screen.query_one("#command-line", Static).content))
        app.screen.query_one("#go-on").press()  # type: ignore[attr-defined]
        plan = await planned(pilot, app)

        assert f"Release {MODEL} version 3 on local (canary)" in plan
        assert "step 1 of 3: version 3 10 % (canary) · version 2 90 %" in plan
        assert "step 3 of 3: version 3 100 %" in plan
        await pilot.press("ctrl+o")
        await until(pilot, lambda: processes.launched)
        argv = processes.launched[0][0]
        assert argv[:3] == ("release", "start", "--yes")
        assert set(argv) >= {"--version=3", "--strategy=canary", "--steps=10,50", "local"}


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_release_on_its_way_is_drawn_with_its_steps_and_what_was_compared(
    live_world: World, size: tuple[int, int]
) -> None:
    app = Unipipe(on_its_way(live_world, canary()))
    async with app.run_test(size=size) as pilot:
        await shown(pilot, app)

        assert targets(app) == ["● ready | v2 ███████░ 90 % · v3 10 % canary | ◆ watching 1/4"]
        text = read(app)
        reading = app.screen.query_one("#target Reading")
        if size == (80, 24):
            assert reading.size.height >= text.splitlines().index("Answers") - 1, "the comparison does not fit"
        assert "◆ watching  step 1 of 4  canary of version 3" in text
        assert "▸ 1  v2 ███████░ 90 % · v3 10 % canary" in text
        assert "40 s of its pause left" in text
        assert "error rate       0.1 %     20.0 %" in text
        assert "✗ abort" in text
        assert app.screen.query_one(HistoryPane).grid.rows[0].cells[0].text == "◆ watching"


@pytest.mark.parametrize(
    ("key", "title", "argv", "undo"),
    [
        ("a", "Advance release r-3f9a2c41 of version 3 on local", "advance", "release abort local, or rollback"),
        ("o", "Hold release r-3f9a2c41 of version 3 on local", "hold", "release advance local"),
        ("X", "Abort release r-3f9a2c41 of version 3 on local", "abort", "release start local --version 3"),
    ],
)
async def test_a_key_moves_the_release_on_its_way_after_its_plan(
    live_world: World, key: str, title: str, argv: str, undo: str
) -> None:
    processes = FakeProcesses(alive=frozenset({4711, 4712}))
    app = Unipipe(staying(on_its_way(live_world, canary(RolloutState.WAITING)), processes=processes))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press(key)
        plan = await planned(pilot, app)
        assert title in plan
        assert f"unipipe {undo}" in " ".join(plan.split())
        await pilot.press("ctrl+o")
        await until(pilot, lambda: processes.launched)

        assert processes.launched[0][0][:2] == ("release", argv)


async def test_an_interrupted_release_is_told_and_gone_on_with_by_the_key_that_advances(live_world: World) -> None:
    app = Unipipe(on_its_way(live_world, canary(job="20260309-100000-dead00")))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)

        assert targets(app)[0].endswith("| ? interrupted 1/4")
        assert "was interrupted while watching; go on: unipipe release status local" in read(app)
        assert "? interrupted while watching  step 1 of 4" in read(app)
        await pilot.press("o")
        await until(pilot, lambda: "advance goes on with it, abort takes it back" in told(app))
        await pilot.press("a")
        plan = await planned(pilot, app)

        assert "Go on with release r-3f9a2c41 of version 3 on local" in plan
        assert "unipipe release resume local" in plan


async def test_a_key_that_has_nothing_to_do_says_why(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: "No release is on its way to local." in told(app))
        await pilot.press("B")
        await until(pilot, lambda: "local answers with version 2 already." in told(app))
        live_world.rollouts.begin(canary(RolloutState.HELD), "")
        await until(pilot, lambda: "◇ held 1/4" in targets(app)[0])
        await pilot.press("o")
        await until(pilot, lambda: "Release r-3f9a2c41 is held: it cannot be held." in told(app))
        await pilot.press("R")
        await until(pilot, lambda: "is held on local: advance or abort it first." in told(app))

        assert isinstance(app.screen, ReleasesScreen)


async def test_what_another_process_does_with_a_release_is_seen_without_a_key(live_world: World) -> None:
    rollout = canary()
    world = on_its_way(live_world, rollout)
    app = Unipipe(world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        assert "◆ watching 1/4" in targets(app)[0]
        world.rollouts.record(canary_after(rollout, RolloutState.WAITING, 1))

        await until(pilot, lambda: "! waiting 2/4" in targets(app)[0])
        await until(pilot, lambda: "! waiting  step 2 of 4" in read(app))


def canary_after(rollout: Rollout, state: RolloutState, place: int) -> Rollout:
    return replace(rollout, state=state, place=place, moves=rollout.moves + 1)


async def test_b_goes_back_on_the_target_and_capital_b_to_the_release_under_the_cursor(live_world: World) -> None:
    app = Unipipe(on_its_way(live_world, canary()))
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot, app)
        await pilot.press("b")
        assert "Abort release r-3f9a2c41 of version 3 on local" in await planned(pilot, app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReleasesScreen))
        await pilot.press("enter", "G", "B")
        await until(pilot, lambda: not isinstance(app.screen, ReleasesScreen))
        # It says itself what stands in its way.
        assert "is watching on local" in "".join(str(one.content) for one in app.screen.query(Static))


async def test_the_newest_release_stays_in_sight_until_somebody_reads_the_history(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)
        grid = app.screen.query_one(HistoryPane).grid
        live = grid.pointed
        live_world.rollouts.begin(canary(), "")
        await until(pilot, lambda: len(grid.rows) == 3)
        assert grid.pointed == grid.rows[0].id != live
        await pilot.press("enter")
        reads = grid.pointed
        live_world.rollouts.record(canary_after(canary(), RolloutState.ABORTED, 0))
        live_world.rollouts.begin(replace(canary(), id="r-00000002", started=NOON + timedelta(hours=1)), "")
        await until(pilot, lambda: len(grid.rows) == 4)

        assert grid.pointed == grid.rows[1].id == reads


async def test_a_release_that_never_answered_alone_is_compared_with_nothing(live_world: World) -> None:
    app = Unipipe(on_its_way(live_world, canary()))
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot, app)
        await pilot.press("enter", "g", "d")
        await until(pilot, lambda: "is watching: it never answered alone" in told(app))

        assert isinstance(app.screen, ReleasesScreen)


async def test_d_compares_the_newest_release_with_the_one_before_it(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot, app)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen) and "Different" in read(app))

        assert f"version       {MODEL} 1  →  {MODEL} 2" in read(app)


async def test_a_target_that_hangs_holds_up_nothing_but_its_own_row(live_world: World) -> None:
    (live_world.root / "unipipe.yaml").write_text(CONFIG.replace("targets:", "targets:\n  far: {kind: kubernetes}"))
    hangs, hang = threading.Event(), threading.Event()

    class Hanging(FakeTarget):
        def live(self) -> LiveTarget:
            if hangs.is_set():
                hang.wait(20)
            return super().live()

    known = {"far": Hanging("far"), "local": FakeTarget.answering(Variant("stable", MODEL, 2, "ab" * 32))}
    world = staying(live_world, target_of=lambda name: known[name], config=read_config(live_world.root))
    app = Unipipe(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        hangs.set()
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, ReleasesScreen) and "● ready" in "".join(targets(app)))
        assert [row.split(" | ")[0] for row in targets(app)] == ["◌ looking", "● ready"]
        await pilot.press("j")
        await until(pilot, lambda: "v2  ████████████████  100 %" in read(app))

        assert str(app.screen.query_one(TargetPane).border_title).startswith("Target local")
        hang.set()
        await until(pilot, lambda: [row.split(" | ")[0] for row in targets(app)] == ["· stopped", "● ready"])


async def test_in_models_the_version_under_the_cursor_is_released(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen) and app.screen.selection().get("version"))
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))

        assert app.screen.query_one("#entry-version", Input).value == "3"
