"""How targets ran, from what their servers wrote: minutes, and summaries of the prediction log. Folded segments are read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from unipipe_tui.domain.operations import Hour, Minute, OperationsCoverage, PredictedHour, ServerHour
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.label_summaries import HeldLabels, LabelledCell, join_growing, join_labels, sum_up_labels
from unipipe_tui.store.minute_rows import (
    Part,
    first_minute_of,
    hour_of,
    hours_kept,
    hours_of,
    kept_hours,
    last_minute_of,
    minutes_of,
    parts_in_lines,
    parts_in_parquet,
    summed_by_hour,
    uptime_added,
    uptime_kept,
)
from unipipe_tui.store.reachable import reachable
from unipipe_tui.store.segment_summaries import Held, by_batches, by_hour, held, sum_up
from unipipe_tui.store.summaries import KeptSummaries, Segment, folded_and_lines

PREDICTIONS, FEEDBACK, MINUTES = "predictions", "feedback", "minutes"
LABELLED = "labelled"
"""Not a kind of segment: what the labels of a segment tell of predictions."""
FORM = 1
"""Of the summaries that are kept: another form has files of its own."""
EVER, NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
A_DAY = timedelta(days=1)
DAY_IN_NAME = re.compile(r"-(\d{4}-\d{2}-\d{2})-")


class Rollups:
    """Summaries of all targets' logs; `logs` holds a folder for each target, `cache` what was summed up."""

    def __init__(self, logs: Path, cache: Path, engine: Engine) -> None:
        self._logs = logs
        self._cache = cache
        self._engine = engine
        self._lock = Lock()
        self._kept: dict[tuple[str, str], KeptSummaries] = {}
        self._growing_turn = RLock()
        self._growing: dict[tuple[str, str], dict[str, Any]] = {}
        """By target and kind: the summary of each segment that still grows, by its name and size."""
        self._made: dict[str, dict[Path, tuple[Any, Held]]] = {}

    # Predictions

    def segments(self, target: str) -> tuple[Held, ...]:
        """What each segment of predictions holds; those that cannot be read and those that are empty are left out."""
        return self._held(target)[0]

    def predicted(
        self, target: str, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[PredictedHour, ...]:
        """The prediction log by hour, version and variant, oldest first."""
        chosen = [
            one
            for one in self.segments(target)
            if (since is None or one.last >= since) and (until is None or one.first < until)
        ]
        return tuple(
            hour
            for hour in by_hour(chosen)
            if (since is None or hour.at >= hour_of(since)) and (until is None or hour.at < until)
        )

    def labels(self, target: str) -> tuple[HeldLabels, ...]:
        """What each folded segment of labels holds."""
        with reachable(self._logs / target) as folder:
            folded, _ = folded_and_lines(folder, FEEDBACK)
            told, _ = self._summaries(target, FEEDBACK).of(folded, lambda paths: sum_up_labels(self._engine, paths))
        return tuple(HeldLabels(path, *summary) for path, summary in told.items())

    def labelled(self, target: str, *, also_growing: bool = False) -> tuple[LabelledCell, ...]:
        """Which predictions the labels in folded segments tell of, and those in segments that still grow if asked for.

        Those are looked for anew whenever there are more of them.
        """
        with reachable(self._logs / target) as folder:
            folded, lines = folded_and_lines(folder, FEEDBACK)
            sizes, _ = self._summaries(target, FEEDBACK).of(folded, lambda paths: sum_up_labels(self._engine, paths))

            def predictions() -> list[Held]:
                # Where they are found now, which is not where an earlier look may have found them.
                return [Held(folder / one.path.name, one.cells) for one in self.segments(target)]

            def joined(paths: Sequence[Path]) -> dict[Path, Any]:
                labels = [HeldLabels(path, *sizes[path]) for path in paths if path in sizes]
                return join_labels(self._engine, labels, predictions())

            told, _ = self._summaries(target, LABELLED).of(folded, joined)
            found = list(told.values())
            if also_growing and lines:
                found += self._grown(
                    target, LABELLED, lines, lambda path: join_growing(self._engine, path, predictions())
                )
        return tuple(LabelledCell(*cell) for cells in found for cell in cells)

    def folded_rows(self, target: str, kind: str) -> dict[str, int]:
        """How many rows folded segments hold, by name, as far as that was counted before."""
        with reachable(self._logs / target) as folder:
            folded, _ = folded_and_lines(folder, kind)
            told, _ = self._summaries(target, kind).of(folded, lambda paths: {})
        if kind == FEEDBACK:
            return {path.name: summary[0] for path, summary in told.items()}
        return {path.name: held(path, summary).rows() for path, summary in told.items()}

    def coverage(self, target: str) -> OperationsCoverage:
        """From when to when there are minutes, and predictions."""
        segments, damaged = self._held(target)
        minutes, broken = self._summed_minutes(target)
        up = [one for told in minutes for one in uptime_kept(told)]
        return OperationsCoverage(
            first_minute=min(map(first_minute_of, up), default=None),
            first_prediction=min((one.first for one in segments), default=None),
            last_minute=max(map(last_minute_of, up), default=None),
            last_prediction=max((one.last for one in segments), default=None),
            damaged=(*damaged, *broken),
        )

    def _held(self, target: str) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        with reachable(self._logs / target) as folder:
            folded, lines = folded_and_lines(folder, PREDICTIONS)
            told, damaged = self._summaries(target, PREDICTIONS).of(
                folded, lambda paths: sum_up(self._engine, paths, folded=True)
            )
            grown = self._grown(target, PREDICTIONS, lines, self._predictions_in_lines)
            told = {**told, **{one.path: summary for one, summary in zip(lines, grown, strict=True)}}
        return self._values(target, told), tuple(path.name for path in damaged)

    def _values(self, target: str, told: Mapping[Path, Any]) -> tuple[Held, ...]:
        """The summaries as values; those that were made of the same summary before are given again."""
        with self._lock:
            known = self._made.get(target, {})
            made = {
                path: known[path] if path in known and known[path][0] is summary else (summary, held(path, summary))
                for path, summary in told.items()
                if summary
            }
            self._made[target] = made
        return tuple(one for _, one in made.values())

    def _predictions_in_lines(self, path: Path) -> Any:
        told = sum_up(self._engine, (path,), folded=False)
        # Folded since it was listed.
        return told.get(path) or sum_up(self._engine, (path.with_suffix(".parquet"),), folded=True).get(path, [])

    def _grown(self, target: str, kind: str, lines: Sequence[Segment], make: Callable[[Path], Any]) -> list[Any]:
        """The summaries of segments that still grow: made again only when they have grown."""
        with self._growing_turn:
            known = self._growing.get((target, kind), {})
            now = {one.key: known[one.key] if one.key in known else make(one.path) for one in lines}
            self._growing[target, kind] = now
        return [now[one.key] for one in lines]

    # Minutes

    def minutes(self, target: str, since: datetime, until: datetime) -> tuple[Minute, ...]:
        """Every minute in [since, until), one for each variant, oldest first; servers of the same variant are added."""
        with reachable(self._logs / target) as folder:
            folded, lines = folded_and_lines(folder, MINUTES)
            near = [one.path for one in folded if _may_hold(one.path, since, until)]
            still_growing = [one.path for one in lines if _may_hold(one.path, since, until)]
            return minutes_of((*self._in_parquet(near, since, until), *self._in_lines(still_growing, since, until)))

    def hours(self, target: str, since: datetime, until: datetime) -> tuple[Hour, ...]:
        """Every hour in [since, until), one for each variant, oldest first."""
        begin = hour_of(since)
        told, _ = self._summed_minutes(target)
        return hours_of(part for one in told for part in hours_kept(one, begin, until))

    def uptime(self, target: str, since: datetime, until: datetime) -> tuple[ServerHour, ...]:
        """How long each server was up in each of these hours."""
        begin = hour_of(since)
        told = (one for summary in self._summed_minutes(target)[0] for one in uptime_kept(summary))
        return uptime_added(one for one in told if begin <= one.at < until)

    def _summed_minutes(self, target: str) -> tuple[list[Any], tuple[str, ...]]:
        with reachable(self._logs / target) as folder:
            folded, lines = folded_and_lines(folder, MINUTES)
            told, damaged = self._summaries(target, MINUTES).of(
                folded, lambda paths: summed_by_hour(self._engine, paths)
            )
            growing = self._grown(target, MINUTES, lines, self._minutes_in_lines)
        return [*told.values(), *growing], tuple(path.name for path in damaged)

    def _minutes_in_lines(self, path: Path) -> Any:
        return kept_hours(tuple(self._in_lines((path,), EVER, NEVER)))

    def _in_parquet(self, paths: Sequence[Path], since: datetime, until: datetime) -> Iterator[Part]:
        def asked(chosen: Sequence[Path]) -> dict[Path, Any]:
            # By the first of them: what matters is which query fails.
            return {chosen[0]: tuple(parts_in_parquet(self._engine, chosen, since, until))}

        for parts in by_batches(paths, asked).values():
            yield from parts

    def _in_lines(self, paths: Sequence[Path], since: datetime, until: datetime) -> Iterator[Part]:
        for path in paths:
            try:
                with path.open("rb") as file:
                    yield from (part for part in parts_in_lines(file) if since <= part.at < until)
            except FileNotFoundError:
                # Folded since it was listed.
                yield from self._in_parquet((path.with_suffix(".parquet"),), since, until)

    def _summaries(self, target: str, kind: str) -> KeptSummaries:
        with self._lock:
            if (target, kind) not in self._kept:
                self._kept[target, kind] = KeptSummaries(self._cache / target / f"{kind}-{FORM}.jsonl")
            return self._kept[target, kind]


def _may_hold(path: Path, since: datetime, until: datetime) -> bool:
    """By the day in its name, and a day on either side, for the clock may have been set meanwhile."""
    found = DAY_IN_NAME.search(path.name)
    if found is None:
        return True
    day = date.fromisoformat(found.group(1))
    return (since - A_DAY).date() <= day <= (until + A_DAY).date()
