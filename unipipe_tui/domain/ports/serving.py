"""The doors to what a server is given and to what it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.serving import AnsweredRows, LoggedPrediction, Record, ScoreCell, TrafficWindow
from unipipe_tui.domain.table_text import Cell


class Bundles(Protocol):
    """The folder where bundles are kept: what a server is given."""

    def find(self, model: str, version: int) -> tuple[Path, Bundle] | None:
        """The sealed bundle of a version, by its manifest alone; None when it was never made."""
        ...

    def whole(self, model: str, version: int) -> tuple[Path, Bundle] | None:
        """The sealed bundle of a version, every file of it checked; None when it was never made or is damaged."""
        ...

    def runs_code(self, model: str, version: int) -> tuple[str, ...]:
        """Why loading the version's bundle runs code that came with it; empty when it is only data or never made."""
        ...

    def place(self, model: str, version: int) -> Path:
        """Where the version's bundle belongs."""
        ...


class Predictions(Protocol):
    """The prediction log and the feedback of all targets."""

    def window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions, of one version if given."""
        ...

    def labelled_window(self, target: str, rows: int, version: int | None = None) -> TrafficWindow:
        """The latest predictions that have a label, of one version if given."""
        ...

    def answered(self, target: str, rows: int, version: int | None = None) -> AnsweredRows:
        """The latest predictions with their inputs and the labels that have come, of one version if given, oldest first."""
        ...

    def stretches(self, target: str, most: int, since: datetime | None = None) -> tuple[TrafficWindow, ...]:
        """All predictions in about so many stretches of equally many rows, oldest first; each is of one version."""
        ...

    def scores(self, target: str, rows: int, cells: int) -> tuple[ScoreCell, ...]:
        """The scores of the latest predictions, and of as many before them, counted in cells of equal width."""
        ...

    def find(self, prediction_id: str) -> LoggedPrediction | None:
        """One prediction, by its id or an unambiguous beginning of it."""
        ...

    def latest(
        self, target: str, rows: int, version: int, since: datetime, until: datetime | None = None
    ) -> tuple[LoggedPrediction, ...]:
        """The newest predictions of a version in a stretch of time, the newest first."""
        ...

    def export_window(self, target: str, rows: int, to: Path) -> int:
        """Write the inputs of the latest predictions to a Parquet file; answers with how many."""
        ...

    def export_answers(self, target: str, version: int, rows: int, latest: Path, first: Path) -> tuple[int, int]:
        """Write the latest scores, decisions and inputs (`input.x`) of a version, and its first scores and decisions.

        Two files that have no answer in common; answers with how many rows each has.
        """
        ...

    def export_labelled(self, target: str, to: Path, id_column: str, label_column: str, known: Sequence[Path]) -> int:
        """Write inputs and labels of all labelled predictions whose id is in none of the known files."""
        ...

    def damaged(self, target: str) -> tuple[str, ...]:
        """The names of segments that were cut off: rows of theirs are missing from every answer."""
        ...

    def totals(self, target: str) -> tuple[int, int]:
        """How many predictions and how many labels there are."""
        ...


class Tables(Protocol):
    """Tables in files."""

    def records(self, path: Path, columns: Sequence[str] | None = None) -> tuple[Record, ...]:
        """All rows of a Parquet, CSV or JSON-lines file."""
        ...

    def rows(self, path: Path) -> int:
        """How many rows a file has."""
        ...

    def columns(self, path: Path) -> tuple[str, ...]:
        """The names of its columns."""
        ...

    def newest(self, path: Path, column: str) -> datetime | None:
        """The newest moment in a column, in UTC unless it has a zone; None when it holds none."""
        ...

    def write(self, path: Path, columns: Mapping[str, str], rows: Sequence[Sequence[Cell]]) -> None:
        """Write a Parquet file; each column holds numbers (`number`), moments in UTC (`time`) or texts (`text`)."""
        ...
