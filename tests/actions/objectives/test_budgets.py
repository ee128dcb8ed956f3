"""Objectives count what servers wrote and what labels said; budgets that burn too fast open alerts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.actions.release.made import Clock
from tests.conftest import unipipe
from tests.fakes import NOON, FakeTarget, Listening
from unipipe_tui.actions.monitor.budgets import ObjectivesCheck
from unipipe_tui.actions.monitor.round import Stuck, go_round
from unipipe_tui.actions.objectives.budgets import (
    BudgetView,
    Objectives,
    ObjectiveView,
    ShowObjectives,
    show_objectives,
)
from unipipe_tui.actions.operations import ShowOperations, show_operations
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.operations import bucket_of
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.wiring import world_at

FAST, SLOW = bucket_of(20.0), bucket_of(300.0)
SERVICE = "slos: {availability: {kind: availability, goal: 99.9 %}, fast: {kind: latency, goal: 99 %, below: 100ms}}"


def with_config(project: Path, slos: str) -> World:
    (project / "unipipe.yaml").write_text(f"model: {{name: fraud}}\ntargets: {{local: {{}}, far: {{}}}}\n{slos}\n")
    target = FakeTarget("local")
    return dataclasses.replace(world_at(project), now=Clock(), target_of=lambda name: target)


def log(project: Path, kind: str, rows: Sequence[Mapping[str, object]], day: str = "2026-03-09") -> None:
    folder = project / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{kind}-{day}-1-0.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def minute(
    at: datetime, requests: int = 0, errors: int = 0, slow: int = 0, mirrored: bool = False
) -> dict[str, object]:
    """A minute as a server writes it."""
    return {
        "at": at.isoformat(),
        "server": "here:1",
        "model": "fraud",
        "version": 1,
        "variant": "shadow" if mirrored else "stable",
        "mirrored": mirrored,
        "requests": requests,
        "errors": errors,
        "latency": [[FAST, requests - slow], [SLOW, slow]],
        "up_seconds": 60.0,
    }


def served(hours: float, requests: int, errors: int = 0, slow: int = 0, ago: float = 0) -> list[Mapping[str, object]]:
    """Minutes of the same traffic, up to so many hours ago."""
    count = round(hours * 60)
    return [
        minute(NOON - timedelta(hours=ago, minutes=count - number), requests, errors, slow) for number in range(count)
    ]


def labelled(project: Path, decided: list[tuple[object, object, float]]) -> None:
    """Decisions of ten days ago, their labels, and how many hours ago those came."""
    before = (NOON - timedelta(days=10)).isoformat()
    log(
        project,
        "predictions",
        [
            {"prediction_id": f"p{number}", "at": before, "model": "fraud", "version": 1, "decision": decision}
            for number, (decision, _, _) in enumerate(decided)
        ],
    )
    log(
        project,
        "feedback",
        [
            {"prediction_id": f"p{number}", "label": label, "at": (NOON - timedelta(hours=ago)).isoformat()}
            for number, (_, label, ago) in enumerate(decided)
        ],
    )


def shown(world: World) -> tuple[dict[str, ObjectiveView], dict[str, BudgetView], Objectives]:
    found = show_objectives(ShowObjectives("local"), world)
    return {one.name: one for one in found.objectives}, {one.name: one for one in found.budgets}, found


def found_by(world: World) -> dict[str, Finding]:
    return {one.subject: one for one in ObjectivesCheck().findings(world, "local", Listening())}


def test_requests_errors_and_slow_answers_are_counted_from_minutes(project: Path) -> None:
    world = with_config(project, SERVICE)
    log(project, "minutes", served(80, 100, slow=2))
    objectives, budgets, _ = shown(world)
    assert objectives["availability"].compliance == 1
    assert (objectives["fast"].events, objectives["fast"].bad) == (480_000, 9_600)
    assert objectives["fast"].compliance == pytest.approx(0.98)
    assert (objectives["availability"].met, objectives["fast"].met) == (True, False)
    assert [round(one.burn_rate or 0, 6) for one in budgets["fast"].burn] == [2.0] * 5
    assert budgets["fast"].left == pytest.approx(-1.0)
    assert budgets["fast"].gone == NOON


def test_errors_of_the_last_hour_open_an_alert_that_names_the_windows(project: Path) -> None:
    world = with_config(project, SERVICE)
    log(project, "minutes", [*served(79, 100, ago=1), *served(1, 100, errors=2)])
    found = found_by(world)
    alert = found["availability"]
    assert (alert.kind, alert.state, alert.severity) == (AlertKind.SLO, FindingState.PROBLEM, Severity.CRITICAL)
    assert "burns 20 times too fast in 1h and 20 times in 5m (120 of 6,000 events are bad)" in alert.sentence
    assert alert.command == "unipipe slo show local"
    assert json.loads(alert.evidence)["alerts"][0]["burns"] is True
    assert found["fast"].state is FindingState.FINE


def test_a_round_opens_one_alert_for_a_budget_and_closes_it_when_it_burns_no_more(project: Path) -> None:
    world = with_config(project, "slos: {availability: {kind: availability, goal: 99.9 %, targets: [local]}}")
    log(project, "minutes", [*served(79, 100, ago=1), *served(1, 100, errors=2)])

    def round_of(job: str) -> list[str]:
        found = go_round(dataclasses.replace(world, job_id=job), Listening(), 60, Stuck())
        return [f"{move.turn.value}: {move.sentence}" for move in found.moves if "availability" in move.sentence]

    (opened,) = round_of("20260309-120000-aaaaaa")
    assert opened.startswith("opened: critical: local: availability burns 20 times too fast")
    (alert,) = [one for one in world.history.alerts(only_open=True) if one.kind is AlertKind.SLO]
    assert (alert.subject, alert.command) == ("availability", "unipipe slo show local")
    assert round_of("20260309-120100-bbbbbb") == []
    log(project, "minutes", served(80, 100))
    (closed,) = round_of("20260309-120200-cccccc")
    assert closed.startswith("closed: closed: local: availability burns")


def test_copies_for_a_shadow_are_nobodys_requests(project: Path) -> None:
    world = with_config(project, SERVICE)
    copies = [minute(NOON - timedelta(minutes=number), 1000, 1000, mirrored=True) for number in range(60, 0, -1)]
    log(project, "minutes", [*served(1, 10), *copies])
    assert shown(world)[0]["availability"].events == 600


def test_decisions_that_turned_out_wrong_are_charged_when_their_labels_come(project: Path) -> None:
    shares = ", ".join(
        f"{name}: {{kind: quality, metric: {name}, goal: 90 %}}" for name in ("precision", "recall", "accuracy")
    )
    world = with_config(project, f"slos: {{{shares}}}")
    late = [(1, 1, 0.5)] * 60 + [(1, 0, 0.5)] * 30 + [(0, 1, 0.5)] * 10 + [(0, 0, 0.5)] * 100
    labelled(project, [*late, *[(1, 1, 30 * 24 + 1.0)] * 50])
    objectives, budgets, _ = shown(world)
    counts = {name: (one.events, one.bad) for name, one in objectives.items()}
    assert counts == {"precision": (90, 30), "recall": (70, 10), "accuracy": (200, 40)}
    assert budgets["precision"].burn[2].burn_rate == pytest.approx(30 / 90 / 0.1)


def test_classes_other_than_yes_and_no_are_right_when_they_equal_their_label(project: Path) -> None:
    world = with_config(
        project,
        "slos: {right: {kind: quality, metric: accuracy, goal: 90 %}, p: {kind: quality, metric: precision, goal: 90 %}}",
    )
    labelled(project, [("cat", "cat", 1.0), ("cat", "dog", 1.0), ("dog", "dog", 1.0), ("1", "true", 1.0)])
    objectives, _, _ = shown(world)
    assert (objectives["right"].events, objectives["right"].bad) == (4, 1)
    assert (objectives["p"].events, objectives["p"].bad) == (1, 0)


def test_model_and_service_share_one_error_budget(project: Path) -> None:
    world = with_config(
        project,
        "slos:\n"
        "  availability: {kind: availability, goal: 99.9 %, budget: together}\n"
        "  quality: {kind: quality, metric: precision, goal: 99 %, budget: together, weight: 2}\n",
    )
    log(project, "minutes", served(80, 100))
    labelled(project, [(1, 1, 0.01)] * 800 + [(1, 0, 0.01)] * 200)
    _, budgets, _ = shown(world)
    (budget,) = budgets.values()
    assert (budget.name, budget.objectives) == ("together", ("availability", "quality"))
    assert (budget.events, budget.bad, budget.spent) == (481_000, 200, 400)
    assert budget.allowed == pytest.approx(0.001 * 480_000 + 2 * 0.01 * 1000)
    # No request failed: the model alone burns what both live on.
    finding = found_by(world)["together"]
    assert finding.state is FindingState.PROBLEM
    assert "together burns" in finding.sentence


def test_minutes_without_news_are_charged_to_freshness_and_those_without_a_server_to_uptime(project: Path) -> None:
    world = with_config(
        project,
        "slos:\n"
        "  asked: {kind: freshness, of: predictions, within: 10m, goal: 90 %}\n"
        "  told: {kind: freshness, of: labels, within: 2h, goal: 90 %}\n"
        "  up: {kind: uptime, goal: 99 %}\n",
    )
    # Asked until two hours ago, up until one hour ago, with half an hour down before.
    log(project, "minutes", [*served(5, 10, ago=2.5), *served(1, 0, ago=1)])
    labelled(project, [(1, 1, 5.0), (1, 1, 1.0)])
    objectives, _, _ = shown(world)
    # The minute before noon may not be written yet.
    assert (objectives["asked"].events, objectives["asked"].bad) == (449, 449 - 300 - 9)
    assert (objectives["told"].events, objectives["told"].bad) == (299, 120)
    assert (objectives["up"].events, objectives["up"].bad) == (449, 30 + 59)


def test_nothing_known_is_told_and_judged_by_nobody(project: Path) -> None:
    world = with_config(project, SERVICE)
    objectives, _, found = shown(world)
    assert objectives["availability"].compliance is None
    assert "No server of local has written minutes" in found.notices[0]
    assert {one.state for one in found_by(world).values()} == {FindingState.UNKNOWN}


@pytest.mark.parametrize(("ago", "since"), [(1, "since 2026-03-09 11:00 UTC"), (None, "until now")])
def test_what_a_server_cannot_write_down_is_told_and_not_taken_for_nothing(
    project: Path, ago: float | None, since: str
) -> None:
    target = FakeTarget.answering(Variant("stable", "fraud", 1, "ab" * 32), log_problem="No space left on device")
    world = dataclasses.replace(with_config(project, SERVICE), target_of=lambda name: target)
    if ago is not None:
        log(project, "minutes", served(1, 100, ago=ago))
    told = shown(world)[2].notices[0]
    assert told.startswith(f"local answers, but cannot write its log (No space left on device): what it did {since} is")
    assert show_operations(ShowOperations("local"), world).notices[0] == told
    assert not any("start or release anew" in notice for notice in shown(world)[2].notices)


def test_a_target_that_wrote_a_minute_just_now_is_not_asked_why_it_wrote_none(project: Path) -> None:
    def asked(name: str) -> FakeTarget:
        raise AssertionError(name)

    world = dataclasses.replace(with_config(project, SERVICE), target_of=asked)
    log(project, "minutes", served(1, 100))
    assert shown(world)[0]["availability"].compliance == 1


def test_an_objective_counts_for_its_targets_only(project: Path) -> None:
    world = with_config(project, "slos: {up: {kind: availability, goal: 99 %, targets: [far]}}")
    assert found_by(world) == {}
    assert [one.target for one in show_objectives(ShowObjectives(), world).objectives] == ["far"]


def test_without_objectives_it_is_said_how_one_is_written(project: Path) -> None:
    with pytest.raises(UsageError, match="No objective is configured") as raised:
        show_objectives(ShowObjectives(), world_at(project))
    assert "kind: availability, goal: 99.9 %" in raised.value.hint


def test_the_command_line_shows_objectives_within_eighty_columns_and_as_json(project: Path) -> None:
    with_config(project, SERVICE)
    now = datetime.now(NOON.tzinfo).replace(second=0, microsecond=0)
    rows = [minute(now - timedelta(minutes=number), 100, errors=5, slow=1) for number in range(600, 0, -1)]
    log(project, "minutes", rows, f"{now:%Y-%m-%d}")
    told = unipipe("slo", "show", "local", "--json", cwd=project)
    assert told.exit_code == 0, told.stderr
    document = json.loads(told.stdout)
    assert {one["name"]: one["met"] for one in document["objectives"]} == {"availability": False, "fast": True}
    assert document["budgets"][0]["alerts"][0] == {
        "long": "1h",
        "short": "5m",
        "factor": 14.4,
        "severity": "critical",
        "share_of_budget": pytest.approx(14.4 / 28 / 24),
        "burns": True,
        "too_few": False,
    }
    text = unipipe("slo", "show", "local", cwd=project).stdout
    table = [line for line in text.splitlines() if line.startswith("  ")]
    assert max(map(len, table)) <= 80, text
    assert "availability burns" in text
