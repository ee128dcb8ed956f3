"""Stage validate: hold every row against the contract; rows that break it go into quarantine with the rules' ids."""

from __future__ import annotations

from typing import Any

import pandas as pd
from contract import Contract, broken_rules, load_contract, typed
from project import ROOT, stage_params, write_report


def main() -> None:
    """Read `data/payments.parquet`; write `data/valid.parquet`, `data/quarantine.parquet` and a report."""
    contract = load_contract(ROOT / "contract.yaml")
    payments = pd.read_parquet(ROOT / "data" / "payments.parquet")
    require_columns(payments, contract)

    broken = broken_rules(payments, contract)
    quarantined = broken.any(axis="columns")
    valid = payments[~quarantined]

    write_report("validation.json", report(broken))
    quarantine(payments, broken).to_parquet(ROOT / "data" / "quarantine.parquet", index=False)
    typed(valid, contract).to_parquet(ROOT / "data" / "valid.parquet", index=False)
    print(f"validate: {len(valid):,} rows keep the contract, {quarantined.sum():,} quarantined")

    refuse_too_many(broken, stage_params("validate")["max_quarantined_share"])
    refuse_too_much_missing(valid, contract)


def require_columns(payments: pd.DataFrame, contract: Contract) -> None:
    """Stop when a column of the contract is not there at all."""
    absent = [name for name in contract.names if name not in payments.columns]
    if absent:
        raise SystemExit(f"validate: the data lacks {', '.join(absent)}")


def quarantine(payments: pd.DataFrame, broken: pd.DataFrame) -> pd.DataFrame:
    """The rows that break a rule, as they came, with the ids of the rules in `broken_rules` (comma-separated)."""
    rows = broken.any(axis="columns")
    rules = broken[rows].apply(lambda row: ",".join(broken.columns[row]), axis="columns")
    return payments[rows].assign(broken_rules=rules.astype("str") if len(rules) else pd.Series(dtype="str"))


def report(broken: pd.DataFrame) -> dict[str, Any]:
    """How many rows there were, how many were quarantined, and how many broke which rule."""
    quarantined = int(broken.any(axis="columns").sum())
    return {
        "rows": len(broken),
        "valid": len(broken) - quarantined,
        "quarantined": quarantined,
        "quarantined_share": round(quarantined / max(len(broken), 1), 6),
        "broken_rules": {rule: int(count) for rule, count in broken.sum().items() if count},
    }


def refuse_too_many(broken: pd.DataFrame, limit: float) -> None:
    """Stop when more than `limit` of the rows broke a rule: then the source is broken, not a row."""
    rows = int(broken.any(axis="columns").sum())
    if rows > limit * len(broken):
        worst = broken.sum().idxmax()
        raise SystemExit(
            f"validate: {rows:,} of {len(broken):,} rows break the contract, most of them {worst};"
            f" the limit is {limit:.2%} (params.yaml, validate.max_quarantined_share)"
        )


def refuse_too_much_missing(valid: pd.DataFrame, contract: Contract) -> None:
    """Stop when a column that may have gaps has more than it may."""
    for column in contract.columns:
        share = valid[column.name].isna().mean()
        if share > column.missing_share:
            raise SystemExit(
                f"validate: {column.name} is missing in {share:.1%} of the rows (limit {column.missing_share:.1%})"
            )


if __name__ == "__main__":
    main()
