"""The shelf of fakes: stand-ins for the doors of the world, for tests that must not depend on a tool or a clock.

Each keeps the promises that its door makes, as far as the contract suites in `tests/adapters/` state them.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from unipipe_tui.actions.world import World
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.domain.bundles import Bundle, read_bundle
from unipipe_tui.domain.errors import Failed, Refused, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.events import Event, Noted
from unipipe_tui.domain.jobs import LAUNCH_FILE, Launch
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.outlines import MetricOutline
from unipipe_tui.domain.plans import Effect, EffectKind
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant, Package, Wanted
from unipipe_tui.domain.ports.tools import Commit, DiffStat, WorkTree
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant
from unipipe_tui.domain.runs.rows import ACTIVE, DELETED, ExperimentRow, KnownRuns, RunBatch, RunRow, TagRow
from unipipe_tui.domain.runs.tags import NAME_TAG, RunMarks
from unipipe_tui.domain.serving import (
    FeedbackTaken,
    Predicted,
    Prediction,
    Record,
    ServerState,
    Value,
)
from unipipe_tui.domain.tracking import (
    ModelVersion,
    RegisteredModel,
    Run,
    RunPage,
    TrackingKind,
    TrackingPlace,
    no_such_run,
    outline_of_history,
)

NOON = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)


@dataclass
class FakeGit:
    """A repository in memory, on `main`: its commits, and the paths that changed since; counts how often it was asked."""

    commit_id: str | None = "3f9a2c1" + "0" * 33
    """Of its first commit, which holds README.md; None: it has no commit yet."""
    changes: tuple[str, ...] = ()
    there: bool = True
    asked: int = 0
    commits: list[Commit] = field(init=False, default_factory=list)
    tracked: set[str] = field(init=False, default_factory=set)
    added: list[frozenset[str]] = field(init=False, default_factory=list)
    """The paths that each commit changed, by a line each."""

    def __post_init__(self) -> None:
        if self.commit_id is not None:
            self.tracked.add("README.md")
            self._add(self.commit_id, "Begin", {"README.md"})

    def is_repository(self) -> bool:
        return self.there

    def refusal(self) -> str | None:
        return None

    def head(self) -> Commit | None:
        return self.commit_of("HEAD")

    def work_tree(self) -> WorkTree | None:
        self.asked += 1
        return WorkTree(self.commits[-1].id if self.commits else None, "main", self.changes) if self.there else None

    def commit_of(self, revision: str) -> Commit | None:
        self.asked += 1
        if revision == "HEAD":
            return self.commits[-1] if self.commits else None
        return next((made for made in self.commits if len(revision) > 3 and made.id.startswith(revision)), None)

    def diff_stat(self, before: str, after: str) -> DiffStat | None:
        first, last = self.commit_of(before), self.commit_of(after)
        if first is None or last is None:
            return None
        begin, end = sorted((self.commits.index(first), self.commits.index(last)))
        lines = [path for paths in self.added[begin + 1 : end + 1] for path in sorted(paths)]
        added, removed = (len(lines), 0) if first is self.commits[begin] else (0, len(lines))
        return DiffStat(len(set(lines)), added, removed, tuple(sorted(set(lines))[:20]))

    def user(self) -> str | None:
        return "Ada <ada@example.org>"

    def verify(self) -> str:
        return "2.40.0"

    def init(self, progress: Progress) -> None:
        self.there = True

    def commit(self, message: str, paths: Sequence[str], progress: Progress) -> Commit:
        if not self.there:
            raise Failed("git add failed: not a git repository")
        for path in paths:
            if not any(_lies_in(known, path) for known in {*self.changes, *self.tracked}):
                raise Failed(f"git add failed: {path} did not match any files")
        if new := {change for change in self.changes if any(_lies_in(change, path) for path in paths)}:
            self.tracked |= new
            self.changes = tuple(change for change in self.changes if change not in new)
            self._add(hashlib.sha1(f"{len(self.commits)} {message}".encode()).hexdigest(), message.splitlines()[0], new)
        if not self.commits:
            raise Failed("There is nothing to commit yet.")
        return self.commits[-1]

    def add_worktree(self, commit: str, folder: Path, progress: Progress) -> Path:
        if self.commit_of(commit) is None or (folder.is_dir() and any(folder.iterdir())):
            raise Failed(f"git worktree failed: {commit} or {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text("# A project\n")
        return folder

    def remove_worktree(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def _add(self, commit_id: str, subject: str, paths: set[str]) -> None:
        self.added.append(frozenset(paths))
        self.commits.append(Commit(commit_id, "Ada <ada@example.org>", NOON, subject))


def _lies_in(path: str, place: str) -> bool:
    return place == "." or f"{path}/".startswith(f"{place.rstrip('/')}/")


class FakeTracking(TrackingFiles):
    """Runs and models that are simply given; asked exactly as those that lie in files."""

    def __init__(
        self,
        runs: tuple[Run, ...] = (),
        models: tuple[RegisteredModel, ...] = (),
        versions: tuple[ModelVersion, ...] = (),
        signatures: Mapping[int, Signature] | None = None,
    ) -> None:
        """`signatures`: by version, of whatever model."""
        super().__init__(TrackingPlace(TrackingKind.NOTHING, "", None, "a test"))
        self._reader = _Given(runs, models, versions)
        self._signatures = dict(signatures or {})

    def signature(self, version: ModelVersion) -> Signature | None:
        return self._signatures.get(version.version)


@dataclass(frozen=True)
class _Given:
    """In place of a reader of files."""

    given_runs: tuple[Run, ...]
    given_models: tuple[RegisteredModel, ...]
    given_versions: tuple[ModelVersion, ...]

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage:
        found = [r for r in self.given_runs if experiment in (None, r.experiment) and (ids is None or r.run_id in ids)]
        found.sort(key=lambda run: (-run.started.timestamp() if run.started else math.inf, run.run_id))
        return RunPage(tuple(found[:limit]), len(found))

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        found = tuple(run for run in self.given_runs if run.run_id.startswith(prefix))
        return tuple(run for run in found if run.run_id == prefix) or found[:6]

    def outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        logged = (m for run in self.given_runs if run.run_id == run_id for m in run.metrics if m.key == key)
        return outline_of_history(key, logged, cells)

    def models(self) -> tuple[RegisteredModel, ...]:
        return tuple(sorted(self.given_models, key=lambda model: model.name))

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        aliases = [alias for known in self.given_models if known.name == model for alias in known.aliases]
        found = [
            replace(version, aliases=tuple(name for name, number in aliases if number == version.version))
            for version in self.given_versions
            if version.model == model
        ]
        return tuple(sorted(found, key=lambda version: -version.version))

    def locations(self, version: ModelVersion) -> tuple[str, ...]:
        return ()

    def notes_model(self, run_id: str) -> bool | None:
        return None

    def problems(self) -> tuple[str, ...]:
        return ()


@dataclass
class FakeTarget:
    """A target in memory: it answers by the traffic that it was given, in turn, and counts what each variant did."""

    name: str = "local"
    given: Wanted | None = None
    url: str = "http://127.0.0.1:8765"
    pid: int | None = None
    """Of a target that is a process."""
    died: bool = False
    remarks: tuple[str, ...] = ()
    log_problem: str = ""
    earlier: int = 0
    """Requests that it answered before the test began."""
    answered: dict[str, Variant] = field(init=False, default_factory=dict)
    """Who gave which prediction."""
    requests: Counter[str] = field(init=False, default_factory=Counter)
    turns: Counter[str] = field(init=False, default_factory=Counter)
    """Requests of each variant since the traffic was given."""
    asked: dict[str, Record] = field(init=False, default_factory=dict)
    labels: dict[str, Value] = field(init=False, default_factory=dict)

    @classmethod
    def answering(
        cls, *variants: Variant, name: str = "local", release: str = "r-00000001", at: datetime = NOON, **more: Any
    ) -> FakeTarget:
        """One that was given these variants by ada at noon."""
        return cls(name, given=Wanted(release, Traffic(variants), {}, "ada", at), **more)

    def verify(self) -> str:
        return "nothing but memory"

    def live(self) -> LiveTarget:
        if self.given is None or self.died:
            state = ServerState.DIED if self.died else ServerState.STOPPED
            return LiveTarget(self.name, state, self.url, remarks=self.remarks)
        wanted = self.given
        return LiveTarget(
            target=self.name,
            state=ServerState.READY,
            url=self.url,
            variants=tuple(LiveVariant(variant, True) for variant in wanted.traffic.variants),
            release=wanted.release,
            actor=wanted.actor,
            since=wanted.at,
            sticky=wanted.traffic.sticky,
            remarks=self.remarks,
            log_problem=self.log_problem,
            pid=self.pid,
            requests=self.earlier + self.requests.total(),
        )

    def possible(self, traffic: Traffic) -> tuple[Traffic, str]:
        return traffic, ""

    def effects(self, wanted: Wanted, live: LiveTarget) -> tuple[Effect, ...]:
        return (Effect(EffectKind.SERVE, f"answer with {wanted.traffic.told}", self.name),)

    def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
        return Package(folder, bundle)

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        there = self.given.release if self.given else None
        if wanted.replaces is not None and there not in (None, wanted.replaces, wanted.release):
            raise Refused(f"Release {there} came to {self.name} meanwhile.")
        for variant in wanted.traffic.variants:
            self._load(wanted.packages[variant.digest], variant)
        self.given, self.turns = wanted, Counter()
        return self.live()

    def _load(self, package: Package, variant: Variant) -> None:
        try:
            sealed = read_bundle(package.folder)
        except UnipipeError as error:
            raise Failed(f"The model cannot be served: {error.message}") from None
        if sealed.digest != variant.digest:
            raise Failed("The model cannot be served: it is not the one that was sealed.")

    def stop(self, progress: Progress) -> LiveTarget:
        self.given = None
        return self.live()

    def probe(self, variant: str, records: Sequence[Record]) -> Predicted:
        found = self._traffic().named(variant)
        if found is None:
            raise UsageError(f"The server refused: There is no variant {variant!r} here.")
        return self._predicted(found, [f"probe-{number}" for number in range(len(records))], ())

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        shares = [one for one in self._traffic().variants if not one.mirrored]
        total = self.turns.total() + 1
        picked = max(shares, key=lambda one: one.weight / 100 * total - self.turns[one.name])
        self.turns[picked.name] += 1
        named = list(ids) if ids is not None else [f"p{len(self.answered) + number}" for number in range(len(records))]
        sent = dict(zip(named, records, strict=True))
        if taken := [name for name, record in sent.items() if self.asked.get(name, record) != record]:
            raise UsageError(f"The server refused: {', '.join(taken)} named another record.")
        known = tuple(name for name in named if name in self.answered)
        self.requests[picked.name] += 1
        self.asked |= sent
        self.answered = dict.fromkeys(named, picked) | self.answered
        return self._predicted(picked, named, known)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        self._traffic()
        unknown = tuple(name for name, _ in labels if name not in self.answered)
        repeated = [name for name, label in labels if name in self.labels and self.labels[name] == label]
        conflicting = tuple(name for name, label in labels if self.labels.get(name, label) != label)
        new = {name: label for name, label in labels if name in self.answered and name not in self.labels}
        self.labels |= new
        return FeedbackTaken(len(new), len(repeated), unknown, conflicting)

    def measures(self) -> tuple[Measures, ...]:
        return tuple(
            Measures(
                one.name,
                one.version,
                requests=self.requests[one.name],
                decided=sum(given == one for given in self.answered.values()),
                yes=sum(given == one for given in self.answered.values()),
                true_positive=sum(self.answered[name] == one and label == 1 for name, label in self.labels.items()),
                false_positive=sum(self.answered[name] == one and label == 0 for name, label in self.labels.items()),
            )
            for one in self._traffic().variants
        )

    def collect(self, progress: Progress) -> int:
        return 0

    def log(self, lines: int) -> str:
        return ""

    def _traffic(self) -> Traffic:
        if self.given is None:
            raise ToolMissing(f"The target {self.name} does not answer.")
        return self.given.traffic

    def _predicted(self, by: Variant, ids: Sequence[str], known: Sequence[str]) -> Predicted:
        return Predicted(by.model, (by.version,), tuple(Prediction(name, 0.5, 1) for name in ids), tuple(known))


@dataclass
class FakeProcesses:
    """Starts nothing, and remembers what it was asked to start; what it launched lives until it is ended."""

    launched: list[tuple[tuple[str, ...], Path]] = field(default_factory=list)
    begun: list[tuple[str, ...]] = field(default_factory=list)
    """The command lines that are no jobs."""
    alive: frozenset[int] = frozenset()
    created: dict[int, float] = field(default_factory=dict)
    """When a process was created, in seconds since the epoch; whoever is not in it was created when one asks for."""
    stands_by: bool = False

    def is_alive(self, pid: int, started: float | None = None) -> bool:
        return pid in self.alive and (started is None or abs(self.created.get(pid, started) - started) < 1.0)

    def terminate(self, pid: int) -> None:
        self.alive -= {pid}

    def stop_tree(self, pid: int) -> None:
        self.alive -= {pid}

    def launch(self, argv: Sequence[str], project: Path, cwd: Path | None = None) -> str:
        self.launched.append((tuple(argv), project))
        pid, now = 900_000 + len(self.launched), NOON.timestamp()
        self.alive |= {pid}
        self.created[pid] = now
        job_id = f"20260309-120000-{len(self.launched):06x}"
        folder = project / ".unipipe" / "jobs" / job_id
        folder.mkdir(parents=True)
        (folder / LAUNCH_FILE).write_text(Launch(("unipipe", *argv), now, pid, now).to_json())
        return job_id

    def stand_by(self) -> None:
        self.stands_by = True

    def stand_down(self) -> None:
        self.stands_by = False

    def background(self, argv: Sequence[str], project: Path) -> int:
        self.begun.append(tuple(argv))
        pid = 700_000 + len(self.begun)
        self.alive |= {pid}
        return pid


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


class Listening:
    """Progress that keeps what it was told, and asks for the end after so many questions."""

    def __init__(self, patience: int | None = None) -> None:
        self.events: list[Event] = []
        self._patience = patience

    @property
    def told(self) -> list[str]:
        """What was noted for a person."""
        return [event.text for event in self.events if isinstance(event, Noted)]

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def stopped(self) -> bool:
        if self._patience is None:
            return False
        self._patience -= 1
        return self._patience < 0


@dataclass
class FakeRuns:
    """A source of runs in memory; what changed since is told by counting the changes."""

    name: str = "mlflow"
    place: str = "sqlite:///mlflow.db"
    remark: str = ""
    runs: dict[str, str] = field(default_factory=dict)
    """Names by id."""
    unreadable: tuple[str, ...] = ()
    away: bool = False
    dies_after: int | None = None
    """After how many batches of one run the reader is interrupted."""
    changed: int = 0
    read: list[str] = field(default_factory=list)
    """The ids that were handed out, in order."""

    def put(self, **runs: str) -> None:
        self.runs |= runs
        self.changed += 1

    def stamp(self) -> str:
        return str(self.changed)

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        if self.away:
            raise ToolMissing("The server does not answer.", "Start it.")
        taken = json.loads(cursor) if cursor else {}
        changed = {run_id: name for run_id, name in self.runs.items() if taken.get(run_id) != name}
        gone = tuple(sorted(known.ids() - set(self.runs)))
        for number, (run_id, name) in enumerate(changed.items(), start=1):
            if self.dies_after is not None and number > self.dies_after:
                raise KeyboardInterrupt
            taken[run_id] = name
            self.read.append(run_id)
            row = RunRow(run_id, name, "1", "FINISHED", started=number)
            yield RunBatch(
                json.dumps(taken), [row], experiments=[ExperimentRow("1", "e")], done=number, total=len(changed)
            )
        yield RunBatch(
            json.dumps({run: taken[run] for run in self.runs}),
            gone=gone,
            unreadable=self.unreadable,
            done=len(changed),
            total=len(changed),
        )


@dataclass
class FakeRegistry:
    """MLflow in memory, opened for writing: what is written on its runs, and the versions made of their models."""

    marks: dict[str, RunMarks] = field(default_factory=dict)
    """By run id."""
    with_model: frozenset[str] = frozenset()
    """Runs that logged a model."""
    versions: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """(Model, run, tags), in the order they were registered."""
    broken: frozenset[str] = frozenset()
    """Runs that cannot be deleted or restored."""
    written: int = 0
    version_tags: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    """By model and version; whoever shares these dictionaries sees what is written."""
    aliases: dict[tuple[str, str], int] = field(default_factory=dict)
    """By model and alias."""

    def set_alias(self, model: str, alias: str, version: int) -> None:
        self.aliases[model, alias] = version

    def delete_alias(self, model: str, alias: str) -> None:
        self.aliases.pop((model, alias), None)

    def set_version_tag(self, model: str, version: int, key: str, value: str) -> None:
        self.version_tags.setdefault((model, version), {})[key] = value

    def delete_version_tag(self, model: str, version: int, key: str) -> None:
        self.version_tags.get((model, version), {}).pop(key, None)

    def run_marks(self, run_id: str) -> RunMarks:
        if run_id not in self.marks:
            raise no_such_run(run_id)
        return self.marks[run_id]

    def set_run_tag(self, run_id: str, key: str, value: str) -> None:
        self._write(run_id, tags={**self._active(run_id).tags, key: value})

    def delete_run_tag(self, run_id: str, key: str) -> None:
        kept = {known: value for known, value in self.run_marks(run_id).tags.items() if known != key}
        if len(kept) < len(self.run_marks(run_id).tags):
            self._active(run_id)
            self._write(run_id, tags=kept)

    def rename_run(self, run_id: str, name: str) -> None:
        self._write(run_id, name=name, tags={**self._active(run_id).tags, NAME_TAG: name})

    def delete_run(self, run_id: str) -> None:
        self._write(run_id, deleted=True)

    def restore_run(self, run_id: str) -> None:
        self._write(run_id, deleted=False)

    def register_run(self, model: str, run_id: str, tags: Mapping[str, str] | None = None) -> int:
        self.run_marks(run_id)
        if run_id not in self.with_model:
            raise UsageError(f"Run {run_id} logged no model.")
        self.versions.append((model, run_id, dict(tags or {})))
        return sum(1 for known, _, _ in self.versions if known == model)

    def _active(self, run_id: str) -> RunMarks:
        if self.run_marks(run_id).deleted:
            raise Failed("MLflow said: the run must be in the 'active' state.")
        return self.marks[run_id]

    def _write(self, run_id: str, **changed: object) -> None:
        now = self.run_marks(run_id)
        if run_id in self.broken and "deleted" in changed:
            raise Failed("MLflow said: the disk is full.")
        self.marks[run_id] = replace(now, **changed)  # type: ignore[arg-type]
        self.written += 1


@dataclass
class RunsOfRegistry:
    """The runs of a fake registry as a source that the index reads, all of them each time.

    They are in the experiment `e`, those whose experiment is deleted in `old`.
    """

    registry: FakeRegistry
    name: str = "mlflow"
    place: str = "sqlite:///mlflow.db"
    remark: str = ""

    def stamp(self) -> str:
        return str(self.registry.written)

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        marks = self.registry.marks
        rows = [
            RunRow(
                run_id,
                run.name,
                "2" if run.experiment_deleted else "1",
                "FINISHED",
                DELETED if run.deleted else ACTIVE,
                started=number,
            )
            for number, (run_id, run) in enumerate(marks.items())
        ]
        tags = [TagRow(run_id, key, value) for run_id, run in marks.items() for key, value in run.tags.items()]
        experiments = [ExperimentRow("1", "e"), ExperimentRow("2", "old", DELETED)]
        yield RunBatch("", rows, tags=tags, experiments=experiments, done=len(rows), total=len(rows))


@dataclass
class FakeTerminal:
    """A terminal: what tmux was given, and the programs that had it; without tmux it says so."""

    tmux: bool = True
    programs: tuple[str, ...] = ("less", "vi")
    """What is installed."""
    buffers: list[str] = field(default_factory=list)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """What stood in the files that the programs were given, as they ran."""

    def load_tmux_buffer(self, text: str) -> None:
        if not self.tmux:
            raise ToolMissing("tmux cannot be started (No such file or directory).")
        self.buffers.append(text)

    def run_in_front(self, argv: Sequence[str], cwd: Path) -> int:
        if argv[0] not in self.programs:
            raise ToolMissing(f"{argv[0]} cannot be started (No such file or directory).")
        self.ran.append(tuple(argv))
        self.read += [Path(word).read_text() for word in argv[1:] if Path(word).is_file()]
        return 0
