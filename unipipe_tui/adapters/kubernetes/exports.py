"""What a release would be in the documents of other tools; made without a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unipipe_tui.adapters.kubernetes import manifests
from unipipe_tui.adapters.kubernetes.apis import apis_of
from unipipe_tui.adapters.kubernetes.documents import Course, Document
from unipipe_tui.adapters.kubernetes.exports_flagger import canary_documents
from unipipe_tui.adapters.kubernetes.kubectl import as_yaml
from unipipe_tui.adapters.kubernetes.linter import MODE_ANNOTATION, findings
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.shares import shares_of
from unipipe_tui.adapters.kubernetes.validation import validate
from unipipe_tui.config.targets import TargetConfig
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.ports.exports import Exported, ExportFile, ExportFormat, ExportSetup, KServeMode
from unipipe_tui.domain.ports.targets import Wanted
from unipipe_tui.domain.rollouts.strategies import Strategy, StrategyKind

NEWEST = 30
"""The Kubernetes that documents are made for when nobody asks a cluster: 1.30 and what came since serve the same versions."""
GATEWAY = "gateway.networking.k8s.io/v1"
ARGO = "argoproj.io/v1alpha1"
KSERVE = "serving.kserve.io/v1beta1"
GATEWAY_PLUGIN = "argoproj-labs/gatewayAPI"
NOT_THERE = {
    ExportFormat.MANIFESTS: (StrategyKind.BLUE_GREEN, StrategyKind.CANARY, StrategyKind.SHADOW, StrategyKind.AB),
    ExportFormat.KUSTOMIZE: (StrategyKind.BLUE_GREEN, StrategyKind.CANARY, StrategyKind.SHADOW, StrategyKind.AB),
    ExportFormat.ARGO_ROLLOUTS: (StrategyKind.SHADOW, StrategyKind.AB),
    ExportFormat.FLAGGER: (StrategyKind.ROLLING, StrategyKind.SHADOW, StrategyKind.AB),
    ExportFormat.KSERVE: (StrategyKind.BLUE_GREEN, StrategyKind.SHADOW, StrategyKind.AB),
}
"""Strategies that a tool has nothing for that would do the same: Kubernetes alone knows rolling updates only."""


class KubernetesExporter:
    """Documents of one target."""

    def __init__(self, target: str, model: str, config: TargetConfig) -> None:
        self._names = Names(model, target)
        self._config = config

    def export(self, wanted: Wanted, strategy: Strategy, form: ExportFormat, setup: ExportSetup) -> Exported:
        """The documents that bring the wanted version there by a strategy, and what stands against them.

        Raises:
            UsageError: the tool has nothing that could do it.
            Failed: a document is not what Kubernetes takes.
        """
        if strategy.kind in NOT_THERE[form]:
            others = " or ".join(kind.value for kind in StrategyKind if kind not in NOT_THERE[form])
            raise UsageError(
                f"{form.value} has nothing that does what the strategy {strategy.kind.value} does.",
                hint=f"--strategy {others}; what is left is what a release to the target itself can do.",
            )
        if strategy.sticky:
            raise UsageError(
                f"{form.value} cannot keep a caller with a version by the column {strategy.sticky}: it sees no bodies.",
                hint="Leave --sticky out, or release to the target itself.",
            )
        course = self._course(wanted)
        documents = self._documents(course, strategy, form, setup)
        schemas = validate(documents, course.apis.minor)
        return Exported(_files(documents, form, course), findings(documents), {"schemas": schemas})

    def _course(self, wanted: Wanted) -> Course:
        apis = apis_of(NEWEST, *((GATEWAY,) if self._config.kubernetes.gateway else ()))
        shares = shares_of(wanted.traffic, self._config.kubernetes.replicas, apis.gateway is not None)
        return Course(self._names, self._config, wanted, shares, apis, named_by_variant=True)

    def _documents(self, course: Course, strategy: Strategy, form: ExportFormat, setup: ExportSetup) -> list[Document]:
        match form:
            case ExportFormat.MANIFESTS | ExportFormat.KUSTOMIZE:
                return manifests.all_documents(course, self._config.kubernetes.replicas)
            case ExportFormat.ARGO_ROLLOUTS:
                return _rollout_documents(course, strategy)
            case ExportFormat.FLAGGER:
                return canary_documents(course, strategy, setup)
            case ExportFormat.KSERVE:
                return [_inference_service(course, strategy, setup)]


def _rollout_documents(course: Course, strategy: Strategy) -> list[Document]:
    """Argo Rollouts: a Rollout in the place of the Deployment, and the Services that it switches."""
    variant = course.wanted.traffic.main
    desired, deployment, *_ = manifests.version_documents(course, variant, course.config.kubernetes.replicas)
    service, own = manifests.service(course), course.names.own
    candidate = _renamed(service, f"{own}-candidate")
    candidate["spec"]["type"] = "ClusterIP"
    for port in candidate["spec"]["ports"]:
        port.pop("nodePort", None)
    scaled = manifests.autoscaler(course)
    metadata = {**deployment["metadata"], "name": own}
    rollout: Document = {**deployment, "apiVersion": ARGO, "kind": "Rollout", "metadata": metadata}
    spec = {
        key: value for key, value in deployment["spec"].items() if key not in ("strategy", "progressDeadlineSeconds")
    }
    if scaled is not None:
        scaled["spec"]["scaleTargetRef"] = {
            "apiVersion": ARGO,
            "kind": "Rollout",
            "name": own,
        }
        spec.pop("replicas", None)
    documents = [*manifests.shared(course), desired, service, *([scaled] if scaled else [])]
    if strategy.kind is StrategyKind.BLUE_GREEN:
        blue_green = {
            "activeService": own,
            "previewService": f"{own}-candidate",
            "autoPromotionEnabled": strategy.automatic,
        }
        return [*documents, candidate, {**rollout, "spec": {**spec, "strategy": {"blueGreen": blue_green}}}]
    canary: Document = {"maxUnavailable": 0, "maxSurge": manifests.SURGE}
    if strategy.kind is StrategyKind.CANARY:
        canary["steps"] = [step for weight in strategy.steps for step in _argo_step(strategy, weight)]
        if course.config.kubernetes.gateway:
            route = {"httpRoute": own, "namespace": course.config.kubernetes.namespace}
            canary |= {"stableService": own, "canaryService": f"{own}-candidate"}
            canary["trafficRouting"] = {"plugins": {GATEWAY_PLUGIN: route}}
            documents += [candidate, _argo_route(course)]
    return [*documents, {**rollout, "spec": {**spec, "strategy": {"canary": canary}}}]


def _argo_step(strategy: Strategy, weight: float) -> list[Document]:
    pause: Document = {"duration": f"{strategy.pause_seconds:.0f}s"} if strategy.automatic else {}
    return [{"setWeight": round(weight) if weight == round(weight) else weight}, {"pause": pause}]


def _argo_route(course: Course) -> Document:
    """Both Services, of which the plug-in changes the weights."""
    route = manifests.route(course)
    assert route is not None
    port = int(course.config.kubernetes.service_port)
    names = (course.names.own, f"{course.names.own}-candidate")
    route["spec"]["rules"] = [{"backendRefs": [{"name": name, "port": port} for name in names]}]
    return route


def _inference_service(course: Course, strategy: Strategy, setup: ExportSetup) -> Document:
    """KServe: our image as a custom predictor."""
    variant, settings = course.wanted.traffic.main, course.config.kubernetes
    _, deployment, *_ = manifests.version_documents(course, variant, settings.replicas)
    container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    kept = ("image", "ports", "resources", "readinessProbe")
    security = {key: value for key, value in container["securityContext"].items() if key != "readOnlyRootFilesystem"}
    # The image says itself what it serves; Knative lets a container mount less than a Deployment does.
    predictor: Document = {
        "minReplicas": settings.replicas,
        "maxReplicas": settings.most_replicas or settings.replicas,
        "containers": [
            {"name": "kserve-container", **{key: container[key] for key in kept}, "securityContext": security}
        ],
    }
    if settings.image_pull_secret:
        predictor["imagePullSecrets"] = [{"name": settings.image_pull_secret}]
    if strategy.kind is StrategyKind.CANARY:
        if len(strategy.steps) > 1 or strategy.steps[0] != round(strategy.steps[0]):
            told = ", ".join(f"{step:g}" for step in strategy.steps)
            raise UsageError(
                f"An InferenceService holds one whole percentage, not the steps {told}.",
                hint=f"Export each step by itself: --steps {round(strategy.steps[0])}, and --strategy rolling for the last.",
            )
        predictor["canaryTrafficPercent"] = round(strategy.steps[0])
    annotations = dict(deployment["metadata"]["annotations"])
    if setup.mode is not None:
        annotations[MODE_ANNOTATION] = "Standard" if setup.mode is KServeMode.STANDARD else "Knative"
    metadata = {**deployment["metadata"], "name": course.names.own, "annotations": annotations}
    return {"apiVersion": KSERVE, "kind": "InferenceService", "metadata": metadata, "spec": {"predictor": predictor}}


def _renamed(document: Document, name: str) -> Document:
    spec = {**document["spec"], "ports": [dict(port) for port in document["spec"]["ports"]]}
    return {**document, "metadata": {**document["metadata"], "name": name}, "spec": spec}


def _files(documents: Sequence[Document], form: ExportFormat, course: Course) -> tuple[ExportFile, ...]:
    if form is not ExportFormat.KUSTOMIZE:
        return (ExportFile(f"{course.names.own}.yaml", as_yaml(documents)),)
    named = [(f"{one['kind'].lower()}-{one['metadata']['name']}.yaml", one) for one in documents]
    kustomization: Document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": course.config.kubernetes.namespace,
        "resources": [name for name, _ in named],
    }
    files = [ExportFile(name, as_yaml([one])) for name, one in named]
    return (ExportFile("kustomization.yaml", as_yaml([kustomization])), *files)
