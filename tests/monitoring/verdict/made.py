"""Sets of rows that the tests compare, from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files

Columns = Mapping[str, Any]


def joined(seed: int, rows: int, correlation: float = 0.8) -> Columns:
    """Two numbers that go together, one of them skewed, a third beside them, and a text that goes with the first.

    Whatever the correlation, each column by itself is distributed alike.
    """
    chance = np.random.default_rng(seed)
    a = chance.normal(size=rows)
    b = correlation * a + np.sqrt(1 - correlation**2) * chance.normal(size=rows)
    return {
        "amount": np.exp(a),
        "usual": b,
        "hour": chance.normal(size=rows),
        "channel": chance.choice(["store", "online", "phone"], rows, p=[0.6, 0.3, 0.1]),
    }


def written(path: Path, columns: Columns) -> Files:
    """A Parquet file with these columns."""
    pq.write_table(pa.table(dict(columns)), path)
    return Files((str(path),))


def both(folder: Path, then: Columns, now: Columns) -> tuple[tuple[Files, Files], tuple[Profile, Profile]]:
    """Both sides as files, and their profiles."""
    files = written(folder / "then.parquet", then), written(folder / "now.parquet", now)
    reference = profile(files[0])
    return files, (reference, profile(files[1], like=reference))
