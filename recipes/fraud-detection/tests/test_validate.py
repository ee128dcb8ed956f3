"""Stage validate: which rows are quarantined, by which rule, and when the stage stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from contract import Contract, broken_rules, load_contract, typed
from project import ROOT
from validate import quarantine, refuse_too_many, refuse_too_much_missing, report, require_columns


@pytest.fixture
def contract() -> Contract:
    return load_contract(ROOT / "contract.yaml")


def test_good_payments_break_no_rule(payments: pd.DataFrame, contract: Contract) -> None:
    assert not broken_rules(payments, contract).to_numpy().any()


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("amount", -5.0, "amount.at_least"),
        ("amount", None, "amount.missing"),
        ("amount", "a lot", "amount.type"),
        ("hour", 24, "hour.at_most"),
        ("channel", "fax", "channel.allowed"),
        ("region", 7, "region.type"),
        ("new_device", 2, "new_device.allowed"),
        ("is_fraud", None, "is_fraud.missing"),
        ("payment_id", "pay-000001", "payment_id.unique"),
    ],
)
def test_a_bad_value_is_quarantined_with_the_id_of_its_rule(
    payments: pd.DataFrame, contract: Contract, column: str, value: Any, rule: str
) -> None:
    payments[column] = payments[column].astype(object)
    payments.loc[10, column] = value
    found = quarantine(payments, broken_rules(payments, contract))
    assert found.index.tolist() == [10]
    assert found.loc[10, "broken_rules"] == rule


def test_a_row_that_breaks_two_rules_names_both(payments: pd.DataFrame, contract: Contract) -> None:
    payments.loc[4, ["hour", "amount"]] = [99, 0.0]
    assert (
        quarantine(payments, broken_rules(payments, contract)).loc[4, "broken_rules"] == "amount.at_least,hour.at_most"
    )


def test_a_new_region_with_large_amounts_is_news_and_no_error(payments: pd.DataFrame, contract: Contract) -> None:
    payments = payments.assign(region="atlantis", amount=50_000.0)
    assert not broken_rules(payments, contract).to_numpy().any()


def test_a_value_may_be_missing_where_the_contract_says_so(payments: pd.DataFrame, contract: Contract) -> None:
    assert payments["distance_from_home_km"].isna().any()
    refuse_too_much_missing(payments, contract)
    with pytest.raises(SystemExit, match=r"distance_from_home_km is missing in 100\.0%"):
        refuse_too_much_missing(payments.assign(distance_from_home_km=None), contract)


def test_too_many_broken_rows_stop_the_stage_and_name_the_worst_rule(
    payments: pd.DataFrame, contract: Contract
) -> None:
    payments.loc[:59, "amount"] = -1.0
    broken = broken_rules(payments, contract)
    refuse_too_many(broken, limit=0.10)
    with pytest.raises(SystemExit, match=r"60 of 600 rows break the contract, most of them amount\.at_least"):
        refuse_too_many(broken, limit=0.05)


def test_a_column_that_is_not_there_stops_the_stage(payments: pd.DataFrame, contract: Contract) -> None:
    with pytest.raises(SystemExit, match="the data lacks hour"):
        require_columns(payments.drop(columns="hour"), contract)


def test_the_report_counts_rows_and_only_the_rules_that_were_broken(payments: pd.DataFrame, contract: Contract) -> None:
    payments.loc[[1, 2], "amount"] = -1.0
    found = report(broken_rules(payments, contract))
    assert (found["rows"], found["valid"], found["quarantined"]) == (600, 598, 2)
    assert found["broken_rules"] == {"amount.at_least": 2}


def test_types_do_not_depend_on_whether_a_value_is_missing(payments: pd.DataFrame, contract: Contract) -> None:
    complete = payments.dropna()
    assert typed(payments, contract).dtypes.tolist() == typed(complete, contract).dtypes.tolist()
    assert typed(complete, contract)["hour"].dtype == "float64"


def test_a_key_that_the_contract_does_not_know_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("columns:\n  amount: {kind: number, minimum: 0}\n")
    with pytest.raises(TypeError, match="minimum"):
        load_contract(path)
