"""A release as Flagger takes it: a Deployment, and a Canary that says how a new version of it is tried."""

from __future__ import annotations

from unipipe_tui.adapters.docker.dockerfile import PORT
from unipipe_tui.adapters.kubernetes import manifests
from unipipe_tui.adapters.kubernetes.documents import Course, Document
from unipipe_tui.domain.ports.exports import ExportSetup
from unipipe_tui.domain.rollouts.strategies import Strategy, StrategyKind

FLAGGER = "flagger.app/v1beta1"
APP = "app"
"""The label by which Flagger tells primary and canary apart: it sets its value itself."""
ITERATIONS = 10
THRESHOLD = 5
SHARE_TOLERATED = 0.01
PODS = 'namespace="{{ namespace }}",pod=~"{{ target }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"'
"""The pods of the canary, in Flagger's own form."""
ALL_REQUESTS = f"sum(rate(unipipe_requests_total{{{PODS}}}[{{{{ interval }}}}]))"
FAILED_REQUESTS = f'sum(rate(unipipe_requests_total{{{PODS},status=~"5.."}}[{{{{ interval }}}}]))'
FAILED_QUERY = f"100 * ({FAILED_REQUESTS} or vector(0)) / {ALL_REQUESTS}"
SLOW_QUERY = (
    f"1000 * histogram_quantile(0.95, sum(rate(unipipe_request_seconds_bucket{{{PODS}}}[{{{{ interval }}}}])) by (le))"
)


def canary_documents(course: Course, strategy: Strategy, setup: ExportSetup) -> list[Document]:
    """All documents. Flagger makes the Services and the primary Deployment itself."""
    variant, settings = course.wanted.traffic.main, course.config.kubernetes
    scaled = manifests.autoscaler(course)
    replicas = None if scaled else settings.replicas
    desired, deployment, *_ = manifests.version_documents(course, variant, replicas)
    name = course.names.own
    deployment["metadata"]["name"] = name
    deployment["spec"]["selector"]["matchLabels"] = {APP: name}
    deployment["spec"]["template"]["metadata"]["labels"][APP] = name
    # Flagger makes the primary a Deployment of the same name with an ending; both bear the labels of the target.
    documents = [*manifests.shared(course), desired, deployment]
    if scaled is not None:
        scaled["spec"]["scaleTargetRef"]["name"] = name
        documents.append(scaled)
    templates = _templates(course, setup)
    return [*documents, *templates, _canary(course, strategy, setup, templates, has_scaler=scaled is not None)]


def _canary(
    course: Course, strategy: Strategy, setup: ExportSetup, templates: list[Document], *, has_scaler: bool
) -> Document:
    name, settings = course.names.own, course.config.kubernetes
    analysis: Document = {
        "interval": f"{max(round(strategy.pause_seconds), 10)}s",
        "threshold": THRESHOLD,
        "metrics": [_metric(course, template) for template in templates],
    }
    if strategy.kind is StrategyKind.BLUE_GREEN:
        analysis["iterations"] = ITERATIONS
    else:
        analysis["stepWeights"] = [round(step) for step in strategy.steps]
    service: Document = {"name": name, "port": int(settings.service_port), "targetPort": PORT}
    if settings.gateway and str(setup.provider or "").startswith("gatewayapi"):
        namespace, _, gateway = settings.gateway.rpartition("/")
        service["gatewayRefs"] = [{"name": gateway} | ({"namespace": namespace} if namespace else {})]
    spec: Document = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "progressDeadlineSeconds": settings.ready_within_seconds,
        "service": service,
        "analysis": analysis,
    }
    if setup.provider:
        spec = {"provider": setup.provider, **spec}
    if has_scaler:
        spec["autoscalerRef"] = {"apiVersion": course.apis.autoscaling, "kind": "HorizontalPodAutoscaler", "name": name}
    if not strategy.automatic:
        analysis["webhooks"] = [_by_hand(course)]
    return {"apiVersion": FLAGGER, "kind": "Canary", "metadata": _metadata(course, name), "spec": spec}


def _by_hand(course: Course) -> Document:
    """Every step waits until a person lets it go on, at Flagger's own load tester."""
    return {"name": "approve", "type": "confirm-traffic-increase", "url": "http://flagger-loadtester/gate/check"}


def _templates(course: Course, setup: ExportSetup) -> list[Document]:
    """What Flagger asks Prometheus: by our own counts, so that no mesh is needed for it."""
    if setup.metrics is None:
        return []
    queries = {"failed": FAILED_QUERY}
    if course.config.analysis.slow_after_ms is not None:
        queries["slow"] = SLOW_QUERY
    provider = {"type": "prometheus", "address": setup.metrics}
    return [
        {
            "apiVersion": FLAGGER,
            "kind": "MetricTemplate",
            "metadata": _metadata(course, f"{course.names.own}-{key}"),
            "spec": {"provider": provider, "query": query},
        }
        for key, query in queries.items()
    ]


def _metric(course: Course, template: Document) -> Document:
    policy, name = course.config.analysis, template["metadata"]["name"]
    if name.endswith("-slow"):
        most: float = policy.slow_after_ms or 0.0
    else:
        most = 100 * (SHARE_TOLERATED if policy.errors_worse_by is None else policy.errors_worse_by)
    reference = {"name": name, "namespace": course.config.kubernetes.namespace}
    return {"name": name, "templateRef": reference, "thresholdRange": {"max": most}, "interval": "1m"}


def _metadata(course: Course, name: str) -> Document:
    shown = manifests.service(course)["metadata"]
    return {**shown, "name": name}
