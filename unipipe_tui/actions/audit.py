"""The audit: who did what, and whether the record is whole."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode
from unipipe_tui.domain.records import AuditEntry
from unipipe_tui.domain.values import frozen


@frozen
class ListAudit:
    """How much."""

    limit: Annotated[int, "How many of the newest entries.", Short("n")] = 50


@frozen
class AuditList:
    """The newest entries, oldest first."""

    entries: tuple[AuditEntry, ...]
    total: int


def list_audit(request: ListAudit, world: World) -> AuditList:
    """List what was done, by whom, and how it ended."""
    return AuditList(world.audit.entries(request.limit), world.audit.total())


@frozen
class VerifyAudit:
    """Nothing to say."""


@frozen
class AuditVerdict:
    """Whether the chain is whole."""

    whole: bool
    entries: int
    problem: str

    @property
    def exit_code(self) -> ExitCode:
        """A broken chain is a no."""
        return ExitCode.DONE if self.whole else ExitCode.CHECK_SAID_NO


def verify_audit(request: VerifyAudit, world: World) -> AuditVerdict:
    """Recompute the audit's hash chain: exit code 4 when an entry was changed, removed or put in between."""
    entries, problem = world.audit.verify()
    return AuditVerdict(not problem, entries, problem)


LIST = Look("audit list", ListAudit, list_audit, "unipipe audit list --limit 10")
VERIFY = Look("audit verify", VerifyAudit, verify_audit, "unipipe audit verify")
