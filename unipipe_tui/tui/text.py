"""Text for a terminal: made harmless, cut to a width, and the words for times and durations."""

from __future__ import annotations

import math
import re
from datetime import datetime

from rich.cells import cell_len, set_cell_size

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07|$)|[@-Z\\^_]|)")
# C0 and C1 controls, and the invisible characters that reorder or hide what follows.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def harmless(text: object) -> str:
    """One line of text without escape sequences and control characters; white space becomes a blank."""
    words = _ESCAPES.sub("", str(text)).expandtabs(4)
    return _CONTROLS.sub("", re.sub(r"[\r\n\v\f]+", " ", words)).rstrip()


def clip(text: str, width: int) -> str:
    """The text in at most so many cells; an ellipsis says that something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def clip_start(text: str, width: int) -> str:
    """The end of the text in at most so many cells: for names that begin alike."""
    if cell_len(text) <= width:
        return text
    # Cells are counted from the end, so that a wide character is not cut in two.
    return "…" + clip(text[::-1], width)[:-1].rstrip()[::-1] if width > 0 else ""


def fit(text: str, width: int) -> str:
    """The text in exactly so many cells."""
    return set_cell_size(clip(text, width), max(0, width))


def counted(number: int, noun: str) -> str:
    """`1 request`, `2,000 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clock(moment: datetime | None) -> str:
    """`09:24:01`, in UTC like every time that is kept."""
    return f"{moment:%H:%M:%S}" if moment else ""


def day_and_clock(moment: datetime) -> str:
    """`11-21 09:24`."""
    return f"{moment:%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 m 20 s`, `2 h 05 m`; a dash for what is no duration."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"
