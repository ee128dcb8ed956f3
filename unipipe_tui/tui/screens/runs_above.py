"""What is opened above the runs: a place of its own that begins anew each time and closes to where it was opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.runs_fields import Choice, FieldScreen


class AboveRuns(Place):
    """Runs in another way. Whoever fills it overrides `parts` and `look`."""

    NAME = "runs"
    REMEMBERED: ClassVar[bool] = False

    def action_close(self) -> None:
        """Go back."""
        # Of keys that were pressed at once the first goes back already.
        if self.is_active:
            self.dismiss()

    def look_again(self) -> None:
        """Look, since the question is another."""
        if self.world:
            self.look(self.world)

    def choose(self, choice: Choice, then: Callable[[tuple[str, ...]], None]) -> None:
        """Let somebody choose fields, and look again."""

        def take(fields: tuple[str, ...] | None) -> None:
            if fields is not None:
                then(fields)
                self.look_again()

        if self.world:
            self.app.push_screen(FieldScreen(choice, self.world), take)
