"""The only place that prints: data on stdout, narration on stderr; the same bytes on a terminal, a pipe and a file."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import IO, Any, TextIO

from rich.console import Console
from rich.text import Text

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
WIDE = 100_000


def plain(text: str) -> str:
    """Text without anything that a terminal would act on: control characters are shown as `\\x1b`."""
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def print_json(value: Any) -> None:
    """Plain data as indented JSON on stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    _write(sys.stdout, CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n")


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
    _write(sys.stderr, f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def can_ask() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def wants_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can show colour, and nobody asked for none."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")


def _console(stream: TextIO) -> Console:
    colour = wants_colour(stream)
    return Console(
        file=stream,
        width=WIDE,
        color_system="truecolor" if colour else None,
        force_terminal=colour,
        highlight=False,
        markup=False,
    )


def _shown(console: Console, line: Text) -> None:
    clean = Text(plain(line.plain), style=line.style)
    # Spans still fit unless something had to be taken out; then colour matters less than the text.
    if clean.plain == line.plain:
        clean = line
    try:
        console.print(clean, soft_wrap=True)
        console.file.flush()
    except BrokenPipeError:
        _nobody_reads(console.file)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _nobody_reads(stream)


def _nobody_reads(stream: IO[str]) -> None:
    # The reader of a pipe may stop early (`| head`); the interpreter must not complain about it at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
