"""What an index of one source holds after it took the batches, in a form that tests compare."""

from __future__ import annotations

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.domain.runs.rows import DatasetRow, RunBatch, RunRow, RunSource


class Whole(NamedTuple):
    """A run in a form that can be compared; numbers as text, so that NaN equals NaN."""

    run: RunRow
    params: frozenset[tuple[str, str]] = frozenset()
    metrics: frozenset[tuple[str, str, int, int | None]] = frozenset()
    tags: frozenset[tuple[str, str]] = frozenset()
    datasets: frozenset[tuple[str, str, str, str | None]] = frozenset()


@dataclass
class HeldRuns:
    """An index of one source: takes batches as the real one does, and is what the source is told to be known."""

    runs: dict[str, Whole] = field(default_factory=dict)
    cursor: str | None = None
    experiments: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and stage of life by id."""
    batches: list[RunBatch] = field(default_factory=list)
    """Those of the last pass."""

    def ids(self) -> frozenset[str]:
        return frozenset(self.runs)

    def tags_per_run(self) -> Mapping[str, int]:
        return {run_id: len(run.tags) for run_id, run in self.runs.items() if run.tags}

    def take(self, batch: RunBatch) -> None:
        """Put these runs in the place of what was known of them."""
        for run_id in batch.gone:
            del self.runs[run_id]
        self.runs.update(whole_runs(batch))
        if batch.experiments is not None:
            self.experiments = {row.experiment_id: (row.name, row.lifecycle) for row in batch.experiments}
        self.cursor = batch.cursor
        self.batches.append(batch)

    def follow(self, source: RunSource, progress: Progress | None = None) -> set[str]:
        """Take all that changed; answers with the runs that were read."""
        self.batches = []
        for batch in source.changes(self.cursor, self, progress or Silent()):
            self.take(batch)
        return set(self.read)

    @property
    def read(self) -> list[str]:
        """Ids of the runs that came in the last pass, in their order."""
        return [run.run_id for batch in self.batches for run in batch.runs]

    @property
    def unreadable(self) -> list[str]:
        """What could not be read in the last pass."""
        return [said for batch in self.batches for said in batch.unreadable]

    def params(self, run_id: str) -> dict[str, str]:
        """By key."""
        return dict(self.runs[run_id].params)

    def metrics(self, run_id: str) -> dict[str, float]:
        """The last values by key."""
        return {key: float(value) for key, value, *_ in self.runs[run_id].metrics}

    def tags(self, run_id: str) -> dict[str, str]:
        """By key."""
        return dict(self.runs[run_id].tags)

    def datasets(self, run_id: str) -> list[DatasetRow]:
        """What a run read."""
        return [DatasetRow(run_id, *row) for row in self.runs[run_id].datasets]


def held_of(source: RunSource, progress: Progress | None = None) -> HeldRuns:
    """What an index holds after its first pass over a source."""
    held = HeldRuns()
    held.follow(source, progress)
    return held


def whole_runs(batch: RunBatch) -> dict[str, Whole]:
    """The runs of a batch with what belongs to each; nothing in it may belong to a run that is not in it."""
    params, tags = _by_run(batch.params), _by_run(batch.tags)
    metrics = _by_run((row.run_id, row.key, repr(row.value), row.step, row.at) for row in batch.metrics)
    datasets = _by_run(batch.datasets)
    ids = [run.run_id for run in batch.runs]
    assert max(Counter(ids).values(), default=1) == 1
    assert {*params, *tags, *metrics, *datasets} <= {*ids}
    return {
        run.run_id: Whole(run, params[run.run_id], metrics[run.run_id], tags[run.run_id], datasets[run.run_id])
        for run in batch.runs
    }


def _by_run(rows: Iterable[tuple[object, ...]]) -> defaultdict[object, frozenset[tuple[object, ...]]]:
    found: defaultdict[object, list[tuple[object, ...]]] = defaultdict(list)
    for run_id, *rest in rows:
        found[run_id].append(tuple(rest))
    assert all(len(set(held)) == len(held) for held in found.values())
    return defaultdict(frozenset, {run_id: frozenset(held) for run_id, held in found.items()})


def rested(path: Path) -> None:
    """Make what was just written look older: it would be read once more otherwise."""
    past = time.time_ns() - 10_000_000_000
    for file in path.rglob("*"):
        if time.time_ns() - file.stat().st_mtime_ns < 1_000_000_000:
            os.utime(file, ns=(past, past + random.Random(str(file)).randrange(10**9)))
