"""Texts that names, params and messages may hold and that must not break a screen."""

from __future__ import annotations

HOSTILE = (
    "",
    " ",
    "[red]not red[/red]",
    "[/]",
    "[@click=app.quit]press me[/]",
    "\\[escaped",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;a title\x07",
    "\x1b]52;c;aGk=\x07",
    "two\nlines\r\nthree",
    "a\ttab",
    "\x00\x01\x02\x7f\x9b31m",
    "x" * 8000,
    "日本語の名前" * 20,
    "e\u0301\u0302\u0303 combining",
    "👩‍👩‍👧‍👦 family",
    "\u202eright to left",
    "\u200bzero\u200dwidth",
    "caf\udce9 not utf-8",
    "nan",
    "inf",
    "-1e308",
    "$primary",
    "{curly} %s %(name)s",
)
