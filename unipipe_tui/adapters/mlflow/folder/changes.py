"""The runs of an `mlruns` folder, read from its files: all of them, or those whose files changed."""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from unipipe_tui.adapters.mlflow.folder.reader import NO_EXPERIMENTS, NO_RUNS
from unipipe_tui.adapters.mlflow.folder.rows import lifecycle_of, rows_of
from unipipe_tui.adapters.mlflow.folder.text import Broken, read_meta, sub_folders, words
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.domain.runs.rows import (
    DELETED,
    MLFLOW,
    ExperimentRow,
    KnownRuns,
    RunBatch,
    emptied,
    joined,
    stop_if_asked,
)
from unipipe_tui.domain.values import frozen

FORMAT = 1
RUNS_AT_ONCE = 500
READS_OF_A_MOVING_RUN = 3

TRASH = ".trash"
"""Where MLflow moves the experiments that were deleted."""

READ = frozenset({"meta.yaml", "metrics", "params", "tags", "inputs"})
"""What there is of a run beside its artifacts, which are no concern of the index."""

UNSETTLED = "?"
TICK_NANOSECONDS = 100_000_000
COARSE_TICK_NANOSECONDS = 2_100_000_000
"""Two writes that follow each other so quickly may bear the same time; some file systems count whole seconds."""


class FolderRuns:
    """A source of runs, see `domain.runs.rows.RunSource`: reading never changes the folder."""

    name = MLFLOW
    remark = ""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def place(self) -> str:
        """The URI under which MLflow knows it."""
        return self._path.as_uri()

    def stamp(self) -> str:
        """What stands for the times and sizes of all files: some 0.1 ms per run, since no folder's time tells it."""
        found = self._found(Silent())
        runs = sorted(f"{run_id} {run.print}" for run_id, run in found.runs.items())
        return _digest("\n".join([*runs, *map(str, found.experiments)]))

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        """All runs that are new, changed or gone since the cursor; what is broken stays as it was known, and is said.

        Raises:
            Failed: the folder cannot be read, or holds nothing any more.
            Stopped: somebody asked for the end.
        """
        found, ids = self._found(progress), known.ids()
        is_there = self._path.exists()
        if ids and cursor is not None and found.holds_nothing:
            raise emptied(f"{self._path} {'holds no experiment' if is_there else 'is not there any more'}", len(ids))
        missing = () if is_there else (f"There is no folder {self._path}: MLflow makes it when it logs the first run.",)
        problems = (*missing, *found.problems)
        prints = {run_id: text for run_id, text in _prints_of(cursor).items() if run_id in found.runs}
        changed = [run for run_id, run in found.runs.items() if run_id not in ids or prints.get(run_id) != run.print]
        experiments: Sequence[ExperimentRow] | None = found.experiments
        gone = tuple(sorted(ids - found.runs.keys() - found.hidden)) if found.whole else ()
        for start in range(0, len(changed), RUNS_AT_ONCE) or (0,):
            some = changed[start : start + RUNS_AT_ONCE]
            batch = joined(_read(some, prints, ids, progress))
            yield replace(
                batch,
                cursor=_text(prints),
                experiments=experiments,
                gone=gone,
                unreadable=(*problems, *batch.unreadable),
                done=start + len(some),
                total=len(changed),
            )
            experiments, gone, problems = None, (), ()

    def _found(self, progress: Progress) -> _Found:
        try:
            return _scan(self._path, progress)
        except OSError as error:
            raise Failed(f"{self._path} cannot be read: {error.strerror}.", "Check its permissions.") from error


@frozen
class _RunFolder:
    """A run's folder, and what stands for the files in it."""

    path: Path
    print: str
    """Begins with UNSETTLED when a change could follow that leaves it the same."""

    @property
    def run_id(self) -> str:
        return self.path.name


@frozen
class _Found:
    """What a folder holds, before any run is read."""

    experiments: tuple[ExperimentRow, ...]
    runs: Mapping[str, _RunFolder]
    hidden: frozenset[str]
    """Ids of runs that are there but cannot be looked at."""
    problems: tuple[str, ...]
    whole: bool
    """Whether every run that is there was seen."""

    @property
    def holds_nothing(self) -> bool:
        """Whether there is not even an experiment, which MLflow always leaves."""
        return self.whole and not self.experiments and not self.problems


