"""The target `kubernetes`: Deployments and Services of a namespace, changed by kubectl; the cluster keeps the truth."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from unipipe_tui.adapters.docker.collecting import CountRows
from unipipe_tui.adapters.kubernetes.asking import opened
from unipipe_tui.adapters.kubernetes.cluster import Cluster
from unipipe_tui.adapters.kubernetes.collecting import collect_pod
from unipipe_tui.adapters.kubernetes.documents import Document
from unipipe_tui.adapters.kubernetes.effects import image_effects, plan_effects
from unipipe_tui.adapters.kubernetes.kubectl import Kubectl
from unipipe_tui.adapters.kubernetes.measuring import measures_of, merged_feedback
from unipipe_tui.adapters.kubernetes.moving import Mover
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.pods import CONTAINER
from unipipe_tui.adapters.kubernetes.reading import Standing, is_ready, live_target
from unipipe_tui.adapters.kubernetes.shares import shares_of, why_another
from unipipe_tui.adapters.mlflow.model import model_signature
from unipipe_tui.adapters.targets.desired import InputColumn
from unipipe_tui.adapters.targets.http import ServerAt
from unipipe_tui.config.targets import TargetConfig
from unipipe_tui.domain.bundles import MODEL_FOLDER, Bundle
from unipipe_tui.domain.errors import Failed, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.plans import Effect
from unipipe_tui.domain.ports.targets import LiveTarget, Package, Wanted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Record, Value

END_SECONDS = 60
AT_ONCE = 4
"""How many pods are asked at once: each is a process here."""
GONE = ("not found", "completed pod", "container not found", "is terminated", "not running")
"""What is said of a pod that is not there any more, or never ran."""


class ImageMaker(Protocol):
    """Builds the image of a version."""

    def effects(self, bundle: Bundle) -> tuple[Effect, ...]:
        """What `released` will do."""
        ...

    def released(self, folder: Path, bundle: Bundle, progress: Progress) -> str:
        """The image of a bundle, by digest."""
        ...


class KubernetesTarget:
    """One target in a cluster."""

    def __init__(
        self,
        target: str,
        model: str,
        config: TargetConfig,
        folder: Path,
        predictions: Path,
        images: ImageMaker,
        count_rows: CountRows,
    ) -> None:
        """`folder` keeps the documents that were applied last, `predictions` gets the prediction log.

        `count_rows` counts those of a Parquet file.
        """
        kubectl = Kubectl(config.kubernetes.context, config.kubernetes.namespace, folder)
        self.cluster = Cluster(kubectl, Names(model, target), config)
        self._kubectl = kubectl
        self._target = target
        self._config = config
        self._predictions = predictions
        self._images = images
        self._count_rows = count_rows

    def verify(self) -> str:
        """Version and place of the cluster.

        Raises:
            ToolMissing: there is no kubectl, no such context, or the cluster does not answer or lets us do nothing.
        """
        try:
            version = self.cluster.apis.version
            allowed = self._kubectl.ask("auth", "can-i", "create", "deployments.apps").strip()
        except Failed as error:
            allowed, version = error.message, ""
        if not allowed.endswith("yes"):
            raise ToolMissing(
                f"You may not create Deployments in {self._kubectl.place}.",
                hint="Ask for a role that may, or name another namespace: kubernetes.namespace in unipipe.yaml.",
            )
        return f"Kubernetes {version} ({self._kubectl.place})"

    def live(self) -> LiveTarget:
        """What it answers with, read from labels, annotations and states of its objects."""
        try:
            state = self.cluster.state()
        except Failed as error:
            raise ToolMissing(error.message, error.hint) from None
        return live_target(state, self._target, self._url())

    def possible(self, traffic: Traffic) -> tuple[Traffic, str]:
        """What numbers of pods can give; any traffic where a gateway or our router shares the requests out."""
        # Only an autoscaler makes the number of pods another one than was configured.
        scaled = self._config.kubernetes.most_replicas is not None
        capacity = self.cluster.capacity(self.cluster.state() if scaled else None)
        has_gateway = self._config.kubernetes.gateway is not None and self.cluster.has_gateway
        shares = shares_of(traffic, capacity, has_gateway)
        why = why_another(traffic, shares, capacity)
        if why and self._config.kubernetes.gateway is not None:
            why = f"{why} The cluster does not have the Gateway API that `gateway` needs."
        return shares.traffic, why

    def effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        """All that will be built, applied and taken away; asks nobody."""
        return plan_effects(self.cluster, self._images, wanted, live)

    def image_effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        """The part of the effects that is building images."""
        return image_effects(self._images, wanted, live)

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        """Build the image of a bundle, and push it where a registry is named."""
        if self._config.image.registry is None:
            progress.emit(Noted("No `image.registry` is named: the nodes of the cluster must have the image already."))
        return Package(folder, bundle, self._images.released(folder, bundle, progress))

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        """Bring it there, and wait until every pod is ready."""
        lacking = [digest for digest, package in wanted.packages.items() if not package.image]
        if lacking:
            raise Failed(f"The bundle {lacking[0][:12]}… has no image.", hint="Package it first.")
        Mover(self.cluster, columns_of, lambda pods: self._rescue(pods, progress), progress).bring(wanted)
        return self.live()

    def stop(self, progress: Progress) -> LiveTarget:
        """Take everything away: first the Service, so that requests that were begun are answered, then the pods."""
        state, chosen = self.cluster.state(), ("--selector", self.cluster.names.selector)
        common = ("--ignore-not-found", "--wait=false", *chosen)
        self._kubectl.do(progress, "delete", "services" + (",httproutes" if self.cluster.has_gateway else ""), *common)
        pods = [*state.router_pods, *(pod for one in state.standing for pod in one.pods)]
        self._rescue(pods, progress)
        kinds = ["deployments", "configmaps", "networkpolicies"]
        kinds += ["poddisruptionbudgets"] if self.cluster.apis.disruption else []
        kinds += ["horizontalpodautoscalers"] if self.cluster.apis.autoscaling else []
        self._kubectl.do(progress, "delete", ",".join(kinds), *common)
        if pods:
            names = [f"pod/{pod['metadata']['name']}" for pod in pods]
            words = ("wait", "--for=delete", f"--timeout={END_SECONDS}s", *names)
            try:
                self._kubectl.ask(*words, timeout=END_SECONDS + 10.0)
            except Failed as error:
                progress.emit(Noted(f"Some pods take their time to end: {error.message}"))
        return self.live()

    def probe(self, variant: str, records: Sequence[Record]) -> Predicted:
        """Ask one variant; by the Service where it is the only one behind it, else one of its pods."""
        state = self.cluster.state()
        if state.routed:
            with opened(self._kubectl, self._target) as door:
                return (self._by_node() or door.service(*self._service())).probe(variant, records)
        one = next((one for one in state.standing if one.variant == variant), None)
        if one is None:
            raise UsageError(
                f"{self._target} has no variant {variant!r}.", hint=f"unipipe release status {self._target}"
            )
        alone = [other for other in state.standing if state.selects(other)] == [one]
        if alone and (server := self._by_node()):
            return server.probe(None, records)
        with opened(self._kubectl, self._target) as door:
            server = door.service(*self._service()) if alone else door.pod(_some_pod(one, self._target))
            return server.probe(None, records)

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records by the port of a node, or through the cluster's API server where there is none."""
        if server := self._by_node():
            return server.predict(records, ids)
        with opened(self._kubectl, self._target) as door:
            return door.service(*self._service()).predict(records, ids)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell every pod the labels: each knows the predictions that it gave."""
        pods = _ready(self.cluster.state().serving_pods)
        if not pods:
            raise self._nobody()
        with opened(self._kubectl, self._target) as door:
            return merged_feedback([door.pod(pod).feedback(labels) for pod in pods])

    def measures(self) -> tuple[Measures, ...]:
        """The counts of all pods added up, each pod's under the name that its version bears by now."""
        state = self.cluster.state()
        if not _ready(state.serving_pods):
            raise self._nobody()
        with opened(self._kubectl, self._target) as door:
            return measures_of(state, lambda pod: door.pod(pod).metrics_text())

    def collect(self, progress: Progress) -> int:
        """Fetch what is new in the prediction log of every pod."""
        pods = [pod for pod in self.cluster.state().serving_pods if is_ready(pod)]
        with ThreadPoolExecutor(AT_ONCE) as several:
            return sum(several.map(self._collect, pods))

    def log(self, lines: int) -> str:
        """The last lines of every pod, each with the pod's name before it."""
        state = self.cluster.state()
        pods = [*state.router_pods, *(pod for one in state.standing for pod in one.pods)]
        return "".join(self._log_of(pod, lines) for pod in pods)

    def _log_of(self, pod: Document, lines: int) -> str:
        try:
            return self._kubectl.ask(
                "logs", pod["metadata"]["name"], "--container", CONTAINER, f"--tail={lines}", "--prefix"
            )
        except Failed as error:
            # It may have gone since, or not have begun.
            return f"[pod/{pod['metadata']['name']}] {error.message}\n"

    def _rescue(self, pods: Sequence[Document], progress: Progress) -> None:
        """Fetch the log of pods that go; one that is gone already, or lets nobody in, must not keep the rest from going."""

        def rescue(pod: Document) -> None:
            try:
                self._collect(pod)
            except UnipipeError as error:
                if not any(word in error.message.lower() for word in GONE):
                    name = pod["metadata"]["name"]
                    progress.emit(Noted(f"The prediction log of pod {name} could not be fetched: {error.message}"))

        with ThreadPoolExecutor(AT_ONCE) as several:
            list(several.map(rescue, pods))

    def _collect(self, pod: Document) -> int:
        return collect_pod(self._kubectl, pod, self._predictions, self._count_rows)

    def _service(self) -> tuple[str, int]:
        return self.cluster.names.own, int(self._config.kubernetes.service_port)

    def _by_node(self) -> ServerAt | None:
        port = self._config.kubernetes.node_port
        if port is None:
            return None
        return ServerAt(self._target, self.cluster.node_address(), port, f"unipipe release status {self._target}")

    def _url(self) -> str:
        settings = self._config.kubernetes
        if settings.node_port is not None:
            return f"http://{self.cluster.node_address()}:{settings.node_port}"
        port = "" if settings.service_port == 80 else f":{settings.service_port}"
        return f"http://{self.cluster.names.own}.{settings.namespace}.svc{port}"

    def _nobody(self) -> ToolMissing:
        return ToolMissing(
            f"The target {self._target} does not answer: no pod is ready.",
            hint=f"unipipe release status {self._target}",
        )


def columns_of(package: Package) -> tuple[InputColumn, ...]:
    """What a packed model takes, by the signature that it was saved with."""
    signature = model_signature(package.folder / MODEL_FOLDER)
    return tuple(InputColumn(one.name, one.type, one.required) for one in signature.inputs) if signature else ()


def _ready(pods: Sequence[Document]) -> list[str]:
    return [str(pod["metadata"]["name"]) for pod in pods if is_ready(pod)]


def _some_pod(one: Standing, target: str) -> str:
    ready = _ready(one.pods)
    if not ready:
        raise ToolMissing(f"No pod of {one.variant} is ready.", hint=f"unipipe release status {target}")
    return ready[0]
