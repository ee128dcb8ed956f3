"""What 1,000 predictions cost, and what that was reckoned from."""

from __future__ import annotations

from unipipe_tui.domain.operations import Cost


def cost_of(price: float, currency: str, hours: float, predictions: int, paid_for: str) -> Cost:
    """`price` for each of `hours`: of the target, or of its servers added; `paid_for` says which."""
    total = price * hours
    per_1000 = 1000 * total / predictions if predictions else None
    return Cost(
        per_1000=per_1000,
        currency=currency,
        total=total,
        price_per_hour=price,
        hours=hours,
        predictions=predictions,
        base=f"{price:g} {currency} an hour x {hours:,.1f} {paid_for} / {predictions:,} predictions",
    )
