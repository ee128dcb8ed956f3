"""How far a run of some stages goes, and which stages it would execute, told before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from unipipe_tui.domain.freshness import Cause, CauseKind, PipelineState, judge
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.values import frozen


class Reach(StrEnum):
    """Which stages a run looks at, given those that were named."""

    NEEDED = "needed"
    """Them and everything that they need."""
    ONLY = "only"
    """Them and no others."""
    DOWNSTREAM = "downstream"
    """Them and everything that needs them; not what they need."""


@frozen
class DueStage:
    """A stage that a run would execute, and why."""

    address: str
    command: tuple[str, ...]
    causes: tuple[Cause, ...]
    forced: bool

    @property
    def may_be_spared(self) -> bool:
        """Whether it runs only if the stages before it write something new."""
        return not self.forced and all(cause.kind is CauseKind.UPSTREAM_WILL_RUN for cause in self.causes)

    @property
    def sentence(self) -> str:
        """The stage and the reason, as a line of a plan."""
        if self.forced:
            return f"{self.address}: forced"
        if self.may_be_spared:
            before = ", ".join(dict.fromkeys(cause.subject for cause in self.causes))
            return f"{self.address}: if {before} writes something new"
        own = [cause for cause in self.causes if cause.kind is not CauseKind.UPSTREAM_WILL_RUN]
        more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
        return f"{self.address}: {own[0].sentence}{more}"


def chosen_addresses(pipeline: Pipeline, named: Sequence[str]) -> tuple[str, ...]:
    """The stages that names mean, in the order they are declared: a template's name means all that it generated."""
    wanted = set(named)
    return tuple(s.address for s in pipeline.stages if s.address in wanted or (s.template and s.template in wanted))


def within_reach(pipeline: Pipeline, named: Sequence[str], reach: Reach) -> tuple[str, ...]:
    """The stages that a run looks at, in running order; all when none is named."""
    if not named:
        return pipeline.order()
    chosen = chosen_addresses(pipeline, named)
    found = set(chosen)
    if reach is not Reach.ONLY:
        further = pipeline.upstream if reach is Reach.NEEDED else pipeline.downstream
        for address in chosen:
            found.update(further(address))
    return tuple(address for address in pipeline.order() if address in found)


def due_stages(
    pipeline: Pipeline, state: PipelineState, named: Sequence[str], reach: Reach, *, force: bool = False
) -> tuple[DueStage, ...]:
    """The stages that the run would execute, in order, as far as that can be known before it begins.

    A stage that waits for one outside the reach is judged by what lies in the workspace now.
    """
    due: dict[str, DueStage] = {}
    for address in within_reach(pipeline, named, reach):
        stage = pipeline.by_address[address]
        if not stage.command or stage.frozen:
            continue
        before = [parent for parent in pipeline.parents(address) if parent in due]
        judged = judge(stage, _own(state.of(address).causes), before)
        if force or judged.will_run:
            due[address] = DueStage(address, stage.command, judged.causes, force)
    return tuple(due.values())


def missing_inputs(pipeline: Pipeline, state: PipelineState, named: Sequence[str], reach: Reach) -> tuple[str, ...]:
    """Stages outside the reach whose outputs the run reads and that are not up to date: it takes what they left."""
    inside = within_reach(pipeline, named, reach)
    known = set(inside)
    waiting = (parent for address in inside for parent in pipeline.parents(address) if parent not in known)
    return tuple(dict.fromkeys(parent for parent in waiting if state.of(parent).will_run))


def _own(causes: Iterable[Cause]) -> Iterable[Cause]:
    return (cause for cause in causes if cause.kind is not CauseKind.UPSTREAM_WILL_RUN)
