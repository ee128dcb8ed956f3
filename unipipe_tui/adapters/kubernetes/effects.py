"""What a plan shows of a release to a cluster: images, documents, the commands that apply them, and what goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from unipipe_tui.adapters.kubernetes.cluster import Cluster
from unipipe_tui.adapters.kubernetes.kubectl import MANAGER
from unipipe_tui.adapters.kubernetes.shares import Division, division_of, shares_of
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.plans import Effect, EffectKind, run, write
from unipipe_tui.domain.ports.targets import LiveTarget, Wanted
from unipipe_tui.domain.rollouts.traffic import Variant


class Images(Protocol):
    """What says how images are built."""

    def effects(self, bundle: Bundle) -> tuple[Effect, ...]:
        """What building one will do."""
        ...


def plan_effects(cluster: Cluster, images: Images, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
    """All effects, in order."""
    new = _new(wanted, live)
    own = (*_applied(cluster, wanted, new), *_taken_away(cluster, wanted, live))
    return (*image_effects(images, wanted, live), *(replace(effect, target=cluster.names.target) for effect in own))


def image_effects(images: Images, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
    """What building and pushing the images of versions that are not there yet will do."""
    return tuple(effect for variant in _new(wanted, live) for effect in images.effects(_bundle(wanted, variant)))


def _new(wanted: Wanted, live: LiveTarget) -> list[Variant]:
    there = {one.variant.digest for one in live.variants}
    return [variant for variant in wanted.traffic.variants if variant.digest not in there or not variant.digest]


def _applied(cluster: Cluster, wanted: Wanted, new: Sequence[Variant]) -> Iterator[Effect]:
    settings, names = cluster.config.kubernetes, cluster.names
    has_gateway = settings.gateway is not None
    shares = shares_of(wanted.traffic, cluster.capacity(None), has_gateway)
    folder = cluster.kubectl.documents
    for variant in new:
        number = shares.replicas[variant.name]
        name = names.version(variant.version, variant.digest) if variant.digest else f"{names.own}-v{variant.version}"
        pods = "1 pod" if number == 1 else f"{number} pods"
        yield write(f"{folder}/: Deployment {name} with {pods}, probes, limits, network policy")
    yield _apply(cluster, folder, "1-new")
    if shares.division is Division.ROUTER:
        yield write(f"{folder}/: Deployment {names.router}: our server shares the requests out")
        yield _apply(cluster, folder, "3-router")
    yield _apply(cluster, folder, "4-service")
    by = {
        Division.PODS: "the Service selects their pods",
        Division.GATEWAY: f"an HTTPRoute of {settings.gateway} has the weights",
        Division.ROUTER: "our router shares the requests out",
    }[division_of(wanted.traffic, has_gateway)]
    told = f"answer in {cluster.kubectl.place} with {shares.traffic.told}: {by}"
    yield Effect(EffectKind.SERVE, told)


def _apply(cluster: Cluster, folder: Path, name: str) -> Effect:
    words = ("apply", "--server-side", f"--field-manager={MANAGER}", "--filename", f"{folder}/{name}.yaml")
    return run(*cluster.kubectl.argv(*words))


def _taken_away(cluster: Cluster, wanted: Wanted, live: LiveTarget) -> Iterator[Effect]:
    kept = {variant.digest for variant in wanted.traffic.variants}
    going = [one.variant for one in live.variants if one.variant.digest not in kept]
    if going:
        objects = [f"deployment/{cluster.names.version(one.version, one.digest)}" for one in going]
        yield run(*cluster.kubectl.argv("delete", "--ignore-not-found", "--wait=false", *objects))


def _bundle(wanted: Wanted, variant: Variant) -> Bundle:
    """What is known of a bundle that may not be made yet."""
    package = wanted.packages.get(variant.digest) if variant.digest else None
    if package is not None:
        return package.bundle
    return Bundle(variant.model, variant.version, "", None, None, None, (), variant.digest)
