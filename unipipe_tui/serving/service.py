"""Answers one request, whatever protocol it came by: which variant scores it, and what is written before the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.gate import Limits
from unipipe_tui.serving.log_writer import LogFull
from unipipe_tui.serving.metrics import Answerer, Metrics
from unipipe_tui.serving.prediction_ids import PredictionIds
from unipipe_tui.serving.prediction_log import (
    AlreadyPredicted,
    Label,
    Labelled,
    Prediction,
    PredictionLog,
)
from unipipe_tui.serving.refusals import Refusing, refuse_with
from unipipe_tui.serving.repeats import Recalled, recall
from unipipe_tui.serving.routing import key_of
from unipipe_tui.serving.scoring import Beside, Outcome, Scored, TraceHeaders
from unipipe_tui.serving.switch import ServedVariant, Switch, Table
from unipipe_tui.serving.validation import Column, Columns, Problem, Problems, check_ids

WAIT_FOR_LOG_SECONDS = 5.0
_log = logging.getLogger(__name__)
T = TypeVar("T")


class Inputs(Protocol):
    """What a request holds, in the form of its protocol; which variant it must fit is known only later."""

    @property
    def records(self) -> int:
        """How many records."""
        ...

    def first(self, column: str) -> object:
        """The value of a column in the first record, unchecked; None when it has none."""
        ...

    def fit(self, columns: Sequence[Column], others: frozenset[str]) -> tuple[Columns, Problems]:
        """The values of these columns, checked; `others` are columns of other variants, to be passed over."""
        ...


@dataclass(eq=False)
class Asking:
    """One request on its way: what its headers say, and who answered in the end."""

    began: float
    """`time.perf_counter()` of its arrival."""
    variant: str | None = None
    """The only variant that may answer; None: any."""
    key: str | None = None
    """What tells the caller apart; None: the sticky column does, if there is one."""
    probe: bool = False
    """Whether it is answered without log and without counting."""
    params: Mapping[str, object] | None = None
    """What is asked of the model beside the records, in protocols that know such a thing."""
    trace: TraceHeaders | None = None
    """What another server that scores is sent, so that its span hangs below that of this request."""
    answerer: Answerer | None = None
    """Set as soon as it is known, so that a failure is counted against the right variant."""


@frozen
class Answer:
    """What came out, in the order of the records."""

    answerer: Answerer
    ids: Sequence[str]
    outcomes: Sequence[Outcome]
    output: Any | None
    """The model's own rows; None when some records were answered before, of which only the outcome is known."""
    known: Mapping[str, Recalled]
    """Those that were answered before, by id."""


