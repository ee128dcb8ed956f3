"""What a target is, read from the labels, annotations and states of its objects: the cluster keeps the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from unipipe_tui.adapters.kubernetes import names as n
from unipipe_tui.adapters.kubernetes.documents import Document
from unipipe_tui.adapters.kubernetes.kubectl import items
from unipipe_tui.adapters.kubernetes.manifests import WEIGHT_UNITS
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.pods import DESIRED_FILE
from unipipe_tui.adapters.kubernetes.router_file import DesiredVariant, read_desired
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant
from unipipe_tui.domain.rollouts.traffic import ALL, Variant
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen

KINDS = "deployments,services,configmaps,pods"


@frozen
class Standing:
    """One Deployment of a model, as it is."""

    name: str
    variant: str
    model: str
    version: int
    digest: str
    bundle: str
    labels: Mapping[str, str]
    """Of its pods."""
    wanted: int
    """Pods that it shall have."""
    ready: int
    pods: tuple[Document, ...]
    annotations: Mapping[str, str]
    said: str
    """What keeps it from being ready."""


@frozen
class State:
    """All of a target's objects, taken apart."""

    names: Names
    standing: tuple[Standing, ...]
    service: Document | None
    route: Document | None
    record: Document | None
    router: Document | None
    router_pods: tuple[Document, ...]
    router_file: tuple[DesiredVariant, ...]
    services: Mapping[str, Document]

    @property
    def release(self) -> str | None:
        """The release that it was given last."""
        return _annotations(self.record).get(n.RELEASE) if self.record else None

    @property
    def selector(self) -> Mapping[str, str]:
        """What the Service selects."""
        chosen: Mapping[str, str] = (self.service or {}).get("spec", {}).get("selector") or {}
        return chosen

    @property
    def routed(self) -> bool:
        """Whether callers come to the router."""
        return self.selector.get(n.PART) == n.ROUTER_PART

    @property
    def capacity(self) -> int | None:
        """How many pods carried the requests before they were divided."""
        told = _annotations(self.record).get(n.CAPACITY, "") if self.record else ""
        return int(told) if told.isdigit() else None

    def answers(self, one: Standing) -> bool:
        """Whether requests may come to a Deployment's pods."""
        if self.routed:
            return any(variant.digest == one.digest for variant in self.router_file)
        if (weights := _route_weights(self.route)) is not None and one.name in weights:
            return True
        return self.selects(one)

    def selects(self, one: Standing) -> bool:
        """Whether the Service selects a Deployment's pods."""
        return self.service is not None and not self.routed and self.selector.items() <= one.labels.items()

    @property
    def serving_pods(self) -> tuple[Document, ...]:
        """The pods that requests of callers come to: what they counted and logged is what there is."""
        if self.routed:
            return self.router_pods
        return tuple(pod for one in self.standing for pod in one.pods)


def read_state(names: Names, answer: Document, route: Document | None) -> State:
    """Take apart what `kubectl get` of all kinds has answered."""
    pods = [pod for pod in items(answer, "Pod") if not pod["metadata"].get("deletionTimestamp")]
    deployments = items(answer, "Deployment")
    services = {one["metadata"]["name"]: one for one in items(answer, "Service")}
    maps = {one["metadata"]["name"]: one for one in items(answer, "ConfigMap")}
    router_map = maps.get(names.router)
    return State(
        names=names,
        standing=tuple(
            _standing(one, pods) for one in deployments if _labels(one).get(n.PART) == n.MODEL_PART and _is_whole(one)
        ),
        service=services.get(names.own),
        route=route,
        record=maps.get(names.record),
        router=next((one for one in deployments if _labels(one).get(n.PART) == n.ROUTER_PART), None),
        router_pods=tuple(pod for pod in pods if _labels(pod).get(n.PART) == n.ROUTER_PART),
        router_file=read_desired((router_map or {}).get("data", {}).get(DESIRED_FILE, "")),
        services=services,
    )


def live_target(state: State, target: str, url: str) -> LiveTarget:
    """What the target answers with."""
    shown = [one for one in state.standing if state.answers(one) or one.wanted] if state.service else []
    if state.record is None or not shown:
        return LiveTarget(target, ServerState.STOPPED, url, release=state.release)
    weights = _weights(state, shown)
    if not any(weights.values()):
        lost = f"The Service {state.names.own} selects no pods of any version that there is."
        return LiveTarget(target, ServerState.DIED, url, release=state.release, remarks=(lost,))
    variants = tuple(_live_variant(state, one, weights) for one in _in_order(state, shown))
    router_ready = not state.routed or any(is_ready(pod) for pod in state.router_pods)
    answering = [one for one in variants if one.variant.weight > 0 and not one.variant.mirrored]
    ready = router_ready and all(one.ready_replicas for one in answering)
    annotations = _annotations(state.record)
    return LiveTarget(
        target=target,
        state=ServerState.READY if ready else ServerState.STARTING,
        url=url,
        variants=variants,
        release=state.release,
        actor=annotations.get(n.ACTOR),
        since=_time(annotations.get(n.AT)),
        sticky=annotations.get(n.STICKY) if state.routed else None,
        remarks=tuple(_remarks(state, shown)),
    )


