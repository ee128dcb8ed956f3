"""A scikit-learn model asked with a matrix in place of a table: the same answer to the bit, in a third of the time.

A pipeline that was fitted on a DataFrame may be asked with an array whose columns stand in the same order; what it spends
on a table is mostly pandas, and for one row that is most of the answer. Only models made of scikit-learn's own parts are
asked so, only where a matrix holds all that the table would, and only after both ways gave equal answers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from unipipe_tui.serving.validation import Column, Columns, Kind

_WHOLE_NUMBERS = frozenset({Kind.LONG})
_NUMBERS = frozenset({Kind.DOUBLE, Kind.LONG, Kind.INTEGER})
_VALUES = _NUMBERS | {Kind.STRING, Kind.BOOLEAN}


def matrix_dtype(columns: Sequence[Column]) -> np.dtype[Any] | None:
    """The dtype of a matrix that holds these columns as a table would; None when no matrix does."""
    kinds = {column.kind for column in columns}
    if kinds == _WHOLE_NUMBERS:
        return np.dtype("int64")
    if Kind.DOUBLE in kinds and kinds <= _NUMBERS:
        return np.dtype("float64")
    if Kind.STRING in kinds and kinds <= _VALUES:
        return np.dtype(object)
    return None


def matrix(columns: Columns, kinds: Sequence[Column], records: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Checked values as a matrix of one row a record, in the order of the signature."""
    # In the memory order of a table's values, else sums differ in their last bit.
    made = np.empty((records, len(kinds)), dtype, order="F")
    for at, column in enumerate(kinds):
        values = columns[column.name]
        # A whole number given for a measured one is that number; a missing one is NaN, as in a table.
        made[:, at] = np.array(values, "float64") if column.kind is Kind.DOUBLE else values
    return made


def by_position(model: Any, columns: Sequence[Column]) -> Any | None:
    """The fitted model with its columns known by position; None when it is not one that may be asked so.

    Nothing of what was learnt is copied, and the model that is given stays as it is.
    """
    names = [column.name for column in columns]
    if list(getattr(model, "feature_names_in_", ())) != names:
        return None
    if not all(_is_known(part) for part in _parts(model)):
        return None
    return _placed(model, names)


def _placed(part: Any, names: Sequence[str]) -> Any:
    """This part of a model without the names; whatever it hands on bears none either."""
    placed = copy.copy(part)
    if hasattr(part, "steps"):
        (first, one), *others = part.steps
        placed.steps = [(first, _placed(one, names)), *((name, _nameless(other)) for name, other in others)]
        return placed
    if hasattr(part, "transformers_"):
        placed.transformers_ = [
            (name, _nameless(one), _positions(chosen, names)) for name, one, chosen in part.transformers_
        ]
    return _nameless(placed)


def _nameless(part: Any) -> Any:
    """A copy that does not miss the names it once saw."""
    if isinstance(part, str) or not hasattr(part, "__dict__"):
        return part
    placed = copy.copy(part)
    if hasattr(part, "steps"):
        placed.steps = [(name, _nameless(one)) for name, one in part.steps]
    vars(placed).pop("feature_names_in_", None)
    return placed


def _positions(chosen: Any, names: Sequence[str]) -> Any:
    if isinstance(chosen, str):
        return names.index(chosen)
    return [names.index(one) if isinstance(one, str) else one for one in chosen]


def _parts(model: Any) -> Iterator[Any]:
    """The model, and all estimators that it is made of."""
    yield model
    yield from (part for part in model.get_params(deep=True).values() if hasattr(part, "get_params"))


def _is_known(part: Any) -> bool:
    """Whether it is scikit-learn's own, and does the same with a matrix."""
    if not type(part).__module__.startswith("sklearn."):
        return False
    # A function of somebody's own may ask for a column by name; tables between the steps bear names, too.
    if getattr(part, "func", None) is not None:
        return False
    if getattr(part, "_sklearn_output_config", None):
        return False
    return all(isinstance(chosen, str | list) for _name, _one, chosen in getattr(part, "transformers_", ()))
