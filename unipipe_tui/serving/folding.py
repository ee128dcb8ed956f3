"""Turns a closed segment of JSON lines into Parquet, and reads both forms back."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Container, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json
import pyarrow.parquet as pq

_log = logging.getLogger(__name__)
Row = dict[str, object]
"""A flat JSON object; its inputs' names depend on the model."""


def as_json(value: object) -> bytes:
    """One line without its end: times as ISO 8601, bytes as hexadecimal digits, a number that is none as null."""
    try:
        return orjson.dumps(value, _as_text)
    except orjson.JSONEncodeError:
        # Whole numbers of more than 64 bits, and text that is no Unicode.
        return json.dumps(value, default=_as_text, separators=(",", ":")).encode()


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in a log")


def fold(segment: Path) -> None:
    """Write `<segment>.parquet` in one piece and remove the JSON lines; an empty segment is only removed.

    A crash in between leaves both, holding the same rows: readers keep one per prediction id.
    """
    table = _read_quickly(segment) or _table(list(read_lines(segment)))
    if table.num_rows:
        target = segment.with_suffix(".parquet")
        # Not named *.parquet, so that nobody who lists the folder reads a half-written one.
        temporary = segment.with_suffix(".folding")
        pq.write_table(table, temporary, compression="zstd")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        # The lines must not be gone from the disk before the new name is there.
        sync_folder(segment.parent)
    segment.unlink()


def sync_folder(folder: Path) -> None:
    """Make names that were added to the folder or changed in it survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(segment: Path, beginnings: Container[bytes] | None = None) -> Iterator[Row]:
    """The rows of a segment; a line that is torn (the process was killed in the middle of it) is skipped.

    With `beginnings` only lines whose first key and value are among them: parsing all takes twenty times as long.
    """
    with segment.open("rb") as file:
        for line in file:
            # No quote stands in a JSON string without a backslash before it, so this is where the second key begins.
            if beginnings is not None and line.partition(b',"')[0] not in beginnings:
                continue
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and line.endswith(b"\n"):
                yield row


def read_columns(folder: Path, kind: str, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """The named columns of every row of that kind, from folded and unfolded segments; a row may come twice.

    Segments in JSON are read first: one that is folded meanwhile is then found again, never missed.
    """
    for segment in sorted(folder.glob(f"{kind}-*.jsonl")):
        try:
            yield from [tuple(row.get(name) for name in names) for row in read_lines(segment)]
        except FileNotFoundError:
            continue
    for folded in sorted(folder.glob(f"{kind}-*.parquet")):
        try:
            file = pq.ParquetFile(folded)
            table = file.read(columns=[name for name in names if name in file.schema_arrow.names])
            columns = [_values(table, name) for name in names]
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            _log.warning("%s cannot be read and is left alone: %s", folded.name, error)
            continue
        yield from zip(*columns, strict=True)


def _values(table: pa.Table, name: str) -> list[Any]:
    """A column's values; nulls when an earlier program wrote none of that name."""
    return table.column(name).to_pylist() if name in table.column_names else [None] * table.num_rows


def read_predictions(folder: Path, ids: Collection[str]) -> Iterator[Row]:
    """The whole rows of these predictions, from folded and unfolded segments; a row may come twice.

    Segments in JSON are read first, as in `read_columns`.
    """
    beginnings = {b'{"prediction_id":' + as_json(text) for text in ids}
    for segment in sorted(folder.glob("predictions-*.jsonl")):
        try:
            yield from list(read_lines(segment, beginnings))
        except FileNotFoundError:
            continue
    wanted = pa.array(sorted(ids), pa.string())
    for folded in sorted(folder.glob("predictions-*.parquet")):
        try:
            table = pq.ParquetFile(folded)
            found = pc.is_in(table.read(columns=["prediction_id"]).column(0), value_set=wanted)
            rows = table.read().filter(found).to_pylist() if pc.any(found).as_py() else []
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            _log.warning("%s cannot be read and is left alone: %s", folded.name, error)
            continue
        yield from rows


_KNOWN_TYPES = {
    "prediction_id": pa.string(),
    "at": pa.timestamp("us", tz="UTC"),
    "model": pa.string(),
    "version": pa.int64(),
    "variant": pa.string(),
    "score": pa.float64(),
    "latency_ms": pa.float64(),
    "latency": pa.list_(pa.list_(pa.int64())),
}


def _read_quickly(segment: Path) -> pa.Table | None:
    """The table of a segment whose lines all look like its first ones; None for any other, where each line needs a look.

    Parsed without the interpreter's lock, so that requests do not wait for it.
    """
    with segment.open("rb") as file:
        first = file.readlines(_FIRST_BYTES)
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        if file.read() != b"\n":
            # Empty, or torn.
            return None
    try:
        schema = _schema([json.loads(line) for line in first])
        told = pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
        table = pa_json.read_json(segment, parse_options=told)
        at = table.schema.get_field_index("at")
        return table if at < 0 else table.set_column(at, "at", table.column(at).cast(_KNOWN_TYPES["at"]))
    except (ValueError, KeyError, pa.ArrowException):
        return None


def _schema(rows: list[Row]) -> pa.Schema:
    """What these rows hold; raises KeyError when a column has no value, or none that a table holds as it is."""
    found: dict[str, pa.DataType] = {}
    for row in rows:
        for name, value in row.items():
            if found.get(name) is None:
                found[name] = pa.string() if name == "at" else _KNOWN_TYPES.get(name) or _TYPES.get(type(value))
    if None in found.values():
        raise KeyError
    return pa.schema(found)


_FIRST_BYTES = 64 * 1024
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def _table(rows: list[Row]) -> pa.Table:
    """All columns that any row has, in the order they first appear; a segment may hold rows of several models."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in names})


def _column(name: str, values: list[object]) -> pa.Array:
    if name == "at":
        return pa.array([datetime.fromisoformat(str(value)) for value in values], _KNOWN_TYPES[name])
    if name in _KNOWN_TYPES:
        return pa.array(values, _KNOWN_TYPES[name])
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        # Two models disagree about the column's type: text is what both can be read from.
        return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values])
    # A column of nothing but nulls would get no type at all, and then not unite with other segments.
    return array.cast(pa.float64()) if pa.types.is_null(array.type) else array
