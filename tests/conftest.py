"""What all tests share: a quiet environment, the command line, and one trained workspace that is copied, not made again."""

from __future__ import annotations

import atexit
import compileall
import fcntl
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import unipipe_tui
from tests.prepared import run_prepared

pytest_plugins: list[str] = []

# The same examples each time, and no word about how long one took: whether a commit passes is no matter of chance or load.
# Others are looked for with --hypothesis-profile=explore.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("same")

STORES_OF_MLFLOW = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "OMP_NUM_THREADS": "1",
    "NO_COLOR": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "UNIPIPE_ACTOR": "ada",
    "UNIPIPE_CONFIG": os.devnull,
    "PYTHONDONTWRITEBYTECODE": "1",
}
os.environ.update(QUIET)
# As in the program: what is imported is never garbage, and looking for some as often as usual takes a third of the time
# of a test that opens the workbench.
gc.set_threshold(100_000)
# The tools of this environment, whether it was activated or not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
for unwanted in (
    "MLFLOW_TRACKING_URI",
    "UNIPIPE_READ_ONLY",
    "UNIPIPE_DETACHED_JOB",
    "UNIPIPE_SERVE_TOKEN",
    "UNIPIPE_JOB",
):
    os.environ.pop(unwanted, None)


BACKENDS = {
    "needs_docker": (
        ("DOCKER_HOST", "UNIPIPE_TEST_BASE_IMAGE"),
        "needs a Docker engine that tests may do with as they like: set DOCKER_HOST, and UNIPIPE_TEST_BASE_IMAGE to a"
        " Python image that it has",
    ),
    "needs_kubernetes": (
        ("KUBECONFIG", "UNIPIPE_TEST_CLUSTER"),
        "needs a cluster that tests may do with as they like: set KUBECONFIG, and UNIPIPE_TEST_CLUSTER=1",
    ),
}
"""Marker of a test: the variables that say where the real thing is, and why the test is skipped without them."""


def pytest_configure(config: pytest.Config) -> None:
    """Compile the program once: in a new clone each of the thousand programs that tests start would do it for itself."""
    # A shell that starts the tests in the background has them, and all that they start, pass over Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(unipipe_tui.__file__).parent, quiet=2)


def pytest_unconfigure() -> None:
    """Leave at once: pytest would look five times through all that the tests left, a second each."""
    gc.freeze()
    atexit.register(gc.unfreeze)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a real engine or cluster where there is none."""
    for name, (variables, reason) in BACKENDS.items():
        if not all(os.environ.get(variable) for variable in variables):
            for item in items:
                if item.get_closest_marker(name):
                    item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Said:
    """A finished command line."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Its answer."""
        return json.loads(self.stdout)


@pytest.fixture(autouse=True)
def no_other_tests_store() -> None:
    """MLflow's client writes the store that it was pointed to into the environment, where the next test would find it."""
    for name in STORES_OF_MLFLOW:
        os.environ.pop(name, None)


def own_environment() -> dict[str, str]:
    """This process's environment, without the stores that MLflow's client writes into it when a test here uses it."""
    return {name: value for name, value in os.environ.items() if name not in STORES_OF_MLFLOW}


def unipipe(*words: str | Path, cwd: Path, timeout: float = 180, **env: str) -> Said:
    """Run the real command line as a person would, without a terminal.

    Variables of its own may be read while it is imported: with them it is started from nothing, else from a fork.
    """
    if not env:
        return Said(*run_prepared([str(word) for word in words], cwd, own_environment(), timeout))
    done = subprocess.run(
        [sys.executable, "-m", "unipipe_tui", *map(str, words)],
        cwd=cwd,
        env={**own_environment(), **env},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def git(*words: str, cwd: Path) -> str:
    """Run Git and answer with what it printed."""
    return subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True).stdout.decode()


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first test process to ask for it makes, and all others wait for."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / f"{name}.made").exists():
            _make_again_once(folder, make)
            (shared / f"{name}.made").touch()
    return folder


def _make_again_once(folder: Path, make: Callable[[Path], None]) -> None:
    """What many tests stand on is tried twice: a tool that stumbles once on a busy machine is not what they are about."""
    for last in (False, True):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            make(folder)
            return
        except (AssertionError, subprocess.SubprocessError):
            if last:
                raise


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the recipe after its first `pipeline run`: one registered version, champion. Never changed."""

    def make(folder: Path) -> None:
        begun = unipipe("init", "--recipe", "fraud-detection", folder, "--yes", cwd=folder.parent)
        assert begun.exit_code == 0, begun.stderr
        trained = unipipe("pipeline", "run", "--commit", "--yes", cwd=folder)
        assert trained.exit_code == 0, trained.stderr

    return made_once(tmp_path_factory, "trained-template", make)


@pytest.fixture
def trained(trained_template: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the trained workspace, on a port of its own; its server is stopped when the test is over."""
    workspace = tmp_path / "workspace"
    shutil.copytree(trained_template, workspace, symlinks=True)
    config = workspace / "unipipe.yaml"
    config.write_text(config.read_text().replace("port: 8765", f"port: {free_port()}"))
    yield workspace
    if (workspace / ".unipipe" / "serving").exists():
        unipipe("serve", "stop", "--yes", cwd=workspace)


def free_port() -> int:
    """A port that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty Git repository with a Unipipe store and nothing else."""
    folder = tmp_path / "project"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    (folder / "README.md").write_text("# A project\n")
    git("add", "-A", cwd=folder)
    git("commit", "--quiet", "-m", "Begin", cwd=folder)
    return folder
