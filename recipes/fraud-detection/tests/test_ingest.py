"""Stage ingest: what comes first, and which row of a payment counts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from ingest import combine, raw_files


def test_labelled_traffic_comes_after_the_history_in_its_order(tmp_path: Path) -> None:
    for name in ("labelled-0002.parquet", "payments.parquet", "labelled-0001.parquet", "notes.txt"):
        (tmp_path / name).touch()
    names = [path.name for path in raw_files(tmp_path)]
    assert names == ["payments.parquet", "labelled-0001.parquet", "labelled-0002.parquet"]


def test_a_payment_that_comes_twice_keeps_its_later_label() -> None:
    history = pd.DataFrame({"payment_id": ["a", "b"], "is_fraud": [0, 0]})
    labelled = pd.DataFrame({"payment_id": ["b", "c"], "is_fraud": [1, 0]})
    combined = combine([history, labelled])
    assert combined.set_index("payment_id")["is_fraud"].to_dict() == {"a": 0, "b": 1, "c": 0}
