"""Tensors of the Open Inference Protocol: read into records, and made of a model's own answer."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.scoring import read_rows
from unipipe_tui.serving.validation import Column, Columns, Kind, Problems, check_records

PREDICTIONS = "predictions"
"""Name of the only output of a model that names none."""
_WHOLE = {f"{sign}{bits}": (sign, bits) for sign in ("INT", "UINT") for bits in (8, 16, 32, 64)}
_REAL = {"FP16": np.float16, "FP32": np.float32, "FP64": np.float64}
DATATYPES = ("BOOL", *_WHOLE, *_REAL, "BYTES")
_TAKEN: Mapping[Kind, tuple[str, ...]] = {
    Kind.BOOLEAN: ("BOOL",),
    Kind.INTEGER: tuple(_WHOLE),
    Kind.LONG: tuple(_WHOLE),
    Kind.FLOAT: (*_REAL, *_WHOLE),
    Kind.DOUBLE: (*_REAL, *_WHOLE),
    Kind.STRING: ("BYTES",),
    Kind.BINARY: ("BYTES",),
    Kind.DATETIME: ("BYTES",),
}
_BEST: Mapping[Kind, str] = {
    Kind.BOOLEAN: "BOOL",
    Kind.INTEGER: "INT32",
    Kind.LONG: "INT64",
    Kind.FLOAT: "FP32",
    Kind.DOUBLE: "FP64",
    Kind.STRING: "BYTES",
    Kind.BINARY: "BYTES",
    Kind.DATETIME: "BYTES",
}
_BASE64 = "base64"
"""As `content_type` of a tensor: its elements are base64 of the bytes, not the bytes as text."""


@frozen
class TensorFacts:
    """What is known of a tensor without its elements; a dimension of any size is -1."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@frozen
