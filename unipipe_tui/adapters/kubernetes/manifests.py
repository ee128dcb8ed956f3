"""The documents that make a target answer as wanted: plain values in, plain documents out.

A Deployment is named by its bundle, since a version keeps its pods while it goes from `canary` to `stable`: then a release ends,
or goes back, by a change of the Service alone. Where nobody keeps an order of steps (documents that somebody else applies) it is
named by its variant, so that a new version comes as a rolling update of what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from unipipe_tui.adapters.docker.dockerfile import BUNDLE_FOLDER, PORT
from unipipe_tui.adapters.kubernetes import names as n
from unipipe_tui.adapters.kubernetes.documents import (
    Course,
    Document,
    labels_of,
    object_of,
    pods_of,
    release_annotations,
)
from unipipe_tui.adapters.kubernetes.pods import DESIRED_FILE, PORT_NAME, Pod, pod_template
from unipipe_tui.adapters.kubernetes.shares import Division
from unipipe_tui.adapters.targets.desired import Desired, InputColumn, Source, desired_text
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.rollouts.traffic import ALL, Variant

SURGE = "100%"
"""All new pods start at once, so that an update, and the way back, lasts as long as one start."""
CPU_PERCENT = 70
WEIGHT_UNITS = 100
"""A gateway's weights are whole numbers: hundredths of a percent."""


def release_record(course: Course, capacity: int) -> Document:
    """The ConfigMap that says what the target was given last, by whom, and when."""
    annotations = release_annotations(course.wanted) | {n.CAPACITY: str(capacity)}
    if course.wanted.traffic.sticky:
        annotations[n.STICKY] = course.wanted.traffic.sticky
    return object_of("v1", "ConfigMap", course, course.names.record, annotations=annotations, data={})


def shared(course: Course) -> list[Document]:
    """What all pods of the target have in common: whom they may talk to, and how many may be moved at once."""
    documents = [_network_policy(course)]
    if course.apis.disruption:
        spec = {"maxUnavailable": 1, "selector": {"matchLabels": pods_of(course.names)}}
        documents.append(object_of(course.apis.disruption, "PodDisruptionBudget", course, course.names.own, spec=spec))
    return documents


def version_documents(course: Course, variant: Variant, replicas: int | None) -> list[Document]:
    """A variant's Deployment and the desired file of its pods; None leaves the number of pods to an autoscaler."""
    documents = [_desired_of(course, variant), _deployment(course, variant, replicas)]
    if course.shares.division is not Division.PODS:
        documents.append(_own_service(course, variant))
    return documents


def router_documents(course: Course, host_of: Callable[[str], str], columns: Columns, replicas: int) -> list[Document]:
    """The process that routes; `host_of` says where the Service with a name listens, `columns` what a model takes."""
    traffic = course.wanted.traffic
    desired = _desired_text(
        course, [_upstream(course, one, host_of, columns) for one in traffic.variants], traffic.sticky
    )
    name = course.names.router
    annotations = release_annotations(course.wanted) | {n.DESIRED: hashlib.sha256(desired.encode()).hexdigest()}
    labels = pods_of(course.names, n.ROUTER_PART)
    image = course.package(traffic.main).image or ""
    pod = Pod(image=image, desired=name, log=course.config.log, telemetry=course.config.telemetry)
    spec = _deployment_spec(course, labels, annotations, pod, replicas)
    return [
        object_of("v1", "ConfigMap", course, name, part=n.ROUTER_PART, data={DESIRED_FILE: desired}),
        _router_network_policy(course),
        object_of("apps/v1", "Deployment", course, name, part=n.ROUTER_PART, annotations=annotations, spec=spec),
    ]


def service(course: Course) -> Document:
    """Where callers come: to one version, to all that answer, or to the router."""
    return object_of(
        "v1",
        "Service",
        course,
        course.names.own,
        annotations=release_annotations(course.wanted),
        spec=_service_spec(course),
    )


def route(course: Course) -> Document | None:
    """The HTTPRoute with the weights; None where no gateway is wanted or known."""
    gateway, api = course.config.kubernetes.gateway, course.apis.gateway
    if gateway is None or api is None:
        return None
    namespace, _, name = gateway.rpartition("/")
    parent = {"name": name} | ({"namespace": namespace} if namespace else {})
    rules = _rules(course) if course.shares.division is Division.GATEWAY else [{"backendRefs": [_backend(course)]}]
    spec = {"parentRefs": [parent], "rules": rules}
    return object_of(
        api, "HTTPRoute", course, course.names.own, annotations=release_annotations(course.wanted), spec=spec
    )


