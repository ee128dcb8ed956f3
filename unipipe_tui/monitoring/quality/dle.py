"""Direct loss estimation (DLE): how far off a regression is before any of the true values came.

The method and its conventions are those of NannyML 0.13 (Apache-2.0), written anew.

Formula: on a labelled reference a second model, gradient boosted trees, learns each row's loss (for `rmse` the
squared error) from the inputs and the prediction; the estimate of a window is the mean of what it says, negative
values taken for 0, and its root for `rmse` and `rmsle`. NannyML uses LightGBM with its defaults; here the trees are
scikit-learn's HistGradientBoostingRegressor with the same settings (100 trees, 31 leaves, rate 0.1, at least 20 rows
a leaf, 255 bins, no early stopping).
The range is ± 1.96 standard errors of the mean loss, with the spread of the losses on the reference.
Assumptions: the noise is not the same everywhere, and inputs and prediction tell where it is greater; what they tell
still holds.
Source: NannyML, "Direct Loss Estimation", documentation of 0.13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import t as student
from sklearn.ensemble import HistGradientBoostingRegressor

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Z_95, Estimate
from unipipe_tui.monitoring.quality.figures import Floats
from unipipe_tui.monitoring.quality.results import Band, Loss
from unipipe_tui.monitoring.quality.thresholds import chunks_of, usual_band

TREES = 100
LEAVES = 31
ROWS_IN_A_LEAF = 20
RATE = 0.1
MOST_CATEGORIES = 255
"""What the trees can tell apart in a column; the rarest beyond that are one category."""
ROOTS = {Loss.RMSE, Loss.RMSLE}

Column = Sequence[float | str | None]


def row_losses(loss: Loss, predicted: Floats, true: Floats) -> Floats:
    """Each row's loss, whose mean (or its root) is the figure; NaN where it is not defined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        match loss:
            case Loss.MAE:
                return np.abs(true - predicted)
            case Loss.MAPE:
                return np.asarray(np.abs(true - predicted) / np.maximum(np.finfo(np.float64).eps, np.abs(true)))
            case Loss.MSE | Loss.RMSE:
                return np.asarray(np.square(true - predicted))
            case Loss.MSLE | Loss.RMSLE:
                return np.asarray(np.square(np.log1p(true) - np.log1p(predicted)))


def measured_loss(loss: Loss, predicted: Floats, true: Floats) -> Estimate:
    """The figure as true values show it, with its 95 % t-interval; rows without a value are left out."""
    losses = row_losses(loss, predicted, true)
    losses = losses[np.isfinite(losses)]
    if len(losses) < 2:
        return _figure(loss, losses, 0.0)
    # Student's quantile: the spread itself is only known from these rows.
    return _figure(loss, losses, float(losses.std(ddof=1)), float(student.ppf(0.975, len(losses) - 1)))


@frozen
class LossEstimator:
    """What a labelled reference says about windows without true values."""

    encode: Callable[[Mapping[str, Column], Floats], Floats]
    models: Mapping[Loss, HistGradientBoostingRegressor]
    spreads: Mapping[Loss, float]
    usual: Mapping[Loss, Band]
    rows: int

    def estimate(self, loss: Loss, inputs: Mapping[str, Column], predicted: Floats) -> Estimate:
        """The figure of a window: its inputs by column, and what was predicted; rows without a prediction are left out."""
        there = np.isfinite(predicted)
        rows = self.encode(inputs, predicted)[there]
        if not len(rows):
            return UNKNOWN
        return _figure(loss, np.maximum(0.0, self.models[loss].predict(rows)), self.spreads[loss])


def fit_losses(
    inputs: Mapping[str, Column], predicted: Floats, true: Floats, chunk_rows: int, losses: Sequence[Loss] = tuple(Loss)
) -> LossEstimator:
    """Learn from a labelled reference; columns are parallel, one entry a row, in the order of time.

    A column with a text in it is one of categories. Raises `Failed` when no row has a prediction and a true value, or a loss
    is not defined on any row.
    """
    encode = _encoding(inputs)
    rows = encode(inputs, predicted)
    models, spreads, bands = {}, {}, {}
    for loss in losses:
        found = row_losses(loss, predicted, true)
        there = np.isfinite(found)
        if not there.any():
            raise Failed(f"No row of the reference says anything about {loss.value}.", "It needs true values.")
        models[loss] = _trees(rows.shape[1], _categorical(inputs)).fit(rows[there], found[there])
        spreads[loss] = float(found[there].std())
        bands[loss] = usual_band(
            [measured_loss(loss, predicted[at], true[at]).value for at in chunks_of(len(rows), chunk_rows)]
        )
    known = {loss: band for loss, band in bands.items() if band is not None}
    return LossEstimator(encode, models, spreads, known, len(rows))


def _figure(loss: Loss, losses: Floats, spread: float, reaches: float = Z_95) -> Estimate:
    if not len(losses):
        return UNKNOWN
    mean, reach = float(losses.mean()), reaches * spread / float(np.sqrt(len(losses)))
    low, high = max(0.0, mean - reach), mean + reach
    if loss not in ROOTS:
        return Estimate(mean, low, high)
    return Estimate(float(np.sqrt(mean)), float(np.sqrt(low)), float(np.sqrt(high)))


def _trees(columns: int, categorical: Sequence[int]) -> HistGradientBoostingRegressor:
    mask = [place in categorical for place in range(columns)]
    return HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=ROWS_IN_A_LEAF,
        learning_rate=RATE,
        early_stopping=False,
        categorical_features=mask if categorical else None,
        random_state=0,
    )


def _categorical(inputs: Mapping[str, Column]) -> list[int]:
    return [place for place, name in enumerate(sorted(inputs)) if any(isinstance(one, str) for one in inputs[name])]


def _encoding(inputs: Mapping[str, Column]) -> Callable[[Mapping[str, Column], Floats], Floats]:
    """Columns in the order of their names, then the prediction; categories as numbers, new and missing ones as missing."""
    names = sorted(inputs)
    numbers = {names[place]: _numbered(inputs[names[place]]) for place in _categorical(inputs)}

    def encode(given: Mapping[str, Column], predicted: Floats) -> Floats:
        columns = [_column(given.get(name, (None,) * len(predicted)), numbers.get(name)) for name in names]
        return np.column_stack([*columns, predicted]).astype(np.float64)

    return encode


def _numbered(column: Column) -> dict[str, int]:
    values, counts = np.unique([str(one) for one in column if one is not None], return_counts=True)
    common = sorted(zip(-counts, values, strict=True))[:MOST_CATEGORIES]
    return {str(value): number for number, (_, value) in enumerate(common)}


def _column(column: Column, numbers: Mapping[str, int] | None) -> Floats:
    if numbers is not None:
        return np.array([np.nan if one is None else numbers.get(str(one), np.nan) for one in column], dtype=np.float64)
    return np.array([np.nan if one is None else float(one) for one in column], dtype=np.float64)
