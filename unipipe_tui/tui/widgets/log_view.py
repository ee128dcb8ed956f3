"""A log with what one does to read it: follow or pause, search, wrap, errors only; its border says how it is read."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import LOG
from unipipe_tui.tui.messages import OutsideWanted
from unipipe_tui.tui.widgets.output import Output


class LogView(Vertical):
    """An output, and the line to type a search in."""

    BINDINGS = bindings_of(LOG)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._live = True
        self.output = Output(id=f"{id}-output" if id else None)
        self._search = Input(
            placeholder="search; enter goes on reading, n next, N previous", classes="filter", compact=True
        )

    def compose(self) -> ComposeResult:
        """The output above the search."""
        yield self.output
        yield self._search

    @on(Output.Changed)
    def say_how(self) -> None:
        """Say how the log is read."""
        outer, how = self.parent, "".join(f" · {word}" for word in self._how())
        if isinstance(outer, Vertical):
            outer.border_title = Content.assemble("Log", (how, "$muted"))

    def say_live(self, live: bool) -> None:
        """Whether more may come."""
        self._live = live
        self.say_how()

    def _how(self) -> list[str]:
        output = self.output
        newer = f", {output.waiting:,} newer" if output.waiting else ""
        said = ["following" if output.following else f"paused{newer}"] * self._live
        said += ["errors only"] * output.errors_only + ["wrapped"] * output.wraps
        if self._search.value:
            this, total = output.matches
            said.append(f"{this:,} of {total:,} found" if this else f"{total:,} found")
        return said

    def action_follow(self) -> None:
        """Follow the newest line, or stay here."""
        if self.output.following:
            self.output.pause()
        else:
            self.output.read_on()

    def action_wrap(self) -> None:
        """Fold long lines, or not."""
        self.output.wrap(not self.output.wraps)

    def action_errors(self) -> None:
        """Show only lines that tell of errors, or all."""
        self.output.show_only_errors(not self.output.errors_only)

    def action_pager(self) -> None:
        """Read what is shown in a program of one's own."""
        self.post_message(OutsideWanted("\n".join(self.output.lines)))

    def action_match(self, step: int) -> None:
        """Go to the next or the previous line that has what is searched."""
        self.output.go_to_match(step)

    def action_search(self) -> None:
        """Type what to search."""
        self._search.display = True
        self.screen.set_focus(self._search)

    def action_end_search(self) -> None:
        """Search nothing."""
        self._search.value = ""
        self._search.display = False
        self.output.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape means something else when nothing is searched."""
        return self._search.display if action == "end_search" else True

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        event.stop()
        self.output.find(event.value)

    @on(Input.Submitted)
    def read(self, event: Input.Submitted) -> None:
        """Go back to the log; the search stays in sight as long as it says something."""
        event.stop()
        self._search.display = bool(event.value)
        self.output.focus()
