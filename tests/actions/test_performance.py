"""How good a target's decisions are, told from its log: by version, before and after the labels, and by the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import unipipe
from tests.fakes import NOON
from unipipe_tui.actions.performance import AskedFigure, PerformanceView, ShowPerformance, show_performance
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.monitoring.quality.results import Clock, Cut, Quality
from unipipe_tui.wiring import world_at

CONFIG = """
model: {name: fraud}
data: {id: id, label: y}
monitoring: {performance: {metric: precision, at_least: 0.8, minimum_labels: 100}}
"""
ROWS = 5000
LABELLED = 4500


def log(project: Path, rows: int = ROWS, labelled: int = LABELLED) -> None:
    """A prediction a minute by version 2, after ten of version 1; the last ones wait for their labels."""
    generator = np.random.default_rng(1)
    chances = generator.beta(0.5, 0.5, rows)
    labels = (generator.random(rows) < chances).tolist()
    folder = project / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "predictions-2026-11-21-1-0.jsonl").open("w") as file:
        for place, chance in enumerate(chances.tolist()):
            at = (NOON + timedelta(minutes=place)).isoformat(timespec="microseconds")
            row = {"prediction_id": f"p{place:05}", "at": at, "model": "fraud", "version": 1 if place < 10 else 2}
            row |= {"score": chance, "decision": int(chance > 0.7), "latency_ms": 1.0}
            row |= {"input.region": ["north", "south"][place % 2], "input.amount": place % 7}
            file.write(json.dumps(row) + "\n")
    with (folder / "feedback-2026-11-21-1-0.jsonl").open("w") as file:
        for place, label in enumerate(labels[:labelled]):
            at = (NOON + timedelta(minutes=place + 60)).isoformat(timespec="microseconds")
            file.write(json.dumps({"prediction_id": f"p{place:05}", "label": int(label), "at": at}) + "\n")


@pytest.fixture
def world(project: Path) -> World:
    """A project whose target answered five thousand times."""
    (project / "unipipe.yaml").write_text(CONFIG)
    log(project)
    return world_at(project)


def shown(view: PerformanceView) -> str:
    return "\n".join(line.plain for line in lines_of(view))


def test_windows_are_measured_where_labels_came_and_estimated_where_they_did_not(world: World) -> None:
    view = show_performance(ShowPerformance(), world)
    assert (view.target, view.version, view.rows, view.labels) == ("local", 2, ROWS - 10, LABELLED - 10)
    assert (view.report.metric, view.report.limit) == (Quality.PRECISION, 0.8)
    assert len(view.report.windows) == 20
    first, last = view.report.windows[0], view.report.windows[-1]
    assert first.figure(Quality.PRECISION).measured.value == pytest.approx(0.9, abs=0.07)
    assert (last.labelled, last.figure(Quality.PRECISION).measured.value) == (0, None)
    assert last.figure(Quality.PRECISION).estimated.value == pytest.approx(0.9, abs=0.05)
    assert view.report.drop is not None
    assert {one.column for one in view.report.drop.slices} == {"region", "amount"}


def test_a_person_reads_windows_forecast_detectors_slices_and_calibration(world: World) -> None:
    said = shown(show_performance(ShowPerformance(), world))
    assert "local version 2: precision, wanted 0.8  (4,990 rows, 4,490 labels)" in said
    for part in ("estimated (95 %)", "trend of precision", "adwin", "delta 0.002", "calibration of 240 rows", "Brier"):
        assert part in said
    assert "the oldest 40 % of the labelled predictions looked at" in said
    assert "CBPE" in said


def test_version_figure_cut_and_clock_are_chosen(world: World) -> None:
    asked = ShowPerformance(figure=AskedFigure.RECALL, by=Cut.DAY, clock=Clock.LABEL, rows=3000)
    view = show_performance(asked, world)
    assert (view.rows, view.report.metric) == (3000, Quality.RECALL)
    assert len({window.first.date() for window in view.report.windows}) == len(view.report.windows)
    assert show_performance(ShowPerformance(version=1), world).rows == 10
    usual = show_performance(ShowPerformance(figure=AskedFigure.RECALL), world).report
    assert usual.limit == next(
        one.usual.low for one in usual.windows[-1].figures if one.metric is Quality.RECALL and one.usual
    )
    assert "held against the lower end of what is usual" in usual.notices[0]
    assert show_performance(ShowPerformance(figure=AskedFigure.RECALL, at_least=0.3), world).report.limit == 0.3
    assert len(show_performance(ShowPerformance(window_rows=1000), world).report.windows) == 5


def test_a_reference_file_is_held_against_and_one_without_scores_is_refused(world: World) -> None:
    rows = "".join(
        f"{place},{place % 100 / 100},{int(place % 100 > 70)},{int(place % 3 > 0)}\n" for place in range(2000)
    )
    (world.root / "held.csv").write_text("id,score,decision,y\n" + rows)
    view = show_performance(ShowPerformance(reference=world.root / "held.csv"), world)
    assert view.report.reference.labelled == 2000
    assert view.report.reference.what.endswith("held.csv")
    (world.root / "bare.csv").write_text("id,y\n1,0\n")
    with pytest.raises(UsageError, match="no column for: score, decision"):
        show_performance(ShowPerformance(reference=world.root / "bare.csv"), world)
    (world.root / "unlabelled.csv").write_text("id,score\n1,0\n")
    with pytest.raises(UsageError, match="no column for: the label"):
        show_performance(ShowPerformance(reference=world.root / "unlabelled.csv"), world)


def test_classes_of_a_reference_are_the_same_whether_written_as_whole_numbers_or_with_a_point(world: World) -> None:
    log = world.root / ".unipipe" / "predictions" / "local" / "predictions-2026-11-21-3-0.jsonl"
    rows = (
        {"prediction_id": f"c{place}", "at": NOON.isoformat(), "model": "fraud", "version": 3} for place in range(300)
    )
    log.write_text("".join(json.dumps(row | {"score": None, "decision": 5, "latency_ms": 1.0}) + "\n" for row in rows))
    classes = [2, 3, 4] * 200
    labels = pa.array([float(one) for one in classes], pa.float64())
    pq.write_table(pa.table({"decision": classes, "y": labels}), world.root / "held.parquet")
    asked = ShowPerformance(version=3, figure=AskedFigure.ACCURACY, reference=world.root / "held.parquet")
    assert show_performance(asked, world).report.limit == 1.0


def test_a_target_that_answered_nothing_and_senseless_numbers_are_refused(project: Path, world: World) -> None:
    with pytest.raises(UsageError, match="by version 9"):
        show_performance(ShowPerformance(version=9), world)
    with pytest.raises(UsageError, match="1 or more"):
        show_performance(ShowPerformance(rows=0), world)
    for wrong in (5.0, -0.1, float("nan")):
        with pytest.raises(UsageError, match="--at-least must be a number from 0 to 1"):
            show_performance(ShowPerformance(at_least=wrong), world)
    with pytest.raises(UsageError, match="Only a loss has --at-most"):
        show_performance(ShowPerformance(at_most=1.0), world)
    with pytest.raises(UsageError, match="more than 2,000 windows"):
        show_performance(ShowPerformance(window_rows=1), world)


def test_the_command_line_gives_what_the_look_found_as_json(world: World) -> None:
    said = unipipe("performance", "show", "--json", cwd=world.root)
    assert said.exit_code == 0, said.stderr
    found = said.json
    assert found["report"]["metric"] == "precision"
    assert found == json.loads(json.dumps(to_plain(show_performance(ShowPerformance(), world))))
