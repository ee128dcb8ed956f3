"""What was released on the targets, as lines of text."""

from __future__ import annotations

from rich.text import Text

from unipipe_tui.actions.releases import ReleaseLine, ReleaseList
from unipipe_tui.cli.grids import QUIET, SHORT_COMMIT, SHORT_ID, Lines, grid, shown

HEADER = ("released", "target", "version", "until", "by what", "by", "commit", "data")


def release_list_lines(found: ReleaseList) -> Lines:
    """One line a release, the newest first, and how many there are."""
    lines = grid([HEADER, *map(_cells, found.releases)], header=True) if found.releases else []
    return [*lines, Text(f"{len(found.releases):,} of {found.total:,} releases", style=QUIET)]


def _cells(release: ReleaseLine) -> tuple[str, ...]:
    until = "live" if release.live else "-" if release.until is None else shown(release.until)
    return (
        shown(release.at),
        release.target,
        f"{release.model} {release.version}",
        until,
        release.action or "-",
        release.actor,
        (release.commit or "-")[:SHORT_COMMIT],
        (release.data or "-")[:SHORT_ID],
    )
