"""The shelf of fakes: stand-ins for the doors in `domain/ports.py`, for tests that must not depend on a tool or a clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.ports import Commit, WorkTree
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Record, ServerState, ServerStatus, Value
from unipipe_tui.domain.tracking import (
    Metric,
    ModelVersion,
    RegisteredModel,
    Run,
    RunPage,
    no_such_model,
    no_such_run,
    no_such_version,
)

NOON = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)


@dataclass
class FakeGit:
    """A repository with one commit; counts how often it was asked."""

    commit_id: str = "3f9a2c1" + "0" * 33
    changes: tuple[str, ...] = ()
    asked: int = 0

    def is_repository(self) -> bool:
        return True

    def refusal(self) -> str | None:
        return None

    def head(self) -> Commit | None:
        self.asked += 1
        return Commit(self.commit_id, "Ada", NOON, "Begin")

    def work_tree(self) -> WorkTree | None:
        self.asked += 1
        return WorkTree(self.commit_id, "main", self.changes)

    def commit_of(self, revision: str) -> Commit | None:
        return self.head()

    def user(self) -> str | None:
        return "Ada <ada@example.org>"

    def verify(self) -> str:
        return "2.40.0"

    def init(self, progress: Progress) -> None:
        return

    def commit(self, message: str, paths: Sequence[str], progress: Progress) -> Commit:
        return Commit(self.commit_id, "Ada", NOON, message)


@dataclass(frozen=True)
class FakeTracking:
    """Runs and models that are simply given."""

    found_runs: tuple[Run, ...] = ()
    found_models: tuple[RegisteredModel, ...] = ()
    found_versions: tuple[ModelVersion, ...] = ()

    def runs(self, limit: int, experiment: str | None = None, ids: tuple[str, ...] | None = None) -> RunPage:
        found = [
            run
            for run in self.found_runs
            if (experiment is None or run.experiment == experiment) and (ids is None or run.run_id in ids)
        ]
        return RunPage(tuple(found[:limit]), len(found))

    def run(self, prefix: str) -> Run:
        for run in self.found_runs:
            if run.run_id.startswith(prefix):
                return run
        raise no_such_run(prefix)

    def metric_history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        return ()

    def models(self) -> tuple[RegisteredModel, ...]:
        return self.found_models

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        if model not in {known.name for known in self.found_models}:
            raise no_such_model(model, (known.name for known in self.found_models))
        return tuple(version for version in self.found_versions if version.model == model)

    def version(self, model: str, number: int) -> ModelVersion:
        versions = self.versions(model)
        for version in versions:
            if version.version == number:
                return version
        raise no_such_version(model, number, (version.version for version in versions))

    def alias(self, model: str, alias: str) -> int | None:
        return next((known.alias(alias) for known in self.found_models if known.name == model), None)

    def model_folder(self, version: ModelVersion) -> Path | None:
        return None

    def problems(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class FakeServer:
    """A target that is as it is."""

    now: ServerStatus = field(
        default_factory=lambda: ServerStatus("local", ServerState.STOPPED, "http://127.0.0.1:8765")
    )

    def free_port(self) -> int:
        return 8765

    def status(self) -> ServerStatus:
        return self.now

    def start(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        return self.now

    def switch(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        return self.now

    def stop(self, progress: Progress) -> ServerStatus:
        return self.now

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        raise Failed("A fake server cannot predict.")

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        raise Failed("A fake server takes no feedback.")


@dataclass
class FakeProcesses:
    """Starts nothing, and remembers what it was asked to start."""

    launched: list[tuple[tuple[str, ...], Path]] = field(default_factory=list)
    alive: frozenset[int] = frozenset()

    def is_alive(self, pid: int, started: float | None = None) -> bool:
        return pid in self.alive

    def terminate(self, pid: int) -> None:
        return

    def stop_tree(self, pid: int) -> None:
        return

    def launch(self, argv: Sequence[str], folder: Path) -> str:
        self.launched.append((tuple(argv), folder))
        return f"20260309-12000{len(self.launched)}-abcdef"


@dataclass(frozen=True)
class Unreachable:
    """A door that is closed: whatever is asked of it fails with this message."""

    message: str

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: object, **__: object) -> NoReturn:
            raise Failed(self.message)

        return refuse


def staying(world: World, **parts: object) -> World:
    """The world with some of its doors replaced, also when it is made anew for the same project."""
    changed = replace(world, **parts)  # type: ignore[arg-type]

    def elsewhere(root: Path) -> World:
        return changed_again if root.resolve() == world.root else world.elsewhere(root)

    changed_again = replace(changed, elsewhere=elsewhere)
    return changed_again
