"""Stage ingest: one table from every file of `data/raw`, each payment once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from project import ROOT


def main() -> None:
    """Read `data/raw/*.parquet`, write `data/payments.parquet`."""
    paths = raw_files(ROOT / "data" / "raw")
    if not paths:
        raise SystemExit("ingest: data/raw holds no .parquet file")
    payments = combine([pd.read_parquet(path) for path in paths])
    payments.to_parquet(ROOT / "data" / "payments.parquet", index=False)
    print(f"ingest: {len(payments):,} payments from {', '.join(path.name for path in paths)}")


def raw_files(folder: Path) -> list[Path]:
    """The history first, then the labelled traffic of each retraining in its order."""
    return sorted(folder.glob("*.parquet"), key=lambda path: (path.name.startswith("labelled-"), path.name))


def combine(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """All rows; of a payment that comes twice the later one, since a later file knows more about it."""
    payments = pd.concat(tables, ignore_index=True)
    return payments.drop_duplicates("payment_id", keep="last", ignore_index=True)


if __name__ == "__main__":
    main()
