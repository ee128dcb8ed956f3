"""The demo's model on its way to traffic and back: the same sentences and command lines for every kind of target."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.conftest_docker import IMAGE_NAME, no_images_left, one_build, take_away  # noqa: F401
from tests.adapters.conftest_kubernetes import free_node_port, own_namespace
from tests.callers import Callers
from tests.conftest import Said, free_port, made_once, own_environment, unipipe

KINDS = [
    pytest.param("local", marks=pytest.mark.xdist_group("releases")),
    pytest.param("docker", marks=[pytest.mark.needs_docker, pytest.mark.xdist_group("docker")]),
    pytest.param(
        "kubernetes",
        marks=[pytest.mark.needs_docker, pytest.mark.needs_kubernetes, pytest.mark.xdist_group("kubernetes")],
    ),
]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ABORTED_WITHIN_SECONDS = 30
ANALYSED = 4
"""Exit code of a release that was taken back for what its comparison said."""

MORE_VERSIONS = Path(__file__).with_name("more_versions.py")
"""Registers version 2, as good as version 1, and version 3, which fails at every region that it was not trained on."""
PAYMENT: dict[str, Any] = {
    "amount": 23.23,
    "amount_vs_usual": 0.55,
    "hour": 10.0,
    "card_age_days": 705.0,
    "payments_last_hour": 0.0,
    "declined_last_day": 0.0,
    "distance_from_home_km": 439.5,
    "region": "dach",
    "merchant_category": "fuel",
    "channel": "store",
    "new_device": 0.0,
}
ELSEWHERE = {**PAYMENT, "region": "atlantis"}


@pytest.fixture(scope="session")
def three_versions(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained workspace with two more versions of its model."""

    def make(folder: Path) -> None:
        shutil.copytree(trained_template, folder, symlinks=True)
        subprocess.run(
            [sys.executable, MORE_VERSIONS], cwd=folder, env=own_environment(), check=True, capture_output=True
        )

    return made_once(tmp_path_factory, "three-versions", make)


@dataclass(frozen=True)
class Project:
    """A workspace with one target."""

    folder: Path
    target: str
    port: int

    def run(self, *words: str) -> Said:
        return unipipe(*words, "--yes", cwd=self.folder, timeout=600)

    def released(self, *words: str) -> Said:
        return self.run("release", "start", self.target, *words)

    @property
    def live(self) -> dict[str, Any]:
        said = unipipe("release", "status", self.target, "--json", cwd=self.folder)
        found: dict[str, Any] = said.json["targets"][0]["live"]
        return found

    @property
    def versions(self) -> set[int]:
        return {one["variant"]["version"] for one in self.live["variants"]}


@pytest.fixture(scope="module", params=KINDS)
def project(
    request: pytest.FixtureRequest, three_versions: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """The workspace with a target of each kind, which version 1 was released to."""
    kind = request.param
    folder = tmp_path_factory.mktemp("releases") / "workspace"
    shutil.copytree(three_versions, folder, symlinks=True)
    with ExitStack() as until_the_end:
        port = free_node_port() if kind == "kubernetes" else free_port()
        settings = f"kind: {kind}, follows: null" if kind == "local" else f"kind: {kind}, image: {image()}"
        if kind == "kubernetes":
            namespace = until_the_end.enter_context(own_namespace())
            settings += f", kubernetes: {{namespace: {namespace}, replicas: 1, node_port: {port}}}"
        else:
            settings += f", port: {port}"
        if kind != "local":
            request.getfixturevalue("no_images_left")
        name = f"t{uuid.uuid4().hex[:8]}"
        (folder / "project").write_text(name)
        config = (folder / "unipipe.yaml").read_text().replace("project: fraud-detection", f"project: {name}")
        targets = f"targets:\n  live: {{{settings}}}\n"
        (folder / "unipipe.yaml").write_text(config.partition("targets:")[0] + targets)
        made = Project(folder, "live", port)
        with one_build() if kind != "local" else ExitStack():
            first = made.released("--version", "1")
        yield _begun(made, first)
        made.run("serve", "stop", made.target)
        if kind == "docker":
            take_away(folder)


def image() -> str:
    """What images are called and made on."""
    return f"{{name: {IMAGE_NAME}, base: {os.environ['UNIPIPE_TEST_BASE_IMAGE']}}}"


def _begun(made: Project, first: Said) -> Project:
    assert first.exit_code == 0, first.stderr[-3000:]
    assert made.versions == {1}
    return made


def test_a_canary_under_traffic_is_advanced_and_taken_back_and_nobody_notices(project: Project) -> None:
    with Callers(project.port, PAYMENT, ELSEWHERE) as callers:
        begun = project.released("--version", "2", "--strategy", "canary", "--steps", "50", "--by-hand")
        assert begun.exit_code == 0, begun.stderr[-3000:]
        assert project.versions == {1, 2}
        callers.wait_for([1, 2])
        assert set(callers.versions) == {1, 2}
        advanced = project.run("release", "advance", project.target)
        assert advanced.exit_code == 0, advanced.stderr[-3000:]
        assert project.versions == {2}
        back = project.run("rollback", project.target)
        assert back.exit_code == 0, back.stderr[-3000:]
    assert project.versions == {1}
    assert callers.failed == []


def test_a_candidate_that_fails_at_every_fifth_request_is_gone_in_half_a_minute(project: Project) -> None:
    with Callers(project.port, ELSEWHERE, PAYMENT, PAYMENT, PAYMENT, PAYMENT) as callers:
        tried = project.released("--version", "3", "--strategy", "canary", "--steps", "50", "--pause", "120")
        failed = len(callers.failed)
        callers.versions.clear()
        callers.wait_for([1])
    assert tried.exit_code == ANALYSED, tried.stderr[-3000:]
    assert "error" in tried.stderr
    assert 0 < callers.failed_at[-1] - callers.failed_at[0] < ABORTED_WITHIN_SECONDS
    assert len(callers.failed) == failed
    assert set(callers.versions) == {1}
    assert project.versions == {1}
