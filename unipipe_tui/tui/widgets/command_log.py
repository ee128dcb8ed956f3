"""The command log: every command line that ran, newest last."""

from __future__ import annotations

from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.widgets.facts import log_rows
from unipipe_tui.tui.widgets.rows import Rows


class CommandLog(Rows):
    """Who ran what, when, how it ended and how long it took."""

    def __init__(self) -> None:
        super().__init__(empty="No change was made yet.", from_end=True)
        self.border_title = "Command log"
        self._newest = ""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the jobs of a snapshot; a new one is scrolled to."""
        jobs = snapshot.picture.jobs[::-1] if snapshot.picture else ()
        self.show(log_rows(jobs))
        if jobs and jobs[-1].id != self._newest:
            self._newest = jobs[-1].id
            self.point_at_newest()

    def point_at_newest(self) -> None:
        """Put the cursor on the newest, which is the last."""
        self.point_at(self._newest)
