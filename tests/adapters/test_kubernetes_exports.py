"""Documents for other tools, and what a linter finds in documents that those tools would ignore without a word."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.adapters.made_releases import IMAGE, stable, wanted
from unipipe_tui.adapters.kubernetes.exports import KubernetesExporter
from unipipe_tui.adapters.kubernetes.linter import findings
from unipipe_tui.config import KubernetesConfig, TargetConfig, TargetKind
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.ports.exports import Exported, ExportFormat, ExportSetup, KServeMode
from unipipe_tui.domain.rollouts.analysis import AnalysisPolicy
from unipipe_tui.domain.rollouts.strategies import Strategy, StrategyKind

CANARY, BLUE_GREEN, ROLLING = StrategyKind.CANARY, StrategyKind.BLUE_GREEN, StrategyKind.ROLLING
PROMETHEUS = "http://prometheus.monitoring:9090"
ISTIO = ExportSetup(provider="istio", metrics=PROMETHEUS)
Document = dict[str, Any]


def export(form: ExportFormat, strategy: Strategy, setup: ExportSetup | None = None, **settings: Any) -> Exported:
    config = TargetConfig(
        kind=TargetKind.KUBERNETES,
        kubernetes=KubernetesConfig(**{"namespace": "team", "replicas": 3, **settings}),
        analysis=AnalysisPolicy(slow_after_ms=250),
    )
    exporter = KubernetesExporter("production", "fraud", config)
    return exporter.export(wanted("r-1", stable(4)), strategy, form, setup or ExportSetup())


def documents(exported: Exported) -> list[Document]:
    return [one for file in exported.files for one in yaml.safe_load_all(file.text)]


def of_kind(exported: Exported, kind: str) -> list[Document]:
    return [one for one in documents(exported) if one["kind"] == kind]


def rules(exported: Exported) -> set[str]:
    return {finding.rule for finding in exported.findings}


def test_manifests_are_one_file_with_all_that_a_cluster_needs() -> None:
    exported = export(ExportFormat.MANIFESTS, Strategy())
    assert [file.name for file in exported.files] == ["fraud-production.yaml"]
    kinds = {one["kind"] for one in documents(exported)}
    assert kinds == {"ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"}
    assert exported.findings == () and exported.facts == {"schemas": "1.30"}


def test_kustomize_names_every_file() -> None:
    exported = export(ExportFormat.KUSTOMIZE, Strategy(), most_replicas=6)
    first, *others = exported.files
    assert first.name == "kustomization.yaml"
    kustomization = yaml.safe_load(first.text)
    assert kustomization["resources"] == [file.name for file in others]
    assert kustomization["namespace"] == "team"


def test_argo_rollouts_gets_the_steps_and_a_gateway_gives_the_weights() -> None:
    exported = export(ExportFormat.ARGO_ROLLOUTS, Strategy(CANARY, (10, 50)), gateway="infra/web", most_replicas=6)
    assert not exported.findings
    canary = of_kind(exported, "Rollout")[0]["spec"]["strategy"]["canary"]
    pause = {"pause": {"duration": "60s"}}
    assert canary["steps"] == [{"setWeight": 10}, pause, {"setWeight": 50}, pause]
    route = of_kind(exported, "HTTPRoute")[0]
    plugin = canary["trafficRouting"]["plugins"]["argoproj-labs/gatewayAPI"]
    assert (plugin["httpRoute"], plugin["namespace"]) == (route["metadata"]["name"], "team")
    services = {one["metadata"]["name"] for one in of_kind(exported, "Service")}
    assert {canary["stableService"], canary["canaryService"]} == services
    scaled = of_kind(exported, "HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == ("Rollout", of_kind(exported, "Rollout")[0]["metadata"]["name"])


def test_argo_rollouts_waits_for_a_person_where_the_strategy_does() -> None:
    by_hand = export(ExportFormat.ARGO_ROLLOUTS, Strategy(CANARY, (50,), automatic=False), replicas=2)
    assert of_kind(by_hand, "Rollout")[0]["spec"]["strategy"]["canary"]["steps"][1] == {"pause": {}}
    switched = export(ExportFormat.ARGO_ROLLOUTS, Strategy(BLUE_GREEN, automatic=False), node_port=30080)
    blue_green = of_kind(switched, "Rollout")[0]["spec"]["strategy"]["blueGreen"]
    assert blue_green["autoPromotionEnabled"] is False
    ports = {one["metadata"]["name"]: one["spec"]["ports"][0].get("nodePort") for one in of_kind(switched, "Service")}
    assert ports == {blue_green["activeService"]: 30080, blue_green["previewService"]: None}


def test_weights_that_argo_rollouts_cannot_give_by_pods_are_refused_with_those_that_it_can() -> None:
    exported = export(ExportFormat.ARGO_ROLLOUTS, Strategy(CANARY, (10, 33.3, 66.6)))
    assert rules(exported) == {"argo-weights-without-routing"}
    found = exported.findings[0]
    assert "10 %" in found.said and "33.3" not in found.said
    assert "33.3, 66.7" in found.hint and found.source.startswith("https://argoproj.github.io/")


def test_flagger_asks_prometheus_for_our_own_counts() -> None:
    exported = export(ExportFormat.FLAGGER, Strategy(CANARY, (10, 50)), ISTIO, most_replicas=6)
    assert not exported.findings
    canary = of_kind(exported, "Canary")[0]["spec"]
    assert canary["analysis"]["stepWeights"] == [10, 50]
    assert [metric["thresholdRange"]["max"] for metric in canary["analysis"]["metrics"]] == [1.0, 250]
    failed, slow = of_kind(exported, "MetricTemplate")
    assert failed["spec"]["provider"] == {"type": "prometheus", "address": PROMETHEUS}
    assert 'unipipe_requests_total{namespace="{{ namespace }}"' in failed["spec"]["query"]
    assert "[{{ interval }}]" in slow["spec"]["query"]
    assert canary["autoscalerRef"]["name"] == of_kind(exported, "HorizontalPodAutoscaler")[0]["metadata"]["name"]
    assert not of_kind(exported, "Service")


def test_flagger_without_a_mesh_shifts_no_weights_and_without_metrics_judges_nothing() -> None:
    assert rules(export(ExportFormat.FLAGGER, Strategy(CANARY))) == {
        "flagger-weights-without-mesh",
        "flagger-without-metrics",
    }
    on_kubernetes = ExportSetup(provider="kubernetes", metrics=PROMETHEUS)
    assert rules(export(ExportFormat.FLAGGER, Strategy(CANARY), on_kubernetes)) == {"flagger-weights-without-mesh"}
    assert not rules(export(ExportFormat.FLAGGER, Strategy(BLUE_GREEN), on_kubernetes))


def test_kserve_ignores_a_canary_in_standard_mode() -> None:
    one_step = Strategy(CANARY, (10,))
    standard = export(ExportFormat.KSERVE, one_step, ExportSetup(KServeMode.STANDARD))
    assert rules(standard) == {"kserve-canary-in-standard-mode"}
    assert "https://github.com/kserve/kserve/issues/5335" in standard.findings[0].source
    assert rules(export(ExportFormat.KSERVE, one_step)) == {"kserve-canary-without-mode"}
    knative = export(ExportFormat.KSERVE, one_step, ExportSetup(KServeMode.KNATIVE))
    assert not knative.findings
    service = of_kind(knative, "InferenceService")[0]
    assert service["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert service["spec"]["predictor"]["containers"][0]["image"] == IMAGE
    assert service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Knative"


def test_kserve_holds_one_percentage_only() -> None:
    with pytest.raises(UsageError, match="one whole percentage"):
        export(ExportFormat.KSERVE, Strategy(CANARY, (10, 50)), ExportSetup(KServeMode.KNATIVE))


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (ExportFormat.MANIFESTS, CANARY),
        (ExportFormat.KUSTOMIZE, BLUE_GREEN),
        (ExportFormat.ARGO_ROLLOUTS, StrategyKind.SHADOW),
        (ExportFormat.FLAGGER, ROLLING),
        (ExportFormat.FLAGGER, StrategyKind.AB),
        (ExportFormat.KSERVE, BLUE_GREEN),
    ],
)
def test_a_strategy_that_a_tool_does_not_have_is_no_other_one(form: ExportFormat, kind: StrategyKind) -> None:
    with pytest.raises(UsageError, match=kind.value):
        export(form, Strategy(kind), ISTIO)


def test_no_tool_sees_the_column_that_keeps_a_caller() -> None:
    with pytest.raises(UsageError, match="column customer"):
        export(ExportFormat.ARGO_ROLLOUTS, Strategy(CANARY, (50,), sticky="customer"), replicas=2)


def rollout(**canary: Any) -> Document:
    return {"kind": "Rollout", "metadata": {"name": "r"}, "spec": {"replicas": 4, "strategy": {"canary": canary}}}


def flagger_canary(provider: str | None = "istio", **analysis: Any) -> Document:
    spec = {"targetRef": {"name": "d"}, "analysis": {"metrics": [{"name": "request-success-rate"}], **analysis}}
    return {"kind": "Canary", "metadata": {"name": "c"}, "spec": spec | ({"provider": provider} if provider else {})}


def inference(mode: str | None, **predictor: Any) -> Document:
    annotations = {"serving.kserve.io/deploymentMode": mode} if mode else {}
    metadata = {"name": "i", "annotations": annotations}
    return {"kind": "InferenceService", "metadata": metadata, "spec": {"predictor": predictor}}


def scaler(name: str = "d") -> Document:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": name}}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": spec}


def deployed(replicas: int | None = None, cpu: str | None = "1", **selector: str) -> Document:
    resources = {"requests": {"cpu": cpu}} if cpu else {}
    template = {"spec": {"containers": [{"name": "c", "resources": resources}]}}
    spec: Document = {"template": template, "selector": {"matchLabels": selector or {"app": "d"}}}
    return {
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": spec | ({"replicas": replicas} if replicas else {}),
    }


ROUTED = {"trafficRouting": {"istio": {}, "managedRoutes": [{"name": "known"}]}}
FOUND: list[tuple[str, list[Document]]] = [
    ("kserve-canary-in-standard-mode", [inference("RawDeployment", canaryTrafficPercent=0)]),
    ("kserve-zero-in-standard-mode", [inference("Standard", minReplicas=0)]),
    ("argo-scale-without-routing", [rollout(steps=[{"setCanaryScale": {"replicas": 1}}])]),
    ("argo-dynamic-scale-without-routing", [rollout(dynamicStableScale=True)]),
    ("argo-route-not-managed", [rollout(**ROUTED, steps=[{"setHeaderRoute": {"name": "other"}}])]),
    (
        "argo-mirror-without-istio",
        [rollout(trafficRouting={"managedRoutes": [{"name": "m"}]}, steps=[{"setMirrorRoute": {"name": "m"}}])],
    ),
    ("argo-service-missing", [rollout(**ROUTED, stableService="nowhere")]),
    ("flagger-match-without-mesh", [flagger_canary(None, match=[{"headers": {}}], iterations=3)]),
    ("flagger-mirror-without-istio", [flagger_canary("linkerd", mirror=True, iterations=3)]),
    ("flagger-affinity-without-istio", [flagger_canary("nginx", sessionAffinity={"cookieName": "c"}, stepWeight=5)]),
    ("flagger-iterations-and-weights", [flagger_canary(iterations=3, stepWeight=5)]),
    ("flagger-metric-without-provider", [flagger_canary(metrics=[{"name": "m", "templateRef": {"name": "none"}}])]),
    ("flagger-makes-the-service", [flagger_canary(), {"kind": "Service", "metadata": {"name": "d"}}]),
    ("flagger-autoscaler-not-named", [flagger_canary(), deployed(), scaler()]),
    ("flagger-selector-label", [flagger_canary(), deployed(tier="web")]),
    ("autoscaler-of-nothing", [scaler("other"), deployed()]),
    ("autoscaler-and-replicas", [scaler(), deployed(replicas=2)]),
    ("autoscaler-without-request", [scaler(), deployed(cpu=None)]),
]


@pytest.mark.parametrize(("rule", "made"), FOUND, ids=[rule for rule, _ in FOUND])
def test_what_a_tool_ignores_is_found_with_its_source(rule: str, made: list[Document]) -> None:
    found = findings(made)
    assert [finding.rule for finding in found] == [rule]
    assert found[0].said and found[0].source.startswith("https://")


def test_what_tools_do_carry_out_is_not_found() -> None:
    fine = [
        rollout(**ROUTED, steps=[{"setWeight": 7}, {"setHeaderRoute": {"name": "known"}}]),
        rollout(steps=[{"setWeight": 25}, {"setWeight": 50}]),
        flagger_canary("gatewayapi:v1", mirror=True, stepWeight=5),
        inference("Knative", canaryTrafficPercent=10, minReplicas=0),
        inference("Standard", minReplicas=1),
        deployed(),
    ]
    assert findings(fine) == ()
