"""How a figure, a share or a value from the data is written inside a sentence."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_VALUE = 40
MOST_VALUES = 5


def figure(value: float) -> str:
    """Four significant digits, and thousands apart: 1,204 or 0.0312."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.4g}"


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage, never rounding something to nothing or less than all to all."""
    shown, least = f"{share * 100:.{decimals}f}", 10.0**-decimals
    if share > 0.0 and float(shown) == 0.0:
        return f"< {least:.{decimals}f} %"
    return f"> {100 - least:.{decimals}f} %" if share < 1.0 and float(shown) == 100.0 else f"{shown} %"


def p_figure(p_value: float) -> str:
    """A p-value as it is quoted: `p 0.003` or `p < 1e-15`, below which rounding rules."""
    return "p < 1e-15" if p_value < 1e-15 else f"p {p_value:.2g}"


def printable(value: str) -> str:
    """A value from the data that can do a terminal no harm: one short line without control characters, `""` for nothing.

    It may still hold the markup of some front end, which only that can escape.
    """
    safe = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value)
    shown = safe if len(safe) <= LONGEST_VALUE else f"{safe[: LONGEST_VALUE - 1]}…"
    return shown if shown.strip() else f'"{shown}"'


def listed(values: Sequence[str]) -> str:
    """The first few values of a list, and how many more there are."""
    shown = ", ".join(printable(value) for value in values[:MOST_VALUES])
    return shown if len(values) <= MOST_VALUES else f"{shown} and {len(values) - MOST_VALUES:,} more"
