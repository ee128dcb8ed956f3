"""A round makes every check of every target; neither a target nor a sink that hangs keeps anything else from being done."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.actions.release.made import Clock, CountingTarget
from tests.fakes import NOON, FakeTarget, Listening
from tests.sink_server import SinkServer, sink_server
from unipipe_tui.actions.action import exit_code_of
from unipipe_tui.actions.alerts.delivering import SHORT_SECONDS
from unipipe_tui.actions.alerts.listing import ShowAlert, show_alert
from unipipe_tui.actions.alerts.sinks import TEST, ListSinks, TestSink, list_sinks
from unipipe_tui.actions.drift.checking import CHECK, CheckDrift
from unipipe_tui.actions.monitor.round import MonitorRound, Stuck, go_round
from unipipe_tui.actions.monitor.run import RUN, Monitored, RunMonitor
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.world import World
from unipipe_tui.domain.alerts import Turn
from unipipe_tui.domain.errors import ExitCode, Failed, Refused, Stopped, ToolMissing, UsageError
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.wiring import world_at

CONFIG = """
project: fraud
model: {name: fraud}
data: {id: id, label: y, reference: reference.csv}
monitoring:
  window_rows: 1000
  performance: {metric: accuracy, at_least: 0.9, minimum_labels: 40}
  freshness: {predictions: 1h, data: [{data: reference.csv, older_than: 24h, column: at}]}
  operations: {minimum_requests: 100, slow_after_ms: 100}
targets: {local: {}, far: {kind: docker}, slow: {kind: docker}}
alerts:
  runbooks: {drift: see the wiki}
