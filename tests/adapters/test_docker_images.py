"""Images on a real engine: built, found again, pushed, and what is said when that fails.

Most of these images have no packages in them (pip only tells what it would install), so they are built in a blink.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.adapters.conftest_docker import docker, one_build
from tests.conftest import free_port
from tests.fakes import Listening as Told
from tests.little_server import Quiet, serving
from unipipe_tui.adapters.docker.engine import Engine
from unipipe_tui.adapters.docker.images import Images
from unipipe_tui.config import ImageConfig
from unipipe_tui.domain.bundles import Bundle, seal_bundle
from unipipe_tui.domain.errors import Failed, Refused
from unipipe_tui.domain.events import Noted, ToolSaid, ToolStarted

pytestmark = [pytest.mark.needs_docker, pytest.mark.xdist_group("docker"), pytest.mark.timeout(600)]
NAME = "unipipe-tests/empty"
NOTHING_INSTALLED = ("--dry-run", "--no-deps")


def sealed(folder: Path, version: int = 1, requirements: str = "") -> tuple[Path, Bundle]:
    """A bundle that looks like a model; nobody loads it."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "MLmodel").write_text(f"utc_time_created: '2030-11-21 20:18:03.604215'\nid: {uuid.uuid4()}\n")
    (folder / "model" / "requirements.txt").write_text(requirements)
    return folder, seal_bundle(folder, model="fraud", version=version, run_id="run-1", commit="c0ffee", data="d47a.dir")


def images(folder: Path, environment: dict[str, str] | None = None, **config: object) -> Images:
    """Images with this configuration."""
    told = {"name": NAME, "base": os.environ["UNIPIPE_TEST_BASE_IMAGE"], "pip_arguments": NOTHING_INSTALLED, **config}
    environment = {**os.environ, **(environment or {})}
    return Images(
        Engine(None, environment), ImageConfig(**told), folder / "images", environment, "https://example.org/r"
    )  # type: ignore[arg-type]


@pytest.fixture(autouse=True, scope="module")
def no_images_left() -> Iterator[None]:
    yield
    for name in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split():
        if NAME in name:
            docker("image", "rm", "--force", "--no-prune", name)


@pytest.fixture
def told() -> Told:
    return Told()


def commands(told: Told) -> list[str]:
    return [event.argv[1] for event in told.events if isinstance(event, ToolStarted)]


def lines(told: Told) -> list[str]:
    return [event.line for event in told.events if isinstance(event, ToolSaid)]


def inspected(image: str) -> dict[str, object]:
    return dict(json.loads(docker("image", "inspect", image))[0])


