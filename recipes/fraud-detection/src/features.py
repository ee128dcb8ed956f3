"""Stage features: a part to train on, a part to judge by (a payment stays on its side for ever), and what is normal now."""

from __future__ import annotations

import hashlib

import pandas as pd
from contract import load_contract
from project import ROOT, stage_params


def main() -> None:
    """Read `data/valid.parquet`, write `data/train.parquet`, `data/holdout.parquet` and `data/reference.parquet`."""
    contract = load_contract(ROOT / "contract.yaml")
    params = stage_params("features")
    payments = pd.read_parquet(ROOT / "data" / "valid.parquet")
    held_out = in_holdout(payments[contract.id], params["holdout_share"])
    payments[~held_out].to_parquet(ROOT / "data" / "train.parquet", index=False)
    payments[held_out].to_parquet(ROOT / "data" / "holdout.parquet", index=False)
    newest(payments, params["reference_rows"]).to_parquet(ROOT / "data" / "reference.parquet", index=False)
    print(f"features: {(~held_out).sum():,} payments to train on, {held_out.sum():,} held out")


def newest(payments: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The last payments that a label is known of: what live traffic is compared with.

    Not all that the model learnt from: what was normal years ago must neither hide nor cause an alarm today.
    """
    return payments.tail(rows)


def in_holdout(ids: pd.Series, share: float) -> pd.Series:
    """True for about `share` of the ids (0 to 1).

    Decided by a hash of the id alone, so that new data moves no payment to the other side: a model is never judged by
    payments that an earlier or later one was trained on.
    """
    return ids.map(lambda payment_id: _uniform(payment_id) < share).astype("bool")


def _uniform(text: str) -> float:
    """A number in [0, 1) that depends on nothing but the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


if __name__ == "__main__":
    main()
