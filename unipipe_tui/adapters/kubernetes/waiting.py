"""Waits until pods are ready, telling how many are and what the others wait for; gives up when waiting cannot help."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from unipipe_tui.adapters.kubernetes.documents import Document
from unipipe_tui.adapters.kubernetes.kubectl import Kubectl, items
from unipipe_tui.adapters.kubernetes.pods import CONTAINER
from unipipe_tui.adapters.kubernetes.reading import failure_of, is_ready, waits_for
from unipipe_tui.domain.errors import Failed, Stopped, UnipipeError
from unipipe_tui.domain.events import Advanced, Noted
from unipipe_tui.domain.progress import Progress

LOOK_EVERY_SECONDS = 0.5
NO_LOG = "unable to retrieve container logs"
HOPELESS = (
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
)
"""What the cluster goes on trying, but what a second try has not helped already."""
REFUSED_AFTER_SECONDS = 5.0
"""How long pods may be refused (by a quota, say) before that counts: others may be on their way out."""
TELLING = ("Failed", "FailedScheduling", "Unhealthy", "FailedMount", "FailedAttachVolume", "FailedCreate", "Evicted")
"""Reasons of events that say why a pod is not ready."""
LOG_LINES = 12
LAST_LINES = 6
HINTS = (
    (
        ("ErrImagePull", "ImagePullBackOff"),
        "Does the registry have the image, and may the cluster pull it? "
        "Name `image.registry` and, where it wants a login, `kubernetes.image_pull_secret`.",
    ),
    (
        ("InvalidImageName", "ErrImageNeverPull"),
        "Name a registry that the cluster's nodes can reach: `image.registry`.",
    ),
    (("exceeded quota",), "Ask for less (`kubernetes.resources`, `replicas`), or free some of the namespace's quota."),
    (("forbidden", "Forbidden"), "A rule of the cluster forbids such pods; its words say which one."),
    (("OOMKilled",), "The model needs more memory: `kubernetes.resources.memory_limit`."),
    (("Unschedulable", "FailedScheduling"), "No node has room: ask for less (`kubernetes.resources`), or add a node."),
    (("CrashLoopBackOff", "Error"), "The server ends by itself; its last lines say why."),
    (("CreateContainerConfigError",), "Something that the pod names is not there: a ConfigMap, a Secret, a user."),
    (("probe failed",), "The server runs but is not ready; its log says what it waits for."),
)


def wait_until_ready(
    kubectl: Kubectl,
    selector: str,
    deployments: Sequence[str],
    seconds: float,
    progress: Progress,
) -> None:
    """Wait until every pod of these Deployments is ready, in the form that was asked for last.

    Raises:
        Failed: they will not be; why, in the cluster's words, and what to do.
        Stopped: somebody asked for the end.
    """
    begun, refused_since, told = monotonic(), None, ""
    shown = (-1, -1)
    while True:
        answer = kubectl.get("deployments,replicasets,pods", "--selector", selector)
        found = [one for one in items(answer, "Deployment") if one["metadata"]["name"] in deployments]
        pods = [pod for one in found for pod in newest_pods(one, answer)]
        wanted, ready = _wanted(found), sum(is_ready(pod) for pod in pods)
        if (ready, wanted) != shown:
            progress.emit(Advanced(ready, wanted, "pods ready"))
            shown = (ready, wanted)
        if len(found) == len(deployments) and all(is_complete(one) for one in found):
            return
        reason = reason_of(found, pods)
        if reason and reason != told:
            progress.emit(Noted(reason))
            told = reason
        refused_since = (refused_since or monotonic()) if any(failure_of(one) for one in found) else None
        is_refused = refused_since is not None and monotonic() - refused_since > REFUSED_AFTER_SECONDS
        if is_refused or any(is_hopeless(pod) for pod in pods) or monotonic() - begun > seconds:
            raise _failure(kubectl, found, pods, (ready, wanted), monotonic() - begun)
        if progress.stopped():
            raise Stopped("Stopped while pods were starting; what answered before still does.")
        sleep(LOOK_EVERY_SECONDS)


def is_complete(deployment: Document) -> bool:
    """Whether the Deployment is what was asked for last, with every pod ready and no older one left."""
    status, spec = deployment.get("status", {}), deployment["spec"]
    wanted = spec.get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("readyReplicas", 0) >= wanted
        and status.get("availableReplicas", 0) >= wanted
        and status.get("replicas", 0) <= wanted
    )


def newest_pods(deployment: Document, answer: Document) -> list[Document]:
    """The pods of a Deployment's newest template."""
    sets = [one for one in items(answer, "ReplicaSet") if _is_owned(one, deployment)]
    if not sets:
        return []
    newest = max(sets, key=lambda one: int(_revision(one)))
    return [
        pod for pod in items(answer, "Pod") if _is_owned(pod, newest) and not pod["metadata"].get("deletionTimestamp")
    ]


