"""Rollouts as they stand on their way, and a release that is over, for tests that look at one and need none to be driven."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes import NOON
from unipipe_tui.actions.release.difference import DifferentFact, ReleaseDifference
from unipipe_tui.actions.release.history import ReleaseLine
from unipipe_tui.actions.release.status import RolloutLine, way_of
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.rollouts.analysis import Analysis, ComparedMeasure, Measures, Verdict
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.rollouts.strategies import Strategy, StrategyKind, course_of
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant, only

OLD, NEW = "ab" * 32, "cd" * 32
LIVE = ReleaseLine(
    target="local",
    model="fraud",
    version=2,
    at=NOON,
    until=None,
    live=True,
    stopped=False,
    release="r-00000002",
    strategy="canary",
    state=RolloutState.DONE,
    reason="",
    action="release start",
    actor="ada",
    commit="c" * 40,
    data=None,
    run_id="r",
    digest=NEW,
    job="j",
)


def stable(model: str = "fraud", version: int = 1) -> Variant:
    """What answers alone."""
    return Variant(STABLE, model, version, OLD)


def a_canary(
    state: RolloutState = RolloutState.WATCHING,
    place: int = 0,
    *,
    model: str = "fraud",
    before: int = 1,
    version: int = 2,
    since: datetime = NOON,
    by_hand: bool = False,
    job: str = "job-1",
    reason: str = "",
    baseline: tuple[Measures, ...] = (),
) -> Rollout:
    """A canary by 10, 25 and 50 percent, each for a minute, from one version to another."""
    strategy = Strategy(StrategyKind.CANARY, automatic=not by_hand)
    candidate = Variant(STABLE, model, version, NEW)
    return Rollout(
        id="r-3f9a2c41",
        target="local",
        strategy=strategy,
        before=only(stable(model, before)),
        candidate=candidate,
        steps=course_of(strategy, stable(model, before), candidate),
        place=place,
        state=state,
        started=NOON,
        since=since,
        actor="ada",
        job=job,
        reason=reason,
        baseline=baseline,
    )


def an_analysis(verdict: Verdict = Verdict.HOLD) -> Analysis:
    """Errors and slow requests, compared."""
    errors = ComparedMeasure(
        "error rate",
        Verdict.ADVANCE,
        0.001,
        0.004,
        -0.0123,
        0.0456,
        0.01,
        900,
        100,
        "error rate: 0.4 % of 100 requests against 0.1 % of the stable variant's 900",
    )
    slow = ComparedMeasure(
        "slow requests",
        verdict,
        0.02,
        0.09,
        0.051,
        0.132,
        0.05,
        900,
        100,
        "slow requests: 9.0 % of 100 requests took longer than 250 ms; tolerated 5.0 %",
    )
    return Analysis(verdict, (errors, slow), f"what decides is {slow.said}")


def on_its_way(rollout: Rollout, *, interrupted: bool = False, verdict: Verdict | None = Verdict.HOLD) -> RolloutLine:
    """A rollout as a look tells it, 42 seconds before its step is over."""
    now = rollout.since + timedelta(seconds=rollout.step.pause_seconds - 42)
    return way_of(rollout, now, interrupted=interrupted, analysis=None if verdict is None else an_analysis(verdict))


def a_difference(*facts: DifferentFact) -> ReleaseDifference:
    """Two releases of one target; the newer one is of a time when they had no ids."""
    one = Release("local", "fraud", 1, OLD, "a" * 40, None, "r", "ada", NOON, "j", "r-1")
    newer = replace(one, version=2, id="")
    return ReleaseDifference("local", one, newer, facts, ("image",), 1, 3, 384, ("train.py",), "unipipe models compare")
