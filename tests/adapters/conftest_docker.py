"""The real Docker engine for tests: images that are built once, and targets that leave nothing behind."""

from __future__ import annotations

import fcntl
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import free_port
from unipipe_tui.adapters.docker.engine import Engine
from unipipe_tui.adapters.docker.fleet import Door
from unipipe_tui.adapters.docker.images import Images
from unipipe_tui.adapters.docker.target import DockerTarget
from unipipe_tui.config import ImageConfig
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.ports.targets import Package
from unipipe_tui.domain.progress import Progress

IMAGE_NAME = "unipipe-tests/fraud"


def docker(*words: str) -> str:
    """Run a command, and answer with what it printed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def images_in(folder: Path, **config: str) -> Images:
    """Images on the engine of the tests."""
    base = os.environ["UNIPIPE_TEST_BASE_IMAGE"]
    told = ImageConfig(name=IMAGE_NAME, base=base, **config)  # type: ignore[arg-type]
    return Images(Engine(None, os.environ), told, folder, os.environ)


class OneBuildAtATime(DockerTarget):
    """A target whose builds wait for those of other test processes, which then find their layers made."""

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        with one_build():
            return super().package(folder, bundle, progress)


@contextmanager
def one_build() -> Iterator[None]:
    """Held by one test process at a time."""
    with Path(os.environ.get("TMPDIR", "/tmp"), "unipipe-tests-docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def docker_target(folder: Path, name: str = "local", project: str = "", port: int | None = None) -> DockerTarget:
    """A target of its own, to which nothing was released; `taken_away` ends it."""
    project = project or f"t{uuid.uuid4().hex[:8]}"
    door = Door("127.0.0.1", port or free_port())
    target = OneBuildAtATime(
        project,
        name,
        Engine(None, os.environ),
        images_in(folder / "images"),
        door,
        folder / "predictions" / name,
        rows_of,
        environment={},
    )
    (folder / "project").write_text(project)
    return target


def rows_of(path: Path) -> int:
    """How many rows a Parquet file has."""
    return int(pq.ParquetFile(path).metadata.num_rows)


def take_away(folder: Path) -> None:
    """Remove all that a target in this folder made on the engine."""
    of_project = f"label=unipipe.dev/project={(folder / 'project').read_text()}"
    if found := docker("ps", "--all", "--quiet", "--filter", of_project).split():
        docker("rm", "--force", "--volumes", *found)
    for kind in ("network", "volume"):
        if found := docker(kind, "ls", "--quiet", "--filter", of_project).split():
            docker(kind, "rm", *found)


@pytest.fixture(scope="session")
def no_images_left() -> Iterator[None]:
    """The images of these tests go, and the layers that the next tests find made stay."""
    yield
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={IMAGE_NAME}").split()
    for name in names:
        subprocess.run(["docker", "image", "rm", "--no-prune", name], capture_output=True, timeout=120)
