"""What the protocols of others share: refusals in their words, and prediction ids short enough for a header."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import HTTPException, Request, Response

from unipipe_tui.serving.prediction_ids import PredictionIds
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.routes.answering import Answering, Speak
from unipipe_tui.serving.service import Asking
from unipipe_tui.serving.validation import Problem

IDS_IN_FULL = 20
"""More of them are told as one beginning and a range of numbers."""
Word = Callable[[Refusing], Response]


async def answered_in_their_words(answering: Answering, request: Request, speak: Speak, word: Word) -> Response:
    """Answer by a protocol that knows no 422 and has a form of its own for refusals."""

    async def speaking(asking: Asking, body: bytes) -> Response:
        try:
            return await speak(asking, body)
        except Refusing as refused:
            raise _without_422(refused) from refused

    try:
        return await answering(request, speaking)
    except Refusing as refused:
        answer = word(refused)
        if refused.headers:
            answer.headers.update(refused.headers)
        return answer
    except HTTPException as refused:
        answer = word(Refusing(refused.status_code, str(refused.detail)))
        answer.headers.update(refused.headers or {})
        return answer


def ids_for(records: int) -> Sequence[str] | None:
    """Ids that `ids_in_short` can tell in a line; None for few records, whose ids may be any."""
    if records <= IDS_IN_FULL:
        return None
    (beginning,) = PredictionIds().new(1)
    return [f"{beginning}-{number}" for number in range(records)]


def ids_in_short(ids: Sequence[str]) -> str:
    """`a,b,c`, or for many `<beginning>-[0-999]`, which stands for one id with each of these numbers."""
    if len(ids) <= IDS_IN_FULL:
        return ",".join(ids)
    return f"{ids[0].removesuffix('-0')}-[0-{len(ids) - 1}]"


def told_in_full(refused: Refusing) -> str:
    """The reason with the fields that are wrong, for forms that have only a text."""
    return " ".join([refused.error, *(f"{_place(problem)} {problem.reason}." for problem in refused.problems)])


def _place(problem: Problem) -> str:
    return repr(problem.field) + ("" if problem.record is None else f" of record {problem.record}")


def _without_422(refused: Refusing) -> Refusing:
    if refused.status != 422:
        return refused
    return Refusing(400, refused.error, refused.problems)
