"""Driving a rollout: what is wanted of the target is recorded, done, recorded as done, and compared while a step lasts.

Whoever finds one half done drives it on with the same words: every move of a target can be made twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from time import sleep

from unipipe_tui.actions.bundling import make_bundle
from unipipe_tui.actions.release.recording import record_as_live
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import CheckSaidNo, Failed, Refused, Stopped, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.events import Advanced, Noted
from unipipe_tui.domain.ports.targets import Package, Target, Wanted
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.rollouts.analysis import Analysis, Measures, Verdict
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState, aborted, arrived, held, judged, let_be
from unipipe_tui.domain.rollouts.strategies import Step
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant
from unipipe_tui.domain.serving import Record
from unipipe_tui.monitoring.rollout_analysis import analyse

LOOK_EVERY_SECONDS = 1.0
ON_THEIR_WAY = (RolloutState.MOVING, RolloutState.ABORTING, RolloutState.WATCHING)
"""States that a job has to end: in any other one the rollout rests or is over."""


class Driver:
    """One job's hold on one rollout. It gives it up as soon as somebody else moves it."""

    def __init__(
        self, rollout: Rollout, world: World, progress: Progress, pause: Callable[[float], None] = sleep
    ) -> None:
        self.rollout = rollout
        self._world = world
        self._progress = progress
        self._pause = pause
        self._target: Target = world.target_of(rollout.target)
        self._failure: UnipipeError | None = None
        self._image: str | None = None
        """Of the candidate, where the target runs images."""

    def drive(self) -> Rollout:
        """Go on until it is over or rests.

        Raises:
            Failed, CheckSaidNo: it was aborted; the target answers as before.
            ToolMissing: the target cannot be reached; the next `release status` goes on.
            Refused: somebody else released to the target meanwhile.
        """
        while self.rollout.state in ON_THEIR_WAY:
            if self.rollout.state is RolloutState.WATCHING:
                self._watch()
            else:
                self._move()
        if self._failure is not None:
            raise self._failure
        return self.rollout

    def _move(self) -> None:
        """Bring the target to what is wanted now."""
        wanted = self.rollout.wanted
        with step(self._progress, self._told(wanted), self.rollout.place + 1, len(self.rollout.steps)):
            try:
                packages = self._packages(wanted)
            except (Failed, CheckSaidNo, Refused) as error:
                self._give_up(error, touched=self._is_touched())
                return
            try:
                self._bring(wanted, packages)
            except Refused as error:
                self._record(let_be(self.rollout, self._world.now(), error.message), error.message)
                raise
            except (Failed, CheckSaidNo, UsageError) as error:
                goes_back = self.rollout.state is RolloutState.ABORTING
                self._give_up(error, touched=not goes_back or self._is_touched())
                return
        self._record(dataclasses.replace(arrived(self.rollout, self._world.now()), baseline=self._measures()))
        if self.rollout.state is RolloutState.DONE:
            record_as_live(self.rollout, self._world, self._image)

    def _packages(self, wanted: Traffic | None) -> Mapping[str, Package]:
        """What is wanted, in the form in which the target takes it; nothing of the target is changed yet."""
        return {variant.digest: self._package(variant) for variant in (wanted.variants if wanted else ())}

    def _bring(self, wanted: Traffic | None, packages: Mapping[str, Package]) -> None:
        if wanted is None:
            self._target.stop(self._progress)
            return
        candidate = packages.get(self.rollout.candidate.digest)
        self._image = candidate.image if candidate else None
        self._target.apply(
            Wanted(
                release=self.rollout.id,
                traffic=wanted,
                packages=packages,
                actor=self.rollout.actor,
                at=self.rollout.started,
                replaces=self.rollout.replaces,
            ),
            self._progress,
        )
        for variant in wanted.variants:
            self._prove(variant, packages[variant.digest])

    def _package(self, variant: Variant) -> Package:
        world = self._world
        found = world.bundles.whole(variant.model, variant.version)
        folder, bundle = found or make_bundle(world, world.open_registry(), variant.model, variant.version)
        if bundle.digest != variant.digest:
            raise Failed(
                f"The bundle of {variant.model} version {variant.version} is not the one that was decided on: its digest is "
                f"{bundle.digest[:12]}…, wanted is {variant.digest[:12]}….",
                hint="Somebody changed what is registered. Look: unipipe models show.",
            )
        if self.rollout.state is RolloutState.ABORTING and (image := self._image_there(variant)):
            # The way back must not hang on what may just have failed: the index, the registry, a changed configuration.
            return Package(folder, bundle, image)
        return self._target.package(folder, bundle, self._progress)

    def _image_there(self, variant: Variant) -> str | None:
        """The image by which the target answers with a version."""
        there = self._target.live().variants
        return next((one.image for one in there if one.variant.digest == variant.digest and one.image), None)

    def _is_touched(self) -> bool:
        """Whether the target was given anything of this release."""
        try:
            live = self._target.live()
        except ToolMissing:
            return True
        return live.release == self.rollout.id or live.traffic != self.rollout.before

    def _prove(self, variant: Variant, package: Package) -> None:
        """Ask for real: only an answer of the right version is proof."""
        example = example_of(self._world, variant)
        if example is None:
            self._progress.emit(Noted(f"{variant.model} version {variant.version} has no example to try it with."))
            return
        answered = self._target.probe(variant.name, [example])
        if answered.versions != (variant.version,):
            told = ", ".join(str(version) for version in answered.versions)
            raise Failed(f"{variant.name} answers with version {told}, not {variant.version}.", hint=self._log_hint())
        self._progress.emit(Noted(f"{variant.name} (version {variant.version}) answered a request."))

    def _watch(self) -> None:
        """Look until the step is over, something is wrong, or somebody else takes it; who ends the job holds the rollout."""
        try:
            self._look_on()
        except KeyboardInterrupt:
            self._hold()

    def _hold(self) -> None:
        self._record(held(self.rollout, self._world.now(), "its job was stopped"), "its job was stopped")
        raise Stopped(
            f"Release {self.rollout.id} is held where it is.",
            hint=f"unipipe release advance {self.rollout.target}, or abort it.",
        )

    def _look_on(self) -> None:
        began = self._world.now()
        while self.rollout.state is RolloutState.WATCHING:
            if self._progress.stopped():
                self._hold()
            self._refuse_if_taken()
            analysis = look(self.rollout, self._target, self._world)
            now = self._world.now()
            after = judged(self.rollout, analysis.verdict, now, analysis.why)
            if after is not self.rollout:
                if after.state is RolloutState.ABORTING:
                    self._failure = CheckSaidNo(
                        f"Release {self.rollout.id} was aborted: {analysis.why}", hint=self._hint()
                    )
                self._record(after, analysis.why, analysis)
                return
            pause = int(self.rollout.step.pause_seconds)
            self._progress.emit(Advanced(min(int((now - began).total_seconds()), pause), pause, "seconds"))
            self._pause(LOOK_EVERY_SECONDS)

    def _give_up(self, error: UnipipeError, *, touched: bool) -> None:
        """Go back, or end here when there is nothing to go back from; a way back that failed is the next job's to go on with."""
        if touched and self.rollout.state is RolloutState.ABORTING:
            raise error
        self._failure = self._failure or error
        if touched:
            self._progress.emit(Noted(f"{error.message} It goes back to what answered before."))
            self._record(aborted(self.rollout, self._world.now(), error.message), error.message)
        else:
            self._progress.emit(Noted("Nothing was changed: what answered goes on."))
            self._record(let_be(self.rollout, self._world.now(), self._failure.message), error.message)

    def _refuse_if_taken(self) -> None:
        known = self._world.rollouts.current(self.rollout.target)
        if known is None or (known.id, known.moves) != (self.rollout.id, self.rollout.moves):
            raise Refused(
                f"Somebody else goes on with release {self.rollout.id}.",
                hint=f"unipipe release status {self.rollout.target}",
            )

    def _record(self, rollout: Rollout, why: str = "", evidence: Analysis | None = None) -> None:
        self._world.rollouts.record(rollout, why, evidence)
        self.rollout = rollout

    def _measures(self) -> tuple[Measures, ...]:
        return () if self.rollout.wanted is None else self._target.measures()

    def _told(self, wanted: Traffic | None) -> str:
        return "stop it" if wanted is None else wanted.told

    def _hint(self) -> str:
        return f"unipipe release history {self.rollout.target} tells the figures."

    def _log_hint(self) -> str:
        return f"unipipe release log {self.rollout.target}"


