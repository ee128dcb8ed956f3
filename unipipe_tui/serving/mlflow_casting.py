"""Makes the values of a column out of what MLflow's scoring server would make them of; one value in, one value out.

Where MLflow would bend what was said into something else it is refused here instead: a fraction cut off for a whole
number, a number that wraps around or becomes infinite, a list, a word or null taken for true or false. Null is never
turned into the text "None" nor into false; times are kept to the microsecond, and read in ISO 8601 only.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.validation import Column, Columns, Kind, Problems

# Without a zone, as MLflow's datetime columns are.
_EPOCH = datetime(1970, 1, 1)
# What fits into 64 bits of nanoseconds.
_FIRST, _LAST = datetime(1677, 9, 22), datetime(2262, 4, 11)
_BITS = {Kind.INTEGER: 32, Kind.LONG: 64}
NULL_TEXTS = frozenset(
    [
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
        "",
    ]
)
"""What pandas reads as null in CSV."""
_TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


class Form(Enum):
    """In which form the values came; each has rules of its own."""

    FRAME = "dataframe"
    """`dataframe_split` and `dataframe_records`: pandas reads them."""
    TENSOR = "tensor"
    """`instances` and `inputs`: numpy reads them."""
    CSV = "csv"
    """All of it is text."""


@frozen
class Given:
    """What a request to `/invocations` holds: its records as columns, not yet checked."""

    columns: Mapping[str, Sequence[object]]
    records: int
    form: Form
    params: Mapping[str, object] | None = None
    """What the caller asks of the model beside the records."""

    def first(self, column: str) -> object:
        """The value of a column in the first record, unchecked."""
        values = self.columns.get(column)
        return values[0] if values else None

    def fit(self, columns: Sequence[Column], others: frozenset[str]) -> tuple[Columns, Problems]:
        """The values of these columns, checked; as with MLflow what else was given is passed over."""
        problems = Problems()
        fitting: Columns = {}
        for column in columns:
            if column.name in self.columns:
                fitting[column.name] = _cast_all(column, self.columns[column.name], self.form, problems)
            elif column.required:
                problems.add(None, column.name, "is missing")
        return fitting, problems


def _cast_all(column: Column, values: Sequence[object], form: Form, problems: Problems) -> list[object]:
    cast = _CASTS[column.kind]
    given: list[object] = []
    for number, value in enumerate(values):
        try:
            given.append(cast(_present(value, column, form), column, form))
        except (ValueError, OverflowError) as error:
            given.append(None)
            problems.add(number, column.name, str(error))
    if column.kind is Kind.DATETIME and form is Form.FRAME:
        _demand_one_shape(column, values, problems)
    return given


def _present(value: object, column: Column, form: Form) -> object:
    """The value, or None when it stands for none."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if form is Form.CSV and value in NULL_TEXTS:
        return None
    if isinstance(value, list | dict):
        raise ValueError(f"must be one value, not {'an array' if isinstance(value, list) else 'an object'}")
    return value


def _real(value: object, column: Column, form: Form) -> float | None:
    if value is None:
        return None
    number = _float(value)
    if column.kind is Kind.FLOAT and math.isfinite(number):
        # Rounded as the model will see it; what is too large raises OverflowError.
        (number,) = struct.unpack("f", struct.pack("f", number))
    if math.isinf(number):
        raise ValueError("must be a finite number of the column's range")
    return None if math.isnan(number) else number


def _float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"must be a number, not {value!r:.40}") from None


def _whole(value: object, column: Column, form: Form) -> int:
    if value is None:
        raise ValueError(f"is null, and a {column.kind.value} cannot be")
    bits = _BITS[column.kind]
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"must be a whole number, not {value!r}")
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise ValueError(f"must be a whole number, not {value!r:.40}") from None
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError(f"must fit into {bits} bits")
    return int(number)


def _boolean(value: object, column: Column, form: Form) -> bool | None:
    if value is None and not column.required and form is not Form.CSV:
        return None
    if form is Form.CSV and isinstance(value, str) and value in _TRUTHS:
        return _TRUTHS[value]
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    raise ValueError(
        "is null, and a boolean cannot be" if value is None else f"must be true or false, not {value!r:.40}"
    )


def _string(value: object, column: Column, form: Form) -> object:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("must be valid Unicode: it holds half of a surrogate pair") from None
    # A frame's column of text takes whatever is in it; numpy makes text of it.
    return str(value) if form is Form.TENSOR and value is not None else value


def _binary(value: object, column: Column, form: Form) -> bytes:
    if form is Form.CSV:
        raise ValueError("is binary, which CSV cannot carry")
    if not isinstance(value, str):
        raise ValueError("must be a string")
    try:
        return value.encode("ascii") if form is Form.TENSOR else base64.decodebytes(value.encode())
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("must be ASCII" if form is Form.TENSOR else "must be base64") from None


def _datetime(value: object, column: Column, form: Form) -> datetime | None:
    if form is Form.CSV:
        raise ValueError("is a datetime, which MLflow does not read from CSV")
    if value is None or value == "":
        return None
    try:
        time = _instant(value)
    except (ValueError, OverflowError):
        raise ValueError(f"must be an ISO 8601 time such as 2030-01-31T12:00:00, not {value!r:.40}") from None
    if time.tzinfo is not None:
        if form is Form.FRAME:
            raise ValueError("must be a time without a zone")
        time = time.astimezone(UTC).replace(tzinfo=None)
    if not _FIRST <= time < _LAST:
        raise ValueError("must be a time between 1677-09-22 and 2262-04-11")
    return time


def _instant(value: object) -> datetime:
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, int | float):
        return _EPOCH + timedelta(microseconds=int(value) // 1000)
    return datetime.fromisoformat(str(value))


def _demand_one_shape(column: Column, values: Sequence[object], problems: Problems) -> None:
    """pandas reads all times of a column by the form of the first one."""
    first: tuple[int, bool] | None = None
    for number, value in enumerate(values):
        if not isinstance(value, str) or not value:
            continue
        shape = (len(value.partition(".")[0]), "." in value)
        if first is not None and shape != first:
            problems.add(number, column.name, "is written in another form than the times before it")
            return
        first = first or shape


_CASTS: Mapping[Kind, Callable[[object, Column, Form], object]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _whole,
    Kind.LONG: _whole,
    Kind.FLOAT: _real,
    Kind.DOUBLE: _real,
    Kind.STRING: _string,
    Kind.BINARY: _binary,
    Kind.DATETIME: _datetime,
}
