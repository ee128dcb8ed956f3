"""Percentiles of many minutes together: their histograms are added, never their percentiles."""

from __future__ import annotations

from collections.abc import Iterable

from unipipe_tui.domain.operations import GROWTH, LOWEST_MS, PERCENTILE_WITHIN, Latency, Percentiles, merged

SHARES = (0.5, 0.95, 0.99)
METHOD = (
    f"nearest rank in a histogram from {LOWEST_MS:g} ms, each bucket {100 * (GROWTH - 1):.0f} % wider than the one before: "
    f"within {100 * PERCENTILE_WITHIN:.1f} %"
)


def percentiles(latencies: Iterable[Latency]) -> Percentiles:
    """p50, p95 and p99 of all of them together."""
    whole = merged(latencies)
    return Percentiles(whole.total, *(whole.percentile(share) for share in SHARES))
