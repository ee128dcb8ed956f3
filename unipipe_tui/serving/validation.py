"""Compares what a request holds with what the model's signature asks for; plain values in, plain columns out."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from itertools import count

from unipipe_tui.domain.values import frozen

MOST_PROBLEMS_LISTED = 20
_LARGEST_FLOAT32 = 3.4028234663852886e38


class Kind(Enum):
    """The column types of an MLflow signature that JSON can carry."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    BINARY = "binary"
    DATETIME = "datetime"


@frozen
class Column:
    """One input of the model."""

    name: str
    kind: Kind
    required: bool


@frozen
class Problem:
    """What is wrong with one field of one record."""

    record: int | None
    """Counted from 0; None when it concerns the request as a whole."""
    field: str
    reason: str


@dataclass
class Problems:
    """All that is wrong with a request: every problem is counted, the first ones are kept to be told."""

    total: int = 0
    listed: list[Problem] = field(default_factory=list)

    def add(self, record: int | None, field_name: str, reason: str) -> None:
        """Count a problem, and keep it if there is room."""
        self.total += 1
        if len(self.listed) < MOST_PROBLEMS_LISTED:
            self.listed.append(Problem(record, field_name, reason))


Columns = dict[str, list[object]]
"""One list per column of the model, in its order, each as long as there are records."""


def check_records(
    records: Sequence[Mapping[str, object]], columns: Sequence[Column], others: Collection[str] = ()
) -> tuple[Columns, Problems]:
    """Turn records into columns of checked values (null is None), and name every field that does not fit.

    `others` are columns that other versions ask for: they are passed over. A required key must be there. Null is
    allowed for float and double columns (it becomes NaN) and for optional ones.
    Optional integer columns must be given in all records or in none, since MLflow's integers cannot be null.
    """
    problems = Problems()
    for number, record in enumerate(records):
        _check_keys(number, record, columns, others, problems)
    checked = {column.name: _check_column(column, records, problems) for column in columns}
    return {name: values for name, values in checked.items() if values is not None}, problems


def _check_keys(
    number: int,
    record: Mapping[str, object],
    columns: Sequence[Column],
    others: Collection[str],
    problems: Problems,
) -> None:
    known = 0
    for column in columns:
        if column.name in record:
            known += 1
        elif column.required:
            problems.add(number, column.name, "is missing")
    if known != len(record):
        names = {column.name for column in columns}
        for name in record:
            if name not in names and name not in others:
                problems.add(number, name, "is not an input of this model")


def _check_column(column: Column, records: Sequence[Mapping[str, object]], problems: Problems) -> list[object] | None:
    """The column's values; None when it is an optional integer column that no record gives."""
    parse = _PARSERS[column.kind]
    nullable = not column.required or column.kind in (Kind.FLOAT, Kind.DOUBLE)
    values: list[object] = []
    for number, record in zip(count(), records):
        value = record.get(column.name)
        try:
            values.append(None if value is None else parse(value))
        except (ValueError, OverflowError) as error:
            values.append(None)
            problems.add(number, column.name, str(error))
        if value is None and not nullable and column.name in record:
            problems.add(number, column.name, f"is null, and a {column.kind.value} cannot be")
    if not column.required and column.kind in (Kind.INTEGER, Kind.LONG):
        return _all_or_none(column, records, values, problems)
    return values


def _all_or_none(
    column: Column, records: Sequence[Mapping[str, object]], values: list[object], problems: Problems
) -> list[object] | None:
    absent = [number for number, record in enumerate(records) if record.get(column.name) is None]
    if len(absent) == len(records):
        return None
    for number in absent:
        problems.add(number, column.name, f"is null here and given elsewhere; a {column.kind.value} has no null")
    return values


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, not {_describe(value)}")


def _whole(bits: int) -> Callable[[object], int]:
    limit = 1 << (bits - 1)

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value % 1 != 0:
            raise ValueError(f"must be a whole number, not {_describe(value)}")
        if not -limit <= value < limit:
            raise ValueError(f"must fit into {bits} bits")
        return int(value)

    return parse


def _real(largest: float) -> Callable[[object], float | None]:
    def parse(value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be a number, not {_describe(value)}")
        if math.isnan(value):
            return None
        if not -largest <= value <= largest:
            raise ValueError("must be a finite number of the column's range")
        return float(value)

    return parse


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {_describe(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode: it holds half of a surrogate pair") from None
    return value


def _binary(value: object) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except binascii.Error:
        raise ValueError("must be base64") from None


def _datetime(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(_string(value))
        # MLflow's datetime columns bear no zone: what names one is turned into UTC.
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        raise ValueError(f"must be an ISO 8601 time such as 2030-01-31T12:00:00, not {_describe(value)}") from None


def _describe(value: object) -> str:
    """A short JSON-like name of what was found; long strings are not repeated back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN or infinity"
    if isinstance(value, float):
        return f"the number {value!r}"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return "an object" if isinstance(value, dict) else "an array"


_PARSERS: Mapping[Kind, Callable[[object], object]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _whole(32),
    Kind.LONG: _whole(64),
    Kind.FLOAT: _real(_LARGEST_FLOAT32),
    Kind.DOUBLE: _real(1.7976931348623157e308),
    Kind.STRING: _string,
    Kind.BINARY: _binary,
    Kind.DATETIME: _datetime,
}


def check_ids(ids: Iterable[str]) -> Problems:
    """The caller's prediction ids: 1 to 200 characters, printable, none twice."""
    problems = Problems()
    seen: set[str] = set()
    for number, text in enumerate(ids):
        if not 1 <= len(text) <= 200 or not text.isprintable():
            problems.add(number, "ids", "must be 1 to 200 printable characters")
        elif text in seen:
            problems.add(number, "ids", f"{text!r} is given twice")
        seen.add(text)
    return problems
