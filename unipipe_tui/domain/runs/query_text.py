"""Questions about runs as a person types them: MLflow's filter language and a little more, read into `query`'s values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Field,
    FieldKind,
    Not,
    Operator,
    Order,
    Word,
)
from unipipe_tui.domain.runs.query_grammar import (
    ATTRIBUTES,
    DATASET_KEYS,
    KINDS,
    ORDERING,
    Holds,
    as_number,
    attribute_named,
    holds,
    kind_named,
    operator_written,
)
from unipipe_tui.domain.runs.query_words import QUOTES, Place, Token, TokenKind, tokens_of

DEEPEST = 50
"""How many brackets and `not`s may stand in each other."""

MOST = 100
"""How many conditions there may be: each costs some milliseconds, and `IN` takes any number of values for one."""


def parse_where(text: str) -> Condition | None:
    """What the text asks for; None when it is empty and all runs fit.

    Raises:
        UsageError: it is not in the language; the message names the column, the hint shows the place.
    """
    parser = _Parser(text)
    return None if parser.at_end else parser.whole(parser.condition)


def parse_field(text: str) -> Field:
    """The field of this name: `metrics.auc`, `params.depth`, `start_time`.

    Raises:
        UsageError: there is no such field.
    """
    parser = _Parser(text)
    return parser.whole(parser.field)


def parse_order(text: str) -> Order:
    """A field and which way: `metrics.auc DESC`; the smallest come first unless told.

    Raises:
        UsageError: there is no such field, or runs cannot be ordered by it.
    """
    parser = _Parser(text)
    return parser.whole(parser.order)


Read = TypeVar("Read")


class _Parser:
    """Reads from left to right; each method takes its part and leaves the rest."""

    def __init__(self, text: str) -> None:
        self._place = Place(text)
        self._tokens = tokens_of(self._place)
        self._at = 0
        self._depth = 0
        self._conditions = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._here.kind is TokenKind.END

    def whole(self, part: Callable[[], Read]) -> Read:
        """This part, and nothing after it."""
        read = part()
        if not self.at_end:
            raise self._wrong(
                self._here, f"{self._here.shown} is not expected here", 'Write text with signs as "text".'
            )
        return read

    def order(self) -> Order:
        """A field, then which way."""
        name = self._here
        found = self.field()
        if found.kind is FieldKind.DATASET:
            raise self._wrong(
                name, "runs cannot be ordered by their data sets", "Take a metric, param, tag or attribute."
            )
        way = self._here.keyword
        if way in ("ASC", "DESC"):
            self._take()
        elif not self.at_end:
            raise self._wrong(self._here, f"expected ASC or DESC, found {self._here.shown}", _ONE_ORDER)
        return Order(found, descending=way == "DESC")

    def condition(self) -> Condition:
        """Alternatives."""
        alternatives = [self._all_of()]
        while self._here.keyword == "OR":
            self._take()
            alternatives.append(self._all_of())
        return alternatives[0] if len(alternatives) == 1 else AnyOf(tuple(alternatives))

    def _all_of(self) -> Condition:
        conditions = [self._one()]
        while not self.at_end and self._here.kind is not TokenKind.CLOSE and self._here.keyword != "OR":
            if self._here.keyword == "AND":
                self._take()
            conditions.append(self._one())
        return conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))

    def _one(self) -> Condition:
        if self._here.keyword == "NOT":
            self._take()
            return Not(self._deeper(self._one))
        if self._here.kind is TokenKind.OPEN:
            self._take()
            inside = self._deeper(self.condition)
            self._expect(TokenKind.CLOSE, "a closing bracket", "Every bracket that is opened is closed: ( ... ).")
            return inside
        if self._here.kind is not TokenKind.NAME or self._here.keyword in ("AND", "OR"):
            raise self._wrong(self._here, f"expected a condition, found {self._here.shown}", _FOR_EXAMPLE)
        self._conditions += 1
        if self._conditions > MOST:
            raise self._wrong(self._here, f"there are more than {MOST} conditions", _IN_A_LIST)
        return self._comparison() if self._operator_follows() else self._word()

    def _deeper(self, part: Callable[[], Condition]) -> Condition:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(self._here, f"more than {DEEPEST} brackets and `not`s stand in each other", _FLATTER)
        read = part()
        self._depth -= 1
        return read

    def _operator_follows(self) -> bool:
        after = self._tokens[self._at + 1]
        if after.kind is TokenKind.SIGN or after.keyword in ("LIKE", "ILIKE", "IN", "IS"):
            return True
        return after.keyword == "NOT" and self._tokens[self._at + 2].keyword in ("IN", "LIKE", "ILIKE")

    def _word(self) -> Word:
        token = self._take()
        colon = token.plain.find(":")
        if colon < 1 or token.plain.startswith("://", colon):
            # `run.py` may be a word, but who writes `metrics.x` has begun a comparison.
            if token.plain.partition(".")[0] in _kinds() and "." in token.plain:
                raise self._wrong(
                    self._here,
                    f"expected an operator after {token.shown}, found {self._here.shown}",
                    "Quote it to look for the text.",
                )
            return Word(token.text)
        if colon + 1 == len(token.text) and not token.raw.endswith(tuple(QUOTES)):
            raise self._place.wrong(token.start + len(token.raw), f"expected a value after {token.shown}", _FOR_EXAMPLE)
        return Word(token.text[colon + 1 :], token.text[:colon])

    def field(self) -> Field:
        """A name with a kind before it, or of an attribute."""
        token = self._here
        if token.kind is not TokenKind.NAME:
            raise self._wrong(token, f"expected a field, found {token.shown}", _FOR_EXAMPLE)
        self._take()
        dot = token.plain.find(".")
        kind = FieldKind.ATTRIBUTE if dot < 0 else kind_named(token.text[:dot])
        key = token.text[dot + 1 :]
        if kind is None:
            raise self._wrong(token, f"{token.text[:dot]!r} is no kind of field", f"There is {_listed(_kinds())}.")
        if not key:
            raise self._place.wrong(token.start + len(token.raw), f"expected a name after {token.shown}", _FOR_EXAMPLE)
        return Field(kind, self._known(token, kind, key))

    def _known(self, token: Token, kind: FieldKind, key: str) -> str:
        """The key, in our own words where those are fixed."""
        if kind is FieldKind.ATTRIBUTE:
            attribute = attribute_named(key)
            if attribute is None:
                known = _listed(row.name for row in ATTRIBUTES)
                raise self._wrong(
                    token, f"there is no attribute {key!r}", f"There is {known}; others are written {_SPELLED}."
                )
            return attribute.name
        if kind is FieldKind.DATASET and key not in DATASET_KEYS:
            raise self._wrong(token, f"a data set has no {key!r}", f"It has {_listed(DATASET_KEYS)}.")
        return key

    def _comparison(self) -> Comparison:
        found = self.field()
        sign = self._here
        operator = self._operator()
        kept = holds(found.kind, found.key)
        if operator not in kept.operators:
            allowed = _listed(one.value for one in kept.operators)
            raise self._wrong(sign, f"{found} cannot be compared by {operator.value}", f"It can by {allowed}.")
        return Comparison(found, operator, self._value_for(operator, kept))

    def _operator(self) -> Operator:
        first = self._take()
        written = first.keyword or first.text
        if written == "IS":
            negated = self._here.keyword == "NOT"
            if negated:
                self._take()
            if self._here.keyword != "NULL":
                raise self._wrong(
                    self._here,
                    f"expected {'NULL' if negated else 'NULL or NOT NULL'}, found {self._here.shown}",
                    "For example: metrics.loss IS NULL, tags.reviewed IS NOT NULL.",
                )
            self._take()
            return Operator.IS_NOT_NULL if negated else Operator.IS_NULL
        if written == "NOT":
            written = f"NOT {self._take().keyword}"
        operator = operator_written(written)
        if operator is None:
            known = _listed(one.value for one in Operator)
            raise self._wrong(
                first, f"there is no operator {written}", f"There is {known}; turn one round with not ( ... )."
            )
        return operator

    def _value_for(self, operator: Operator, kept: Holds) -> str | float | tuple[str, ...] | None:
        if operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
            return None
        if operator in (Operator.IN, Operator.NOT_IN):
            return self._list()
        if kept is Holds.TIME:
            return self._moment()
        if kept is Holds.NUMBER or operator in ORDERING:
            return self._number()
        return self._text()

    def _list(self) -> tuple[str, ...]:
        self._expect(TokenKind.OPEN, "a list such as ('a', 'b')", _A_LIST)
        texts = [self._listed_text()]
        while self._is(TokenKind.COMMA) and self._take() and not self._is(TokenKind.CLOSE):
            texts.append(self._listed_text())
        self._expect(TokenKind.CLOSE, "a comma or the closing bracket", _A_LIST)
        return tuple(texts)

    def _listed_text(self) -> str:
        token = self._value("a text", _A_LIST)
        return _python_text(token.raw) if token.is_quoted else token.text

    def _text(self) -> str:
        return self._value("a text", "For example: params.depth = '6'.").text

    def _number(self) -> float:
        token = self._value("a number", _A_NUMBER)
        number = None if token.is_quoted else as_number(token.text)
        if number is None:
            raise self._wrong(token, f"expected a number, found {token.shown}", _A_NUMBER)
        return number

    def _moment(self) -> float:
        token = self._value("a time", _A_TIME)
        number = None if token.is_quoted else as_number(token.text)
        if number is not None:
            return number
        with suppress(ValueError, OverflowError):
            return milliseconds(token.text)
        raise self._wrong(
            token,
            f"expected a time, found {token.shown}",
            _A_TIME,
        )

    def _value(self, expected: str, remedy: str) -> Token:
        token = self._here
        if token.kind is not TokenKind.NAME or token.keyword in ("AND", "OR"):
            raise self._wrong(token, f"expected {expected}, found {token.shown}", remedy)
        return self._take()

    def _expect(self, kind: TokenKind, expected: str, remedy: str) -> None:
        if self._here.kind is not kind:
            raise self._wrong(self._here, f"expected {expected}, found {self._here.shown}", remedy)
        self._take()

    def _is(self, kind: TokenKind) -> bool:
        return self._here.kind is kind

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._here
        # The end stays, however often it is taken.
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _wrong(self, token: Token, what: str, remedy: str) -> UsageError:
        return self._place.wrong(token.start, what, remedy)


def milliseconds(text: str) -> float:
    """A date, or a date and a time, as milliseconds since the epoch; in UTC unless it names a zone.

    Raises:
        ValueError: it is no date.
    """
    moment = datetime.fromisoformat(text)
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _python_text(raw: str) -> str:
    """A text in a list, which MLflow reads as Python does, unlike those outside of lists."""
    with suppress(SyntaxError, ValueError):
        value = ast.literal_eval(raw)
        if isinstance(value, str):
            return value
    return raw[1:-1]


def _kinds() -> list[str]:
    return [row.kind.value for row in KINDS]


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


_SPELLED = "metrics.NAME, params.NAME or tags.NAME"
_FOR_EXAMPLE = "For example: metrics.auc > 0.8 and params.depth = '6'."
_ONE_ORDER = "Each order is a field and a way, as in 'metrics.auc DESC'; give several one by one."
_IN_A_LIST = "Several values of one field go into one condition: params.depth IN ('4', '6')."
_FLATTER = "Leave out what is not needed: `a and (b and c)` is `a and b and c`."
_A_LIST = "For example: params.model IN ('svm', 'knn')."
_A_NUMBER = "Write it without quotes, as in 0.8 or 1e-3."
_A_TIME = "Write a date, as '2026-11-21' or '2026-11-21T08:30', or milliseconds."
