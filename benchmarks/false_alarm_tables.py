"""The tables of the study of false alarms, and the same figures one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from drift_judges import EVIDENTLY, EVIDENTLY_HALF, JUDGES, NANNYML, NANNYML_TEN, OURS, OurFigures
from false_alarm_sets import REAL
from false_alarm_study import SMALL, Outcome
from made_drifts import DRIFTS, UNSEEN_BY_PEERS, Drift
from numpy.typing import NDArray

PEERS = (EVIDENTLY, EVIDENTLY_HALF, NANNYML, NANNYML_TEN)
SEEN_BY_ALL = tuple(drift for drift in DRIFTS if drift.kind not in UNSEEN_BY_PEERS)
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
SIGNIFICANCES = (0.05, 0.01, 0.001)
EFFECTS = (0.0, 0.02, 0.03, 0.05, 0.08, 0.1)


def threshold_for(scores: NDArray[np.float64], detection: float) -> float:
    """The highest threshold that at least this share of the scores reaches."""
    count = math.ceil(detection * len(scores) - 1e-9)
    return math.inf if count < 1 else float(np.sort(scores)[::-1][count - 1])


def alarms_at(outcome: Outcome, judge: str, detection: float) -> float:
    """False alarms of a judge whose threshold was moved until it finds this share of the drifts."""
    return outcome.alarms(judge, threshold_for(outcome.scores(judge, SEEN_BY_ALL), detection))


def figures(outcomes: Sequence[Outcome], judges: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One by one: false alarms and detection as the judges come, and ours where it finds as much as they do."""
    for outcome in outcomes:
        for judge in judges:
            if not outcome.can(judge):
                continue
            detection = outcome.found(judge, SEEN_BY_ALL)
            yield {
                "figure": "false-alarms",
                "data": outcome.data,
                "reference_rows": outcome.reference_rows,
                "window_rows": outcome.rows,
                "columns": outcome.columns,
                "windows": outcome.windows,
                "judge": judge,
                "false_alarms": outcome.alarms(judge),
                "false_alarms_of_columns": outcome.column_alarms(judge),
                "detection": detection,
                "our_false_alarms_at_this_detection": alarms_at(outcome, OURS, detection),
                "its_false_alarms_at_our_detection": alarms_at(outcome, judge, outcome.found(OURS, SEEN_BY_ALL)),
                "by_drift": {
                    drift.name: outcome.found(judge, [drift]) for drift in DRIFTS if drift.name in outcome.drifted
                },
            }


def _sets(outcomes: Sequence[Outcome]) -> str:
    shown = {(one.data, one.reference_rows): one for one in outcomes}
    rows = ([_data(one)[0], f"{one.columns}", f"{one.reference_rows:,}"] for one in shown.values())
    return _table(["set", "columns", "reference rows"], iter(rows))


def markdown(outcomes: Sequence[Outcome], checks: Sequence[str]) -> str:
    """All tables, as they stand in the documentation."""
    large = [outcome for outcome in outcomes if outcome.reference_rows != SMALL]
    small = [outcome for outcome in outcomes if outcome.reference_rows == SMALL]
    parts = [
        "### Sets\n",
        _sets(large),
        "\n### In short\n",
        _in_short(large),
        "\n### False alarms of windows, as they come\n",
        _as_they_come(large, lambda outcome, judge: outcome.alarms(judge)),
        "\n### False alarms of columns, as they come\n",
        _as_they_come(large, lambda outcome, judge: outcome.column_alarms(judge)),
        "\n### Drifts found, as they come\n",
        _by_drift(large),
        "\n### Ours at the peers' detection\n",
        _ours_as_theirs(large),
        "\n### The peers at our detection\n",
        _theirs_as_ours(large),
        "\n### One threshold for windows of all lengths\n",
        _levels(large),
        "\n### A reference of 1,000 rows\n",
        _as_they_come(small, lambda outcome, judge: outcome.alarms(judge)),
        "\n",
        _ours_as_theirs(small),
        "\n",
        _theirs_as_ours(small),
        "\n### Other thresholds of ours\n",
        _grid(large),
        "\n### Checked\n",
        *(f"- {check}" for check in checks),
    ]
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float | None) -> str:
    return "-" if share is None or math.isnan(share) else f"{100 * share:.1f}"


def _data(outcome: Outcome) -> list[str]:
    name = outcome.data if outcome.data in REAL else f"{outcome.data} (made)"
    return [name, f"{outcome.rows:,}", f"{outcome.windows:,}"]


def _in_short(outcomes: Sequence[Outcome]) -> str:
    """Means over sets and lengths, and where ours raises fewer, as many and more false alarms at the peer's detection."""

    def rows() -> Iterator[Sequence[str]]:
        for peer in PEERS:
            able = [outcome for outcome in outcomes if outcome.can(peer)]
            found = [outcome.found(peer, SEEN_BY_ALL) for outcome in able]
            theirs = np.array([outcome.alarms(peer) for outcome in able])
            ours = np.array([alarms_at(outcome, OURS, share) for outcome, share in zip(able, found, strict=True)])
            counts = (int(np.sum(ours < theirs)), int(np.sum(ours == theirs)), int(np.sum(ours > theirs)))
            means = (float(np.mean(found)), float(np.mean(theirs)), float(np.mean(ours)))
            yield [peer, *map(_percent, means), " / ".join(map(str, counts))]

    head = ["peer", "drifts found", "its false alarms", "ours at this detection", "ours fewer / as many / more"]
    return _table(head, rows())


