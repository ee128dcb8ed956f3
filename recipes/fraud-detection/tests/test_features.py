"""Stage features: a payment stays on its side."""

from __future__ import annotations

import pandas as pd
from features import in_holdout, newest


def test_about_the_share_is_held_out() -> None:
    ids = pd.Series([f"pay-{number}" for number in range(5_000)])
    assert 0.23 < in_holdout(ids, 0.25).mean() < 0.27


def test_new_payments_move_no_old_one_to_the_other_side() -> None:
    old = pd.Series([f"pay-{number}" for number in range(200)])
    grown = pd.concat([pd.Series(["new-1", "new-2"]), old], ignore_index=True)
    assert in_holdout(old, 0.25).tolist() == in_holdout(grown, 0.25).tolist()[2:]


def test_the_side_is_the_same_on_every_machine() -> None:
    # The SHA-256 of "abc" begins with ba78 (FIPS 180-2, appendix B.1), which is 0.7284 of the whole range.
    abc = pd.Series(["abc"])
    assert not in_holdout(abc, 0.728).any()
    assert in_holdout(abc, 0.729).all()


def test_the_reference_is_the_newest_week() -> None:
    payments = pd.DataFrame({"payment_id": [f"pay-{number}" for number in range(10)]})
    assert list(newest(payments, 3)["payment_id"]) == ["pay-7", "pay-8", "pay-9"]
    assert len(newest(payments, 100)) == 10
