"""How long a release and the way back take on each kind of target, and that nobody who asks meanwhile notices.

On Docker and Kubernetes only where the environment names an engine and a cluster that may be used for it, as for the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asking import Load, begin, meanwhile
from figures import Figure, said, seconds_of
from model_servers import free_port, sample_row

UNIPIPE = Path(sys.executable).with_name("unipipe")
MORE_VERSIONS = Path(__file__).parents[1] / "tests" / "journeys" / "more_versions.py"
"""Registers two more versions, of which the second fails at regions that it was not trained on."""
ROLLBACKS = 3
REQUESTS = 10_000
CONNECTIONS = 16
ABORTED = 4
"""Exit code of a release that was taken back for what its comparison said."""
ABORT_WITHIN_SECONDS = 30
UNTIL_SURE_SECONDS = 3
"""How long callers go on when it was taken back: none of them may fail any more."""


@dataclass(frozen=True)
class Project:
    """A workspace with one target, which version 1 was released to, then one as good as it."""

    folder: Path
    port: int
    failing: int
    """A version that fails at regions which it was not trained on."""

    def release(self, version: int, *words: str) -> None:
        """Release a version as a person would."""
        strategy = words or ("--strategy", "rolling")
        said([UNIPIPE, "release", "start", "live", "--version", str(version), *strategy, "--yes"], self.folder)

    def back(self) -> None:
        """To the release before."""
        said([UNIPIPE, "rollback", "live", "--yes"], self.folder)

    def load(self) -> Load:
        """Ten thousand payments over connections that are kept."""
        return Load(self.port, "/predict", _body(sample_row()), REQUESTS, CONNECTIONS)

    def load_of_some_that_fail(self) -> Load:
        """Every fifth fails with the failing version. Connections are closed: a cluster shares out connections, not requests."""
        fifth = _body({**sample_row(), "region": "atlantis"})
        return Load(self.port, "/predict", _body(sample_row()), 10 * REQUESTS, 4, "Connection: close\r\n", fifth)

    def from_confirmation(self) -> float:
        """Seconds of the last job, from its confirmation."""
        job = json.loads(said([UNIPIPE, "jobs", "list", "--limit", "1", "--json"], self.folder))["jobs"][0]
        return float(job["seconds"])

    def until_pods_were_ready(self) -> float | None:
        """Seconds in the last job from the first pod on its way to the last one that was ready."""
        newest = max((self.folder / ".unipipe" / "jobs").glob("*/events.jsonl"))
        events = [json.loads(line) for line in newest.read_text().splitlines()]
        at = [float(one["at"]) for one in events if one["event"] == "Advanced" and one.get("unit") == "pods ready"]
        return round(at[-1] - at[0], 2) if at else None


def on_local(workspace: Path) -> Figure:
    """On a process of this machine."""
    return _released(workspace, "local", 3)


def on_docker(workspace: Path) -> Figure:
    """On containers."""
    return _released(workspace, "docker", 10)


def on_kubernetes(workspace: Path) -> Figure:
    """On a cluster: the switch is a rolling update of all pods."""
    return _released(workspace, "kubernetes", 20)


def lacks(kind: str) -> str | None:
    """The variable that would have to be set."""
    wanted = {
        "docker": ("DOCKER_HOST", "UNIPIPE_TEST_BASE_IMAGE"),
        "kubernetes": ("KUBECONFIG", "UNIPIPE_TEST_CLUSTER"),
    }
    needed = [*wanted.get(kind, ()), *(wanted["docker"] if kind == "kubernetes" else ())]
    return next((name for name in needed if not os.environ.get(name)), None)


def _released(workspace: Path, kind: str, seconds: int) -> Figure:
    """Switches and a rollback under load, rollbacks alone, and a candidate that fails at every fifth request."""
    wanted = f"<= {seconds} s, aborted <= {ABORT_WITHIN_SECONDS} s, 0 failed"
    figure = f"a rollback of {kind}"
    if lacking := lacks(kind):
        return Figure(figure, f"not measured: {lacking} is not set", 0)
    with _project(workspace, kind) as project:
        switches: list[float] = []
        pods: list[float | None] = []

        def there_and_back() -> None:
            switches.append(seconds_of(lambda: project.release(1)))
            pods.append(project.until_pods_were_ready())
            switches.append(seconds_of(project.back))

        answers = meanwhile(project.load(), there_and_back)
        whole: list[float] = []
        confirmed: list[float] = []
        for _ in range(ROLLBACKS):
            project.release(1)
            pods.append(project.until_pods_were_ready())
            whole.append(seconds_of(project.back))
            confirmed.append(project.from_confirmation())
        aborted = _aborted(project)
    counted: dict[str, float | int] = {
        "from_confirm_seconds": round(statistics.median(confirmed), 2),
        "under_load_seconds": round(switches[-1], 2),
        "requests": len(answers.each),
        "failed": answers.failed,
        "aborted_after_seconds": round(aborted, 2),
    }
    if known := [one for one in pods if one is not None]:
        counted |= {"pods_ready_seconds": statistics.median(known)}
    return Figure(figure, wanted, ROLLBACKS, statistics.median(whole), counted=counted)


def _aborted(project: Project) -> float:
    """Seconds that callers see failures of a canary which fails at every fifth request."""
    asking = begin(project.load_of_some_that_fail())
    words = ["--version", str(project.failing), "--strategy", "canary", "--steps", "50", "--pause", "300", "--yes"]
    done = subprocess.run(
        [UNIPIPE, "release", "start", "live", *words], cwd=project.folder, capture_output=True, text=True, check=False
    )
    if done.returncode != ABORTED:
        raise SystemExit(f"it was not aborted but ended with {done.returncode}: {done.stderr[-2000:]}")
    time.sleep(UNTIL_SURE_SECONDS)
    failed_at = asking.enough().failed_at
    return failed_at[-1] - failed_at[0]


@contextmanager
def _project(workspace: Path, kind: str) -> Iterator[Project]:
    """A copy of the workspace; everything that it made is taken away."""
    name = f"b{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(workspace, Path(place) / "workspace", symlinks=True))
        good, failing = (int(word) for word in said([sys.executable, MORE_VERSIONS], folder).split()[-2:])
        config = (folder / "unipipe.yaml").read_text().partition("targets:")[0]
        port = _node_port() if kind == "kubernetes" else free_port()
        project = config.replace("project: fraud-detection", f"project: {name}")
        (folder / "unipipe.yaml").write_text(f"{project}targets:\n  live: {{{_settings(kind, name, port)}}}\n")
        if kind == "kubernetes":
            said(["kubectl", "create", "namespace", name])
        try:
            made = Project(folder, port, failing)
            made.release(1)
            made.release(good)
            yield made
        finally:
            said([UNIPIPE, "serve", "stop", "live", "--yes"], folder)
            if kind == "kubernetes":
                said(["kubectl", "delete", "namespace", name, "--wait=false"])
            if kind == "docker":
                _take_away(name)


def _body(record: dict[str, object]) -> str:
    return json.dumps({"records": [record]})


def _settings(kind: str, name: str, port: int) -> str:
    if kind == "local":
        return f"kind: local, follows: null, port: {port}"
    image = f"image: {{name: unipipe-benchmarks/fraud, base: {os.environ['UNIPIPE_TEST_BASE_IMAGE']}}}"
    if kind == "docker":
        return f"kind: docker, port: {port}, {image}"
    return f"kind: kubernetes, kubernetes: {{namespace: {name}, replicas: 2, node_port: {port}}}, {image}"


def _node_port() -> int:
    taken = said(["kubectl", "get", "services", "--all-namespaces", "--output", "yaml"])
    return next(port for port in range(31000, 32000) if f"nodePort: {port}" not in taken)


def _take_away(name: str) -> None:
    own = f"label=unipipe.dev/project={name}"
    containers = said(["docker", "ps", "--all", "--quiet", "--filter", own]).split()
    said(["docker", "rm", "--force", "--volumes", *containers] if containers else ["true"])
    for kind in ("network", "volume"):
        for one in said(["docker", kind, "ls", "--quiet", "--filter", own]).split():
            said(["docker", kind, "rm", one])
