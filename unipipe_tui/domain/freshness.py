"""Why a stage would run again, and what that makes of it: the state of one stage and of a whole pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import Enum
from functools import cached_property

from unipipe_tui.domain.pipelines import Problem, Stage
from unipipe_tui.domain.values import frozen


class CauseKind(Enum):
    """What makes a stage run again, or keeps it from running."""

    NEVER_RUN = "never run"
    COMMAND_CHANGED = "command changed"
    DEPENDENCY_CHANGED = "dependency changed"
    DEPENDENCY_MISSING = "dependency missing"
    DEPENDENCY_NEW = "dependency new"
    PARAM_CHANGED = "param changed"
    PARAM_NEW = "param new"
    PARAM_REMOVED = "param removed"
    OUTPUT_CHANGED = "output changed"
    OUTPUT_MISSING = "output missing"
    OUTPUT_NEW = "output new"
    OUTPUT_NOT_IN_CACHE = "output not in cache"
    DATA_NOT_PULLED = "data not pulled"
    DATA_NOT_CHECKED_OUT = "data not checked out"
    ALWAYS_CHANGED = "always changed"
    UPSTREAM_WILL_RUN = "upstream will run"
    FROZEN = "frozen"
    NOT_CHECKED = "not checked"


_SENTENCES: Mapping[CauseKind, str] = {
    CauseKind.NEVER_RUN: "it has never run here",
    CauseKind.COMMAND_CHANGED: "its command changed from `{before}` to `{after}`",
    CauseKind.DEPENDENCY_CHANGED: "{subject} changed ({before} → {after})",
    CauseKind.DEPENDENCY_MISSING: "{subject} is missing",
    CauseKind.DEPENDENCY_NEW: "{subject} is a new dependency",
    CauseKind.PARAM_CHANGED: "{subject} changed from {before} to {after}",
    CauseKind.PARAM_NEW: "{subject} is a new param ({after})",
    CauseKind.PARAM_REMOVED: "{subject} is gone (it was {before})",
    CauseKind.OUTPUT_CHANGED: "its output {subject} was changed since ({before} → {after})",
    CauseKind.OUTPUT_MISSING: "its output {subject} is missing",
    CauseKind.OUTPUT_NEW: "{subject} is a new output",
    CauseKind.OUTPUT_NOT_IN_CACHE: "its output {subject} is not in the DVC cache",
    CauseKind.DATA_NOT_PULLED: "{subject} was never pulled",
    CauseKind.DATA_NOT_CHECKED_OUT: "{subject} is in the DVC cache, not in the workspace",
    CauseKind.ALWAYS_CHANGED: "it runs every time",
    CauseKind.UPSTREAM_WILL_RUN: "{subject} runs before it",
    CauseKind.FROZEN: "it is frozen: it will not run",
    CauseKind.NOT_CHECKED: "{subject} lies outside the repository and was not checked",
}

RESTORABLE = frozenset({CauseKind.DATA_NOT_PULLED, CauseKind.DATA_NOT_CHECKED_OUT})
"""Causes that fetching known data takes away, without running anything."""


@frozen
class Cause:
    """One reason, with the thing it is about and its value before and after where that is known."""

    kind: CauseKind
    subject: str = ""
    before: str = ""
    after: str = ""

    @property
    def sentence(self) -> str:
        """The reason in words, to follow the stage's name."""
        return _SENTENCES[self.kind].format(subject=self.subject, before=self.before, after=self.after)


class Freshness(Enum):
    """What the next `dvc repro` would do with a stage."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER_RUN = "never run"
    FROZEN = "frozen"
    NOT_PULLED = "not pulled"
    UNKNOWN = "unknown"


@frozen
class StageState:
    """A stage, whether it is up to date, and why not."""

    stage: Stage
    freshness: Freshness
    causes: tuple[Cause, ...] = ()
    size_bytes: int | None = None
    """What its outputs weighed when they were last recorded."""

    @property
    def will_run(self) -> bool:
        """Whether the next `dvc repro` runs its command."""
        return bool(self.stage.command) and self.freshness in {Freshness.STALE, Freshness.NEVER_RUN}

    @property
    def way_back(self) -> str:
        """The command line that brings the known data that is missing here; empty when none is."""
        kinds = {cause.kind for cause in self.causes}
        if CauseKind.DATA_NOT_PULLED in kinds:
            return "dvc pull"
        return "dvc checkout" if CauseKind.DATA_NOT_CHECKED_OUT in kinds else ""

    @property
    def may_be_spared(self) -> bool:
        """Whether it runs only if the stages before it write something new."""
        return self.will_run and all(cause.kind is CauseKind.UPSTREAM_WILL_RUN for cause in self.causes)


@frozen
class PipelineState:
    """The state of every stage, in running order."""

    states: tuple[StageState, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    can_pull: bool = True
    """False: data is missing, and no remote is set to pull it from."""

    def of(self, address: str) -> StageState:
        """The state of one stage. `KeyError` for an unknown address."""
        return self._by_address[address]

    @cached_property
    def _by_address(self) -> Mapping[str, StageState]:
        return {state.stage.address: state for state in self.states}

    @property
    def will_run(self) -> tuple[StageState, ...]:
        """The stages that the next `dvc repro` runs, in order."""
        return tuple(state for state in self.states if state.will_run)


def judge(stage: Stage, causes: Iterable[Cause], stale_parents: Iterable[str] = ()) -> StageState:
    """What the causes found for one stage amount to, given which parents will run before it."""
    found = (*causes, *(Cause(CauseKind.UPSTREAM_WILL_RUN, parent) for parent in stale_parents))
    kinds = {cause.kind for cause in found}
    if stage.frozen and not stage.is_data:
        found = (Cause(CauseKind.FROZEN), *(cause for cause in found if cause.kind is not CauseKind.UPSTREAM_WILL_RUN))
    return StageState(stage, _freshness(stage, kinds), found, _recorded_bytes(stage))


def _freshness(stage: Stage, kinds: set[CauseKind]) -> Freshness:
    if stage.frozen and not stage.is_data:
        return Freshness.NOT_PULLED if kinds and kinds <= RESTORABLE else Freshness.FROZEN
    if CauseKind.NEVER_RUN in kinds:
        return Freshness.NEVER_RUN
    if not kinds:
        return Freshness.FRESH
    if kinds == {CauseKind.NOT_CHECKED}:
        return Freshness.UNKNOWN
    if kinds <= RESTORABLE | {CauseKind.NOT_CHECKED}:
        return Freshness.NOT_PULLED
    return Freshness.STALE


def _recorded_bytes(stage: Stage) -> int | None:
    sizes = (
        [mark.size_bytes for mark in stage.locked.outputs.values() if mark.size_bytes is not None]
        if stage.locked
        else []
    )
    return sum(sizes) if sizes else None
