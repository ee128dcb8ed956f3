"""Finds in documents what a tool ignores, or carries out as something else, without a word. Each finding names its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unipipe_tui.adapters.kubernetes.linter_flagger import flagger_findings
from unipipe_tui.adapters.kubernetes.linter_rules import of_kind, path_of
from unipipe_tui.domain.ports.exports import Finding

Document = dict[str, Any]

KSERVE_CANARY = "https://kserve.github.io/website/docs/model-serving/predictive-inference/rollout-strategies/canary"
KSERVE_IGNORES = "https://github.com/kserve/kserve/issues/5335"
KSERVE_RAW = "https://kserve.github.io/archive/0.13/admin/kubernetes_deployment"
KSERVE_MODES = "https://kserve.github.io/website/docs/0.18/admin-guide/overview"
ARGO_CANARY = "https://argoproj.github.io/argo-rollouts/features/canary"
ARGO_TRAFFIC = "https://argoproj.github.io/argo-rollouts/features/traffic-management/"
ARGO_SCALE = "https://github.com/argoproj/argo-rollouts/issues/4295"
ARGO_DYNAMIC = "https://github.com/argoproj/argo-rollouts/issues/3539"
ARGO_HPA = "https://argoproj.github.io/argo-rollouts/features/hpa-support"
HPA = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"

MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
WITHOUT_KNATIVE = ("Standard", "RawDeployment")
COMPONENTS = ("predictor", "transformer", "explainer")
NEEDS_ROUTES = ("setHeaderRoute", "setMirrorRoute")


def findings(documents: Sequence[Document]) -> tuple[Finding, ...]:
    """Everything that stands against a set of documents that are applied together."""
    rules: tuple[Callable[[Sequence[Document]], Iterator[Finding]], ...] = (
        _kserve,
        _argo,
        flagger_findings,
        _autoscalers,
    )
    return tuple(found for rule in rules for found in rule(documents))


def _kserve(documents: Sequence[Document]) -> Iterator[Finding]:
    for service in of_kind(documents, "InferenceService"):
        mode = path_of(service, "metadata", "annotations", MODE_ANNOTATION)
        for name in COMPONENTS:
            component = path_of(service, "spec", name) or {}
            percent = component.get("canaryTrafficPercent")
            if percent is not None and mode in WITHOUT_KNATIVE:
                yield Finding(
                    "kserve-canary-in-standard-mode",
                    f"KServe ignores canaryTrafficPercent: {percent} in {mode} mode without a word: the new version gets all.",
                    f"{KSERVE_CANARY} {KSERVE_IGNORES}",
                    "--mode knative, or --strategy rolling; KServe 0.20 and newer has `spec.canary` for this mode.",
                )
            if percent is not None and mode is None:
                yield Finding(
                    "kserve-canary-without-mode",
                    "Without a deployment mode the installation decides whether canaryTrafficPercent is followed or ignored.",
                    f"{KSERVE_MODES} {KSERVE_IGNORES}",
                    "Say which: --mode knative.",
                )
            if component.get("minReplicas") == 0 and mode in WITHOUT_KNATIVE:
                yield Finding(
                    "kserve-zero-in-standard-mode",
                    f"KServe cannot scale to zero in {mode} mode.",
                    KSERVE_RAW,
                    "replicas: 1",
                )


def _argo(documents: Sequence[Document]) -> Iterator[Finding]:
    for rollout in of_kind(documents, "Rollout"):
        canary = path_of(rollout, "spec", "strategy", "canary")
        if canary is None:
            continue
        steps = canary.get("steps") or []
        routing = canary.get("trafficRouting")
        if routing is None:
            yield from _argo_by_pods(rollout, documents, canary, steps)
        managed = {route.get("name") for route in (routing or {}).get("managedRoutes") or []}
        for step in steps:
            yield from _argo_routes(step, routing, managed)
        yield from _argo_services(canary, documents)


def _argo_by_pods(
    rollout: Document, documents: Sequence[Document], canary: Document, steps: Sequence[Document]
) -> Iterator[Finding]:
    replicas = path_of(rollout, "spec", "replicas") or _fewest(rollout, documents)
    off = [
        weight
        for step in steps
        if (weight := step.get("setWeight")) is not None and not _is_possible(float(weight), replicas)
    ]
    if off:
        told = ", ".join(f"{weight:g} %" for weight in off)
        yield Finding(
            "argo-weights-without-routing",
            f"Without trafficRouting, Argo Rollouts gives weights by numbers of pods, as near as it can: of {replicas} pods "
            f"{told} cannot be had.",
            ARGO_CANARY,
            f"Name a `gateway`, or steps that {replicas} pods can give: {', '.join(_possible(replicas))}.",
        )
    for number, step in enumerate(steps, 1):
        if "setCanaryScale" in step:
            yield Finding(
                "argo-scale-without-routing",
                f"Step {number} sets the number of canary pods, which without trafficRouting is its weight: refused.",
                ARGO_SCALE,
                "Name a `gateway`.",
            )
    if canary.get("dynamicStableScale"):
        yield Finding(
            "argo-dynamic-scale-without-routing",
            "dynamicStableScale has no effect without trafficRouting.",
            ARGO_DYNAMIC,
            "Name a `gateway`.",
        )


def _argo_routes(step: Document, routing: Document | None, managed: set[object]) -> Iterator[Finding]:
    for kind in NEEDS_ROUTES:
        route = step.get(kind)
        if route is None:
            continue
        if route.get("name") not in managed:
            yield Finding(
                "argo-route-not-managed",
                f"{kind} {route.get('name')} does nothing: trafficRouting.managedRoutes does not name it.",
                ARGO_TRAFFIC,
                "Name it there.",
            )
        if kind == "setMirrorRoute" and "istio" not in (routing or {}):
            yield Finding(
                "argo-mirror-without-istio",
                "Argo Rollouts mirrors traffic with Istio only.",
                ARGO_TRAFFIC,
                "--strategy canary",
            )


def _argo_services(canary: Document, documents: Sequence[Document]) -> Iterator[Finding]:
    services = {path_of(one, "metadata", "name") for one in of_kind(documents, "Service")}
    for key in ("stableService", "canaryService"):
        name = canary.get(key)
        if name is not None and name not in services:
            yield Finding(
                "argo-service-missing",
                f"{key} names {name}, which is none of the documents.",
                ARGO_TRAFFIC,
                "Export it too.",
            )


def _autoscalers(documents: Sequence[Document]) -> Iterator[Finding]:
    scaled = {(one.get("kind"), path_of(one, "metadata", "name")): one for one in documents}
    for autoscaler in of_kind(documents, "HorizontalPodAutoscaler"):
        reference = path_of(autoscaler, "spec", "scaleTargetRef") or {}
        target = scaled.get((reference.get("kind"), reference.get("name")))
        what = f"{reference.get('kind')} {reference.get('name')}"
        if target is None:
            yield Finding(
                "autoscaler-of-nothing", f"The autoscaler scales {what}, which is none of the documents.", ARGO_HPA, ""
            )
            continue
        if path_of(target, "spec", "replicas") is not None:
            yield Finding(
                "autoscaler-and-replicas",
                f"{what} has `replicas` and an autoscaler: every apply sets the number of pods back.",
                HPA,
                "Leave `replicas` out.",
            )
        for container in path_of(target, "spec", "template", "spec", "containers") or []:
            if path_of(container, "resources", "requests", "cpu") is None:
                yield Finding(
                    "autoscaler-without-request",
                    f"The autoscaler takes no action: {what} asks for no cpu of which it could use a share.",
                    HPA,
                    "kubernetes.resources.cpu",
                )


def _fewest(rollout: Document, documents: Sequence[Document]) -> int:
    for autoscaler in of_kind(documents, "HorizontalPodAutoscaler"):
        if path_of(autoscaler, "spec", "scaleTargetRef", "name") == path_of(rollout, "metadata", "name"):
            return int(path_of(autoscaler, "spec", "minReplicas") or 1)
    return 1


def _is_possible(weight: float, replicas: int) -> bool:
    pods = weight * replicas / 100
    return abs(pods - round(pods)) * 100 / replicas < 0.5


def _possible(replicas: int) -> list[str]:
    return [f"{100 * pods / replicas:.3g}" for pods in range(1, replicas)] or ["none"]
