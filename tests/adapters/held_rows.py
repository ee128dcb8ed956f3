"""What an index would hold after it took a source's batches, as plain values that tests compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.domain.runs.rows import (
    DatasetRow,
    ExperimentRow,
    MetricRow,
    ParamRow,
    RunBatch,
    RunRow,
    RunSource,
    TagRow,
)


@dataclass
class Held:
    """All runs of one source, and where its last batch ended."""

    runs: dict[str, RunRow] = field(default_factory=dict)
    logged: dict[str, list[Any]] = field(default_factory=dict)
    """Run id → its rows of params, metrics, tags and datasets."""
    experiments: Mapping[str, ExperimentRow] = field(default_factory=dict)
    cursor: str | None = None
    read: list[str] = field(default_factory=list)
    """Ids of the runs that came since `synchronise` began last, in their order."""

    def ids(self) -> frozenset[str]:
        """As the index tells a source."""
        return frozenset(self.runs)

    def tags_per_run(self) -> Mapping[str, int]:
        """As the index tells a source."""
        return Counter(row.run_id for rows in self.logged.values() for row in rows if isinstance(row, TagRow))

    def synchronise(self, source: RunSource, progress: Progress | None = None) -> Held:
        """Take all batches there are."""
        self.read = []
        for batch in source.changes(self.cursor, self, progress or Silent()):
            self.take(batch)
        return self

    def take(self, batch: RunBatch) -> None:
        """Replace the runs of a batch as a whole, as the index does."""
        ids = [run.run_id for run in batch.runs]
        assert len(ids) == len(set(ids)), "a run stands in a batch once"
        self.read += ids
        self.runs |= {run.run_id: run for run in batch.runs}
        self.logged |= {run_id: [] for run_id in ids}
        loose: Iterable[Any] = (*batch.params, *batch.metrics, *batch.tags, *batch.datasets)
        for row in loose:
            assert row.run_id in ids, "rows come with their run"
            self.logged[row.run_id].append(row)
        for run_id in batch.gone:
            self.runs.pop(run_id, None)
            self.logged.pop(run_id, None)
        if batch.experiments is not None:
            self.experiments = {one.experiment_id: one for one in batch.experiments}
        self.cursor = batch.cursor

    def rows(self) -> dict[str, list[str]]:
        """Run id → its rows as text, for NaN is equal to nothing; in one order."""
        return {run_id: sorted(map(repr, rows)) for run_id, rows in self.logged.items()}

    def values(self, run_id: str, kind: type[ParamRow | MetricRow | TagRow]) -> dict[str, Any]:
        """Key → value of one kind of rows."""
        return {row.key: row.value for row in self.logged[run_id] if isinstance(row, kind)}

    def datasets(self, run_id: str) -> list[DatasetRow]:
        """What a run read."""
        return [row for row in self.logged[run_id] if isinstance(row, DatasetRow)]
