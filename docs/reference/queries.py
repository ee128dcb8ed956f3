"""`queries.md`: the language in which runs are asked for, from the table that the program reads it by."""

from __future__ import annotations

from collections.abc import Iterable

from reference.markdown import block, code, document, table
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.runs.query_grammar import (
    ATTRIBUTES,
    FORMS,
    KINDS,
    OPERATORS,
    ORDERS,
    QUOTES,
    FormRow,
    Holds,
    KindRow,
)
from unipipe_tui.domain.runs.query_text import parse_where

INTRODUCTION = """\
`unipipe runs list --where`, every other command that takes `--where`, and the filter of the screen of runs read the same
language. It is MLflow's own filter syntax as it is, and a little more: words, `or`, `not`, brackets, values without quotes.
What MLflow's `search_runs` accepts is answered with the same runs in the same order."""

SHELL = """\
unipipe runs list --where "metrics.pr_auc > 0.8 and params.depth = '6'" --order-by 'metrics.pr_auc DESC'
unipipe runs list --where 'xgboost status:failed started:2026-11'"""

EQUALITY = """\
A run that lacks the field fits no comparison with it, `!=` and `NOT IN` neither; ask `IS NULL` for those, or turn the
condition round: `not params.depth = '6'` is every run but those with a depth of 6. A metric that is NaN fits only `!=`. Texts
are compared letter by letter, params too: `'6'` is not `'6.0'`."""

TIMES = """\
A moment is a number of milliseconds since 1970, as MLflow keeps it, or a date: `'2026-11-21'`, `'2026-11-21T08:30'`, in UTC
unless it names a zone."""

MISTAKES = """\
A mistake is pointed at, and the command ends with exit code 2:"""

MISTAKE = "metrics.x > abc"


def page() -> str:
    """The whole page."""
    return document(
        "# Asking for runs",
        INTRODUCTION,
        block("sh", SHELL),
        "## Fields",
        table(("field", "also written", "what it is", "compared by", "examples"), map(_kind, KINDS)),
        "## Attributes",
        table(
            ("attribute", "also written", "holds", "what it is"),
            ((code(row.name), _codes(row.also), row.holds.value, row.meaning) for row in ATTRIBUTES),
        ),
        "\n".join(map(_held, (Holds.TEXT, Holds.NUMBER, Holds.TIME))),
        TIMES,
        "## Comparisons",
        table(
            ("operator", "also written", "fits when the value", "example"),
            ((code(row.operator.value), _codes(row.also), row.meaning, code(row.example)) for row in OPERATORS),
        ),
        EQUALITY,
        "## Words, and putting conditions together",
        _forms(FORMS),
        "## Quotes",
        _forms(QUOTES),
        "## Order",
        _forms(ORDERS),
        "Runs that are alike in it come by the newest start first, and so do all runs when no order is asked for.",
        "## Mistakes",
        MISTAKES,
        block("text", _mistake(MISTAKE)),
    )


def _kind(row: KindRow) -> tuple[str, ...]:
    operators = "what it holds, see below" if row.kind is FieldKind.ATTRIBUTE else _codes(row.holds.operators)
    return code(f"{row.kind}.KEY"), _codes(row.also), row.meaning, operators, ", ".join(map(_example, row.examples))


def _held(holds: Holds) -> str:
    return f"What holds a {holds.value} is compared by {_codes(holds.operators)}."


def _mistake(text: str) -> str:
    try:
        parse_where(text)
    except UsageError as error:
        return f"{error.message}\n{error.hint}"
    raise ValueError(f"{text} is no mistake")


def _forms(rows: Iterable[FormRow]) -> str:
    return table(("written", "meaning", "example"), ((row.written, row.meaning, _example(row.example)) for row in rows))


def _example(text: str) -> str:
    # What has a backquote in it stands between two.
    return f"`` {text} ``" if "`" in text else code(text)


def _codes(words: Iterable[str]) -> str:
    return ", ".join(map(code, words))
