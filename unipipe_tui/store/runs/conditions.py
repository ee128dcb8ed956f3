"""Conditions on runs as SQL over the tables of the index. Whatever a person typed is a parameter, never part of the SQL.

A condition fits the same runs as in MLflow's own search of a SQLite store: what a run lacks fits no comparison, `!=`
neither; NaN fits only `!=`; LIKE looks at the case of letters, ILIKE at none of A to Z and at that of all others. Every
condition is true or false, never NULL, so that `not` means all other runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_lowercase, ascii_uppercase

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query import AllOf, AnyOf, Comparison, Condition, Field, FieldKind, Not, Operator, Word
from unipipe_tui.domain.runs.query_grammar import ORDERING, Holds, as_number, attribute_named, holds, kind_named
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen

ATTRIBUTES = {
    "run_id": "runs.run_id",
    "run_name": "nullif(runs.name, '')",
    "experiment": "coalesce((SELECT any_value(experiments.name) FROM experiments WHERE experiments.source = runs.source"
    " AND experiments.experiment_id = runs.experiment_id), runs.experiment_id)",
    "experiment_id": "runs.experiment_id",
    "status": "runs.status",
    "start_time": "runs.start_time",
    "end_time": "runs.end_time",
    "duration": "(runs.end_time::DOUBLE - runs.start_time::DOUBLE) / 1000",
    "user_id": "runs.user_id",
    "artifact_uri": "runs.artifact_uri",
    "source": "runs.source",
    "lifecycle_stage": "CASE WHEN (runs.source, runs.experiment_id) IN (SELECT (source, experiment_id) FROM experiments"
    " WHERE lifecycle = 'deleted') THEN 'deleted' ELSE runs.lifecycle END",
}
DATASETS = {"name": "datasets.name", "digest": "datasets.digest", "context": "datasets.context"}

_DOCUMENT_TAGS = ("mlflow.log-model.history", "mlflow.loggedModels", "mlflow.loggedArtifacts")
"""JSON that MLflow keeps for itself: nearly every word is in it."""


@frozen
class Sql:
    """A piece of SQL, and the values of its question marks."""

    text: str
    values: tuple[object, ...] = ()

    def __and__(self, other: Sql) -> Sql:
        return joined(" AND ", (self, other))


FALSE = Sql("false")


def sql(text: str, *pieces: Sql | str | float | Sequence[str]) -> Sql:
    """SQL with a `{}` for each piece: SQL stands there itself, anything else becomes a parameter."""
    texts = [piece.text if isinstance(piece, Sql) else "?" for piece in pieces]
    values = [piece.values if isinstance(piece, Sql) else (_bound(piece),) for piece in pieces]
    return Sql(text.format(*texts), tuple(value for some in values for value in some))


def joined(word: str, pieces: Iterable[Sql]) -> Sql:
    """Pieces with a word between them."""
    listed = tuple(pieces)
    return Sql(word.join(one.text for one in listed), tuple(value for one in listed for value in one.values))


def any_of(pieces: Iterable[Sql]) -> Sql:
    """Whether at least one is true."""
    return sql("({})", joined(" OR ", pieces))


def condition_sql(condition: Condition) -> Sql:
    """What is true of a row of `runs` that fits.

    Raises:
        UsageError: it names an attribute that there is not.
    """
    match condition:
        case AllOf(conditions):
            return sql("({})", joined(" AND ", map(condition_sql, conditions))) if conditions else Sql("true")
        case AnyOf(conditions):
            return any_of(map(condition_sql, conditions)) if conditions else FALSE
        case Not(inner):
            return sql("(NOT {})", condition_sql(inner))
        case Word(text, None):
            return _anywhere(text)
        case Word(text, key):
            return _in_one_place(key or "", text)
        case Comparison():
            return _comparison(condition)


def column(field: Field) -> Sql:
    """The column of an attribute or of a data set."""
    known = ATTRIBUTES if field.kind is FieldKind.ATTRIBUTE else DATASETS
    if field.key not in known:
        raise UsageError(f"There is no field {field}.", f"There is {', '.join(known)}.")
    return Sql(known[field.key])


def _comparison(wanted: Comparison) -> Sql:
    if wanted.operator is Operator.IS_NULL:
        return sql("(NOT {})", _has(wanted.field, None))
    if wanted.operator is Operator.IS_NOT_NULL:
        return _has(wanted.field, None)
    return _has(wanted.field, wanted)


def _has(field: Field, wanted: Comparison | None) -> Sql:
    """Whether a run has the field, and one that compares as wanted if anything is."""
    if field.kind is FieldKind.ATTRIBUTE:
        value = column(field)
        return sql("coalesce({}, false)", _fits(value, wanted)) if wanted else sql("({} IS NOT NULL)", value)
    if field.kind is FieldKind.DATASET:
        value = column(field)
        return _owned("datasets", sql("{} <> ''", value) & _fits(value, wanted) if wanted else sql("{} <> ''", value))
    key = sql("key = {}", field.key)
    return _owned(field.kind.value, key & _fits(Sql("value"), wanted) if wanted else key)


def _owned(table: str, condition: Sql) -> Sql:
    return sql(f"(runs.run IN (SELECT run FROM {table} WHERE {{}}))", condition)  # noqa: S608 our own tables


def _fits(value: Sql, wanted: Comparison) -> Sql:
    kept = holds(wanted.field.kind, wanted.field.key)
    if kept is Holds.LOOSE_TEXT and wanted.operator in ORDERING:
        value = sql("TRY_CAST({} AS DOUBLE)", value)
    elif kept in (Holds.TEXT, Holds.LOOSE_TEXT):
        return _text_fits(value, wanted.operator, wanted.value)
    compared = sql(f"{{}} {_SIGNS[wanted.operator]} {{}}", value, _number(wanted))
    # For DuckDB NaN is more than any number.
    is_float = wanted.field.kind is not FieldKind.ATTRIBUTE
    return sql("({} AND NOT isnan({}))", compared, value) if is_float and wanted.operator in _UPWARDS else compared


def _number(wanted: Comparison) -> float:
    if isinstance(wanted.value, int | float):
        return float(wanted.value)
    raise UsageError(f"{wanted.field} is compared with a number.", "Write one, such as 0.8.")


_SIGNS = {
    Operator.EQUAL: "=",
    Operator.NOT_EQUAL: "<>",
    Operator.GREATER: ">",
    Operator.GREATER_OR_EQUAL: ">=",
    Operator.LESS: "<",
    Operator.LESS_OR_EQUAL: "<=",
}
_UPWARDS = (Operator.GREATER, Operator.GREATER_OR_EQUAL)


def _text_fits(value: Sql, operator: Operator, wanted: str | float | tuple[str, ...] | None) -> Sql:
    if isinstance(wanted, tuple):
        one_of = sql("({} IN (SELECT unnest({}::VARCHAR[])))", value, wanted)
        return sql("(NOT {})", one_of) if operator is Operator.NOT_IN else one_of
    text = str(wanted)
    if operator is Operator.LIKE:
        return sql("({} LIKE {})", value, text)
    if operator is Operator.ILIKE:
        return _fits_whatever_case(value, text)
    return sql(f"({{}} {_SIGNS[operator]} {{}})", value, text)


def _fits_whatever_case(value: Sql, pattern: str) -> Sql:
    """SQLite's ILIKE knows the case of A to Z only, DuckDB's that of every letter: they agree where all is ASCII."""
    exact = sql("translate({}, {}, {}) LIKE {}", value, ascii_uppercase, ascii_lowercase, _ascii_lower(pattern))
    if not pattern.isascii():
        return sql("({})", exact)
    is_ascii = sql("strlen({}) = length({})", value, value)
    return sql("(CASE WHEN {} THEN {} ILIKE {} ELSE {} END)", is_ascii, value, pattern, exact)


def _ascii_lower(text: str) -> str:
    return text.translate(str.maketrans(ascii_uppercase, ascii_lowercase))


def _anywhere(text: str) -> Sql:
    """A bare word."""
    is_read = sql("key NOT IN (SELECT unnest({}::VARCHAR[]))", _DOCUMENT_TAGS)
    return any_of(
        (
            _contains(Sql("runs.name"), text),
            sql("starts_with(lower(runs.run_id), lower({}))", text),
            _contains(Sql(ATTRIBUTES["experiment"]), text),
            _owned("params", _contains(Sql("value"), text)),
            _owned("tags", _contains(Sql("value"), text) & is_read),
        )
    )


def _in_one_place(key: str, text: str) -> Sql:
    """`key:value`, whatever the key may name."""
    prefix, dot, rest = key.partition(".")
    kind = kind_named(prefix)
    if kind is not None and not dot:
        return _in_any_of_kind(kind, text)
    if kind in (FieldKind.PARAM, FieldKind.TAG, FieldKind.METRIC):
        return _under_key(kind, rest, text)
    if kind is FieldKind.DATASET:
        return _owned("datasets", _contains(column(Field(kind, rest)), text))
    attribute = attribute_named(rest if kind is FieldKind.ATTRIBUTE else key)
    if attribute is not None:
        return _in_attribute(attribute.name, attribute.holds, text)
    return any_of(_under_key(one, key, text) for one in (FieldKind.PARAM, FieldKind.TAG, FieldKind.METRIC))


def _in_any_of_kind(kind: FieldKind, text: str) -> Sql:
    match kind:
        case FieldKind.PARAM | FieldKind.TAG:
            return _owned(kind.value, any_of(_contains(Sql(one), text) for one in ("key", "value")))
        case FieldKind.METRIC:
            return _owned(kind.value, _contains(Sql("key"), text))
        case FieldKind.DATASET:
            return _owned("datasets", any_of(_contains(Sql(one), text) for one in DATASETS.values()))
        case FieldKind.ATTRIBUTE:
            return any_of(_in_attribute(one, Holds.TEXT, text) for one in ("run_name", "run_id"))


def _in_attribute(name: str, kept: Holds, text: str) -> Sql:
    value = Sql(ATTRIBUTES[name])
    if name == "run_id":
        return sql("starts_with(lower({}), lower({}))", value, text)
    if kept is Holds.TIME:
        # A moment that is none, from a clock gone wild, is no error.
        written = sql("TRY(strftime(make_timestamp({} * 1000), '%Y-%m-%dT%H:%M:%S'))", value)
        return sql("coalesce(starts_with({}, {}), false)", written, text.upper().replace(" ", "T"))
    if kept is Holds.NUMBER:
        number = as_number(text)
        return FALSE if number is None else sql("coalesce({} = {}, false)", value, number)
    return sql("coalesce({}, false)", _contains(value, text))


def _under_key(kind: FieldKind, key: str, text: str) -> Sql:
    number = as_number(text)
    if kind is FieldKind.METRIC:
        return FALSE if number is None else _owned(kind.value, sql("key = {} AND value = {}", key, number))
    if number is None:
        return _owned(kind.value, sql("key = {} AND {}", key, _contains(Sql("value"), text)))
    return _owned(kind.value, sql("key = {} AND (value = {} OR TRY_CAST(value AS DOUBLE) = {})", key, text, number))


def _contains(value: Sql, text: str) -> Sql:
    return sql("contains(lower({}), lower({}))", value, text)


def _bound(value: str | float | Sequence[str]) -> object:
    """A value as DuckDB takes it: text that is Unicode, as the index keeps it."""
    if isinstance(value, str):
        return unicode_text(value)
    return value if isinstance(value, int | float) else [unicode_text(one) for one in value]
