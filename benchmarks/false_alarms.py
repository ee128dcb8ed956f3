"""False alarms of drift and drifts found: our default verdict beside the defaults of Evidently 0.7 and NannyML 0.13.

    python benchmarks/false_alarms.py [--rounds 24] [--seed 7] [--data NAME] [--markdown]
        [--evidently PYTHON] [--nannyml PYTHON]

Rows of a data set are put in any order, many times over: some are the reference, the rest makes disjoint windows, in which
nothing drifted, and in some of which a drift of known strength is made. PYTHON is that of an environment with the library: on a
sample of the windows its verdicts are compared with those found here. Sets that lie in NannyML's wheel are left out unless
UNIPIPE_NANNYML_DATA names its folder. One JSON line a figure, or the tables of docs/monitoring/false-alarms.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drift_judges import EVIDENTLY, EVIDENTLY_HALF, JUDGES, NANNYML, NANNYML_TEN
from false_alarm_sets import SETS, WHEEL
from false_alarm_study import LARGE, SMALL, Case, Outcome, Studied, Task, study
from false_alarm_tables import figures, markdown

ROUNDS, SEED, WORKERS = 24, 7, 2
FEWER_WITH_SMALL_REFERENCE = 2
ANSWERS = Path(__file__).parent / "peers" / "judge_windows.py"
OF_LIBRARY = {"evidently": (EVIDENTLY, EVIDENTLY_HALF), "nannyml": (NANNYML, NANNYML_TEN)}


def studied(asked: argparse.Namespace, folder: Path) -> list[Studied]:
    """All data sets, with a long and a short reference, the longest work first."""
    tasks = [
        Task(data, length, rounds, asked.seed, folder / f"{data}-{length}")
        for length, rounds in ((LARGE, asked.rounds), (SMALL, max(1, asked.rounds // FEWER_WITH_SMALL_REFERENCE)))
        for data in asked.data or SETS
    ]
    with ProcessPoolExecutor(WORKERS) as pool:
        return [found for found in pool.map(study, tasks) if found is not None]


def compared(library: str, python: Path, cases: Sequence[Case], folder: Path) -> tuple[str, list[str]]:
    """A sentence on how many verdicts of the library itself are those found here, and where they differ."""
    written = folder / f"{library}.json"
    written.write_text(json.dumps([asdict(case) for case in cases]))
    done = subprocess.run([python, ANSWERS, library, written], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{library} gave up: {done.stderr[-2000:]}")
    answers = json.loads(done.stdout.strip().splitlines()[-1])
    pairs = list(_pairs(library, cases, answers))
    apart = [where for where, ours, theirs in pairs if ours != theirs]
    drifted = sum(theirs for _, _, theirs in pairs)
    same = f"{len(pairs) - len(apart):,} of {len(pairs):,} verdicts on {len(cases)} windows are the same"
    return f"{library}: {same} ({drifted:,} of the library's are drift)", apart


def _pairs(library: str, cases: Sequence[Case], answers: Sequence[Any]) -> Iterator[tuple[str, bool, bool]]:
    for case, answer in zip(cases, answers, strict=True):
        for judge in OF_LIBRARY[library]:
            theirs: Mapping[str, bool] = answer.get(judge, {})
            ours = case.verdicts[judge]
            if set(theirs) != set(ours):
                raise SystemExit(f"{library} judged other columns: {set(theirs) ^ set(ours)} in {case.window}")
            for column, verdict in theirs.items():
                yield f"{judge}: {column} in {case.window}", ours[column], verdict


def main() -> None:
    """Measure, compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--data", action="append", choices=list(SETS), help="only this set; repeatable")
    parser.add_argument("--evidently", type=Path, help="a Python that has Evidently 0.7")
    parser.add_argument("--nannyml", type=Path, help="a Python that has NannyML 0.13")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    begun = time.perf_counter()
    if not Path(os.environ.get(WHEEL, "/nowhere")).is_dir():
        print(f"{WHEEL} names no folder: only the sets outside the wheel of NannyML are measured.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="unipipe-false-alarms-") as name:
        found = studied(asked, Path(name))
        cases = [case for one in found for case in one.cases]
        libraries = [(library, path) for library in OF_LIBRARY if (path := getattr(asked, library)) is not None]
        with ProcessPoolExecutor(WORKERS) as pool:
            answers = [pool.submit(compared, library, path, cases, Path(name)) for library, path in libraries]
            told = [answer.result() for answer in answers]
    outcomes: list[Outcome] = [outcome for one in found for outcome in one.outcomes]
    profiled, alike = sum(one.profiled for one in found), sum(one.profiled_alike for one in found)
    checks = [f"ours: {alike} of {profiled} windows have the same verdicts when they are profiled from a file"]
    checks += [sentence for sentence, _ in told]
    for _, apart in told:
        print("\n".join(apart), file=sys.stderr)
    print(f"{time.perf_counter() - begun:.0f} s", file=sys.stderr)
    if asked.markdown:
        print(markdown(outcomes, checks))
    else:
        print("\n".join(json.dumps(line) for line in [*figures(outcomes, JUDGES), {"checks": checks}]))


if __name__ == "__main__":
    main()
