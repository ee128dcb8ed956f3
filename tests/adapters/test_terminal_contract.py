"""The terminal: the fake and the real one, with a real tmux around it, keep the same promises."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import FakeTerminal
from unipipe_tui.adapters.terminal import OwnTerminal
from unipipe_tui.domain.errors import ToolMissing, UnipipeError
from unipipe_tui.domain.ports.terminal import Terminal

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A tmux server of our own; this process seems to be in it."""
    socket = str(tmp_path / "tmux")
    subprocess.run(["tmux", "-S", socket, "-f", os.devnull, "new-session", "-d", "sleep 600"], check=True)
    monkeypatch.setenv("TMUX", f"{socket},1,0")
    yield socket
    subprocess.run(["tmux", "-S", socket, "kill-server"], check=False)


@needs_tmux
def test_a_text_is_in_the_newest_buffer_of_tmux_byte_for_byte(tmux: str) -> None:
    text = "unipipe models promote --reason='größer ✓'\nline two\n"

    OwnTerminal().load_tmux_buffer(text)

    shown = subprocess.run(["tmux", "-S", tmux, "show-buffer"], capture_output=True, check=True).stdout
    assert shown.decode() == text


@needs_tmux
def test_a_tmux_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", f"{tmp_path / 'gone'},1,0")

    with pytest.raises(UnipipeError):
        OwnTerminal().load_tmux_buffer("x")


@pytest.mark.parametrize("terminal", [OwnTerminal(), FakeTerminal(programs=("true",))], ids=["real", "fake"])
def test_a_program_in_front_ends_with_its_exit_code(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.run_in_front(["true"], tmp_path) == 0


@pytest.mark.parametrize("terminal", [OwnTerminal(), FakeTerminal()], ids=["real", "fake"])
def test_a_program_that_is_not_there_is_told(terminal: Terminal, tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="no-such-program"):
        terminal.run_in_front(["no-such-program"], tmp_path)


def test_a_program_in_front_stands_where_it_was_told_to_and_shares_our_session(tmp_path: Path) -> None:
    session = f"import os; open('said', 'w').write(str(os.getsid(0) == {os.getsid(0)}))"

    assert OwnTerminal().run_in_front(["python3", "-c", session], tmp_path) == 0
    assert (tmp_path / "said").read_text() == "True"
