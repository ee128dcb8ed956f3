"""The data sets of the study of false alarms: columns of rows that may be put in any order.

Two lie here or in a library that this project needs; three lie in the wheel of NannyML, whose folder `UNIPIPE_NANNYML_DATA`
names. They are read where they are and never copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import river.datasets
from numpy.typing import NDArray

from unipipe_tui.monitoring.rows import Column, Labels, Numbers

ROOT = Path(__file__).parents[1]
WHEEL = "UNIPIPE_NANNYML_DATA"
Columns = Mapping[str, Column]


def employment() -> Columns | None:
    """Census answers of Massachusetts, all years, with a model's probability (American Community Survey)."""
    return _of_wheel(["employment_MA_reference.pq", "employment_MA_analysis.pq"], leave=["id", "timestamp", "year"])


def housing() -> Columns | None:
    """Blocks of Californian houses in the census of 1990, with a model's probability (Pace and Barry)."""
    files = ["california_housing_reference.csv", "california_housing_analysis.csv"]
    return _of_wheel(files, leave=["id", "timestamp", "clf_target"])


def car_loan() -> Columns | None:
    """Loans for cars, made up by NannyML: the reference part."""
    return _of_wheel(["synthetic_car_loan_reference.csv"], leave=["id", "timestamp", "repaid"])


def shuttle() -> Columns | None:
    """Sensors of the space shuttle, in the wheel of river (UCI, Statlog)."""
    path = Path(river.datasets.__file__).with_name("shuttle.csv.gz")
    return _columns([pyarrow.csv.read_csv(path)], leave=["anomaly"])


def payments() -> Columns | None:
    """Card payments, made up for this project's demo: the history and the weeks that are like it."""
    folder = ROOT / "sample_data"
    files = [folder / "payments.parquet", *(folder / f"week-{week}.parquet" for week in range(1, 5))]
    return _columns([pq.read_table(file) for file in files], leave=["payment_id", "is_fraud"])


SETS: Mapping[str, Callable[[], Columns | None]] = {
    "employment": employment,
    "housing": housing,
    "shuttle": shuttle,
    "car loan": car_loan,
    "payments": payments,
}
REAL = ("employment", "housing", "shuttle")
"""The others were made by a program."""


def rows_of(columns: Columns) -> int:
    """How many rows they have."""
    return next(iter(columns.values())).rows


def taken(columns: Columns, rows: NDArray[np.int64]) -> dict[str, Column]:
    """Those rows, in that order."""
    return {name: _taken(column, rows) for name, column in columns.items()}


def _taken(column: Column, rows: NDArray[np.int64]) -> Column:
    if isinstance(column, Numbers):
        return Numbers(column.values[rows])
    return Labels(column.names, column.codes[rows])


def labelled(column: Column) -> Labels:
    """Numbers as names, 3 and 3.0 as one."""
    if isinstance(column, Labels):
        return column
    codes = np.full(column.rows, -1, dtype=np.int64)
    known = ~np.isnan(column.values)
    values, codes[known] = np.unique(column.values[known], return_inverse=True)
    whole = bool(np.all(values == np.trunc(values)))
    return Labels(tuple(str(int(value)) if whole else str(float(value)) for value in values), codes)


def different(column: Column) -> int:
    """How many different values it holds."""
    if isinstance(column, Labels):
        return int((column.counts > 0).sum())
    return len(np.unique(column.present))


def written(columns: Columns, path: Path) -> Path:
    """Write them as a Parquet file."""
    arrays = {name: _array(column) for name, column in columns.items()}
    pq.write_table(pa.table(arrays), path, compression="NONE")
    return path


def _array(column: Column) -> Any:
    if isinstance(column, Numbers):
        return pa.array(column.values, from_pandas=True)
    names = np.array([*column.names, None], dtype=object)
    return pa.array(names[column.codes], type=pa.string())


def _of_wheel(files: Sequence[str], leave: Sequence[str]) -> Columns | None:
    folder = Path(os.environ.get(WHEEL, "/nowhere"))
    if not folder.is_dir():
        return None
    read = (folder / file for file in files)
    tables = [pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path) for path in read]
    return _columns(tables, leave)


def _columns(tables: Sequence[Any], leave: Sequence[str]) -> Columns:
    """The columns that all tables have, one table after the other; a column of one value is none."""
    names = [name for name in tables[0].column_names if all(name in table.column_names for table in tables)]
    made = {
        name: _column([table[name] for table in tables]) for name in names if name not in leave and "__" not in name
    }
    return {name: column for name, column in made.items() if different(column) > 1}


def _column(parts: Sequence[Any]) -> Column:
    kind = parts[0].type
    if pa.types.is_integer(kind) and not any(part.null_count for part in parts):
        return Numbers(np.concatenate([part.to_numpy() for part in parts]).astype(np.int64))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return Numbers(np.concatenate([part.cast(pa.float64()).to_numpy() for part in parts]))
    texts = pa.chunked_array([chunk for part in parts for chunk in _texts(part).chunks])
    encoded = pc.dictionary_encode(texts).combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
    return Labels(tuple(encoded.dictionary.to_pylist()), codes)


def _texts(part: Any) -> Any:
    return part.cast(pa.string())
