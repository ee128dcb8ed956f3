"""How targets ran, from what their servers wrote: minutes, and summaries of the prediction log. Folded segments are read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock, RLock
from typing import Any
from zlib import crc32

from unipipe_tui.domain.operations import Hour, Minute, OperationsCoverage, PredictedHour, ServerHour, SummingUp
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.choice import Choice, begin_of, stem
from unipipe_tui.store.predictions.label_summaries import (
    HeldLabels,
    Joined,
    LabelledCell,
    join_growing,
    join_labels,
    sum_up_labels,
)
from unipipe_tui.store.predictions.minutes import (
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
from unipipe_tui.store.predictions.segment_ids import Ends, FromTo, may_hold, sum_up_ids
from unipipe_tui.store.predictions.segment_list import Segment, SegmentList, Segments
from unipipe_tui.store.predictions.segment_summaries import (
    Held,
    by_batches,
    by_hour,
    held,
    moment_of,
    rows_told,
    sum_up,
)
from unipipe_tui.store.predictions.stretches import newest_labelled, rolled_stretches
from unipipe_tui.store.predictions.summaries import KeptSummaries, Summaries
from unipipe_tui.store.reachable import reachable

Stretches = tuple[TrafficWindow, ...]
PREDICTIONS, FEEDBACK, MINUTES = "predictions", "feedback", "minutes"
LABELLED = "labelled"
"""Not a kind of segment: what the labels of a segment tell of predictions."""
FORM = 3
"""Of the summaries that are kept: another form has files of its own."""
EVER, NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
A_DAY = timedelta(days=1)
DAY_IN_NAME = re.compile(r"-(\d{4}-\d{2}-\d{2})-")


@frozen
class _Told:
    """What labels tell of predictions."""

    folded: Mapping[Path, Joined]
    growing: Sequence[Any]
    """The cells of each segment of labels that still grows."""
    whole: bool
    """False when some label could not be looked up."""

    @property
    def cells(self) -> tuple[LabelledCell, ...]:
        """Of all of them."""
        every = (*(one.cells for one in self.folded.values()), *self.growing)
        return tuple(LabelledCell(*cell) for cells in every for cell in cells)


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
        self._lists: dict[Path, SegmentList] = {}
        self._made: dict[str, tuple[Summaries, tuple[Any, ...], tuple[Held, ...]]] = {}
        """By target: what was made of which summaries."""
        self._stretched: dict[str, tuple[Any, tuple[Held, ...], Stretches]] = {}

    def under_way(self, target: str) -> SummingUp | None:
        """How far segments of a target are being summed up that nobody has summed up before; None while none are."""
        with self._lock:
            kept = [one for (of, _), one in self._kept.items() if of == target]
        return next((told for one in kept if (told := one.under_way) is not None), None)

    def listed(self, folder: Path, kind: str) -> Segments:
        """The segments of one kind that lie in the folder of a target."""
        with self._lock:
            listing = self._lists.setdefault(folder, SegmentList(folder))
        return listing.of(kind)

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
            told = self._label_sizes(target, self.listed(folder, FEEDBACK))
        return tuple(HeldLabels(path, *summary) for path, summary in told.items())

    def newest_labelled(
        self, target: str, segments: Sequence[Held], rows: int, version: int | None
    ) -> tuple[Held, ...] | None:
        """Those of these segments that hold the latest so many labelled predictions, of one version if given.

        None when some label cannot be looked up: then it may tell of any of them.
        """
        told = self._told_by_labels(target, also_growing=True)
        return newest_labelled(segments, told.cells, rows, version) if told.whole else None

    def _told_by_labels(self, target: str, *, also_growing: bool) -> _Told:
        """By the labels in folded segments, and by those in segments that still grow if asked for.

        Those are looked for anew whenever there are more of them.
        """
        with reachable(self._logs / target) as folder:
            segments, predictions = self.listed(folder, FEEDBACK), self.listed(folder, PREDICTIONS)
            sizes = self._label_sizes(target, segments)
            among = crc32("\n".join(one.key for one in predictions.folded).encode())

            def looked_through() -> tuple[list[Held], Ends]:
                # Where they are found now, which is not where an earlier look may have found them.
                held_now = [replace(one, path=folder / one.path.name) for one in self.segments(target)]
                return held_now, {path.name: ends for path, ends in self._ids(target, folder, PREDICTIONS).items()}

            def joined(paths: Sequence[Path]) -> dict[Path, Any]:
                labels = [HeldLabels(path, *sizes[path]) for path in paths if path in sizes]
                return join_labels(self._engine, labels, *looked_through(), among)

            def grown(path: Path) -> Any:
                return join_growing(self._engine, path, *looked_through())

            told = self._summaries(target, LABELLED).of(segments.folded, joined, lambda one: Joined(*one).holds(among))
            growing = self._grown(target, LABELLED, segments.lines, grown) if also_growing else []
        folded = {path: Joined(*one) for path, one in told.of.items()}
        whole = folded.keys() >= sizes.keys() and None not in growing
        return _Told(folded, [cells for cells in growing if cells is not None], whole)

    def _ids(self, target: str, folder: Path, kind: str) -> Mapping[Path, FromTo]:
        make = partial(sum_up_ids, self._engine)
        return self._summaries(target, f"{kind}-ids").of(self.listed(folder, kind).folded, make).of

    def silent_labels(self, target: str, chosen: Sequence[Held]) -> frozenset[str]:
        """The names of folded segments of labels that say nothing of the chosen predictions, as far as that is known."""
        begin, wanted = begin_of(chosen), {stem(one.path) for one in chosen}
        with reachable(self._logs / target) as folder:
            segments = self.listed(folder, FEEDBACK)
            sizes = self._label_sizes(target, segments)
            known = self._summaries(target, LABELLED).known(segments.folded)
        early = {stem(path) for path, (_, _, last) in sizes.items() if begin is not None and moment_of(last) < begin}
        joined = {stem(path): Joined(*told) for path, told in known.items()}
        others = {
            name for name, one in joined.items() if not one.missing and wanted.isdisjoint(cell[0] for cell in one.cells)
        }
        return frozenset(early | others)

    def stretches(self, target: str, segments: Sequence[Held], most: int, since: datetime | None) -> Stretches:
        """These segments in about so many stretches; the same as last time when nothing came since."""
        labelled = self._told_by_labels(target, also_growing=False).cells
        asked = (most, since, tuple(map(id, segments)), labelled)
        with self._lock:
            last = self._stretched.get(target)
        if last is None or last[0] != asked:
            # The values are kept with it, for another one may get the identity of one that is gone.
            last = (asked, tuple(segments), rolled_stretches(segments, labelled, most, since))
            with self._lock:
                self._stretched[target] = last
        return last[2]

    def _label_sizes(self, target: str, segments: Segments) -> Mapping[Path, Any]:
        make = partial(sum_up_labels, self._engine)
        return self._summaries(target, FEEDBACK).of(segments.folded, make).of

    def folded_rows(self, target: str, kind: str) -> dict[str, int]:
        """How many rows folded segments hold, by name, as far as that was counted before."""
        with reachable(self._logs / target) as folder:
            told = self._summaries(target, kind).known(self.listed(folder, kind).folded)
        if kind == FEEDBACK:
            return {path.name: summary[0] for path, summary in told.items()}
        return {path.name: rows_told(summary) for path, summary in told.items()}

    def summed_up(self, target: str, kind: str) -> frozenset[str]:
        """The names of folded segments that could be read when they were summed up."""
        with reachable(self._logs / target) as folder:
            return frozenset(
                path.name for path in self._summaries(target, kind).known(self.listed(folder, kind).folded)
            )

    def without_id(self, target: str, beginning: str) -> Choice:
        """Leaves out what holds no id that begins so."""
        with reachable(self._logs / target) as folder:
            told = [self._ids(target, folder, kind) for kind in (PREDICTIONS, FEEDBACK)]
        others = (frozenset(stem(path) for path, ends in one.items() if not may_hold(ends, beginning)) for one in told)
        return Choice(*others)

    def telling(self, target: str, since: datetime, until: datetime) -> Choice:
        """Leaves out labels that did not come in [since, until), and predictions that those which did say nothing of."""
        segments = self.segments(target)
        labels = self._told_by_labels(target, also_growing=True)
        others = frozenset(
            stem(one.path)
            for one in self.labels(target)
            if moment_of(one.last) < since or moment_of(one.first) >= until
        )
        asked = [one for path, one in labels.folded.items() if stem(path) not in others]
        if not labels.whole or any(one.missing for one in asked):
            # Some of their predictions are in no segment that is known.
            return Choice(feedback=others)
        told = {cell[0] for cells in (*(one.cells for one in asked), *labels.growing) for cell in cells}
        return Choice(frozenset(stem(one.path) for one in segments) - told, others)

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
            segments = self.listed(folder, PREDICTIONS)
            told = self._summaries(target, PREDICTIONS).of(
                segments.folded, lambda paths: sum_up(self._engine, paths, folded=True)
            )
            grown = self._grown(target, PREDICTIONS, segments.lines, self._predictions_in_lines)
        growing = tuple(zip((one.path for one in segments.lines), grown, strict=True))
        return self._values(target, told, growing), tuple(path.name for path in told.missing)

    def _values(self, target: str, told: Summaries, growing: tuple[tuple[Path, Any], ...]) -> tuple[Held, ...]:
        """The summaries as values; of the same ones the same values."""
        with self._lock:
            made = self._made.get(target)
        if made is None or made[0] is not told or made[1] != growing:
            before = {} if made is None else {one.path: one for one in made[2]}
            folded = (
                before[path] if made and path in before and made[0].of.get(path) is summary else held(path, summary)
                for path, summary in told.of.items()
                if summary
            )
            values = (*folded, *(held(path, summary) for path, summary in growing if summary))
            made = (told, growing, values)
            with self._lock:
                self._made[target] = made
        return made[2]

    def _predictions_in_lines(self, path: Path) -> Any:
        told, folded = sum_up(self._engine, (path,), folded=False), path.with_suffix(".parquet")
        # Folded since it was listed.
        return told.get(path) or sum_up(self._engine, (folded,), folded=True).get(folded, [])

    def _grown(self, target: str, kind: str, lines: Sequence[Segment], make: Callable[[Path], Any]) -> list[Any]:
        """The summaries of segments that still grow: made again only when they have grown."""
        with self._growing_turn:
            known = self._growing.get((target, kind), {})
            now = {one.key: known[one.key] if one.key in known else make(one.path) for one in lines}
            # What could not be read now may be read later.
            self._growing[target, kind] = {key: told for key, told in now.items() if told is not None}
        return [now[one.key] for one in lines]

    # Minutes

    def minutes(self, target: str, since: datetime, until: datetime) -> tuple[Minute, ...]:
        """Every minute in [since, until), one for each variant, oldest first; servers of the same variant are added."""
        with reachable(self._logs / target) as folder:
            segments = self.listed(folder, MINUTES)
            near = [one.path for one in segments.folded if _may_hold(one.path, since, until)]
            still_growing = [one.path for one in segments.lines if _may_hold(one.path, since, until)]
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
            segments = self.listed(folder, MINUTES)
            told = self._summaries(target, MINUTES).of(segments.folded, partial(summed_by_hour, self._engine))
            growing = self._grown(target, MINUTES, segments.lines, self._minutes_in_lines)
        return [*told.of.values(), *growing], tuple(path.name for path in told.missing)

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
