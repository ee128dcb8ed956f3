"""Copying: tmux, then the terminal, then a file; and never a crash."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from tests.fakes import FakeTerminal
from unipipe_tui.tui.copying import MOST_BASE64, Way, copy_text, osc52

XTERM = {"TERM": "xterm-256color"}
IN_TMUX = {**XTERM, "TMUX": "/tmp/tmux-0/default,1,0"}
IN_SCREEN = {"TERM": "screen", "STY": "1.pts"}


def carried(sequence: str) -> str:
    """The text in a bare sequence."""
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.endswith("\x07")
    return base64.b64decode(sequence[7:-1]).decode()


def test_in_tmux_the_text_goes_to_its_buffer_and_nothing_is_written_to_the_screen(tmp_path: Path) -> None:
    terminal = FakeTerminal()

    copy = copy_text("unipipe models check", terminal, IN_TMUX, tmp_path)

    assert (copy.way, copy.sequence, terminal.buffers) == (Way.TMUX, "", ["unipipe models check"])


def test_outside_tmux_the_terminal_gets_a_sequence(tmp_path: Path) -> None:
    terminal = FakeTerminal()

    copy = copy_text("größer ✓", terminal, XTERM, tmp_path)

    assert (copy.way, terminal.buffers) == (Way.TERMINAL, [])
    assert carried(copy.sequence) == "größer ✓"
    assert "\x07" in copy.sequence
    assert list(tmp_path.iterdir()) == []


def test_a_tmux_that_does_not_take_it_hands_the_sequence_on(tmp_path: Path) -> None:
    copy = copy_text("x", FakeTerminal(tmux=False), IN_TMUX, tmp_path)

    inner = copy.sequence.removeprefix("\x1bPtmux;").removesuffix("\x1b\\")
    assert copy.way is Way.TERMINAL
    assert inner != copy.sequence
    assert carried(inner.replace("\x1b\x1b", "\x1b")) == "x"


def test_screen_gets_it_in_pieces_that_it_hands_on() -> None:
    sequence = osc52("x" * 1000, IN_SCREEN)

    pieces = [piece.removeprefix("\x1bP") for piece in sequence.split("\x1b\\")[:-1]]
    assert len(pieces) > 4
    assert max(map(len, pieces)) <= 250
    assert carried("".join(pieces)) == "x" * 1000


@pytest.mark.parametrize("environment", [{"TERM": "linux"}, {"TERM": "dumb"}, {}], ids=str)
def test_without_a_clipboard_it_is_in_a_file_that_only_its_owner_reads(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    copy = copy_text("secret\n", FakeTerminal(), environment, tmp_path / "state")

    path = tmp_path / "state" / "copied.txt"
    assert (copy.way, path.read_text()) == (Way.FILE, "secret\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in copy.told


def test_what_is_too_long_for_a_terminal_is_in_a_file(tmp_path: Path) -> None:
    fits, too_long = "x" * (MOST_BASE64 // 4 * 3), "x" * (MOST_BASE64 // 4 * 3 + 1)

    assert copy_text(fits, None, XTERM, tmp_path).way is Way.TERMINAL
    assert copy_text(too_long, None, XTERM, tmp_path).way is Way.FILE


def test_where_nothing_works_it_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert copy_text("x", None, {}, None).way is Way.NOWHERE
    copy = copy_text("x", None, {}, blocked / "state")
    assert (copy.way, str(blocked) in copy.told) == (Way.NOWHERE, True)


def test_half_a_character_does_not_break_it(tmp_path: Path) -> None:
    assert copy_text("broken \udcff", None, XTERM, tmp_path).way is Way.TERMINAL
    assert copy_text("broken \udcff", None, {}, tmp_path).way is Way.FILE
