"""The door to documents for other tools: what a release would be there, and why some of them would not do it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from unipipe_tui.domain.ports.targets import Wanted
from unipipe_tui.domain.rollouts.strategies import Strategy
from unipipe_tui.domain.values import frozen


class ExportFormat(StrEnum):
    """For whom the documents are."""

    MANIFESTS = "manifests"
    """Kubernetes itself: one file for kubectl."""
    KUSTOMIZE = "kustomize"
    """Kubernetes by kustomize: a file for each object, and what names them."""
    ARGO_ROLLOUTS = "argo-rollouts"
    FLAGGER = "flagger"
    KSERVE = "kserve"


class KServeMode(StrEnum):
    """How a KServe was installed, or an InferenceService is told to run."""

    STANDARD = "standard"
    """Plain Deployments; called RawDeployment before."""
    KNATIVE = "knative"
    """Knative's revisions; called Serverless before."""


@frozen
class ExportSetup:
    """What the other tool was set up with, as far as documents depend on it."""

    mode: KServeMode | None = None
    provider: str | None = None
    """Flagger's mesh or ingress: `istio`, `gatewayapi:v1`, `kubernetes`."""
    metrics: str | None = None
    """Address of the Prometheus that Flagger asks."""


@frozen
class ExportFile:
    """One file of documents."""

    name: str
    text: str


@frozen
class Finding:
    """A combination that the tool would ignore, or carry out as something else, without a word."""

    rule: str
    said: str
    source: str
    """Where that is written."""
    hint: str = ""


@frozen
class Exported:
    """The documents, and what stands against them."""

    files: tuple[ExportFile, ...]
    findings: tuple[Finding, ...]
    facts: Mapping[str, str]
    """What was checked against what: `schemas` → `1.30`."""


class Exporter(Protocol):
    """Makes documents of one target for other tools; asks no cluster."""

    def export(self, wanted: Wanted, strategy: Strategy, form: ExportFormat, setup: ExportSetup) -> Exported:
        """The documents that bring a version there by a strategy.

        Raises:
            UsageError: the tool has nothing that could do it.
            Failed: a document is not what Kubernetes takes.
        """
        ...
