"""The course of a rollout: where it stands, and what comes next. Pure, so that whoever finds one half done can go on."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.rollouts.analysis import Analysis, Measures, Verdict
from unipipe_tui.domain.rollouts.strategies import Step, Strategy
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant
from unipipe_tui.domain.values import frozen


class RolloutState(StrEnum):
    """How far a rollout is."""

    MOVING = "moving"
    """The target is being brought to the traffic of the step."""
    WATCHING = "watching"
    """The step stands; its analysis goes on, and the time of its pause runs."""
    WAITING = "waiting"
    """The step stands until a person goes on."""
    HELD = "held"
    """A person asked it to stay where it is."""
    ABORTING = "aborting"
    """The target is being brought back to what answered before."""
    DONE = "done"
    ABORTED = "aborted"

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""
        return self in (RolloutState.DONE, RolloutState.ABORTED)


@frozen
class Rollout:
    """One release on its way to one target. It is recorded before each move, so it is never half forgotten."""

    id: str
    """The release's id."""
    target: str
    strategy: Strategy
    before: Traffic | None
    """What answered when it began, to go back to; None: nothing did."""
    candidate: Variant
    steps: tuple[Step, ...]
    place: int
    """Index of the step that it stands at or moves to."""
    state: RolloutState
    started: datetime
    since: datetime
    """When it came into this state at this step."""
    actor: str
    job: str
    """The job that drives it, or did last."""
    replaces: str | None = None
    """The release that the target had when it began; a third one there means that somebody else released."""
    goes_back: bool = False
    """Whether it takes the place of what it had followed."""
    reason: str = ""
    """Why it began, was held or aborted."""
    baseline: tuple[Measures, ...] = ()
    """What each variant had done when the step began."""
    moves: int = 0
    """How many it has made: tells whoever would record the next one that somebody else did."""

    @property
    def step(self) -> Step:
        """The step that it stands at or moves to."""
        return self.steps[self.place]

    @property
    def wanted(self) -> Traffic | None:
        """What the target should answer with now; None: nothing."""
        back = self.state in (RolloutState.ABORTING, RolloutState.ABORTED)
        return self.before if back else self.step.traffic

    @property
    def stands(self) -> bool:
        """Whether the target answers as was wanted of it."""
        return self.state not in (RolloutState.MOVING, RolloutState.ABORTING)


@frozen
class Move:
    """One move of a rollout, as it was recorded."""

    rollout: str
    target: str
    place: int
    state: RolloutState
    stands: bool
    """Whether the target answered with the traffic from then on; else it was only on the way there."""
    traffic: Traffic | None
    """None: nothing."""
    why: str
    evidence: Analysis | None
    """What the analysis had found."""
    actor: str
    job: str
    at: datetime


def arrived(rollout: Rollout, now: datetime) -> Rollout:
    """The target has the traffic that was wanted of it; the same when it had it already."""
    if rollout.stands:
        # Applied again after an interruption: the pause goes on, and who held it still does.
        return rollout
    if rollout.state is RolloutState.ABORTING:
        return _moved(rollout, RolloutState.ABORTED, now)
    if rollout.place == len(rollout.steps) - 1:
        return _moved(rollout, RolloutState.DONE, now)
    by_hand = rollout.step.by_hand
    return _moved(rollout, RolloutState.WAITING if by_hand else RolloutState.WATCHING, now)


def taken_over(found: Rollout, wanted: Rollout, job: str, actor: str, now: datetime) -> Rollout:
    """What somebody decided of a rollout that another job drives: it is that one's next move, by this job from now on."""
    return dataclasses.replace(wanted, job=job, actor=actor, since=now, moves=found.moves + 1)


def judged(rollout: Rollout, verdict: Verdict, now: datetime, why: str) -> Rollout:
    """What a step does with a verdict: bad news goes back at once, good news goes on when the pause is over."""
    if rollout.state not in (RolloutState.WATCHING, RolloutState.WAITING):
        return rollout
    if verdict is Verdict.ABORT:
        return aborted(rollout, now, why)
    over = (now - rollout.since).total_seconds() >= rollout.step.pause_seconds
    if rollout.state is RolloutState.WATCHING and over and verdict is Verdict.ADVANCE:
        return advanced(rollout, now)
    return rollout


def advanced(rollout: Rollout, now: datetime) -> Rollout:
    """On to the next step.

    Raises:
        Refused: it is over, or on its way already.
    """
    _refuse_unless(rollout, RolloutState.WATCHING, RolloutState.WAITING, RolloutState.HELD)
    # Why it was held is over with the step that it was held at.
    reason = "" if rollout.state is RolloutState.HELD else rollout.reason
    return _moved(dataclasses.replace(rollout, place=rollout.place + 1, reason=reason), RolloutState.MOVING, now)


def held(rollout: Rollout, now: datetime, why: str) -> Rollout:
    """Stay here until somebody goes on.

    Raises:
        Refused: it is over, or on its way.
    """
    _refuse_unless(rollout, RolloutState.WATCHING, RolloutState.WAITING)
    return _moved(dataclasses.replace(rollout, reason=why), RolloutState.HELD, now)


def aborted(rollout: Rollout, now: datetime, why: str) -> Rollout:
    """Back to what answered before; the same when it goes back already, for the first reason.

    Raises:
        Refused: it is over.
    """
    if rollout.state is RolloutState.ABORTING:
        return rollout
    if rollout.state.is_over:
        raise Refused(
            f"Release {rollout.id} is {rollout.state.value} already.", hint=f"unipipe rollback {rollout.target}"
        )
    return _moved(dataclasses.replace(rollout, reason=why), RolloutState.ABORTING, now)


def let_be(rollout: Rollout, now: datetime, why: str) -> Rollout:
    """Over, with nothing more done to the target: it has nothing of this release, or somebody else's already."""
    return _moved(dataclasses.replace(rollout, reason=why), RolloutState.ABORTED, now)


def _moved(rollout: Rollout, state: RolloutState, now: datetime) -> Rollout:
    return dataclasses.replace(rollout, state=state, since=now, moves=rollout.moves + 1)


def _refuse_unless(rollout: Rollout, *states: RolloutState) -> None:
    if rollout.state not in states:
        raise Refused(
            f"Release {rollout.id} on {rollout.target} is {rollout.state.value}.",
            hint=f"unipipe release status {rollout.target}",
        )
