"""Any answer as lines of text: single values as `name  value`, lists of alike things as tables, in the order they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from unipipe_tui.tui.text import clip, fit, harmless

WIDEST_COLUMN = 60
INDENT = "  "


def lines_of(value: Any) -> list[str]:
    """The lines of plain data, as `to_plain` gives it."""
    return list(_lines(value, "")) or ["(nothing)"]


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _mapping(value, indent)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield from _table(value, indent)
    elif isinstance(value, list):
        yield from (f"{indent}{_scalar(item)}" for item in value)
    else:
        yield f"{indent}{_scalar(value)}"


def _mapping(value: dict[str, Any], indent: str) -> Iterator[str]:
    singles = {harmless(name): _scalar(item) for name, item in value.items() if not _is_block(item)}
    width = max((cell_len(name) for name in singles), default=0)
    for name, item in singles.items():
        yield f"{indent}{fit(name, width)}  {item}"
    for name, item in value.items():
        if _is_block(item):
            yield ""
            yield f"{indent}{harmless(name)}"
            yield from _lines(item, indent + INDENT)


def _table(rows: Sequence[dict[str, Any]], indent: str) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[clip(_scalar(row.get(name)), WIDEST_COLUMN) for name in names] for row in rows]
    heads = [harmless(name) for name in names]
    widths = [max(cell_len(text) for text in column) for column in zip(heads, *cells, strict=True)]
    yield indent + "  ".join(fit(text, width) for text, width in zip(heads, widths, strict=True)).rstrip()
    yield indent + "  ".join("─" * width for width in widths)
    for row in cells:
        yield indent + "  ".join(fit(text, width) for text, width in zip(row, widths, strict=True)).rstrip()


def _is_block(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value) and not _is_short_list(value)


def _is_short_list(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 8 and all(not isinstance(item, dict | list) for item in value)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case list():
            return ", ".join(_in_list(item) for item in value) or "–"
        case dict():
            return ", ".join(f"{harmless(name)}={_scalar(item)}" for name, item in value.items()) or "–"
        case _:
            return harmless(value)


def _in_list(value: Any) -> str:
    """One of several alike things, where there is no room for a table: what they are called is said outside."""
    return " ".join(_scalar(item) for item in value.values()) if isinstance(value, dict) else _scalar(value)
