"""`drift check` beside the columns: all together, segments, answers, what the model looks at; kept, shown and alarmed about."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.actions.made_answers import answer_row, log_of, write_rows
from tests.conftest import unipipe
from tests.fakes import NOON, FakeTarget
from tests.monitoring.verdict.made import joined
from unipipe_tui.actions.drift.checking import CheckDrift, DriftChecked, check, plan_drift_check
from unipipe_tui.actions.drift.history import ShowDrift, show_drift
from unipipe_tui.actions.monitor.traffic_checks import TrafficDriftCheck
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.events import Event
from unipipe_tui.domain.findings import FindingState
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.wiring import world_at

CONFIG = """
model: {name: fraud}
data: {id: id, label: y, reference: reference.parquet}
monitoring: {window_rows: 800, segments: [channel]}
"""


class Hearing(Silent):
    """Hears everything and stops nothing."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def emit(self, event: Event) -> None:
        self.heard.append(event)


@pytest.fixture
def world(project: Path) -> World:
    (project / "unipipe.yaml").write_text(CONFIG)
    pq.write_table(pa.table(dict(joined(1, 3_000))), project / "reference.parquet")
    world = world_at(project)
    target = FakeTarget.answering(Variant("stable", "fraud", 1, "ab" * 32))
    return dataclasses.replace(world, target_of=lambda _: target)


def of_amount(row: dict[str, Any]) -> float:
    """The score of a model that looks at one column."""
    return float(1 / (1 + np.exp(-2 * np.log(row["amount"]))))


def answer(world: World, columns: Any, score: Callable[[dict[str, Any]], float | None] = of_amount) -> None:
    """Log an answer for each row, later than those before."""
    folder, begin = log_of(world)
    rows = []
    for number, row in enumerate(pa.table(dict(columns)).to_pylist(), begin):
        given = score(row)
        rows.append(answer_row(number, row, score=given, decision=int((given or 0) > 0.5)))
    write_rows(folder / f"predictions-{begin}.jsonl", rows)


def checked(world: World, **asked: Any) -> DriftChecked:
    return check(plan_drift_check(CheckDrift(**asked), world), world, Silent()).result


def test_a_joint_that_moved_under_a_calm_version_is_an_alert_of_its_own(world: World) -> None:
    answer(world, joined(2, 800))
    calm = checked(world)
    assert (calm.drifted, calm.drifted_by, calm.alerts) == (False, (), ())
    answer(world, joined(3, 800, correlation=-0.8))
    found = checked(world)
    assert (found.drifted, found.drifted_columns, found.drifted_by) == (True, (), ("multivariate",))
    assert len(found.alerts) == 1
    assert found.alerts[0].startswith("4 columns together: they moved.")
    shown = show_drift(ShowDrift(), world)
    assert (shown.multivariate, shown.segments) == (found.multivariate, found.segments)
    assert (shown.predictions, shown.importance) == (found.predictions, found.importance)
    assert any("4 columns together" in line.plain for line in lines_of(shown))
    answer(world, joined(4, 800))
    assert checked(world).alerts == ()


def test_answers_that_changed_while_the_inputs_did_not_are_drift_of_predictions(world: World) -> None:
    answer(world, joined(5, 800))
    answer(world, joined(6, 800), lambda row: 0.2 * of_amount(row))
    found = checked(world)
    assert found.drifted_by == ("predictions",)
    assert found.predictions is not None
    assert (found.predictions.against, found.predictions.current_rows) == ("its own first answers", 800)
    assert {column.column for column in found.predictions.columns if column.drifted} == {"score", "decision"}
    assert found.alerts[0].startswith("Answers of version 1 against its own first answers (800 answers against 800): ")


def test_answers_that_moved_with_the_inputs_open_no_alert_of_their_own(world: World) -> None:
    answer(world, joined(15, 800))
    moved = joined(16, 800)
    answer(world, {**moved, "amount": moved["amount"] * 4})
    found = checked(world)
    assert {"columns", "predictions"} <= set(found.drifted_by)
    assert len(found.alerts) == 1
    assert found.alerts[0].startswith("drift in amount")


