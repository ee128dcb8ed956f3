"""The figures of docs/monitoring/verdict.md: how often the classifier of all columns is falsely alarmed, and how long it takes.

    python benchmarks/verdict_figures.py [--seed 7]

Both sets of a window are drawn anew from the same distribution, six columns of numbers and texts, so that every alarm is false.
The same windows are judged by five folds whose chances are taken for independent. Prints the tables of the page.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time

import numpy as np
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from unipipe_tui.monitoring.drift import DEFAULT
from unipipe_tui.monitoring.rows import Column, Labels, Numbers
from unipipe_tui.monitoring.verdict.areas import area_of
from unipipe_tui.monitoring.verdict.classifier import LEAVES, TREES, tell_apart
from unipipe_tui.monitoring.verdict.multivariate import MOST_TIMES, judge_together
from unipipe_tui.monitoring.verdict.samples import SEED, Sample, Table, every, table_of

WINDOWS = ((300, 150), (1_000, 40))
"""Rows of a window, and how many are judged."""
REFERENCE_ROWS = 3_000
MANY_FOLDS = 5
SIZES = ((20_000, 2_000, 6), (20_000, 20_000, 20))
"""Rows of the reference and of the window, and columns."""
TIMES = 5
LOADED = "import time; begun = time.process_time(); import {}; print(time.process_time() - begun)"


def drawn_anew(chance: np.random.Generator, rows: int, columns: int) -> Sample:
    """Rows in which nothing ever drifts: two numbers that go together, one of them skewed, others alone, some texts."""
    first = chance.normal(size=rows)
    found: dict[str, Column] = {
        "skewed": Numbers(np.exp(first)),
        "usual": Numbers(0.8 * first + 0.6 * chance.normal(size=rows)),
    }
    for number in range(2, columns):
        if number % 3:
            found[f"number {number}"] = Numbers(chance.normal(size=rows))
        else:
            shares = np.array([0.5, 0.25, 0.15, 0.1])
            found[f"text {number}"] = Labels(("a", "b", "c", "d"), chance.choice(4, rows, p=shares))
    return Sample(rows, found)


def chance_by_many_folds(table: Table) -> float:
    """The p-value of more folds, each with the chance that a rank sum has, as if they were independent."""
    rows = np.vstack([table.reference, table.current])
    is_current = np.repeat([False, True], [len(table.reference), len(table.current)])
    steps = []
    for seen, unseen in StratifiedKFold(MANY_FOLDS, shuffle=True, random_state=SEED).split(rows, is_current):
        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            l2_regularization=1.0,
            early_stopping=False,
            categorical_features=list(table.categorical),
            random_state=SEED,
        ).fit(rows[seen], is_current[seen])
        scores = model.decision_function(rows[unseen])
        current, reference = scores[is_current[unseen]], scores[~is_current[unseen]]
        n, m = len(current), len(reference)
        steps.append((area_of(current, reference) - 0.5) / math.sqrt((n + m + 1) / (12 * n * m)))
    return float(norm.sf(sum(steps) / math.sqrt(MANY_FOLDS)))


def alarms(rows: int, windows: int, seed: int) -> str:
    """A line of the table of false alarms."""
    counts = [0, 0, 0, 0]
    for number in range(windows):
        chance = np.random.default_rng([seed, rows, number])
        reference, window = drawn_anew(chance, REFERENCE_ROWS, 6), drawn_anew(chance, rows, 6)
        table = table_of(every(reference, MOST_TIMES * rows), window)
        found = judge_together(reference, window)
        assert found.classifier is not None
        sure = (chance_by_many_folds(table), tell_apart(table, DEFAULT.significance).area.p_value)
        alarmed = (*(p_value <= DEFAULT.significance for p_value in sure), found.classifier.drifted, found.drifted)
        counts = [before + one for before, one in zip(counts, alarmed, strict=True)]
    return f"| {rows:,} | {windows:,} | {' | '.join(f'{count:,}' for count in counts)} |"


def seconds(reference_rows: int, rows: int, columns: int, seed: int) -> str:
    """A line of the table of seconds of one processor: what others do meanwhile does not count."""
    chance = np.random.default_rng(seed)
    reference, window = drawn_anew(chance, reference_rows, columns), drawn_anew(chance, rows, columns)
    taken = []
    with threadpool_limits(1):
        for _ in range(TIMES + 1):
            begun = time.process_time()
            judge_together(reference, window)
            taken.append(time.process_time() - begun)
    # A first run does not count.
    return f"| {rows:,} against {reference_rows:,} rows of {columns} columns | {statistics.median(taken[1:]):.1f} |"


def loading(module: str) -> float:
    """Seconds of the processor to import a module in a process that has not; median."""
    command = [sys.executable, "-c", LOADED.format(module)]
    taken = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(TIMES + 1)
    ]
    return statistics.median(taken[1:])


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    seed: int = parser.parse_args().seed
    print(
        "| rows | undrifted windows | p ≤ 0.01: five folds as if independent | two halves | classifier | either test |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for rows, windows in WINDOWS:
        print(alarms(rows, windows, seed), flush=True)
    print("\n| on one core | seconds of the processor |\n| --- | --- |")
    for size in SIZES:
        print(seconds(*size, seed), flush=True)
    print(f"| to load what it computes with | {loading('unipipe_tui.monitoring.verdict.multivariate'):.1f} |")


if __name__ == "__main__":
    main()