def _scan(path: Path, progress: Progress) -> _Found:
    experiments: list[ExperimentRow] = []
    runs: dict[str, _RunFolder] = {}
    hidden, problems, whole = set[str](), list[str](), True
    for folder, in_trash in _experiment_folders(path):
        inside: list[Path] = []
        try:
            inside = list(_run_folders(folder))
            experiments.append(_experiment(folder, in_trash=in_trash))
        except Broken as broken:
            problems.append(f"{broken} The runs beside it are left as they were known.")
            hidden.update(run.name for run in inside)
            continue
        except OSError as error:
            problems.append(f"{folder} cannot be read: {error.strerror}. Its runs are left as they were known.")
            whole = False
            continue
        for run in inside:
            stop_if_asked(progress)
            if run.name in runs:
                problems.append(f"{run} has the id of another run, {runs[run.name].path}. It is left out.")
                continue
            try:
                if text := _print(run):
                    runs[run.name] = _RunFolder(run, text)
            except OSError as error:
                problems.append(f"{_why(run, error)} The run is left as it was known.")
                hidden.add(run.name)
    return _Found(tuple(experiments), runs, frozenset(hidden - runs.keys()), tuple(problems), whole)


def _experiment_folders(path: Path) -> Iterator[tuple[Path, bool]]:
    """The folders of experiments and whether they are in the trash; the living first."""
    for root, in_trash in ((path, False), (path / TRASH, True)):
        for folder in sub_folders(root):
            if folder.name not in NO_EXPERIMENTS:
                yield folder, in_trash


def _experiment(folder: Path, *, in_trash: bool) -> ExperimentRow:
    meta = read_meta(folder, "name")
    return ExperimentRow(folder.name, words(meta, "name"), DELETED if in_trash else lifecycle_of(meta))


def _run_folders(experiment: Path) -> Iterator[Path]:
    return (folder for folder in sub_folders(experiment) if folder.name not in NO_RUNS)


def _print(run: Path) -> str:
    """What stands for the names, times and sizes of a run's files; empty when it is gone."""
    try:
        with os.scandir(run) as entries:
            files = [file for entry in entries if entry.name in READ for file in _files(entry, entry.name)]
    except FileNotFoundError:
        return ""
    described = sorted(f"{name} {stat.st_mtime_ns} {stat.st_size} {stat.st_ino}" for name, stat in files)
    settled = _settled([stat.st_mtime_ns for _, stat in files])
    return ("" if settled else UNSETTLED) + _digest("\n".join(described))


def _files(entry: os.DirEntry[str], name: str) -> Iterator[tuple[str, os.stat_result]]:
    if not entry.is_dir(follow_symlinks=False):
        yield name, entry.stat(follow_symlinks=False)
        return
    with os.scandir(entry.path) as entries:
        for inner in entries:
            yield from _files(inner, f"{name}/{inner.name}")


def _settled(times: Sequence[int]) -> bool:
    newest, coarse = max(times, default=0), all(at % 1_000_000_000 == 0 for at in times)
    return abs(time.time_ns() - newest) > (COARSE_TICK_NANOSECONDS if coarse else TICK_NANOSECONDS)


def _read(
    runs: Sequence[_RunFolder], prints: dict[str, str], known: frozenset[str], progress: Progress
) -> Iterator[RunBatch]:
    """The rows of those that can be read; `prints` follows, without those to be read again since something is wrong."""
    for run in runs:
        stop_if_asked(progress)
        prints.pop(run.run_id, None)
        try:
            whole, text = _read_at_rest(run)
        except (Broken, OSError) as error:
            if run.path.exists():
                left = "as it was known" if run.run_id in known else "out"
                yield RunBatch("", unreadable=[f"{_why(run.path, error)} The run is left {left}."])
            continue
        if not whole.unreadable:
            prints[run.run_id] = text
        yield whole


def _read_at_rest(run: _RunFolder) -> tuple[RunBatch, str]:
    """A run as of one moment, if its files rest for long enough; the print is then that of before."""
    before = run.print
    for _ in range(READS_OF_A_MOVING_RUN):
        whole, after = rows_of(run.path), _print(run.path)
        if after.lstrip(UNSETTLED) == before.lstrip(UNSETTLED):
            break
        before = after
    return whole, before


def _why(run: Path, error: Broken | OSError) -> str:
    return str(error) if isinstance(error, Broken) else f"{error.filename or run} cannot be read: {error.strerror}."


def _text(prints: Mapping[str, str]) -> str:
    settled = {run_id: text for run_id, text in prints.items() if not text.startswith(UNSETTLED)}
    return json.dumps({"format": FORMAT, "runs": settled}, separators=(",", ":"))


def _prints_of(cursor: str | None) -> dict[str, str]:
    try:
        plain = json.loads(cursor or "null")
        if plain is None or plain["format"] != FORMAT:
            return {}
        return {str(run_id): str(text) for run_id, text in plain["runs"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _digest(text: str) -> str:
    return b64encode(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=9).digest()).decode()
