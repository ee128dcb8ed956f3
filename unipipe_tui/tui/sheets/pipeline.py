"""The pipeline as a list, and the words and signs for a stage wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.cells import cell_len

from unipipe_tui.actions.pipeline.view import PipelineView, StageLine
from unipipe_tui.domain.freshness import Freshness
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import clip, duration, harmless
from unipipe_tui.tui.theme import Sign

STAGE_SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        Freshness.FRESH.value: Sign("✓", "$success"),
        Freshness.STALE.value: Sign("~", "$warning"),
        Freshness.NEVER_RUN.value: Sign("○", "$secondary"),
        Freshness.FROZEN.value: Sign("‖", "$muted"),
        Freshness.NOT_PULLED.value: Sign("↓", "$secondary"),
        Freshness.UNKNOWN.value: Sign("?", "$warning"),
    }
)
RUNNING, FAILED = Sign("●", "bold $primary"), Sign("✗", "$error")
MOST_NAME_CELLS = 28


def sign_of(line: StageLine) -> Sign:
    """How a stage looks: running and failed go before what its files say."""
    return RUNNING if line.running else FAILED if line.failed else STAGE_SIGNS[line.state]


def state_of(line: StageLine) -> str:
    """The word for it."""
    return "running" if line.running else "failed" if line.failed else line.state


def name_of(line: StageLine) -> str:
    """The stage's name, with the number of those that are folded into it."""
    name = _short(harmless(line.stage))
    return f"{name} ×{line.stages}" if line.is_folded else name


def _short(name: str) -> str:
    """A name in the cells that there are; of a stage in a folder the end tells more than the folder."""
    if cell_len(name) <= MOST_NAME_CELLS or ":" not in name:
        return clip(name, MOST_NAME_CELLS)
    while cell_len(name) >= MOST_NAME_CELLS:
        name = name[1:]
    return f"…{name}"


def why(line: StageLine) -> str:
    """The state in a few words, with its first cause."""
    if line.is_folded and not line.running:
        return " · ".join(f"{count.stages} {count.state}" for count in line.states)
    if line.running or line.failed or not line.causes or line.state == Freshness.NEVER_RUN.value:
        return {"fresh": "tracked data" if line.is_data else "up to date"}.get(state_of(line), state_of(line))
    more = f" (+{len(line.causes) - 1})" if len(line.causes) > 1 else ""
    return f"{harmless(line.causes[0])}{more}"


def took(line: StageLine) -> str:
    """How long it ran the last time; empty when nothing is known to have run it."""
    return "" if line.last_seconds is None else duration(line.last_seconds)


def stages_sheet(view: PipelineView) -> Sheet:
    """One row a stage, indented by its layer."""
    columns = (
        Column("stage", "stage", 44),
        Column("state", "state", 12),
        Column("last", "last", 9, right=True),
        Column("why", "why", 60, stretches=True),
    )
    return Sheet(columns, tuple(_stage_row(line) for line in view.stages))


def _stage_row(line: StageLine) -> SheetRow:
    sign = sign_of(line)
    return SheetRow(
        line.stage,
        (
            Cell(f"{' ' * min(line.layer, 12)}{name_of(line)}", "bold", line.stage),
            Cell(f"{sign.glyph} {state_of(line)}", sign.style),
            Cell(took(line) or "–", "$muted", line.last_seconds),
            Cell(why(line) if line.causes else "", "$muted"),
        ),
    )


def totals(view: PipelineView) -> str:
    """How many stages there are, and how many of them are not up to date or run now."""
    due, running = sum(line.will_run for line in view.stages), sum(line.running for line in view.stages)
    fresh = all(line.state == Freshness.FRESH.value for line in view.stages)
    said = f"{due:,} will run" if due else "all up to date" if fresh else "none will run"
    if not view.stages:
        return "0 stages"
    stages = "1 stage" if view.total == 1 else f"{view.total:,} stages"
    return f"{stages} · {said}" + (f" · {running:,} running" if running else "")