def autoscaler(course: Course) -> Document | None:
    """The HorizontalPodAutoscaler of what answers most; none while numbers of pods are the weights."""
    settings = course.config.kubernetes
    if settings.most_replicas is None or settings.most_replicas <= settings.replicas or course.apis.autoscaling is None:
        return None
    answering = [variant for variant in course.variants if variant.weight > 0 and not variant.mirrored]
    if course.shares.division is Division.PODS and len(answering) > 1:
        return None
    api = course.apis.autoscaling
    spec: Document = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": course.name(course.wanted.traffic.main),
        },
        "minReplicas": settings.replicas,
        "maxReplicas": settings.most_replicas,
    }
    if api == "autoscaling/v1":
        spec["targetCPUUtilizationPercentage"] = CPU_PERCENT
    else:
        target = {"type": "Utilization", "averageUtilization": CPU_PERCENT}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return object_of(api, "HorizontalPodAutoscaler", course, course.names.own, spec=spec)


def all_documents(course: Course, capacity: int) -> list[Document]:
    """Everything at once, for whoever applies it in an order of their own; nothing that needs a router."""
    scaled = autoscaler(course)
    documents = [release_record(course, capacity), *shared(course)]
    for variant in course.variants:
        is_scaled = scaled is not None and variant.name == course.wanted.traffic.main.name
        documents += version_documents(course, variant, None if is_scaled else course.shares.replicas[variant.name])
    return [*documents, service(course), *(one for one in (scaled, route(course)) if one is not None)]


_NAMES = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
"""How a pod asks where a name is."""
Columns = Callable[[Package], Sequence[InputColumn]]
"""What a packed model takes."""


def variant_annotations(wanted: Wanted, package: Package, variant: Variant) -> dict[str, str]:
    """The whole bundle of a variant, as a teammate reads it from the cluster."""
    bundle = package.bundle
    facts = {
        n.MODEL: variant.model,
        n.VERSION: str(variant.version),
        n.DIGEST: variant.digest,
        n.RUN: bundle.run_id,
        n.COMMIT: bundle.commit,
        n.DATA: bundle.data,
        n.IMAGE: package.image,
    }
    return release_annotations(wanted) | {key: value for key, value in facts.items() if value}


def _own_pods(course: Course, variant: Variant) -> dict[str, str]:
    """What selects the pods of one variant, and never changes while its Deployment lives."""
    if course.named_by_variant:
        return pods_of(course.names, n.MODEL_PART) | {n.VARIANT: n.label_value(variant.name)}
    return pods_of(course.names, n.MODEL_PART, n.bundle_label(variant.digest))


def _variant_labels(variant: Variant) -> dict[str, str]:
    return {
        n.VARIANT: n.label_value(variant.name),
        n.VERSION: str(variant.version),
        n.BUNDLE: n.bundle_label(variant.digest),
    }


def _deployment(course: Course, variant: Variant, replicas: int | None) -> Document:
    package = course.package(variant)
    name = course.name(variant)
    annotations = variant_annotations(course.wanted, package, variant)
    # What changes from step to step of one release must not restart its pods.
    lasting = {
        key: annotations[key] for key in (n.MODEL, n.DIGEST, n.RUN, n.COMMIT, n.DATA, n.IMAGE) if key in annotations
    }
    pod = Pod(
        image=package.image or "",
        desired=_desired(course, variant)[0],
        log=course.config.log,
        telemetry=course.config.telemetry,
    )
    labels = _own_pods(course, variant) | {n.VERSION: str(variant.version), n.BUNDLE: n.bundle_label(variant.digest)}
    spec = _deployment_spec(course, labels, lasting, pod, replicas, selector=_own_pods(course, variant))
    return object_of(
        "apps/v1",
        "Deployment",
        course,
        name,
        part=n.MODEL_PART,
        labels=_variant_labels(variant),
        annotations=annotations,
        spec=spec,
    )


