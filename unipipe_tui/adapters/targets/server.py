"""A target of several machines, seen as the one server that its callers see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.domain.errors import UnipipeError, UsageError
from unipipe_tui.domain.ports.targets import LiveTarget, Target
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Record, ServerState, ServerStatus, Value


class ServerOfTarget:
    """Asks the target; a version gets there by a release only."""

    def __init__(self, name: str, target: Target) -> None:
        self._name = name
        self._target = target

    def free_port(self) -> int:
        """Raises UsageError: its port is where it is published."""
        raise self._by_release()

    def status(self) -> ServerStatus:
        """Whether it answers, and with what; one that cannot be asked is told as stopped, with the reason."""
        try:
            return _status(self._target.live())
        except UnipipeError as error:
            return ServerStatus(self._name, ServerState.STOPPED, "", error=f"{error.message} {error.hint}".strip())

    def start(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Raises UsageError: a version gets there by a release."""
        raise self._by_release()

    def switch(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Raises UsageError: a version gets there by a release."""
        raise self._by_release()

    def stop(self, progress: Progress) -> ServerStatus:
        """Let it answer what it has begun, and end."""
        return _status(self._target.stop(progress))

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records, as callers do."""
        return self._target.predict(records, ids)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id."""
        return self._target.feedback(labels)

    def _by_release(self) -> UsageError:
        return UsageError(f"A version gets to {self._name} by a release.", hint=f"unipipe release start {self._name}")


def _status(live: LiveTarget) -> ServerStatus:
    main = live.traffic.main if live.traffic else None
    return ServerStatus(
        target=live.target,
        state=live.state,
        url=live.url,
        model=main.model if main else None,
        version=main.version if main else None,
        digest=main.digest if main else None,
        since=live.since,
        error="; ".join(live.remarks) or None,
    )
