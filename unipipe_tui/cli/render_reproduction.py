"""A run that was made again as lines of text: the verdict first, then only what came out otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from unipipe_tui.actions.runs.reproduction import RunReproduced
from unipipe_tui.cli.grids import (
    LONGEST_NAME,
    SHORT_COMMIT,
    SHORT_ID,
    Lines,
    block,
    clipped,
    duration,
    notes,
    pairs,
    shown,
    signed,
)
from unipipe_tui.domain.runs.reproducibility import MetricAgain

LONGEST_KEY = 40
LONGEST_TEXT = 32
MOST_ROWS = 40


def run_reproduced_lines(again: RunReproduced) -> Lines:
    """Whether the run came out the same, by how much it did not, and what else was different."""
    lines = [*_verdict(again), *_facts(again)]
    off = [metric for metric in again.metrics if metric.judged and not metric.same]
    lines += block("metrics that differ", _metric_rows(off), header=True)
    lines += block(
        "set before it ran, as in the run",
        [("", "at the commit", "in the run"), *((o.name, _text(o.at_commit), _text(o.in_run)) for o in again.adjusted)],
        header=True,
    )
    found = [(one.kind, clipped(one.name, LONGEST_KEY), _text(one.then), _text(one.now)) for one in again.differences]
    lines += block("different then and now", [("", "", "then", "now"), *found[:MOST_ROWS]], header=True)
    return lines + notes(_remarks(again))


def _verdict(again: RunReproduced) -> Lines:
    judged = [metric for metric in again.metrics if metric.judged]
    off = sum(1 for metric in judged if not metric.same)
    within, more = (
        (f" within {again.tolerance:g}", f" by more than {again.tolerance:g}") if again.tolerance else ("", "")
    )
    named = f"{again.run_id[:SHORT_ID]} {clipped(again.name, LONGEST_NAME)}".strip()
    if again.reproducible:
        return [Text(f"✓ {named} is reproducible: all {len(judged)} metrics came out the same{within}", style="green")]
    return [Text(f"✗ {named} is not reproducible: {off} of {len(judged)} metrics differ{more}", style="red")]


def _facts(again: RunReproduced) -> Lines:
    then = f" (the run itself took {duration(again.seconds_then)})" if again.seconds_then is not None else ""
    return pairs(
        [
            ("commit", again.commit[:SHORT_COMMIT]),
            ("compared", again.compared),
            ("stages", ", ".join(again.stages)),
            ("took", duration(again.seconds) + then),
            ("work tree", again.worktree or ""),
        ]
    )


def _metric_rows(metrics: Sequence[MetricAgain]) -> list[tuple[str, ...]]:
    rows = [
        (
            clipped(metric.name, LONGEST_KEY),
            shown(metric.before),
            shown(metric.after),
            "-" if metric.difference is None else signed(metric.difference),
            "-" if metric.relative is None else f"{metric.relative:+.3%}",
        )
        for metric in metrics[:MOST_ROWS]
    ]
    return [("metric", "then", "now", "difference", "share"), *rows]


def _text(text: str | None) -> str:
    return "-" if text is None else clipped(text, LONGEST_TEXT)


def _remarks(again: RunReproduced) -> list[str]:
    said = []
    clocked = [metric.name for metric in again.metrics if not metric.judged]
    if clocked:
        said.append(f"not judged, being of the clock or the machine: {', '.join(clocked[:MOST_ROWS])}")
    if again.unknown_params:
        params = ", ".join(again.unknown_params[:MOST_ROWS])
        said.append(f"in no file of params, so left as the code has them: {params}")
    if again.not_compared:
        said.append(f"not known then or now, so not compared: {', '.join(again.not_compared)}")
    most = max(sum(1 for one in again.metrics if one.judged and not one.same), len(again.differences))
    if most > MOST_ROWS:
        said.append("there is more: --json has all of it")
    return said
