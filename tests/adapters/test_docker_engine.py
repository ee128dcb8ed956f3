"""What is said when there is no Docker, no engine, no permission; and what is no failure at all."""

from __future__ import annotations

import shutil
import stat
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from unipipe_tui.adapters.docker.containers import (
    Release,
    Site,
    read_containers,
    run_router,
    run_version,
    surroundings_of,
)
from unipipe_tui.adapters.docker.engine import Engine, last_words, raise_if_away
from unipipe_tui.config import TelemetryConfig
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import Failed, ToolMissing

DEPRECATED = "DEPRECATED: The legacy builder is deprecated and will be removed in a future release."
needs_program = pytest.mark.skipif(shutil.which("docker") is None, reason="needs Docker's command line")


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `docker` that says what its engine might say."""
    file = folder / "docker"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "does not answer",
            "systemctl start docker",
        ),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get"
            ' "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": dial unix /var/run/docker.sock: connect: permission denied',
            "may not use",
            "group `docker`",
        ),
        (
            "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
            "may not use",
            "group `docker`",
        ),
        ("error during connect: Get \"https://10.0.0.9:2376/v1.41/version\": dial tcp", "does not answer", "DOCKER_HOST"),
        ('unable to resolve docker endpoint: context "office": context not found: open /x', "context", "docker context ls"),
        ("unable to parse docker host `nonsense`", "address", "unix:///var/run/docker.sock"),
        ('Failed to initialize: unable to resolve docker endpoint: parse "tcp://a:b": invalid port', "address", "tcp://HOST"),
    ],
)  # fmt: skip
def test_an_engine_that_cannot_be_asked_is_told_with_its_remedy(said: str, message: str, hint: str) -> None:
    with pytest.raises(ToolMissing) as missing:
        raise_if_away(said)
    assert message in missing.value.message
    assert hint in missing.value.hint


@pytest.mark.parametrize(
    "said",
    [
        "Error: No such container: x",
        DEPRECATED,
        "",
        "pull access denied for x",
        'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: no such host',
        "failed to compute cache key: failed to walk build context /x: bundle: not found",
        "pip: invalid index host; the context of this error was not found",
    ],
)
def test_a_command_that_says_no_is_not_taken_for_a_missing_engine(said: str) -> None:
    try:
        raise_if_away(said)
    except ToolMissing as missing:
        pytest.fail(f"taken for a missing engine: {missing.message}")


def test_without_a_program_its_installation_is_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="no `docker` here"):
        Engine().version()


@needs_program
def test_a_socket_where_nobody_listens_is_an_engine_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="does not answer"):
        Engine(f"unix://{tmp_path}/docker.sock").version()


def test_notices_on_stderr_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, f"""echo '{DEPRECATED}' >&2; echo '{{"Version": "28.2.2"}}'""")
    assert Engine().version() == "28.2.2"


def test_an_engine_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, """echo '{"Version": "19.03.8"}'""")
    with pytest.raises(ToolMissing, match=r"19\.03\.8"):
        Engine().version()


def test_a_command_that_says_no_fails_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "echo 'Error: no such thing' >&2; exit 1")
    with pytest.raises(Failed, match="docker inspect: Error: no such thing"):
        Engine().read("inspect", "x")


def test_the_last_words_are_without_notices_and_without_secrets() -> None:
    lines = [
        "",
        "ERROR: could not get https://ada:hush@example.org/simple",
        DEPRECATED,
        "  https://docs.docker.com/go/buildx/",
    ]
    assert last_words(lines) == "ERROR: could not get https://…@example.org/simple"
    assert last_words([DEPRECATED, ""]) == "it said nothing"


@pytest.mark.parametrize(
    ("host", "machine"),
    [
        ("unix:///var/run/docker.sock", None),
        ("tcp://10.0.0.9:2376", "10.0.0.9"),
        ("ssh://ada@build", "build"),
        ("", None),
    ],
)
def test_the_machine_of_the_engine_is_read_from_its_address(host: str, machine: str | None) -> None:
    assert Engine(host or None).machine == machine
    assert Engine(None, {"DOCKER_HOST": host}).machine == machine


def test_a_configured_engine_is_named_in_every_command() -> None:
    assert Engine("ssh://ada@build").argv("ps") == ("docker", "--host", "ssh://ada@build", "ps")
    assert Engine().argv("ps") == ("docker", "ps")


def test_names_of_projects_and_targets_become_names_of_containers() -> None:
    site = Site("Fraud détection/2", "Prod EU")
    assert site.router == "unipipe-fraud-d-tection-2-prod-eu-router"
    assert site.container("a" * 64, "registry:5000/team/fraud@sha256:" + "b" * 64).endswith("-aaaaaaaaaaaa-bbbbbbbb")
    assert len(site.address("a" * 64, "sha256:" + "b" * 64)) < 64


def test_containers_are_read_from_what_an_engine_tells() -> None:
    told = [
        {"Id": "2", "Name": "/v", "State": {"Status": "exited", "ExitCode": 137}, "Config": {"Labels": {}}},
        {
            "Id": "1",
            "Name": "/r",
            "RestartCount": 3,
            "State": {"Status": "running", "Health": {"Status": "healthy"}},
            "Config": {"Labels": {"unipipe.dev/role": "router"}},
            "HostConfig": {"PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8765"}]}},
        },
    ]
    router, version = read_containers(told)
    assert (router.published, router.health, router.runs) == (("127.0.0.1", 8765), "healthy", False)
    assert (version.exit_code, version.published, version.digest) == (137, None, "")


def test_a_token_is_handed_to_the_router_without_being_shown() -> None:
    site, release = Site("fraud", "prod"), Release("r-1", "ada", datetime(2030, 1, 2, tzinfo=UTC))
    words = run_router(site, "sha256:1", "127.0.0.1", 8765, release, ("--token-env", "UNIPIPE_SERVE_TOKEN"))
    assert words[words.index("--env") + 1] == "UNIPIPE_SERVE_TOKEN"
    assert "--env" not in run_router(site, "sha256:1", "127.0.0.1", 8765, release, ())


def test_servers_are_told_of_a_collector_and_its_token_is_not_shown() -> None:
    site, release = Site("fraud", "prod"), Release("r-1", "ada", datetime(2030, 1, 2, tzinfo=UTC))
    telemetry = TelemetryConfig("http://collector:4318", "fraud")
    around = surroundings_of(telemetry, {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer hidden"})
    told = [
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318",
        "OTEL_SERVICE_NAME=fraud",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ]
    bundle = Bundle("fraud", 1, "run-1", None, None, None, (), "d" * 64)
    router = run_router(site, "sha256:1", "127.0.0.1", 8765, release, (), around)
    for words in (router, run_version(site, bundle, "sha256:1", "stable", release, around)):
        assert [after for word, after in pairwise(words) if word == "--env"] == told
    assert surroundings_of(telemetry, {}).secret == ()
    assert surroundings_of(None, {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer hidden"}).words == ()


@pytest.mark.parametrize(
    ("host", "published"),
    [("127.0.0.1", "127.0.0.1:8765:8080"), ("0.0.0.0", "0.0.0.0:8765:8080"), ("::1", "[::1]:8765:8080")],
)
def test_the_port_is_published_at_the_address_that_is_configured_and_never_without_one(
    host: str, published: str
) -> None:
    release = Release("r-1", "ada", datetime(2030, 1, 2, tzinfo=UTC))
    words = run_router(Site("fraud", "prod"), "sha256:1", host, 8765, release, ())
    assert words[words.index("--publish") + 1] == published


def test_the_last_words_of_a_build_are_those_of_what_it_ran() -> None:
    said = [
        "Step 7/24 : RUN pip install",
        " ---> Running in 38d083b5a2a5",
        "\x1b[91mno such option: --nonsense",
        "\x1b[0mRemoving intermediate container 38d083b5a2a5",
        "The command 'pip install' returned a non-zero code: 2",
    ]
    assert last_words(said, 2).splitlines() == [
        "no such option: --nonsense",
        "The command 'pip install' returned a non-zero code: 2",
    ]
