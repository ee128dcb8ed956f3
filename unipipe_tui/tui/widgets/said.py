"""What a widget tells, as a message that names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from textual.message import Message
from textual.widget import Widget

Teller = TypeVar("Teller", bound=Widget)


@dataclass
class SaidBy(Message, Generic[Teller]):
    """What a widget tells: whoever listens may say of which one."""

    teller: Teller

    def __post_init__(self) -> None:
        """Said by the widget, whoever made it say so: Textual tells nobody beyond the widget that a message comes from."""
        super().__post_init__()
        self.set_sender(self.teller)

    @property
    def control(self) -> Teller:
        """Where it happened."""
        return self.teller
