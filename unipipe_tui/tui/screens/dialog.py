"""What all dialogs have in common: each answers once."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A dialog. Keys that were pressed before its end and come after it end nothing else."""

    _is_answered = False
    _late: tuple[Answer | None] | None = None
    """The answer, while something lies above the dialog."""

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Answer and go, unless it has answered already; from below something else as soon as that is gone."""
        if self._is_answered:
            return AwaitComplete()
        self._is_answered = True
        if self.is_active:
            return super().dismiss(result)
        self._late = (result,)
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        """Give the answer that had to wait."""
        if self._late is not None:
            (result,), self._late = self._late, None
            super().dismiss(result)
