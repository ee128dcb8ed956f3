"""A target of real containers: what is in them, what happens when one fails, and that nothing is half forgotten."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.conftest_docker import IMAGE_NAME, docker, docker_target, no_images_left, rows_of, take_away  # noqa: F401
from tests.conftest import free_port
from tests.fakes import Listening
from tests.serving.conftest import bundles  # noqa: F401 the same models as the server's own tests
from tests.serving.servers import Sealed, payment
from unipipe_tui.adapters.docker.target import DockerTarget
from unipipe_tui.domain.errors import Failed, Refused, Stopped, ToolMissing
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.rollouts.traffic import CANARY, STABLE, Traffic, Variant, only
from unipipe_tui.domain.serving import Record, ServerState

pytestmark = [
    pytest.mark.needs_docker,
    pytest.mark.slow,
    pytest.mark.xdist_group("docker"),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("no_images_left"),
]
RECORD: Record = payment()  # type: ignore[assignment]
Pair = tuple[Package, Package]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docker-target")


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[DockerTarget]:
    """One target for all tests here, since a start takes seconds."""
    yield docker_target(folder)
    take_away(folder)


@pytest.fixture(scope="module")
def pair(target: DockerTarget, bundles: tuple[Sealed, Sealed]) -> Pair:  # noqa: F811
    """Two versions as images."""
    one, two = (target.package(sealed.folder, sealed.bundle, Silent()) for sealed in bundles)
    return one, two


@pytest.fixture
def running(target: DockerTarget, pair: Pair) -> DockerTarget:
    """It answers with version 1 alone, whatever the test before has done to it."""
    if target.live().release != "r-first" or target.live().traffic != only(variant(pair[0])):
        target.apply(wanted(only(variant(pair[0])), "r-first", *pair), Silent())
    return target


def variant(package: Package, name: str = STABLE, weight: float = 100.0) -> Variant:
    bundle = package.bundle
    return Variant(name, bundle.model, bundle.version, bundle.digest, weight)


def canary(pair: Pair, weight: float = 20) -> Traffic:
    return Traffic((variant(pair[1], CANARY, weight), variant(pair[0], STABLE, 100 - weight)))


def wanted(traffic: Traffic, release: str, *packages: Package, replaces: str | None = None) -> Wanted:
    by_digest = {package.bundle.digest: package for package in packages}
    return Wanted(release, traffic, by_digest, "ada", datetime.now(UTC), replaces)


def answered(target: DockerTarget) -> tuple[Traffic | None, str | None]:
    """By which release it answers."""
    live = target.live()
    return live.traffic, live.release


def containers(folder: Path) -> list[dict[str, Any]]:
    """All of the target, as the engine tells them."""
    project = (folder / "project").read_text()
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=unipipe.dev/project={project}").split()
    return list(json.loads(docker("inspect", *ids))) if ids else []


def states(folder: Path) -> dict[str, str]:
    """What each version's container does, and the router's."""
    return {version_of(one) or "router": one["State"]["Status"] for one in containers(folder)}


def changed(package: Package, name: str, *instructions: str) -> Package:
    """The same version in an image that has something wrong with it."""
    text = "\n".join((f"FROM {IMAGE_NAME}:{package.bundle.version}-{package.bundle.digest[:12]}", *instructions))
    done = subprocess.run(
        ["docker", "build", "--tag", f"{IMAGE_NAME}:{name}", "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    image = docker("image", "inspect", "--format", "{{.Id}}", f"{IMAGE_NAME}:{name}")
    return Package(package.folder, package.bundle, image)


def test_containers_may_do_nothing_that_a_server_need_not(running: DockerTarget, folder: Path) -> None:
    found = containers(folder)
    assert len(found) >= 2
    for one in found:
        host = one["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges" in host["SecurityOpt"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        assert one["Config"]["User"] == "10001:10001"


def test_only_the_router_can_be_reached_and_only_where_it_was_configured(running: DockerTarget, folder: Path) -> None:
    bindings = {
        one["Config"]["Labels"]["unipipe.dev/role"]: (one["HostConfig"]["PortBindings"] or {})
        for one in containers(folder)
    }
    assert [binding["HostIp"] for binding in bindings["router"]["8080/tcp"]] == ["127.0.0.1"]
    assert bindings["version"] == {}


def test_labels_of_a_container_tell_the_whole_bundle_and_who_released_it(
    running: DockerTarget, pair: Pair, folder: Path
) -> None:
    running.apply(wanted(canary(pair), "r-labels", *pair), Silent())
    labels = next(one["Config"]["Labels"] for one in containers(folder) if version_of(one) == "2")
    bundle = pair[1].bundle
    told = {
        "app.kubernetes.io/managed-by": "unipipe",
        "unipipe.dev/target": "local",
        "unipipe.dev/variant": CANARY,
        "unipipe.dev/digest": bundle.digest,
        "unipipe.dev/run": bundle.run_id,
        "unipipe.dev/image": pair[1].image,
        "unipipe.dev/release": "r-labels",
        "unipipe.dev/actor": "ada",
    }
    assert told.items() <= labels.items()


def version_of(container: dict[str, Any]) -> str | None:
    found = container["Config"]["Labels"].get("unipipe.dev/version")
    return str(found) if found else None


def test_what_is_live_tells_the_image_of_each_variant(running: DockerTarget, pair: Pair) -> None:
    (only_one,) = running.live().variants
    assert (only_one.image, only_one.ready, only_one.replicas, only_one.ready_replicas) == (pair[0].image, True, 1, 1)


def test_no_request_is_lost_while_versions_change(running: DockerTarget, pair: Pair) -> None:
    versions: list[int] = []
    failures: list[BaseException] = []
    ending = threading.Event()

    def ask() -> None:
        # With a pause: whoever takes all of the machine's time measures how long versions take to start without any.
        while not ending.wait(0.02):
            try:
                versions.extend(running.predict([RECORD], None).versions)
            except Exception as error:
                failures.append(error)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for one in askers:
        one.start()
    try:
        running.apply(wanted(canary(pair, 50), "r-busy", *pair), Silent())
        running.apply(wanted(only(variant(pair[1])), "r-busy", *pair), Silent())
        running.apply(wanted(only(variant(pair[0])), "r-back", *pair), Silent())
    finally:
        ending.set()
        for one in askers:
            one.join()
    assert failures == []
    assert set(versions) == {1, 2}


def test_the_way_back_is_short_since_the_version_before_only_sleeps(
    running: DockerTarget, pair: Pair, folder: Path
) -> None:
    running.apply(wanted(only(variant(pair[1])), "r-forth", *pair), Silent())
    assert states(folder) == {"router": "running", "1": "paused", "2": "running"}
    before = {one["Id"] for one in containers(folder)}
    live = running.apply(wanted(only(variant(pair[0])), "r-back", *pair, replaces="r-forth"), Silent())
    assert {one["Id"] for one in containers(folder)} == before
    assert live.traffic == only(variant(pair[0]))
    assert states(folder) == {"router": "running", "1": "running", "2": "paused"}
    assert [one.said for one in live.variants if not one.ready] == []
    assert live.remarks == ()


@pytest.mark.parametrize(
    ("name", "instruction", "said"),
    [
        ("ends", 'ENTRYPOINT ["python", "-c", "print(\'no licence\'); raise SystemExit(3)"]', "no licence"),
        ("damaged", 'USER 0\nRUN ["python", "-c", "open(\'/opt/unipipe/bundle/model/MLmodel\', \'a\').write(\'#\')"]', "sealed"),
    ],
)  # fmt: skip
def test_a_version_that_cannot_serve_is_taken_away_and_the_stable_one_goes_on(
    running: DockerTarget, pair: Pair, folder: Path, name: str, instruction: str, said: str
) -> None:
    before = answered(running)
    broken = changed(pair[1], name, instruction)
    with pytest.raises(Failed, match="cannot be served") as failure:
        running.apply(wanted(canary(pair), "r-broken", pair[0], broken, replaces="r-first"), Silent())
    assert said in failure.value.message
    assert answered(running) == before
    assert broken.image not in [one["Config"]["Labels"]["unipipe.dev/image"] for one in containers(folder)]
    assert running.predict([RECORD], None).versions == (1,)


def test_an_image_that_is_nowhere_fails_in_the_words_of_the_engine(running: DockerTarget, pair: Pair) -> None:
    nowhere = Package(pair[1].folder, pair[1].bundle, "sha256:" + "0" * 64)
    with pytest.raises(Failed, match="could not be started"):
        running.apply(wanted(canary(pair), "r-nowhere", pair[0], nowhere), Silent())
    assert running.predict([RECORD], None).versions == (1,)


def test_a_stopped_release_leaves_what_answered_before(running: DockerTarget, pair: Pair, folder: Path) -> None:
    before = answered(running)
    broken = changed(pair[1], "sleeps", 'ENTRYPOINT ["python", "-c", "import time; time.sleep(600)"]')
    with pytest.raises(Stopped):
        running.apply(wanted(canary(pair), "r-stopped", pair[0], broken), Listening(patience=30))
    assert answered(running) == before
    assert broken.image not in [one["Config"]["Labels"]["unipipe.dev/image"] for one in containers(folder)]


def test_a_release_whose_process_was_killed_is_gone_on_with(running: DockerTarget, pair: Pair, folder: Path) -> None:
    before = running.live()
    if asleep := [one["Id"] for one in containers(folder) if version_of(one) == "2"]:
        docker("rm", "--force", *asleep)
    port = int(before.url.rpartition(":")[2])
    script = f"""