def is_ready(pod: Document) -> bool:
    """Whether requests may come to a pod."""
    conditions = pod.get("status", {}).get("conditions") or []
    going = bool(pod["metadata"].get("deletionTimestamp"))
    return not going and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _standing(deployment: Document, pods: Sequence[Document]) -> Standing:
    selector = deployment["spec"]["selector"]["matchLabels"]
    own = tuple(pod for pod in pods if selector.items() <= _labels(pod).items())
    annotations, labels = _annotations(deployment), _labels(deployment)
    waiting = [said for pod in own if (said := waits_for(pod))]
    return Standing(
        name=deployment["metadata"]["name"],
        variant=labels.get(n.VARIANT, ""),
        model=annotations[n.MODEL],
        version=int(annotations[n.VERSION]),
        digest=annotations[n.DIGEST],
        bundle=labels.get(n.BUNDLE, ""),
        labels=deployment["spec"]["template"]["metadata"].get("labels") or {},
        wanted=int(deployment["spec"].get("replicas", 1)),
        ready=sum(is_ready(pod) for pod in own),
        pods=own,
        annotations=annotations,
        said=waiting[0] if waiting else failure_of(deployment),
    )


def failure_of(deployment: Document) -> str:
    """Why a Deployment cannot make its pods: a quota, a limit, a policy; in the cluster's words."""
    conditions = deployment.get("status", {}).get("conditions") or []
    found = (one for one in conditions if one["type"] == "ReplicaFailure" and one["status"] == "True")
    return next((f"{one.get('reason', 'FailedCreate')}: {one.get('message', '')}" for one in found), "")


def waits_for(pod: Document) -> str:
    """What keeps a pod from running, in the cluster's words; empty when nothing does."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or []:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            message = _how_it_ended(container) or waiting.get("message", "")
            return ": ".join(part for part in (waiting["reason"], message) if part)
        ended = container.get("state", {}).get("terminated")
        if ended:
            return _told_end(ended)
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}"
    return ""


def _how_it_ended(container: Mapping[str, Any]) -> str:
    """Of a container that is started again and again: why the last one ended, which the cluster tells elsewhere."""
    ended = container.get("lastState", {}).get("terminated")
    return _told_end(ended) if ended else ""


def _told_end(ended: Mapping[str, Any]) -> str:
    return f"{ended.get('reason', 'Terminated')}: exit code {ended.get('exitCode')}"


def _weights(state: State, shown: Sequence[Standing]) -> dict[str, float]:
    """The share that each Deployment really gets, in percent."""
    if state.routed:
        by_digest = {variant.digest: variant.weight for variant in state.router_file if not variant.mirrored}
        return _whole({one.name: by_digest.get(one.digest, 0.0) for one in shown})
    routed = _route_weights(state.route)
    if routed is not None and any(one.name in routed for one in shown):
        return _whole({one.name: float(routed.get(one.name, 0)) for one in shown})
    selected = [one for one in shown if state.selects(one)]
    # While nothing is ready yet, what was asked for says how it will be divided.
    counted = {one.name: one.ready for one in selected}
    if not sum(counted.values()):
        counted = {one.name: one.wanted for one in selected}
    return _whole({one.name: float(counted.get(one.name, 0)) for one in shown})


def _whole(weights: Mapping[str, float]) -> dict[str, float]:
    """The same shares in percent: what somebody took away by hand leaves the rest with all."""
    total = sum(weights.values()) or 1
    return {name: ALL * weight / total for name, weight in weights.items()}


def _route_weights(route: Document | None) -> dict[str, int] | None:
    rules = (route or {}).get("spec", {}).get("rules") or []
    backends = rules[-1].get("backendRefs") or [] if rules else []
    weights = {one["name"]: int(one.get("weight", 1)) for one in backends}
    return weights if sum(weights.values()) >= WEIGHT_UNITS else None


def _live_variant(state: State, one: Standing, weights: Mapping[str, float]) -> LiveVariant:
    known = (
        next((variant for variant in state.router_file if variant.digest == one.digest), None) if state.routed else None
    )
    return LiveVariant(
        variant=Variant(
            name=known.name if known else one.variant,
            model=one.model,
            version=one.version,
            digest=one.digest,
            weight=weights[one.name],
            mirrored=known.mirrored if known else False,
        ),
        ready=0 < one.wanted <= one.ready,
        said=one.said,
        commit=one.annotations.get(n.COMMIT),
        data=one.annotations.get(n.DATA),
        image=one.annotations.get(n.IMAGE),
        replicas=one.wanted,
        ready_replicas=one.ready,
    )


def _in_order(state: State, shown: Sequence[Standing]) -> list[Standing]:
    """As the traffic that was asked for names them."""
    names = [variant.name for variant in state.router_file] if state.routed else []
    try:
        names = names or list(json.loads(_annotations(state.record).get(n.WEIGHTS, "[]")))
    except ValueError:
        names = []
    order = {name: place for place, name in enumerate(names)}
    return sorted(shown, key=lambda one: (order.get(one.variant, len(order)), one.version))


def _remarks(state: State, shown: Sequence[Standing]) -> list[str]:
    remarks = [
        f"{one.variant} (version {one.version}): {one.ready} of {one.wanted} pods are ready"
        for one in shown
        if one.ready < one.wanted
    ]
    remarks += [one.said for one in shown if one.said]
    return list(dict.fromkeys(remarks))


def _is_whole(deployment: Document) -> bool:
    """Whether it says which bundle it serves: others made by hand may bear our labels."""
    annotations = _annotations(deployment)
    return n.DIGEST in annotations and annotations.get(n.VERSION, "").isdigit() and n.MODEL in annotations


def _annotations(document: Mapping[str, Any] | None) -> dict[str, str]:
    return (document or {}).get("metadata", {}).get("annotations") or {}


def _labels(document: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = document["metadata"].get("labels") or {}
    return labels


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
