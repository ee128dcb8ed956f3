"""Containers as a target: one for each version, in a network of their own, behind a router that owns the published port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

from unipipe_tui.adapters.docker.collecting import CountRows, collect_log
from unipipe_tui.adapters.docker.containers import (
    TOKEN_VARIABLE,
    Container,
    Release,
    Role,
    Site,
    surroundings_of,
)
from unipipe_tui.adapters.docker.engine import Engine
from unipipe_tui.adapters.docker.fleet import Door, Fleet
from unipipe_tui.adapters.docker.images import Images
from unipipe_tui.adapters.docker.orders import Needed, needed_for, order_text
from unipipe_tui.adapters.targets.desired import with_order
from unipipe_tui.adapters.targets.http import Answering, ServerAt
from unipipe_tui.adapters.targets.serving_process import new_order
from unipipe_tui.config.targets import TelemetryConfig
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import Refused, ToolMissing, UnipipeError
from unipipe_tui.domain.plans import Effect, EffectKind
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant, Package, Wanted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant
from unipipe_tui.domain.serving import FeedbackTaken, LogMode, Predicted, Record, ServerState, Value
from unipipe_tui.domain.values import frozen

GRACE_SECONDS = 1.0
"""Within which the router has sent what it took while a version still had its share."""
SETTLED_WITHIN_SECONDS = 5.0
"""A router on a busy machine may take a version for away that is only slow to say that it is there."""
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104


@frozen
class Seen:
    """A target as it was found."""

    containers: tuple[Container, ...]
    answering: Answering | None
    """What its router says; None when it does not answer."""

    @property
    def router(self) -> Container | None:
        """The one that callers reach."""
        return next((one for one in self.containers if one.role is Role.ROUTER), None)

    @property
    def versions(self) -> tuple[Container, ...]:
        """All others."""
        return tuple(one for one in self.containers if one.role is Role.VERSION)


class DockerTarget:
    """One target on one engine. What it answers with is read from its router, and what runs from the labels of containers."""

    def __init__(
        self,
        project: str,
        target: str,
        engine: Engine,
        images: Images,
        door: Door,
        predictions: Path,
        count_rows: CountRows,
        mode: LogMode = LogMode.BEHIND,
        environment: Mapping[str, str] | None = None,
        telemetry: TelemetryConfig | None = None,
    ) -> None:
        """`predictions` is the folder that this target's log is brought to; `count_rows` counts those of a Parquet file."""
        self._target = target
        self._site = Site(project, target)
        self._engine = engine
        self._images = images
        self._door = door
        self._predictions = predictions
        self._count_rows = count_rows
        here = environment or {}
        token = ("--token-env", TOKEN_VARIABLE) if here.get(TOKEN_VARIABLE) else ()
        around = surroundings_of(telemetry, here)
        self._fleet = Fleet(engine, self._site, door, ("--log-mode", mode.value, *token), around)

    def verify(self) -> str:
        """Which engine it is on.

        Raises:
            ToolMissing: no program, no engine, or no permission; with what to do.
        """
        return (
            f"Docker {self._engine.version()} on {self._engine.machine or 'this machine'}; callers come to {self._url}"
        )

    def live(self) -> LiveTarget:
        """What it answers with now. Raises ToolMissing when the engine cannot be asked."""
        return self._live(self._seen())

    def possible(self, traffic: Traffic) -> tuple[Traffic, str]:
        """Every traffic: the router shares requests out one by one."""
        return traffic, ""

    def effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        """All that `package` and `apply` will do."""
        told: list[Effect] = []
        there = {one.variant.digest for one in live.variants}
        new = {(one.digest, one.version): one for one in wanted.traffic.variants if one.digest not in there}
        for variant in new.values():
            told += self._image_effects(variant, wanted.packages.get(variant.digest))
            text = f"start a container of {variant.model} version {variant.version} in the network {self._site.network}"
            told.append(Effect(EffectKind.RUN, text, self._target))
        if live.state in (ServerState.STOPPED, ServerState.DIED):
            text = f"start the router {self._site.router} on {self._url}"
            told.append(Effect(EffectKind.RUN, text, self._target))
        answer = f"answer on {self._url} with {wanted.traffic.told}"
        return (*told, Effect(EffectKind.SERVE, answer, self._target), *self._removals(wanted, live))

    def _image_effects(self, variant: Variant, package: Package | None) -> tuple[Effect, ...]:
        if package is None:
            unmade = Bundle(variant.model, variant.version, "", None, None, None, (), "")
            return self._images.effects(unmade)
        return () if package.image else self._images.effects(package.bundle, package.folder)

    def _removals(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        kept = {one.digest for one in wanted.traffic.variants}
        gone = {one.variant.digest: one.variant for one in live.variants if one.variant.digest not in kept}
        main = live.traffic.main.digest if live.traffic else ""
        return tuple(
            Effect(EffectKind.RUN, f"{verb} the container of {one.model} version {one.version}{why}", self._target)
            for digest, one in gone.items()
            for verb, why in [("pause", ", for a quick way back") if digest == main else ("remove", "")]
        )

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        """Build its image, and push it where a registry is named. Nothing to do when it is there.

        Raises:
            Refused: the bundle is not what was sealed.
            Failed: it could not be built or pushed; the last lines, and what to do.
        """
        return Package(folder, bundle, self._images.released(folder, bundle, progress))

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        """Make it answer so, and wait until it does; what answered before does until then, and when this fails.

        Raises:
            Refused: somebody else released to it meanwhile.
            Failed: a version never became ready; what it says.
            ToolMissing: the engine cannot be asked.
        """
        needed = needed_for(wanted)
        seen = self._seen()
        self._refuse_another(wanted, seen)
        if seen.answering is not None:
            self._server.refuse_unless_admitted()
        self._fleet.prepare(progress)
        started: list[Container] = []
        try:
            self._start(wanted, needed, seen, started, progress)
            self._switch(wanted, seen, progress)
        except BaseException:
            self._fleet.remove_quietly(started)
            raise
        self._remove_what_is_over(needed, seen, progress)
        return self._settled()

    def stop(self, progress: Progress) -> LiveTarget:
        """Let it answer what it has begun, and end; its volume keeps the prediction log."""
        seen = self._seen()
        if seen.router is not None and seen.router.state in ("running", "restarting", "paused"):
            self._fleet.stop_router(seen.router, progress)
        self._fleet.remove(seen.versions, progress)
        return self.live()

    def probe(self, variant: str, records: Sequence[Record]) -> Predicted:
        """Ask one variant for real; nothing of it is logged or counted."""
        return self._server.probe(variant, records)

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records, as callers do."""
        return self._server.predict(records, ids)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id."""
        return self._server.feedback(labels)

    def measures(self) -> tuple[Measures, ...]:
        """What each variant has done since the router was started."""
        return self._server.measures()

    def collect(self, progress: Progress) -> int:
        """Bring the router's log here, as far as it is not here; answers with the new predictions."""
        router, volume = self._seen().router, self._fleet.volume_id()
        if router is None or volume is None:
            return 0
        return collect_log(lambda known: self._fleet.fetch(router, known), volume, self._predictions, self._count_rows)

    def log(self, lines: int) -> str:
        """The last lines of each container."""
        told = [(one.name, self._fleet.last_lines(one, lines)) for one in self._fleet.look()]
        return "\n".join(f"{name}:\n{said}" for name, said in told if said)

    @property
    def _server(self) -> ServerAt:
        host = self._door.host
        if host in EVERYWHERE:
            host = self._engine.machine or "127.0.0.1"
        hint = f"unipipe release start {self._target}"
        return ServerAt(self._target, host, self._door.port, hint, f"docker logs {self._site.router}")

    @property
    def _url(self) -> str:
        host = self._server.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._door.port}"

    def _seen(self) -> Seen:
        containers = self._fleet.look()
        router = next((one for one in containers if one.role is Role.ROUTER), None)
        if router is None or router.state != "running":
            return Seen(containers, None)
        try:
            return Seen(containers, self._server.answering())
        except ToolMissing:
            return Seen(containers, None)

    def _refuse_another(self, wanted: Wanted, seen: Seen) -> None:
        there = seen.answering.release if seen.answering else None
        if wanted.replaces is not None and there not in (None, wanted.replaces, wanted.release):
            raise Refused(
                f"Release {there} came to {self._target} meanwhile, not {wanted.replaces}.",
                hint=f"unipipe release status {self._target}",
            )

    def _start(
        self,
        wanted: Wanted,
        needed: Sequence[Needed],
        seen: Seen,
        started: list[Container],
        progress: Progress,
    ) -> None:
        """Start what does not run yet, all at once, and wait for it; `started` grows as they come up."""
        release = Release(wanted.release, wanted.actor, wanted.at)
        running = {one.name: one for one in seen.versions}
        waited: list[Container] = []
        for one in needed:
            new = self._fleet.start(one, seen.versions, release, progress)
            if new is not None:
                started.append(new)
                waited.append(new)
            elif not _has_answered(running[self._site.container(one.package.bundle.digest, one.image)]):
                waited.append(running[self._site.container(one.package.bundle.digest, one.image)])
        image = needed[0].image
        if seen.router is None:
            started.append(self._fleet.start_router(image, release, progress))
        elif not self._fleet.fits(seen.router):
            router = self._fleet.replace_router(seen.router, image, release, progress)
            if seen.router.state != "running":
                started.append(router)
        for one_container in waited:
            self._fleet.await_ready(one_container, progress)

    def _switch(self, wanted: Wanted, seen: Seen, progress: Progress) -> None:
        """Give the router its order and wait until it answers by it; else it gets back the one that it had."""
        order = new_order()
        expected = [wanted.release, wanted.replaces] if wanted.replaces and seen.answering else []
        before = self._fleet.order(order_text(self._site, wanted, order), [one for one in expected if one])
        router = next(one for one in self._fleet.look() if one.role is Role.ROUTER)
        try:
            self._fleet.await_ready(router, progress, order)
        except BaseException:
            if before and seen.answering is not None:
                self._fleet.order(with_order(before, new_order()), [])
            raise

    def _remove_what_is_over(self, needed: Sequence[Needed], seen: Seen, progress: Progress) -> None:
        """Take away what no variant needs; the one that answered before is kept asleep, so that the way back is short."""
        kept = {self._site.container(one.package.bundle.digest, one.image) for one in needed}
        kept.add(self._site.router)
        over = [one for one in self._fleet.look() if one.name not in kept]
        if any(one.state == "running" for one in over):
            sleep(GRACE_SECONDS)
        spare = _spare(over, seen)
        if spare is not None and spare.state == "running":
            self._fleet.park(spare, progress)
        self._fleet.remove([one for one in over if one is not spare], progress)

    def _settled(self) -> LiveTarget:
        """What is live when every version has answered its router, or has had time to."""
        deadline = monotonic() + SETTLED_WITHIN_SECONDS
        live = self.live()
        while monotonic() < deadline and not all(one.ready for one in live.variants):
            sleep(0.2)
            live = self.live()
        return live

    def _live(self, seen: Seen) -> LiveTarget:
        state = _state(seen)
        answering = seen.answering
        if answering is None or state is ServerState.STOPPED:
            return LiveTarget(self._target, state, self._url, remarks=tuple(self._remarks(seen)))
        return LiveTarget(
            self._target,
            state,
            self._url,
            tuple(_live_variant(one, seen.versions) for one in answering.variants),
            answering.release,
            answering.actor,
            answering.at,
            answering.sticky,
            (*answering.remarks, *self._remarks(seen)),
            answering.log_problem,
            requests=answering.requests,
        )

    def _remarks(self, seen: Seen) -> list[str]:
        router = seen.router
        told = []
        if router is not None and (router.state == "restarting" or router.restarts) and seen.answering is None:
            told.append(f"The router died: {self._last_words(router)}")
        if router is not None and router.state == "running" and not self._fleet.fits(router):
            told.append(
                "The router listens elsewhere than is configured, or is of another Unipipe: the next release makes it anew."
            )
        used = {one.variant.digest for one in seen.answering.variants} if seen.answering else set()
        left = [one.name for one in seen.versions if one.digest not in used and one.state != "paused"]
        if left and seen.answering:
            told.append(f"Nothing needs {', '.join(left)}: the next release takes it away.")
        return told

    def _last_words(self, router: Container) -> str:
        try:
            return self._fleet.last_lines(router, 1) or f"it ended with code {router.exit_code}"
        except UnipipeError as error:
            return error.message


