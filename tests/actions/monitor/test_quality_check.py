"""What is known before all labels have come becomes findings, for models that decide, name classes or answer numbers."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fakes import NOON, FakeTarget, Listening
from unipipe_tui.actions.drift.checking import judged_decisions
from unipipe_tui.actions.monitor.checks import CHECKS
from unipipe_tui.actions.monitor.quality_check import QualityCheck
from unipipe_tui.actions.monitor.traffic_checks import TrafficPerformanceCheck
from unipipe_tui.actions.performance import AskedFigure, ShowPerformance, show_performance
from unipipe_tui.actions.release.collecting import bring_log
from unipipe_tui.actions.timeline import ShowTimeline, show_timeline
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.findings import Finding, FindingState, Severity
from unipipe_tui.wiring import world_at

CONFIG = """
model: {{name: fraud}}
monitoring: {{performance: {{metric: {metric}, at_least: 0.8, at_most: 3, minimum_labels: 100}}}}
"""
ROWS = 3000


def logged(project: Path, answers: list[dict[str, object]], labels: list[object], metric: str = "accuracy") -> World:
    """A project with a prediction a minute by version 1, and labels an hour later as far as there are any."""
    (project / "unipipe.yaml").write_text(CONFIG.format(metric=metric))
    folder = project / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True)
    with (folder / "predictions-2026-11-21-1-0.jsonl").open("w") as file:
        for place, answer in enumerate(answers):
            at = (NOON + timedelta(minutes=place)).isoformat()
            row = {"prediction_id": f"p{place:05}", "at": at, "model": "fraud", "version": 1, "latency_ms": 1.0}
            file.write(json.dumps({"score": None, "decision": None, **row, **answer}) + "\n")
    with (folder / "feedback-2026-11-21-1-0.jsonl").open("w") as file:
        for place, label in enumerate(labels):
            at = (NOON + timedelta(minutes=place + 60)).isoformat()
            file.write(json.dumps({"prediction_id": f"p{place:05}", "label": label, "at": at}) + "\n")
    return dataclasses.replace(world_at(project), target_of=FakeTarget)


def decided(project: Path, labelled: int, unsure_from: int = ROWS, worse_from: int = ROWS) -> World:
    """Scores that mean what they say; from one row on all are near one half, from another on all labels are the other way."""
    generator = np.random.default_rng(1)
    scores = generator.beta(0.2, 0.2, ROWS)
    scores[unsure_from:] = generator.uniform(0.4, 0.6, ROWS - unsure_from)
    labels = generator.random(ROWS) < scores
    labels[worse_from:] = ~labels[worse_from:]
    answers: list[dict[str, object]] = [{"score": one, "decision": int(one > 0.5)} for one in scores.tolist()]
    return logged(project, answers, [int(one) for one in labels[:labelled]])


def found(world: World) -> dict[str, Finding]:
    return {one.subject: one for one in QualityCheck().findings(world, "local", Listening())}


def test_it_is_one_of_the_checks_of_a_round() -> None:
    assert "quality" in [check.name for check in CHECKS]


def test_an_estimate_that_is_surely_too_low_is_a_problem_before_any_label_of_it_came(project: Path) -> None:
    findings = found(decided(project, labelled=2000, unsure_from=2500))
    assert findings["estimate"].state is FindingState.PROBLEM
    assert "without their labels, wanted at least 0.8" in findings["estimate"].sentence
    evidence = json.loads(findings["estimate"].evidence)
    assert (evidence["check"], evidence["labelled"], evidence["limit"]) == ("quality", 0, 0.8)
    assert (findings["error"].state, findings["forecast"].state) == (FindingState.FINE, FindingState.FINE)


def test_traffic_as_ever_is_fine_and_labels_that_have_come_make_estimates_needless(project: Path) -> None:
    world = decided(project, labelled=2000)
    assert {one.state for one in found(world).values()} == {FindingState.FINE}
    (project / ".unipipe" / "predictions" / "local" / "feedback-2026-11-21-1-0.jsonl").unlink()
    assert QualityCheck().findings(world, "local", Listening()) == ()


def test_estimates_that_do_not_hold_on_the_reference_itself_are_not_believed(project: Path) -> None:
    answers: list[dict[str, object]] = [{"score": 0.7, "decision": place % 2} for place in range(ROWS)]
    findings = found(logged(project, answers, [place % 2 for place in range(2000)]))
    assert findings["estimate"].state is FindingState.UNKNOWN
    assert "do not even hold on the reference" in findings["estimate"].sentence


def test_errors_that_rose_are_a_problem_that_says_when(project: Path) -> None:
    findings = found(decided(project, labelled=ROWS, worse_from=2500))
    assert findings["error"].state is FindingState.PROBLEM
    assert "errors rose from" in findings["error"].sentence
    assert "adwin" in findings["error"].sentence
    assert "have come" in findings["estimate"].sentence
    assert findings["estimate"].state is FindingState.FINE


def test_too_few_labels_are_not_known_whatever_they_say(project: Path) -> None:
    findings = found(decided(project, labelled=60))
    assert {one.state for one in findings.values()} == {FindingState.UNKNOWN}
    assert "60 labels are too few, fewer than 100" in findings["estimate"].sentence


@pytest.fixture
def prices(project: Path) -> World:
    """A regression that is four off on average from row 2,500 on, after one."""
    generator = np.random.default_rng(1)
    said = generator.normal(100, 10, ROWS)
    off = generator.normal(0, 1.25, ROWS)
    off[2500:] *= 4
    answers: list[dict[str, object]] = [{"score": one, "input.size": one} for one in said.tolist()]
    return logged(project, answers, [round(one, 3) for one in (said + off).tolist()])


def test_a_regression_is_judged_by_its_loss_and_by_no_yes_or_no_figure(prices: World) -> None:
    findings = found(prices)
    assert findings[""].state is FindingState.PROBLEM
    assert findings[""].severity is Severity.CRITICAL
    assert "mae" in findings[""].sentence
    assert "wanted at most 3" in findings[""].sentence
    assert findings["error"].state is FindingState.PROBLEM
    assert judged_decisions("local", 1000, 1, prices) is None
    assert TrafficPerformanceCheck().findings(prices, "local", Listening()) == ()


def test_a_person_reads_the_losses_of_a_regression(prices: World) -> None:
    view = show_performance(ShowPerformance(), prices)
    said = "\n".join(line.plain for line in lines_of(view))
    assert "local version 1: mae, wanted at most 3" in said
    for part in ("mae (95 %)", "above", "DLE", "t-interval", "farther off than"):
        assert part in said
    assert show_performance(ShowPerformance(figure=AskedFigure.RMSE, at_most=9), prices).report.limit == 9
    with pytest.raises(UsageError, match="recall is no figure of a model that answers numbers"):
        show_performance(ShowPerformance(figure=AskedFigure.RECALL), prices)


def test_classes_are_judged_and_shown_one_by_one(project: Path) -> None:
    generator = np.random.default_rng(3)
    true = generator.choice(["cat", "dog", "owl"], ROWS)
    said = np.where((true == "owl") & (np.arange(ROWS) > 2000), "cat", true)
    world = logged(project, [{"decision": one} for one in said.tolist()], true.tolist())
    findings = found(world)
    assert findings[""].state is FindingState.PROBLEM
    assert json.loads(findings[""].evidence)["classes"][2]["name"] == "owl"
    assert findings["estimate"].state is not FindingState.PROBLEM
    assert judged_decisions("local", 1000, 1, world) is None
    assert "accuracy" not in [one.name for one in show_timeline(ShowTimeline(), world).series]
    shown = "\n".join(line.plain for line in lines_of(show_performance(ShowPerformance(), world)))
    assert "recall by class" in shown
    assert "owl" in shown
    with pytest.raises(UsageError, match="mae is a figure of models that answer numbers"):
        show_performance(ShowPerformance(figure=AskedFigure.MAE), world)


def test_a_segment_that_was_cut_off_is_told_and_all_other_rows_are_looked_at(project: Path) -> None:
    world = decided(project, labelled=2000)
    folder = project / ".unipipe" / "predictions" / "local"
    whole = show_performance(ShowPerformance(), world)
    for name, text in (("predictions-0", b"PAR1 and no more"), ("feedback-0", b"")):
        (folder / f"{name}.parquet").write_bytes(text)
    torn = folder / "predictions-2026-11-21-1-0.jsonl"
    with torn.open("a") as log:
        log.write('{"prediction_id": "p9999", "at": "2026-')
    view = show_performance(ShowPerformance(), world_at(project))
    assert (view.rows, view.labels, view.report.windows) == (whole.rows, whole.labels, whole.report.windows)
    assert view.report.notices[-1].startswith("2 segments of the log of local were cut off, so that rows are missing")
    listening = Listening()
    bring_log(world, "local", listening)
    assert any("predictions-0.parquet" in str(event) for event in listening.events)
    assert world.predictions.totals("local") == (ROWS, 2000)
    # Somebody may still be writing the line.
    assert torn.name not in world.predictions.damaged("local")
    os.utime(torn, (1, 1))
    assert torn.name in world.predictions.damaged("local")


def test_a_log_that_is_damaged_in_the_middle_is_named_and_is_no_crash(project: Path) -> None:
    world = decided(project, labelled=2000)
    damaged = project / ".unipipe" / "predictions" / "local" / "predictions-0.parquet"
    rows = {"prediction_id": [f"q{place}" for place in range(500)], "at": ["2026-03-01T12:00:00"] * 500}
    pq.write_table(pa.table({**rows, "version": [1] * 500, "decision": ["1"] * 500}), damaged)
    damaged.write_bytes(damaged.read_bytes()[:100] + b"\xff" * 900 + damaged.read_bytes()[1000:])
    with pytest.raises(Failed, match=r"The log of local cannot be read: .*predictions-0\.parquet"):
        show_performance(ShowPerformance(), world)
