"""Checks documents against Kubernetes' own schemas, without a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import kubernetes_validate
from kubernetes_validate.utils import all_versions

from unipipe_tui.domain.errors import Failed

SAME_FIELDS = {"policy/v1beta1": "policy/v1"}
"""Versions that no schema is kept of any more, and the one with the same fields."""
OWN_SCHEMAS = (
    "gateway.networking.k8s.io/",
    "argoproj.io/",
    "flagger.app/",
    "serving.kserve.io/",
    "kustomize.config.k8s.io/",
)
"""What is no part of Kubernetes itself; the cluster checks it when it is applied."""


def nearest_schemas(minor: int) -> str:
    """The version of the schemas that comes nearest to a cluster's `1.MINOR`."""
    known: list[str] = [version.rpartition(".")[0] for version in all_versions()]
    return min(known, key=lambda version: abs(int(version.split(".")[1]) - minor))


def validate(documents: Sequence[dict[str, Any]], minor: int) -> str:
    """Check every document strictly: no unknown field passes; answers with the version of the schemas.

    Raises:
        Failed: a document is not what Kubernetes takes.
    """
    version = nearest_schemas(minor)
    for document in documents:
        _validate(document, version)
    return version


def _validate(document: dict[str, Any], version: str) -> None:
    api = str(document.get("apiVersion", ""))
    if api.startswith(OWN_SCHEMAS):
        return
    what = f"{document.get('kind')} {document.get('metadata', {}).get('name')}"
    try:
        kubernetes_validate.validate({**document, "apiVersion": SAME_FIELDS.get(api, api)}, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(str(part) for part in error.path) or "the document"
        raise Failed(
            f"{what} is not valid for Kubernetes {version}: {place}: {error.message}",
            hint="Look at `targets:` in unipipe.yaml; what is written there goes into the documents.",
        ) from None
    except kubernetes_validate.SchemaNotFoundError as error:
        raise Failed(
            f"{what} cannot be checked: {error.message}", hint="The cluster may be too new or too old."
        ) from None
