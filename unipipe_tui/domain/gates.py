"""Gates: what a version must show before it may become champion, judged from figures on one holdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unipipe_tui.domain.records import GateResult
from unipipe_tui.domain.values import frozen


@frozen
class Figures:
    """One version's metrics on one slice of the holdout."""

    rows: int
    metrics: Mapping[str, float | None]


@frozen
class Gate:
    """One check: an absolute floor, a comparison with the champion, or both; overall or for every slice of a column."""

    metric: str
    at_least: float | None
    beats_champion_within: float | None
    """How much worse than the champion is still allowed; None: no comparison."""
    by: str | None
    minimum_rows: int

    @property
    def sentence(self) -> str:
        """All that the gate asks."""
        floor = [] if self.at_least is None else [f"at least {self.at_least!r}"]
        within = self.beats_champion_within
        compared = [] if within is None else [f"at most {within!r} below the champion"]
        where = f" in every {self.by} of {self.minimum_rows} rows or more" if self.by else ""
        return f"{self.metric} {' and '.join(floor + compared)}{where}"


def judge(
    gates: Sequence[Gate],
    candidate: Mapping[str, Mapping[str, Figures]],
    champion: Mapping[str, Mapping[str, Figures]] | None,
) -> tuple[GateResult, ...]:
    """Judge a candidate, slice by slice.

    Both arguments map a slicing column (empty: the whole holdout) to its slices (empty: all rows) and their figures;
    `champion` is None when there is none to compare with, and then comparisons pass.
    """
    results: list[GateResult] = []
    for gate in gates:
        column = gate.by or ""
        for name, figures in candidate.get(column, {}).items():
            if figures.rows >= gate.minimum_rows or not gate.by:
                other = champion.get(column, {}).get(name) if champion else None
                results += _judged(gate, name, figures, other)
    return tuple(results)


def _judged(gate: Gate, slice_name: str, figures: Figures, champion: Figures | None) -> list[GateResult]:
    value = figures.metrics.get(gate.metric)
    rival = champion.metrics.get(gate.metric) if champion else None
    results = []
    if gate.at_least is not None:
        passed = value is not None and value >= gate.at_least
        results.append(GateResult(gate.metric, passed, value, f">= {gate.at_least:g}", slice_name, rival))
    if gate.beats_champion_within is not None:
        results.append(_compared(gate.metric, gate.beats_champion_within, value, rival, slice_name))
    return results


def _compared(metric: str, tolerance: float, value: float | None, rival: float | None, name: str) -> GateResult:
    if rival is None:
        return GateResult(metric, True, value, "no champion to compare with", name, None)
    floor = rival - tolerance
    passed = value is not None and value >= floor
    return GateResult(metric, passed, value, f">= {floor:.4f} (champion {rival:.4f} - {tolerance:g})", name, rival)