def _as_they_come(outcomes: Sequence[Outcome], figure: Callable[[Outcome, str], float]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for outcome in outcomes:
            shares = [figure(outcome, judge) if outcome.can(judge) else None for judge in JUDGES]
            yield [*_data(outcome), *map(_percent, shares)]

    return _table(["set", "rows", "windows", *JUDGES], rows())


def _by_drift(outcomes: Sequence[Outcome]) -> str:
    lengths = sorted({outcome.rows for outcome in outcomes})

    def rows() -> Iterator[Sequence[str]]:
        for drift in DRIFTS:
            shown = [outcome for outcome in outcomes if drift.name in outcome.drifted]
            windows = sum(len(outcome.drifted[drift.name][OURS]) for outcome in shown)
            if shown:
                yield [drift.name, f"{windows:,}", *(_by_length(shown, lengths, judge, drift) for judge in JUDGES)]

    told = " / ".join(f"{length:,}" for length in lengths)
    return f"Windows of {told} rows, mean of the sets.\n\n" + _table(["drift", "windows", *JUDGES], rows())


def _by_length(outcomes: Sequence[Outcome], lengths: Sequence[int], judge: str, drift: Drift) -> str:
    cells = []
    for length in lengths:
        able = [one for one in outcomes if one.rows == length and one.can(judge)]
        cells.append(f"{100 * np.mean([one.found(judge, [drift]) for one in able]):.0f}" if able else "-")
    return " / ".join(cells)


def _ours_as_theirs(outcomes: Sequence[Outcome]) -> str:
    """Each peer as it comes, and ours with its threshold moved until it finds at least as much."""

    def cell(outcome: Outcome, peer: str) -> str:
        if not outcome.can(peer):
            return "-"
        detection = outcome.found(peer, SEEN_BY_ALL)
        ours = alarms_at(outcome, OURS, detection)
        return f"{_percent(detection)}: {_percent(outcome.alarms(peer))} → {_percent(ours)}"

    rows = ([*_data(outcome)[:-1], *(cell(outcome, peer) for peer in PEERS)] for outcome in outcomes)
    return _table(["set", "rows", *PEERS], rows)


def _theirs_as_ours(outcomes: Sequence[Outcome]) -> str:
    """Ours as it comes, and each peer with its threshold moved until it finds at least as much."""

    def cells(outcome: Outcome) -> list[str]:
        detection = outcome.found(OURS, SEEN_BY_ALL)
        moved = (alarms_at(outcome, peer, detection) if outcome.can(peer) else None for peer in PEERS)
        return [_percent(detection), _percent(outcome.alarms(OURS)), *map(_percent, moved)]

    rows = ([*_data(outcome)[:-1], *cells(outcome)] for outcome in outcomes)
    return _table(["set", "rows", "found", OURS, *PEERS], rows)


def _levels(outcomes: Sequence[Outcome]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for data in dict.fromkeys(outcome.data for outcome in outcomes):
            of_data = [outcome for outcome in outcomes if outcome.data == data]
            for judge in JUDGES:
                able = [outcome for outcome in of_data if outcome.can(judge)]
                scores = np.concatenate([outcome.scores(judge, SEEN_BY_ALL) for outcome in able])
                thresholds = [threshold_for(scores, level) for level in LEVELS]
                shares = [np.mean([one.alarms(judge, threshold) for one in able]) for threshold in thresholds]
                yield [data, judge, *(_percent(float(share)) for share in shares)]

    return _table(["set", "judge", *(f"{level:.0%} found" for level in LEVELS)], rows())


def _grid(outcomes: Sequence[Outcome]) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for significance in SIGNIFICANCES:
            for effect in EFFECTS:
                alarms = [
                    np.mean([_any(one, significance, effect) for one in outcome.our_clean]) for outcome in outcomes
                ]
                found = [
                    np.mean(
                        [
                            _any(one, significance, effect)
                            for drift in SEEN_BY_ALL
                            for one in outcome.our_drifted.get(drift.name, [])
                        ]
                    )
                    for outcome in outcomes
                ]
                by_rows = [
                    float(
                        np.mean([share for share, outcome in zip(found, outcomes, strict=True) if outcome.rows == rows])
                    )
                    for rows in sorted({outcome.rows for outcome in outcomes})
                ]
                yield [
                    f"{significance:g}",
                    f"{effect:g}",
                    _percent(float(np.mean(alarms))),
                    _percent(float(np.max(alarms))),
                    *map(_percent, by_rows),
                ]

    lengths = sorted({outcome.rows for outcome in outcomes})
    head = [
        "significance",
        "effect",
        "false alarms",
        "the most of a set and length",
        *(f"found in {rows:,}" for rows in lengths),
    ]
    return _table(head, rows())


def _any(columns: Sequence[OurFigures], significance: float, effect: float) -> bool:
    return any(column.drifted(significance, effect) for column in columns)
