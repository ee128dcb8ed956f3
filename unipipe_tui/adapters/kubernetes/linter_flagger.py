"""What Flagger would ignore: what needs a mesh without one, an analysis of nothing, strategies that exclude one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unipipe_tui.adapters.kubernetes.linter_rules import Document, of_kind, path_of
from unipipe_tui.domain.ports.exports import Finding

STRATEGIES = "https://docs.flagger.app/usage/deployment-strategies"
METRICS = "https://docs.flagger.app/usage/metrics"
HOW_IT_WORKS = "https://docs.flagger.app/usage/how-it-works"
NO_WEIGHTS = "https://github.com/fluxcd/flagger/issues/1684"
ITERATIONS = "https://github.com/fluxcd/flagger/pull/305"
WITHOUT_LAYER_7 = (None, "", "kubernetes", "none")
MIRRORING = ("istio", "gatewayapi")
WEIGHTS = ("stepWeight", "stepWeights", "maxWeight")
SELECTOR_LABELS = ("app", "name", "app.kubernetes.io/name")
"""By one of these Flagger tells the pods of primary and canary apart, unless it was installed otherwise."""


def flagger_findings(documents: Sequence[Document]) -> Iterator[Finding]:
    """Everything that stands against the Canary objects."""
    for canary in of_kind(documents, "Canary"):
        analysis = path_of(canary, "spec", "analysis") or {}
        yield from _of_provider(path_of(canary, "spec", "provider"), canary, analysis)
        yield from _of_metrics(canary, analysis, documents)
        yield from _of_objects(canary, documents)
        if analysis.get("iterations") and any(key in analysis for key in WEIGHTS):
            yield Finding(
                "flagger-iterations-and-weights",
                "With `iterations` Flagger switches blue-green and ignores all weights.",
                ITERATIONS,
                "Keep one of them.",
            )


def _of_provider(provider: str | None, canary: Document, analysis: Document) -> Iterator[Finding]:
    if provider in WITHOUT_LAYER_7:
        told = provider or "none named"
        if any(key in analysis for key in WEIGHTS):
            yield Finding(
                "flagger-weights-without-mesh",
                f"Without a mesh or ingress (provider: {told}) Flagger shifts no traffic by weight: it switches blue-green.",
                f"{STRATEGIES} {NO_WEIGHTS}",
                "--provider istio, or whatever the cluster has; else --strategy blue-green.",
            )
        if analysis.get("match"):
            yield Finding(
                "flagger-match-without-mesh",
                f"A/B tests by header need a mesh or ingress; provider: {told} ignores `match`.",
                STRATEGIES,
                "--provider istio",
            )
    mirrors = str(provider or "").startswith(MIRRORING)
    if analysis.get("mirror") and not mirrors:
        yield Finding(
            "flagger-mirror-without-istio",
            "Flagger mirrors traffic with Istio and the Gateway API only.",
            STRATEGIES,
            "--provider istio",
        )
    if analysis.get("sessionAffinity") and not mirrors:
        yield Finding(
            "flagger-affinity-without-istio",
            "Flagger keeps callers with a version with Istio and the Gateway API only.",
            STRATEGIES,
            "--provider istio",
        )


def _of_metrics(canary: Document, analysis: Document, documents: Sequence[Document]) -> Iterator[Finding]:
    metrics = analysis.get("metrics") or []
    if not metrics:
        yield Finding(
            "flagger-without-metrics",
            "Without metrics Flagger promotes whatever starts: it compares nothing.",
            METRICS,
            "Name the Prometheus that it asks: --metrics http://prometheus.monitoring:9090",
        )
    templates = {path_of(one, "metadata", "name"): one for one in of_kind(documents, "MetricTemplate")}
    for metric in metrics:
        name = path_of(metric, "templateRef", "name")
        if name is None:
            continue
        template = templates.get(name)
        if template is None or not path_of(template, "spec", "provider", "address"):
            why = "is none of the documents" if template is None else "names no address to ask"
            yield Finding(
                "flagger-metric-without-provider", f"The MetricTemplate {name} {why}.", METRICS, "--metrics URL"
            )


def _of_objects(canary: Document, documents: Sequence[Document]) -> Iterator[Finding]:
    name = path_of(canary, "spec", "targetRef", "name")
    served = path_of(canary, "spec", "service", "name") or name
    if any(path_of(one, "metadata", "name") == served for one in of_kind(documents, "Service")):
        yield Finding(
            "flagger-makes-the-service",
            f"Flagger makes the Service {served} itself, and overwrites one that is there.",
            HOW_IT_WORKS,
            "Leave the Service out.",
        )
    scalers = [
        one
        for one in of_kind(documents, "HorizontalPodAutoscaler")
        if path_of(one, "spec", "scaleTargetRef", "name") == name
    ]
    if scalers and path_of(canary, "spec", "autoscalerRef", "name") is None:
        yield Finding(
            "flagger-autoscaler-not-named",
            "Flagger copies an autoscaler to the primary only when autoscalerRef names it: the primary would not scale.",
            HOW_IT_WORKS,
            "Name it.",
        )
    for deployment in of_kind(documents, "Deployment"):
        labels = path_of(deployment, "spec", "selector", "matchLabels") or {}
        if path_of(deployment, "metadata", "name") == name and not any(label in labels for label in SELECTOR_LABELS):
            yield Finding(
                "flagger-selector-label",
                f"Flagger tells primary and canary apart by one of {', '.join(SELECTOR_LABELS)}; the selector has none.",
                HOW_IT_WORKS,
                "Select by `app`.",
            )
