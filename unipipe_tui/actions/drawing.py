"""A chart as an image file: what every command decides and does that draws one."""

from __future__ import annotations

from pathlib import Path

from unipipe_tui.actions.action import Done
from unipipe_tui.actions.output_file import OutputFile, output_file
from unipipe_tui.actions.world import World
from unipipe_tui.domain.charts import Picture
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.values import frozen

SUFFIXES = (".svg", ".png")


@frozen
class Drawing:
    """An image that was written."""

    to: str
    bytes: int
    title: str


@frozen
class ToDraw:
    """A chart, and where it goes."""

    chart: Picture
    to: OutputFile


def image_file(to: Path, *, force: bool, example: str) -> OutputFile:
    """Where an image goes. Raises UsageError for a file that is no image, or is there already."""
    if to.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{to.absolute().name} is neither .svg nor .png.", hint=f"--to {example}")
    return output_file(to, force=force)


def plan_of(chart: Picture, to: OutputFile, what: str) -> Plan[ToDraw]:
    """Draw the chart into that file; `what` it holds, in a word or two."""
    return Plan(title=f"Draw {chart.title}", effects=(to.effect(what),), undo=to.way_back, decided=ToDraw(chart, to))


def draw(plan: Plan[ToDraw], world: World, progress: Progress) -> Done[Drawing]:
    """Write the image."""
    chart, to = plan.decided.chart, plan.decided.to.path
    with step(progress, f"draw {to.name}", 1, 1), plan.decided.to.draft(world) as draft:
        world.draw_image(chart, draft)
    return Done(Drawing(str(to), to.stat().st_size, chart.title), detail=str(to))
