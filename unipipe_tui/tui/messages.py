"""What screens and widgets ask of the app."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from textual.message import Message

from unipipe_tui.actions.action import Action
from unipipe_tui.tui.forms import Texts


@dataclass
class Asked(Message):
    """Somebody wants a capability; what is known of its request is filled in already."""

    action: Action
    texts: Texts = field(default_factory=dict)
    complete: bool = False
    """Nothing is left to ask: no form is needed."""


@dataclass
class Copied(Message):
    """Somebody wants a text in the clipboard."""

    text: str


@dataclass
class OutsideWanted(Message):
    """Somebody wants to read a text, or a file, in a program of their own."""

    text: str = ""
    path: Path | None = None
    """The file itself; None: a copy of the text."""
    editor: bool = False
    """The editor; otherwise the pager."""


@dataclass
class JobWanted(Message):
    """Somebody wants to read what a job says."""

    job_id: str