def test_a_reference_that_holds_scores_is_what_answers_are_held_against_and_no_input_is_missed(world: World) -> None:
    rows = joined(1, 3_000)
    scored = {**rows, "score": [of_amount({"amount": amount}) for amount in rows["amount"]]}
    pq.write_table(pa.table(scored), world.root / "reference.parquet")
    answer(world, joined(7, 700))
    found = checked(world)
    assert found.drifted_by == ()
    assert found.predictions is not None
    assert (found.predictions.against, found.predictions.reference_rows) == ("the scores in reference.parquet", 3_000)
    assert [column.column for column in found.predictions.columns] == ["score"]


def test_the_column_that_the_model_looks_at_comes_before_one_that_moved_farther(world: World) -> None:
    moved = joined(8, 1_000)
    answer(world, {**moved, "amount": moved["amount"] * 1.6, "hour": moved["hour"] + 2})
    found = checked(world)
    assert {column.column for column in found.columns if column.drifted} == {"amount", "hour"}
    assert found.columns[0].column == "amount"
    # The answers moved with what they hang on: one cause is one alert.
    assert found.drifted_by[0] == "columns"
    assert len(found.alerts) == 1
    assert (found.columns[0].effect or 0) < (found.columns[1].effect or 0)
    assert found.importance is not None
    lines = "\n".join(line.plain for line in lines_of(found))
    assert "hour: drifted, and the model hardly looks at it" in lines
    assert "what the model looks at" in lines


@pytest.mark.parametrize(("by", "alone"), [(0.5, True), (2.0, False)])
def test_a_segment_that_moved_alone_is_a_problem_and_one_that_moved_the_whole_is_told_by_it(
    by: float, alone: bool, world: World
) -> None:
    (world.root / "unipipe.yaml").write_text(CONFIG.replace("segments:", "multivariate: false, segments:"))
    world = dataclasses.replace(world_at(world.root), target_of=world.target_of)
    rows = joined(9, 800)
    answer(world, {**rows, "hour": rows["hour"] + by * (rows["channel"] == "online")})
    findings = {finding.subject: finding for finding in TrafficDriftCheck().findings(world, "local", Silent())}
    assert set(findings) == {"", "predictions", "segments"}
    columns, segments = findings[""], findings["segments"]
    assert columns.state is (FindingState.FINE if alone else FindingState.PROBLEM)
    # One cause is one alert.
    assert segments.state is (FindingState.PROBLEM if alone else FindingState.FINE)
    assert segments.parts == (("channel=online",) if alone else ())
    assert segments.sentence.startswith("channel=online moved: hour" if alone else "segments: what moved, hour, moved")
    assert [one["value"] for one in json.loads(segments.evidence)["segments"]["slices"]] == ["online"]


def test_few_rows_are_unknown_and_leave_alerts_as_they_are(world: World) -> None:
    answer(world, joined(10, 150))
    findings = TrafficDriftCheck().findings(world, "local", Silent())
    assert {finding.state for finding in findings} == {FindingState.UNKNOWN}


@pytest.mark.parametrize(("now", "told"), [(NOON, True), (NOON + timedelta(hours=1), False)])
def test_predictions_of_a_clock_that_was_ahead_are_told(world: World, now: datetime, told: bool) -> None:
    answer(world, joined(20, 400))
    world, heard = dataclasses.replace(world, now=lambda: now), Hearing()
    check(plan_drift_check(CheckDrift(method=DriftMethod.KS), world), world, heard)
    assert any("a clock was ahead" in str(event) for event in heard.heard) is told


def test_what_is_configured_is_not_looked_at_by_a_method_of_ones_own_choice_or_when_it_is_switched_off(
    world: World,
) -> None:
    answer(world, joined(11, 500))
    (world.root / "unipipe.yaml").write_text(CONFIG.replace("segments: [channel]", "multivariate: false"))
    off = dataclasses.replace(world_at(world.root), target_of=world.target_of)
    assert not plan_drift_check(CheckDrift(), off).decided.looks_closer
    assert plan_drift_check(CheckDrift(multivariate=True), off).decided.multivariate
    assert not plan_drift_check(CheckDrift(method="psi"), world).decided.looks_closer  # type: ignore[arg-type]
    assert plan_drift_check(CheckDrift(), world).decided.segments == ("channel",)
    assert plan_drift_check(CheckDrift(segments=("hour",)), world).decided.segments == ("hour",)


