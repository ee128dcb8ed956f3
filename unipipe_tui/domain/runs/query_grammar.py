"""The query language as a table: the parser reads by it, and the page on queries is made of it."""

from __future__ import annotations

import re
from enum import Enum

from unipipe_tui.domain.runs.query import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Field,
    FieldKind,
    Not,
    Operator,
    Word,
)
from unipipe_tui.domain.values import frozen


class Holds(Enum):
    """What the values of a field are, and so how they are compared."""

    NUMBER = "number"
    TIME = "time"
    TEXT = "text"
    LOOSE_TEXT = "text or number"
    """Text that often is a number, and can be compared as one."""

    @property
    def operators(self) -> tuple[Operator, ...]:
        """How such a field can be compared."""
        match self:
            case Holds.NUMBER | Holds.TIME:
                return (*_EQUALITY, *ORDERING, *_PRESENCE)
            case Holds.TEXT:
                return (*_EQUALITY, *_PATTERNS, *_LISTS, *_PRESENCE)
            case Holds.LOOSE_TEXT:
                return (*_EQUALITY, *ORDERING, *_PATTERNS, *_LISTS, *_PRESENCE)


ORDERING = (Operator.GREATER, Operator.GREATER_OR_EQUAL, Operator.LESS, Operator.LESS_OR_EQUAL)
_EQUALITY = (Operator.EQUAL, Operator.NOT_EQUAL)
_PATTERNS = (Operator.LIKE, Operator.ILIKE)
_LISTS = (Operator.IN, Operator.NOT_IN)
_PRESENCE = (Operator.IS_NULL, Operator.IS_NOT_NULL)


@frozen
class KindRow:
    """What a field can belong to."""

    kind: FieldKind
    also: tuple[str, ...]
    """Other words for it."""
    holds: Holds
    """What its fields hold; attributes say it one by one."""
    meaning: str
    examples: tuple[str, ...]


KINDS = (
    KindRow(
        FieldKind.METRIC,
        ("metric",),
        Holds.NUMBER,
        "the last value logged under a key",
        ("metrics.pr_auc > 0.8", "metrics.`recall at 0.95` >= 0.5", "metrics.loss IS NULL"),
    ),
    KindRow(
        FieldKind.PARAM,
        ("param", "parameter", "parameters"),
        Holds.LOOSE_TEXT,
        "a param; params are texts, but `>`, `>=`, `<` and `<=` compare them as numbers",
        ("params.depth = '6'", "params.depth=6", "params.lr < 0.1", "params.model ILIKE 'xgb%'"),
    ),
    KindRow(
        FieldKind.TAG,
        ("tag",),
        Holds.LOOSE_TEXT,
        "a tag, compared as a param is",
        ("tags.`mlflow.source.git.commit` LIKE '3f2a%'", "tags.reviewed IS NOT NULL"),
    ),
    KindRow(
        FieldKind.ATTRIBUTE,
        ("attribute", "attr", "run"),
        Holds.TEXT,
        "what every run has; the word before the dot may be left out",
        ("attributes.status = 'FAILED'", "status != FINISHED", "start_time > '2026-11-01'"),
    ),
    KindRow(
        FieldKind.DATASET,
        ("dataset",),
        Holds.TEXT,
        "a data set that the run read: its `name`, `digest` or `context`; one that fits is enough",
        ("datasets.digest = 'd41d8cd9'", "dataset.context IN ('training', 'evaluation')"),
    ),
)


@frozen
class AttributeRow:
    """Something that every run has."""

    name: str
    also: tuple[str, ...]
    """Other words for it; the case of letters does not count."""
    holds: Holds
    meaning: str


LIFECYCLE = "lifecycle_stage"

ATTRIBUTES = (
    AttributeRow("run_id", ("id",), Holds.TEXT, "the run's id"),
    AttributeRow("run_name", ("run name", "name"), Holds.TEXT, "the run's name"),
    AttributeRow("experiment", ("experiment_name",), Holds.TEXT, "the name of the experiment that it is in"),
    AttributeRow("experiment_id", (), Holds.TEXT, "that experiment's id"),
    AttributeRow("status", (), Holds.TEXT, "`RUNNING`, `FINISHED`, `FAILED`, `KILLED` or `SCHEDULED`"),
    AttributeRow("start_time", ("created", "started"), Holds.TIME, "when it began"),
    AttributeRow("end_time", ("ended",), Holds.TIME, "when it ended"),
    AttributeRow("duration", (), Holds.NUMBER, "seconds from its beginning to its end"),
    AttributeRow("user_id", ("user",), Holds.TEXT, "who began it"),
    AttributeRow("artifact_uri", (), Holds.TEXT, "where its files are"),
    AttributeRow("source", (), Holds.TEXT, "which tool keeps it: `mlflow` or `dvc`"),
    AttributeRow(
        LIFECYCLE,
        ("lifecycle",),
        Holds.TEXT,
        "`active` or `deleted`; a run in a deleted experiment counts as deleted. Deleted runs are hidden, but not from a"
        " question that names this",
    ),
)

DATASET_KEYS = ("name", "digest", "context")


@frozen
class OperatorRow:
    """A way to compare."""

    operator: Operator
    also: tuple[str, ...]
    """Other ways to write it."""
    meaning: str
    example: str


