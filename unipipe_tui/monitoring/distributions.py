"""What a set of rows looks like, column by column, in a form small enough to keep, compare and draw."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from hashlib import sha256
from typing import Any

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen

FORMAT = 2
"""Of what is kept; another one where rows are counted otherwise, so that nothing is compared with old counts."""


class Family(Enum):
    """What a column holds, whatever the file format calls it."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "true or false"


@frozen
class NumericDistribution:
    """Numbers counted in bins.

    Bin `i` holds the values with `edges[i - 1] < value <= edges[i]`; the first and the last bin are open, so there is
    one more count than edges. Infinite values fall into those; NaN counts as missing. `minimum`, `maximum`, `mean` and
    `std` (n - 1 in the denominator, 0 for a single value) are those of the finite values, None when there is none; the
    moments leave out magnitudes of 1e150 and more, whose squares would overflow.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None

    @property
    def family(self) -> Family:
        return Family.NUMBER

    @property
    def present(self) -> int:
        """How many rows hold a value."""
        return sum(self.counts)


@frozen
class CategoricalDistribution:
    """Values counted by name, the most frequent first and equal counts by name.

    `other` is the number of rows whose value is not named.
    """

    counts: tuple[tuple[str, int], ...]
    missing: int
    other: int = 0
    family: Family = Family.TEXT

    @property
    def present(self) -> int:
        """How many rows hold a value."""
        return sum(count for _, count in self.counts) + self.other


Distribution = NumericDistribution | CategoricalDistribution


class ProblemKind(Enum):
    """Why a column could not be counted."""

    ABSENT = "absent"
    TYPE_CHANGED = "type changed"
    NOT_COMPARABLE = "not comparable"


@frozen
class ColumnProblem:
    """A column that was asked for and has no distribution, with the reason as a sentence."""

    column: str
    kind: ProblemKind
    sentence: str


@frozen
class Profile:
    """The distributions of one set of rows; `make_profile` makes one. `digest` is the SHA-256 of all else in it."""

    rows: int
    columns: tuple[tuple[str, Distribution], ...]
    problems: tuple[ColumnProblem, ...]
    digest: str

    def column(self, name: str) -> Distribution | None:
        """The distribution of one column, or None when it has none (see `problem`)."""
        return next((distribution for column, distribution in self.columns if column == name), None)

    def problem(self, name: str) -> ColumnProblem | None:
        """Why a column has no distribution, or None when nothing is wrong with it."""
        return next((problem for problem in self.problems if problem.column == name), None)

    def to_json(self) -> str:
        """One line of JSON that `profile_from_json` reads back to an equal profile."""
        return _dumped({"format": FORMAT, "digest": self.digest} | _content(self.rows, self.columns, self.problems))


def make_profile(
    rows: int, columns: Iterable[tuple[str, Distribution]], problems: Iterable[ColumnProblem] = ()
) -> Profile:
    """A profile with its digest: equal contents have equal digests, on any machine."""
    columns, problems = tuple(columns), tuple(problems)
    digest = sha256(_dumped(_content(rows, columns, problems)).encode("utf-8")).hexdigest()
    return Profile(rows, columns, problems, digest)


def profile_of(rows: int, counted: Mapping[str, Distribution | ColumnProblem]) -> Profile:
    """The profile of columns that were counted, or could not be."""
    columns = counted.items()
    return make_profile(
        rows,
        [(name, found) for name, found in columns if not isinstance(found, ColumnProblem)],
        [found for _, found in columns if isinstance(found, ColumnProblem)],
    )


def profile_from_json(text: str) -> Profile:
    """The profile that `Profile.to_json` wrote.

    Raises `Failed` when the text is no profile, was written in another format, or was changed since (its digest
    differs): a damaged reference would silently change every later verdict.
    """
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError("another format")
        profile = make_profile(
            document["rows"],
            ((name, _distribution_from(value)) for name, value in document["columns"]),
            (ColumnProblem(column, ProblemKind(kind), sentence) for column, kind, sentence in document["problems"]),
        )
        if profile.digest != document["digest"]:
            raise ValueError("its digest differs")
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(
            f"This is not a profile that can be used: {error}", "Delete it; it is made again from the data."
        ) from error
    return profile


def _content(
    rows: int, columns: tuple[tuple[str, Distribution], ...], problems: tuple[ColumnProblem, ...]
) -> dict[str, Any]:
    return {
        "rows": rows,
        "columns": [[name, _document(distribution)] for name, distribution in columns],
        "problems": [[problem.column, problem.kind.value, problem.sentence] for problem in problems],
    }


def _document(distribution: Distribution) -> dict[str, Any]:
    if isinstance(distribution, NumericDistribution):
        return {
            "edges": list(distribution.edges),
            "counts": list(distribution.counts),
            "missing": distribution.missing,
            "minimum": distribution.minimum,
            "maximum": distribution.maximum,
            "mean": distribution.mean,
            "std": distribution.std,
        }
    return {
        "family": distribution.family.value,
        "counts": [list(pair) for pair in distribution.counts],
        "missing": distribution.missing,
        "other": distribution.other,
    }


def _distribution_from(document: dict[str, Any]) -> Distribution:
    if "family" in document:
        return CategoricalDistribution(
            counts=tuple((str(name), int(count)) for name, count in document["counts"]),
            missing=document["missing"],
            other=document["other"],
            family=Family(document["family"]),
        )
    return NumericDistribution(
        edges=tuple(document["edges"]),
        counts=tuple(document["counts"]),
        missing=document["missing"],
        minimum=document["minimum"],
        maximum=document["maximum"],
        mean=document["mean"],
        std=document["std"],
    )


def _dumped(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
