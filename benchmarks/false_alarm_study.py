"""Measures one data set of the study of false alarms: windows without and with a drift, shown to all judges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from drift_judges import (
    EVIDENTLY,
    EVIDENTLY_HALF,
    JUDGES,
    NANNYML,
    NANNYML_TEN,
    OURS,
    OurFigures,
    Reference,
    default_threshold,
    evidently_score,
    half_of,
    learn,
    nannyml_scores,
    our_figures,
    profile_of,
)
from false_alarm_sets import SETS, Columns, rows_of, taken, written
from made_drifts import DRIFTS, Drift, Touched, columns_for
from numpy.typing import NDArray

from unipipe_tui.monitoring.drift import check_drift
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files

LARGE, SMALL = 50_000, 1_000
"""Rows of a reference, at most: never more than half of the set."""
SIZES = {LARGE: (200, 500, 1_000, 5_000), SMALL: (200, 500, 1_000)}
CLEAN_A_ROUND = 10
DRIFTED_A_ROUND = 2
SHOWN_ROWS = 500
SHOWN_TO_LIBRARIES = (
    "mean moved by 0.3 σ",
    "spread times 1.5",
    "share moved by 10%",
    "new value: 5%",
    "all columns by 0.1 σ or 5%",
    "missing: 10%",
)


@dataclass(frozen=True)
class Task:
    """A data set and a length of its reference."""

    data: str
    reference_rows: int
    rounds: int
    seed: int
    folder: Path


@dataclass
class Outcome:
    """What the judges made of all windows of one length."""

    data: str
    reference_rows: int
    rows: int
    columns: int
    clean: dict[str, list[Any]] = field(default_factory=lambda: {judge: [] for judge in JUDGES})
    """By judge: of every window without drift the scores of all columns (of the whole, where that is judged)."""
    drifted: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By drift and judge: of every such window the best score of a changed column (or of the whole)."""
    our_clean: list[list[OurFigures]] = field(default_factory=list)
    """Of every window without drift, all columns."""
    our_drifted: dict[str, list[list[OurFigures]]] = field(default_factory=dict)
    """By drift: of every such window the changed columns."""

    @property
    def windows(self) -> int:
        """How many had no drift."""
        return len(self.clean[OURS])

    def alarms(self, judge: str, threshold: float | None = None) -> float:
        """Share of the windows without drift in which any column reaches the threshold, the default if none is given."""
        return float(np.mean(self._reached(judge, threshold).any(axis=1)))

    def column_alarms(self, judge: str) -> float:
        """The same as a share of the columns."""
        return float(np.mean(self._reached(judge, None)))

    def _reached(self, judge: str, threshold: float | None) -> NDArray[np.bool_]:
        if threshold is None:
            threshold = default_threshold(judge, self.reference_rows)
        return np.array(self.clean[judge]) >= threshold

    def scores(self, judge: str, drifts: Sequence[Drift]) -> NDArray[np.float64]:
        """The scores of all windows with one of these drifts."""
        shown = [self.drifted[drift.name][judge] for drift in drifts if drift.name in self.drifted]
        return np.array([score for scores in shown for score in scores])

    def found(self, judge: str, drifts: Sequence[Drift], threshold: float | None = None) -> float:
        """Share of those windows in which a changed column reaches the threshold."""
        if threshold is None:
            threshold = default_threshold(judge, self.reference_rows)
        return float(np.mean(self.scores(judge, drifts) >= threshold))

    def can(self, judge: str) -> bool:
        """Whether the judge has a threshold at all: chunks like the window need a reference longer than it."""
        return not np.isnan(np.array(self.clean[judge])).all()


@dataclass(frozen=True)
class Case:
    """One window written down, with the verdicts that were found in numbers."""

    reference: str
    window: str
    rows: int
    verdicts: Mapping[str, Mapping[str, bool]]
    """By judge and column; of a judge of the whole with one column without a name."""


@dataclass(frozen=True)
class Studied:
    """What came of a task."""

    outcomes: tuple[Outcome, ...]
    cases: tuple[Case, ...]
    profiled: int
    """Windows that were also profiled from a file, as users' windows are."""
    profiled_alike: int
    """Of these: with the same figures and verdicts."""