def _deployment_spec(
    course: Course,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    pod: Pod,
    replicas: int | None,
    selector: Mapping[str, str] | None = None,
) -> Document:
    settings = course.config.kubernetes
    spec: Document = {
        "revisionHistoryLimit": 2,
        "progressDeadlineSeconds": max(settings.ready_within_seconds, 1),
        "selector": {"matchLabels": dict(selector or labels)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": SURGE}},
        "template": pod_template(pod, settings, {**labels_of(course.names), **labels}, annotations),
    }
    return spec if replicas is None else {"replicas": replicas, **spec}


def _desired_of(course: Course, variant: Variant) -> Document:
    """The pods of one variant know nothing of the others: each answers all that comes to it."""
    name, text = _desired(course, variant)
    return object_of(
        "v1",
        "ConfigMap",
        course,
        name,
        part=n.MODEL_PART,
        labels=_variant_labels(variant),
        data={DESIRED_FILE: text},
    )


def _desired(course: Course, variant: Variant) -> tuple[str, str]:
    """The name of a variant's desired file, and its content."""
    alone = replace(variant, weight=ALL, mirrored=False)
    source = Source(alone, folder=Path(BUNDLE_FOLDER), bundle=course.package(variant).bundle)
    text = _desired_text(course, [source], sticky=None)
    if not course.named_by_variant:
        return course.name(variant), text
    # Pods of two versions run side by side under this name: each keeps the file that it was started with.
    return f"{course.name(variant)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}", text


def _desired_text(course: Course, sources: Sequence[Source], sticky: str | None) -> str:
    wanted = course.wanted
    desired = Desired(
        order="",
        sources=tuple(sources),
        target=course.names.target,
        sticky=sticky,
    )
    if not course.named_by_variant:
        # There the file would be another one with every release, and pods of what has not changed would start anew.
        at = wanted.at.astimezone(UTC).isoformat()
        desired = replace(desired, release=wanted.release, actor=wanted.actor, at=at)
    # The same wish has the same name, so that asking twice changes nothing.
    return desired_text(replace(desired, order=hashlib.sha256(desired_text(desired).encode()).hexdigest()[:16]))


def _upstream(course: Course, variant: Variant, host_of: Callable[[str], str], columns: Columns) -> Source:
    package = course.package(variant)
    url = f"http://{host_of(course.name(variant))}:{PORT}"
    return Source(variant, url=url, bundle=package.bundle, columns=tuple(columns(package)))


def _service_spec(course: Course) -> Document:
    settings = course.config.kubernetes
    port: Document = {"name": PORT_NAME, "port": settings.service_port, "targetPort": PORT_NAME, "protocol": "TCP"}
    if settings.node_port is not None:
        port["nodePort"] = settings.node_port
    kind = "ClusterIP" if settings.node_port is None else "NodePort"
    return {"type": kind, "selector": serving_pods(course), "ports": [port]}


def serving_pods(course: Course) -> dict[str, str]:
    """What selects the pods that callers come to."""
    if course.shares.division is Division.ROUTER:
        return pods_of(course.names, n.ROUTER_PART)
    answering = [variant for variant in course.variants if variant.weight > 0 and not variant.mirrored]
    if course.shares.division is Division.PODS and len(answering) > 1:
        return pods_of(course.names, n.MODEL_PART)
    if course.named_by_variant:
        return _own_pods(course, course.wanted.traffic.main)
    return pods_of(course.names, n.MODEL_PART, n.bundle_label(course.wanted.traffic.main.digest))


def _own_service(course: Course, variant: Variant) -> Document:
    port = {"name": PORT_NAME, "port": PORT, "targetPort": PORT_NAME, "protocol": "TCP"}
    spec = {"type": "ClusterIP", "selector": _own_pods(course, variant), "ports": [port]}
    return object_of(
        "v1", "Service", course, course.name(variant), part=n.MODEL_PART, labels=_variant_labels(variant), spec=spec
    )


def _rules(course: Course) -> list[Document]:
    def backend(variant: Variant, weight: float) -> Document:
        return {"name": course.name(variant), "port": PORT, "weight": round(weight * WEIGHT_UNITS)}

    chosen = [
        {
            "matches": [{"headers": [{"name": "Unipipe-Variant", "value": variant.name}]}],
            "backendRefs": [backend(variant, 1.0)],
        }
        for variant in course.variants
    ]
    return [*chosen, {"backendRefs": [backend(variant, variant.weight) for variant in course.variants]}]


def _backend(course: Course) -> Document:
    return {"name": course.names.own, "port": course.config.kubernetes.service_port, "weight": 1}


def _network_policy(course: Course) -> Document:
    """Anybody may ask a pod for predictions, and a pod asks nobody for anything; of a collector it knows the port."""
    collector: list[Document] = []
    if course.config.telemetry is not None:
        collector = [{"ports": _NAMES}, {"ports": [{"port": course.config.telemetry.port, "protocol": "TCP"}]}]
    spec = {
        "podSelector": {"matchLabels": pods_of(course.names)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": PORT, "protocol": "TCP"}]}],
        "egress": collector,
    }
    return object_of("networking.k8s.io/v1", "NetworkPolicy", course, course.names.own, spec=spec)


def _router_network_policy(course: Course) -> Document:
    models = {"podSelector": {"matchLabels": pods_of(course.names, n.MODEL_PART)}}
    spec = {
        "podSelector": {"matchLabels": pods_of(course.names, n.ROUTER_PART)},
        "policyTypes": ["Egress"],
        "egress": [{"to": [models], "ports": [{"port": PORT, "protocol": "TCP"}]}, {"ports": _NAMES}],
    }
    return object_of(
        "networking.k8s.io/v1", "NetworkPolicy", course, course.names.router, part=n.ROUTER_PART, spec=spec
    )
