"""How a traffic is divided in a cluster: by numbers of pods, by a gateway, or by a process of ours that routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from unipipe_tui.domain.rollouts.traffic import ALL, A, B, Traffic, Variant, nearest_replicas, possible_weights
from unipipe_tui.domain.values import frozen


class Division(StrEnum):
    """What divides the requests among the variants."""

    PODS = "pods"
    """One Service over the pods of all variants that answer: each pod gets as much as any other."""
    GATEWAY = "gateway"
    """The weights of an HTTPRoute."""
    ROUTER = "router"
    """Our own server: it alone can mirror, keep a caller with a variant, and tell one variant from another."""


@frozen
class Shares:
    """How many pods each variant has, and what divides the requests."""

    division: Division
    replicas: Mapping[str, int]
    """By the name of the variant."""
    traffic: Traffic
    """With the weights that these pods give."""


def division_of(traffic: Traffic, has_gateway: bool) -> Division:
    """What can give a traffic."""
    names = {variant.name for variant in traffic.variants}
    answering = _answering(traffic)
    mirrored = any(variant.mirrored for variant in traffic.variants)
    if mirrored or traffic.sticky or {A, B} <= names or len(answering) > 2:
        return Division.ROUTER
    return Division.GATEWAY if has_gateway and len(answering) > 1 else Division.PODS


def shares_of(traffic: Traffic, capacity: int, has_gateway: bool) -> Shares:
    """How many of the pods each variant gets, when `capacity` of them carry the requests."""
    division = division_of(traffic, has_gateway)
    answering = _answering(traffic)
    if division is not Division.PODS or len(answering) < 2:
        return Shares(division, {variant.name: capacity for variant in traffic.variants}, traffic)
    lesser, greater = sorted(answering, key=lambda variant: variant.weight)
    # Of equals the first one counts as the candidate, as a strategy names it first.
    lesser, greater = answering if lesser.weight == greater.weight else (lesser, greater)
    number, total = nearest_replicas(lesser.weight, capacity)
    replicas = {variant.name: capacity for variant in traffic.variants}
    replicas |= {lesser.name: number, greater.name: total - number}
    given = {lesser.name: ALL * number / total, greater.name: ALL * (total - number) / total}
    variants = tuple(replace(variant, weight=given.get(variant.name, variant.weight)) for variant in traffic.variants)
    return Shares(division, replicas, Traffic(variants, traffic.sticky))


def why_another(wanted: Traffic, shares: Shares, capacity: int) -> str:
    """Why the traffic that pods give is not the one that was wanted; empty when it is."""
    off = [
        (one, given)
        for one, given in zip(wanted.variants, shares.traffic.variants, strict=True)
        if abs(one.weight - given.weight) > 0.05
    ]
    if not off:
        return ""
    one, given = min(off, key=lambda pair: pair[0].weight)
    total = sum(shares.replicas[variant.name] for variant in _answering(wanted))
    others = ", ".join(f"{weight:.3g}" for weight in possible_weights(capacity))
    article = "An" if one.name[:1] in "aeiou" else "A"
    return (
        f"{article} {one.name} of {one.weight:.3g} % of {capacity} {_replicas(capacity)} is not possible; the nearest is "
        f"{shares.replicas[one.name]} of {total} = {given.weight:.3g} %. Possible are {others} %; any weight with more "
        "replicas, a `gateway`, or a sticky column."
    )


def _answering(traffic: Traffic) -> list[Variant]:
    return [variant for variant in traffic.variants if variant.weight > 0 and not variant.mirrored]


def _replicas(number: int) -> str:
    return "replica" if number == 1 else "replicas"
