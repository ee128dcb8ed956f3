"""A project in which every name, message, value and number is what a person with bad intent, or none, would write."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest
import yaml
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.actions.runs.made import Made, batch_of
from tests.at_once import at_once
from tests.fakes import NOON, FakeGit, FakeProcesses, FakeTarget, FakeTracking, staying
from tests.tui.conftest import MODEL, lines, looked, until
from tests.tui.hostile import HOSTILE
from tests.tui.lively import drifting
from unipipe_tui.actions.world import World
from unipipe_tui.domain.event_lines import to_line
from unipipe_tui.domain.events import Noted, StepStarted, ToolSaid
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck, GateCheck, GateResult, How, Promotion, Release
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.tracking import Metric, ModelVersion, RegisteredModel, Run, RunStatus
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.wiring import build_world

NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -0.0, 5e-324)
WRITABLE = tuple(text for text in HOSTILE if "\udce9" not in text)
"""What a UTF-8 file can hold."""
ALL_OF_IT = " ".join(HOSTILE)
RUN = "c0ffee" + "0" * 26


def numbered(number: int) -> float:
    return NUMBERS[number % len(NUMBERS)]


@pytest.fixture
def hostile(project: Any) -> World:
    """The world of that project."""
    config = {
        "project": "[red]x[/red]\x1b[31m" + "y" * 300,
        "model": {"name": MODEL},
        "gates": [{"metric": "precision", "at_least": 0.95}],
        "targets": {"local": {"kind": "local", "port": 8765, "follows": "champion"}},
    }
    stages = {
        f"stage-{number}": {"cmd": f"run {text}", "desc": text, "outs": [f"out-{number}"]}
        for number, text in enumerate(WRITABLE)
    }
    (project / "unipipe.yaml").write_text(yaml.safe_dump(config))
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (project / ".dvc").mkdir()
    real = build_world(project)
    with at_once(real) as writable:
        tell(writable)
    return with_doors(real)


def tell(world: World) -> None:
    """Jobs, promotions, releases, checks, alerts and the audit."""
    history = world.history
    for number, text in enumerate(HOSTILE):
        written = text if text in WRITABLE else "caf"
        at, job = NOON - timedelta(minutes=number), f"20260309-1100{number:02}-{number:06x}"
        state = JobState.RUNNING if number == 0 else JobState.FAILED
        world.jobs.begin(Job(job, text, f"unipipe {text}", text, state, at, 4711, 0.0, None, text, None))
        history.add_promotion(Promotion(MODEL, "champion", 2, 1, How.PROMOTE, text, text, at, job))
        history.add_release(Release("local", MODEL, 2, text, text, text, text, text, at, text))
        history.add_gate_check(
            GateCheck(MODEL, 2, 1, text, 3, (GateResult(written, False, numbered(number), written, written),), at, job)
        )
        history.open_alert(Alert(f"a{number}", AlertKind.DRIFT, "local", text, at, job))
        history.acknowledge_alert(f"a{number}", at, text, text)
        world.audit.append(at=at, actor=text, action=text, command=text, job=job, outcome=text, detail=text)
    history.add_drift_check(a_check())
    said = world.job_folders.path("20260309-110000-000000") / "events.jsonl"
    said.parent.mkdir(parents=True)
    events = (StepStarted(ALL_OF_IT, 1, 2), *(ToolSaid(text, text) for text in HOSTILE), Noted(ALL_OF_IT))
    said.write_text("".join(to_line(event, NOON.timestamp()) + "\n" for event in events))


def a_check() -> DriftCheck:
    columns = [
        {**drifting("amount", 0.3), "column": f"{number}{text}", "reason": text, "labels": [text] * 8}
        | dict.fromkeys(("value", "effect", "p_value", "noise", "js_distance"), numbered(number))
        for number, text in enumerate(WRITABLE)
    ]
    report = json.dumps({"columns": columns, "reference_rows": 0, "performance": None, "window": None})
    return DriftCheck("local", MODEL, 2, 0, True, WRITABLE, report, NOON, ALL_OF_IT)


def with_doors(real: World) -> World:
    """Runs, models, Git and the server."""
    index = RunIndex(Memory())
    made = (
        Made(
            f"{number:032x}",
            text,
            {f"m{text}": numbered(number), "f1": numbered(number)},
            {f"p{text}": text},
            {f"t{text}": text, "mlflow.note.content": text},
            ((text, text, text),),
        )
        for number, text in enumerate(HOSTILE)
    )
    index.take("mlflow", "sqlite:///mlflow.db", batch_of(*made))
    values = tuple(Metric(f"m{number}{text}", numbered(number), 0, NOON) for number, text in enumerate(HOSTILE))
    run = Run(RUN, ALL_OF_IT, ALL_OF_IT, RunStatus.FINISHED, NOON, NOON, dict.fromkeys(HOSTILE, ALL_OF_IT), values)
    tags = {"unipipe.rejected": ALL_OF_IT, "unipipe.rejected.why": ALL_OF_IT}
    versions = tuple(
        ModelVersion(MODEL, number, RUN, ALL_OF_IT, ALL_OF_IT, None, (), tags, NOON, ALL_OF_IT) for number in (2, 1)
    )
    aliases = tuple(sorted({("champion", 2), *((text, 1) for text in HOSTILE)}))
    variant = Variant("stable", ALL_OF_IT, 2, ALL_OF_IT)
    told = {"release": ALL_OF_IT, "url": f"http://{ALL_OF_IT}", "pid": 4711, "remarks": (ALL_OF_IT,), "earlier": 1}
    return staying(
        real,
        now=lambda: NOON,
        git=FakeGit(changes=HOSTILE),
        tracking=FakeTracking(
            (run,), (RegisteredModel(MODEL, aliases, 2, ALL_OF_IT),), versions, {2: Signature((), (), {"x": ALL_OF_IT})}
        ),
        target_of=lambda name: FakeTarget.answering(variant, name=name, **told),
        processes=FakeProcesses(alive=frozenset({4711})),
        run_index=index,
        index_is_kept=False,
        run_sources=lambda: (),
        distant_runs=lambda ids: (),
    )


def told(app: Unipipe) -> bool:
    """Whether every pane in sight has answered, with an answer or a reason."""
    panes = [pane for pane in app.screen.query(LookPane) if pane.display and pane.id != "tail"]
    asked = [pane for pane in panes if pane._asked is not None]
    return bool(asked or not panes) and all(pane.answer or pane.problem for pane in asked)


def assert_whole(app: Unipipe) -> None:
    """The screen is as wide as it is in every line, and nothing in it would move or colour a terminal."""
    shown = lines(app)
    assert len(shown) == app.size.height
    for line in shown:
        assert cell_len(line) == app.size.width, line
        assert line.rstrip() == harmless(line).rstrip(), line


async def walked(pilot: Pilot[Any], app: Unipipe) -> None:
    """Through rows and columns of what has the focus, into what opens, and back."""
    for keys in (("j", "j", "l", "l", "s", "S", "space"), ("G", "enter"), ("escape", "escape")):
        for key in keys:
            app.simulate_key(key)
        await pilot.pause()
        assert_whole(app)


async def test_no_screen_is_broken_by_what_others_wrote(hostile: World) -> None:
    app = Unipipe(hostile)
    problems: dict[str, str] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        assert app.snapshot.picture, app.snapshot.problem
        for place in PLACES:
            while app.current_mode != place.name:
                app.simulate_key("escape")
                app.simulate_key(place.key)
                await pilot.pause()
            await until(pilot, lambda: told(app))
            assert_whole(app)
            for pane in app.screen.query(LookPane):
                if pane.problem and "bug" in pane.problem.hint:
                    problems[f"{place.name} {pane.id}"] = pane.problem.message
            await walked(pilot, app)
        await pilot.press("1", "@")
        await until(pilot, lambda: app.command_log_shown)
        assert_whole(app)

    assert problems == {}
