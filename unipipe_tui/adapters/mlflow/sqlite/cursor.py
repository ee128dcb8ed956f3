"""How far a MLflow database was read, as the text that the index keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from unipipe_tui.adapters.mlflow.sqlite.watched_tables import CHANGING, GROWING, Block, Blocks, Mark
from unipipe_tui.domain.values import frozen

FORMAT = 1
"""Goes up whenever what is written here means something else: an older text then counts as none."""


@frozen
class Marks:
    """What is remembered of all tables."""

    changing: Mapping[str, Blocks]
    growing: Mapping[str, Mark]
    experiments: str
    """Which experiments there were."""


@frozen
class Cursor:
    """How far a database was read."""

    database: str
    """Which one, and of what schema."""
    marks: Marks
    """What it held when the reading began."""
    read_to: int | None = None
    """The last row of `runs` that an unfinished reading of everything has come to."""

    def at(self, rowid: int | None) -> Cursor:
        """The same further on."""
        return replace(self, read_to=rowid)

    def text(self) -> str:
        """It as JSON."""
        changing = {name: [kept.size, kept.last_row, kept.blocks] for name, kept in self.marks.changing.items()}
        return json.dumps(
            {
                "format": FORMAT,
                "database": self.database,
                "read_to": self.read_to,
                "experiments": self.marks.experiments,
                "growing": self.marks.growing,
                "changing": changing,
            },
            separators=(",", ":"),
        )


def cursor_of(text: str | None) -> Cursor | None:
    """The cursor that this is the text of; None when it is none that we can use."""
    try:
        plain = json.loads(text or "null")
        if plain is None or plain["format"] != FORMAT:
            return None
        return Cursor(
            str(plain["database"]),
            Marks(
                {table.name: _blocks(*plain["changing"][table.name]) for table in CHANGING},
                {table.name: _mark(*plain["growing"][table.name]) for table in GROWING},
                str(plain["experiments"]),
            ),
            None if plain["read_to"] is None else int(plain["read_to"]),
        )
    except (ValueError, TypeError, KeyError):
        return None


def _blocks(size: int, last_row: str, blocks: Iterable[tuple[int, int, str]]) -> Blocks:
    return Blocks(
        int(size), tuple(Block(int(last), int(rows), str(digest)) for last, rows, digest in blocks), str(last_row)
    )


def _mark(rowid: int, row: str) -> Mark:
    return Mark(int(rowid), str(row))
