"""How soon detectors see a switch of concept in a stream of errors, and how often they see one that is not there.

    python benchmarks/concept_drift.py [--seeds 200] [--markdown]

STAGGER (Schlimmer and Granger, 1986): three features of three values each and three concepts. A decision tree learns one
and is frozen; a stream of 2,000 of that concept is followed by one of 2,000 of another. Wanted: seen within 150 samples of it,
with no alarm before it. Label noise makes it harder than that; streams without a switch, and with a small one, tell the rest.
One JSON line a figure, or the tables of docs/monitoring/performance.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from river.drift.binary import DDM
from sklearn.tree import DecisionTreeClassifier

from unipipe_tui.monitoring.quality.detectors import DETECTORS, DetectorChoice, changes_in
from unipipe_tui.monitoring.quality.results import DetectorName

SEEDS = 200
SAMPLES = 2000
LEARNT_FROM = 500
WANTED_WITHIN = 150
LONG = 20_000
NOISES = (0.0, 0.05, 0.1, 0.2)
STEPS = ((0.02, 0.05), (0.05, 0.1), (0.05, 0.2), (0.2, 0.3))
SLOW = {DetectorName.KSWIN: 20}
"""How many times fewer seeds a slow detector is shown."""

DDM_AS_IT_COMES = DetectorChoice(DetectorName.DDM, "own defaults", DDM)
"""From 30 rows, drift at 3 deviations: why ours are others."""

Samples = NDArray[np.int64]
Concept = Callable[[Samples], NDArray[np.bool_]]
SIZE, COLOUR, SHAPE = 0, 1, 2
CONCEPTS: tuple[Concept, ...] = (
    lambda x: (x[:, SIZE] == 0) & (x[:, COLOUR] == 0),
    lambda x: (x[:, COLOUR] == 1) | (x[:, SHAPE] == 1),
    lambda x: (x[:, SIZE] == 1) | (x[:, SIZE] == 2),
)
"""Small and red; green or round; medium or large."""


@dataclass(frozen=True)
class Detected:
    """What a detector made of many streams."""

    streams: str
    detector: str
    parameters: str
    seeds: int
    false_alarms: float
    """Share of the streams with an alarm before the switch."""
    missed: float
    """Share in which the switch was not seen within its 2,000 samples."""
    median_delay: float | None
    p95_delay: float | None
    longest_delay: float | None


def stagger_errors(seed: int, before: int, after: int, noise: float = 0.0, samples: int = SAMPLES) -> list[bool]:
    """The errors of a tree that learnt one concept, over a stream of it and then one of another."""
    generator = np.random.default_rng([seed, before, after, int(noise * 1000)])
    learnt = generator.integers(0, 3, (LEARNT_FROM, 3))
    tree = DecisionTreeClassifier(random_state=0).fit(learnt, CONCEPTS[before](learnt))
    errors: list[bool] = []
    for concept in (before, after):
        seen = generator.integers(0, 3, (samples, 3))
        labels = CONCEPTS[concept](seen) ^ (generator.random(samples) < noise)
        errors += (tree.predict(seen) != labels).tolist()
    return errors


def step_errors(seed: int, before: float, after: float, samples: int = SAMPLES) -> list[bool]:
    """Errors of one rate, then of another."""
    generator = np.random.default_rng([seed, int(before * 1000), int(after * 1000)])
    return [*(generator.random(samples) < before).tolist(), *(generator.random(samples) < after).tolist()]


def detected(name: str, streams: Sequence[Sequence[bool]], choice: DetectorChoice, switch: int = SAMPLES) -> Detected:
    """Show a detector streams that switch at one place."""
    early, delays = 0, []
    shown = streams[: max(2, len(streams) // SLOW.get(choice.name, 1))]
    for errors in shown:
        places = changes_in(errors, choice)
        early += any(place < switch for place in places)
        delays += [place - switch + 1 for place in places if place >= switch][:1]
    late = len(shown) - len(delays)
    worst = [float(np.percentile(delays, share)) for share in (50, 95, 100)] if delays else [None, None, None]
    return Detected(
        name, choice.name.value, choice.parameters, len(shown), early / len(shown), late / len(shown), *worst
    )


def rows(seeds: int) -> list[Detected]:
    """All streams by all detectors."""
    found = []
    for noise in NOISES:
        pairs = list(permutations(range(len(CONCEPTS)), 2))
        streams = [stagger_errors(seed, *pairs[seed % len(pairs)], noise) for seed in range(seeds)]
        shown = (*DETECTORS, DDM_AS_IT_COMES)
        found += [detected(f"STAGGER, label noise {noise:.0%}", streams, choice) for choice in shown]
    for before, after in STEPS:
        streams = [step_errors(seed, before, after) for seed in range(seeds)]
        found += [detected(f"error {before:.0%} to {after:.0%}", streams, choice) for choice in DETECTORS]
    for rate in (0.02, 0.1, 0.3):
        streams = [step_errors(seed, rate, rate, LONG // 2) for seed in range(max(2, seeds // 4))]
        quick = [choice for choice in DETECTORS if choice.name not in SLOW]
        found += [detected(f"no switch in {LONG:,}, error {rate:.0%}", streams, choice, LONG) for choice in quick]
    return found


def markdown(found: Sequence[Detected]) -> str:
    """The table as it stands in the documentation."""
    lines = [
        "| streams | detector | seeds | alarm before | not seen | delay: median | 95 % | longest |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        delays = [
            "-" if each is None else f"{each:.0f}" for each in (one.median_delay, one.p95_delay, one.longest_delay)
        ]
        missed = "-" if one.streams.startswith("no switch") else f"{one.missed:.1%}"
        detector = f"{one.detector}, own defaults" if one.parameters == DDM_AS_IT_COMES.parameters else one.detector
        cells = (one.streams, detector, str(one.seeds), f"{one.false_alarms:.1%}", missed, *delays)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    found = rows(asked.seeds)
    print(markdown(found) if asked.markdown else "\n".join(json.dumps(asdict(one)) for one in found))


if __name__ == "__main__":
    main()
