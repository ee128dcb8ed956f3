"""Copying a text: tmux's buffer, else the terminal's clipboard (OSC 52), else a file whose path is told."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.ports.terminal import Terminal
from unipipe_tui.domain.values import frozen

MOST_BASE64 = 100_000
"""What common terminals still take in one sequence."""
SCREEN_CHUNK = 250
"""GNU screen hands on no longer string in one piece."""
COPIED_FILE = "copied.txt"
WITHOUT_CLIPBOARD = frozenset({"", "dumb", "linux", "vt100", "vt220"})
"""Terminals that would ignore or print the sequence."""


class Way(StrEnum):
    """Where a copied text went."""

    TMUX = "tmux"
    TERMINAL = "terminal"
    FILE = "file"
    NOWHERE = "nowhere"


@frozen
class Copy:
    """How a text is copied, and what is told about it."""

    way: Way
    told: str
    sequence: str = ""
    """What to write to the terminal."""


def copy_text(text: str, terminal: Terminal | None, environment: Mapping[str, str], folder: Path | None) -> Copy:
    """Copy a text; starts a program and writes a file, so not for the UI thread. Never raises for want of a clipboard."""
    text = text.encode("utf-8", errors="replace").decode("utf-8")
    if environment.get("TMUX") and terminal and _loaded(terminal, text):
        return Copy(Way.TMUX, "Copied to tmux: prefix ] pastes.")
    sequence = osc52(text, environment)
    if sequence:
        return Copy(Way.TERMINAL, "Copied, if the terminal allows it.", sequence)
    return _written(text, folder)


def osc52(text: str, environment: Mapping[str, str]) -> str:
    """The sequence that puts a text into the terminal's clipboard; empty where it cannot get there."""
    encoded = base64.b64encode(text.encode("utf-8")).decode("ascii")
    if len(encoded) > MOST_BASE64 or environment.get("TERM", "") in WITHOUT_CLIPBOARD:
        return ""
    bare = f"\x1b]52;c;{encoded}\x07"
    if environment.get("TMUX"):
        return f"\x1bPtmux;{bare.replace(chr(27), chr(27) * 2)}\x1b\\"
    if environment.get("STY"):
        pieces = (bare[at : at + SCREEN_CHUNK] for at in range(0, len(bare), SCREEN_CHUNK))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return bare


def _loaded(terminal: Terminal, text: str) -> bool:
    try:
        terminal.load_tmux_buffer(text)
    except UnipipeError:
        return False
    return True


def _written(text: str, folder: Path | None) -> Copy:
    if folder is None:
        return Copy(Way.NOWHERE, "There is no clipboard here, and no folder to write a file in.")
    path = folder / COPIED_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What is copied may be meant for nobody else on the machine.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return Copy(Way.NOWHERE, f"There is no clipboard here, and {path} cannot be written ({error.strerror}).")
    return Copy(Way.FILE, f"There is no clipboard for this here; it is in {path}")