import sys
from pathlib import Path
from datetime import UTC, datetime
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.adapters.conftest_docker import docker_target
from tests.adapters.test_docker_target import canary, wanted
from unipipe_tui.domain.bundles import read_bundle
from unipipe_tui.domain.ports.targets import Package
from unipipe_tui.domain.progress import Silent
target = docker_target(Path({str(folder)!r}), project={(folder / "project").read_text()!r}, port={port})
pair = [Package(Path(f), read_bundle(Path(f)), i) for f, i in {[(str(one.folder), one.image) for one in pair]!r}]
target.apply(wanted(canary(tuple(pair)), "r-killed", *pair), Silent())
"""
    killed = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while "2" not in states(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert "2" in states(folder)
    live = running.live()
    assert (live.traffic, live.release) == (before.traffic, before.release)
    assert any("Nothing needs" in remark for remark in live.remarks)
    live = running.apply(wanted(canary(pair), "r-killed", *pair), Silent())
    assert (live.traffic, live.release, live.remarks) == (canary(pair), "r-killed", ())
    assert states(folder) == {"router": "running", "1": "running", "2": "running"}


def test_of_two_people_the_second_is_told(running: DockerTarget, pair: Pair) -> None:
    running.apply(wanted(canary(pair, 10), "r-hers", *pair, replaces="r-first"), Silent())
    with pytest.raises(Refused, match="r-hers"):
        running.apply(wanted(canary(pair, 30), "r-his", *pair, replaces="r-first"), Silent())
    assert running.live().traffic == canary(pair, 10)


def test_a_version_whose_container_was_taken_away_is_told_and_brought_back(
    running: DockerTarget, pair: Pair, folder: Path
) -> None:
    docker("rm", "--force", *(one["Id"] for one in containers(folder) if version_of(one) == "1"))
    (only_one,) = running.live().variants
    assert not only_one.ready
    assert "gone" in only_one.said
    (back,) = running.apply(wanted(only(variant(pair[0])), "r-first", *pair), Silent()).variants
    assert back.ready


def test_a_router_that_was_taken_away_comes_back_with_its_log(running: DockerTarget, pair: Pair, folder: Path) -> None:
    running.predict([RECORD], ["before-the-fall"])
    time.sleep(1.5)
    docker("rm", "--force", *(one["Id"] for one in containers(folder) if version_of(one) is None))
    assert running.live().state is ServerState.STOPPED
    running.apply(wanted(only(variant(pair[0])), "r-first", *pair), Silent())
    assert running.predict([RECORD], ["before-the-fall"]).known == ("before-the-fall",)


def test_every_prediction_comes_here_once_also_after_the_end(running: DockerTarget, pair: Pair, folder: Path) -> None:
    running.collect(Silent())
    running.predict([RECORD] * 30, [f"first-{number}" for number in range(30)])
    running.feedback([("first-0", 1)])
    time.sleep(1.5)
    assert (running.collect(Silent()), running.collect(Silent())) == (30, 0)
    running.predict([RECORD] * 12, [f"second-{number}" for number in range(12)])
    running.stop(Silent())
    assert (running.collect(Silent()), running.collect(Silent())) == (12, 0)
    here = folder / "predictions" / "local"
    lines = [json.loads(line) for path in here.glob("predictions-*.jsonl") for line in path.read_text().splitlines()]
    ids = [line["prediction_id"] for line in lines if line["prediction_id"].startswith(("first-", "second-"))]
    assert len(ids) == len(set(ids)) == 42 or sum(rows_of(path) for path in here.glob("predictions-*.parquet")) > 0
    assert list(here.glob("feedback-*"))


def test_after_the_end_only_the_stopped_router_is_left(running: DockerTarget, folder: Path) -> None:
    live = running.stop(Silent())
    assert (live.state, live.variants) == (ServerState.STOPPED, ())
    assert states(folder) == {"router": "exited"}
    with pytest.raises(ToolMissing, match="does not answer"):
        running.predict([RECORD], None)
    assert running.stop(Silent()) == live


def test_another_port_moves_the_router_and_a_taken_one_leaves_it_where_it_was(
    running: DockerTarget, pair: Pair, folder: Path
) -> None:
    project = (folder / "project").read_text()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        taken = docker_target(folder, project=project, port=held.getsockname()[1])
        with pytest.raises(Failed, match="could not be started") as failure:
            taken.apply(wanted(only(variant(pair[0])), "r-first", *pair), Silent())
    assert "targets.TARGET.port" in failure.value.hint
    assert running.predict([RECORD], None).versions == (1,)
    moved = docker_target(folder, project=project, port=free_port())
    moved.apply(wanted(only(variant(pair[0])), "r-first", *pair), Silent())
    assert moved.predict([RECORD], None).versions == (1,)
    running.apply(wanted(only(variant(pair[0])), "r-first", *pair), Silent())


def test_the_log_tells_which_container_said_what(running: DockerTarget) -> None:
    told = running.log(5)
    assert "-router:" in told
    assert "listening on" in told


def test_where_it_is_names_engine_and_address(running: DockerTarget) -> None:
    assert running.verify().startswith("Docker ")
    assert running.live().url in running.verify()
