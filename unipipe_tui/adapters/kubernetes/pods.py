"""One pod: our server with its desired file and its log, its probes, its limits, and what it may not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unipipe_tui.adapters.docker.dockerfile import PORT, STATE_FOLDER, USER, server_arguments
from unipipe_tui.config.targets import KubernetesConfig, TelemetryConfig
from unipipe_tui.domain.serving import LogMode
from unipipe_tui.domain.values import frozen

PORT_NAME = "http"
CONTAINER = "server"
DESIRED_FOLDER = "/etc/unipipe"
DESIRED_FILE = "desired.json"
USER_ID = int(USER.partition(":")[0])
SCRAPED = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT), "prometheus.io/path": "/metrics"}
"""Tells a Prometheus of the cluster where the counts are."""
DRAIN_SECONDS = 8
"""How long a pod that goes still answers: until no node sends it requests any more, and its last rows were fetched."""
DRAIN = f"import time; time.sleep({DRAIN_SECONDS})"
"""Every image of ours has a Python; not every one has a shell."""
GRACE_SECONDS = 30
STARTUP_PERIOD_SECONDS = 1
READY_PERIOD_SECONDS = 1


@frozen
class Pod:
    """What one pod runs."""

    image: str
    desired: str
    """Name of the ConfigMap with its desired file."""
    log: LogMode
    telemetry: TelemetryConfig | None = None


def pod_template(
    pod: Pod, settings: KubernetesConfig, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """The template of a Deployment's pods."""
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(pod, settings)],
        "volumes": [
            {"name": "desired", "configMap": {"name": pod.desired}},
            {"name": "log", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    if settings.image_pull_secret:
        spec["imagePullSecrets"] = [{"name": settings.image_pull_secret}]
    return {"metadata": {"labels": dict(labels), "annotations": {**SCRAPED, **annotations}}, "spec": spec}


def _container(pod: Pod, settings: KubernetesConfig) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": pod.image,
        "imagePullPolicy": "IfNotPresent",
        # What the image starts is its own affair; only where its files are is ours.
        "args": [*server_arguments(f"{DESIRED_FOLDER}/{DESIRED_FILE}"), "--log-mode", pod.log.value],
        "ports": [{"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        **_surroundings(pod.telemetry),
        "startupProbe": _probe("/readyz", STARTUP_PERIOD_SECONDS, failures=max(settings.ready_within_seconds, 1)),
        "readinessProbe": _probe("/readyz", READY_PERIOD_SECONDS, failures=5),
        "livenessProbe": _probe("/healthz", 10, failures=3),
        "lifecycle": {"preStop": {"exec": {"command": ["python", "-c", DRAIN]}}},
        "resources": _resources(settings),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            # The folder and not the file: only so does a running pod see it change.
            {"name": "desired", "mountPath": DESIRED_FOLDER, "readOnly": True},
            {"name": "log", "mountPath": STATE_FOLDER},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }


def _surroundings(telemetry: TelemetryConfig | None) -> dict[str, Any]:
    """What it finds in its environment."""
    if telemetry is None:
        return {}
    told: dict[str, Any] = {"env": [{"name": name, "value": value} for name, value in telemetry.variables.items()]}
    if telemetry.secret:
        told["envFrom"] = [{"secretRef": {"name": telemetry.secret}}]
    return told


def _probe(path: str, period_seconds: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": PORT_NAME},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _resources(settings: KubernetesConfig) -> dict[str, Any]:
    wanted = settings.resources
    limits = {"cpu": wanted.cpu_limit, "memory": wanted.memory_limit}
    return {
        "requests": {"cpu": wanted.cpu, "memory": wanted.memory},
        "limits": {name: amount for name, amount in limits.items() if amount},
    }
