"""Releases that are simply made up, for targets that run images."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.rollouts.traffic import CANARY, STABLE, Traffic, Variant, only

AT = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
IMAGE = f"registry.example.com/fraud@sha256:{'a' * 64}"


def bundle(version: int, model: str = "fraud") -> Bundle:
    """A bundle of nothing, with a digest of its own."""
    return Bundle(model, version, f"run{version}", 0.5, "c" * 40, "d" * 32, (), f"{version:08x}"[::-1] + "0" * 56)


def variant(name: str, version: int, weight: float = 100.0, mirrored: bool = False, model: str = "fraud") -> Variant:
    """A variant of that version."""
    return Variant(name, model, version, bundle(version, model).digest, weight, mirrored)


def wanted(
    release: str,
    traffic: Traffic,
    replaces: str | None = None,
    image: str = IMAGE,
    images: dict[int, str] | None = None,
) -> Wanted:
    """A wish; `images` has those of versions with another one."""
    packages = {
        one.digest: Package(Path("/nowhere"), bundle(one.version, one.model), (images or {}).get(one.version, image))
        for one in traffic.variants
    }
    return Wanted(release, traffic, packages, "ada", AT, replaces)


def stable(version: int) -> Traffic:
    """Everything to one version."""
    return only(variant(STABLE, version))


def canary(new: int, old: int, weight: float) -> Traffic:
    """Some to a new one."""
    return Traffic((variant(CANARY, new, weight), variant(STABLE, old, 100 - weight)))