def study(task: Task) -> Studied | None:
    """Judge many windows; None when the data set is not there."""
    columns = SETS[task.data]()
    if columns is None:
        return None
    task.folder.mkdir(parents=True)
    length = min(task.reference_rows, rows_of(columns) // 2)
    sizes = [rows for rows in SIZES[task.reference_rows] if rows <= rows_of(columns) - length]
    outcomes = {rows: Outcome(task.data, length, rows, len(columns)) for rows in sizes}
    cases: list[Case] = []
    alike: list[bool] = []
    for number in range(task.rounds):
        generator = np.random.default_rng([task.seed, list(SETS).index(task.data), length, number])
        order = generator.permutation(rows_of(columns))
        folder = task.folder / ("shown" if number == 0 else "later")
        folder.mkdir(exist_ok=True)
        reference = learn(taken(columns, order[:length]), folder)
        for rows, outcome in outcomes.items():
            rest = order[length:]
            count = min(CLEAN_A_ROUND, len(rest) // rows)
            windows = [taken(columns, rest[at * rows : (at + 1) * rows]) for at in range(count)]
            for window, drift, judged in _judged(generator, reference, windows, number, outcome):
                if number == 0 and (drift is None or (drift.name in SHOWN_TO_LIBRARIES and rows == SHOWN_ROWS)):
                    case = _case(folder, reference, window, judged, len(cases))
                    cases.append(case)
                    alike.append(_profiled_alike(reference, case))
    return Studied(tuple(outcomes.values()), tuple(cases), len(alike), sum(alike))


# --- judging ---------------------------------------------------------------------------------------------------------


@dataclass
class Judged:
    """One window: by judge the scores of its columns (that of the whole has no column's name), and what ours rest on."""

    scores: dict[str, dict[str, float]]
    ours: dict[str, OurFigures]


def _judged(
    generator: np.random.Generator, reference: Reference, windows: Sequence[Columns], number: int, outcome: Outcome
) -> Iterator[tuple[Columns, Drift | None, Judged]]:
    """Judge all windows as they are, and some of them changed; the first of each kind are told."""
    clean = [judge(reference, window) for window in windows]
    for judged in clean:
        for name in JUDGES:
            outcome.clean[name].append(list(judged.scores[name].values()))
        outcome.our_clean.append(list(judged.ours.values()))
    yield windows[0], None, clean[0]
    for drift in DRIFTS:
        possible = columns_for(drift, reference.columns)
        chosen = generator.permutation(len(windows))[:DRIFTED_A_ROUND] if possible else []
        for turn, at in enumerate(chosen):
            touched = (
                possible
                if drift.touched is Touched.ALL
                else (possible[(number * DRIFTED_A_ROUND + turn) % len(possible)],)
            )
            window = dict(windows[at])
            for name in touched:
                window[name] = drift.change(generator, window[name], reference.columns[name])
            judged = judge(reference, window, touched, clean[at])
            by = outcome.drifted.setdefault(drift.name, {name: [] for name in JUDGES})
            for name in JUDGES:
                told = judged.scores[name]
                by[name].append(max(told.get(column, -math.inf) for column in (*touched, "")))
            outcome.our_drifted.setdefault(drift.name, []).append([judged.ours[column] for column in touched])
            if turn == 0:
                yield window, drift, judged


def judge(reference: Reference, window: Columns, touched: Sequence[str] = (), before: Judged | None = None) -> Judged:
    """All judges' scores; of a window that was judged `before`, only columns that were touched are looked at again."""
    ours = our_figures(reference.profile, profile_of(window, reference.profile))
    scores = {OURS: {name: figures.score for name, figures in ours.items()}}
    for name in (EVIDENTLY, NANNYML, NANNYML_TEN):
        scores[name] = dict(before.scores[name]) if before else {}
    for column in touched or window:
        scores[EVIDENTLY][column] = evidently_score(reference, column, window[column])
        scores[NANNYML][column], scores[NANNYML_TEN][column] = nannyml_scores(reference, column, window[column])
    scores[EVIDENTLY_HALF] = {"": half_of(scores[EVIDENTLY])}
    return Judged(scores, ours)


# --- what is checked -------------------------------------------------------------------------------------------------


def _case(folder: Path, reference: Reference, window: Columns, judged: Judged, number: int) -> Case:
    path = written(window, folder / f"window-{number}.parquet")
    verdicts = {
        name: {
            column: bool(score >= default_threshold(name, reference.rows))
            for column, score in judged.scores[name].items()
            if not math.isnan(score)
        }
        for name in JUDGES
    }
    return Case(str(folder / "reference.parquet"), str(path), rows_of(window), verdicts)


def _profiled_alike(reference: Reference, case: Case) -> bool:
    """Whether the window read from its file, by the code that reads users' windows, has the same verdicts."""
    report = check_drift(reference.profile, profile(Files((case.window,)), like=reference.profile))
    return {one.column: one.drifted for one in report.columns} == dict(case.verdicts[OURS])
