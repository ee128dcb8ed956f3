"""The data contract: which columns there are, what each is for, and what its values may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pandas as pd
import yaml


class Kind(StrEnum):
    """What a column is for."""

    ID = "id"
    NUMBER = "number"
    CATEGORY = "category"
    LABEL = "label"


@dataclass(frozen=True)
class Column:
    """One column's promise; the keys of its line in `contract.yaml`."""

    name: str
    kind: Kind
    missing_share: float = 0.0
    at_least: float | None = None
    at_most: float | None = None
    allowed: tuple[str | int, ...] | None = None

    @property
    def is_text(self) -> bool:
        """True for ids and categories, false for everything one can calculate with."""
        return self.kind in (Kind.ID, Kind.CATEGORY)


@dataclass(frozen=True)
class Contract:
    """All columns of a payment, in the order in which every table carries them."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def numbers(self) -> list[str]:
        return [column.name for column in self.columns if column.kind is Kind.NUMBER]

    @property
    def categories(self) -> list[str]:
        return [column.name for column in self.columns if column.kind is Kind.CATEGORY]

    @property
    def inputs(self) -> list[str]:
        """What the model sees: numbers and categories, in the contract's order."""
        return [column.name for column in self.columns if column.kind in (Kind.NUMBER, Kind.CATEGORY)]

    @property
    def id(self) -> str:
        return next(column.name for column in self.columns if column.kind is Kind.ID)

    @property
    def label(self) -> str:
        return next(column.name for column in self.columns if column.kind is Kind.LABEL)


def load_contract(path: Path) -> Contract:
    """Read `contract.yaml`; an unknown key or kind is an error (TypeError, ValueError), not a promise nobody keeps."""
    lines = yaml.safe_load(path.read_text(encoding="utf-8"))["columns"]
    return Contract(tuple(_column(name, **line) for name, line in lines.items()))


def broken_rules(payments: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """One boolean column per rule, named by the rule's id; true where the row breaks it. Same index as `payments`."""
    broken: dict[str, pd.Series] = {}
    for column in contract.columns:
        broken |= _broken_in_column(payments[column.name], column)
    broken[f"{contract.id}.unique"] = payments[contract.id].duplicated(keep="first") & payments[contract.id].notna()
    return pd.DataFrame(broken, index=payments.index)


def typed(payments: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The contract's columns as text, float64 and (for the label) int64; only for rows that keep the contract.

    Whole numbers become floats too, so that a missing value never changes a column's type between two data sets.
    """
    text = {column.name: "str" for column in contract.columns if column.is_text}
    numbers = dict.fromkeys(contract.numbers, "float64")
    return payments[contract.names].astype({**text, **numbers, contract.label: "int64"})


def _column(name: str, kind: str, allowed: list[str | int] | None = None, **limits: float) -> Column:
    return Column(name, Kind(kind), allowed=None if allowed is None else tuple(allowed), **limits)


def _broken_in_column(values: pd.Series, column: Column) -> dict[str, pd.Series]:
    """The rules of one column that apply to single values."""
    present = values.notna()
    broken: dict[str, pd.Series] = {}
    if column.missing_share == 0:
        broken[f"{column.name}.missing"] = ~present
    if column.is_text:
        comparable = values.where(values.map(lambda value: isinstance(value, str)))
    else:
        comparable = pd.to_numeric(values, errors="coerce")
    broken[f"{column.name}.type"] = present & comparable.isna()
    if column.at_least is not None:
        broken[f"{column.name}.at_least"] = comparable < column.at_least
    if column.at_most is not None:
        broken[f"{column.name}.at_most"] = comparable > column.at_most
    if column.allowed is not None:
        broken[f"{column.name}.allowed"] = comparable.notna() & ~comparable.isin(column.allowed)
    return broken
