"""All runs of a store that only MLflow's own client can read: a server, a database elsewhere or of another version.

MLflow notes no time of change, so a pass is one of two. A *complete* one reads every run, and names as gone what is
known and was not met. A *quick* one reads what started, ended or went on since the last, and the deleted runs that
started last; it misses what was done to an older run (a tag, a restoration, a start or end given as long past) until
the next complete one.

Importing this module takes seconds, as it imports MLflow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from time import time
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import ViewType

from unipipe_tui.adapters.mlflow.client.answers import asked_in_peace, check_reachable, long_wait, without_secrets
from unipipe_tui.adapters.mlflow.client.database_copy import copy_for_the_client, database_path, verify_version
from unipipe_tui.adapters.mlflow.client.rows import experiment_row, rows_of, started
from unipipe_tui.adapters.stamps import database_stamp
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.rows import MLFLOW, ExperimentRow, KnownRuns, RunBatch, stop_if_asked
from unipipe_tui.domain.values import frozen

PAGE = 1_000
"""Runs and experiments per question; in smaller pages a server needs more time in all."""
EXPERIMENTS_PER_QUESTION = 500
IDS_PER_QUESTION = 200
"""So that no question outgrows what a database takes as one statement's variables."""
FEW_RUNS = 5_000
"""So many are always read in full: that takes some seconds and misses nothing."""
COMPLETE_EVERY_MS = 60 * 60 * 1_000
CLOCKS_DIFFER_BY_MS = 10 * 60 * 1_000
"""Runs bear the time of the machine they ran on."""
DELETED_PAGES = 5
UNFINISHED = ("RUNNING", "SCHEDULED")
FORMAT = 1


@frozen
class Reached:
    """How far a complete pass has come: all experiments of earlier groups, and this group's runs up to a start time."""

    experiments: str
    """A digest of which experiments there were: with others the groups are not the same."""
    group: int
    start: int | None
    taken: int
    begun: int


