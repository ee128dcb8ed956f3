"""The desired file of a router, read back."""

from __future__ import annotations

import json

from unipipe_tui.domain.values import frozen


@frozen
class DesiredVariant:
    """One variant of a desired file."""

    name: str
    digest: str
    weight: float
    mirrored: bool


def read_desired(text: str) -> tuple[DesiredVariant, ...]:
    """The variants that a desired file names; none when it is not one."""
    try:
        found = json.loads(text)["variants"]
        return tuple(
            DesiredVariant(str(one["name"]), str(one["digest"]), float(one["weight"]), bool(one["mirrored"]))
            for one in found
        )
    except (ValueError, KeyError, TypeError):
        return ()
