"""Bringing what happened to alerts to the sinks: each on its own, within a time, and what fails waits for the next round."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic

from unipipe_tui.actions.world import World
from unipipe_tui.domain.alerts import AlertEvent
from unipipe_tui.domain.deliveries import Delivery, DeliveryState, failed, is_due, taken
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import without_secrets
from unipipe_tui.domain.values import frozen

LONGEST_SECONDS = 20.0
"""What all sinks together may take of a round: they are asked at the same time."""
SHORT_SECONDS = 3.0
"""What they may take of a check that somebody waits for."""
NOT_CONFIGURED = "The sink is configured no more."


@frozen
class Delivered:
    """How bringing went."""

    delivered: int
    waiting: int
    """Still to be brought, by later rounds."""
    problems: tuple[str, ...]
    """One sentence for each sink that failed now."""


def deliver(world: World, progress: Progress, within_seconds: float = LONGEST_SECONDS) -> Delivered:
    """Bring what is due; every attempt is written down, and no sink keeps another one waiting."""
    waiting = world.history.waiting()
    if not waiting:
        return Delivered(0, 0, ())
    gone = tuple(one for one in waiting if one.sink not in world.config.alerts.sinks)
    world.history.note_deliveries((_given_up(one) for one in gone), world.now())
    runs = [_Run(world, name, due) for name, due in _due_by_sink(waiting, world).items()]
    for run in runs:
        run.start()
    until = monotonic() + within_seconds
    problems, done = [], 0
    for run in runs:
        ended = run.outcome(until)
        world.history.note_deliveries(ended, world.now())
        done += sum(one.state is DeliveryState.DELIVERED for one in ended)
        for one in ended:
            if one.problem:
                problems.append(f"sink {run.name}: {one.problem}")
                progress.emit(Noted(f"The sink {run.name} failed, it is tried again: {one.problem}"))
    return Delivered(done, len(world.history.waiting()), tuple(problems))


def deliver_soon(world: World, progress: Progress) -> None:
    """Bring what is due in a few seconds: what sinks do is no failure of the check, and the rest waits for the next one."""
    try:
        deliver(world, progress, SHORT_SECONDS)
    except UnipipeError as error:
        progress.emit(Noted(f"Not all sinks could be told: {error.message}"))


def send(world: World, name: str, event: AlertEvent) -> str:
    """Send one event to one sink; answers with why it did not go, without secrets; empty: it was taken."""
    try:
        world.sink_of(name).send(event)
    except UnipipeError as error:
        return without_secrets(error.message, world.secrets)
    except Exception as error:
        # Whatever a sink is made of, its failure is no failure of a check. What the error says may hold an address.
        return f"{type(error).__name__} in the sink"
    return ""


def _due_by_sink(waiting: Sequence[Delivery], world: World) -> dict[str, list[Delivery]]:
    """By sink, oldest first; a sink whose oldest event waits out a pause gets none of the newer ones either."""
    now = world.now()
    due: dict[str, list[Delivery]] = {}
    pausing: set[str] = set()
    for one in waiting:
        if one.sink not in world.config.alerts.sinks or one.sink in pausing:
            continue
        if is_due(one, now) or due.get(one.sink):
            due.setdefault(one.sink, []).append(one)
        else:
            pausing.add(one.sink)
    return due


def _given_up(one: Delivery) -> Delivery:
    return Delivery(one.event, one.sink, one.since, one.due, DeliveryState.GIVEN_UP, one.attempts, NOT_CONFIGURED)


class _Run(threading.Thread):
    """What is due for one sink, one after the other until one fails. Nobody waits for one that hangs."""

    def __init__(self, world: World, name: str, due: Sequence[Delivery]) -> None:
        super().__init__(daemon=True)
        self.name = name
        self._world = world
        self._due = tuple(due)
        self._ended: list[Delivery] = []
        self._lock = threading.Lock()
        self._late = False

    def run(self) -> None:
        for one in self._due:
            problem = send(self._world, self.name, one.event)
            now = self._world.now()
            with self._lock:
                if self._late:
                    return
                self._ended.append(failed(one, problem, now) if problem else taken(one, now))
            if problem:
                return

    def outcome(self, until: float) -> tuple[Delivery, ...]:
        """What came of the attempts by then (a monotonic time); the one in hand counts as failed."""
        self.join(max(0.0, until - monotonic()))
        with self._lock:
            ended = tuple(self._ended)
            if not self.is_alive():
                return ended
            self._late = True
        in_hand = self._due[len(ended)] if len(ended) < len(self._due) else None
        late = () if in_hand is None else (failed(in_hand, "It took too long.", self._world.now()),)
        return (*ended, *late)
