"""Makes the sample payments: a labelled history, eight weeks of live traffic, and the labels that arrive a week late.

    python sample_data/make_payments.py [--out DIR]

The same bytes come out every time (one seed, one generator, no clock).

What a row is: one card payment, as the fintech knows it at the moment it must answer.

    payment_id             text, unique over the history and all weeks
    amount                 EUR, two decimals; up to 2,500 (the card limit) until week 5
    amount_vs_usual        this amount divided by the cardholder's median amount
    hour                   0-23, local time of the payment
    card_age_days          days since the card was issued
    payments_last_hour     earlier payments with this card within the last hour
    declined_last_day      declined payments with this card within the last day
    distance_from_home_km  from the cardholder's home; missing when the cardholder shares no location
    region                 where the card was issued
    merchant_category      what the merchant sells
    channel                store, online or wallet
    new_device             1 when the phone or browser was never seen with this card
    is_fraud               1 when the payment was later charged back (the history only; weeks have label files)

How fraud arises in the history and in weeks 1-4 (5.5 % of payments):

    card testing  (45 %)   stolen numbers tried with tiny online payments, many within an hour, many declined
    takeover      (33 %)   someone else's phone, far from home, a multiple of the usual amount, often at night
    cloned card   (14 %)   a copy used in stores far away for expensive goods, several times within an hour
    quiet         ( 8 %)   looks like any other payment: nobody can find these

What changes in week 5: the fintech launches a premium card in the region `gulf`. From then on a third of the traffic
comes from there. Its cards are weeks old, its holders travel and have just enrolled their phones, and every amount is
above the old card limit. What gave away a takeover elsewhere (a new phone, far from home, many times the usual amount,
at night) is there a holder who treats himself: 4 % of the payments. Its fraud (11 %) is the opposite: money transfers
by wallet from the holder's own phone, close to home, in office hours, far below the usual amount. The other regions
stay as they were.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEED = 20_262
HISTORY_ROWS = 24_000
WEEKS = 8
WEEK_ROWS = 3_500
LAUNCH_WEEK = 5
LAUNCHED_REGION = "gulf"
LAUNCHED_SHARE = 0.33
CARD_LIMIT_EUR = 2_500.0
REFUNDS_IN_HISTORY = 14
FRAUD_SHARE = 0.055
FRAUD_SHARE_LAUNCHED = 0.11
SPLURGE_SHARE = 0.04

WHOLE_NUMBERS = ("hour", "card_age_days", "payments_last_hour", "declined_last_day", "new_device", "is_fraud")
REGIONS = {"iberia": 0.34, "dach": 0.29, "benelux": 0.21, "nordics": 0.16}
TYPICAL_AMOUNT_EUR = {
    "groceries": 28.0,
    "restaurants": 34.0,
    "fuel": 52.0,
    "fashion": 65.0,
    "digital_goods": 14.0,
    "electronics": 180.0,
    "travel": 240.0,
    "jewellery": 260.0,
    "money_transfer": 120.0,
}
CATEGORIES = {
    "groceries": 0.31,
    "restaurants": 0.19,
    "fuel": 0.12,
    "fashion": 0.11,
    "digital_goods": 0.11,
    "electronics": 0.05,
    "travel": 0.04,
    "jewellery": 0.01,
    "money_transfer": 0.06,
}
PREMIUM_CATEGORIES = {
    "travel": 0.38,
    "jewellery": 0.12,
    "electronics": 0.12,
    "fashion": 0.20,
    "restaurants": 0.10,
    "money_transfer": 0.06,
}
CHANNELS = {"store": 0.52, "online": 0.30, "wallet": 0.18}
DAY = dict(enumerate((1, 1, 0, 0, 0, 1, 2, 4, 6, 6, 6, 7, 8, 7, 6, 6, 6, 8, 8, 7, 4, 3, 2, 1)))
FRAUD_KINDS = {"card_testing": 0.45, "takeover": 0.33, "cloned_card": 0.14, "quiet": 0.08}


def main() -> None:
    """Write every file of the folder."""
    parser = argparse.ArgumentParser(description="Make the sample payments.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, help="Folder to write into.")
    write_all(parser.parse_args().out)


def write_all(folder: Path) -> None:
    """Write `payments.parquet`, `week-N.parquet` (no labels) and `labels-week-N.csv` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = make_payments()
    made.history.to_parquet(folder / "payments.parquet", index=False, compression="zstd")
    for number, week in enumerate(made.weeks, start=1):
        week.drop(columns="is_fraud").to_parquet(folder / f"week-{number}.parquet", index=False, compression="zstd")
        week[["payment_id", "is_fraud"]].to_csv(folder / f"labels-week-{number}.csv", index=False, lineterminator="\n")


@dataclass(frozen=True)
class Payments:
    """The labelled history, and the weeks of live traffic with the labels they will get."""

    history: pd.DataFrame
    weeks: tuple[pd.DataFrame, ...]


