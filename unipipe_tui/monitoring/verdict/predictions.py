"""Whether a version answers otherwise than before, by the verdict on columns: its score and its decision are the columns."""

from __future__ import annotations

from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.drift import DEFAULT, check_drift
from unipipe_tui.monitoring.verdict.results import PredictionDrift

SCORE = "score"
ANSWERS = (SCORE, "decision")
OWN = "its own first answers"


def check_answers(version: int, reference: Profile, current: Profile, against: str = OWN) -> PredictionDrift:
    """Compare the latest answers of a version with what they are held against; p-values are adjusted over both columns."""
    report = check_drift(reference, current)
    judged = min(reference.rows, current.rows) >= DEFAULT.minimum_rows
    moved = [column for column in report.columns if column.drifted]
    if not judged:
        found = f"too few answers to judge, {min(reference.rows, current.rows):,} of at least {DEFAULT.minimum_rows:,}"
    else:
        found = "; ".join(f"{column.column} moved: {column.reason.rstrip('.')}" for column in moved) or "no drift"
    rows = f"{current.rows:,} answers against {reference.rows:,}"
    return PredictionDrift(
        version=version,
        against=against,
        judged=judged,
        drifted=report.drifted,
        sentence=f"Answers of version {version} against {against} ({rows}): {found}.",
        columns=report.columns,
        reference_rows=report.reference_rows,
        current_rows=report.current_rows,
        method=report.method,
    )
