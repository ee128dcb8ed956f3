"""Stage train: the model takes what traffic brings, is the same every time, and survives being saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from contract import Contract, load_contract, typed
from project import ROOT, stage_params
from tracking import TRUSTED_TYPES
from train import build_model, cross_validate


@pytest.fixture
def contract() -> Contract:
    return load_contract(ROOT / "contract.yaml")


@pytest.fixture
def params() -> dict[str, Any]:
    """The recipe's settings, with fewer trees and folds."""
    params = stage_params("train")
    return {**params, "folds": 2, "model": {**params["model"], "max_iter": 10}}


def test_an_unknown_region_and_a_missing_distance_are_scored(
    payments: pd.DataFrame, contract: Contract, params: dict[str, Any]
) -> None:
    train = typed(payments, contract)
    model = build_model(contract, params).fit(train[contract.inputs], train["is_fraud"])
    strange = train.head(5).assign(region="atlantis", distance_from_home_km=np.nan)
    scores = model.predict_proba(strange[contract.inputs])[:, 1]
    assert ((scores >= 0) & (scores <= 1)).all()


def test_cross_validation_is_the_same_every_time_and_learns(
    payments: pd.DataFrame, contract: Contract, params: dict[str, Any]
) -> None:
    train = typed(payments, contract)
    inputs, labels = train[contract.inputs], train["is_fraud"].to_numpy()
    first, second = (cross_validate(contract, params, inputs, labels) for _ in range(2))
    assert np.array_equal(first.scores, second.scores)
    assert first.validation_loss == second.validation_loss
    assert len(first.validation_loss) == 10
    assert first.validation_loss[-1] < first.validation_loss[0]


def test_the_saved_model_loads_with_the_named_types_alone(
    payments: pd.DataFrame, contract: Contract, params: dict[str, Any]
) -> None:
    train = typed(payments, contract)
    model = build_model(contract, params).fit(train[contract.inputs], train["is_fraud"])
    loaded = skops.io.loads(skops.io.dumps(model), trusted=list(TRUSTED_TYPES))
    assert np.array_equal(loaded.predict_proba(train[contract.inputs]), model.predict_proba(train[contract.inputs]))