@frozen
class Cursor:
    """What is remembered from one pass to the next. Moments are milliseconds since the epoch, by our clock."""

    looked: int = 0
    """When the last pass began that came to its end."""
    completed: int = 0
    """When the last complete pass began that saw all runs; 0 when the next should."""
    unfinished: tuple[str, ...] = ()
    """Ids of the runs that were not at their end."""
    reached: Reached | None = None

    def text(self) -> str:
        """What a batch bears."""
        return json.dumps({"format": FORMAT, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """The cursor in a text; one for the very first pass when there is none, or none that we understand."""
        try:
            held = json.loads(text or "{}")
            if held.pop("format", None) != FORMAT:
                return cls()
            reached = Reached(**held.pop("reached")) if held.get("reached") else held.pop("reached", None)
            return cls(**{**held, "unfinished": tuple(held["unfinished"])}, reached=reached)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()


class ClientRuns:
    """The runs of one MLflow store, asked through MLflow's client. The URI must be absolute."""

    name = MLFLOW

    def __init__(
        self,
        uri: str,
        shown_place: str,
        remark: str = "",
        *,
        also: Sequence[str] = (),
        page: int = PAGE,
        few: int = FEW_RUNS,
        clock: Callable[[], float] = time,
    ) -> None:
        """`also` are ids of runs that a quick pass reads as well, for instance since we changed them.

        `page` runs are asked for at a time; up to `few` known ones every pass is a complete one.
        """
        self._uri = uri
        self._place = without_secrets(shown_place, uri)
        self._remark = remark
        self._also = tuple(also)
        self._page = page
        self._few = few
        self._clock = clock

    @property
    def place(self) -> str:
        """The URI without user, password and what follows its question mark."""
        return self._place

    @property
    def remark(self) -> str:
        """Why the store is not read directly; empty for a server, where there is no other way."""
        return self._remark

    def stamp(self) -> str:
        """Size and time of a database file; empty for whatever is not on this machine."""
        path = database_path(self._uri)
        return "" if path is None else database_stamp(path)

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        """All runs that are new, changed or gone; see RunSource."""
        with _opened(self._uri, progress) as client:
            store = _Store(client, self._uri, progress, self._page)
            experiments = store.experiments()
            ids = known.ids()
            if not experiments and ids:
                hint = "Has this user lost the permission to read, or is it another server?"
                raise Failed(f"{self._place} names no experiment, although {len(ids):,} runs of it are known.", hint)
            last = Cursor.read(cursor)
            wanted = self._complete if self._must_be_complete(last, len(ids)) else self._quick
            yield from wanted(store, experiments, last, ids)

    def _now_ms(self) -> int:
        return int(self._clock() * 1_000)

    def _must_be_complete(self, last: Cursor, known: int) -> bool:
        age = self._now_ms() - last.completed
        return last.reached is not None or known <= self._few or not 0 <= age <= COMPLETE_EVERY_MS

    def _complete(
        self, store: _Store, experiments: Sequence[ExperimentRow], last: Cursor, known: frozenset[str]
    ) -> Iterator[RunBatch]:
        groups = _groups(experiments)
        digest = hashlib.sha256(repr(groups).encode()).hexdigest()[:16]
        fresh = Reached(digest, group=0, start=None, taken=0, begun=self._now_ms())
        reached = last.reached if last.reached and last.reached.experiments == digest else fresh
        # What is known was all taken by the part of this pass that was done before: then it counts as met.
        met: set[str] = set(known) if reached.taken and len(known) <= reached.taken else set()
        all_met = bool(met) or not reached.taken
        unfinished: set[str] = set(last.unfinished) if reached.taken else set()
        done = reached.taken
        named: Sequence[ExperimentRow] | None = experiments
        begun_before, first_group = reached.start, reached.group
        for number, group in enumerate(groups[first_group:], first_group):
            for page in store.oldest_first(group, begun_before if number == first_group else None):
                news = [run for run in page if run.info.run_id not in met]
                met.update(run.info.run_id for run in news)
                unfinished.update(_unfinished(news))
                done += len(news)
                reached = replace(reached, group=number, start=started(page[-1]), taken=done)
                now = replace(last, unfinished=tuple(sorted(unfinished)), reached=reached)
                yield _batch(now, news, done, max(len(known), done), named)
                named = None
        gone = sorted(known - met) if all_met else []
        end = Cursor(reached.begun, reached.begun if all_met else 0, tuple(sorted(unfinished)))
        yield RunBatch(end.text(), experiments=named, gone=gone, done=done, total=done)

    def _quick(
        self, store: _Store, experiments: Sequence[ExperimentRow], last: Cursor, known: frozenset[str]
    ) -> Iterator[RunBatch]:
        begun = self._now_ms()
        since = last.looked - CLOCKS_DIFFER_BY_MS
        asked = (*last.unfinished, *(run_id for run_id in self._also if run_id not in last.unfinished))
        met: set[str] = set()
        unfinished: set[str] = set()
        named: Sequence[ExperimentRow] | None = experiments
        for page in store.recent(_groups(experiments), since, asked):
            news = [run for run in page if run.info.run_id not in met]
            met.update(run.info.run_id for run in news)
            unfinished.update(_unfinished(news))
            if news:
                yield _batch(last, news, len(met), None, named)
                named = None
        gone = sorted(known.intersection(asked) - met)
        end = Cursor(begun, last.completed, tuple(sorted(unfinished)))
        yield RunBatch(end.text(), experiments=named, gone=gone, done=len(met), total=len(met))


class _Store:
    """The questions that are asked."""

    def __init__(self, client: MlflowClient, uri: str, progress: Progress, page: int) -> None:
        self._client = client
        self._uri = uri
        self._progress = progress
        self._size = page

    def experiments(self) -> tuple[ExperimentRow, ...]:
        """All of them, also the deleted ones."""
        found: list[ExperimentRow] = []
        token: str | None = None
        while True:
            page = self._asked(partial(self._client.search_experiments, ViewType.ALL, PAGE, page_token=token))
            found += map(experiment_row, page)
            token = page.token
            if not token:
                return tuple(found)

    def oldest_first(self, group: Sequence[str], since: int | None) -> Iterator[Sequence[Any]]:
        """All runs of these experiments page by page, from a start time on, also the deleted ones.

        Each page begins where the last one ended in time, so that what is deleted meanwhile moves none of them.
        """
        condition, token = _from(since), None
        while True:
            page = self._page(group, condition, ViewType.ALL, token, "ASC")
            if page:
                yield page
            if not page.token:
                return
            last = started(page[-1])
            if last is not None and last != since:
                since, condition, token = last, _from(last), None
            else:
                # A whole page began at the same moment.
                token = page.token

    def recent(self, groups: Sequence[Sequence[str]], since: int, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Pages of what began or ended since, of what is not at its end, of these runs, and of the deleted ones."""
        conditions = [f"attributes.start_time >= {since}", f"attributes.end_time >= {since}"]
        conditions += [f"attributes.status = '{status}'" for status in UNFINISHED]
        conditions += [
            f"attributes.run_id IN ({', '.join(map(_quoted, some))})" for some in _split(ids, IDS_PER_QUESTION)
        ]
        for group in groups:
            for condition in conditions:
                yield from self._pages(group, condition, ViewType.ALL)
            yield from self._pages(group, "", ViewType.DELETED_ONLY, DELETED_PAGES)

    def _pages(
        self, group: Sequence[str], condition: str, view: int, most: int | None = None
    ) -> Iterator[Sequence[Any]]:
        token, number = None, 0
        while most is None or number < most:
            page = self._page(group, condition, view, token, "DESC")
            yield page
            token, number = page.token, number + 1
            if not token:
                return

    def _page(self, group: Sequence[str], condition: str, view: int, token: str | None, way: str) -> Any:
        order = [f"attributes.start_time {way}", "attributes.run_id"]
        return self._asked(lambda: self._client.search_runs(list(group), condition, view, self._size, order, token))

    def _asked(self, ask: Callable[[], Any]) -> Any:
        stop_if_asked(self._progress)
        with asked_in_peace(self._uri):
            return ask()


@contextmanager
def _opened(uri: str, progress: Progress) -> Iterator[MlflowClient]:
    """A client that changes nothing: MLflow migrates an older database when it opens it, so it gets a copy of a file."""
    check_reachable(uri)
    if said := long_wait(uri):
        progress.emit(Noted(said))
    with copy_for_the_client(uri) as readable:
        with asked_in_peace(readable):
            if readable == uri:
                verify_version(uri)
            client = MlflowClient(readable, readable)
        yield client


def _batch(
    cursor: Cursor, runs: Iterable[Any], done: int, total: int | None, experiments: Sequence[ExperimentRow] | None
) -> RunBatch:
    runs = list(runs)
    rows = rows_of(runs)
    return replace(rows, cursor=cursor.text(), experiments=experiments, done=done, total=total)


def _unfinished(runs: Iterable[Any]) -> Iterator[str]:
    return (run.info.run_id for run in runs if run.info.status in UNFINISHED)


def _groups(experiments: Sequence[ExperimentRow]) -> list[list[str]]:
    ids = sorted((one.experiment_id for one in experiments), key=lambda name: (len(name), name))
    return _split(ids, EXPERIMENTS_PER_QUESTION)


def _split(words: Sequence[str], size: int) -> list[list[str]]:
    return [list(words[first : first + size]) for first in range(0, len(words), size)]


def _from(since: int | None) -> str:
    return "" if since is None else f"attributes.start_time >= {since}"


def _quoted(run_id: str) -> str:
    return "'" + run_id.replace("'", "") + "'"