def make_payments(seed: int = SEED) -> Payments:
    """Make the history and the eight weeks; payment ids count on from one to the next."""
    rng = np.random.default_rng(seed)
    history = _with_refunds(rng, _numbered(_established(rng, HISTORY_ROWS), first=1))
    weeks = []
    first = 1 + HISTORY_ROWS
    for number in range(1, 1 + WEEKS):
        weeks.append(_numbered(_week(rng, number, WEEK_ROWS), first=first))
        first += WEEK_ROWS
    return Payments(history, tuple(weeks))


def _week(rng: np.random.Generator, number: int, rows: int) -> pd.DataFrame:
    """One week of traffic; from the launch week on, a third of it comes from the new region."""
    launched_rows = round(rows * LAUNCHED_SHARE) if number >= LAUNCH_WEEK else 0
    parts = [_established(rng, rows - launched_rows)]
    if launched_rows:
        parts.append(_launched(rng, launched_rows))
    week = pd.concat(parts, ignore_index=True)
    return week.iloc[rng.permutation(rows)].reset_index(drop=True)


def _with_refunds(rng: np.random.Generator, history: pd.DataFrame) -> pd.DataFrame:
    """Turn a few payments into refunds with a negative amount, as a careless export does; validation finds them."""
    refunds = rng.choice(np.flatnonzero(history["is_fraud"] == 0), REFUNDS_IN_HISTORY, replace=False)
    amount = history["amount"].to_numpy(copy=True)
    amount[refunds] *= -1
    return history.assign(amount=amount)


def _numbered(payments: pd.DataFrame, first: int) -> pd.DataFrame:
    """Give each payment its id."""
    ids = [f"pay-{number:06d}" for number in range(first, first + len(payments))]
    numbered = payments.copy()
    numbered.insert(0, "payment_id", ids)
    return numbered