class Service:
    """Lives on the event loop; only scoring, disk and network are done by threads."""

    def __init__(self, switch: Switch, log: PredictionLog, metrics: Metrics, limits: Limits) -> None:
        self._switch = switch
        self._log = log
        self._metrics = metrics
        self._limits = limits
        self._new_ids = PredictionIds()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="disk")

    def table(self) -> Table:
        """By what requests are shared out now. Raises Refusing when nothing is loaded."""
        table = self._switch.table
        if table is None:
            raise Refusing(503, f"No model is loaded: {self._switch.error or 'it is being loaded'}.", retry_seconds=1)
        return table

    @property
    def troubles(self) -> Mapping[str, str]:
        """What keeps variants from answering, by name."""
        return self._switch.troubles

    async def answer(self, asking: Asking, inputs: Inputs, ids: Sequence[str] | None = None) -> Answer:
        """Pick a variant, check, score, write down. Raises Refusing.

        The table is taken once: a switch meanwhile changes nothing for this request.
        """
        table = self.table()
        variant = self._pick(table, asking, inputs)
        asking.answerer = variant.answerer
        named = self._ids_for(inputs.records, ids)
        columns, problems = inputs.fit(variant.scorer.columns, table.column_names)
        if problems.total:
            raise refuse_with(problems)
        if asking.probe:
            scored = await _score(variant, columns, inputs.records, asking)
            return Answer(variant.answerer, named, scored.outcomes, scored.output, {})
        while True:
            try:
                answer = await self._score_and_record(variant, named, columns, asking, ids is not None)
                break
            except AlreadyPredicted:
                # Another request was faster with one of these ids: what it was answered is the answer now.
                continue
            except OSError as error:
                raise _not_written(error, "prediction") from error
        self._mirror(table, inputs, variant, columns, answer, asking.params is not None)
        return answer

    async def feedback(self, labels: Sequence[tuple[str, Label]]) -> Labelled:
        """Record the labels that are new. Raises Refusing."""
        try:
            labelled = await self.in_pool(lambda: self._log.record_labels(labels))
        except LogFull as error:
            raise _too_full() from error
        except OSError as error:
            raise _not_written(error, "label") from error
        for new in labelled.new:
            for one in new.predictions:
                self._metrics.count_label(one.answerer, one.decision, new.label)
        return labelled

    def close(self) -> None:
        """Nothing more will be asked: stop watching, and leave the log in order."""
        self._switch.stop()
        self._pool.shutdown(wait=True)
        self._log.close()

    async def in_pool(self, work: Callable[[], T]) -> T:
        """Do what takes a while, or waits for the disk, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _pick(self, table: Table, asking: Asking, inputs: Inputs) -> ServedVariant:
        if asking.probe and asking.variant is None:
            # A probe takes nobody's turn.
            return table.main
        key = asking.key
        if key is None and table.sticky is not None and inputs.records:
            key = key_of(inputs.first(table.sticky))
        return table.pick(asking.variant, key)

    async def _score_and_record(
        self, variant: ServedVariant, ids: Sequence[str], columns: Columns, asking: Asking, may_repeat: bool
    ) -> Answer:
        """Score and write down what is new; a repeated record gets its recorded answer. Raises AlreadyPredicted."""
        repeated: Mapping[str, Recalled] = {}
        if may_repeat and self._log.known_among(ids):
            repeated = await self.in_pool(lambda: recall(self._log, ids, columns))
        new = [number for number, text in enumerate(ids) if text not in repeated] if repeated else range(len(ids))
        if not new:
            outcomes = [repeated[text].outcome for text in ids]
            return Answer(variant.answerer, ids, outcomes, None, repeated)
        new_ids, new_columns = ids, columns
        if repeated:
            new_ids = [ids[number] for number in new]
            new_columns = {name: [values[number] for number in new] for name, values in columns.items()}
        scored = await _score(variant, new_columns, len(new_ids), asking)
        seconds = time.perf_counter() - asking.began
        told = (scored.outcomes, seconds, scored.probabilities)
        await self._record(Prediction(variant.answerer, new_ids, new_columns, *told))
        self._metrics.count_outcomes(variant.answerer, scored.outcomes)
        if not repeated:
            return Answer(variant.answerer, ids, scored.outcomes, scored.output, repeated)
        given = {text: one.outcome for text, one in repeated.items()}
        given.update(zip(new_ids, scored.outcomes, strict=True))
        return Answer(variant.answerer, ids, [given[text] for text in ids], None, repeated)

    async def _record(self, prediction: Prediction) -> None:
        """Hand the rows to the log; in strict mode wait for the disk. Raises AlreadyPredicted, OSError or Refusing."""
        give_up = time.monotonic() + WAIT_FOR_LOG_SECONDS
        while True:
            try:
                written = self._log.record(prediction)
                break
            except LogFull as error:
                if time.monotonic() > give_up:
                    raise _too_full() from error
                await asyncio.sleep(0.02)
        if written is not None:
            await asyncio.wrap_future(written)

    def _mirror(
        self,
        table: Table,
        inputs: Inputs,
        answered: ServedVariant,
        columns: Columns,
        answer: Answer,
        with_params: bool,
    ) -> None:
        """Hand copies of what was answered anew to the shadows."""
        if answer.known:
            return
        for shadow in table.mirrored:
            assert shadow.mirror is not None
            if shadow is answered:
                continue
            if with_params:
                # Without them it would be asked something else.
                shadow.mirror.drop()
                continue
            if shadow.scorer.columns == answered.scorer.columns:
                shadow.mirror.offer(answer.ids, columns, inputs.records)
                continue
            own, problems = inputs.fit(shadow.scorer.columns, table.column_names)
            if problems.total:
                shadow.mirror.drop()
            else:
                shadow.mirror.offer(answer.ids, own, inputs.records)

    def _ids_for(self, records: int, ids: Sequence[str] | None) -> Sequence[str]:
        """The caller's ids, or new ones; refuses too many records and ids that do not fit."""
        if records > self._limits.records:
            raise Refusing(413, f"A request may hold {self._limits.records} records, not {records}.")
        if ids is None:
            return self._new_ids.new(records)
        if len(ids) != records:
            wrong = Problem(None, "ids", f"there are {len(ids)} ids for {records} records")
            raise Refusing(422, "Give one id for each record, or none.", [wrong])
        problems = check_ids(ids)
        if problems.total:
            raise Refusing(422, "Some prediction ids cannot be used.", problems.listed)
        return ids


def record_of_shadow(log: PredictionLog, metrics: Metrics) -> Callable[..., None]:
    """How a shadow's predictions are written down; a copy that cannot be is counted as dropped."""

    def record(answerer: Answerer, ids: Sequence[str], columns: Columns, scored: Scored, seconds: float) -> None:
        try:
            told = (scored.outcomes, seconds, scored.probabilities)
            log.record_mirrored(Prediction(answerer, ids, columns, *told))
        except (LogFull, OSError):
            metrics.count_dropped(answerer)

    return record


async def _score(variant: ServedVariant, columns: Columns, records: int, asking: Asking) -> Scored:
    beside = Beside(asking.params, asking.trace) if asking.params or asking.trace else None
    try:
        return await variant.queue.score(columns, records, beside)
    except Refusing:
        raise
    except Exception as error:  # a model is somebody's code: whatever it raises is its answer to this request
        answerer = variant.answerer
        _log.error("model %s %d failed", answerer.model, answerer.version, exc_info=error)
        raise Refusing(500, f"The model failed on these records: {type(error).__name__}: {error}") from error


def _not_written(error: OSError, what: str) -> Refusing:
    _log.error("a %s was not written: %s", what, error)
    return Refusing(507, f"The {what} was not recorded, so it does not count: {error.strerror}. Make room and repeat.")


def _too_full() -> Refusing:
    return Refusing(503, "The prediction log is written too slowly for so many requests.", retry_seconds=1)
