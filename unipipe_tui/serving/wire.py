"""What goes over the wire: the bodies of requests and answers, as the OpenAPI page shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """A request body: unknown keys are mistakes, and types are not bent into shape."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PredictionRequest(Body):
    """Records to score."""

    records: list[dict[str, object]] = Field(min_length=1)
    ids: list[str] | None = None
    """The caller's prediction ids, one per record; generated when left out."""


class Prediction(BaseModel):
    """The answer for one record."""

    prediction_id: str
    score: float | None
    decision: int | str | None


class KnownPrediction(BaseModel):
    """A prediction that was given before; its answer is the recorded one."""

    prediction_id: str
    model: str
    version: int
    """The version that gave it then."""


class PredictionAnswer(BaseModel):
    """The answers in the order of the records, and which version gave them."""

    model: str
    version: int
    variant: str
    predictions: list[Prediction]
    known: list[KnownPrediction] = []
    """Those that were not scored anew, since their ids name earlier predictions of the same inputs."""


class LabelOfPrediction(Body):
    """What turned out to be true."""

    prediction_id: str
    label: int | Annotated[float, Field(allow_inf_nan=False)] | str | bool


class FeedbackRequest(Body):
    """Labels, late or repeated as they may be."""

    labels: list[LabelOfPrediction] = Field(min_length=1)


class FeedbackAnswer(BaseModel):
    """How many labels were recorded, and the ids of those that were not."""

    accepted: int
    repeated: int
    unknown: list[str]
    conflicting: list[str]
    """Labelled differently before: the first label stands."""


class InvocationsRequest(BaseModel):
    """One of the four forms of MLflow; keys that it does not know are passed over."""

    dataframe_split: dict[str, object] | None = None
    """`columns` and `data`, a list of rows."""
    dataframe_records: list[dict[str, object]] | None = None
    instances: list[object] | None = None
    """One object for each record."""
    inputs: dict[str, object] | list[object] | None = None
    """One list for each column."""
    params: dict[str, object] | None = None
    """Beside the records, for models whose signature names params."""


class InvocationsAnswer(BaseModel):
    """What the model returned, in the form in which MLflow writes it."""

    predictions: list[object]


class RefusedField(BaseModel):
    """What is wrong with one field of one record."""

    record: int | None
    field: str
    reason: str


class InvocationsRefusal(BaseModel):
    """Why a request was not answered, in MLflow's form."""

    error_code: str
    message: str
    problems: list[RefusedField] = []


class TensorMetadata(BaseModel):
    """A tensor without its elements; a dimension of any size is -1."""

    name: str
    datatype: str
    shape: list[int]


class InferenceTensor(BaseModel):
    """A tensor; `data` is flat or nested as its shape is."""

    model_config = ConfigDict(strict=True)

    name: str
    shape: list[int] = Field(min_length=1)
    datatype: str
    parameters: dict[str, object] = {}
    data: list[object]

    @property
    def content_type(self) -> str | None:
        """What the elements stand for, if the parameters say."""
        given = self.parameters.get("content_type")
        return given if isinstance(given, str) else None


class WantedOutput(BaseModel):
    """An output that is asked for."""

    model_config = ConfigDict(strict=True)

    name: str
    parameters: dict[str, object] = {}


class InferenceRequest(BaseModel):
    """Tensors to score."""

    model_config = ConfigDict(strict=True)

    id: str | None = None
    parameters: dict[str, object] = {}
    inputs: list[InferenceTensor] = Field(min_length=1)
    outputs: list[WantedOutput] | None = None
    """All of them when left out."""


class InferenceAnswer(BaseModel):
    """What the model returned, and which version of it."""

    model_name: str
    model_version: str
    id: str | None = None
    parameters: dict[str, str]
    """`variant`, and `prediction_ids` for `/feedback`."""
    outputs: list[InferenceTensor]


class InferenceRefusal(BaseModel):
    """Why a request was not answered."""

    error: str


class ServerMetadata(BaseModel):
    """Which server this is."""

    name: str
    version: str
    extensions: list[str]


class ServerHealth(BaseModel):
    """Whether requests are received, and whether a model answers them."""

    live: bool
    ready: bool


class ModelReady(BaseModel):
    """Whether a model can be asked."""

    name: str
    ready: bool


class ModelParameters(BaseModel):
    """What the protocol has no word for."""

    classes: list[int | str]
    """What the columns of the answer stand for: it has the probability of each."""


class ModelMetadata(BaseModel):
    """What a model takes and returns."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: ModelParameters | None = None
    """Left out by a model that tells no probabilities of several classes."""


class Health(BaseModel):
    """The process is alive."""

    pid: int
    uptime_seconds: float


class VariantState(BaseModel):
    """One variant of the table that requests are shared out by."""

    name: str
    model: str
    version: int
    digest: str
    weight: float
    """Percent of the answers."""
    mirrored: bool
    ready: bool
    error: str | None
    """What keeps it from answering."""
    since: datetime
    """When it got this place."""
    url: str | None
    """The server that answers for it; null when its model is in this process."""
    run_id: str | None
    commit: str | None
    data: str | None


class LogState(BaseModel):
    """How the prediction log is."""

    mode: str
    rows_behind: int
    error: str | None
    """Why it cannot be written at the moment."""


class WorkerState(BaseModel):
    """The process that answers, under one that starts it again when it dies."""

    pid: int
    supervisor: int
    restarts: int
    last_exit: str | None
    """How the one before it ended."""


class Readiness(BaseModel):
    """What answers, and why something else does not."""

    ready: bool
    model: str | None = None
    """Of the variant that answers most, as the three below."""
    version: int | None = None
    digest: str | None = None
    since: datetime | None = None
    target: str | None = None
    release: str | None = None
    actor: str | None = None
    at: str | None = None
    """When the release was given to this server."""
    sticky: str | None = None
    serving: str | None = None
    """The order of the table that answers now."""
    variants: list[VariantState] = []
    order: str | None
    """What the operator called the last wish; `error` speaks of it. It is fulfilled when `serving` is the same."""
    wanted: list[str]
    """The digests of that wish."""
    error: str | None
    requests: int
    in_flight: int
    log: LogState
    worker: WorkerState


class Refusal(BaseModel):
    """Why a request was not answered."""

    error: str
    problems: list[RefusedField] = []
