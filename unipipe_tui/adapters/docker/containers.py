"""The containers of a target: how they are made, what they are called, and how they are found again by their labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from unipipe_tui.adapters.docker.dockerfile import (
    DESIRED_FORMAT,
    LABEL_DIGEST,
    OWN,
    PORT,
    STATE_FOLDER,
    USER,
    server_arguments,
)
from unipipe_tui.config.targets import TelemetryConfig
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.values import frozen

MEMORY = "2g"
PROCESSES = 512
DESIRED_FILE = f"{STATE_FOLDER}/desired.json"
"""Of the router: in its volume, so that a router that is made anew goes on with it."""
TOKEN_VARIABLE = "UNIPIPE_SERVE_TOKEN"  # noqa: S105
COLLECTOR_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
"""Tokens for a collector, mostly."""
_LABEL_PROJECT, _LABEL_TARGET, _LABEL_ROLE = f"{OWN}/project", f"{OWN}/target", f"{OWN}/role"
_OF_A_VERSION = tuple(f"{OWN}/{word}" for word in ("model", "version", "digest", "commit", "data", "run"))
LABEL_FORMAT = f"{OWN}/format"
LABEL_IMAGE = f"{OWN}/image"
LABEL_VOLUME = f"{OWN}/volume"


class Role(StrEnum):
    """What a container of a target does."""

    ROUTER = "router"
    VERSION = "version"


@frozen
class Container:
    """A container as the engine tells it."""

    id: str
    name: str
    role: Role
    state: str
    """`created`, `running`, `restarting`, `exited`, `paused`, `dead`."""
    health: str
    """`healthy`, `starting`, `unhealthy`; empty when nobody asks."""
    exit_code: int
    restarts: int
    error: str
    labels: Mapping[str, str]
    published: tuple[str, int] | None
    """Host and port that callers reach it by."""

    @property
    def runs(self) -> bool:
        """Whether it is up and has not died before."""
        return self.state == "running" and self.restarts == 0

    @property
    def digest(self) -> str:
        """Of the bundle in it."""
        return self.labels.get(LABEL_DIGEST, "")

    @property
    def image(self) -> str:
        """What it was made of, as the release names it."""
        return self.labels.get(LABEL_IMAGE, "")


@frozen
class Site:
    """The names of all that one target has on an engine; the same ones for every clone of the project."""

    project: str
    target: str

    @property
    def network(self) -> str:
        """The network that only its containers are in."""
        return f"unipipe-{_word(self.project)}-{_word(self.target)}"

    @property
    def router(self) -> str:
        """The container that callers reach."""
        return f"{self.network}-router"

    @property
    def volume(self) -> str:
        """Where the router keeps its orders and the prediction log."""
        return f"{self.network}-state"

    def container(self, digest: str, image: str) -> str:
        """The container of one bundle in one image."""
        return f"{self.network}-{digest[:12]}-{image.rpartition(':')[2][:8]}"

    def address(self, digest: str, image: str) -> str:
        """What the router calls it in their network."""
        return f"v-{digest[:12]}-{image.rpartition(':')[2][:8]}"

    def url(self, digest: str, image: str) -> str:
        """Where the router asks it."""
        return f"http://{self.address(digest, image)}:{PORT}"

    @property
    def labels(self) -> dict[str, str]:
        """By which everything of this target is found again."""
        return {"app.kubernetes.io/managed-by": "unipipe", _LABEL_PROJECT: self.project, _LABEL_TARGET: self.target}

    @property
    def filters(self) -> tuple[str, ...]:
        """The same as words for `docker ps`."""
        labels = (f"label={_LABEL_PROJECT}={self.project}", f"label={_LABEL_TARGET}={self.target}")
        return tuple(word for label in labels for word in ("--filter", label))


@frozen
class Release:
    """By whom and when what is started here was released."""

    id: str
    actor: str
    at: datetime


@frozen
class Surroundings:
    """What the servers of a target find in their environment."""

    plain: Mapping[str, str] = field(default_factory=dict)
    """What anybody may see in a command line."""
    secret: tuple[str, ...] = ()
    """Names of variables whose values the engine's command line takes from its own environment, and does not show."""

    @property
    def words(self) -> tuple[str, ...]:
        """The same for `docker run`."""
        told = (*(f"{name}={value}" for name, value in self.plain.items()), *self.secret)
        return tuple(word for one in told for word in ("--env", one))


NOTHING_TOLD = Surroundings()


def surroundings_of(telemetry: TelemetryConfig | None, here: Mapping[str, str]) -> Surroundings:
    """What tells servers of a collector; a token for it is the one in the environment of whoever starts them."""
    if telemetry is None:
        return NOTHING_TOLD
    return Surroundings(telemetry.variables, (COLLECTOR_HEADERS,) if here.get(COLLECTOR_HEADERS) else ())


