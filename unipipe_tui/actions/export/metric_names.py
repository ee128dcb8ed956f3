"""What the model server calls its metrics, as others read them; a test holds them to the server's own."""

from __future__ import annotations

REQUESTS = "unipipe_requests_total"
SECONDS = "unipipe_request_seconds"
IN_FLIGHT = "unipipe_in_flight"
SCORES = "unipipe_prediction_score"
DECISIONS = "unipipe_decisions_total"
FEEDBACK = "unipipe_feedback_total"
SHADOW_DROPPED = "unipipe_shadow_dropped_total"
ROWS_BEHIND = "unipipe_log_rows_behind"
SECONDS_LIMITS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Up to which times requests are counted, in seconds."""
MOST_ROWS_WAITING = 20_000
"""Rows that the server keeps for its log before it turns requests away."""
FAILED = 'status=~"5.."'
TARGET = "target"
"""The label that tells targets apart. No server knows the name of its target: Prometheus gives it when it scrapes."""


def selected(metric: str, *conditions: str) -> str:
    """A metric with conditions on its labels."""
    return f"{metric}{{{','.join(conditions)}}}" if conditions else metric


def of_target(target: str) -> str:
    """The condition that picks a target."""
    return f'{TARGET}="{target}"'


def nearest_limit(seconds: float) -> float:
    """The limit of the server's histogram that comes nearest: only there it counts exactly."""
    return min(SECONDS_LIMITS, key=lambda limit: abs(limit - seconds))