class Tensor:
    """One tensor; its elements row by row."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    elements: Sequence[object]
    content_type: str | None = None


def input_facts(columns: Sequence[Column]) -> tuple[TensorFacts, ...]:
    """One tensor for each column."""
    return tuple(TensorFacts(column.name, _BEST[column.kind], (-1, 1)) for column in columns)


def read_tensor(
    name: str, datatype: str, shape: Sequence[int], data: Sequence[object], content_type: str | None
) -> Tensor:
    """A tensor whose elements are of its datatype and as many as its shape says. Raises Refusing with 400."""
    if datatype not in DATATYPES:
        raise _refuse(name, f"has datatype {datatype!r:.40}; known here are {', '.join(DATATYPES)}")
    if not shape or any(size < 0 for size in shape):
        raise _refuse(name, f"has shape {list(shape)}; each dimension must be a whole number from 0")
    elements = _flat(name, data, len(shape))
    if len(elements) != math.prod(shape):
        raise _refuse(name, f"has {len(elements)} elements, and its shape {list(shape)} asks for {math.prod(shape)}")
    return Tensor(name, datatype, tuple(shape), _typed(name, datatype, elements), content_type)


def _flat(name: str, data: Sequence[object], depth: int) -> Sequence[object]:
    """Elements in a row; nested lists are opened, no deeper than there are dimensions."""
    level: Sequence[object] = data
    for _ in range(depth - 1):
        if not any(isinstance(one, list) for one in level):
            break
        if not all(isinstance(one, list) for one in level):
            raise _refuse(name, "has lists beside elements in its data")
        lists: list[list[object]] = level  # type: ignore[assignment]
        if any(len(one) != len(other) for one, other in pairwise(lists)):
            raise _refuse(name, "has rows of different lengths in its data")
        level = [element for one in lists for element in one]
    return level


def _typed(name: str, datatype: str, elements: Sequence[object]) -> Sequence[object]:
    """The elements, each of the datatype; null stands for none. Raises Refusing for the first that is not."""
    for number, value in enumerate(elements):
        if value is not None and not _is_of(datatype, value):
            raise _refuse(name, f"has {value!r:.40} as element {number}, which is no {datatype}")
    if datatype in ("FP16", "FP32"):
        kind = _REAL[datatype]
        with np.errstate(over="ignore"):
            return [None if value is None else float(kind(value)) for value in elements]  # type: ignore[arg-type]
    return elements


def _is_of(datatype: str, value: object) -> bool:
    if datatype == "BOOL":
        return isinstance(value, bool)
    if datatype == "BYTES":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if datatype in _REAL:
        return True
    sign, bits = _WHOLE[datatype]
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "INT" else (0, (1 << bits) - 1)
    return isinstance(value, int) and lowest <= value <= highest


@frozen
class Tensors:
    """The inputs of a request."""

    given: Sequence[Tensor]

    @property
    def records(self) -> int:
        """How many records: the first dimension of the first tensor."""
        return self.given[0].shape[0]

    def first(self, column: str) -> object:
        """The value of a column in the first record, unchecked."""
        return next((one.elements[0] for one in self.given if one.name == column and one.elements), None)

    def fit(self, columns: Sequence[Column], others: frozenset[str]) -> tuple[Columns, Problems]:
        """The values of these columns, checked. Raises Refusing for tensors that are no columns at all."""
        given = self.given
        if len(given) == 1 and len(given[0].shape) == 2 and given[0].name not in {column.name for column in columns}:
            given = _columns_of(given[0], columns)
        kinds = {column.name: column.kind for column in columns}
        problems = Problems()
        values: dict[str, Sequence[object]] = {}
        for tensor in given:
            _demand_column(tensor, self.records)
            kind = kinds.get(tensor.name)
            if kind is not None and tensor.datatype not in _TAKEN[kind]:
                problems.add(None, tensor.name, f"is a tensor of {tensor.datatype}; the model takes {_BEST[kind]}")
            values[tensor.name] = _as_base64(tensor) if kind is Kind.BINARY else tensor.elements
        if problems.total:
            return {}, problems
        rows = zip(*values.values(), strict=True)
        return check_records([dict(zip(values, row, strict=True)) for row in rows], columns, others)


def _columns_of(matrix: Tensor, columns: Sequence[Column]) -> list[Tensor]:
    """One tensor with all inputs side by side, in the order of the signature, for models whose inputs are all numbers."""
    required = [column for column in columns if column.required]
    width = matrix.shape[1]
    side_by_side = columns if width == len(columns) else required
    if width != len(side_by_side) or any(matrix.datatype not in _TAKEN[column.kind] for column in side_by_side):
        wanted = ", ".join(f"{one.name} {one.datatype}" for one in input_facts(columns))
        raise _refuse(
            matrix.name,
            f"of shape {list(matrix.shape)} and datatype {matrix.datatype} is not all inputs side by side: "
            f"give one tensor for each of {wanted:.300}",
        )
    shape = (matrix.shape[0], 1)
    return [
        Tensor(column.name, matrix.datatype, shape, matrix.elements[at::width])
        for at, column in enumerate(side_by_side)
    ]


def _demand_column(tensor: Tensor, records: int) -> None:
    if len(tensor.shape) > 2 or (len(tensor.shape) == 2 and tensor.shape[1] != 1):
        raise _refuse(tensor.name, f"has shape {list(tensor.shape)}; a column has [{records}] or [{records}, 1]")
    if tensor.shape[0] != records:
        raise _refuse(tensor.name, f"has {tensor.shape[0]} records, and the first tensor has {records}")


def _as_base64(tensor: Tensor) -> Sequence[object]:
    if tensor.content_type == _BASE64:
        return tensor.elements
    return [base64.b64encode(one.encode()).decode() if isinstance(one, str) else one for one in tensor.elements]


def output_tensors(output: Any) -> list[Tensor]:
    """A table gives one tensor for each of its columns, anything else one with all of it. Raises TypeError."""
    if hasattr(output, "to_frame"):
        # A column without a name has no name to give to its tensor.
        output = output.to_frame(PREDICTIONS if output.name is None else output.name)
    if hasattr(output, "items") and hasattr(output, "columns"):
        return [_tensor(str(name), np.asarray(column)) for name, column in output.items()]
    if isinstance(output, list) and output and all(isinstance(row, dict) for row in output):
        return [_tensor(str(name), read_rows([row.get(name) for row in output])) for name in output[0]]
    return [_tensor(PREDICTIONS, read_rows(output))]


def _tensor(name: str, values: Any) -> Tensor:
    elements = values.ravel().tolist()
    kind, bits = values.dtype.kind, values.dtype.itemsize * 8
    if kind == "b":
        datatype = "BOOL"
    elif kind in "iu":
        datatype = f"{'INT' if kind == 'i' else 'UINT'}{bits}"
    elif kind == "f":
        datatype = f"FP{bits}"
        # JSON has no word for what is no number.
        elements = [element if math.isfinite(element) else None for element in elements]
    else:
        datatype = "BYTES"
        elements = [_text(element) for element in elements]
    return Tensor(name, datatype, tuple(values.shape), elements)


def _text(element: object) -> str | None:
    if element is None or element != element:
        return None
    return base64.b64encode(element).decode() if isinstance(element, bytes) else str(element)


def _refuse(name: str, reason: str) -> Refusing:
    return Refusing(400, f"The tensor {name!r} {reason}.")
