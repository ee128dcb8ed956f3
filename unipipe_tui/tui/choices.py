"""The choices of a field: which of them fit what is typed, and what taking one does to the text. Knows no Textual."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from unipipe_tui.domain.values import frozen


@frozen
class Choice:
    """One value that makes sense in a field."""

    value: str
    remark: str = ""
    """What tells it from the others."""
    short: str = ""
    """What stands in the list where the value is long; empty: the value itself."""
    also: tuple[str, ...] = ()
    """Other texts that mean the same."""

    @property
    def shown(self) -> str:
        """What stands in the list."""
        return self.short or self.value


@frozen
class Choices:
    """The answer of a listing."""

    offered: tuple[Choice, ...]
    total: int
    """How many there are; more than are offered when only the newest were asked for."""
    open: bool = False
    """Whether other values make sense as well."""
    by_part: bool = False
    """Whether a part of a value means it."""

    def strange(self, word: str) -> bool:
        """Whether nothing that is known can be meant by the word."""
        if self.open or self.total > len(self.offered):
            return False
        return not any(
            word == choice.value or word in choice.also or (self.by_part and word in choice.value)
            for choice in self.offered
        )


@frozen
class Typed:
    """A text in parts: what stays when a choice is taken, and the word that it replaces."""

    before: str
    word: str

    def taking(self, choice: Choice, many: bool) -> str:
        """The text with the choice in the place of the word."""
        return f"{self.before}{shlex.quote(choice.value)} " if many else choice.value


def typed_in(text: str, many: bool, untouched: bool = False) -> Typed:
    """What is typed just now; nothing, as long as the text is as it was when one came to the field."""
    if not many:
        return Typed("", "" if untouched else text.strip())
    if untouched:
        return Typed(f"{text.rstrip()} " if text.strip() else "", "")
    opened = _open_quotation(text)
    at = opened if opened is not None else len(text) - len(re.findall(r"\S*$", text)[0])
    return Typed(text[:at], text[at:].lstrip("'\""))


def matching(choices: Sequence[Choice], typed: Typed) -> tuple[Choice, ...]:
    """The choices that fit the word that is typed and do not stand before it already, those that begin with it first.

    A part of the word fits anywhere in a value, and where a word begins in a remark: `4` shall not find `14 h ago`.
    """
    parts = typed.word.casefold().split()
    given = words_of(typed.before, many=True)
    fitting = [choice for choice in choices if choice.value not in given and all(_has(choice, part) for part in parts)]
    start = typed.word.casefold()
    return tuple(sorted(fitting, key=lambda choice: _rank(choice.value.casefold(), start)))


def _has(choice: Choice, part: str) -> bool:
    if part in choice.value.casefold():
        return True
    return re.search(rf"(?<!\w){re.escape(part)}", choice.remark.casefold()) is not None


def _rank(value: str, start: str) -> int:
    return 0 if value.startswith(start) else 1 if start in value else 2


def _open_quotation(text: str) -> int | None:
    """Where the quotation begins that the text does not close."""
    opened: int | None = None
    for at, sign in enumerate(text):
        if opened is None and sign in "'\"":
            opened = at
        elif opened is not None and sign == text[opened]:
            opened = None
    return opened


def words_of(text: str, many: bool) -> tuple[str, ...]:
    """The values in a text; none where it cannot be read."""
    if not many:
        return (text.strip(),) if text.strip() else ()
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ()


def strange_words(choices: Choices, text: str, many: bool) -> tuple[str, ...]:
    """The values in a text that nothing known can be meant by."""
    return tuple(word for word in words_of(text, many) if choices.strange(word))


def counted(shown: int, choices: Choices) -> str:
    """`6 of 40`, and whether there are more than were asked for."""
    listed = len(choices.offered)
    if choices.total > listed:
        return f"{shown:,} of the newest {listed:,}; {choices.total:,} in all"
    return f"{shown:,} of {listed:,}"
