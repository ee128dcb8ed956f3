"""Starting programs: every line arrives, and none that we started stays behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from unipipe_tui.adapters import process
from unipipe_tui.domain.errors import Failed, Stopped, ToolMissing
from unipipe_tui.domain.events import Event, ToolEnded, ToolSaid, ToolStarted


class Told:
    """Keeps the events; asks for the end after so many lines."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[Event] = []
        self._stop_after = stop_after

    def emit(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def stopped(self) -> bool:
        """Whether enough was heard."""
        return self._stop_after is not None and len(self.lines) >= self._stop_after

    @property
    def lines(self) -> list[str]:
        """What the program said."""
        return [event.line for event in self.events if isinstance(event, ToolSaid)]


def python(code: str) -> list[str]:
    """The argv of a small program."""
    return [sys.executable, "-c", code]


def gone(pid: int, within_seconds: float = 3.0) -> bool:
    """Whether the process ends in time."""
    until = time.monotonic() + within_seconds
    while process.is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not process.is_alive(pid)


def test_both_streams_arrive_line_by_line_between_a_beginning_and_an_end() -> None:
    told = Told()
    ended = process.stream(python("import sys; print('one'); sys.stdout.flush(); print('two', file=sys.stderr)"), told)
    assert told.lines == ["one", "two"] == list(ended.tail)
    assert isinstance(told.events[0], ToolStarted) and isinstance(told.events[-1], ToolEnded)
    assert ended.exit_code == 0


def test_a_program_is_over_when_it_has_ended_whatever_it_left_in_the_background(tmp_path: Path) -> None:
    # The child inherits stdout and holds it open.
    code = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "print('done')"
    )
    begun = time.monotonic()
    told = Told()
    assert process.stream(python(code), told).exit_code == 0
    child = int((tmp_path / "pid").read_text())
    try:
        assert told.lines == ["done"]
        assert time.monotonic() - begun < 20
        assert process.is_alive(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_many_lines_written_just_before_the_end_are_all_heard() -> None:
    told = Told()
    process.stream(python("print('\\n'.join(map(str, range(50_000))))"), told)
    assert told.lines == [str(number) for number in range(50_000)]


def test_a_program_that_is_stopped_takes_its_children_with_it() -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    told = Told(stop_after=1)
    with pytest.raises(Stopped):
        process.stream(python(code), told)
    parent = next(event.pid for event in told.events if isinstance(event, ToolStarted))
    assert gone(parent) and gone(int(told.lines[0]))


def test_a_program_that_gives_no_answer_in_time_is_ended_and_named() -> None:
    with pytest.raises(Failed, match=r"gave no answer within 0\.3 seconds"):
        process.capture(python("import time; time.sleep(60)"), timeout=0.3)


def test_a_program_that_is_not_there_has_a_remedy_and_a_folder_that_is_not_there_a_name(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="no-such-program cannot be started"):
        process.capture(["no-such-program"])
    with pytest.raises(Failed, match=r"The folder .*/nowhere does not exist"):
        process.capture(python("pass"), cwd=tmp_path / "nowhere")


def test_bytes_that_are_no_text_do_no_harm() -> None:
    told = Told()
    process.stream(python(r"import sys; sys.stdout.buffer.write(b'\xff\xfe ok\n')"), told)
    assert told.lines == ["\ufffd\ufffd ok"]


def test_what_is_asked_for_is_given_to_it_and_its_environment_is_laid_over_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UNIPIPE_TEST_OURS", "ours")
    said = process.capture(
        python("import os, sys; print(sys.stdin.read(), os.environ['UNIPIPE_TEST_OURS'], os.environ['MORE'])"),
        env={"MORE": "more"},
        stdin="asked",
    )
    assert said.stdout.split() == ["asked", "ours", "more"]
