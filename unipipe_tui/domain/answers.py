"""What a model's answers are, told from the log itself: yes or no, one of several classes, or a number."""

from __future__ import annotations

import math
from enum import StrEnum

from unipipe_tui.domain.serving import AnsweredRows, JudgedRows

YES = ("1", "1.0", "true", "True")
NO = ("0", "0.0", "false", "False")
EITHER = frozenset((*YES, *NO))


class AnswerKind(StrEnum):
    """What a model answers with."""

    DECISIONS = "decisions"
    """Yes or no, with or without a score."""
    CLASSES = "classes"
    """One of several, by name."""
    NUMBERS = "numbers"
    """A regression."""


def kind_of(rows: AnsweredRows) -> AnswerKind:
    """What these answers are.

    Scores without any decision are numbers, unless all of them lie between 0 and 1 and no label is anything but yes or no: then
    they are the scores of a classifier that decides nothing. A decision or label that is neither yes nor no is a class, and so
    is any of a model that tells how likely each of several is: in few rows there may be none but 0 and 1.
    """
    if len(rows.probabilities) > 2:
        return AnswerKind.CLASSES
    said = {one for one in rows.decisions if one is not None}
    true = {one for one in rows.labels if one is not None}
    if said:
        return AnswerKind.DECISIONS if said | true <= EITHER else AnswerKind.CLASSES
    scores = [one for one in rows.scores if one is not None and math.isfinite(one)]
    of_classifier = true <= EITHER and all(0 <= one <= 1 for one in scores)
    return AnswerKind.DECISIONS if of_classifier else AnswerKind.NUMBERS


def as_decisions(rows: AnsweredRows) -> JudgedRows:
    """The rows of a model that says yes or no."""
    return JudgedRows(
        at=rows.at,
        scores=rows.scores,
        decisions=tuple(one in YES for one in rows.decisions),
        labels=tuple(None if one is None else one in YES for one in rows.labels),
        label_at=rows.label_at,
        inputs=rows.inputs,
    )