def look(rollout: Rollout, target: Target, world: World) -> Analysis:
    """Compare the variants by what they did since the step began; one that cannot be asked says nothing."""
    if not rollout.step.analysed:
        return Analysis(Verdict.ADVANCE, (), "nothing is compared at this step")
    try:
        now = target.measures()
    except ToolMissing as error:
        return Analysis(Verdict.HOLD, (), error.message)
    counted = _since(now, rollout.baseline, rollout.step.traffic)
    candidate = next((one for one in counted if one.version == rollout.candidate.version), None)
    stable = next((one for one in counted if one.version != rollout.candidate.version), None)
    if candidate is None:
        return Analysis(Verdict.HOLD, (), "the candidate has told nothing yet")
    # Each step counts anew, so each may spend only its part of the false alarms.
    compared = sum(step.analysed for step in rollout.steps)
    return analyse(stable, candidate, world.targets[rollout.target].analysis, counted_anew=compared)


def _since(now: Sequence[Measures], before: Sequence[Measures], traffic: Traffic) -> tuple[Measures, ...]:
    """What the variants of a step did since it began. A server also tells what a version did by another name before."""
    roles = {(variant.name, variant.version) for variant in traffic.variants}
    earlier = {(one.name, one.version): one for one in before}
    answering = ((earlier.get((one.name, one.version)), one) for one in now if (one.name, one.version) in roles)
    return tuple(one.since(then) if then else one for then, one in answering)


def example_of(world: World, variant: Variant) -> Record | None:
    """A record to try a version with: the first row of the example that it was saved with."""
    try:
        signature = world.tracking.signature(world.tracking.version(variant.model, variant.version))
    except UnipipeError:
        return None
    return signature.example if signature else None


def told_step(number: int, total: int, one: Step) -> str:
    """A step as a plan shows it."""
    ends = "until `release advance`" if one.by_hand else f"at least {one.pause_seconds:g} s"
    if number == total:
        return f"step {number} of {total}: {one.traffic.told}"
    return f"step {number} of {total}: {one.traffic.told}, {ends}{', compared all the time' if one.analysed else ''}"
