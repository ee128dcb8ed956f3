"""The target `local`: our server as a process of this machine, which holds several versions at once."""

from __future__ import annotations

import fcntl
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from unipipe_tui.adapters.targets.desired import Desired, Source, desired_text
from unipipe_tui.adapters.targets.serving_process import Found, ServingProcess, new_order
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.plans import Effect, EffectKind
from unipipe_tui.domain.ports.targets import LiveTarget, Package, Wanted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.serving import FeedbackTaken, LogMode, Predicted, Record, ServerState, Value


class LocalTarget:
    """One local target. Weights are exact, since one process shares the requests out."""

    def __init__(
        self,
        target: str,
        folder: Path,
        predictions: Path,
        host: str,
        port: int,
        mode: LogMode = LogMode.BEHIND,
        *,
        allow_pickle: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        place = (target, folder, predictions, host, port, mode)
        self._process = ServingProcess(*place, allow_pickle=allow_pickle, variables=variables)

    def verify(self) -> str:
        """Where it is; a process of this machine can always be reached."""
        return f"a process of this machine on {self._process.url}"

    def live(self) -> LiveTarget:
        """What it answers with now."""
        return self._live(self._process.found())

    def possible(self, traffic: Traffic) -> tuple[Traffic, str]:
        """Every traffic."""
        return traffic, ""

    def effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        """All that `apply` will do."""
        told = f"answer on {self._process.url} with {wanted.traffic.told}"
        serve = Effect(EffectKind.SERVE, told, self._process.target)
        if live.state in (ServerState.READY, ServerState.STARTING):
            return (serve,)
        return Effect(EffectKind.RUN, shlex.join(self._process.argv()), self._process.target), serve

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        """The bundle as it is."""
        return Package(folder, bundle)

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        """Make it answer so, and wait until it does; what answered before does until then, and when this fails.

        Raises:
            Refused: somebody else released to it meanwhile.
            Failed: a version never became ready.
        """
        with self._alone():
            found = self._process.found()
            self._refuse_another(wanted, found)
            if found.answering is not None:
                self._process.server.refuse_unless_admitted()
            order = new_order()
            wish = desired_text(self._desired(wanted, order))
            if found.state in (ServerState.STOPPED, ServerState.DIED):
                return self._live(self._process.start(wish, order, progress))
            return self._live(self._process.switch(wish, order, progress))

    def stop(self, progress: Progress) -> LiveTarget:
        """Let it answer what it has begun, and end."""
        with self._alone():
            self._process.stop(progress)
        return self.live()

    def probe(self, variant: str, records: Sequence[Record]) -> Predicted:
        """Ask one variant for real; nothing of it is logged or counted."""
        return self._process.server.probe(variant, records)

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records, as callers do."""
        return self._process.server.predict(records, ids)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id."""
        return self._process.server.feedback(labels)

    def measures(self) -> tuple[Measures, ...]:
        """What each variant has done since it was started."""
        return self._process.server.measures()

    def collect(self, progress: Progress) -> int:
        """Nothing: its log is written where it is read."""
        return 0

    def log(self, lines: int) -> str:
        """The last lines that the server wrote."""
        return self._process.log(lines)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of the target at a time, whoever makes it."""
        self._process.folder.mkdir(parents=True, exist_ok=True)
        with (self._process.folder / "change.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _refuse_another(self, wanted: Wanted, found: Found) -> None:
        there = found.answering.release if found.answering else None
        if wanted.replaces is not None and there not in (None, wanted.replaces, wanted.release):
            raise Refused(
                f"Release {there} came to {self._process.target} meanwhile, not {wanted.replaces}.",
                hint=f"unipipe release status {self._process.target}",
            )

    def _desired(self, wanted: Wanted, order: str) -> Desired:
        packages = [(variant, wanted.packages[variant.digest]) for variant in wanted.traffic.variants]
        return Desired(
            order=order,
            sources=tuple(Source(variant, one.folder, bundle=one.bundle) for variant, one in packages),
            target=self._process.target,
            release=wanted.release,
            sticky=wanted.traffic.sticky,
            actor=wanted.actor,
            at=wanted.at.isoformat(),
        )

    def _live(self, found: Found) -> LiveTarget:
        target, url, answering = self._process.target, self._process.url, found.answering
        if answering is None:
            remarks = (f"The server died: {found.last_words}",) if found.last_words else ()
            return LiveTarget(target, found.state, url, remarks=remarks, pid=found.pid)
        return LiveTarget(
            target,
            found.state,
            url,
            answering.variants,
            answering.release,
            answering.actor,
            # Started or switched without a release, it tells at least since when it answers so.
            answering.at or answering.since,
            answering.sticky,
            answering.remarks,
            answering.log_problem,
            found.pid,
            answering.requests,
        )