def _has_answered(container: Container) -> bool:
    """Whether it was ready before, so that the router's own question is enough; else a start may have been interrupted."""
    return container.state == "paused" or container.health == "healthy"


def _spare(over: Sequence[Container], seen: Seen) -> Container | None:
    """The one that answered most until now, else the one that is kept already."""
    main = seen.answering.main if seen.answering else None
    before = (one for one in over if main is not None and one.digest == main.variant.digest and one.runs)
    return next(before, None) or next((one for one in over if one.state == "paused"), None)


def _state(seen: Seen) -> ServerState:
    router = seen.router
    if router is None or router.state in ("created", "exited", "dead", "removing"):
        # One that dies is started again by the engine: who is not running was stopped.
        return ServerState.STOPPED
    if router.state == "restarting":
        return ServerState.DIED
    ready = seen.answering is not None and seen.answering.ready
    return ServerState.READY if ready else ServerState.STARTING


def _live_variant(told: LiveVariant, versions: Sequence[Container]) -> LiveVariant:
    """What the router says of a variant, and what its container says of itself."""
    own = [one for one in versions if one.digest == told.variant.digest]
    container = next((one for one in own if one.state == "running"), own[0] if own else None)
    trouble = "its container is gone" if container is None else _trouble(container)
    return LiveVariant(
        told.variant,
        told.ready and not trouble,
        trouble or told.said,
        told.commit,
        told.data,
        None if container is None else container.image,
        1,
        int(told.ready and not trouble),
    )


def _trouble(container: Container) -> str:
    if container.state != "running":
        return f"its container is {container.state} (code {container.exit_code}) {container.error}".strip()
    return "its container is unhealthy" if container.health == "unhealthy" else ""
