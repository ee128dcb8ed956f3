"""Look at what MLflow tracked by reading its files: nothing is imported, migrated, created or changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from unipipe_tui.adapters.mlflow.folder.reader import FolderReader
from unipipe_tui.adapters.mlflow.model import model_contents, model_signature
from unipipe_tui.adapters.mlflow.places import find_tracking, first_model_folder, out_of_reach, place_of
from unipipe_tui.adapters.mlflow.run_files import files_of, holds_a_model
from unipipe_tui.adapters.mlflow.sqlite.reader import SqliteReader
from unipipe_tui.domain.errors import ToolMissing, UnipipeError
from unipipe_tui.domain.model_files import ModelContents
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.outlines import MetricOutline, outline_of
from unipipe_tui.domain.run_files import RunFiles
from unipipe_tui.domain.runs.rows import PUT_BACK
from unipipe_tui.domain.tracking import (
    ModelVersion,
    RegisteredModel,
    Run,
    RunPage,
    TrackingKind,
    TrackingPlace,
    no_such_model,
    no_such_run,
    no_such_version,
)


class TrackingFiles:
    """The runs and models of one place, read anew for every question.

    Where there is no store the answers are empty. A store that is no file of this machine (a server, a database
    server) refuses every question with ToolMissing, and `problems` says so. So does one that was there and is not any
    more.
    """

    def __init__(
        self, place: TrackingPlace, patience_seconds: float = 2.0, last_seen_at: Callable[[], str] = lambda: ""
    ) -> None:
        """`last_seen_at`: where a store was read before, asked when there is none; empty when none ever was."""
        self.place = place
        self._last_seen_at = last_seen_at
        self._reader = _reader(place, patience_seconds)

    @classmethod
    def find(cls, root: Path, env: Mapping[str, str], configured_uri: str | None = None) -> TrackingFiles:
        """The store that a project uses: its configuration, MLFLOW_TRACKING_URI, then what lies in its folders.

        Of several in its folders the first that holds runs is taken; `place.also` names the others.
        """
        return cls(find_tracking(root, env, configured_uri, _holds_runs))

    def runs(self, limit: int, experiment: str | None = None, ids: tuple[str, ...] | None = None) -> RunPage:
        """The newest `limit` runs, of one experiment (by name) or of these full ids if given, and their total."""
        return self._asked.page(max(limit, 0), experiment, ids)

    def run(self, prefix: str) -> Run:
        """The one run whose id starts so; raises UsageError for none or several."""
        found = self._asked.runs_starting(prefix) if prefix else ()
        if len(found) != 1:
            raise no_such_run(prefix, [run.run_id for run in found])
        return found[0]

    def metric_outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        """The history of a metric of this full run id in at most so many cells; without cells if there is none."""
        return self._asked.outline(run_id, key, cells)

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name; prompts, which MLflow keeps among them, are left out."""
        return self._asked.models()

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; raises UsageError for an unknown model."""
        found = self._asked.versions(model)
        if not found:
            names = [known.name for known in self.models()]
            if model not in names:
                raise no_such_model(model, names)
        return found

    def version(self, model: str, number: int) -> ModelVersion:
        """One version; raises UsageError for an unknown model or version."""
        versions = self.versions(model)
        for version in versions:
            if version.version == number:
                return version
        raise no_such_version(model, number, (version.version for version in versions))

    def alias(self, model: str, alias: str) -> int | None:
        """The version that bears an alias; None if none does or the model is unknown."""
        return next((known.alias(alias) for known in self.models() if known.name == model), None)

    def model_folder(self, version: ModelVersion) -> Path | None:
        """The folder on this machine with the version's `MLmodel` file; None if it is not here."""
        locations = self._asked.locations(version)
        return None if self.place.path is None else first_model_folder(locations, self.place.path.parent)

    def signature(self, version: ModelVersion) -> Signature | None:
        """What the version takes and gives; None when its files are not here or do not say."""
        folder = self.model_folder(version)
        return None if folder is None else model_signature(folder)

    def contents(self, version: ModelVersion) -> ModelContents | None:
        """What the version's files are now; None when they are not here. Raises Failed when one cannot be read."""
        folder = self.model_folder(version)
        return None if folder is None else model_contents(folder)

    def files_of(self, runs: Sequence[Run]) -> tuple[RunFiles | None, ...]:
        """The files that each of these runs left; None for one whose artifacts are not on this machine."""
        return files_of(runs, self.place.path.parent if self.place.path else Path.cwd())

    def logged_model(self, run: Run) -> bool | None:
        """Whether a run logged a model that can be registered; None when that cannot be told here."""
        noted = self._asked.notes_model(run.run_id)
        return holds_a_model(run.artifact_uri or "") if noted is False else noted

    def at(self, uri: str) -> TrackingFiles:
        """The same questions, asked of another store on this machine."""
        return TrackingFiles(place_of(uri, Path.cwd(), "asked for"))

    def problems(self) -> tuple[str, ...]:
        """What could not be read, one sentence each."""
        return self._asked.problems()

    @property
    def _asked(self) -> _Reader:
        if _is_there(self.place) or not (seen := self._last_seen_at()):
            return self._reader
        return _OutOfReach(ToolMissing(f"{seen} is not there any more.", hint=PUT_BACK))


