"""Whatever names, params and messages hold: every table and every detail shows it without harm."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tui.hostile import HOSTILE
from tests.tui.made_values import made
from unipipe_tui.tui import sheets
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.text import harmless


def painters() -> Iterator[Any]:
    """Every public function of the sheets that makes a table or lines of values."""
    for found in pkgutil.iter_modules(sheets.__path__):
        module = importlib.import_module(f"{sheets.__name__}.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield pytest.param(function, id=f"{found.name}.{name}")


@pytest.mark.parametrize("paint", painters())
def test_no_text_of_others_reaches_the_screen_as_it_is(paint: Callable[..., Any]) -> None:
    hints = typing.get_type_hints(paint, include_extras=True)
    hints.pop("return", None)
    for text in HOSTILE:
        for number in (0.5, float("nan"), float("inf"), float("-inf")):
            shown = paint(**{name: made(kind, text, number) for name, kind in hints.items()})
            for piece in texts_of(shown):
                assert piece == harmless(piece) or piece.rstrip() == harmless(piece), (text, piece)


def texts_of(shown: Any) -> Iterator[str]:
    """Every text that would be painted."""
    if isinstance(shown, Sheet):
        yield from (column.title for column in shown.columns)
        yield from (cell.text for row in shown.rows for cell in row.cells)
    elif isinstance(shown, list | tuple):
        for line in shown:
            if isinstance(line, list | tuple):
                yield from (piece[0] for piece in line if isinstance(piece, tuple) and piece)
