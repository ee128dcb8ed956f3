"""A real cluster for tests: a namespace for each module, and a small server in the place of ours."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from unipipe_tui.adapters.kubernetes.target import KubernetesTarget
from unipipe_tui.config import KubernetesConfig, ResourceConfig, TargetConfig, TargetKind
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.plans import Effect, run
from unipipe_tui.domain.progress import Progress

SMALL_SERVER = Path(__file__).with_name("small_server")
IMAGE_NAME = "unipipe-tests/small-server"


def kubectl(*words: str) -> str:
    """Run a command, and answer with what it printed."""
    done = subprocess.run(["kubectl", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def small_image() -> str:
    """The small server's image, built by the cluster's own engine."""
    base = os.environ.get("UNIPIPE_TEST_BASE_IMAGE", "python:3.11-slim")
    with Path(os.environ.get("TMPDIR", "/tmp"), "unipipe-tests-docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        words = ["docker", "build", "--quiet", "--build-arg", f"BASE={base}", "--tag", IMAGE_NAME, str(SMALL_SERVER)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def free_node_port() -> int:
    """A port of the node that no Service of the cluster has, and nothing else listens on."""
    for port in range(30500, 32767):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                taken = kubectl("get", "services", "--all-namespaces", "--output", "yaml")
                if f"nodePort: {port}" not in taken:
                    return port
    raise AssertionError("no port is free")


@contextmanager
def own_namespace() -> Iterator[str]:
    """A namespace that is deleted with all that is in it."""
    name = f"unipipe-tests-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


class BuiltImages:
    """Images that were built before."""

    def __init__(self, image: str) -> None:
        self._image = image

    def effects(self, bundle: Bundle) -> tuple[Effect, ...]:
        return (run("docker", "build"),)

    def released(self, folder: Path, bundle: Bundle, progress: Progress) -> str:
        return self._image


def rows_of(path: Path) -> int:
    """How many rows a Parquet file has."""
    rows: int = pq.ParquetFile(path).metadata.num_rows
    return rows


TargetMaker = Callable[..., KubernetesTarget]


def target_maker(namespace: str, folder: Path, image: str) -> TargetMaker:
    """Makes targets that are all the same one in the cluster, each configured a little otherwise."""

    def made(**settings: object) -> KubernetesTarget:
        told = {
            "namespace": namespace,
            "replicas": 1,
            "resources": ResourceConfig(cpu="150m", memory="32Mi", memory_limit="128Mi"),
            "ready_within_seconds": 60,
            **settings,
        }
        config = TargetConfig(kind=TargetKind.KUBERNETES, kubernetes=KubernetesConfig(**told))  # type: ignore[arg-type]
        images = BuiltImages(image)
        return KubernetesTarget("production", "fraud", config, folder / "documents", folder / "log", images, rows_of)

    return made
