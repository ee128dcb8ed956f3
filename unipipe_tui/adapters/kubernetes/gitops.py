"""A target whose documents are committed instead of applied, for a cluster that follows Git.

Whoever follows a branch applies what it says at once, in an order of their own. So only what needs no order is done here: a
rolling update, and a canary by numbers of pods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol

import yaml

from unipipe_tui.adapters.kubernetes import manifests
from unipipe_tui.adapters.kubernetes import names as n
from unipipe_tui.adapters.kubernetes.apis import Apis, apis_of
from unipipe_tui.adapters.kubernetes.documents import Course, Document
from unipipe_tui.adapters.kubernetes.exports import NEWEST
from unipipe_tui.adapters.kubernetes.kubectl import as_yaml
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.reading import live_target, read_state
from unipipe_tui.adapters.kubernetes.shares import Division, shares_of, why_another
from unipipe_tui.adapters.kubernetes.target import KubernetesTarget
from unipipe_tui.adapters.kubernetes.validation import validate
from unipipe_tui.config.targets import GitOpsConfig, TargetConfig
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import Failed, Refused, Stopped, ToolMissing, UsageError
from unipipe_tui.domain.events import Advanced, Noted
from unipipe_tui.domain.plans import Effect, EffectKind
from unipipe_tui.domain.ports.targets import LiveTarget, Package, Wanted
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import STABLE, Traffic
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Record, ServerState, Value

LOOK_EVERY_SECONDS = 2.0


class Commits(Protocol):
    """The part of Git that is needed here."""

    def text_at(self, branch: str | None, path: str) -> str | None:
        """What a file says at the head of a branch."""
        ...

    def commit_texts(
        self, branch: str | None, texts: Mapping[str, str | None], message: str, scratch: Path, progress: Progress
    ) -> Commit:
        """Write files and commit them."""
        ...


class GitOpsTarget:
    """One target of a cluster that follows a branch; what answers is read from the cluster, what is wanted from Git."""

    def __init__(
        self,
        target: str,
        model: str,
        config: TargetConfig,
        cluster: KubernetesTarget,
        git: Commits,
        scratch: Path,
    ) -> None:
        """`scratch` is a folder that is made and removed where another branch is written."""
        self._names = Names(model, target)
        self._config = config
        self._gitops = config.gitops or GitOpsConfig()
        self._cluster = cluster
        self._git = git
        self._scratch = scratch

    @property
    def path(self) -> str:
        """The file with the target's documents, from the project's root."""
        return f"{self._gitops.folder.strip('/')}/{self._names.target}.yaml"

    def verify(self) -> str:
        """Where documents are committed, and what the cluster says."""
        try:
            return f"{self._place}; {self._cluster.verify()}"
        except ToolMissing as error:
            return f"{self._place}; the cluster cannot be asked from here ({error.message})"

    def live(self) -> LiveTarget:
        """What the cluster answers with; what Git says where the cluster cannot be asked."""
        committed = self._committed()
        try:
            live = self._cluster.live()
        except ToolMissing as error:
            told = self._from_git(committed)
            return replace(told, remarks=(f"As {self._place} says; the cluster cannot be asked: {error.message}",))
        wanted = _release_of(committed)
        if wanted is None or wanted == live.release:
            return live
        late = f"{self._place} says release {wanted}; the cluster has not followed yet."
        return replace(live, remarks=(*live.remarks, late))

    def possible(self, traffic: Traffic) -> tuple[Traffic, str]:
        """What numbers of pods can give."""
        capacity = self._config.kubernetes.replicas
        shares = shares_of(traffic, capacity, has_gateway=False)
        return shares.traffic, why_another(traffic, shares, capacity)

    def effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        """What is committed, and where.

        Raises:
            UsageError: whoever follows Git could not keep the order that this traffic needs.
        """
        _refuse_what_needs_an_order(wanted.traffic)
        shares = shares_of(wanted.traffic, self._config.kubernetes.replicas, has_gateway=False)
        return (
            *self._cluster.image_effects(wanted, live),
            Effect(EffectKind.WRITE, f"{self.path}: all documents of the target", self._names.target),
            Effect(EffectKind.RUN, f"git commit {self.path}, on {self._branch}", self._names.target),
            Effect(EffectKind.SERVE, f"answer with {shares.traffic.told} when the cluster follows", self._names.target),
        )

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        """Build and push the image."""
        return self._cluster.package(folder, bundle, progress)

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        """Commit the documents, and wait until the cluster has followed.

        Raises:
            Refused: another release was committed meanwhile.
            UsageError: whoever follows Git could not keep the order that this traffic needs.
            ToolMissing: it is committed, and the cluster has not followed yet, or cannot be asked.
        """
        _refuse_what_needs_an_order(wanted.traffic)
        there = _release_of(self._committed())
        if wanted.replaces is not None and there not in (None, wanted.replaces, wanted.release):
            raise Refused(
                f"Release {there} was committed meanwhile, not {wanted.replaces}.", hint=f"git log -- {self.path}"
            )
        documents = self._documents(wanted)
        told = f"Release {wanted.release} to {self._names.target}: {wanted.traffic.told}"
        message = f"{told}\n\n{self._names.model}, by {wanted.actor}."
        commit = self._git.commit_texts(
            self._gitops.branch, {self.path: as_yaml(documents)}, message, self._scratch, progress
        )
        progress.emit(Noted(f"Committed to {self._branch} as {commit.id[:7]}. Push it where the cluster looks."))
        return self._wait(wanted, commit, progress)

    def stop(self, progress: Progress) -> LiveTarget:
        """Commit that there is nothing; whoever follows Git takes it away, if told to prune."""
        if self._committed():
            message = f"Stop {self._names.target}"
            self._git.commit_texts(self._gitops.branch, {self.path: None}, message, self._scratch, progress)
        return self.live()

    def probe(self, variant: str, records: Sequence[Record]) -> Predicted:
        """Ask a pod of the variant in the cluster."""
        return self._cluster.probe(variant, records)

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records."""
        return self._cluster.predict(records, ids)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id."""
        return self._cluster.feedback(labels)

    def measures(self) -> tuple[Measures, ...]:
        """What each variant has done."""
        return self._cluster.measures()

    def collect(self, progress: Progress) -> int:
        """Bring the prediction log here."""
        return self._cluster.collect(progress)

    def log(self, lines: int) -> str:
        """The last lines of every pod."""
        return self._cluster.log(lines)

    def _wait(self, wanted: Wanted, commit: Commit, progress: Progress) -> LiveTarget:
        seconds, begun = self._config.kubernetes.ready_within_seconds, monotonic()
        while True:
            # A cluster that cannot be asked raises: the release goes on when somebody asks for it there.
            live = self._cluster.live()
            if live.release == wanted.release and live.state is ServerState.READY and not live.remarks:
                return live
            waited = monotonic() - begun
            if waited > seconds:
                raise ToolMissing(
                    f"The cluster has not followed commit {commit.id[:7]} within {seconds} s.",
                    hint=f"Was it pushed? unipipe release status {self._names.target} goes on when it has.",
                )
            if progress.stopped():
                raise Stopped(f"Commit {commit.id[:7]} stays; the cluster has not followed yet.")
            progress.emit(Advanced(int(waited), seconds, "seconds"))
            sleep(LOOK_EVERY_SECONDS)

    def _documents(self, wanted: Wanted) -> list[Document]:
        capacity = self._config.kubernetes.replicas
        shares = shares_of(wanted.traffic, capacity, has_gateway=False)
        course = Course(self._names, self._config, wanted, shares, self._apis(), named_by_variant=True)
        documents = manifests.all_documents(course, capacity)
        validate(documents, course.apis.minor)
        return documents

    def _apis(self) -> Apis:
        try:
            return self._cluster.cluster.apis
        except (ToolMissing, Failed):
            return apis_of(NEWEST)

    def _committed(self) -> list[Document]:
        text = self._git.text_at(self._gitops.branch, self.path)
        try:
            found: list[Any] = list(yaml.safe_load_all(text or ""))
        except yaml.YAMLError as error:
            raise Failed(f"{self.path} on {self._branch} is not YAML: {error}", hint="Mend it there.") from None
        return [one for one in found if isinstance(one, dict)]

    def _from_git(self, documents: Sequence[Document]) -> LiveTarget:
        state = read_state(self._names, {"items": list(documents)}, None)
        return live_target(
            state, self._names.target, f"http://{self._names.own}.{self._config.kubernetes.namespace}.svc"
        )

    @property
    def _branch(self) -> str:
        return f"branch {self._gitops.branch}" if self._gitops.branch else "the branch that is checked out"

    @property
    def _place(self) -> str:
        return f"{self.path} on {self._branch}"


def _refuse_what_needs_an_order(traffic: Traffic) -> None:
    """Raise UsageError for what only works when one thing is ready before another one is changed."""
    idle = any(not variant.weight for variant in traffic.variants)
    routed = shares_of(traffic, 2, has_gateway=False).division is Division.ROUTER
    if idle or routed or all(variant.name != STABLE for variant in traffic.variants):
        raise UsageError(
            f"A target with `gitops` cannot give {traffic.told}: whoever follows Git applies everything at once.",
            hint="--strategy rolling or canary; the others need a target that is applied to.",
        )


def _release_of(documents: Sequence[Document]) -> str | None:
    """The release that committed documents belong to."""
    annotations = [(one.get("metadata") or {}).get("annotations") or {} for one in documents]
    return next((str(found[n.RELEASE]) for found in annotations if n.RELEASE in found), None)
