"""How the rules of the linter look into documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Document = dict[str, Any]


def of_kind(documents: Sequence[Document], kind: str) -> list[Document]:
    """The documents of a kind."""
    return [one for one in documents if one.get("kind") == kind]


def path_of(document: Document | None, *keys: str) -> Any:
    """What stands at a path of keys; None where it ends before."""
    found: Any = document
    for key in keys:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found
