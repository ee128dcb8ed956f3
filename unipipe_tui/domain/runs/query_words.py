"""The words of a question about runs, each with its place, and the error that points at one."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.values import frozen

QUOTES = "'\"`"
_PLAIN = re.compile(r"[^\s'\"`(),=<>!]+")
_SIGN = re.compile(r"[=<>!]+")
_SPACE = re.compile(r"\s*")
_SHOWN_AROUND = 60
"""How many characters before and behind the place an error shows."""


class TokenKind(Enum):
    """What a word is."""

    NAME = "name"
    """Letters, or a quoted text, or some of both around a dot or colon: `depth`, `metrics."val loss"`, `tag:'a b'`."""
    SIGN = "sign"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    END = "end"


@frozen
class Token:
    """One word of the text."""

    kind: TokenKind
    start: int
    """Where it begins, from 0."""
    raw: str
    """As it is written."""
    text: str
    """Without the quotes."""
    plain: str
    """As `text`, but a NUL for each character that was quoted: what is to be read as part of the language."""

    @property
    def is_quoted(self) -> bool:
        """Whether all of it is one quoted text."""
        return self.raw[:1] in set(QUOTES) and not self.plain.strip("\0")

    @property
    def keyword(self) -> str:
        """The word in upper case, empty when it is none or quoted."""
        return self.plain.upper() if self.kind is TokenKind.NAME and "\0" not in self.plain else ""

    @property
    def shown(self) -> str:
        """It, for a message."""
        return (
            "the end"
            if self.kind is TokenKind.END
            else _one_line(self.raw if len(self.raw) <= 40 else f"{self.raw[:39]}…")
        )


@frozen
class Place:
    """The whole text, for errors that point into it."""

    text: str

    def wrong(self, at: int, what: str, remedy: str) -> UsageError:
        """The error that says what is wrong at this character (from 0); the hint shows it with a caret below the remedy."""
        begin, end = max(0, at - _SHOWN_AROUND), at + _SHOWN_AROUND
        before = ("…" if begin else "") + _one_line(self.text[begin:at])
        line = before + _one_line(self.text[at:end]) + ("…" if end < len(self.text) else "")
        picture = f"    {line}\n    {' ' * _width(before)}^"
        return UsageError(f"Column {at + 1}: {what}.", f"{remedy}\n{picture}")


def tokens_of(place: Place) -> tuple[Token, ...]:
    """All words of the text, and the end.

    Raises:
        UsageError: a quote is not closed.
    """
    tokens = []
    at = _after_space(place.text, 0)
    while at < len(place.text):
        tokens.append(_token_at(place, at))
        at = _after_space(place.text, at + len(tokens[-1].raw))
    return (*tokens, Token(TokenKind.END, len(place.text), "", "", ""))


def _token_at(place: Place, at: int) -> Token:
    first = place.text[at]
    if first in "(),":
        return Token(TokenKind(first), at, first, first, first)
    if sign := _SIGN.match(place.text, at):
        return Token(TokenKind.SIGN, at, sign.group(), sign.group(), sign.group())
    return _name_at(place, at)


def _name_at(place: Place, start: int) -> Token:
    texts, plains, at = [""], [""], start
    while at < len(place.text):
        is_first, behind = at == start, plains[-1][-1:]
        if place.text[at] in QUOTES and (is_first or behind in (".", ":")):
            end = _closing_quote(place, at)
            texts.append(place.text[at + 1 : end])
            plains.append("\0" * (end - at - 1))
            at = end + 1
        elif (part := _PLAIN.match(place.text, at)) and (is_first or part.group()[0] in ".:"):
            texts.append(part.group())
            plains.append(part.group())
            at = part.end()
        else:
            # As in MLflow, no blank is needed between a quoted text and the next word.
            break
    return Token(TokenKind.NAME, start, place.text[start:at], "".join(texts), "".join(plains))


def _closing_quote(place: Place, opening: int) -> int:
    """Where the quoted text ends, by MLflow's rule: a doubled quote, or one behind a backslash, does not end it.

    Neither is taken away: MLflow compares with what stands there. A backslash at the very end is no escape.
    """
    quote = place.text[opening]
    at, fallback = opening + 1, None
    while (at := place.text.find(quote, at)) >= 0:
        if place.text[at + 1 : at + 2] == quote:
            at += 2
        elif quote != "`" and place.text[at - 1] == "\\" and at - 1 > opening:
            at, fallback = at + 1, at
        else:
            return at
    if fallback is not None:
        return fallback
    raise place.wrong(
        opening, f"the quote {quote} is not closed", "Close it, or stand it between quotes of another kind."
    )


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _one_line(text: str) -> str:
    """What can be printed of it, a blank for all else: no line ends, no control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _width(text: str) -> int:
    """How many columns of a terminal it takes."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )
