"""What stands in place of everything where the terminal is too small to show anything."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST = Size(60, 15)


def is_too_small(size: Size) -> bool:
    """Whether nothing sensible fits."""
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmallScreen(ModalScreen[None]):
    """Says what is needed, swallows every key, and goes when there is room again."""

    def compose(self) -> ComposeResult:
        """A few words."""
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        """Say how much is missing."""
        self._tell()

    def on_resize(self) -> None:
        """Look again."""
        self._tell()

    def on_screen_resume(self) -> None:
        """What lay above it is gone; there may be room by now."""
        self._tell()

    def on_key(self, event: Key) -> None:
        """Nobody presses a key for something that is not to be seen."""
        event.stop()
        event.prevent_default()

    def _tell(self) -> None:
        size = self.app.size
        if not is_too_small(size):
            # What lies above it goes first.
            if self.is_active:
                self.dismiss()
            return
        least = f"{LEAST.width}x{LEAST.height}"
        self.query_one("#too-small", Static).update(
            Content(f"This terminal is too small.\n{size.width}x{size.height}; needed: {least}.\nctrl+q leaves.")
        )
