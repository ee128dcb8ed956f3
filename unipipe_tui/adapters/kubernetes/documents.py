"""What documents of a target are made of, and what all of them bear."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from unipipe_tui.adapters.kubernetes import names as n
from unipipe_tui.adapters.kubernetes.apis import Apis
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.shares import Shares
from unipipe_tui.config.targets import TargetConfig
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.values import frozen

Document = dict[str, Any]
"""One object, as Kubernetes reads it."""


@frozen
class Course:
    """All that documents are made of."""

    names: Names
    config: TargetConfig
    wanted: Wanted
    shares: Shares
    apis: Apis
    named_by_variant: bool = False
    """Whether Deployments are named by variant: where nobody keeps an order of steps."""

    def name(self, variant: Variant) -> str:
        """What the variant's objects are called."""
        if self.named_by_variant:
            return self.names.variant(variant.name)
        return self.names.version(variant.version, variant.digest)

    def package(self, variant: Variant) -> Package:
        """What the variant was packed into."""
        return self.wanted.packages[variant.digest]

    @property
    def variants(self) -> tuple[Variant, ...]:
        """With the weights that they are really given."""
        return self.shares.traffic.variants


def object_of(
    api: str,
    kind: str,
    course: Course,
    name: str,
    *,
    part: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **content: Any,
) -> Document:
    """An object of a target, with the labels that all of them bear."""
    metadata: Document = {
        "name": name,
        "namespace": course.config.kubernetes.namespace,
        "labels": labels_of(course.names) | ({n.PART: part} if part else {}) | dict(labels or {}),
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def labels_of(names: Names) -> dict[str, str]:
    """What every object of a target bears."""
    return {
        n.NAME: n.label_value(names.model),
        n.INSTANCE: names.own,
        n.MANAGED_BY: n.UNIPIPE,
        n.TARGET: n.label_value(names.target),
    }


def pods_of(names: Names, part: str = "", bundle: str = "") -> dict[str, str]:
    """What selects pods of the target."""
    chosen = {n.PART: part, n.BUNDLE: bundle}
    return {n.INSTANCE: names.own} | {key: value for key, value in chosen.items() if value}


def release_annotations(wanted: Wanted) -> dict[str, str]:
    """Whose release it is, and with which weights."""
    weights = {v.name: "mirrored" if v.mirrored else round(v.weight, 4) for v in wanted.traffic.variants}
    return {
        n.RELEASE: wanted.release,
        n.ACTOR: wanted.actor,
        n.AT: wanted.at.astimezone(UTC).isoformat(),
        n.WEIGHTS: json.dumps(weights),
    }
