"""The only place that prints: data on stdout, narration on stderr; a document as it is, but nothing that a terminal obeys."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import IO, Any, TextIO

from rich.console import Console
from rich.text import Text

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.jobs import DETACHED_JOB
from unipipe_tui.domain.secrets import plain_without_secrets, secret_values, without_secrets

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
CONTROL_IN_TEXT = re.compile(rf"(?!\r\n){CONTROL.pattern}")
WIDE = 100_000


def plain(text: str) -> str:
    """Text without anything that a terminal would act on: control characters are shown as `\\x1b`."""
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def speak_utf8() -> None:
    """Write UTF-8 whatever the locale says: what is printed here is data, and names are of any alphabet."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_json(value: Any) -> None:
    """Plain data as indented JSON on stdout."""
    if _is_kept():
        value = plain_without_secrets(value, secret_values(os.environ))
    text = json.dumps(value, indent=2, ensure_ascii=False)
    _write(sys.stdout, CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n")


def print_text(text: str) -> None:
    """A document on stdout, byte by byte as in a file; a terminal is shown what it would act on, as `\\x1b`."""
    if sys.stdout.isatty():
        text = CONTROL_IN_TEXT.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
    _write(sys.stdout, _without_secrets(text))


def print_lines(lines: Iterable[Text]) -> None:
    """Lines on stdout; their styles become colour only on a terminal that wants it."""
    console = _console(sys.stdout)
    for line in lines:
        _shown(console, line)


def narrate(line: Text) -> None:
    """One line on stderr."""
    _shown(_console(sys.stderr), line)


def clear() -> None:
    """Begin at the top of the terminal; does nothing elsewhere."""
    if wants_colour(sys.stdout):
        _write(sys.stdout, "\x1b[2J\x1b[H")


def ask(question: str) -> bool:
    """Whether the person at the terminal says yes; anything but `y` or `yes` is a no."""
    return ask_for(f"{question} [y/N] ").lower() in ("y", "yes")


def ask_for(question: str) -> str:
    """What the person at the terminal types."""
    _write(sys.stderr, plain(question))
    return sys.stdin.readline().strip()


def can_ask() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def wants_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can show colour, and nobody asked for none."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")


def _is_kept() -> bool:
    # What a detached job prints goes into a file of the job, where no secret belongs.
    return bool(os.environ.get(DETACHED_JOB))


def _without_secrets(text: str) -> str:
    return without_secrets(text, secret_values(os.environ)) if _is_kept() else text


def _console(stream: TextIO) -> Console:
    colour = wants_colour(stream)
    return _Paper(
        file=stream,
        width=WIDE,
        color_system="truecolor" if colour else None,
        force_terminal=colour,
        highlight=False,
        markup=False,
    )


class _Paper(Console):
    """A console whose reader may go away; Rich would end the program then, in the middle of a change."""

    def on_broken_pipe(self) -> None:
        """Go on without a reader."""
        _nobody_reads(self.file)


def _shown(console: Console, line: Text) -> None:
    clean = Text(plain(_without_secrets(line.plain)), style=line.style)
    # Spans still fit unless something had to be taken out; then colour matters less than the text.
    if clean.plain == line.plain:
        clean = line
    with _reaching(console.file):
        console.print(clean, soft_wrap=True)
        console.file.flush()


def _write(stream: TextIO, text: str) -> None:
    with _reaching(stream):
        stream.write(text)
        stream.flush()


@contextmanager
def _reaching(stream: IO[str]) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _nobody_reads(stream)
    except OSError as error:
        _nobody_reads(stream)
        # What was to be told on the way is no loss; an answer is.
        if stream is sys.stdout:
            raise Failed(
                f"The answer could not be written: {error.strerror}.", hint="What was done is done: unipipe jobs list"
            ) from None


def _nobody_reads(stream: IO[str]) -> None:
    # The reader of a pipe may stop early (`| head`); the interpreter must not complain about it at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
