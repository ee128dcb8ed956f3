"""How near the servers were to turning requests away."""

from __future__ import annotations

from collections.abc import Sequence

from unipipe_tui.domain.operations import Minute, Saturation


def saturation(minutes: Sequence[Minute]) -> Saturation:
    """The highest of each figure: what waits against what may wait, and the processor of the busiest server."""
    in_flight = max(minutes, key=lambda one: one.in_flight, default=None)
    rows = max(minutes, key=lambda one: one.rows_behind, default=None)
    busy = max((one for one in minutes if one.busy is not None), key=lambda one: one.busy or 0.0, default=None)
    return Saturation(
        in_flight=in_flight.in_flight if in_flight else 0,
        in_flight_limit=in_flight.in_flight_limit if in_flight else None,
        in_flight_at=in_flight.at if in_flight and in_flight.in_flight else None,
        rows_behind=rows.rows_behind if rows else 0,
        rows_limit=rows.rows_limit if rows else None,
        rows_at=rows.at if rows and rows.rows_behind else None,
        busy=busy.busy if busy else None,
        busy_at=busy.at if busy else None,
    )
