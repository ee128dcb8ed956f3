"""Score a table with a saved MLflow model, as the server would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy
import pyarrow
import pyarrow.parquet

from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.tracking import Scored


def score_rows(folder: Path, rows: Path, columns: Sequence[str] = ()) -> Scored:
    """Score every row of a Parquet file and hand back the columns asked for.

    The model gets the columns of its signature; one without a signature gets all but `columns`. Raises UsageError
    for a missing file or column, Failed for a model that cannot be loaded, does not take the rows or gives more than
    two figures a row.
    """
    with _models_own_code(f"The model in {folder} cannot be loaded"):
        # Its warnings would be silenced, and to find out which packages differ takes as long as to load the model.
        loaded = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    signature = loaded.metadata.get_input_schema()
    wanted = list(signature.input_names()) if signature is not None and signature.has_input_names() else []
    table = _table(rows)
    inputs = wanted or [name for name in table.column_names if name not in columns]
    if lacking := [name for name in (*inputs, *columns) if name not in table.column_names]:
        raise UsageError(f"{rows} lacks {', '.join(lacking)}.", f"It has {', '.join(table.column_names)}.")
    with _models_own_code(f"The model does not take the rows of {rows}"):
        said = loaded.predict(table.select(inputs).to_pandas()) if table.num_rows else numpy.empty(0)
    kept = {name: tuple(table.column(name).to_pylist()) for name in columns}
    return Scored(_scores(said, table.num_rows), kept)


@contextmanager
def _models_own_code(sentence: str) -> Iterator[None]:
    """A model runs its author's code: whatever that raises is the model's failure and no bug of ours."""
    try:
        yield
    except Exception as error:
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Failed(f"{sentence}: {said}", "Compare it with the model's signature and requirements.") from error


def _table(rows: Path) -> Any:
    try:
        return pyarrow.parquet.read_table(rows)
    except FileNotFoundError as error:
        raise UsageError(f"{rows} does not exist.", "Name a Parquet file.") from error
    except pyarrow.ArrowInvalid as error:
        raise UsageError(f"{rows} is not a readable Parquet file.", "Name a Parquet file.") from error


def _scores(said: Any, rows: int) -> tuple[float, ...]:
    """One figure a row from shapes (n,), (n, 1) or (n, 2); of two probabilities the second, the positive class's."""
    figures = numpy.asarray(said)
    if figures.ndim == 2 and figures.shape[1] in (1, 2):
        figures = figures[:, -1]
    if figures.shape != (rows,):
        raise Failed(f"The model answered {rows} rows in the shape {figures.shape}.", "It must give one score a row.")
    try:
        return tuple(float(figure) for figure in figures)
    except (TypeError, ValueError) as error:
        raise Failed("The model's answers are no numbers.", "Log it so that it predicts probabilities.") from error