OPERATORS = (
    OperatorRow(Operator.EQUAL, ("==",), "is the same, letter by letter", "status = 'FINISHED'"),
    OperatorRow(Operator.NOT_EQUAL, ("<>",), "is there and is another; NaN is another than any", "params.depth != '6'"),
    OperatorRow(Operator.GREATER, (), "is more", "metrics.auc > 0.9"),
    OperatorRow(Operator.GREATER_OR_EQUAL, (), "is as much or more", "metrics.auc >= 0.9"),
    OperatorRow(Operator.LESS, (), "is less", "duration < 60"),
    OperatorRow(Operator.LESS_OR_EQUAL, (), "is as much or less", "params.depth <= 6"),
    OperatorRow(
        Operator.LIKE, (), "fits a pattern: `%` stands for anything, `_` for one character", "run_name LIKE 'night%'"
    ),
    OperatorRow(Operator.ILIKE, (), "the same, and the case of A to Z does not count", "tags.team ILIKE '%fraud%'"),
    OperatorRow(Operator.IN, (), "is one of these", "run_id IN ('3f2a', '77b0')"),
    OperatorRow(Operator.NOT_IN, (), "is there and is none of these", "params.model NOT IN ('svm', 'knn')"),
    OperatorRow(Operator.IS_NULL, (), "the run lacks it", "tags.reviewed IS NULL"),
    OperatorRow(Operator.IS_NOT_NULL, (), "the run has it", "metrics.auc IS NOT NULL"),
)


@frozen
class FormRow:
    """A form of the language beside comparisons."""

    written: str
    meaning: str
    example: str


FORMS = (
    FormRow(
        "`A and B`, `A B`",
        "both; conditions that merely follow each other are joined by `and`",
        "metrics.pr_auc > 0.8 params.depth=6 tag:nightly xgboost",
    ),
    FormRow("`A or B`", "at least one of them; `and` binds more tightly", "status = FAILED or status = KILLED"),
    FormRow("`not A`", "every run but those, also runs that lack what `A` asks for", "not tags.reviewed = 'yes'"),
    FormRow("`( ... )`", "what belongs together", "(status = FAILED or status = KILLED) and user_id = 'ada'"),
    FormRow(
        "a bare word",
        "found, whatever its case, in the name, the beginning of the id, the experiment, or the value of a param or tag",
        "xgboost",
    ),
    FormRow("a quoted bare word", "the same, for text with spaces and for `and`, `or`, `not`", '"learning rate"'),
    FormRow(
        "`key:value`",
        "found in one place: an attribute, or the param, tag or metric of this key. A value that is a number is compared as "
        "a number, any other is found within the text, whatever its case",
        "depth:6 user:ada started:2026-11",
    ),
    FormRow(
        "`tag:value`, `param:value`, `dataset:value`",
        "found in a key or value of any tag, of any param, or in a data set",
        'tag:nightly dataset:"payments 2026"',
    ),
    FormRow("`metric:value`", "the run has a metric with this in its key", "metric:recall"),
)

QUOTES = (
    FormRow(
        "`'text'` or `\"text\"`",
        "a value. What is between the quotes counts as it is; a text that holds one kind of quote stands in the other",
        'params.note = "it\'s fine"',
    ),
    FormRow(
        "`text` without quotes",
        "a value too, where it has no space, quote, bracket, comma or comparison sign",
        "params.optimizer=adam-w",
    ),
    FormRow(
        "a key in backquotes or double quotes",
        "needed where the key has a space, a quote, a bracket, a comma or a comparison sign",
        "metrics.`val loss` < 0.1 and params.\"a=b\" = 'c'",
    ),
)

ORDERS = (
    FormRow("`FIELD`, `FIELD ASC`", "the smallest first", "attributes.start_time"),
    FormRow(
        "`FIELD DESC`", "the largest first; runs that lack it, and NaN, come last either way", "metrics.pr_auc DESC"
    ),
)


def kind_named(word: str) -> FieldKind | None:
    """The kind of field that goes by this word, in any case of letters."""
    lower = word.lower()
    return next((row.kind for row in KINDS if lower == row.kind.value or lower in row.also), None)


def attribute_named(word: str) -> AttributeRow | None:
    """The attribute that goes by this word, in any case of letters."""
    lower = word.lower()
    return next((row for row in ATTRIBUTES if lower == row.name or lower in row.also), None)


def speaks_of(where: Condition | None, attribute: str) -> bool:
    """Whether a condition compares this attribute, or looks for a word in it."""
    match where:
        case Comparison(field=field):
            return field == Field(FieldKind.ATTRIBUTE, attribute)
        case Word(key=key):
            prefix, _, rest = (key or "").partition(".")
            named = attribute_named(rest if kind_named(prefix) is FieldKind.ATTRIBUTE else key or "")
            return named is not None and named.name == attribute
        case AllOf(conditions=conditions) | AnyOf(conditions=conditions):
            return any(speaks_of(condition, attribute) for condition in conditions)
        case Not(condition=condition):
            return speaks_of(condition, attribute)
        case None:
            return False


def operator_written(sign: str) -> Operator | None:
    """The operator that is written so; words in upper case."""
    return next((row.operator for row in OPERATORS if sign == row.operator.value or sign in row.also), None)


def holds(kind: FieldKind, key: str) -> Holds:
    """What the values of a field are."""
    if kind is FieldKind.ATTRIBUTE and (attribute := attribute_named(key)) is not None:
        return attribute.holds
    return next(row.holds for row in KINDS if row.kind is kind)


def as_number(text: str) -> float | None:
    """The number that is written here, in decimal; None when it is none."""
    return float(text) if _NUMBER.fullmatch(text) else None


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def all_examples() -> tuple[str, ...]:
    """Every query that the page shows."""
    of_kinds = [example for row in KINDS for example in row.examples]
    return (*of_kinds, *(row.example for row in (*OPERATORS, *FORMS, *QUOTES)))
