"""Rejecting a version: nothing may be promoted to what somebody found unfit, until that is taken back."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Done
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION, REJECTED_TAG, REJECTED_WHY_TAG, Rejection, rejection_of
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Undo, UndoKind
from unipipe_tui.domain.runs.tags import check_tag_value
from unipipe_tui.domain.tracking import ModelVersion
from unipipe_tui.domain.values import frozen


@frozen
class RejectModel:
    """Which version, and why."""

    model: Annotated[str, OBJECT, "Registered model.", Names.MODEL]
    version: Annotated[int, OBJECT, "Version to reject.", Names.VERSION]
    reason: Annotated[str, "Why it must not be promoted; kept with the version and in the audit.", Short("r")] = ""
    undo: Annotated[bool, "Take the rejection back."] = False


@frozen
class Verdict:
    """What was decided: the version's rejection as it is now and as it will be."""

    model: str
    version: int
    before: Rejection | None
    """Applying refuses when that is no longer so."""
    after: Rejection | None


@frozen
class Judged:
    """A version that is rejected now, or no longer."""

    model: str
    version: int
    rejection: Rejection | None


def plan_rejection(request: RejectModel, world: World) -> Plan[Verdict]:
    """Mark a version as unfit, with who says so and why, in tags of the registry: promotions to it are refused from then on.

    --undo takes that back. The version that serves as champion cannot be rejected: roll back first.
    """
    version = world.tracking.version(request.model, request.version)
    before = rejection_of(version.tags)
    if request.undo:
        if before is None:
            raise UsageError(f"{_named(version)} is not rejected.")
        return plan_verdict(version, None)
    if before is not None:
        raise UsageError(f"{_named(version)} was rejected by {before.by} already: {before.reason}.")
    if not request.reason.strip():
        raise UsageError("Say why it is rejected.", hint="--reason 'recall fell in region gulf'")
    if CHAMPION in version.aliases:
        raise UsageError(
            f"{_named(version)} is the champion.", hint=f"Roll back first: unipipe models rollback {version.model}"
        )
    reason = check_tag_value(request.reason.strip(), "reason")
    return plan_verdict(version, Rejection(world.actor, reason))


def plan_verdict(version: ModelVersion, after: Rejection | None) -> Plan[Verdict]:
    """Decide what rejecting a version, or taking that back, entails."""
    tags = f"{REJECTED_TAG}, {REJECTED_WHY_TAG}"
    if after is None:
        title, change = f"Accept {_named(version)} again", f"{_named(version)}: no tags {tags}"
    else:
        title, change = f"Reject {_named(version)}", f"{_named(version)}: tags {tags}: {after.by}, {after.reason}"
    effects = (plans.registry(change), plans.store("audit entry"))
    named = ", ".join(version.aliases)
    warnings = (f"it stays {named}; promotions to it are refused",) if after and named else ()
    decided = Verdict(version.model, version.version, rejection_of(version.tags), after)
    return Plan(title, effects, "unipipe undo", decided, warnings)


def write_verdict(plan: Plan[Verdict], world: World, progress: Progress) -> Done[Judged]:
    """Reject a version, or take that back.

    Raises:
        Refused: somebody else did so since the plan was made.
    """
    verdict = plan.decided
    model, version, after = verdict.model, verdict.version, verdict.after
    with step(progress, "open the registry", 1, 2):
        registry = world.open_registry()
    with step(progress, "write the verdict", 2, 2):
        if rejection_of(world.tracking.version(model, version).tags) != verdict.before:
            raise _moved(model, version)
        if after is None:
            registry.delete_version_tag(model, version, REJECTED_TAG)
            registry.delete_version_tag(model, version, REJECTED_WHY_TAG)
        else:
            registry.set_version_tag(model, version, REJECTED_WHY_TAG, after.reason)
            registry.set_version_tag(model, version, REJECTED_TAG, after.by)
    return Done(Judged(model, version, after), _way_back(verdict), detail=plan.effects[0].text)


def _way_back(verdict: Verdict) -> Undo:
    kind = UndoKind.VERSION_REJECTED if verdict.after else UndoKind.VERSION_ACCEPTED
    told = verdict.after or verdict.before
    return Undo(
        kind,
        verdict.model,
        after=verdict.version,
        reason=told.reason if told else "",
        text_before=verdict.before.by if verdict.before else None,
        text_after=verdict.after.by if verdict.after else None,
    )


def plan_verdict_back(undo: Undo, world: World) -> Plan[Verdict]:
    """Decide how a rejection is taken back, or stands again.

    Raises:
        Refused: somebody rejected or accepted the version since.
    """
    version = world.tracking.version(undo.subject, undo.after or 0)
    now = rejection_of(version.tags)
    if now != _rejection(undo.text_after, undo.reason):
        raise _moved(version.model, version.version)
    return plan_verdict(version, _rejection(undo.text_before, undo.reason))


def _rejection(by: str | None, reason: str) -> Rejection | None:
    return None if by is None else Rejection(by, reason)


def _moved(model: str, version: int) -> Refused:
    return Refused(
        f"Somebody rejected {model} version {version}, or took that back, meanwhile.",
        hint=f"Look at it again: unipipe models show {model}",
    )


def _named(version: ModelVersion) -> str:
    return f"{version.model} version {version.version}"


REJECT = Change(
    "models reject",
    RejectModel,
    plan_rejection,
    write_verdict,
    "unipipe models reject fraud-detector 2 --reason 'recall fell in region gulf' --yes",
)
