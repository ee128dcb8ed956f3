"""Minutes as a server writes them down beside its predictions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from unipipe_tui.domain.operations import bucket_of


def minute_row(at: datetime, requests: int = 60, **changes: object) -> dict[str, Any]:
    """One minute of one variant, in which every request took 5 ms."""
    return {
        "at": at.isoformat(),
        "model": "fraud",
        "version": 3,
        "variant": "stable",
        "mirrored": False,
        "requests": requests,
        "errors": 0,
        "refused": 0,
        "predictions": requests,
        "seconds": requests * 0.005,
        "latency": [[bucket_of(5.0), requests]] if requests else [],
        "server": "host:1",
        "up_seconds": 60.0,
        "busy": 0.25,
        "in_flight": 2,
        "in_flight_limit": 1024,
        "rows_behind": 3,
        "rows_limit": 20_000,
        **changes,
    }
