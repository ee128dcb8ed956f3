"""What the router of a target is told: the desired file, in which every variant is a container of the same network."""

from __future__ import annotations

from unipipe_tui.adapters.docker.containers import Site
from unipipe_tui.adapters.mlflow.model import model_signature
from unipipe_tui.adapters.targets.desired import Desired, InputColumn, Source, desired_text
from unipipe_tui.domain.bundles import MODEL_FOLDER
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.values import frozen


@frozen
class Needed:
    """One version that must run so that a wish can be fulfilled."""

    package: Package
    image: str
    variant: str
    """The first variant that it answers as."""


def needed_for(wanted: Wanted) -> tuple[Needed, ...]:
    """The versions of a wish, each once: two variants of one bundle share its container.

    Raises:
        Failed: there is no image of one.
    """
    found = {
        variant.digest: Needed(*_packed(wanted, variant), variant.name) for variant in reversed(wanted.traffic.variants)
    }
    return tuple(found[digest] for digest in dict.fromkeys(variant.digest for variant in wanted.traffic.variants))


def order_text(site: Site, wanted: Wanted, order: str) -> str:
    """The desired file for the router."""
    return desired_text(
        Desired(
            order=order,
            sources=tuple(_source(site, wanted, variant) for variant in wanted.traffic.variants),
            target=site.target,
            release=wanted.release,
            sticky=wanted.traffic.sticky,
            actor=wanted.actor,
            at=wanted.at.isoformat(),
        )
    )


def _source(site: Site, wanted: Wanted, variant: Variant) -> Source:
    package, image = _packed(wanted, variant)
    signature = model_signature(package.folder / MODEL_FOLDER)
    inputs = signature.inputs if signature else ()
    columns = tuple(InputColumn(one.name, one.type, one.required) for one in inputs)
    return Source(variant, url=site.url(variant.digest, image), bundle=package.bundle, columns=columns)


def _packed(wanted: Wanted, variant: Variant) -> tuple[Package, str]:
    package = wanted.packages.get(variant.digest)
    if package is None or package.image is None:
        raise Failed(
            f"{variant.model} version {variant.version} cannot be served: there is no image of it.",
            hint="Release it again: that builds one.",
        )
    return package, package.image
