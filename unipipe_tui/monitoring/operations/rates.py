"""Traffic and failures as rates: by the time that servers were up, and with the interval that few requests leave open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from unipipe_tui.domain.operations import Minute, Rates, ServerHour
from unipipe_tui.monitoring.performance import wilson_interval


def rates(minutes: Sequence[Minute], covered_seconds: float, *, shadows: bool = False) -> Rates:
    """What these minutes or hours, of whatever variants, are together in so many seconds; shadows only when asked for."""
    answering = [one for one in minutes if shadows or not one.mirrored]
    requests, errors = sum(one.requests for one in answering), sum(one.errors for one in answering)
    share = wilson_interval(errors, requests) if requests else None
    return Rates(
        requests=requests,
        per_second=requests / covered_seconds if covered_seconds > 0 else None,
        errors=errors,
        error_share=errors / requests if requests else None,
        error_share_low=share.low if share else None,
        error_share_high=share.high if share else None,
        refused=sum(one.refused for one in answering),
        predictions=sum(one.predictions for one in answering),
    )


def covered_seconds(uptime: Sequence[ServerHour]) -> float:
    """For how much time a server was up: minutes that any of them wrote, each once.

    More than an hour an hour where a clock was set back, so that what came twice in it makes no rate twice as high.
    """
    hours: dict[datetime, int] = {}
    longest: dict[datetime, float] = {}
    for one in uptime:
        hours[one.at] = hours.get(one.at, 0) | one.minutes
        longest[one.at] = max(longest.get(one.at, 0.0), one.up_seconds)
    return float(sum(max(60 * minutes.bit_count(), longest[at]) for at, minutes in hours.items()))
