"""What can be asked about runs: conditions on what was logged, an order, a page. Text becomes this in `query_text`."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, StrEnum

from unipipe_tui.domain.values import frozen


class FieldKind(StrEnum):
    """What a field belongs to, in MLflow's words."""

    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    ATTRIBUTE = "attributes"
    DATASET = "datasets"


@frozen
class Field:
    """One thing that a run has: `metrics.loss`, `params.depth`, `attributes.start_time`, `datasets.digest`."""

    kind: FieldKind
    key: str
    """As it was logged. For attributes and data sets our own name of it, whatever synonym was typed."""

    def __str__(self) -> str:
        plain = self.key.replace("_", "").replace(".", "").replace("-", "").isalnum()
        return f"{self.kind}.{self.key}" if plain else f"{self.kind}.`{self.key}`"


class Operator(StrEnum):
    """How a field is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"


@frozen
class Comparison:
    """A field compared with a value, as MLflow compares it: a run that lacks the field does not fit (but IS NULL)."""

    field: Field
    operator: Operator
    value: str | float | tuple[str, ...] | None = None
    """A number for metrics and numeric attributes, several texts for IN, None for IS NULL, else a text."""


@frozen
class Word:
    """A bare word: it is found, whatever its case, in the name, the id's beginning, the experiment, params or tags."""

    text: str
    key: str | None = None
    """For `key:value`: where to look; an attribute, `tag`, `param`, or the key of a param, tag or metric."""


@frozen
class AllOf:
    """Every one of these."""

    conditions: tuple[Condition, ...]


@frozen
class AnyOf:
    """At least one of these."""

    conditions: tuple[Condition, ...]


@frozen
class Not:
    """All runs but these."""

    condition: Condition


Condition = Comparison | Word | AllOf | AnyOf | Not


def fields_of(where: Condition | None) -> Iterator[Field]:
    """The fields that a condition compares, in the order in which they stand there."""
    match where:
        case Comparison(field=field):
            yield field
        case AllOf(conditions=conditions) | AnyOf(conditions=conditions):
            for condition in conditions:
                yield from fields_of(condition)
        case Not(condition=condition):
            yield from fields_of(condition)


@frozen
class Order:
    """By which field, and which way; runs that lack it come last either way."""

    field: Field
    descending: bool = False


class Life(Enum):
    """Which runs count: MLflow hides what was deleted."""

    ACTIVE = "active"
    DELETED = "deleted"
    ALL = "all"


@frozen
class RunQuery:
    """Which runs, in which order, and which page of them. Without an order the newest come first."""

    where: Condition | None = None
    order_by: tuple[Order, ...] = ()
    limit: int | None = 100
    offset: int = 0
    life: Life = Life.ACTIVE
    experiments: tuple[str, ...] = ()
    """Names; all when empty. What is in a deleted experiment counts as deleted."""
