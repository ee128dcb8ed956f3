"""The door to a target: a place where versions answer, whatever it is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.plans import Effect
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import ALL, Traffic, Variant
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Record, ServerState, Value
from unipipe_tui.domain.values import frozen


@frozen
class Package:
    """A version in the form in which a target takes it."""

    folder: Path
    """Its sealed bundle."""
    bundle: Bundle
    image: str | None = None
    """`name@sha256:…` or the engine's own id of it, where a target runs images."""


@frozen
class Wanted:
    """What a target shall answer with, and all that a teammate who looks at the target shall find there."""

    release: str
    traffic: Traffic
    packages: Mapping[str, Package]
    """By the digest of the bundle: one for each variant."""
    actor: str
    at: datetime
    replaces: str | None = None
    """The release that was found there when this was decided: any other one but `release` is a refusal by now."""


@frozen
class LiveVariant:
    """A variant as the target itself tells it."""

    variant: Variant
    """Its weight is the one that is really given."""
    ready: bool
    said: str = ""
    """What keeps it from being ready, in the words of the target."""
    commit: str | None = None
    data: str | None = None
    image: str | None = None
    replicas: int = 1
    ready_replicas: int = 1


@frozen
class LiveTarget:
    """A target as it is now, read from the target itself."""

    target: str
    state: ServerState
    url: str
    variants: tuple[LiveVariant, ...] = ()
    release: str | None = None
    """The release that it was given last."""
    actor: str | None = None
    since: datetime | None = None
    """When that release was given to it."""
    sticky: str | None = None
    remarks: tuple[str, ...] = ()
    """What is not as it was asked for, one sentence each."""
    log_problem: str = ""
    """Why its server cannot write the log, with the minutes in which it tells what it did; one of the remarks, too."""
    pid: int | None = None
    """Of a target that is a process of this machine."""
    requests: int | None = None
    """How many its server has answered since it began; None where no single one knows."""

    @property
    def answering(self) -> tuple[Variant, ...]:
        """The variants whose answers callers get."""
        return tuple(one.variant for one in self.variants if one.variant.weight > 0 and not one.variant.mirrored)

    @property
    def traffic(self) -> Traffic | None:
        """What answers; None when nothing does. While a target moves its shares may not make 100: they are told as if."""
        told = [live.variant for live in self.variants]
        total = sum(variant.weight for variant in told if not variant.mirrored)
        if total <= 0:
            return None
        whole = [
            variant if variant.mirrored else dataclasses.replace(variant, weight=variant.weight / total * ALL)
            for variant in told
        ]
        return Traffic(tuple(whole), self.sticky)


class Target(Protocol):
    """One target. Everything is asked for again with the same words after an interruption, and then does no harm."""

    def verify(self) -> str:
        """What it is and that it can be reached.

        Raises:
            ToolMissing: it cannot, with what to do.
        """
        ...

    def live(self) -> LiveTarget:
        """What it answers with now.

        Raises:
            ToolMissing: it cannot be asked.
        """
        ...

    def possible(self, traffic: Traffic) -> tuple[Traffic, str]:
        """The nearest traffic that it can give, and a sentence that says why it is another one (empty: it is not)."""
        ...

    def effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        """All that `package` and `apply` will do, for a plan to show; starts nothing.

        A version whose bundle is not made yet has no package, and an empty digest.
        """
        ...

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        """Bring a bundle into the form that it takes: an image built and pushed. Nothing to do when it is there.

        Raises:
            Failed: it could not be built or pushed; the last lines of the tool, and what to do.
        """
        ...

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        """Make it answer so, and wait until it does; what answered before does until then, and when this fails.

        Raises:
            Refused: somebody else released to it meanwhile.
            Failed: a version never became ready; what the target says of it.
            ToolMissing: it cannot be reached.
        """
        ...

    def stop(self, progress: Progress) -> LiveTarget:
        """Let it answer what it has begun, and end."""
        ...

    def probe(self, variant: str, records: Sequence[Record]) -> Predicted:
        """Ask one variant for real, by the way that callers come; nothing of it is logged or counted."""
        ...

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records, as callers do."""
        ...

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id."""
        ...

    def measures(self) -> tuple[Measures, ...]:
        """What each variant has done since it was started."""
        ...

    def collect(self, progress: Progress) -> int:
        """Bring the target's prediction log here, as far as it is not here; answers with the new rows."""
        ...

    def log(self, lines: int) -> str:
        """The last lines that its servers wrote."""
        ...
