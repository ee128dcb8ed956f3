"""What a few typed letters mean: a place, a command of the user's own, or a capability. Knows no Textual."""

from __future__ import annotations

from collections.abc import Sequence

from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.tui.places import PLACES


def fitting(text: str, own: Sequence[str] = ()) -> tuple[str, ...]:
    """The names that fit, the likeliest first: places, then the user's own commands, then capabilities.

    All places when nothing was typed. Each word is the beginning of a word of the name, in order: `mo pr` means `models promote`.
    """
    words = text.casefold().split()
    places = [place.name for place in PLACES if len(words) <= 1 and place.name.startswith("".join(words))]
    if not words:
        return tuple(places)
    names = [*own, *(action.name for action in CATALOG)]
    first = [name for name in names if _begins(name.casefold().split(), words)]
    later = [name for name in names if name not in first and _begins(name.casefold().split()[1:], words)]
    return (*places, *first, *later)


def _begins(name: list[str], words: list[str]) -> bool:
    return len(words) <= len(name) and all(part.startswith(word) for part, word in zip(name, words, strict=False))
