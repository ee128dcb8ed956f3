"""Events as lines of JSON: how a job tells what it does to whoever reads its file, now or later."""

from __future__ import annotations

import dataclasses
import json
import typing

from unipipe_tui.domain.events import Advanced, Event, StepEnded, StepStarted

_KINDS = {kind.__name__: kind for kind in typing.get_args(Event)}


def _mark(kind: type) -> bytes:
    return f'"event": "{kind.__name__}"'.encode()


STEP_MARKS = (_mark(StepStarted), _mark(StepEnded))
"""What stands in the line of a step's beginning or end, and in no other: a quotation mark in a text is escaped."""
ADVANCE_MARK = _mark(Advanced)
"""The same of work that moved on."""


def to_line(event: Event, at: float) -> str:
    """One line, without its end; `at` is in seconds since the epoch."""
    return json.dumps({"at": round(at, 3), "event": type(event).__name__, **dataclasses.asdict(event)})


def from_line(line: str) -> tuple[float, Event] | None:
    """The event and when it happened; None for a torn line or a kind that a newer program wrote."""
    try:
        fields = json.loads(line)
        at = float(fields.pop("at"))
        kind = _KINDS[fields.pop("event")]
        if "argv" in fields:
            fields["argv"] = tuple(fields["argv"])
        return at, kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
