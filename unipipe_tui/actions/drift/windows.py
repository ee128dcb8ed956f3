"""What a check looks at, in files that are there only as long as it looks: what was found in them is in the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from unipipe_tui.actions.drift.sets import files_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.serving import TrafficWindow

LONGEST_CHECK_SECONDS = 3600.0
CLOCKS_APART = timedelta(minutes=5)
"""As far the clocks of two machines may be apart without a word."""


@contextmanager
def rows_looked_at(target: str | None, current: Path | None, rows: int, world: World) -> Iterator[tuple[Path, ...]]:
    """The files to look at: those that were named, or else the inputs of the target's latest predictions."""
    if target is None:
        assert current is not None
        yield files_of(current)
        return
    path = _folder(world) / f"{target}-{world.job_id}.parquet"
    try:
        world.predictions.export_window(target, rows, path)
        yield (path,)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def answers_looked_at(target: str, world: World) -> Iterator[tuple[Path, Path]]:
    """Where the latest answers of a version go, and its first ones."""
    latest, first = (_folder(world) / f"{target}-{world.job_id}-{name}.parquet" for name in ("latest", "first"))
    try:
        yield latest, first
    finally:
        for path in (latest, first):
            path.unlink(missing_ok=True)


def latest_window(target: str, rows: int, world: World, progress: Progress) -> TrafficWindow:
    """What the latest predictions are; told when their times are still to come, because newer ones then stand behind them."""
    window = world.predictions.window(target, rows)
    if window.last is not None and window.last > world.now() + CLOCKS_APART:
        dated = (
            f"The newest prediction of {target} is dated {window.last:%Y-%m-%d %H:%M:%S} UTC, which is still to come"
        )
        progress.emit(Noted(f"{dated}: a clock was ahead, and rows with right times stand behind it."))
    return window


def _folder(world: World) -> Path:
    folder = world.root / ".unipipe" / "windows"
    _remove_leftovers(folder, world.now())
    return folder


def _remove_leftovers(folder: Path, now: datetime) -> None:
    """What checks that were killed left behind; a younger window may still be looked at by another check."""
    for path in folder.glob("*.parquet*"):
        try:
            if now.timestamp() - path.stat().st_mtime > LONGEST_CHECK_SECONDS:
                path.unlink()
        except OSError:
            continue
