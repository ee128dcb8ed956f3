"""The documents of a target in a cluster: what matters in them, and that Kubernetes takes them whatever is configured."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.made_releases import AT, IMAGE, canary, stable, variant, wanted
from unipipe_tui.adapters.kubernetes import manifests
from unipipe_tui.adapters.kubernetes.apis import Apis, apis_of
from unipipe_tui.adapters.kubernetes.documents import Course, Document
from unipipe_tui.adapters.kubernetes.kubectl import as_yaml
from unipipe_tui.adapters.kubernetes.moving import planned_documents
from unipipe_tui.adapters.kubernetes.names import Names, dns_label, label_value
from unipipe_tui.adapters.kubernetes.shares import Division, shares_of, why_another
from unipipe_tui.adapters.kubernetes.validation import nearest_schemas, validate
from unipipe_tui.adapters.targets.desired import InputColumn
from unipipe_tui.config import (
    KubernetesConfig,
    Port,
    ResourceConfig,
    TargetConfig,
    TargetKind,
    TelemetryConfig,
)
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.ports.targets import Package
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.serving import LogMode

LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
GATEWAY = "gateway.networking.k8s.io/v1"
SHADOWED = Traffic((variant("stable", 3), variant("shadow", 4, 0.0, mirrored=True)))
TRAFFICS = (
    stable(3),
    canary(4, 3, 10),
    Traffic((variant("blue", 3), variant("green", 4, 0.0))),
    SHADOWED,
    Traffic((variant("a", 3, 70), variant("b", 4, 30))),
    Traffic((variant("canary", 4, 10), variant("stable", 3, 90)), sticky="customer"),
)


def no_columns(package: Package) -> tuple[InputColumn, ...]:
    return (InputColumn("amount", "double"),)


def course(
    traffic: Traffic, config: KubernetesConfig | None = None, apis: Apis | None = None, by_variant: bool = False
) -> Course:
    settings = config or KubernetesConfig(namespace="team", replicas=3)
    known = apis or apis_of(30)
    shares = shares_of(traffic, settings.replicas, settings.gateway is not None and known.gateway is not None)
    target = TargetConfig(kind=TargetKind.KUBERNETES, kubernetes=settings)
    return Course(Names("fraud", "production"), target, wanted("r-1", traffic), shares, known, by_variant)


def documents(*args: Any, **options: Any) -> list[Document]:
    made = course(*args, **options)
    return planned_documents(made, made.config.kubernetes.replicas, no_columns)


def of_kind(all_of_them: list[Document], kind: str) -> list[Document]:
    return [one for one in all_of_them if one["kind"] == kind]


def deployment(all_of_them: list[Document], variant_name: str) -> Document:
    return next(
        one
        for one in of_kind(all_of_them, "Deployment")
        if one["metadata"]["labels"].get("unipipe.dev/variant") == variant_name
    )


def container(of: Document) -> Document:
    found: Document = of["spec"]["template"]["spec"]["containers"][0]
    return found


def test_a_deployment_tells_the_whole_bundle_to_whoever_looks() -> None:
    made = deployment(documents(canary(4, 3, 25)), "canary")
    annotations = made["metadata"]["annotations"]
    assert (
        annotations
        | {
            "unipipe.dev/release": "r-1",
            "unipipe.dev/model": "fraud",
            "unipipe.dev/commit": "c" * 40,
            "unipipe.dev/data": "d" * 32,
            "unipipe.dev/run": "run4",
            "unipipe.dev/image": IMAGE,
            "unipipe.dev/actor": "ada",
            "unipipe.dev/at": AT.isoformat(),
            "unipipe.dev/digest": variant("x", 4).digest,
        }
        == annotations
    )
    assert json.loads(annotations["unipipe.dev/weights"]) == {"canary": 25, "stable": 75}
    labels = made["metadata"]["labels"]
    assert (labels["app.kubernetes.io/name"], labels["app.kubernetes.io/managed-by"]) == ("fraud", "unipipe")
    assert (labels["unipipe.dev/target"], labels["unipipe.dev/version"]) == ("production", "4")


def test_a_pod_may_do_nothing_that_it_need_not() -> None:
    pod = deployment(documents(stable(3)), "stable")["spec"]["template"]["spec"]
    assert (
        pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    )
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"] if not mount.get("readOnly")}
    emptied = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
    assert writable == {"/var/lib/unipipe", "/tmp"} and emptied == {"log", "tmp"}


def test_an_update_takes_no_pod_away_before_another_one_is_ready() -> None:
    made = deployment(documents(stable(3)), "stable")
    assert made["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    one = container(made)
    assert one["readinessProbe"]["httpGet"]["path"] == one["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert one["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert "preStop" in one["lifecycle"]
    assert made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 5


def test_every_port_names_its_protocol() -> None:
    config = KubernetesConfig(node_port=30080, gateway="infra/web")
    for traffic in TRAFFICS:
        for made in documents(traffic, config, apis_of(30, GATEWAY)):
            ports = [*made.get("spec", {}).get("ports", [])] if made["kind"] == "Service" else []
            ports += container(made)["ports"] if made["kind"] == "Deployment" else []
            assert all(port["protocol"] == "TCP" for port in ports)


def test_resources_secret_and_log_mode_are_what_is_configured() -> None:
    settings = KubernetesConfig(
        resources=ResourceConfig("250m", "1Gi", "2", None), image_pull_secret="pull-me", service_port=Port(8000)
    )
    made = Course(
        Names("fraud", "production"),
        TargetConfig(kubernetes=settings, log=LogMode.STRICT),
        wanted("r-1", stable(3)),
        shares_of(stable(3), 2, False),
        apis_of(30),
    )
    all_of_them = planned_documents(made, 2, no_columns)
    one = container(deployment(all_of_them, "stable"))
    assert one["resources"] == {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "2"}}
    assert one["args"][-2:] == ["--log-mode", "strict"]
    pod = deployment(all_of_them, "stable")["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "pull-me"}]
    assert manifests.service(made)["spec"]["ports"][0]["port"] == 8000


def test_pods_are_told_of_a_collector_and_may_reach_it() -> None:
    told = TelemetryConfig("https://collector.observing:4318", "fraud", "collector-token")
    made = course(SHADOWED)
    made = replace(made, config=replace(made.config, telemetry=told))
    all_of_them = planned_documents(made, 3, no_columns)
    for one in of_kind(all_of_them, "Deployment"):
        assert container(one)["env"] == [
            {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "https://collector.observing:4318"},
            {"name": "OTEL_SERVICE_NAME", "value": "fraud"},
        ]
        assert container(one)["envFrom"] == [{"secretRef": {"name": "collector-token"}}]
    policy = next(one for one in of_kind(all_of_them, "NetworkPolicy") if "Ingress" in one["spec"]["policyTypes"])
    assert [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]] == [53, 53, 4318]
    assert validate(all_of_them, 30)
    policy = of_kind(documents(SHADOWED), "NetworkPolicy")[0]
    assert policy["spec"]["egress"] == []


def test_what_restarts_pods_does_not_change_from_step_to_step() -> None:
    first, later = documents(canary(4, 3, 25)), documents(stable(4))
    before, after = deployment(first, "canary"), deployment(later, "stable")
    assert before["metadata"]["name"] == after["metadata"]["name"]
    assert before["spec"]["template"] == after["spec"]["template"]
    assert before["spec"]["selector"] == after["spec"]["selector"]


def test_the_service_selects_who_answers_and_nobody_else() -> None:
    def selector(traffic: Traffic) -> dict[str, str]:
        found: dict[str, str] = manifests.service(course(traffic))["spec"]["selector"]
        return found

    both = selector(canary(4, 3, 25))
    assert "unipipe.dev/bundle" not in both and both["unipipe.dev/part"] == "model"
    blue, green = deployment(documents(TRAFFICS[2]), "blue"), deployment(documents(TRAFFICS[2]), "green")
    chosen = selector(TRAFFICS[2])
    assert chosen.items() <= blue["spec"]["template"]["metadata"]["labels"].items()
    assert not chosen.items() <= green["spec"]["template"]["metadata"]["labels"].items()
    assert selector(SHADOWED)["unipipe.dev/part"] == "router"


def test_a_router_knows_where_its_versions_are_and_starts_anew_when_that_changes() -> None:
    def router(traffic: Traffic) -> tuple[Document, dict[str, Any]]:
        made = manifests.router_documents(course(traffic), lambda name: f"ip-of-{name}", no_columns, 2)
        return of_kind(made, "Deployment")[0], json.loads(of_kind(made, "ConfigMap")[0]["data"]["desired.json"])

    one, desired = router(SHADOWED)
    assert [(v["name"], v["mirrored"]) for v in desired["variants"]] == [("stable", False), ("shadow", True)]
    name = deployment(documents(SHADOWED), "shadow")["metadata"]["name"]
    assert desired["variants"][1]["url"] == f"http://ip-of-{name}:8080"
    assert desired["variants"][1]["columns"] == [{"name": "amount", "type": "double", "required": True}]
    again, _ = router(SHADOWED)
    other, _ = router(Traffic(SHADOWED.variants, sticky="customer"))
    assert again["spec"]["template"] == one["spec"]["template"] != other["spec"]["template"]


def test_a_gateway_gets_the_weights_and_one_service_for_each_variant() -> None:
    config = KubernetesConfig(gateway="infra/web", replicas=3)
    made = documents(canary(4, 3, 12.5), config, apis_of(30, GATEWAY))
    route = of_kind(made, "HTTPRoute")[0]["spec"]
    assert route["parentRefs"] == [{"name": "web", "namespace": "infra"}]
    backends = route["rules"][-1]["backendRefs"]
    assert [backend["weight"] for backend in backends] == [1250, 8750]
    assert {backend["name"] for backend in backends} <= {one["metadata"]["name"] for one in of_kind(made, "Service")}


def test_without_the_gateway_api_numbers_of_pods_are_the_weights() -> None:
    config = KubernetesConfig(gateway="infra/web", replicas=3)
    made = documents(canary(4, 3, 10), config, apis_of(30))
    assert not of_kind(made, "HTTPRoute")
    assert deployment(made, "canary")["spec"]["replicas"] == 1
    assert deployment(made, "stable")["spec"]["replicas"] == 3


def test_kinds_come_in_the_versions_that_the_cluster_serves() -> None:
    config = KubernetesConfig(most_replicas=6)
    seen = {}
    for minor in (20, 21, 25, 30):
        made = documents(stable(3), config, apis_of(minor))
        seen[minor] = [
            of_kind(made, kind)[0]["apiVersion"] for kind in ("PodDisruptionBudget", "HorizontalPodAutoscaler")
        ]
    assert seen == {
        20: ["policy/v1beta1", "autoscaling/v2beta2"],
        21: ["policy/v1", "autoscaling/v2beta2"],
        25: ["policy/v1", "autoscaling/v2"],
        30: ["policy/v1", "autoscaling/v2"],
    }
    bare = Apis(30, frozenset({"v1", "apps/v1", "networking.k8s.io/v1", "autoscaling/v1"}))
    without = documents(stable(3), config, bare)
    assert not of_kind(without, "PodDisruptionBudget")
    assert of_kind(without, "HorizontalPodAutoscaler")[0]["spec"]["targetCPUUtilizationPercentage"] == 70


def test_an_autoscaler_does_not_change_numbers_that_are_weights() -> None:
    config = KubernetesConfig(most_replicas=6)
    assert of_kind(documents(stable(3), config), "HorizontalPodAutoscaler")
    assert not of_kind(documents(canary(4, 3, 50), config), "HorizontalPodAutoscaler")
    assert of_kind(documents(SHADOWED, config), "HorizontalPodAutoscaler")


def test_what_others_apply_is_named_by_variant_and_each_version_keeps_its_own_file() -> None:
    one, other = (manifests.all_documents(course(stable(v), by_variant=True), 3) for v in (3, 4))
    assert deployment(one, "stable")["metadata"]["name"] == deployment(other, "stable")["metadata"]["name"]
    files = [{made["metadata"]["name"] for made in of_kind(docs, "ConfigMap") if made["data"]} for docs in (one, other)]
    assert files[0].isdisjoint(files[1])


def test_a_canary_that_pods_cannot_give_says_so_and_what_they_can() -> None:
    traffic = canary(4, 3, 10)
    shares = shares_of(traffic, 3, has_gateway=False)
    assert [one.weight for one in shares.traffic.variants] == [25, 75]
    why = why_another(traffic, shares, 3)
    assert why.startswith("A canary of 10 % of 3 replicas is not possible; the nearest is 1 of 4 = 25 %.")
    exact = shares_of(traffic, 10, has_gateway=False)
    assert why_another(traffic, exact, 10) == ""


@pytest.mark.parametrize(
    ("traffic", "division"),
    list(zip(TRAFFICS, [Division.PODS] * 3 + [Division.ROUTER] * 3, strict=True)),
)
def test_what_must_be_told_apart_needs_a_router(traffic: Traffic, division: Division) -> None:
    assert shares_of(traffic, 3, has_gateway=False).division is division


def test_a_wrong_document_is_refused_with_its_place() -> None:
    made = documents(stable(3))
    deployment(made, "stable")["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    with pytest.raises(Failed, match=r"Deployment fraud-production-v3-.*imagePulPolicy"):
        validate(made, 20)


def test_schemas_are_those_nearest_to_the_cluster() -> None:
    assert nearest_schemas(30) == "1.30"
    assert nearest_schemas(1) == nearest_schemas(20)
    assert nearest_schemas(99) == nearest_schemas(98)


def test_documents_read_back_as_they_were_written() -> None:
    import yaml

    made = documents(SHADOWED)
    text = as_yaml(made)
    assert list(yaml.safe_load_all(text)) == made
    assert "desired.json: |" in text and "&id" not in text


@given(text=st.text(max_size=80))
def test_any_name_becomes_one_that_kubernetes_takes(text: str) -> None:
    for longest in (20, 40, 63):
        assert LABEL.fullmatch(dns_label(text, longest)) and len(dns_label(text, longest)) <= longest
    assert VALUE.fullmatch(label_value(text))


@given(one=st.text(max_size=50), other=st.text(max_size=50))
def test_two_targets_are_never_called_alike(one: str, other: str) -> None:
    if one != other:
        assert dns_label(one, 40) != dns_label(other, 40)
        assert label_value(one) != label_value(other) or not (one and other)


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", fullmatch=True)
amounts = st.sampled_from(["100m", "2", "512Mi", "1Gi"])


@settings(max_examples=60)
@given(data=st.data(), minor=st.sampled_from([20, 30]), traffic=st.sampled_from(TRAFFICS))
def test_whatever_is_configured_gives_documents_that_kubernetes_takes(data: Any, minor: int, traffic: Traffic) -> None:
    replicas = data.draw(st.integers(1, 20))
    config = KubernetesConfig(
        namespace=data.draw(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)),
        replicas=replicas,
        most_replicas=data.draw(st.none() | st.integers(replicas, 40)),
        service_port=Port(data.draw(st.integers(1, 65535))),
        node_port=data.draw(st.none() | st.integers(30000, 32767)),
        gateway=data.draw(st.sampled_from([None, "infra/web", "web"])),
        image_pull_secret=data.draw(st.sampled_from([None, "secret"])),
        resources=ResourceConfig(data.draw(amounts), data.draw(amounts), data.draw(st.none() | amounts), None),
        ready_within_seconds=data.draw(st.integers(1, 5000)),
    )
    apis = apis_of(minor, *((GATEWAY,) if data.draw(st.booleans()) else ()))
    known = Names(data.draw(st.text(min_size=1, max_size=70)), data.draw(names))
    shares = shares_of(traffic, replicas, config.gateway is not None and apis.gateway is not None)
    made = Course(known, TargetConfig(kubernetes=config), wanted("r-1", traffic), shares, apis)
    all_of_them = planned_documents(made, replicas, no_columns)
    assert validate(all_of_them, minor)
    called = [(one["kind"], one["metadata"]["name"]) for one in all_of_them]
    assert len(set(called)) == len(called)
    for one in all_of_them:
        assert LABEL.fullmatch(one["metadata"]["name"])
        assert all(VALUE.fullmatch(value) for value in one["metadata"]["labels"].values())
    if shares.division is not Division.ROUTER:
        static = Course(known, made.config, made.wanted, shares, apis, named_by_variant=True)
        assert validate(manifests.all_documents(static, replicas), minor)
