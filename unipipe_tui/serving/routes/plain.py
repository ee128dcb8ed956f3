"""Our own protocol: `/predict` takes records as JSON objects, `/feedback` takes labels by prediction id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.prediction_log import Label
from unipipe_tui.serving.routes.answering import PARSED_ON_THE_LOOP, Answering, read_body
from unipipe_tui.serving.service import Answer, Asking, Service
from unipipe_tui.serving.validation import Column, Columns, Problems, check_records
from unipipe_tui.serving.wire import FeedbackAnswer, FeedbackRequest, PredictionAnswer, PredictionRequest, Refusal

LEAST_ROUNDED = 2.0**53
"""From here on a float stands for several whole numbers."""
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal} for status in (401, 404, 408, 409, 413, 422, 500, 502, 503, 504, 507)
}


@frozen
class Records:
    """Records as JSON objects."""

    given: Sequence[dict[str, object]]

    @property
    def records(self) -> int:
        """How many records."""
        return len(self.given)

    def first(self, column: str) -> object:
        """The value of a column in the first record, unchecked."""
        return self.given[0].get(column)

    def fit(self, columns: Sequence[Column], others: frozenset[str]) -> tuple[Columns, Problems]:
        """The values of these columns, checked."""
        return check_records(self.given, columns, others)


def plain_routes(service: Service, answering: Answering) -> APIRouter:
    """`/predict` and `/feedback`."""
    router = APIRouter()

    async def answered(asking: Asking, body: bytes) -> Response:
        # Large bodies are parsed beside the loop, which must go on reading the others.
        if len(body) <= PARSED_ON_THE_LOOP:
            request = read_body(body, PredictionRequest)
        else:
            request = await service.in_pool(lambda: read_body(body, PredictionRequest))
        answer = await service.answer(asking, Records(request.records), request.ids)
        return Response(_told(answer), media_type="application/json")

    @router.post(
        "/predict",
        response_model=PredictionAnswer,
        responses=REFUSALS,
        openapi_extra=body_of(
            PredictionRequest, {"records": [{"amount": 12.5, "region": "north"}], "ids": ["order-1"]}
        ),
    )
    async def predict(request: Request) -> Response:
        """Score records; when the answer arrives the predictions are in the log, or within a second.

        `Unipipe-Variant` asks one variant, `Unipipe-Key` keeps a caller with one, `Unipipe-Probe: 1` leaves no trace.
        """
        return await answering(request, answered)

    @router.post(
        "/feedback",
        response_model=FeedbackAnswer,
        responses=REFUSALS,
        openapi_extra=body_of(FeedbackRequest, {"labels": [{"prediction_id": "order-1", "label": 1}]}),
    )
    async def feedback(request: Request) -> Response:
        """Record labels by prediction id; the first label of a prediction stands."""
        given = read_body(await request.body(), FeedbackRequest)
        labelled = await service.feedback([(one.prediction_id, _label(one.label)) for one in given.labels])
        answer = FeedbackAnswer(
            accepted=len(labelled.new),
            repeated=labelled.repeated,
            unknown=labelled.unknown,
            conflicting=labelled.conflicting,
        )
        return Response(answer.model_dump_json(), media_type="application/json")

    return router


def body_of(form: type[Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """How OpenAPI tells of a body that the route reads by itself; `app` adds the form to the document."""
    told = {"schema": {"$ref": f"#/components/schemas/{form.__name__}"}, "example": example}
    return {"requestBody": {"required": True, "content": {"application/json": told}}}


def _label(label: int | float | str | bool) -> Label:
    """True, 1 and 1.0 are one label; the log knows it as 1."""
    whole = isinstance(label, bool) or (isinstance(label, float) and label.is_integer() and abs(label) < LEAST_ROUNDED)
    return int(label) if whole else label


def _told(answer: Answer) -> bytes:
    """The answer's JSON; made without a model, which would check what is known to be right."""
    return _ENCODED(
        {
            "model": answer.answerer.model,
            "version": answer.answerer.version,
            "variant": answer.answerer.variant,
            "predictions": [
                {"prediction_id": text, "score": outcome.score, "decision": outcome.decision}
                for text, outcome in zip(answer.ids, answer.outcomes, strict=True)
            ],
            "known": [
                {"prediction_id": text, "model": one.model, "version": one.version}
                for text, one in answer.known.items()
            ],
        }
    ).encode()


# `json.dumps` would make an encoder anew for each answer.
_ENCODED = json.JSONEncoder(separators=(",", ":")).encode