"""


class Away(FakeTarget):
    """One that does not answer."""

    def live(self) -> LiveTarget:
        raise ToolMissing(f"{self.name} gives no answer.", hint="Start it.")


@dataclass
class Hanging(FakeTarget):
    """One that never answers, until the test ends."""

    released: threading.Event = field(default_factory=threading.Event)
    asked_times: int = 0

    def live(self) -> LiveTarget:
        self.asked_times += 1
        self.released.wait(30)
        raise ToolMissing("too late")


@dataclass
class Watched:
    """A project with three targets: one that answers, one that is away, one that hangs."""

    world: World
    local: CountingTarget
    slow: Hanging
    clock: Clock

    def round(self, stuck: Stuck | None = None, within_seconds: float = 30.0) -> MonitorRound:
        world = dataclasses.replace(self.world, job_id=f"j{self.clock.now.timestamp():.0f}")
        self.clock.wait(60)
        return go_round(world, Listening(), within_seconds, stuck or Stuck())


def made(project: Path, config: str = CONFIG, drifted: bool = True) -> Watched:
    (project / "unipipe.yaml").write_text(config)
    rows = "".join(f"r{number},{number % 10},0,2026-03-09T11:00:00Z\n" for number in range(400))
    (project / "reference.csv").write_text("id,amount,y,at\n" + rows)
    folder = project / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True)
    predictions = [
        {
            "prediction_id": f"p{number}",
            "at": NOON.isoformat(),
            "model": "fraud",
            "version": 1,
            "latency_ms": 1.0,
            "score": 0.9,
            "decision": 1,
            "input.amount": number % 10 + (7 if drifted else 0),
            "input.at": "2026-03-09T11:00:00Z",
        }
        for number in range(400)
    ]
    labels = [{"prediction_id": f"p{number}", "label": number % 2, "at": NOON.isoformat()} for number in range(200)]
    for kind, lines in (("predictions", predictions), ("feedback", labels)):
        (folder / f"{kind}-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    local = CountingTarget.answering(Variant("stable", "fraud", 1, "ab" * 32))
    assert isinstance(local, CountingTarget)
    slow, clock = Hanging("slow"), Clock()
    targets: dict[str, FakeTarget] = {"local": local, "far": Away("far"), "slow": slow}
    world = dataclasses.replace(world_at(project), target_of=lambda name: targets[name], now=clock)
    return Watched(world, local, slow, clock)


@pytest.fixture
def watched(project: Path) -> Iterator[Watched]:
    watched = made(project)
    yield watched
    watched.slow.released.set()


@pytest.fixture
def server() -> Iterator[SinkServer]:
    with sink_server() as server:
        yield server


def with_sinks(watched: Watched, sinks: str) -> None:
    """Let the project have these sinks."""
    (watched.world.root / "unipipe.yaml").write_text(CONFIG + f"  sinks: {sinks}\n")
    watched.world = dataclasses.replace(
        watched.world,
        config=world_at(watched.world.root).config,
        sink_of=world_at(watched.world.root).sink_of,
    )


def kinds(done: MonitorRound, target: str) -> dict[tuple[str, str], FindingState]:
    return {(line.check, line.subject): line.state for line in done.findings if line.target == target}


def test_one_target_that_is_away_and_one_that_hangs_leave_the_third_fully_checked(watched: Watched) -> None:
    done = watched.round(within_seconds=12.0)
    local = kinds(done, "local")
    assert local[("drift", "")] is FindingState.PROBLEM
    assert local[("performance", "")] is FindingState.PROBLEM
    assert local[("reachability", "")] is FindingState.FINE
    assert local[("freshness", "predictions")] is FindingState.FINE
    assert kinds(done, "far")[("reachability", "")] is FindingState.PROBLEM
    assert kinds(done, "")[("data", "reference.csv")] is FindingState.FINE
    assert any(fault.startswith("slow: reachability gave no answer within 12 seconds") for fault in done.faults)
    about = {(alert.kind, alert.target, alert.subject) for alert in watched.world.history.alerts()}
    assert about == {
        (AlertKind.DRIFT, "local", ""),
        (AlertKind.PERFORMANCE, "local", ""),
        (AlertKind.REACHABILITY, "far", ""),
        (AlertKind.REACHABILITY, "slow", "checks"),
    }
    assert exit_code_of(Monitored(1, 0, done)) is ExitCode.FAILED


def test_a_target_that_still_hangs_is_not_asked_once_more(watched: Watched) -> None:
    stuck = Stuck()
    watched.world = dataclasses.replace(
        watched.world,
        config=dataclasses.replace(watched.world.config, targets={"slow": watched.world.config.targets["slow"]}),
    )
    watched.round(stuck, 0.3)
    again = watched.round(stuck)
    assert watched.slow.asked_times == 1
    assert any("an earlier round still hangs" in fault for fault in again.faults)
    watched.slow.released.set()
    time.sleep(0.2)
    third = watched.round(stuck)
    assert watched.slow.asked_times > 1
    assert {move.turn for move in third.moves} == {Turn.OPENED, Turn.CLOSED}


def test_the_same_problems_in_the_next_round_are_the_same_alerts_and_each_has_its_evidence(watched: Watched) -> None:
    watched.slow.released.set()
    first, second = watched.round(), watched.round()
    assert (len(first.moves), len(second.moves)) == (4, 0)
    drift = show_alert(ShowAlert("drift-local"), watched.world)
    assert (drift.alert.count, drift.alert.columns, drift.alert.runbook) == (2, ("amount",), "see the wiki")
    assert drift.alert.command == "unipipe drift show local"
    assert [column["column"] for column in drift.evidence["columns"]] == ["amount"]
    assert drift.evidence["current_rows"] == 400
    assert len(watched.world.history.drift_checks("local")) == 2


def test_what_has_become_fine_closes_its_alert_and_too_few_rows_close_nothing(watched: Watched, project: Path) -> None:
    watched.slow.released.set()
    watched.round()
    log = project / ".unipipe" / "predictions" / "local" / "predictions-1.jsonl"
    lines = log.read_text().splitlines()
    log.write_text("\n".join(lines[:150]) + "\n")
    assert not [move for move in watched.round().moves if "drift" in move.alert]
    log.write_text("".join(line.replace('"input.amount": 1', '"input.amount": ') + "\n" for line in lines))
    fine = [json.dumps({**json.loads(line), "input.amount": number % 10}) for number, line in enumerate(lines)]
    log.write_text("\n".join(fine) + "\n")
    assert [move.turn for move in watched.round().moves if "drift" in move.alert] == [Turn.CLOSED]


def test_errors_are_judged_over_what_came_since_the_last_judgement(watched: Watched) -> None:
    watched.slow.released.set()
    watched.local.saw("stable", 1000, errors=900)
    first = watched.round()
    assert kinds(first, "local")[("operations", "errors")] is FindingState.PROBLEM
    watched.local.saw("stable", 1050, errors=900)
    assert ("operations", "errors") not in kinds(watched.round(), "local")
    watched.local.saw("stable", 1200, errors=900)
    third = watched.round()
    assert kinds(third, "local")[("operations", "errors")] is FindingState.FINE
    assert "0 of 200 requests failed (5xx)" in next(
        line.sentence for line in third.findings if line.subject == "errors"
    )


def test_errors_that_may_be_chance_open_nothing_and_are_counted_on_until_they_surely_are_not(watched: Watched) -> None:
    watched.slow.released.set()
    said: dict[int, list[Finding]] = {}
    for requests in range(100, 1000, 100):
        # Four in a hundred where one may: an ordinary 95 % interval of the first hundred lies above that already.
        watched.local.saw("stable", requests, errors=requests // 25)
        found = [one for one in watched.round().findings if (one.target, one.subject) == ("local", "errors")]
        said[requests] = found
        if found[0].state is FindingState.PROBLEM:
            break
    assert [found[0].state for found in said.values()] == [
        *[FindingState.UNKNOWN] * (len(said) - 1),
        FindingState.PROBLEM,
    ]
    assert len(said) > 2
    assert f"{requests // 25} of {requests} requests failed" in said[requests][0].sentence
    watched.local.saw("stable", requests + 200, errors=requests // 25)
    assert "0 of 200 requests failed" in next(
        one.sentence for one in watched.round().findings if (one.target, one.subject) == ("local", "errors")
    )


def test_counters_that_an_older_unipipe_noted_are_judged_anew(watched: Watched) -> None:
    watched.slow.released.set()
    older = json.dumps([("stable", 1, 900, 900, (), ())])
    watched.world.history.note_judged_measures("local", older, watched.clock.now)
    watched.local.saw("stable", 1000, errors=900)
    assert "900 of 1,000 requests failed" in next(
        one.sentence for one in watched.round().findings if (one.target, one.subject) == ("local", "errors")
    )


def test_a_target_that_nobody_asked_for_too_long_is_told(watched: Watched) -> None:
    watched.slow.released.set()
    watched.clock.wait(2 * 3600)
    assert kinds(watched.round(), "local")[("freshness", "predictions")] is FindingState.PROBLEM
    watched.clock.now = NOON - timedelta(days=30)
    assert kinds(watched.round(), "local")[("freshness", "predictions")] is FindingState.FINE


def test_events_reach_a_sink_once_and_in_order(watched: Watched, server: SinkServer) -> None:
    with_sinks(watched, f"{{hook: {{kind: webhook, url: '{server.url}', kinds: [drift]}}}}")
    watched.slow.released.set()
    assert watched.round().delivered == 1
    assert watched.round().delivered == 0
    [said] = server.documents
    assert (said["type"], said["source"], said["data"]["columns"]) == (
        "unipipe.alert.opened",
        "/unipipe/fraud",
        ["amount"],
    )


@pytest.mark.parametrize("behaviour", ["500", "drop", "take and hang"])
def test_a_sink_that_fails_blocks_nothing_and_gets_the_same_event_again(
    watched: Watched, server: SinkServer, behaviour: str
) -> None:
    hook = f"{{kind: webhook, url: '{server.url}', timeout_seconds: 0.3, kinds: [drift]}}"
    with_sinks(watched, f"{{hook: {hook}, prog: {{kind: command, run: [sh, -c, 'cat >> told'], kinds: [drift]}}}}")
    watched.slow.released.set()
    server.behaviour = behaviour
    first = watched.round()
    assert (first.delivered, first.waiting, len(first.sink_problems)) == (1, 1, 1)
    assert len(watched.world.history.alerts()) == 4
    [hook, prog] = list_sinks(ListSinks(), watched.world).sinks
    assert (hook.waiting, hook.attempts, prog.delivered) == (1, 1, 1)
    assert hook.problem
    server.behaviour = "take"
    watched.clock.now = NOON + timedelta(seconds=29)
    assert watched.round().delivered == 0
    watched.clock.wait(30)
    assert watched.round().delivered == 1
    assert len(set(server.ids)) == 1
    assert len(server.ids) == (2 if behaviour == "take and hang" else 1)
    assert len((watched.world.root / "told").read_text().splitlines()) == 1


def test_a_drift_check_by_hand_tells_sinks_as_well(watched: Watched, server: SinkServer) -> None:
    with_sinks(watched, f"{{hook: {{kind: webhook, url: '{server.url}', kinds: [drift]}}}}")
    plan = make_plan(CHECK, CheckDrift("local"), watched.world)
    assert "sinks that are told: hook" in [effect.text for effect in plan.effects]
    checked = performed(watched.world, CHECK, CheckDrift("local"))
    assert checked.drifted
    assert [said["data"]["columns"] for said in server.documents] == [["amount"]]
    assert watched.world.history.waiting() == ()


def test_a_sink_that_hangs_holds_a_drift_check_up_for_a_few_seconds_and_hears_of_it_later(
    watched: Watched, server: SinkServer
) -> None:
    with_sinks(watched, f"{{hook: {{kind: webhook, url: '{server.url}', timeout_seconds: 60, kinds: [drift]}}}}")
    server.behaviour = "hang"
    begun = time.monotonic()
    assert performed(watched.world, CHECK, CheckDrift("local")).drifted
    assert time.monotonic() - begun < SHORT_SECONDS + 5
    [waits] = watched.world.history.waiting()
    assert (waits.attempts, waits.problem) == (1, "It took too long.")
    server.behaviour = "take"
    watched.slow.released.set()
    watched.clock.wait(60)
    assert watched.round().delivered == 1


def test_what_waits_for_a_sink_that_is_configured_no_more_is_given_up(watched: Watched) -> None:
    with_sinks(watched, "{hook: {kind: webhook, url: 'http://127.0.0.1:9', timeout_seconds: 0.3}}")
    watched.slow.released.set()
    assert watched.round().waiting == 4
    with_sinks(watched, "{}")
    assert watched.round().waiting == 0


def test_no_secret_gets_into_an_alert_an_event_or_the_store(
    watched: Watched, server: SinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_HOOK", f"{server.url}/services/very-secret-path")
    with_sinks(watched, "{hook: {kind: webhook, url_from: OUR_HOOK, timeout_seconds: 0.3}}")
    world = world_at(watched.world.root)
    watched.world = dataclasses.replace(watched.world, secrets=world.secrets)
    far = Away(f"far at {server.url}/services/very-secret-path")
    targets = {"local": watched.local, "far": far, "slow": watched.slow}
    watched.world = dataclasses.replace(watched.world, target_of=lambda name: targets[name])
    watched.slow.released.set()
    server.behaviour = "500"
    watched.round()
    kept = (watched.world.root / ".unipipe" / "unipipe.duckdb").read_bytes()
    assert b"far at" in kept
    assert b"very-secret-path" not in kept
    server.behaviour = "take"
    watched.clock.wait(60)
    watched.round()
    assert server.bodies
    assert not [body for body in server.bodies if b"very-secret-path" in body]


def performed(world: World, change: Any, request: Any) -> Any:
    return perform(change, request, world, lambda _: None, lambda: False)


def test_a_test_event_reaches_the_sink_at_once_and_a_failure_says_why(watched: Watched, server: SinkServer) -> None:
    with_sinks(watched, f"{{hook: {{kind: webhook, url: '{server.url}'}}}}")
    answer = performed(watched.world, TEST, TestSink("hook"))
    assert server.ids == [answer.event]
    assert server.documents[0]["type"] == "unipipe.test.opened"
    assert watched.world.history.alerts() == ()
    server.behaviour = "500"
    with pytest.raises(Failed, match="The sink hook did not take it: The webhook answered 500"):
        performed(dataclasses.replace(watched.world, job_id="j2"), TEST, TestSink("hook"))
    with pytest.raises(UsageError, match="no sink 'x'"):
        performed(watched.world, TEST, TestSink("x"))


def test_with_every_each_round_is_a_job_with_its_own_events(project: Path) -> None:
    watched = made(project, CONFIG.replace(", far: {kind: docker}, slow: {kind: docker}", ""), drifted=False)
    world = dataclasses.replace(watched.world, now=world_at(project).now)
    done = performed(world, RUN, RunMonitor(every="1s", rounds=2))
    assert (done.rounds, done.failed) == (2, 0)
    jobs = world.jobs.latest(10, with_quiet=True)
    assert [(job.action, job.state, job.command.split()[-1]) for job in jobs] == [
        ("monitor run", JobState.DONE, "--once"),
        ("monitor run", JobState.DONE, "--once"),
        ("monitor run", JobState.DONE, "--rounds=2"),
    ]
    for job in jobs:
        assert world.job_folders.events(job.id)
    assert {check.job for check in world.history.drift_checks("local")} == {job.id for job in jobs[:2]}


def test_a_second_watch_is_refused_with_the_pid_of_the_first(watched: Watched) -> None:
    with watched.world.monitor_turn() as holder:
        assert holder is None
        with pytest.raises(Refused, match=f"by process {os.getpid()}") as told:
            performed(watched.world, RUN, RunMonitor())
    assert told.value.exit_code is ExitCode.REFUSED
    assert watched.world.jobs.total() == 0


@pytest.mark.parametrize(
    "wrong", [RunMonitor("5m", once=True), RunMonitor(rounds=3), RunMonitor("5"), RunMonitor(within=0)]
)
def test_what_makes_no_sense_is_refused(watched: Watched, wrong: RunMonitor) -> None:
    with pytest.raises(UsageError):
        RUN.plan(wrong, watched.world)


def test_a_watch_that_is_asked_to_stop_stops_between_two_rounds(project: Path) -> None:
    watched = made(project, CONFIG.replace(", far: {kind: docker}, slow: {kind: docker}", ""))
    world = dataclasses.replace(watched.world, now=world_at(project).now)
    begun = time.monotonic()
    with pytest.raises(Stopped):
        perform(RUN, RunMonitor(every="1h"), world, lambda _: None, lambda: is_done(world))
    assert time.monotonic() - begun < 20
    assert {job.state for job in world.jobs.latest(10)} == {JobState.DONE, JobState.STOPPED}


def is_done(world: World) -> bool:
    return JobState.DONE in {job.state for job in world.jobs.latest(10)}


def started(project: Path, *words: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "unipipe_tui", "monitor", "run", *words]
    return subprocess.Popen(argv, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_killed_at_any_point_it_leaves_a_sound_store_one_alert_and_a_free_turn(
    project: Path, server: SinkServer
) -> None:
    one = CONFIG.replace(", far: {kind: docker}, slow: {kind: docker}", "")
    made(project, one + f"  sinks: {{hook: {{kind: webhook, url: '{server.url}', kinds: [drift]}}}}\n")
    world = world_at(project)
    for wait in (0.5, 0.9, 1.3):
        watch = started(project, "--every", "1s")
        time.sleep(wait)
        watch.send_signal(signal.SIGKILL)
        watch.wait()
    with world.monitor_turn() as holder:
        assert holder is None
    last = started(project, "--once")
    assert last.wait(60) == 0
    assert len([alert for alert in world.history.alerts(only_open=False) if alert.kind is AlertKind.DRIFT]) == 1
    assert world.history.waiting() == ()
    assert len(set(server.ids)) == 1
    world.store.check()
    assert world.audit.verify()[1] == ""


def test_sigterm_ends_a_watch_cleanly_and_meanwhile_a_second_one_is_refused(project: Path) -> None:
    made(project, CONFIG.replace(", far: {kind: docker}, slow: {kind: docker}", ""))
    world = world_at(project)
    watch = started(project, "--every", "1h")
    try:
        until = time.monotonic() + 30
        while not world.history.drift_checks() and time.monotonic() < until:
            time.sleep(0.05)
        second = started(project)
        assert second.wait(30) == ExitCode.REFUSED
        assert second.stderr is not None
        assert f"by process {watch.pid}".encode() in second.stderr.read()
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(20) == ExitCode.STOPPED
    finally:
        watch.kill()
    assert JobState.RUNNING not in {job.state for job in world.jobs.latest(10)}


def test_sigterm_in_the_middle_of_a_check_stops_the_round_and_crashes_nothing(project: Path) -> None:
    made(project, CONFIG.replace(", far: {kind: docker}, slow: {kind: docker}", ""))
    for moment in (0.2, 0.6, 1.0):
        watch = started(project)
        assert watch.stderr is not None
        assert b"check local" in watch.stderr.readline()
        time.sleep(moment)
        watch.send_signal(signal.SIGTERM)
        _, said = watch.communicate(timeout=30)
        assert watch.returncode == ExitCode.STOPPED, said
        assert b"unipipe: Stopped on request." in said
        assert b"terminate called" not in said
