"""The Open Inference Protocol, version 2, over REST: health, metadata and inference under `/v2`.

Its refusals are `{"error": ...}` with 400 for what the caller did wrong, 404 for a model or version that is not here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, runtime_checkable

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from unipipe_tui import __version__
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.routes.answering import PARSED_ON_THE_LOOP, Answering, read_body
from unipipe_tui.serving.routes.callers import answered_in_their_words, ids_for, ids_in_short, told_in_full
from unipipe_tui.serving.routes.plain import body_of
from unipipe_tui.serving.scoring import Scorer
from unipipe_tui.serving.service import Answer, Asking, Service
from unipipe_tui.serving.switch import ServedVariant
from unipipe_tui.serving.tensors import Tensor, TensorFacts, Tensors, input_facts, output_tensors, read_tensor
from unipipe_tui.serving.upstreams import Upstream
from unipipe_tui.serving.wire import (
    InferenceAnswer,
    InferenceRefusal,
    InferenceRequest,
    ModelMetadata,
    ModelParameters,
    ModelReady,
    ServerHealth,
    ServerMetadata,
    TensorMetadata,
)

PLATFORM = "mlflow_pyfunc"
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": InferenceRefusal} for status in (400, 404, 408, 413, 500, 502, 503, 504, 507)
}
UNKNOWN: dict[int | str, dict[str, Any]] = {status: {"model": InferenceRefusal} for status in (404, 503)}
EXAMPLE = {
    "id": "42",
    "inputs": [
        {"name": "amount", "shape": [2], "datatype": "FP64", "data": [12.5, 80.0]},
        {"name": "region", "shape": [2], "datatype": "BYTES", "data": ["north", "south"]},
    ],
}
"""One request, as the documents show it."""
BINARY_HEADER = "inference-header-content-length"
"""An extension of Triton: tensors in binary after the JSON."""


@runtime_checkable
class KnowsItsAnswer(Protocol):
    """A scorer that has scored an example when it was loaded."""

    @property
    def example_output(self) -> Any | None:
        """What it answered then; None when it had no example."""
        ...


Seen = dict[str, tuple[TensorFacts, ...]]
"""Outputs that a model was seen to give, by its digest."""


def open_inference_routes(service: Service, answering: Answering) -> APIRouter:
    """Everything under `/v2`."""
    router = APIRouter(prefix="/v2")
    seen: Seen = {}
    _add_health(router, service)
    _add_metadata(router, service, seen)
    _add_inference(router, service, answering, seen)
    return router


def _add_health(router: APIRouter, service: Service) -> None:
    @router.get("", response_model=ServerMetadata)
    async def server_metadata() -> Response:
        """Which server this is."""
        return _json(ServerMetadata(name="unipipe", version=__version__, extensions=[]))

    @router.get("/health/live", response_model=ServerHealth)
    async def live() -> Response:
        """Whether requests are received."""
        return _json(ServerHealth(live=True, ready=_is_ready(service)))

    @router.get("/health/ready", response_model=ServerHealth, responses={503: {"model": ServerHealth}})
    async def ready() -> Response:
        """Whether a model is loaded."""
        ready = _is_ready(service)
        return _json(ServerHealth(live=True, ready=ready), 200 if ready else 503)


def _add_metadata(router: APIRouter, service: Service, seen: Seen) -> None:
    def told(model: str, version: str | None, tell: Callable[[Sequence[ServedVariant]], Response]) -> Response:
        try:
            return tell(_named(service, model, version))
        except Refusing as refused:
            return _refused(refused)

    def facts(variants: Sequence[ServedVariant]) -> Response:
        return _json(_metadata(variants, seen))

    def ready(variants: Sequence[ServedVariant]) -> Response:
        answers = any(one.wanted.name not in service.troubles for one in variants)
        return _json(ModelReady(name=variants[0].answerer.model, ready=answers), 200 if answers else 503)

    @router.get("/models/{model}", response_model=ModelMetadata, responses=UNKNOWN)
    async def model_metadata(model: str) -> Response:
        """Inputs and outputs of the version that answers most, and the versions that may be asked.

        Outputs are known when the model was saved with an example, else once it has scored a request.
        """
        return told(model, None, facts)

    @router.get("/models/{model}/versions/{version}", response_model=ModelMetadata, responses=UNKNOWN)
    async def version_metadata(model: str, version: str) -> Response:
        """Inputs and outputs of one version."""
        return told(model, version, facts)

    @router.get("/models/{model}/ready", response_model=ModelReady, responses=UNKNOWN)
    async def model_ready(model: str) -> Response:
        """Whether the model can be asked; 503 when the server that answers for it is away."""
        return told(model, None, ready)

    @router.get("/models/{model}/versions/{version}/ready", response_model=ModelReady, responses=UNKNOWN)
    async def version_ready(model: str, version: str) -> Response:
        """Whether one version can be asked."""
        return told(model, version, ready)


def _add_inference(router: APIRouter, service: Service, answering: Answering, seen: Seen) -> None:
    body = body_of(InferenceRequest, EXAMPLE)

    async def infer(request: Request, model: str, version: str | None) -> Response:
        async def speak(asking: Asking, body: bytes) -> Response:
            if BINARY_HEADER in request.headers:
                raise Refusing(400, "Tensors in binary are not taken: send them as JSON.")
            _demand_variant(service, asking, model, version)
            if len(body) <= PARSED_ON_THE_LOOP:
                asked, tensors = _read(body)
            else:
                asked, tensors = await service.in_pool(lambda: _read(body))
            _demand_outputs(_named(service, model, version), seen, asked)
            answer = await service.answer(asking, tensors, ids_for(tensors.records))
            outputs = _outputs(answer)
            seen[_digest(service, answer)] = _facts_of(outputs)
            return _told(asked, answer, _chosen(outputs, asked))

        return await answered_in_their_words(answering, request, speak, _refused)

    @router.post("/models/{model}/infer", response_model=InferenceAnswer, responses=REFUSALS, openapi_extra=body)
    async def infer_model(request: Request, model: str) -> Response:
        """Score tensors: one for each input, of shape [n] or [n, 1], or a single [n, inputs] when all are numbers.

        Variants share the requests out as with `/predict`. `parameters` of the answer holds `variant` and
        `prediction_ids`; null stands for a missing value.
        """
        return await infer(request, model, None)

    @router.post(
        "/models/{model}/versions/{version}/infer",
        response_model=InferenceAnswer,
        responses=REFUSALS,
        openapi_extra=body,
    )
    async def infer_version(request: Request, model: str, version: str) -> Response:
        """Score tensors with one version, whatever its share."""
        return await infer(request, model, version)


def _named(service: Service, model: str, version: str | None) -> list[ServedVariant]:
    """The variants of that name, the one that answers most first. Raises Refusing with 404 when there are none."""
    table = service.table()
    found = [one for one in table.variants if one.answerer.model == model]
    if not found:
        names = ", ".join(dict.fromkeys(one.answerer.model for one in table.variants))
        raise Refusing(404, f"There is no model {model!r} here, only {names}.")
    if version is not None:
        of_model, found = found, [one for one in found if str(one.answerer.version) == version]
        if not found:
            numbers = ", ".join(dict.fromkeys(str(one.answerer.version) for one in of_model))
            raise Refusing(404, f"There is no version {version!r} of {model} here, only {numbers}.")
    return sorted(found, key=lambda one: (one is not table.main, one.mirror is not None, -one.wanted.weight))


def _demand_variant(service: Service, asking: Asking, model: str, version: str | None) -> None:
    """Bind the request to a variant when the path leaves no choice. Raises Refusing."""
    fitting, everybody = _named(service, model, version), service.table().variants
    names = [one.wanted.name for one in fitting]
    if asking.variant is not None:
        if asking.variant not in names:
            raise Refusing(
                404, f"The variant {asking.variant!r} does not answer for this path, only {', '.join(names)}."
            )
    elif version is not None or any(
        one.mirror is None and one.wanted.weight and one not in fitting for one in everybody
    ):
        asking.variant = names[0]


def _metadata(variants: Sequence[ServedVariant], seen: Seen) -> ModelMetadata:
    first = variants[0]
    classes = first.scorer.facts.classes
    return ModelMetadata(
        name=first.answerer.model,
        versions=list(dict.fromkeys(str(one.answerer.version) for one in variants)),
        platform=PLATFORM,
        inputs=_told_facts(input_facts(first.scorer.columns)),
        outputs=_told_facts(_known_outputs(first, seen)),
        parameters=ModelParameters(classes=[one for one in classes if one is not None]) if classes else None,
    )


def _known_outputs(variant: ServedVariant, seen: Seen) -> tuple[TensorFacts, ...]:
    return seen.get(variant.scorer.facts.digest) or _of_example(variant.scorer)


def _of_example(scorer: Scorer) -> tuple[TensorFacts, ...]:
    if isinstance(scorer, Upstream):
        return scorer.outputs or ()
    if not isinstance(scorer, KnowsItsAnswer) or scorer.example_output is None:
        return ()
    return _facts_of(output_tensors(scorer.example_output))


def _facts_of(tensors: Sequence[Tensor]) -> tuple[TensorFacts, ...]:
    return tuple(TensorFacts(one.name, one.datatype, (-1, *one.shape[1:])) for one in tensors)


def _told_facts(facts: Sequence[TensorFacts]) -> list[TensorMetadata]:
    return [TensorMetadata(name=one.name, datatype=one.datatype, shape=list(one.shape)) for one in facts]


def _read(body: bytes) -> tuple[InferenceRequest, Tensors]:
    asked = read_body(body, InferenceRequest)
    given = [read_tensor(one.name, one.datatype, one.shape, one.data, one.content_type) for one in asked.inputs]
    if len({one.name for one in given}) != len(given):
        raise Refusing(400, "An input is given twice.")
    if not given[0].shape[0]:
        raise Refusing(400, "There are no records in the request.")
    return asked, Tensors(given)


def _outputs(answer: Answer) -> list[Tensor]:
    try:
        return output_tensors(answer.output)
    except (TypeError, ValueError) as error:
        raise Refusing(500, f"The model's answer cannot be told as tensors: {error}") from error


def _demand_outputs(variants: Sequence[ServedVariant], seen: Seen, asked: InferenceRequest) -> None:
    """Refuse an output that none of the variants has, as far as is known, before anything is scored and logged."""
    known = [_known_outputs(one, seen) for one in variants]
    if all(known):
        _demand_names(asked, {facts.name for outputs in known for facts in outputs})


def _demand_names(asked: InferenceRequest, names: Collection[str]) -> None:
    missing = [one.name for one in asked.outputs or () if one.name not in names]
    if missing:
        raise Refusing(400, f"The model has no output {missing[0]!r}, only {', '.join(sorted(names))}.")


def _chosen(outputs: Sequence[Tensor], asked: InferenceRequest) -> Sequence[Tensor]:
    if not asked.outputs:
        return outputs
    named = {one.name: one for one in outputs}
    _demand_names(asked, named)
    return [named[one.name] for one in asked.outputs]


def _digest(service: Service, answer: Answer) -> str:
    variants = service.table().variants
    return next((one.scorer.facts.digest for one in variants if one.answerer == answer.answerer), "")


def _told(asked: InferenceRequest, answer: Answer, outputs: Sequence[Tensor]) -> Response:
    document = {
        "model_name": answer.answerer.model,
        "model_version": str(answer.answerer.version),
        **({} if asked.id is None else {"id": asked.id}),
        "parameters": {"variant": answer.answerer.variant, "prediction_ids": ids_in_short(answer.ids)},
        "outputs": [
            {"name": one.name, "shape": one.shape, "datatype": one.datatype, "data": one.elements} for one in outputs
        ],
    }
    return Response(json.dumps(document, separators=(",", ":")), media_type="application/json")


def _refused(refused: Refusing) -> Response:
    return Response(json.dumps({"error": told_in_full(refused)}), refused.status, media_type="application/json")


def _is_ready(service: Service) -> bool:
    try:
        service.table()
    except Refusing:
        return False
    return True


def _json(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(exclude_none=True), status, media_type="application/json")
