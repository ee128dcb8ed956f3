"""Bringing events to sinks: when one that failed is tried again, and when nobody tries any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from unipipe_tui.domain.alerts import AlertEvent
from unipipe_tui.domain.values import frozen

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=7)


class DeliveryState(StrEnum):
    """How far an event has come."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"
    """The sink failed for a week, or is configured no more."""


@frozen
class Delivery:
    """One event for one sink."""

    event: AlertEvent
    sink: str
    since: datetime
    """When the event happened."""
    due: datetime
    """When it is tried next."""
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    problem: str = ""
    """Why the last attempt failed."""


@frozen
class SinkState:
    """How a sink does."""

    name: str
    waiting: int
    delivered: int
    given_up: int
    last: datetime | None
    """When it took an event last."""
    problem: str
    """Why the oldest waiting event could not be brought."""
    attempts: int = 0
    """How often that was tried."""


def is_due(delivery: Delivery, now: datetime) -> bool:
    """Whether it is time to try. A clock that jumped back lets nothing wait longer than the longest pause."""
    return delivery.due <= now or delivery.due - now > LONGEST_PAUSE


def taken(delivery: Delivery, now: datetime) -> Delivery:
    """The delivery after the sink took the event."""
    return replace(delivery, state=DeliveryState.DELIVERED, attempts=delivery.attempts + 1, due=now, problem="")


def failed(delivery: Delivery, problem: str, now: datetime) -> Delivery:
    """The delivery after an attempt failed: tried again after a pause that doubles each time, up to an hour."""
    pause = min(FIRST_PAUSE * 2 ** min(delivery.attempts, 20), LONGEST_PAUSE)
    state = DeliveryState.GIVEN_UP if now - delivery.since > GIVE_UP_AFTER else DeliveryState.WAITING
    return replace(delivery, state=state, attempts=delivery.attempts + 1, due=now + pause, problem=problem)
