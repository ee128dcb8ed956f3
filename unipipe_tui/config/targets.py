"""What `unipipe.yaml` says of targets: where releases go, how they get there, and when they may not."""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum
from urllib.parse import urlsplit

from unipipe_tui.config.demands import must_be
from unipipe_tui.config.reading import Port
from unipipe_tui.domain.rollouts.analysis import AnalysisPolicy
from unipipe_tui.domain.rollouts.freezes import Freeze
from unipipe_tui.domain.rollouts.strategies import Strategy
from unipipe_tui.domain.serving import LogMode
from unipipe_tui.domain.values import frozen


class TargetKind(StrEnum):
    """Where a release runs."""

    LOCAL = "local"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"


class TargetColour(StrEnum):
    """Colours that every theme of the workbench knows."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"


@frozen
class ImageConfig:
    """How the image of a version is built, for targets that run images."""

    name: str | None = None
    """Repository of the image; the model's name when left out."""
    registry: str | None = None
    """Registry that it is pushed to, as `registry.example.com:5000/team`; it stays in the engine when left out."""
    base: str = "python:3.11-slim"
    """Image that it is built on; its Python must be able to load the model."""
    pip_arguments: tuple[str, ...] = ()
    """More arguments for `pip install` in the image."""

    def __post_init__(self) -> None:
        """Refuse what another tool would read as something else."""
        _demand_reference(self.base, "base")
        for text, key in ((self.name, "name"), (self.registry, "registry")):
            if text is not None:
                _demand_reference(text, key)


@frozen
class GitOpsConfig:
    """Where manifests are committed instead of applied."""

    folder: str = "deploy"
    """Folder in this repository."""
    branch: str | None = None
    """Branch that is committed to; the one that is checked out when left out."""


@frozen
class ResourceConfig:
    """What a pod asks for, and the most that it gets; in Kubernetes' own words."""

    cpu: str = "100m"
    memory: str = "512Mi"
    cpu_limit: str | None = None
    memory_limit: str | None = "1Gi"


@frozen
class KubernetesConfig:
    """Where in which cluster, and how many."""

    context: str | None = None
    """Context of the kubeconfig; the current one when left out."""
    namespace: str = "default"
    replicas: int = 2
    most_replicas: int | None = None
    """With more than `replicas`, a HorizontalPodAutoscaler adds pods up to so many."""
    service_port: Port = Port(80)
    """Port of the Service."""
    node_port: int | None = None
    """Port on every node, for a cluster without a load balancer."""
    gateway: str | None = None
    """Gateway that an HTTPRoute is attached to, as `namespace/name`; weights are then exact."""
    image_pull_secret: str | None = None
    resources: ResourceConfig = field(default_factory=ResourceConfig)
    ready_within_seconds: int = 180
    """After this a rollout that is not ready counts as failed."""

    def __post_init__(self) -> None:
        """Refuse names that Kubernetes would, before anything is built."""
        must_be(bool(_LABEL.fullmatch(self.namespace)), "namespace", "a DNS label")
        must_be(self.replicas >= 1, "replicas", "a whole number from 1 up")
        must_be(
            self.most_replicas is None or self.most_replicas >= self.replicas, "most_replicas", "at least `replicas`"
        )
        must_be(self.node_port is None or 30000 <= self.node_port <= 32767, "node_port", "a number from 30000 to 32767")
        must_be(self.ready_within_seconds >= 1, "ready_within_seconds", "a whole number from 1 up")


@frozen
class CostConfig:
    """What running a target costs: a price by the hour, of the whole target or of each of its servers."""

    per_hour: float | None = None
    """Of the whole target, whether it is asked or not."""
    per_server_hour: float | None = None
    """Of each server, for the time that it is up."""
    currency: str = "EUR"

    def __post_init__(self) -> None:
        """Refuse what tells no price, or two."""
        prices = [price for price in (self.per_hour, self.per_server_hour) if price is not None]
        must_be(len(prices) == 1 and prices[0] >= 0, "cost", "one of `per_hour` and `per_server_hour`, from 0 up")
        must_be(0 < len(self.currency) <= 8 and self.currency.isprintable(), "currency", "a short word, such as EUR")


@frozen
class TelemetryConfig:
    """Where the servers of a target send traces and metrics, as they see it from where they run."""

    endpoint: str
    """Address of a collector that takes OTLP over HTTP, as `http://collector:4318`."""
    service: str | None = None
    """What the servers are called there; `unipipe-serving` when left out."""
    secret: str | None = None
    """On `kubernetes` targets, a Secret beside the pods whose keys are more variables, as `OTEL_EXPORTER_OTLP_HEADERS`."""

    def __post_init__(self) -> None:
        """Refuse what is no address, and a password in it."""
        must_be(_is_address(self.endpoint), "endpoint", "an http or https address")
        without = urlsplit(self.endpoint).username is None
        must_be(without, "endpoint", "an address without a password: give that in a header")
        must_be(self.secret is None or bool(_NAMED.fullmatch(self.secret)), "secret", "the name of a Secret")

    @property
    def port(self) -> int:
        """Where the collector listens."""
        parts = urlsplit(self.endpoint)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def variables(self) -> dict[str, str]:
        """What OpenTelemetry reads; nothing in it is a secret."""
        service = {"OTEL_SERVICE_NAME": self.service} if self.service else {}
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, **service}


@frozen
class TargetConfig:
    """One place that releases go to."""

    kind: TargetKind = TargetKind.LOCAL
    """`local`: a process on this machine; `docker`: containers; `kubernetes`: deployments in a cluster."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = Port(8765)
    """Port to listen on."""
    follows: str | None = "champion"
    """Alias whose moves are released here at once, on `local` targets; null: only explicit releases."""
    protected: bool = False
    """A change of it runs only when its name was typed, or given with --confirm."""
    colour: TargetColour | None = None
    """How the workbench marks it, so that production looks like no other place."""
    log: LogMode = LogMode.BEHIND
    """When the prediction log is written."""
    strategy: Strategy = field(default_factory=Strategy)
    """How a version gets here, unless a release says otherwise."""
    analysis: AnalysisPolicy = field(default_factory=AnalysisPolicy)
    """What a candidate must not do worse while it gets a part of the traffic."""
    freezes: tuple[Freeze, ...] = ()
    """When nothing may be released here."""
    image: ImageConfig = field(default_factory=ImageConfig)
    kubernetes: KubernetesConfig = field(default_factory=KubernetesConfig)
    docker_host: str | None = None
    """Address of the engine; what DOCKER_HOST or the current context says when left out."""
    gitops: GitOpsConfig | None = None
    """Commit the manifests instead of applying them, for a cluster that follows Git."""
    cost: CostConfig | None = None
    """What it costs, so that `operations show` can tell what 1,000 predictions cost."""
    telemetry: TelemetryConfig | None = None
    """Where its servers send traces and metrics; on a `local` target, what the environment says when left out."""

    @property
    def alias(self) -> str | None:
        """The alias whose moves are released here at once."""
        return self.follows if self.kind is TargetKind.LOCAL else None


_NAMED = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_REFERENCE = re.compile(r"[a-z0-9][a-zA-Z0-9._/:@-]*")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # No port that there is, or half an IPv6 address.
        return False


def _demand_reference(text: str, key: str) -> None:
    must_be(bool(_REFERENCE.fullmatch(text)), key, "the name of an image or a registry")
