"""Values to put into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import AuditEntry
from unipipe_tui.store.audit import Audit

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def job(job_id: str, minute: int = 0, message: str = "") -> Job:
    """A job that began some minutes after noon."""
    return Job(
        id=job_id,
        action="pipeline run",
        command="unipipe pipeline run",
        actor="ada",
        state=JobState.RUNNING,
        started=NOON + timedelta(minutes=minute),
        pid=4711,
        pid_started=1700000000.25,
        message=message,
    )


def appended(audit: Audit, detail: str, at: datetime = NOON) -> AuditEntry:
    """One more entry in the audit."""
    return audit.append(
        at=at, actor="ada", action="models promote", command="unipipe …", job="j", outcome="done", detail=detail
    )