def test_an_image_bears_the_bundle_and_runs_as_nobody(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    image = images(tmp_path).released(folder, bundle, told)
    found = inspected(image)
    assert image.startswith("sha256:")
    assert found["RepoTags"] == [f"{NAME}:1-{bundle.digest[:12]}"]
    config = found["Config"]
    assert isinstance(config, dict)
    wanted = {
        "org.opencontainers.image.revision": "c0ffee",
        "org.opencontainers.image.version": "1",
        "org.opencontainers.image.created": "2030-11-21T20:18:03Z",
        "org.opencontainers.image.source": "https://example.org/r",
        "unipipe.dev/data": "d47a.dir",
        "unipipe.dev/digest": bundle.digest,
    }
    assert wanted.items() <= config["Labels"].items()
    assert config["User"] == "10001:10001"
    assert "/healthz" in str(config["Healthcheck"])
    who = docker("run", "--rm", "--read-only", "--network", "none", "--entrypoint", "python", image, "-c", WHO)
    assert who == "10001 10001 False True True ['__init__', 'domain', 'serving']"


WHO = (
    "import json, os; from pathlib import Path; h = Path('/opt/unipipe/unipipe_tui');"
    "print(os.getuid(), os.getgid(), os.access(h, os.W_OK), os.access('/opt/unipipe/bundle/model/MLmodel', os.R_OK),"
    # A start compiles nothing, not even of Python's own library.
    "Path(json.__cached__).is_file(),"
    "sorted(p.stem for p in h.iterdir() if p.stem != '__pycache__'))"
)


def test_an_image_that_is_there_is_not_built_again(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    image = images(tmp_path).released(folder, bundle, Told())
    assert images(tmp_path).released(folder, bundle, told) == image
    assert told.events == []


def test_another_version_builds_only_what_is_its_own(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "one")
    images(tmp_path).released(folder, bundle, Told())
    folder, bundle = sealed(tmp_path / "two", version=2)
    images(tmp_path).released(folder, bundle, told)
    said = lines(told)
    begin = next(number for number, line in enumerate(said) if "COPY bundle/" in line)
    assert not [line for line in said[:begin] if "Running in" in line]
    assert any("Using cache" in line or "CACHED" in line for line in said[:begin])


def test_what_the_engine_says_of_its_age_is_no_failure(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle", requirements="no-such-package-of-anybody==1\n")
    with pytest.raises(Failed) as failure:
        images(tmp_path, pip_arguments=("--no-index",)).released(folder, bundle, told)
    assert "DEPRECATED" not in failure.value.message
    assert "No matching distribution found for no-such-package-of-anybody==1" in failure.value.message
    assert "PIP_INDEX_URL" in failure.value.hint


def test_a_base_that_cannot_be_had_is_named_as_the_cause(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    with pytest.raises(Failed) as failure:
        images(tmp_path, base=f"127.0.0.1:{free_port()}/no-such-base:1").released(folder, bundle, told)
    assert "image.base" in failure.value.hint


def test_a_base_without_python_is_named_as_the_cause(tmp_path: Path, told: Told) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    docker("build", "--tag", f"{NAME}:bare", str(tmp_path))
    folder, bundle = sealed(tmp_path / "bundle")
    with pytest.raises(Failed) as failure:
        images(tmp_path, base=f"{NAME}:bare").released(folder, bundle, told)
    assert "needs a Python with pip" in failure.value.hint


def test_a_changed_byte_refuses(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    (folder / "model" / "MLmodel").write_text("changed")
    with pytest.raises(Failed, match="is not what was sealed"):
        images(tmp_path).released(folder, bundle, told)
    other, _ = sealed(tmp_path / "other", version=2)
    with pytest.raises(Refused, match="has digest"):
        images(tmp_path).released(other, bundle, told)
    assert commands(told) == []


def test_a_password_of_the_index_stands_in_no_image_no_label_and_no_line(tmp_path: Path, told: Told) -> None:
    secret = f"hush{uuid.uuid4().hex}"
    folder, bundle = sealed(tmp_path / "bundle")
    # Nothing is looked for, so nobody is asked at this address.
    made = images(tmp_path, {"PIP_EXTRA_INDEX_URL": f"https://u:{secret}@127.0.0.1/"}, pip_arguments=("--help",))
    image = made.released(folder, bundle, told)
    started = next(event for event in told.events if isinstance(event, ToolStarted))
    assert "PIP_EXTRA_INDEX_URL" in started.argv
    assert secret not in str(told.events)
    assert secret not in docker("image", "inspect", image)
    assert secret not in docker("image", "history", "--no-trunc", image)
    left = (path for path in (tmp_path / "images").rglob("*") if path.is_file())
    assert not [path for path in left if secret.encode() in path.read_bytes()]


@pytest.fixture
def registry() -> str:
    """The registry of the tests."""
    if not os.environ.get("UNIPIPE_TEST_REGISTRY"):
        pytest.skip("needs a registry that tests may do with as they like: set UNIPIPE_TEST_REGISTRY")
    return os.environ["UNIPIPE_TEST_REGISTRY"]


def test_a_pushed_image_is_called_by_its_digest_there(tmp_path: Path, registry: str, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    made = images(tmp_path, registry=f"{registry}/team")
    with one_build():
        image = made.released(folder, bundle, told)
    assert image.startswith(f"{registry}/team/{NAME}@sha256:")
    assert commands(told) == ["build", "tag", "push"]
    docker("image", "rm", "--force", f"{registry}/team/{NAME}:1-{bundle.digest[:12]}", image)
    docker("pull", image)
    assert inspected(image)["Config"]["Labels"]["unipipe.dev/digest"] == bundle.digest  # type: ignore[index]
    assert made.released(folder, bundle, Told()) == image


def test_a_registry_that_is_away_is_no_harm_to_what_it_has_taken_before(
    tmp_path: Path, registry: str, told: Told
) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    with forwarding(registry) as address:
        image = images(tmp_path, registry=address).released(folder, bundle, Told())
    assert images(tmp_path, registry=address).released(folder, bundle, told) == image
    assert f"It was pushed before, as {image}." in told.told[-1]


@contextmanager
def forwarding(address: str) -> Iterator[str]:
    """The same server at another address, until this ends."""
    host, _, port = address.rpartition(":")

    class Through(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as there:
                back = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
                back.start()
                _copy(self.request, there)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Through) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_a_registry_that_is_away_is_told(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Failed) as failure:
        images(tmp_path, registry=address).released(folder, bundle, told)
    assert address in failure.value.message
    assert f"{address} cannot be reached" in failure.value.hint


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [(401, "UNAUTHORIZED", "docker login"), (403, "DENIED", "docker login")],
)
def test_a_registry_that_refuses_is_told_with_what_to_do(
    tmp_path: Path, told: Told, status: int, code: str, hint: str
) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    with refusing(status, code) as address, pytest.raises(Failed) as failure:
        images(tmp_path, registry=address).released(folder, bundle, told)
    assert hint in failure.value.hint
    assert address in failure.value.hint


@contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """A registry that lets nobody push."""

    class Handler(Quiet):
        def answer(self) -> None:
            ping = self.path == "/v2/"
            body = b"{}" if ping else json.dumps({"errors": [{"code": code, "message": "not you"}]}).encode()
            self.send_response(200 if ping else status)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_HEAD = do_POST = do_PUT = answer

    with serving(Handler) as url:
        yield url.removeprefix("http://")


def test_a_plan_shows_the_commands_without_secrets(tmp_path: Path) -> None:
    made = images(tmp_path, {"PIP_INDEX_URL": "https://u:hush@127.0.0.1/"}, registry="registry.example.org/team")
    _, bundle = sealed(tmp_path / "bundle")
    texts = [effect.text for effect in made.effects(bundle)]
    assert any(
        text.startswith("docker build --force-rm --tag registry.example.org/team/unipipe-tests/empty:1-")
        for text in texts
    )
    assert any(text.startswith("docker push registry.example.org/team/") for text in texts)
    assert "hush" not in str(texts)


def test_noted_names_the_image(tmp_path: Path, told: Told) -> None:
    folder, bundle = sealed(tmp_path / "bundle")
    images(tmp_path).released(folder, bundle, told)
    noted = [event.text for event in told.events if isinstance(event, Noted)]
    assert noted == [f"Building the image {NAME}:1-{bundle.digest[:12]} on {os.environ['UNIPIPE_TEST_BASE_IMAGE']}."]
