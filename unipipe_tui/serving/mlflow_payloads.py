"""Reads the bodies that MLflow's scoring server takes: four forms of JSON, and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence

from unipipe_tui.serving.mlflow_casting import Form, Given
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.validation import Column

JSON, CSV = "application/json", "text/csv"
Signature = Sequence[Column]
"""Columns of the model; which one is needed only for values that name no column."""


def media_type(header: str | None) -> str:
    """What the body is, JSON when nobody says. Raises Refusing with 415 for what is not taken."""
    kind, *rest = [part.strip() for part in (header or JSON).split(";")]
    settings = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in rest)}
    if settings.pop("charset", "utf-8").lower() != "utf-8":
        raise Refusing(415, "The scoring server only supports UTF-8.")
    if any(settings):
        raise Refusing(415, f"Unrecognized content type parameters: {', '.join(settings)}.")
    if kind.lower() not in (JSON, CSV):
        raise Refusing(415, f"This server takes {JSON} and {CSV}, not {kind!r}.")
    return kind.lower()


def read_payload(body: bytes, kind: str, signature: Signature) -> Given:
    """The records of a body. Raises Refusing with 400 when it is of none of the forms."""
    return _read_csv(body) if kind == CSV else _read_json(body, signature)


def _read_json(body: bytes, signature: Signature) -> Given:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _refuse(f"Ensure that input is a valid JSON formatted string. Error: {error}") from None
    if not isinstance(document, dict):
        raise _refuse(f"{_ONE_OF}. Received {_word(document)}.")
    forms = [name for name in _FORMS if name in document]
    if len(forms) != 1:
        raise _refuse(f"{_ONE_OF}. Received dictionary with input fields: {list(document)!r:.200}.")
    columns, records, form = _FORMS[forms[0]](document[forms[0]], signature)
    return Given(_demand_records(columns, records), records, form, _params(document.get("params")))


def _params(given: object) -> Mapping[str, object] | None:
    if given is not None and not isinstance(given, dict):
        raise _refuse(f"Parameters must be a dictionary. Got {_word(given)}.")
    return given or None


Table = tuple[Mapping[str, Sequence[object]], int, Form]


def _split(given: object, signature: Signature) -> Table:
    if not isinstance(given, dict):
        raise _refuse(f"Dataframe split format must be a dictionary. Got {_word(given)}.")
    if "data" not in given or given.keys() - {"columns", "data", "index"}:
        raise _refuse(
            "Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. "
            f"Got {sorted(given)!r:.200}."
        )
    names, rows, index = given.get("columns"), given["data"], given.get("index")
    if not isinstance(rows, list):
        raise _refuse(f"dataframe_split: data must be a list of rows, not {_word(rows)}.")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _refuse("dataframe_split: columns must be the names of the model's inputs.")
    if len(set(names)) != len(names):
        raise _refuse("dataframe_split: a column is named twice.")
    if index is not None and not (isinstance(index, list) and len(index) == len(rows)):
        raise _refuse(f"dataframe_split: the index must have one entry for each of the {len(rows)} rows.")
    if len(names) == 1:
        rows = [row if isinstance(row, list) else [row] for row in rows]
    if not all(isinstance(row, list) and len(row) <= len(names) for row in rows):
        raise _refuse(f"dataframe_split: each row must be a list of {len(names)} values.")
    columns = {name: [row[at] if at < len(row) else None for row in rows] for at, name in enumerate(names)}
    return columns, len(rows), Form.FRAME


def _records(given: object, signature: Signature) -> Table:
    if not isinstance(given, list):
        raise _refuse(f"Dataframe records format must be a list of records. Got {_word(given)}.")
    if not all(isinstance(record, dict) for record in given):
        raise _refuse("Dataframe records format must be a list of records: each one an object.")
    return _by_column(given, Form.FRAME)


def _instances(given: object, signature: Signature) -> Table:
    if isinstance(given, list) and given and all(isinstance(one, dict) for one in given):
        names = {name for record in given for name in record}
        if any(len(record) != len(names) for record in given):
            raise _refuse("The length of values for each input/column name are not the same.")
        return _by_column(given, Form.TENSOR)
    return _inputs(given, signature)


def _inputs(given: object, signature: Signature) -> Table:
    if isinstance(given, dict):
        return _dictionary(given)
    if isinstance(given, list) and given and all(isinstance(one, dict) for one in given):
        return _by_column(given, Form.TENSOR)
    if isinstance(given, list) and len(signature) == 1:
        return {signature[0].name: given}, len(given), Form.TENSOR
    names = ", ".join(column.name for column in signature)
    raise _refuse(f"The values name no columns, and the model has several inputs: {names:.300}.")


def _dictionary(given: Mapping[str, object]) -> Table:
    """Columns by name; a value that is no list holds for all records, as numpy would have it."""
    lengths = {len(values) for values in given.values() if isinstance(values, list)}
    if len(lengths) > 1:
        raise _refuse("The length of values for each input/column name are not the same.")
    records = lengths.pop() if lengths else 1
    columns = {name: values if isinstance(values, list) else [values] * records for name, values in given.items()}
    return columns, records, Form.TENSOR


def _by_column(records: Sequence[Mapping[str, object]], form: Form) -> Table:
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name, math.nan) for record in records] for name in names}, len(records), form


def _read_csv(body: bytes) -> Given:
    try:
        # Strict: text after a closing quote is a mistake.
        lines = [row for row in csv.reader(io.StringIO(body.decode(), newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refuse(f"Ensure that the input is a valid CSV-formatted Pandas DataFrame. Error: {error}") from None
    names, rows = (lines[0], lines[1:]) if lines else ([], [])
    if len(set(names)) != len(names):
        raise _refuse("A column is named twice in the first line.")
    for number, row in enumerate(rows):
        if len(row) > len(names):
            raise _refuse(f"Expected {len(names)} fields in record {number}, saw {len(row)}.")
    columns = {name: [row[at] if at < len(row) else None for row in rows] for at, name in enumerate(names)}
    return Given(_demand_records(columns, len(rows)), len(rows), Form.CSV)


def _demand_records(columns: Mapping[str, Sequence[object]], records: int) -> Mapping[str, Sequence[object]]:
    if not records:
        raise _refuse("There are no records in the request.")
    return columns


def _refuse(reason: str) -> Refusing:
    return Refusing(400, reason)


def _word(value: object) -> str:
    return "a list" if isinstance(value, list) else "a dictionary" if isinstance(value, dict) else type(value).__name__


_FORMS: Mapping[str, Callable[[object, Signature], Table]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
_ONE_OF = f"The input must be a JSON dictionary with exactly one of the input fields {set(_FORMS)}"
