"""What changed in a column: which values moved, which are new, since when; of the last check or of an earlier one; drawn."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON
from unipipe_tui.actions.drawing import draw
from unipipe_tui.actions.drift.explained import DRAW, DrawDrift, ExplainDrift, explain_drift, plan_drawing
from unipipe_tui.actions.drift.history import ShowDrift, show_drift
from unipipe_tui.actions.monitor.standing import MonitorStatus, show_standing
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import CheckSaidNo, Refused, UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck
from unipipe_tui.wiring import build_world

EARLIER, LATER = NOON - timedelta(hours=2), NOON - timedelta(hours=1)


def amount(*current: float, drifted: bool) -> dict[str, object]:
    return {
        "column": "amount",
        "kind": "numeric",
        "drifted": drifted,
        "reason": "PSI: it moved.",
        "reference_rows": 1000,
        "current_rows": 1000,
        "value": 0.5,
        "p_value": 0.001,
        "effect": 0.4 if drifted else 0.0,
        "labels": ["< 1", "1 to 2", "> 2"],
        "reference_shares": [0.5, 0.3, 0.2],
        "current_shares": [*current],
        "reference_missing": 0.02,
        "current_missing": 0.1,
    }


REGION = {
    **amount(drifted=True),
    "column": "region",
    "kind": "categorical",
    "labels": ["dach", "iberia", "gulf"],
    "reference_shares": [0.6, 0.4, 0.0],
    "current_shares": [0.6, 0.0, 0.4],
    "new_values": ["gulf"],
    "vanished_values": ["iberia"],
    "reference_missing": 0.0,
    "current_missing": 0.0,
}


@pytest.fixture
def world(project: Path) -> World:
    """A calm check and a drifted one."""
    found = build_world(project)
    for at, drifted, columns in (
        (EARLIER, False, [amount(0.5, 0.3, 0.2, drifted=False)]),
        (LATER, True, [amount(0.1, 0.4, 0.5, drifted=True), REGION]),
    ):
        report = json.dumps({"columns": columns, "reference_rows": 1000})
        named = ("amount",) if drifted else ()
        found.history.add_drift_check(DriftCheck("local", "fraud", 2, 1000, drifted, named, report, at, "j"))
    return found


def test_the_values_that_moved_most_are_named_with_their_part_of_the_distance(world: World) -> None:
    found = explain_drift(ExplainDrift("amount"), world)
    assert sum(one.psi_part for one in found.shifts) == pytest.approx(1.0)
    assert [round(one.psi_part, 3) for one in found.shifts] == [0.679, 0.03, 0.29]
    moves = "< 1: 50.0 % → 10.0 %; > 2: 20.0 % → 50.0 %; 1 to 2: 30.0 % → 40.0 %"
    assert found.sentences[0] == f"Moved most: {moves} (100 % of the PSI)."


def test_values_that_are_new_or_gone_and_rows_without_a_value_are_told(world: World) -> None:
    region, missing = explain_drift(ExplainDrift("region"), world), explain_drift(ExplainDrift("amount"), world)
    assert [one.note for one in region.shifts] == ["", "gone", "new"]
    assert "New: gulf, together 40.0 %." in region.sentences
    assert "Gone: iberia." in region.sentences
    assert "No value in 2.0 % of the reference, in 10.0 % of the window." in missing.sentences


def test_it_says_since_when_a_column_drifts_and_when_it_did_not(world: World) -> None:
    now, before = (explain_drift(ExplainDrift("amount", at=at), world) for at in (None, EARLIER.isoformat()))
    assert now.sentences[-1] == f"Drifts since the check of {LATER:%Y-%m-%d %H:%M}, in 1 of 2 checks."
    assert [point.drifted for point in now.points] == [False, True]
    assert [point.drifted for point in before.points] == [False]
    assert not any(one.startswith("Moved most") for one in before.sentences)


def test_an_earlier_check_is_chosen_by_a_moment_or_by_how_long_ago(world: World) -> None:
    between = (EARLIER + timedelta(minutes=5)).isoformat()
    assert show_drift(ShowDrift(at=between), world).at == EARLIER
    assert show_drift(ShowDrift(at=LATER.isoformat()), world).at == LATER
    assert show_drift(ShowDrift(), world).at == LATER
    with pytest.raises(CheckSaidNo, match="never checked by"):
        show_drift(ShowDrift(at=(EARLIER - timedelta(seconds=1)).isoformat()), world)
    with pytest.raises(UsageError, match="no moment"):
        show_drift(ShowDrift(at="soon"), world)


def test_a_column_that_the_check_did_not_compare_is_told_with_those_that_it_did(world: World) -> None:
    with pytest.raises(UsageError, match="no column 'hour'") as told:
        explain_drift(ExplainDrift("hour"), world)
    assert told.value.hint == "It compared: amount, region."


def test_on_the_command_line_the_picture_stands_between_the_verdict_and_the_words(world: World) -> None:
    lines = [line.plain for line in lines_of(explain_drift(ExplainDrift("region"), world))]
    assert lines[1] == "! PSI: it moved."
    assert any(line.startswith("gulf") and line.endswith("new") for line in lines)
    assert lines[-1].endswith("natural logarithm; drift: an effect of at least 0.05 with p at most 0.01.")


def test_it_is_drawn_into_a_file_and_over_another_one_only_when_told_so(world: World, tmp_path: Path) -> None:
    to = tmp_path / "region.svg"
    drawn = draw(plan_drawing(DrawDrift("region", to), world), world, Silent())
    image = to.read_text()
    assert drawn.result.bytes == to.stat().st_size
    assert all(word in image for word in ("gulf (new)", "iberia (gone)", "reference, 1,000 rows", "window, 1,000 rows"))
    with pytest.raises(Refused, match="is there already"):
        plan_drawing(DrawDrift("region", to), world)
    with pytest.raises(UsageError, match=r"neither .svg nor .png"):
        plan_drawing(DrawDrift("region", tmp_path / "region.txt"), world)
    assert DRAW.name == "drift draw"


def test_each_target_stands_in_a_line_of_its_own(world: World) -> None:
    world.history.open_alert(Alert("a", AlertKind.DRIFT, "local", "drift in amount", LATER, "j"))
    (standing,) = show_standing(MonitorStatus(ask=False), world).targets
    assert (standing.target, standing.state, standing.checked) == ("local", None, LATER)
    assert standing.drifted == ("amount", "region")
    assert (standing.open, standing.asking, standing.predictions) == (1, 1, 0)
    (asked,) = show_standing(MonitorStatus(), world).targets
    assert asked.state is not None
    text = "\n".join(line.plain for line in lines_of(show_standing(MonitorStatus(), world)))
    assert "! 2 of 2: amount, region" in text