def _is_there(place: TrackingPlace) -> bool:
    if place.path is None:
        return place.kind is TrackingKind.REMOTE
    # An empty file is what SQLite leaves where a program asked for a database that is not there.
    return place.path.is_dir() or (place.path.is_file() and place.path.stat().st_size > 0)


def _holds_runs(place: TrackingPlace) -> bool:
    try:
        return TrackingFiles(place).runs(0).total > 0
    except ToolMissing:
        return True  # locked by a writer: very much in use
    except UnipipeError:
        return False


class _Reader(Protocol):
    """What each form of store answers."""

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage: ...
    def runs_starting(self, prefix: str) -> tuple[Run, ...]: ...
    def outline(self, run_id: str, key: str, cells: int) -> MetricOutline: ...
    def models(self) -> tuple[RegisteredModel, ...]: ...
    def versions(self, model: str) -> tuple[ModelVersion, ...]: ...
    def locations(self, version: ModelVersion) -> tuple[str, ...]: ...
    def notes_model(self, run_id: str) -> bool | None: ...
    def problems(self) -> tuple[str, ...]: ...


def _reader(place: TrackingPlace, patience_seconds: float) -> _Reader:
    if place.path is not None and place.kind is TrackingKind.SQLITE:
        return SqliteReader(place.path, patience_seconds)
    if place.path is not None and place.kind is TrackingKind.FOLDER:
        return FolderReader(place.path)
    return _Nothing() if place.kind is TrackingKind.NOTHING else _OutOfReach(out_of_reach(place))


class _Nothing:
    """There is no store, so there is nothing to read."""

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage:
        return RunPage((), 0)

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        return ()

    def outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        return outline_of(key, (), cells)

    def models(self) -> tuple[RegisteredModel, ...]:
        return ()

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        return ()

    def locations(self, version: ModelVersion) -> tuple[str, ...]:
        return ()

    def notes_model(self, run_id: str) -> bool | None:
        return None

    def problems(self) -> tuple[str, ...]:
        return ()


class _OutOfReach:
    """A store that cannot be read here: an empty answer would be a lie, so every question is refused."""

    def __init__(self, why: ToolMissing) -> None:
        self._why = why

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage:
        raise self._why

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        raise self._why

    def outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        raise self._why

    def models(self) -> tuple[RegisteredModel, ...]:
        raise self._why

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        raise self._why

    def locations(self, version: ModelVersion) -> tuple[str, ...]:
        raise self._why

    def notes_model(self, run_id: str) -> bool | None:
        return None

    def problems(self) -> tuple[str, ...]:
        return (self._why.message,)
