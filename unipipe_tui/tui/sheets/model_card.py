"""Markdown as lines: headings, lists, tables and emphasis; what is none of these is a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len

from unipipe_tui.tui.lines import HEADING, MUTED, Line
from unipipe_tui.tui.text import fit, harmless

TITLE = "bold $accent"
GAP = "  "
_INLINE = re.compile(r"\\(?P<escaped>[^\w\s])|\*\*(?P<strong>.+?)\*\*|`(?P<code>[^`]+)`")
_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r":?-{3,}:?")


def markdown_lines(text: str, width: int) -> list[Line]:
    """Lines of at most `width` cells where that is in our hands: a table that is wider becomes a block for each row."""
    lines: list[Line] = []
    for is_table, group in groupby(text.splitlines(), key=lambda line: line.startswith("|")):
        if is_table:
            lines += _table([_cells(line) for line in group], width)
        else:
            lines += [_line(line) for line in group]
    return lines


def _line(text: str) -> Line:
    if text.startswith("# "):
        return ((_plain(text[2:]), TITLE),)
    if text.startswith("#"):
        return ((_plain(text.lstrip("# ")), HEADING),)
    if text.lstrip().startswith(("- ", "* ")):
        return (("· ", MUTED), *_inline(text.lstrip()[2:]))
    return tuple(_inline(text))


def _inline(text: str) -> Iterator[tuple[str, str]]:
    end = 0
    for found in _INLINE.finditer(text):
        yield harmless_piece(text[end : found.start()]), ""
        end = found.end()
        if found["strong"] is not None:
            yield _plain(found["strong"]), "bold"
        elif found["code"] is not None:
            yield harmless_piece(found["code"]), "$secondary"
        else:
            yield harmless_piece(found["escaped"]), ""
    yield harmless_piece(text[end:]), ""


def harmless_piece(text: str) -> str:
    """As `harmless`, but the blanks at its end are kept: more of the line follows."""
    return harmless(f"{text}.")[:-1]


def _plain(text: str) -> str:
    return harmless(re.sub(r"\\([^\w\s])", r"\1", text))


def _cells(line: str) -> tuple[str, ...]:
    parts = _BAR.split(line.strip().removeprefix("|").removesuffix("|"))
    return tuple(_plain(part.strip().replace("<br>", " ").replace("&lt;", "<")).replace("`", "") for part in parts)


def _table(rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    kept = [row for row in rows if not all(_RULE.fullmatch(cell) for cell in row)]
    most = max(len(row) for row in kept) if kept else 0
    even = [(*row, *[""] * (most - len(row))) for row in kept]
    if not even:
        return []
    widths = [max(map(cell_len, column)) for column in zip(*even, strict=True)]
    head, *body = even
    if sum(widths) + len(GAP) * (most - 1) > width:
        return [_block(head, row) for row in body]
    return [_row(head, widths, (MUTED,) * most), *(_row(row, widths, ("bold",)) for row in body)]


def _row(row: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Line:
    pieces = []
    for number, (cell, cells) in enumerate(zip(row, widths, strict=True)):
        pieces.append((f"{fit(cell, cells)}{GAP}", styles[number] if number < len(styles) else ""))
    return pieces


def _block(head: Sequence[str], row: Sequence[str]) -> Line:
    pieces = [(f"{row[0]}{GAP}", "bold")]
    for name, cell in zip(head[1:], row[1:], strict=True):
        if cell:
            pieces += [(f"{name} " if name else "", MUTED), (f"{cell}{GAP}", "")]
    return pieces