def run_version(
    site: Site, bundle: Bundle, image: str, variant: str, release: Release, around: Surroundings = NOTHING_TOLD
) -> tuple[str, ...]:
    """Words for `docker`: start a version that only the router can reach."""
    return (
        *_run(site.container(bundle.digest, image), site),
        *("--network-alias", site.address(bundle.digest, image)),
        *around.words,
        *("--tmpfs", f"{STATE_FOLDER}:mode=0700,uid={USER.split(':')[0]},gid={USER.split(':')[1]}"),
        *_labelled(
            {
                **site.labels,
                _LABEL_ROLE: Role.VERSION.value,
                "app.kubernetes.io/name": bundle.model,
                f"{OWN}/variant": variant,
                f"{OWN}/version": str(bundle.version),
                f"{OWN}/model": bundle.model,
                LABEL_DIGEST: bundle.digest,
                f"{OWN}/commit": bundle.commit or "",
                f"{OWN}/data": bundle.data or "",
                f"{OWN}/run": bundle.run_id,
                LABEL_IMAGE: image,
                **_labels_of(release),
            }
        ),
        image,
    )


def run_router(
    site: Site,
    image: str,
    host: str,
    port: int,
    release: Release,
    options: Sequence[str],
    around: Surroundings = NOTHING_TOLD,
) -> tuple[str, ...]:
    """Words for `docker`: start the server that callers reach; what it shall route to is told to it later."""
    return (
        *_run(site.router, site),
        *("--publish", f"{f'[{host}]' if ':' in host else host}:{port}:{PORT}"),
        *("--volume", f"{site.volume}:{STATE_FOLDER}"),
        *around.words,
        *Surroundings(secret=(TOKEN_VARIABLE,) if "--token-env" in options else ()).words,
        *_labelled(
            {
                **site.labels,
                _LABEL_ROLE: Role.ROUTER.value,
                # Labels of its image that say of which version it is: as a router it is of none.
                **dict.fromkeys(_OF_A_VERSION, ""),
                LABEL_FORMAT: str(DESIRED_FORMAT),
                LABEL_IMAGE: image,
                **_labels_of(release),
            }
        ),
        image,
        *server_arguments(DESIRED_FILE),
        *options,
    )


def read_containers(inspected: Any) -> tuple[Container, ...]:
    """What `docker inspect` tells, the router first."""
    found = [_container(one) for one in inspected if isinstance(one, dict)]
    return tuple(sorted(found, key=lambda one: (one.role is not Role.ROUTER, one.name)))


def _run(name: str, site: Site) -> tuple[str, ...]:
    """Nothing that a server does not need: no root, no capability, no file of its own that could be changed."""
    return (
        *("run", "--detach", "--name", name, "--network", site.network, "--restart", "unless-stopped"),
        *("--read-only", "--tmpfs", "/tmp", "--user", USER),  # noqa: S108
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--memory", MEMORY, "--pids-limit", str(PROCESSES)),
    )


def _labelled(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for key, value in labels.items() for word in ("--label", f"{key}={value}"))


def _labels_of(release: Release) -> dict[str, str]:
    return {f"{OWN}/release": release.id, f"{OWN}/actor": release.actor, f"{OWN}/at": release.at.isoformat()}


def _container(told: Mapping[str, Any]) -> Container:
    state: Mapping[str, Any] = told.get("State") or {}
    labels: Mapping[str, str] = (told.get("Config") or {}).get("Labels") or {}
    return Container(
        id=told["Id"],
        name=str(told.get("Name", "")).lstrip("/"),
        role=Role.ROUTER if labels.get(_LABEL_ROLE) == Role.ROUTER else Role.VERSION,
        state=str(state.get("Status", "")),
        health=_health(state.get("Health") or {}),
        exit_code=int(state.get("ExitCode", 0)),
        restarts=int(told.get("RestartCount", 0)),
        error=str(state.get("Error", "")),
        labels=dict(labels),
        published=_published(told),
    )


def _health(told: Mapping[str, Any]) -> str:
    status = str(told.get("Status", ""))
    # The engine says so of every container that was paused, until it asks it the next time: nothing has failed there.
    return "healthy" if status == "unhealthy" and told.get("FailingStreak") == 0 else status


def _published(told: Mapping[str, Any]) -> tuple[str, int] | None:
    # What was asked for, not what is bound: a container that is not running binds nothing.
    bindings = ((told.get("HostConfig") or {}).get("PortBindings") or {}).get(f"{PORT}/tcp") or []
    for binding in bindings:
        if str(binding.get("HostPort", "")).isdigit():
            return str(binding.get("HostIp", "")), int(binding["HostPort"])
    return None


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
