"""How a configuration refuses what could not work: an error that whoever reads the file tells with its place."""

from __future__ import annotations


def demand(kept: bool, why: str) -> None:
    """Raise ValueError with the sentence unless it is kept."""
    if not kept:
        raise ValueError(why)


def must_be(kept: bool, key: str, wanted: str) -> None:
    """Raise ValueError that says what a key must be unless it is that."""
    demand(kept, f"`{key}` must be {wanted}")
