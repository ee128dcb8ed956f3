"""What a check says about one subject of a target: a problem, fine, or not known."""

from __future__ import annotations

from enum import StrEnum

from unipipe_tui.domain.records import AlertKind, Severity
from unipipe_tui.domain.values import frozen

__all__ = ["AlertKind", "Finding", "FindingState", "Severity"]


class FindingState(StrEnum):
    """What a check can say of a subject."""

    PROBLEM = "problem"
    """Opens the alert with its key, or renews it."""
    FINE = "fine"
    """Closes that alert."""
    UNKNOWN = "unknown"
    """Leaves it as it is: too few rows, or nothing that could be asked."""


@frozen
class Finding:
    """One sentence of a check, with what it was judged by.

    Its key is (kind, target, subject): there is at most one open alert for each.
    """

    kind: AlertKind
    target: str
    subject: str
    """The column, the SLO, the metric, the data set; empty: the whole target."""
    state: FindingState
    severity: Severity
    sentence: str
    evidence: str = "{}"
    """A snapshot of the check, as JSON."""
    command: str = ""
    """The next command to run."""
    runbook: str = ""
    """One line: what to look at first."""
    parts: tuple[str, ...] = ()
    """What the subject consists of, such as the columns that drifted: a new one lets an acknowledged alert ask again."""
