"""The audit: who did what, and whether the record is whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.command_line import PROGRAM
from unipipe_tui.actions.request import Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.moments import moment_of
from unipipe_tui.domain.records import AuditEntry, broken_link
from unipipe_tui.domain.values import frozen


@frozen
class ListAudit:
    """Which, and how much."""

    limit: Annotated[int, "How many of the newest entries that fit.", Short("n")] = 50
    where: Annotated[str, "Only entries that have all these words, anywhere and whatever their case.", Short("w")] = ""
    actor: Annotated[str, "Only what this person or program did.", Names.ACTOR] = ""
    action: Annotated[
        str, "Only this capability, or those of a noun: `models promote`, `models`.", Names.CAPABILITY
    ] = ""
    since: Annotated[str, "Only what happened since then: 2026-11-21, 2026-11-21T09:30, or an age as 90m, 12h, 7d."] = (
        ""
    )


@frozen
class AuditList:
    """The newest entries that fit, oldest first."""

    entries: tuple[AuditEntry, ...]
    fitting: int
    """How many fit."""
    total: int
    """How many there are."""


def list_audit(request: ListAudit, world: World) -> AuditList:
    """List what was done, by whom, and how it ended."""
    if request.limit < 0:
        raise UsageError("--limit cannot be negative.")
    if not (request.where or request.actor or request.action or request.since):
        total = world.audit.total()
        return AuditList(world.audit.entries(request.limit), total, total)
    since = moment_of(request.since, world.now()) if request.since else None
    entries = world.audit.entries()
    fitting = tuple(entry for entry in entries if _fits(entry, request, since))
    return AuditList(fitting[max(0, len(fitting) - request.limit) :], len(fitting), len(entries))


def _fits(entry: AuditEntry, request: ListAudit, since: datetime | None) -> bool:
    if since and entry.at < since:
        return False
    if request.actor and entry.actor != request.actor:
        return False
    if request.action and not f"{entry.action} ".startswith(f"{request.action} "):
        return False
    # Every command line bears the program's name: it tells none from another.
    command = entry.command.removeprefix(f"{PROGRAM} ")
    told = (entry.actor, entry.action, command, entry.job, entry.outcome, entry.detail, entry.hash)
    text = "\n".join(told).casefold()
    return all(word in text for word in request.where.casefold().split())


@frozen
class VerifyAudit:
    """Nothing to say."""


@frozen
class AuditVerdict:
    """Whether the chain is whole."""

    whole: bool
    entries: int
    problem: str
    broken_from: int | None
    """The first entry that does not fit the chain; one more than there are when entries are missing at the end."""

    @property
    def exit_code(self) -> ExitCode:
        """A broken chain is a no."""
        return ExitCode.DONE if self.whole else ExitCode.CHECK_SAID_NO


def verify_audit(request: VerifyAudit, world: World) -> AuditVerdict:
    """Recompute the audit's hash chain: exit code 4 when an entry was changed, removed or put in between."""
    entries, problem = world.audit.verify()
    return AuditVerdict(not problem, entries, problem, _broken_from(world) if problem else None)


def _broken_from(world: World) -> int:
    entries = world.audit.entries()
    broken = broken_link(entries)
    return broken[0] if broken else len(entries) + 1


LIST = Look("audit list", ListAudit, list_audit, "unipipe audit list --action models --since 7d")
VERIFY = Look("audit verify", VerifyAudit, verify_audit, "unipipe audit verify")
