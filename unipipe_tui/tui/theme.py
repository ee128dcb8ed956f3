"""The glyphs of states, each with its colour, and the classes of sizes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from unipipe_tui.domain.board import StepState
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.rollouts.analysis import Verdict
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen

WIDTHS = ((0, "-narrow"), (110, "-middle"), (140, "-wide"))
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

DRIFTED, CALM, UNJUDGED = Sign("!", "bold $accent"), Sign("✓", "$success"), Sign("·", "$muted")
"""Of a column that drifted, of one that did not, of one that nothing is known of."""

ALERT_SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        "asks": Sign("!", "bold $accent"),
        "acknowledged": Sign("○", "$secondary"),
        "gone": Sign("✓", "$muted"),
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

ROLLOUT_SIGNS: Mapping[RolloutState, Sign] = MappingProxyType(
    {
        RolloutState.MOVING: Sign("▸", "$primary"),
        RolloutState.WATCHING: Sign("◆", "$primary"),
        RolloutState.WAITING: Sign("!", "bold $accent"),
        RolloutState.HELD: Sign("◇", "$warning"),
        RolloutState.ABORTING: Sign("◀", "$warning"),
        RolloutState.DONE: Sign("✓", "$success"),
        RolloutState.ABORTED: Sign("✗", "$error"),
    }
)

VERDICT_SIGNS: Mapping[Verdict, Sign] = MappingProxyType(
    {
        Verdict.ADVANCE: Sign("✓", "$success"),
        Verdict.HOLD: Sign("~", "$warning"),
        Verdict.ABORT: Sign("✗", "$error"),
    }
)