def test_two_sets_are_looked_at_closer_when_asked(project: Path) -> None:
    for name, columns in (("then", joined(12, 2_000)), ("now", joined(13, 900, correlation=-0.8))):
        pq.write_table(pa.table(dict(columns)), project / f"{name}.parquet")
    words = ("drift", "check", "--reference", project / "then.parquet", "--current", project / "now.parquet", "--json")
    said = unipipe(*words, "--multivariate", "--segments", "channel", "--fail-on-drift", cwd=project)
    assert (said.exit_code, said.json["drifted"], said.json["drifted_columns"]) == (4, True, [])
    assert said.json["drifted_by"] == ["multivariate"]
    assert said.json["multivariate"]["classifier"]["p_value"] < 0.01
    assert {one["value"] for one in said.json["segments"]["slices"]} == {"store", "online", "phone"}
    assert said.json["predictions"] is None


def test_what_the_reference_has_within_a_segment_is_counted_once(world: World) -> None:
    then, now = [world.root / "reference.parquet"], [world.root / "now.parquet"]
    pq.write_table(pa.table(dict(joined(2, 1_500))), now[0])
    profile, by = world.profiler.profile(then), world.profiler.profile(then, ["channel"])
    kept = frozenset((world.root / ".unipipe").rglob("*.json"))
    found = world.verdicts.segments(then, now, profile, by)
    assert world.verdicts.segments(then, now, profile, by) == found
    (path,) = frozenset((world.root / ".unipipe").rglob("*.json")) - kept
    # Only what was kept can take one value for another.
    count, *parts = path.read_text().splitlines()
    path.write_text("\n".join([count, *reversed(parts)]))
    rows = {one.value: one.reference_rows for one in found.slices}
    changed = {one.value: one.reference_rows for one in world.verdicts.segments(then, now, profile, by).slices}
    assert (changed["store"], changed["phone"]) == (rows["phone"], rows["store"])


def test_two_sets_are_compared_column_by_column_when_nothing_more_is_asked(world: World) -> None:
    path = world.root / "reference.parquet"
    found = checked(world, reference=path, current=path)
    assert (found.multivariate, found.segments, found.predictions, found.importance) == (None, None, None, None)


def test_a_segment_that_the_reference_lacks_is_refused_by_name(world: World) -> None:
    with pytest.raises(UsageError, match="has no column 'country'"):
        plan_drift_check(CheckDrift(segments=("country",), current=world.root / "reference.parquet"), world)


def test_what_columns_there_are_is_told_in_one_short_line(world: World, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"a\nb": [1], **{f"column {number}": [1] for number in range(99)}}), tmp_path / "wide.parquet"
    )
    with pytest.raises(UsageError) as refused:
        plan_drift_check(CheckDrift(segments=("no",), reference=tmp_path / "wide.parquet"), world)
    assert refused.value.hint.startswith("It has: a\N{REPLACEMENT CHARACTER}b, column 0, ")
    assert refused.value.hint.endswith("column 28 and 70 more.")


def test_free_texts_and_vectors_are_columns_of_the_same_answer(world: World) -> None:
    chance = np.random.default_rng(14)

    def rows(count: int, words: int, moved: float) -> dict[str, Any]:
        said = [
            " ".join(chance.choice(["lost", "card", "late", "thanks"], words)) + f" {n * 7919 % 9973}"
            for n in range(count)
        ]
        vectors = [row.tolist() for row in chance.normal(moved, 1, (count, 8))]
        return {"said": said, "vector": pa.array(vectors, pa.list_(pa.float32())), "when": [NOON] * count}

    pq.write_table(pa.table(rows(900, 5, 0.0)), world.root / "then.parquet")
    pq.write_table(pa.table(rows(400, 8, 0.5)), world.root / "now.parquet")
    for _ in range(2):
        found = checked(world, reference=world.root / "then.parquet", current=world.root / "now.parquet")
        by_name = {column.column: column for column in found.columns}
        assert by_name["length(said)"].drifted
        assert (by_name["vector"].drifted, by_name["vector"].method) == (True, "embedding:domain_classifier")
        assert "vector" in found.drifted_columns
        assert by_name["when"].kind.value == "not compared"
