"""What a drift check found beside the columns, as lines of text: all together, answers, segments, and what the model looks at."""

from __future__ import annotations

from rich.text import Text

from unipipe_tui.actions.drift.beside import Beside
from unipipe_tui.cli.grids import QUIET, Lines, block, clipped, shown
from unipipe_tui.monitoring.verdict.results import Importance, SegmentDrift
from unipipe_tui.monitoring.words import percent

MOST_SLICES = 10
MOST_COLUMNS = 10
LONGEST = 1_000
MOVED = "magenta"


def beside_lines(found: Beside) -> Lines:
    """A line or two for each verdict that was made."""
    lines: Lines = []
    for verdict in (found.multivariate, found.predictions):
        if verdict is not None:
            lines.append(_sentence(verdict.sentence, drifted=verdict.drifted))
    if found.segments is not None:
        lines += _segments(found.segments)
    if found.importance is not None:
        lines += _importance(found.importance)
    return lines


def _sentence(sentence: str, *, drifted: bool) -> Text:
    return Text(f"{'!' if drifted else '·'} {clipped(sentence, LONGEST)}", style=MOVED if drifted else "")


def _segments(found: SegmentDrift) -> Lines:
    moved = [one for one in found.slices if one.drifted]
    lines = [_sentence(found.sentence, drifted=found.drifted)]
    lines += [Text(f"  {clipped(one.sentence, LONGEST)}", style=MOVED) for one in moved[:MOST_SLICES]]
    if len(moved) > MOST_SLICES:
        lines.append(Text(f"  and {len(moved) - MOST_SLICES:,} more; --json has them all", style=QUIET))
    return lines + [Text(f"  not looked at: {clipped(one, LONGEST)}", style=QUIET) for one in found.left_out]


def _importance(found: Importance) -> Lines:
    lines = [Text(f"· {clipped(found.sentence, LONGEST)}")]
    if not found.judged:
        return lines
    rows = [
        (clipped(one.column, 40), percent(one.importance), shown(one.effect), shown(one.weighed))
        for one in found.columns[:MOST_COLUMNS]
    ]
    lines += [Text(f"  {clipped(one.sentence, LONGEST)}") for one in found.columns if one.drifted and one.hardly_used]
    return [
        *lines,
        *block("what the model looks at", [("column", "share", "effect", "effect · share"), *rows], header=True),
    ]
