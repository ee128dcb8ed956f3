"""Things that lineage walks between: what each is called, and which stand above and below it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.values import frozen


class ThingKind(StrEnum):
    """What kind of thing it is."""

    PRODUCTION = "production"
    PREDICTION = "prediction"
    RELEASE = "release"
    VERSION = "version"
    PROMOTION = "promotion"
    RUN = "run"
    COMMIT = "commit"
    DATA = "data"
    JOB = "job"


@frozen
class Thing:
    """One thing, by an id that can be walked to."""

    id: str
    """Its kind and what the kind calls it: `version:fraud-detector/2`, `run:f0435bc1…`, `production`."""
    kind: ThingKind
    title: str
    said: str = ""
    """What there is to know of it in a few words."""
    at: datetime | None = None


@frozen
class Neighbour:
    """A thing next to another, and what it is to that one."""

    relation: str
    """`made by run`, `released as`."""
    thing: Thing


@frozen
class ThingFact:
    """A single thing to know."""

    name: str
    value: str


@frozen
class Walk:
    """Where somebody stands, and where one can go from there."""

    thing: Thing
    facts: tuple[ThingFact, ...]
    above: tuple[Neighbour, ...]
    """What it came from."""
    below: tuple[Neighbour, ...]
    """What it led to."""
    notes: tuple[str, ...]
    """What is missing, and what was left out, one sentence each."""


def id_of(kind: ThingKind, *names: object) -> str:
    """The id of a thing: its kind and its names."""
    return f"{kind}:{'/'.join(str(name) for name in names)}"


def split_id(text: str) -> tuple[ThingKind, str] | None:
    """The kind and the rest of an id; None for a text that does not begin with a kind."""
    kind, colon, rest = text.partition(":")
    if text == ThingKind.PRODUCTION:
        return ThingKind.PRODUCTION, ""
    known = {str(member): member for member in ThingKind}
    return (known[kind], rest) if colon and kind in known and rest else None
