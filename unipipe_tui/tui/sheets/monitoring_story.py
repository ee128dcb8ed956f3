"""The last problem of a target in one line: from its first sign over what was done about it to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from rich.cells import cell_len

from unipipe_tui.actions.monitor.story import Story, StoryPart
from unipipe_tui.charts.timelines import GLYPHS
from unipipe_tui.domain.timelines import MarkKind
from unipipe_tui.tui.lines import MUTED, Line
from unipipe_tui.tui.text import clip, counted, day_and_clock, duration, harmless
from unipipe_tui.tui.theme import CALM

ARROW = " → "
STYLES = MappingProxyType(
    {
        MarkKind.ALERT: "bold $error",
        MarkKind.ALERT_CLOSED: f"bold {CALM.style}",
        MarkKind.TRAINING: "$secondary",
        MarkKind.RELEASE: "$accent",
        MarkKind.ROLLBACK: "$accent",
    }
)
ONE_DAY = timedelta(days=1)
MOST_TEXT = 44


def story_line(story: Story, width: int) -> Line:
    """As much of it as there is room for: sentences, few words with or without their times, in the end not its middle."""
    if story.began is None:
        checked = f", the last {day_and_clock(story.checked)}" if story.checked else ""
        known = f"no problem in {counted(story.checks, 'check')}{checked}" if story.checks else ""
        return ((f"{CALM.glyph} ", CALM.style), (known, MUTED)) if known else ()
    for words in (_at_length, _with_time, _shortly, _briefly):
        line = _joined(story, story.parts, words)
        if _cells(line) <= width:
            return line
    for left_out in range(1, len(story.parts)):
        line = _joined(story, (story.parts[0], None, *story.parts[1 + left_out :]), _briefly)
        if _cells(line) <= width:
            break
    return line


def _joined(story: Story, parts: Sequence[StoryPart | None], words: Callable[[StoryPart, Story], str]) -> Line:
    line: list[tuple[str, str]] = []
    for part in parts:
        line += [(ARROW, MUTED)] if line else []
        if part is None:
            line.append(("…", MUTED))
        else:
            line.append((f"{GLYPHS[part.kind]} {words(part, story)}", STYLES.get(part.kind, "")))
    if story.began and story.ended:
        line.append((f" after {duration((story.ended - story.began).total_seconds())}", MUTED))
    elif story.command:
        line += [(ARROW, MUTED), (harmless(story.command), "$accent")]
    return line


def _at_length(part: StoryPart, story: Story) -> str:
    more = "" if part.kind in (MarkKind.ALERT, MarkKind.RELEASE, MarkKind.ROLLBACK) else f": {part.text}"
    return f"{_time(part.at, story)} {harmless(clip(f'{part.short}{more}', MOST_TEXT))}"


def _with_time(part: StoryPart, story: Story) -> str:
    return f"{_time(part.at, story)} {harmless(part.short)}"


def _shortly(part: StoryPart, story: Story) -> str:
    return harmless(part.short)


def _briefly(part: StoryPart, story: Story) -> str:
    return harmless(part.short.partition(" in ")[0].removesuffix(" live").removesuffix(" again"))


def _time(at: datetime, story: Story) -> str:
    first, last = story.parts[0].at, story.parts[-1].at
    return f"{at:%H:%M:%S}" if last - first < ONE_DAY else day_and_clock(at)


def _cells(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)
