"""MLflow's protocol: `/invocations` as `mlflow models serve` answers it, with what the prediction is in headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from typing import Any

from fastapi import APIRouter, Request, Response

from unipipe_tui.serving.mlflow_payloads import CSV, JSON, media_type, read_payload
from unipipe_tui.serving.outputs import mlflow_predictions
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.routes.answering import PARSED_ON_THE_LOOP, Answering
from unipipe_tui.serving.routes.callers import answered_in_their_words, ids_for, ids_in_short, told_in_full
from unipipe_tui.serving.service import Answer, Asking, Service
from unipipe_tui.serving.wire import InvocationsAnswer, InvocationsRefusal, InvocationsRequest

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": InvocationsRefusal} for status in (400, 404, 408, 413, 415, 500, 502, 503, 504, 507)
}
ERROR_CODES: Mapping[int, str] = {
    404: "RESOURCE_DOES_NOT_EXIST",
    500: "INTERNAL_ERROR",
    502: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    507: "INTERNAL_ERROR",
}
"""MLflow's word for a status; it knows none of its own for the others, which are BAD_REQUEST."""
EXAMPLES = {
    "dataframe_split": {"dataframe_split": {"columns": ["amount", "region"], "data": [[12.5, "north"], [80, "south"]]}},
    "dataframe_records": {"dataframe_records": [{"amount": 12.5, "region": "north"}]},
    "instances": {"instances": [{"amount": 12.5, "region": "north"}]},
    "inputs": {"inputs": {"amount": [12.5, 80.0], "region": ["north", "south"]}},
}
"""One body of each form."""


def invocation_routes(service: Service, answering: Answering) -> APIRouter:
    """`/invocations` and `/version`."""
    router = APIRouter()

    async def invoked(request: Request) -> Response:
        async def speak(asking: Asking, body: bytes) -> Response:
            kind = media_type(request.headers.get("content-type"))
            signature = service.table().main.scorer.columns
            if len(body) <= PARSED_ON_THE_LOOP:
                given = read_payload(body, kind, signature)
            else:
                given = await service.in_pool(lambda: read_payload(body, kind, signature))
            asking.params = given.params
            return _told(await service.answer(asking, given, ids_for(given.records)))

        return await answered_in_their_words(answering, request, speak, _refused)

    @router.post(
        "/invocations",
        response_model=InvocationsAnswer,
        responses=REFUSALS,
        openapi_extra=_BODY,
        response_description="What the model returned. The headers `Unipipe-Prediction-Ids`, `Unipipe-Model`, "
        "`Unipipe-Version` and `Unipipe-Variant` tell what to give `/feedback` and who answered.",
    )
    async def invocations(request: Request) -> Response:
        """Score records as MLflow's scoring server does: the same bodies, the same predictions, byte for byte.

        `params` is passed to models whose signature names params. Refused with 400 are also values that MLflow would
        bend: fractions and overflows in whole columns, text or null as truth values. A model that fails is 500.
        """
        return await invoked(request)

    @router.get("/version", response_class=Response)
    async def version() -> Response:
        """Which MLflow answers, as MLflow's scoring server says it; 404 where a router has none."""
        try:
            return Response(metadata.version("mlflow"), media_type=JSON)
        except metadata.PackageNotFoundError:
            return _refused(Refusing(404, "There is no MLflow in this process: its models are other servers."))

    return router


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {"$ref": f"#/components/schemas/{InvocationsRequest.__name__}"},
                "examples": {name: {"value": body} for name, body in EXAMPLES.items()},
            },
            CSV: {"schema": {"type": "string"}, "example": "amount,region\n12.5,north\n80,south\n"},
        },
    }
}


def _told(answer: Answer) -> Response:
    try:
        body = mlflow_predictions(answer.output)
    except (TypeError, ValueError) as error:
        raise Refusing(500, f"The model's answer cannot be written as JSON: {error}") from error
    who = answer.answerer
    headers = {
        "Unipipe-Prediction-Ids": ids_in_short(answer.ids),
        "Unipipe-Model": _for_header(who.model),
        "Unipipe-Version": str(who.version),
        "Unipipe-Variant": _for_header(who.variant),
    }
    return Response(body, headers=headers, media_type=JSON)


def _refused(refused: Refusing) -> Response:
    if refused.status == 415:
        return Response(refused.error, 415, media_type="text/plain")
    body = {
        "error_code": ERROR_CODES.get(refused.status, "BAD_REQUEST"),
        "message": told_in_full(refused),
        "problems": [asdict(problem) for problem in refused.problems],
    }
    return Response(json.dumps(body), refused.status, media_type=JSON)


def _for_header(text: str) -> str:
    """What a header cannot carry is written as escapes."""
    return text.encode("unicode_escape").decode("ascii")
