"""The key table with a user's own keys in it, or what is wrong with them. Knows no Textual."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from unipipe_tui.config import KeyChoice
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.keys import EVERYWHERE, FILTER, GRAPH, JOBS, LISTS, LOG, OUTPUT, PIPELINE, TABLES, TEXTS, KeyLine
from unipipe_tui.tui.places import PLACES

KEPT = frozenset(f"ctrl+{letter}" for letter in "hjklabdim")
"""What terminals, multiplexers and line editors take for themselves, or cannot tell from backspace, enter and tab."""
_NAMED = (
    "enter|escape|tab|space|backspace|delete|insert|home|end|pageup|pagedown|up|down|left|right|f[1-9]|f1[0-9]|f2[0-4]"
)
_A_KEY = re.compile(rf"[!-~¡-ÿ]|(?:(?:ctrl|shift|alt)\+)*(?:{_NAMED})|(?:ctrl|alt)\+(?:shift\+)?[a-z0-9]")
_IN_PLACES = frozenset({EVERYWHERE, LISTS, TABLES, FILTER, OUTPUT})
"""What is at hand in every place beside its own keys."""
_WITHIN: Mapping[str, frozenset[str]] = {
    **{place.name: frozenset() for place in PLACES},
    PIPELINE: frozenset({GRAPH, TEXTS}),
    JOBS: frozenset({LOG, TEXTS}),
}
"""What has the focus in a place and takes keys of its own; a key for everywhere meets all of them."""
_NEVER_TOGETHER = frozenset({frozenset({LISTS, TABLES}), frozenset({LISTS, OUTPUT}), frozenset({TABLES, OUTPUT})})
"""Only one of them has the focus."""


@frozen
class KeyTable:
    """All keys as they are in force, and what was wrong with the wishes."""

    lines: tuple[KeyLine, ...]
    problems: tuple[str, ...] = ()

    def keys_of(self, id: str) -> tuple[str, ...]:
        """The keys of one thing; none when there is no such thing."""
        return self._by_id.get(id, ())

    @cached_property
    def _by_id(self) -> Mapping[str, tuple[str, ...]]:
        return {line.id: tuple(line.keys.split(",")) for line in self.lines}

    def legend(self, *ids: str) -> str:
        """`y copy · esc close`: one key of each, and its label."""
        said = [(self.keys_of(id), id.rpartition(".")[2].replace("-", " ")) for id in ids]
        return " · ".join(f"{_likeliest(keys)} {label}" for keys, label in said if keys)


def _likeliest(keys: Sequence[str]) -> str:
    """The key that people think of first."""
    return "esc" if "escape" in keys else keys[0]


def chosen_table(table: Sequence[KeyLine], choices: Sequence[KeyChoice]) -> KeyTable:
    """The table with the chosen keys; with any fault in them, the table as it was and one sentence a fault."""
    known = {line.id: line for line in table}
    problems = [problem for choice in choices for problem in _faults(choice, known)]
    if not problems:
        by_id = {choice.id: choice for choice in choices}
        lines = tuple(
            dataclasses.replace(line, keys=",".join(by_id[line.id].keys)) if line.id in by_id else line
            for line in table
        )
        problems = list(_clashes(lines, known, by_id))
        if not problems:
            return KeyTable(lines)
    return KeyTable(tuple(table), tuple(problems))


def _faults(choice: KeyChoice, known: Mapping[str, KeyLine]) -> Iterable[str]:
    line = known.get(choice.id)
    if line is None:
        yield f"{choice.where}: there is no `{choice.id}`. The help (?) and docs/keys.md name all."
        return
    if not line.does:
        yield f"{choice.where}: `{choice.id}` keeps its key ({line.keys})."
    for key in choice.keys:
        if fault := fault_of_key(key, choice.id):
            yield f"{choice.where}: {fault}"


def fault_of_key(key: str, wanted_for: str) -> str:
    """Why something cannot be a key; empty when it can."""
    if key in KEPT:
        return f"{key} cannot be used for `{wanted_for}`: terminals keep it for themselves."
    if not _A_KEY.fullmatch(key) or key == ",":
        return f"`{key}` is no key. Examples: x, X, f5, ctrl+t, enter, pagedown."
    return ""


def can_meet(place: str, other: str) -> bool:
    """Whether a key of a whole place, or of all, can be meant at the same moment as one of another part."""
    return _meet(place, other) or other in _WITHIN.get(place, frozenset().union(*_WITHIN.values()))


def _clashes(
    lines: Sequence[KeyLine], before: Mapping[str, KeyLine], choices: Mapping[str, KeyChoice]
) -> Iterable[str]:
    for line in lines:
        if line.id not in choices:
            continue
        wanted = line.keys.split(",")
        for number, key in enumerate(wanted):
            if key in wanted[:number]:
                yield f"{choices[line.id].where}: {key} is given twice for `{line.id}`."
        fresh = set(wanted) - set(before[line.id].keys.split(","))
        for other in lines:
            # Two wishes for one key are one clash.
            is_told = other.id in choices and other.id <= line.id
            if other.id != line.id and not is_told and _meet(line.screen, other.screen):
                for key in sorted(fresh & set(other.keys.split(","))):
                    yield f"{choices[line.id].where}: {key} of `{line.id}` is the key of `{other.id}` already."


def _meet(one: str, other: str) -> bool:
    """Whether the keys of both can be meant at the same moment."""
    if one == other:
        return True
    if frozenset({one, other}) in _NEVER_TOGETHER:
        return False
    places = {place.name for place in PLACES}
    return (one in _IN_PLACES and other in _IN_PLACES | places) or (other in _IN_PLACES and one in places)
