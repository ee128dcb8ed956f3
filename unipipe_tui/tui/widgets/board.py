"""The board of the twelve steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.content import Content

from unipipe_tui.actions.command_line import PROGRAM
from unipipe_tui.domain.board import Step
from unipipe_tui.tui.text import clip, harmless
from unipipe_tui.tui.theme import STEP_SIGNS
from unipipe_tui.tui.widgets.rows import Cell, Row, Rows, painted

NAME_CELLS = 10
BEFORE_HEADLINE = 2 + 2 + 1 + 2 + NAME_CELLS + 2
MOST_OF_ACTION = 0.3
ROOMY_FROM_LINES = 24


class Board(Rows):
    """Twelve rows: number, state, name, headline and next action; two lines each where there is room."""

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Show the steps."""
        action_cells = max((len(_action(step)) for step in steps), default=0)
        self.show([Row(str(step.number), partial(self._row, step, action_cells)) for step in steps])

    def _row(self, step: Step, action_cells: int, width: int) -> Content:
        if self.size.height >= ROOMY_FROM_LINES:
            return _tall_row(step, width)
        return _flat_row(step, width, action_cells)


def _flat_row(step: Step, width: int, action_cells: int) -> Content:
    action = _action(step)
    most = int((width - BEFORE_HEADLINE) * MOST_OF_ACTION)
    column = min(action_cells, most)
    tail = [Cell(action, column, "$primary")] if action and column > 0 else []
    return painted(width, *_head(step), Cell(harmless(step.headline)), *tail)


def _tall_row(step: Step, width: int) -> Content:
    first = painted(width, *_head(step), Cell(harmless(step.headline)))
    action = harmless(step.next_action)
    second = " " * BEFORE_HEADLINE + clip(f"→ {action}" if action else "", width - BEFORE_HEADLINE)
    return Content("\n").join([first, Content.styled(second, "$primary")])


def _head(step: Step) -> tuple[Cell, ...]:
    sign = STEP_SIGNS[step.state]
    return (
        Cell(f"{step.number:>2}", 2, "$muted"),
        Cell(sign.glyph, 1, sign.style),
        Cell(step.name, NAME_CELLS, "bold" if step.state.value != "not set up" else "$muted"),
    )


def _action(step: Step) -> str:
    """The next action; the program's own name would only take room."""
    action = harmless(step.next_action).removeprefix(f"{PROGRAM} ")
    return f"→ {action}" if action else ""
