"""Where the runs of a project are kept, and what reads them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.config import Config
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.runs.rows import MLFLOW, RunSource
from unipipe_tui.domain.tracking import TrackingKind, TrackingPlace
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.wiring.mlflow_client import silence_mlflow


def tracking_place(root: Path, config: Config) -> TrackingPlace:
    """Where MLflow keeps the runs of this project."""
    place = TrackingFiles.find(root, os.environ, config.mlflow).place
    if place.kind is TrackingKind.NOTHING and config.model is not None:
        # Nothing was tracked yet: this is where the first training will.
        return place_of("sqlite:///mlflow.db", root, "the default place")
    return place


def tracked_before(index: RunIndex, place: TrackingPlace) -> str:
    """The store at this place, if the index knows runs of it; where there is no store now, the one that there was."""
    try:
        states = index.sources()
    except UnipipeError:
        return ""
    known = (state.place for state in states if state.name == MLFLOW and state.runs and state.synced)
    return next((known_at for known_at in known if known_at == place.shown or not place.uri), "")


class RunsOfProject:
    """The sources of a project's runs. Few commands ask for them; the others need not load what reads them."""

    def __init__(self, root: Path, place: TrackingPlace) -> None:
        self._root = root
        self._place = place
        self._probed: tuple[str, str | None] | None = None

    def near(self) -> tuple[RunSource, ...]:
        """Those that can be read from files, which takes no MLflow."""
        from unipipe_tui.adapters.dvc.experiments import DvcRuns
        from unipipe_tui.adapters.mlflow.folder.changes import FolderRuns
        from unipipe_tui.adapters.mlflow.sqlite.changes import SqliteRuns

        path = self._place.path
        commits: tuple[RunSource, ...] = (DvcRuns(self._root),) if (self._root / ".dvc").is_dir() else ()
        if path is None or self._why_not_directly():
            return commits
        return (SqliteRuns(path) if self._place.kind is TrackingKind.SQLITE else FolderRuns(path), *commits)

    def distant(self, also: Sequence[str]) -> tuple[RunSource, ...]:
        """Those that only MLflow's client can read; importing it takes seconds."""
        place, why = self._place, self._why_not_directly()
        if place.kind is TrackingKind.NOTHING or (place.path is not None and not why):
            return ()
        silence_mlflow()
        from unipipe_tui.adapters.mlflow.client.changes import ClientRuns

        return (ClientRuns(place.uri, place.shown, why or "", also=also),)

    def _why_not_directly(self) -> str | None:
        """Why a database is left to the client; it is looked into again only when it was written."""
        from unipipe_tui.adapters.mlflow.sqlite.changes import readable_directly
        from unipipe_tui.adapters.stamps import database_stamp

        if self._place.kind is not TrackingKind.SQLITE or self._place.path is None:
            return None
        stamp = database_stamp(self._place.path)
        if self._probed is None or self._probed[0] != stamp:
            self._probed = (stamp, readable_directly(self._place.path))
        return self._probed[1]