def reason_of(deployments: Sequence[Document], pods: Sequence[Document]) -> str:
    """What is waited for, in the cluster's words; empty when that is only time."""
    said = [failure_of(one) for one in deployments] + [waits_for(pod) for pod in pods if not is_ready(pod)]
    return next((one for one in said if one), "")


def is_hopeless(pod: Document) -> bool:
    """Whether the pod was tried again already, and failed again."""
    for container in pod.get("status", {}).get("containerStatuses") or []:
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in HOPELESS or container.get("restartCount", 0) >= 2:
            return True
    return False


def hint_of(reason: str) -> str:
    """What to do about a reason."""
    return next((hint for words, hint in HINTS if any(word in reason for word in words)), "")


def _failure(
    kubectl: Kubectl,
    deployments: Sequence[Document],
    pods: Sequence[Document],
    counted: tuple[int, int],
    seconds: float,
) -> Failed:
    pod = next((one for one in pods if not is_ready(one)), None)
    reason = reason_of(deployments, pods)
    if pod is not None and not failure_of(deployments[0] if deployments else {}):
        reason = " ".join(part for part in (reason, _event_of(kubectl, pod)) if part)
    ready = f"{counted[0]} of {counted[1]} pods are ready after {seconds:.0f} s"
    words = f"It cannot be served: {ready}: {reason or 'nobody says why'}"
    log = _log_of(kubectl, pod) if pod is not None else ""
    name = pod["metadata"]["name"] if pod else ""
    look = (
        f"kubectl -n {kubectl.namespace} describe pod {name}" if name else f"kubectl -n {kubectl.namespace} get events"
    )
    hint = hint_of(f"{reason}{log}") or ("" if reason else "It may need longer: kubernetes.ready_within_seconds.")
    return Failed(f"{words}{log}", hint=" ".join(part for part in (hint, f"Look: {look}") if part))


def _event_of(kubectl: Kubectl, pod: Document) -> str:
    """The last warning about a pod: why it was not pulled, or what its probe got."""
    try:
        answer = kubectl.get(
            "events", "--field-selector", f"involvedObject.name={pod['metadata']['name']},type=Warning"
        )
    except UnipipeError:
        return ""
    events = sorted(answer.get("items", []), key=lambda one: one.get("lastTimestamp") or one.get("eventTime") or "")
    telling = [
        one for one in events if one.get("reason") in TELLING and not one.get("message", "").startswith("Error: ")
    ]
    return f"({telling[-1]['reason']}: {telling[-1].get('message', '').strip()})" if telling else ""


def _log_of(kubectl: Kubectl, pod: Document) -> str:
    """The last lines of the container, or of the one before it."""
    name = pod["metadata"]["name"]
    restarted = any(one.get("restartCount", 0) for one in pod.get("status", {}).get("containerStatuses") or [])
    for more in (("--previous",), ()) if restarted else ((),):
        try:
            said = kubectl.ask("logs", name, "--container", CONTAINER, f"--tail={LOG_LINES}", *more)
        except UnipipeError:
            continue
        # Of a container that was cleared away already kubectl says this, and calls it a success.
        if lines := [line for line in said.strip().splitlines() if not line.startswith(NO_LOG)]:
            return "\n" + "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
    return ""


def _wanted(deployments: Sequence[Document]) -> int:
    return sum(int(one["spec"].get("replicas", 1)) for one in deployments)


def _is_owned(one: Document, by: Document) -> bool:
    owners: list[Any] = one["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == by["metadata"]["uid"] for owner in owners)


def _revision(replica_set: Document) -> str:
    annotations = replica_set["metadata"].get("annotations") or {}
    return str(annotations.get("deployment.kubernetes.io/revision", "0"))