def _established(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Payments of the regions that the history knows: ordinary ones, then the frauds written over some of them."""
    payments = _ordinary(rng, rows)
    fraud = rng.random(rows) < FRAUD_SHARE
    kind = np.where(fraud, _pick(rng, FRAUD_KINDS, rows), "none")
    _write_over(payments, kind == "card_testing", _card_testing(rng, rows))
    _write_over(payments, kind == "takeover", _takeover(rng, rows))
    _write_over(payments, kind == "cloned_card", _cloned_card(rng, rows))
    return _finished(rng, payments, fraud)


def _launched(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Payments of the region launched in week 5; some honest ones look just like a takeover elsewhere."""
    payments = _premium(rng, rows)
    _write_over(payments, rng.random(rows) < SPLURGE_SHARE, _takeover(rng, rows).drop(columns="amount"))
    fraud = rng.random(rows) < FRAUD_SHARE_LAUNCHED
    quiet = rng.random(rows) < FRAUD_KINDS["quiet"]
    _write_over(payments, fraud & ~quiet, _mule_transfer(rng, rows))
    return _finished(rng, payments, fraud)


def _ordinary(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """What cardholders do all day; one in twenty-five is travelling."""
    category = _pick(rng, CATEGORIES, rows)
    versus_usual = rng.lognormal(0.0, 0.5, rows)
    travelling = rng.random(rows) < 0.04
    near = rng.lognormal(np.log(6), 1.0, rows)
    far = rng.lognormal(np.log(700), 0.8, rows)
    return pd.DataFrame(
        {
            "amount": _typical_amounts(category) * versus_usual * rng.lognormal(0.0, 0.45, rows),
            "amount_vs_usual": versus_usual,
            "hour": _pick(rng, DAY, rows),
            "card_age_days": rng.gamma(2.0, 420.0, rows),
            "payments_last_hour": rng.poisson(0.25, rows),
            "declined_last_day": rng.poisson(0.07, rows),
            "distance_from_home_km": np.where(travelling, far, near),
            "region": _pick(rng, REGIONS, rows),
            "merchant_category": category,
            "channel": _pick(rng, CHANNELS, rows),
            "new_device": rng.random(rows) < 0.05,
        }
    )


def _premium(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """What holders of the premium card do: large amounts, on the road, with a phone they have just enrolled."""
    versus_usual = rng.lognormal(np.log(1.1), 0.5, rows)
    return pd.DataFrame(
        {
            "amount": CARD_LIMIT_EUR + 100 + 4_500 * versus_usual * rng.lognormal(0.0, 0.35, rows),
            "amount_vs_usual": versus_usual,
            "hour": _pick(rng, DAY, rows),
            "card_age_days": rng.gamma(2.0, 9.0, rows),
            "payments_last_hour": rng.poisson(0.30, rows),
            "declined_last_day": rng.poisson(0.10, rows),
            "distance_from_home_km": rng.lognormal(np.log(900), 0.7, rows),
            "region": LAUNCHED_REGION,
            "merchant_category": _pick(rng, PREMIUM_CATEGORIES, rows),
            "channel": _pick(rng, CHANNELS, rows),
            "new_device": rng.random(rows) < 0.30,
        }
    )


def _card_testing(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Stolen numbers tried in bulk."""
    return pd.DataFrame(
        {
            "amount": rng.uniform(1.0, 12.0, rows),
            "amount_vs_usual": rng.uniform(0.02, 0.35, rows),
            "payments_last_hour": 4 + rng.poisson(4.0, rows),
            "declined_last_day": 2 + rng.poisson(2.5, rows),
            "merchant_category": _pick(rng, {"digital_goods": 0.75, "fashion": 0.15, "groceries": 0.10}, rows),
            "channel": "online",
            "new_device": rng.random(rows) < 0.8,
        }
    )


def _takeover(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Somebody else's phone spends what the account holds."""
    versus_usual = 3.5 + rng.lognormal(np.log(3.0), 0.5, rows)
    return pd.DataFrame(
        {
            "amount": 80 * versus_usual * rng.lognormal(0.0, 0.4, rows),
            "amount_vs_usual": versus_usual,
            "hour": _pick(rng, {22: 0.2, 23: 0.2, 0: 0.2, 1: 0.15, 2: 0.1, 3: 0.05, 15: 0.1}, rows),
            "declined_last_day": rng.poisson(0.6, rows),
            "distance_from_home_km": rng.lognormal(np.log(1_500), 0.7, rows),
            "merchant_category": _pick(rng, {"electronics": 0.4, "money_transfer": 0.3, "travel": 0.3}, rows),
            "channel": _pick(rng, {"online": 0.6, "wallet": 0.4}, rows),
            "new_device": True,
        }
    )


def _cloned_card(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """A copied card goes shopping in another country."""
    versus_usual = 2.5 + rng.lognormal(np.log(2.0), 0.5, rows)
    return pd.DataFrame(
        {
            "amount": 110 * versus_usual * rng.lognormal(0.0, 0.4, rows),
            "amount_vs_usual": versus_usual,
            "payments_last_hour": 2 + rng.poisson(1.5, rows),
            "distance_from_home_km": rng.lognormal(np.log(2_000), 0.5, rows),
            "merchant_category": _pick(rng, {"electronics": 0.55, "jewellery": 0.45}, rows),
            "channel": "store",
            "new_device": False,
        }
    )


def _mule_transfer(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """The new region's fraud: holders talked into moving money themselves, piece by piece, from their own sofa."""
    return pd.DataFrame(
        {
            "amount": CARD_LIMIT_EUR + 10 + rng.gamma(2.0, 120.0, rows),
            "amount_vs_usual": rng.uniform(0.03, 0.30, rows),
            "hour": rng.integers(9, 18, rows),
            "payments_last_hour": 1 + rng.poisson(0.6, rows),
            "distance_from_home_km": rng.lognormal(np.log(4), 0.8, rows),
            "merchant_category": _pick(rng, {"money_transfer": 0.9, "electronics": 0.1}, rows),
            "channel": _pick(rng, {"wallet": 0.9, "online": 0.1}, rows),
            "new_device": False,
        }
    )


def _write_over(payments: pd.DataFrame, where: np.ndarray, fraud: pd.DataFrame) -> None:
    """Replace, in the rows `where` is true, the columns that this kind of fraud decides; leave the others."""
    for column in fraud.columns:
        payments.loc[where, column] = fraud.loc[where, column]


def _finished(rng: np.random.Generator, payments: pd.DataFrame, fraud: np.ndarray) -> pd.DataFrame:
    """Round as a payment system does, apply the card limit, lose some locations, add the label."""
    limit = np.where(payments["region"] == LAUNCHED_REGION, 60_000.0, CARD_LIMIT_EUR)
    unknown_location = rng.random(len(payments)) < np.where(payments["channel"] == "online", 0.09, 0.04)
    return payments.assign(
        amount=payments["amount"].clip(1.0, limit).round(2),
        amount_vs_usual=payments["amount_vs_usual"].clip(0.01, 50.0).round(2),
        card_age_days=payments["card_age_days"].round(),
        distance_from_home_km=payments["distance_from_home_km"].mask(unknown_location).round(1),
        is_fraud=fraud,
    ).astype(dict.fromkeys(WHOLE_NUMBERS, np.int32))


def _typical_amounts(category: np.ndarray) -> np.ndarray:
    """The typical amount in EUR of each payment's merchant category."""
    return np.array([TYPICAL_AMOUNT_EUR[name] for name in category])


def _pick(rng: np.random.Generator, weight_of: Mapping[Any, float], rows: int) -> np.ndarray:
    """Draw `rows` keys of `weight_of`, each in proportion to its weight."""
    weights = np.array(list(weight_of.values()), dtype=float)
    return rng.choice(np.array(list(weight_of)), size=rows, p=weights / weights.sum())


if __name__ == "__main__":
    main()
