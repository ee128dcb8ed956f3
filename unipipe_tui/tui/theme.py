"""Colours, and the glyphs that say the same without colour."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from textual.theme import Theme

from unipipe_tui.domain.board import StepState
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen

DARK = Theme(
    name="unipipe-dark",
    primary="#7db8c9",
    secondary="#9aa7d8",
    accent="#e3b873",
    warning="#e0a458",
    error="#e8827c",
    success="#8fbf8a",
    foreground="#d3d9e3",
    background="#11151b",
    surface="#161b23",
    panel="#1e2530",
    dark=True,
    variables={
        "muted": "#8b96a7",
        "line": "#2c3644",
        "border": "#7db8c9",
        "border-blurred": "#2c3644",
        "block-cursor-background": "#27384a",
        "block-cursor-foreground": "#eef2f7",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1b232d",
        "block-cursor-blurred-foreground": "#d3d9e3",
        "block-hover-background": "#1b232d",
        "footer-background": "#161b23",
        "footer-key-foreground": "#e3b873",
        "footer-description-foreground": "#a9b3c2",
        "input-selection-background": "#7db8c9 30%",
        "scrollbar": "#2c3644",
        "scrollbar-hover": "#3b4859",
        "scrollbar-active": "#7db8c9",
        "scrollbar-background": "#11151b",
        "scrollbar-background-hover": "#11151b",
        "scrollbar-background-active": "#11151b",
        "scrollbar-corner-color": "#11151b",
    },
)

LIGHT = Theme(
    name="unipipe-light",
    primary="#0f6478",
    secondary="#47548f",
    accent="#8a5300",
    warning="#8f4a00",
    error="#a8322b",
    success="#2f6b2f",
    foreground="#222933",
    background="#f7f6f2",
    surface="#efede7",
    panel="#e5e2da",
    dark=False,
    variables={
        "muted": "#5c6675",
        "line": "#cfcabf",
        "border": "#0f6478",
        "border-blurred": "#cfcabf",
        "block-cursor-background": "#cfdfe3",
        "block-cursor-foreground": "#11161d",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e7e4dc",
        "block-cursor-blurred-foreground": "#222933",
        "footer-background": "#efede7",
        "footer-key-foreground": "#8a5300",
        "footer-description-foreground": "#454e5b",
        "scrollbar": "#cfcabf",
        "scrollbar-background": "#f7f6f2",
    },
)

WIDTHS = ((0, "-narrow"), (140, "-wide"))
HEIGHTS = ((0, "-short"), (44, "-tall"))
"""From how many cells or lines on a screen bears which class."""


@frozen
class Sign:
    """How a state looks: a glyph of its own and a colour."""

    glyph: str
    style: str


STEP_SIGNS: Mapping[StepState, Sign] = MappingProxyType(
    {
        StepState.OK: Sign("✓", "$success"),
        StepState.STALE: Sign("~", "$warning"),
        StepState.RUNNING: Sign("●", "$primary"),
        StepState.FAILED: Sign("✗", "$error"),
        StepState.ATTENTION: Sign("!", "bold $accent"),
        StepState.NOT_SET_UP: Sign("·", "$muted"),
    }
)

JOB_SIGNS: Mapping[JobState, Sign] = MappingProxyType(
    {
        JobState.RUNNING: Sign("●", "$primary"),
        JobState.DONE: Sign("✓", "$success"),
        JobState.FAILED: Sign("✗", "$error"),
        JobState.SAID_NO: Sign("!", "bold $accent"),
        JobState.REFUSED: Sign("⊘", "$warning"),
        JobState.STOPPED: Sign("■", "$muted"),
        JobState.LOST: Sign("?", "$error"),
    }
)

SERVER_SIGNS: Mapping[ServerState, Sign] = MappingProxyType(
    {
        ServerState.READY: Sign("●", "$success"),
        ServerState.STARTING: Sign("◌", "$primary"),
        ServerState.STOPPED: Sign("·", "$muted"),
        ServerState.DIED: Sign("✗", "$error"),
    }
)
