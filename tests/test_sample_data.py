"""The sample payments: what the script makes is what is committed, and it tells the story it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SAMPLE_DATA = Path(__file__).resolve().parent.parent / "sample_data"
WEEKS = range(1, 9)
INPUTS = {
    "amount": "float64",
    "amount_vs_usual": "float64",
    "hour": "int32",
    "card_age_days": "int32",
    "payments_last_hour": "int32",
    "declined_last_day": "int32",
    "distance_from_home_km": "float64",
    "region": "str",
    "merchant_category": "str",
    "channel": "str",
    "new_device": "int32",
}


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    return pd.read_parquet(SAMPLE_DATA / "payments.parquet")


@pytest.fixture(scope="module")
def weeks() -> dict[int, pd.DataFrame]:
    return {number: pd.read_parquet(SAMPLE_DATA / f"week-{number}.parquet") for number in WEEKS}


@pytest.fixture(scope="module")
def labels() -> dict[int, pd.DataFrame]:
    return {number: pd.read_csv(SAMPLE_DATA / f"labels-week-{number}.csv") for number in WEEKS}


def test_the_script_makes_exactly_the_committed_data(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SAMPLE_DATA / "make_payments.py"), "--out", str(tmp_path)], check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in SAMPLE_DATA.iterdir() if path.suffix in (".parquet", ".csv"))
    for name in made:
        if name.endswith(".csv"):
            assert (tmp_path / name).read_bytes() == (SAMPLE_DATA / name).read_bytes()
        else:  # compared by content: another pyarrow packs the same rows into other bytes
            pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / name), pd.read_parquet(SAMPLE_DATA / name))


def test_two_runs_of_the_script_make_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        argv = [sys.executable, str(SAMPLE_DATA / "make_payments.py"), "--out", str(tmp_path / folder)]
        subprocess.run(argv, check=True)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_the_folder_stays_small_enough_for_git() -> None:
    assert sum(path.stat().st_size for path in SAMPLE_DATA.iterdir() if path.is_file()) < 4_000_000


def test_the_history_is_labelled_and_the_weeks_are_not(history: pd.DataFrame, weeks: dict[int, pd.DataFrame]) -> None:
    text = {"payment_id": "str"}
    assert {name: str(kind) for name, kind in history.dtypes.items()} == {**text, **INPUTS, "is_fraud": "int32"}
    for week in weeks.values():
        assert {name: str(kind) for name, kind in week.dtypes.items()} == {**text, **INPUTS}


def test_a_payment_id_is_unique_over_history_and_weeks(history: pd.DataFrame, weeks: dict[int, pd.DataFrame]) -> None:
    assert len(history) == 24_000
    assert {len(week) for week in weeks.values()} == {3_500}
    assert pd.concat([history, *weeks.values()])["payment_id"].is_unique


def test_every_payment_of_a_week_gets_its_label(
    weeks: dict[int, pd.DataFrame], labels: dict[int, pd.DataFrame]
) -> None:
    for number in WEEKS:
        assert list(labels[number].columns) == ["payment_id", "is_fraud"]
        assert labels[number]["payment_id"].tolist() == weeks[number]["payment_id"].tolist()
        assert 0.04 < labels[number]["is_fraud"].mean() < 0.08


def test_only_the_location_is_ever_missing(history: pd.DataFrame, weeks: dict[int, pd.DataFrame]) -> None:
    for payments in (history, *weeks.values()):
        shares = payments.isna().mean()
        assert 0.03 < shares.pop("distance_from_home_km") < 0.09
        assert (shares == 0).all()


def test_weeks_one_to_four_look_like_the_history(history: pd.DataFrame, weeks: dict[int, pd.DataFrame]) -> None:
    for number in range(1, 5):
        assert {column: stability_index(history[column], weeks[number][column]) < 0.02 for column in INPUTS} == (
            dict.fromkeys(INPUTS, True)
        )


def test_week_five_brings_a_region_whose_amounts_were_never_seen(
    history: pd.DataFrame, weeks: dict[int, pd.DataFrame]
) -> None:
    for number in range(5, 9):
        new = weeks[number][~weeks[number]["region"].isin(history["region"])]
        assert set(new["region"]) == {"gulf"}
        assert 0.30 < len(new) / len(weeks[number]) < 0.35
        assert new["amount"].min() > history["amount"].max()
        for column in ("amount", "card_age_days", "distance_from_home_km", "region"):
            assert stability_index(history[column], weeks[number][column]) > 0.25, column


def stability_index(reference: pd.Series, current: pd.Series) -> float:
    """The population stability index over the reference's tenths (numbers) or over the values (text)."""
    if pd.api.types.is_numeric_dtype(reference):
        edges = np.unique(np.nanquantile(reference, np.linspace(0, 1, 11)))[1:-1]
        reference, current = (pd.Series(np.digitize(part.dropna(), edges)) for part in (reference, current))
    shares = pd.DataFrame({"then": reference.value_counts(True), "now": current.value_counts(True)}).fillna(0)
    then, now = shares["then"].clip(lower=1e-4), shares["now"].clip(lower=1e-4)
    return float(((now - then) * np.log(now / then)).sum())
