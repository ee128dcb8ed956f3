"""Records that are sent again: the same under the same id keeps its recorded answer, another one is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.folding import Row, as_json
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.scoring import Outcome
from unipipe_tui.serving.validation import Columns, Problems

INPUT = "input."


@frozen
class Recalled:
    """What was answered before."""

    model: str
    version: int
    outcome: Outcome


def recall(log: PredictionLog, ids: Sequence[str], columns: Columns) -> dict[str, Recalled]:
    """The recorded answers to those ids that name earlier predictions; the usual request has none and costs nothing.

    Raises Refusing, naming each id under which something else was asked before.
    """
    known = log.known_among(ids)
    if not known:
        return {}
    rows: Mapping[str, Any] = log.read_back(known)
    problems = Problems()
    for number, text in enumerate(ids):
        if text in known and not (text in rows and _is_same(rows[text], columns, number)):
            told = "of other inputs" if text in rows else "that cannot be read back"
            problems.add(number, "ids", f"{text!r} names an earlier prediction {told}")
    if problems.total:
        raise Refusing(409, "A prediction id can be used again only for the same inputs.", problems.listed)
    return {text: _recalled(rows[text]) for text in ids if text in known}


def _recalled(row: Mapping[str, Any]) -> Recalled:
    return Recalled(row["model"], row["version"], Outcome(row["score"], row["decision"]))


def _is_same(row: Row, columns: Columns, number: int) -> bool:
    """Whether all inputs agree; one that the other side lacks counts as null there."""
    given = {f"{INPUT}{name}": values[number] for name, values in columns.items()}
    names = given.keys() | {name for name in row if name.startswith(INPUT)}
    return all(_agree(given.get(name), row.get(name)) for name in names)


def _agree(given: object, recorded: object) -> bool:
    """Equal as the log writes it, also when its segment holds several types and so wrote text."""
    return given == recorded or _written(given) == _written(recorded)


def _written(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    written = as_json(value)
    return json.loads(written) if written.startswith(b'"') else written.decode()
