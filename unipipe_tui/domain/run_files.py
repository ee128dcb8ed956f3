"""What a run left behind as files: their names and sizes, and the packages that it was made with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from unipipe_tui.domain.values import frozen

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)")


@frozen
class RunFiles:
    """The files of one run that are on this machine, those of the models that it logged included."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes by path; a logged model's files are below `model/`, those of a second one below `model-2/`."""
    packages: Mapping[str, str] | None = None
    """Version by package, as the logged model asks for them; None when no model says."""
    complete: bool = True
    """Whether all files are named: not when there are too many."""


def packages_of(requirements: Iterable[str]) -> dict[str, str]:
    """Version by package from lines such as `numpy==2.1.0`; without one version, all that the line asks for.

    Names are in the form that PyPI compares them by. Options, comments and nested files are left out.
    """
    found: dict[str, str] = {}
    for line in requirements:
        bare = line.partition(" #")[0].strip()
        parsed = _REQUIREMENT.fullmatch(bare) if not bare.startswith(("#", "-")) else None
        if parsed:
            asked = parsed[2].partition(";")[0].strip()
            exact = re.fullmatch(r"={1,3}\s*([^,\s=]+)(?:=[^,\s]*)?", asked)
            found[re.sub(r"[-_.]+", "-", parsed[1]).lower()] = exact[1] if exact else asked or "any"
    return found
