"""What kubectl and a cluster say, and what becomes of it: the kind of error, the reason of a wait, what answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.made_releases import canary, stable, variant, wanted
from unipipe_tui.adapters.kubernetes import manifests
from unipipe_tui.adapters.kubernetes.apis import apis_of
from unipipe_tui.adapters.kubernetes.documents import Course, Document
from unipipe_tui.adapters.kubernetes.kubectl import is_about_numbers_only, refusal
from unipipe_tui.adapters.kubernetes.measuring import measures_of, merged_feedback
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.reading import State, failure_of, live_target, read_state, waits_for
from unipipe_tui.adapters.kubernetes.shares import shares_of
from unipipe_tui.adapters.kubernetes.waiting import hint_of, is_complete, is_hopeless
from unipipe_tui.config import KubernetesConfig, TargetConfig
from unipipe_tui.domain.errors import Failed, Refused, ToolMissing, UnipipeError
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.serving import FeedbackTaken, ServerState

NAMES = Names("fraud", "production")
SAID: list[tuple[str, type[UnipipeError], str]] = [
    (
        "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host?",
        ToolMissing,
        "cluster-info",
    ),
    ("Unable to connect to the server: dial tcp: lookup nowhere: no such host", ToolMissing, "cluster-info"),
    ("The connection to the server localhost:8080 was refused", ToolMissing, "get-contexts"),
    ('error: context "nowhere" does not exist', ToolMissing, "kubernetes.context"),
    ('Error from server (Forbidden): deployments.apps is forbidden: User "u" cannot create', Failed, "auth can-i"),
    (
        'Error from server (Forbidden): pods "a" is forbidden: exceeded quota: q, used: 3',
        Failed,
        "kubernetes.resources",
    ),
    (
        "Error from server (Conflict): Operation cannot be fulfilled: the object has been modified",
        Refused,
        "plan again",
    ),
    ('Error from server (AlreadyExists): configmaps "r" already exists', Refused, "plan again"),
    (
        'error: Apply failed with 1 conflict: conflict with "helm" using apps/v1: .spec.replicas',
        Refused,
        "force-conflicts",
    ),
    ('Error from server (NotFound): namespaces "team" not found', Failed, "kubernetes.namespace"),
    ('The Deployment "x" is invalid: requests: must be less than or equal to cpu limit', Failed, "unipipe.yaml"),
    ("error: something else", Failed, "by hand"),
]


@pytest.mark.parametrize(("said", "kind", "hint"), SAID, ids=[said[-30:] for said, _, _ in SAID])
def test_what_kubectl_says_becomes_an_error_with_what_to_do(said: str, kind: type[UnipipeError], hint: str) -> None:
    noise = 'WARNING: version difference\nE1121 22:21:28.2 8268 memcache.go:265] "Unhandled Error" err="x"\n'
    error = refusal(("kubectl", "apply"), noise + said, "here")
    assert type(error) is kind and hint in error.hint
    assert "memcache" not in error.message and "version difference" not in error.message


def test_only_a_conflict_about_numbers_of_pods_is_taken_over() -> None:
    told = 'Apply failed with 1 conflict: conflict with "kube-controller-manager" using apps/v1: .spec.replicas'
    advice = "Please review the fields above--they currently have other managers. Here\nare the ways:\n* one\n* two"
    assert refusal((), f"x serverside-applied\nerror: {told}\n{advice}", "here").message.endswith(told)
    assert is_about_numbers_only(str(refusal((), told, "here").message))
    assert not is_about_numbers_only(told.replace(".spec.replicas", ".spec.template.spec.containers"))
    assert not is_about_numbers_only(f"{told} .spec.paused")


def waiting(reason: str, message: str = "", **more: Any) -> Document:
    return {"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}, **more}]}}


def test_a_pod_tells_in_the_clusters_words_what_it_waits_for() -> None:
    assert waits_for(waiting("ErrImagePull", "manifest unknown")) == "ErrImagePull: manifest unknown"
    assert waits_for(waiting("ContainerCreating")) == ""
    ended = {"lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    assert (
        waits_for(waiting("CrashLoopBackOff", "back-off 10s", **ended)) == "CrashLoopBackOff: OOMKilled: exit code 137"
    )
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    assert waits_for({"status": {"conditions": [unscheduled]}}) == "Unschedulable: 0/1 nodes"
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    assert failure_of({"status": {"conditions": [refused]}}) == "FailedCreate: exceeded quota"


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("CrashLoopBackOff: OOMKilled: exit code 137", "memory_limit"),
        ("ErrImagePull: denied", "image_pull_secret"),
        ("FailedCreate: pods is forbidden: exceeded quota", "quota"),
        ("Unschedulable: 0/1 nodes", "No node has room"),
        ("nothing that is known", ""),
    ],
)
def test_every_known_reason_has_a_remedy(reason: str, hint: str) -> None:
    assert hint in hint_of(reason) and bool(hint) == bool(hint_of(reason))


def test_waiting_ends_only_when_a_second_try_did_not_help() -> None:
    assert not is_hopeless(waiting("ErrImagePull"))
    assert is_hopeless(waiting("ImagePullBackOff")) and is_hopeless(waiting("CrashLoopBackOff"))
    assert is_hopeless({"status": {"containerStatuses": [{"state": {"running": {}}, "restartCount": 2}]}})


def test_a_deployment_is_complete_when_the_newest_form_of_it_is_ready_and_no_older_pod_is_left() -> None:
    status = {"observedGeneration": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "replicas": 2}
    made: Document = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}
    assert is_complete(made)
    for key, value in (("observedGeneration", 1), ("updatedReplicas", 1), ("readyReplicas", 1), ("replicas", 3)):
        assert not is_complete({**made, "status": {**status, key: value}})


def a_pod(name: str, labels: dict[str, str], ready: bool) -> Document:
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "uid": name, "labels": labels}
    return {"kind": "Pod", "metadata": metadata, "status": {"conditions": conditions}}


def state_of(traffic: Traffic, ready: dict[str, int]) -> State:
    """A cluster that has what was asked for, with so many pods of each variant ready."""
    config = TargetConfig(kubernetes=KubernetesConfig(replicas=3))
    shares = shares_of(traffic, 3, has_gateway=False)
    course = Course(NAMES, config, wanted("r-1", traffic), shares, apis_of(20))
    documents = [manifests.release_record(course, 3), manifests.service(course)]
    for one in course.variants:
        documents += manifests.version_documents(course, one, shares.replicas[one.name])
    pods = [
        a_pod(
            f"{made['metadata']['name']}-{number}", made["spec"]["template"]["metadata"]["labels"], number < ready[name]
        )
        for made in documents
        if made["kind"] == "Deployment" and (name := made["metadata"]["labels"]["unipipe.dev/variant"])
        for number in range(made["spec"]["replicas"])
    ]
    return read_state(NAMES, {"items": [*documents, *pods]}, None)


def test_the_weight_that_is_told_is_the_one_that_pods_really_give() -> None:
    traffic = canary(4, 3, 25)
    whole = live_target(state_of(traffic, {"canary": 1, "stable": 3}), "production", "url")
    assert whole.traffic == traffic and whole.state is ServerState.READY and not whole.remarks
    part = live_target(state_of(traffic, {"canary": 1, "stable": 1}), "production", "url")
    assert part.traffic is not None and [one.weight for one in part.traffic.variants] == [50, 50]
    assert part.remarks == ("stable (version 3): 1 of 3 pods are ready",)
    none = live_target(state_of(stable(3), {"stable": 0}), "production", "url")
    assert none.state is ServerState.STARTING and none.traffic == stable(3)


def test_what_is_ready_beside_gets_nothing() -> None:
    traffic = Traffic((variant("blue", 3), variant("green", 4, 0.0)))
    live = live_target(state_of(traffic, {"blue": 3, "green": 3}), "production", "url")
    assert live.traffic == traffic
    assert (live.release, live.actor, live.variants[1].commit) == ("r-1", "ada", "c" * 40)


def test_nothing_in_the_namespace_is_a_stopped_target() -> None:
    assert live_target(read_state(NAMES, {"items": []}, None), "production", "url").state is ServerState.STOPPED


def test_a_service_that_somebody_bent_is_said_to_select_nothing() -> None:
    state = state_of(stable(3), {"stable": 3})
    assert state.service is not None
    state.service["spec"]["selector"]["unipipe.dev/bundle"] = "another"
    live = live_target(state, "production", "url")
    assert live.traffic is None and live.state is ServerState.DIED and "selects no pods" in live.remarks[0]


def test_a_pod_keeps_its_counts_when_its_version_gets_another_name() -> None:
    state = state_of(stable(4), {"stable": 2})
    asked = []

    def text_of(pod: str) -> str:
        asked.append(pod)
        labels = 'model="fraud",version="4"'
        return "".join(
            f'unipipe_requests_total{{{labels},variant="{name}",status="200"}} {number}\n'
            for name, number in (("canary", 3), ("stable", 4))
        )

    found = measures_of(state, text_of)
    assert [(one.name, one.version, one.requests) for one in found] == [("stable", 4, 14)]
    assert len(asked) == 2


def test_a_label_is_unknown_only_when_no_pod_gave_the_prediction() -> None:
    taken = merged_feedback([FeedbackTaken(1, 0, ("b", "c"), ()), FeedbackTaken(1, 1, ("a", "c"), ("d",))])
    assert taken == FeedbackTaken(2, 1, ("c",), ("d",))
