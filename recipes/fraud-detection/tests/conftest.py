"""Makes the stages importable as they import each other, and payments to try them on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "src"))


@pytest.fixture
def payments() -> pd.DataFrame:
    """Six hundred payments that keep the contract; fraud is what is both large and from a new device."""
    rng = np.random.default_rng(3)
    rows = 600
    amount = rng.lognormal(4, 1, rows).round(2)
    new_device = (rng.random(rows) < 0.4).astype(np.int64)
    distance = rng.lognormal(2, 1, rows).round(1)
    distance[::20] = np.nan
    return pd.DataFrame(
        {
            "payment_id": [f"pay-{number:06d}" for number in range(rows)],
            "amount": amount,
            "amount_vs_usual": rng.lognormal(0, 0.5, rows).round(2),
            "hour": rng.integers(0, 24, rows),
            "card_age_days": rng.integers(0, 2000, rows),
            "payments_last_hour": rng.poisson(0.3, rows),
            "declined_last_day": rng.poisson(0.1, rows),
            "distance_from_home_km": distance,
            "region": rng.choice(["dach", "iberia"], rows),
            "merchant_category": rng.choice(["fuel", "travel"], rows),
            "channel": rng.choice(["store", "online", "wallet"], rows),
            "new_device": new_device,
            "is_fraud": ((amount > 60) & (new_device == 1)).astype(np.int64),
        }
    )
