"""`monitoring/methods/`: one page for each way to compare a column, and their table of contents."""

from __future__ import annotations

from reference.markdown import block, code, document, table
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.drift import DEFAULT, METHOD_NOTE
from unipipe_tui.monitoring.methods.method import Method
from unipipe_tui.monitoring.methods.registry import METHODS

FOLDER = "monitoring/methods"
INTRODUCTION = """\
`unipipe drift check --method NAME` compares every column by one of these methods and judges it by the method's own rule;
without `--method` the default verdict holds (below). Names with a colon are the conventions of another library: the same
number to 1e-6, checked against the library itself on made columns and on the data sets that come with NannyML (car loan,
employment in Massachusetts); `benchmarks/peers/make_expected.py` makes the numbers that the tests compare with."""
ANSWER = """\
`--json` answers for each column with `method`, `value`, `p_value`, `effect`, `base` (of the logarithm), `bins`, `threshold`,
`reference_rows`, `current_rows`, `drifted` and a sentence. A number that a method does not have is `null`. Columns that a
method cannot compare are listed with the reason and are no drift; a column that is gone or holds something else is drift of
the schema with every method. Infinite values are left out and counted in the sentence. With `--fail-on-drift` drift ends
with exit code 4."""
DEFAULT_VERDICT = f"""\
{METHOD_NOTE} A column drifted when the adjusted p-value is at most {DEFAULT.significance:g} and the PSI beyond chance is at
least {DEFAULT.effect:g}, or when its share of missing values moved as surely and by at least {DEFAULT.missing_change:g}. With
fewer than {DEFAULT.minimum_rows} rows on either side nothing is judged. It is the verdict that is recorded and that opens
alerts. How often it is wrong, and how much it finds, beside Evidently and NannyML: [false alarms](../false-alarms.md)."""


def pages() -> dict[str, str]:
    """All pages: path below `docs/`, and text."""
    return {f"{FOLDER}/README.md": _contents(), **{f"{FOLDER}/{file_of(one.name)}": _page(one) for one in METHODS}}


def file_of(name: DriftMethod) -> str:
    """The file of a method's page: a colon has no place in a name on some systems."""
    return f"{name.replace(':', '-')}.md"


def _contents() -> str:
    rows = (
        (
            f"[{code(str(one.name))}]({file_of(one.name)})",
            one.title,
            _scales(one),
            one.logarithm or "-",
            one.decision.rule,
        )
        for one in METHODS
    )
    return document(
        "# Ways to compare a column",
        INTRODUCTION,
        table(("method", "what it is", "compares", "logarithm", "when it is drift"), rows),
        ANSWER,
        "## The default verdict",
        DEFAULT_VERDICT,
    )


def _page(method: Method) -> str:
    command = f"unipipe drift check --reference reference.parquet --current current.parquet --method {method.name}"
    return document(
        f"# {method.title}",
        f"{code(f'--method {method.name}')} compares {_scales(method)}. [All methods](README.md)",
        block("sh", command),
        "## Formula",
        block("text", method.formula),
        method.symbols,
        f"Logarithm: {method.logarithm or 'none'}.",
        "## Bins",
        method.bins,
        "## Assumptions",
        method.assumptions,
        "## When it is drift",
        f"{method.decision.rule} With fewer than {method.decision.fewest} values on either side the figure is told and "
        "nothing is called drift.",
        f"`effect`: {method.effect or 'the value itself.'}",
        "## Source",
        method.source,
    )


def _scales(method: Method) -> str:
    return " and ".join(scale.value for scale in method.scales)
