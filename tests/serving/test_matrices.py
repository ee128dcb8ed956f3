"""A model that is asked with a matrix answers what it answers when it is asked with a table."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from unipipe_tui.serving.matrices import by_position, matrix, matrix_dtype
from unipipe_tui.serving.models import _frame
from unipipe_tui.serving.validation import Column, Columns, Kind

MIXED = (
    Column("amount", Kind.DOUBLE, True),
    Column("region", Kind.STRING, True),
    Column("count", Kind.LONG, True),
    Column("known", Kind.BOOLEAN, True),
    Column("age", Kind.DOUBLE, True),
)
NUMBERS = (Column("amount", Kind.DOUBLE, True), Column("count", Kind.LONG, True), Column("age", Kind.DOUBLE, True))
WHOLE = (Column("count", Kind.LONG, True), Column("other", Kind.LONG, True))
TEXT, MEASURED, COUNTED = ["region"], ["amount", "age"], ["count", "known"]


def values(columns: tuple[Column, ...], records: int, seed: int, *, missing: bool) -> Columns:
    """Values as checked requests bring them: whole numbers for measured ones, gaps, and words never seen before."""
    random = np.random.default_rng(seed)
    made: Columns = {}
    for column in columns:
        given: list[object]
        match column.kind:
            case Kind.DOUBLE:
                given = [*random.normal(50, 20, records - 1).tolist(), 7]
                given = [None if missing and random.random() < 0.1 else one for one in given]
            case Kind.LONG:
                given = random.integers(0, 2**40, records).tolist()
            case Kind.BOOLEAN:
                given = (random.random(records) < 0.5).tolist()
            case _:
                given = random.choice(["north", "south", "née", "new" if seed else "old"], records).tolist()
        made[column.name] = given
    return made


def encoded() -> ColumnTransformer:
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXT), remainder="passthrough"
    )


def imputed() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("measured", make_pipeline(SimpleImputer(), StandardScaler()), MEASURED),
            ("text", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXT),
            ("counted", StandardScaler(), COUNTED),
        ]
    )


SHAPES = {
    "trees behind an encoder": (make_pipeline(encoded(), HistGradientBoostingClassifier(max_iter=20)), MIXED, True),
    "a forest behind imputers": (make_pipeline(imputed(), RandomForestClassifier(20, random_state=1)), MIXED, True),
    "a regression behind a scaler": (make_pipeline(StandardScaler(), LogisticRegression()), NUMBERS, False),
    "trees alone, with gaps": (HistGradientBoostingClassifier(max_iter=20), NUMBERS, True),
    "whole numbers": (make_pipeline(StandardScaler(), LogisticRegression()), WHOLE, False),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_matrix_gets_the_answer_of_the_table_to_the_bit_and_without_a_warning(shape: str) -> None:
    model, columns, gaps = SHAPES[shape]
    fitted = model.fit(_frame(values(columns, 400, 0, missing=gaps), columns, 400), np.arange(400) % 2)
    names = list(fitted.feature_names_in_)

    placed, dtype = by_position(fitted, columns), matrix_dtype(columns)

    assert placed is not None
    assert dtype is not None
    asked = values(columns, 200, 7, missing=gaps)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = placed.predict_proba(matrix(asked, columns, 200, dtype))
    np.testing.assert_array_equal(answer, fitted.predict_proba(_frame(asked, columns, 200)), strict=True)
    assert list(fitted.feature_names_in_) == names


def fitted(model: Any, columns: tuple[Column, ...] = MIXED) -> Any:
    return model.fit(_frame(values(columns, 60, 0, missing=False), columns, 60), np.arange(60) % 2)


class OfSomebodysOwn(StandardScaler):
    """Nobody knows what it does with a matrix."""


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(FunctionTransformer(lambda table: table.assign(region=0)), LogisticRegression()),
        make_pipeline(OfSomebodysOwn(), LogisticRegression()),
        make_pipeline(encoded().set_output(transform="pandas"), HistGradientBoostingClassifier(max_iter=2)),
        make_pipeline(FeatureUnion([("own", OfSomebodysOwn())]), LogisticRegression()),
        VotingClassifier([("own", make_pipeline(OfSomebodysOwn(), LogisticRegression()))], voting="soft"),
    ],
    ids=["a function", "a class", "tables between steps", "a union", "a vote"],
)
def test_what_is_not_all_of_scikit_learn_is_asked_with_tables(model: Any) -> None:
    columns = MIXED if "column" in str(model) or "function" in str(model) else NUMBERS

    assert by_position(fitted(model, columns), columns) is None


def test_a_model_that_saw_other_columns_or_another_order_is_asked_with_tables() -> None:
    model = fitted(Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression())]), NUMBERS)

    assert by_position(model, NUMBERS) is not None
    assert by_position(model, NUMBERS[::-1]) is None
    assert by_position(model, NUMBERS[:2]) is None


@pytest.mark.parametrize("kind", [Kind.FLOAT, Kind.DATETIME, Kind.BINARY, Kind.INTEGER])
def test_kinds_that_a_matrix_would_round_or_change_stay_in_tables(kind: Kind) -> None:
    assert matrix_dtype((Column("one", kind, True),)) is None
    assert matrix_dtype((*MIXED, Column("one", kind, True))) in (
        None,
        np.dtype(object) if kind is Kind.INTEGER else None,
    )


def test_a_table_of_the_same_dtypes_is_what_the_matrix_stands_for() -> None:
    asked = values(NUMBERS, 5, 3, missing=True)
    table: pd.DataFrame = _frame(asked, NUMBERS, 5)

    np.testing.assert_array_equal(matrix(asked, NUMBERS, 5, np.dtype("float64")), table.to_numpy())
