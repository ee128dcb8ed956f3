"""Records that were sent to a model server, and a refusal told in their terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unipipe_tui.domain.serving import Record, Value
from unipipe_tui.domain.values import frozen


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_truth(text: str) -> bool:
    return text.strip().lower() in ("true", "false")


READERS: Mapping[str, Callable[[str], bool]] = {
    "must be a number": _is_number,
    "must be a whole number": _is_number,
    "must be true or false": _is_truth,
}
"""What a server wants of a field, in its own words, and whether a text would have been that but for the others."""


@frozen
class Sent:
    """What was sent so far, to tell a refusal in its terms."""

    records: Sequence[Record] = ()
    """All, also those of later batches."""
    begin: int = 0
    """How many came before those that were refused."""
    has_ids: bool = False

    @property
    def fate(self) -> str:
        """What became of the records before."""
        if not self.begin:
            return ""
        again = " When the rest is mended send all again: they keep their answers." if self.has_ids else ""
        return f" The {self.begin} records before were predicted and logged.{again}"

    def told(self, problem: Mapping[str, Any]) -> str:
        """Where the cause of a problem is: one word in a file makes text of its whole column."""
        number, name, reason = problem.get("record"), problem["field"], problem["reason"]
        if number is None:
            return f"{name}: {reason}"
        wanted, was_text, _ = reason.partition(", not the string ")
        values = [record.get(name) for record in self.records] if was_text and wanted in READERS else []
        misfit = _first_misfit(values, READERS.get(wanted, _is_number))
        if misfit is None:
            return f"record {number + self.begin}: {name}: {reason}"
        cause = f"not the string {str(values[misfit])[:40]!r}, which makes text of the whole column"
        return f"record {misfit}: {name}: {wanted}, {cause}"


def _first_misfit(texts: Sequence[Value], fits: Callable[[str], bool]) -> int | None:
    """Where the first text stands that made text of a column of another kind; None when none did."""
    if not all(text is None or isinstance(text, str) for text in texts):
        return None
    misfits = [place for place, text in enumerate(texts) if text is not None and not fits(str(text))]
    given = sum(text is not None for text in texts)
    return misfits[0] if 0 < len(misfits) < given else None
