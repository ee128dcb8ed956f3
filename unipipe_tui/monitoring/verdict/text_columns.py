"""Which columns are free text, which may be lists of numbers, and what the columns are called that stand for a text."""

from __future__ import annotations

from unipipe_tui.monitoring.distributions import CategoricalDistribution, Distribution, Family, Profile

LIST_BEGINS = "["
CLASSES = (("letters", r"\p{L}"), ("digits", r"\p{Nd}"), ("punctuation", r"\p{P}\p{S}"), ("non_ascii", r"^\x00-\x7F"))
"""The characters that are counted, as they stand in a class of a regular expression."""


def free_texts(reference: Profile) -> tuple[str, ...]:
    """The columns of free text; texts that are all lists of numbers are vectors, and no texts."""
    return tuple(
        name
        for name, distribution in reference.columns
        if _is_free(distribution) and not looks_like_lists(distribution)
    )


def _is_free(distribution: Distribution) -> bool:
    return (
        isinstance(distribution, CategoricalDistribution)
        and distribution.family is Family.TEXT
        and distribution.other > 0
    )


def looks_like_lists(distribution: Distribution) -> bool:
    """Whether every text that is named begins like a list."""
    named = distribution.counts if isinstance(distribution, CategoricalDistribution) else ()
    return bool(named) and all(str(value).lstrip().startswith(LIST_BEGINS) for value, _ in named)


def derived_names(text: str) -> tuple[str, ...]:
    """What the columns that stand for a text are called."""
    return tuple(f"{kind}({text})" for kind in ("length", *(kind for kind, _ in CLASSES), "blank"))
