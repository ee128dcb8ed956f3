"""Runs side by side: what they were given, what came of it, and how far they scatter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.runs.columns import configured_directions
from unipipe_tui.actions.runs.compared_rows import ComparedRow, Inventory, Kind, Value, inventory, rows_across
from unipipe_tui.actions.runs.listing import paged, query_of
from unipipe_tui.actions.runs.repeats import Repeats, repeats_among
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError, UsageError
from unipipe_tui.domain.ports.store import RunIndex
from unipipe_tui.domain.ports.tools import DiffStat, Git
from unipipe_tui.domain.run_files import RunFiles
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.runs.query_grammar import kind_named
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.domain.runs.tags import commit_of, is_dirty
from unipipe_tui.domain.tracking import Run, status_words
from unipipe_tui.domain.values import frozen

MOST_RUNS = 50


@frozen
class CompareRuns:
    """Which runs, and what of them."""

    runs: Annotated[
        tuple[str, ...],
        OBJECT,
        "Two to fifty runs: ids, their beginnings, or unique names. One that is named twice counts once.",
        Names.RUN,
    ] = ()
    baseline: Annotated[
        str | None, "What the others are measured against; the first run unless given.", Names.RUN, Short("b")
    ] = None
    differences_only: Annotated[bool, "Leave out what is the same in all."] = False
    where: Annotated[str, "Compare the runs that fit, as in runs list.", Short("w")] = ""
    keys: Annotated[
        tuple[str, ...], "Only these: metrics.f1,params.depth, or a bare key. May be given again.", Names.COLUMN
    ] = ()


@frozen
class CodeDifference:
    """What changed from the baseline's commit to that of other runs."""

    commit: str
    runs: tuple[str, ...]
    """The ids of the runs that were made at it."""
    known: bool
    """Whether this repository has both commits."""
    files: int | None
    insertions: int | None
    """Lines."""
    deletions: int | None
    paths: tuple[str, ...]
    """Those with the most changed lines, twenty at most."""


@frozen
class RunComparison:
    """Runs side by side."""

    runs: tuple[str, ...]
    """Their ids."""
    names: tuple[str, ...]
    statuses: tuple[str, ...]
    """As a person should read them: one that is probably dead does not look alive."""
    start_times: tuple[datetime | None, ...]
    baseline: str
    """The id of the run that the others are measured against."""
    rows: tuple[ComparedRow, ...]
    code: tuple[CodeDifference, ...]
    """One for each commit that is not the baseline's."""
    packages: Inventory | None
    """What the runs' models ask for; None when only some keys were asked for."""
    artifacts: Inventory | None
    """Sizes of files in bytes, by path; None when only some keys were asked for."""
    repeats: tuple[Repeats, ...]
    problems: tuple[str, ...]


def compare_runs(request: CompareRuns, world: World) -> RunComparison:
    """Set two to fifty runs side by side: params, metrics, data, tags, code, packages and files.

    Each metric is measured against that of the baseline. Which way it gets better is known for metrics that
    unipipe.yaml has gates on (higher), else told by the words of its name: loss, error, rmse, latency and the like are
    better when lower; accuracy, auc, f1, score and the like when higher; others get no verdict. Runs that differ in
    nothing but a seed are repeats: of those the mean of each metric is told with its 95 % interval.
    """
    opened = open_index(world)
    runs, baseline = _chosen(request, opened.index)
    wanted = _wanted(request.keys)
    rows = [row for row in rows_across(runs, baseline, configured_directions(world)) if wanted(row.kind, row.name)]
    files = {} if request.keys else _files(runs, world)
    packages, artifacts = (None, None) if request.keys else _inventories(runs, files)
    return RunComparison(
        runs=tuple(run.run_id for run in runs),
        names=tuple(run.name for run in runs),
        statuses=tuple(status_words(run, world.now()) for run in runs),
        start_times=tuple(run.started for run in runs),
        baseline=runs[baseline].run_id,
        rows=tuple(row for row in rows if not (request.differences_only and row.same)),
        code=code_differences(runs, baseline, world.git),
        packages=packages,
        artifacts=artifacts,
        repeats=repeats_among(runs, lambda metric: wanted(Kind.METRIC, metric)),
        problems=(*opened.notices, *_doubts(runs), *_cut(files), *_nowhere(request.keys, rows)),
    )


def _chosen(request: CompareRuns, index: RunIndex) -> tuple[list[Run], int]:
    """The runs, and which of them is the baseline."""
    runs = _each_once(index.runs(request.runs))
    if request.where.strip():
        page = index.search(paged(query_of(request.where, ()), MOST_RUNS + 1))
        if page.total > MOST_RUNS:
            raise UsageError(
                f"{page.total:,} runs fit; {MOST_RUNS} can be compared.",
                hint="Ask for fewer, for example by experiment.",
            )
        runs = _each_once((*runs, *page.runs))
    baseline = 0
    if request.baseline is not None:
        (measure,) = index.runs([request.baseline])
        ids = [run.run_id for run in runs]
        if measure.run_id not in ids:
            runs.insert(0, measure)
        else:
            baseline = ids.index(measure.run_id)
    if len(runs) < 2:
        twice = f" {runs[0].run_id[:8]} is named {len(request.runs)} times." if runs and len(request.runs) > 1 else ""
        raise UsageError(f"Comparing needs two runs or more.{twice}", hint="unipipe runs list")
    if len(runs) > MOST_RUNS:
        raise UsageError(f"{len(runs)} runs are too many to compare; {MOST_RUNS} are allowed.", hint="Name fewer.")
    return runs, baseline


def _each_once(runs: Iterable[Run]) -> list[Run]:
    """The runs in their order. Two sources may each have one of the same id, which are two."""
    return list({(run.source, run.run_id): run for run in runs}.values())


def _wanted(keys: Iterable[str]) -> Callable[[Kind, str], bool]:
    """Whether a row was asked for; every one is when no key was named."""
    asked = {_asked(part) for part in _parts(keys)}
    if not asked:
        return lambda kind, name: True
    return lambda kind, name: (kind, name) in asked or (None, name) in asked


def _nowhere(keys: Iterable[str], rows: Sequence[ComparedRow]) -> Iterator[str]:
    """The keys that were asked for, and none of the runs has."""
    there = {name for row in rows for name in ((row.kind, row.name), (None, row.name))}
    for part in _parts(keys):
        if _asked(part) not in there:
            yield f"None of the runs has {part}."


def _parts(keys: Iterable[str]) -> list[str]:
    return [part.strip() for text in keys for part in text.split(",") if part.strip()]


KINDS = {
    FieldKind.METRIC: Kind.METRIC,
    FieldKind.PARAM: Kind.PARAM,
    FieldKind.TAG: Kind.TAG,
    FieldKind.DATASET: Kind.DATA,
    FieldKind.ATTRIBUTE: Kind.ATTRIBUTE,
}


def _asked(key: str) -> tuple[Kind | None, str]:
    kind = kind_named(key.partition(".")[0]) if "." in key else None
    if kind is None:
        return None, key
    if kind in (FieldKind.DATASET, FieldKind.ATTRIBUTE):
        return KINDS[kind], key.partition(".")[2]
    return KINDS[kind], parse_field(key).key


def _doubts(runs: Sequence[Run]) -> list[str]:
    """What a reader of the comparison might take for granted, and should not."""
    dirty = [run.run_id[:8] for run in runs if is_dirty(run)]
    without = [run.run_id[:8] for run in runs if commit_of(run) is None]
    said = []
    if dirty:
        said.append(f"The code of {_several(dirty)} was changed since its commit.")
    if without:
        said.append(f"The commit of {_several(without)} is not known.")
    return said


def _several(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= 3 else f"{len(ids)} runs"


def code_differences(runs: Sequence[Run], baseline: int, git: Git) -> tuple[CodeDifference, ...]:
    """What changed between the baseline's commit and each other commit that one of the runs was made at."""
    base = commit_of(runs[baseline])
    at: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        commit = commit_of(run)
        if base is not None and commit is not None and commit != base:
            at[commit].append(run.run_id)
    return tuple(
        _difference(commit, tuple(dict.fromkeys(ids)), git.diff_stat(base or "", commit)) for commit, ids in at.items()
    )


def _difference(commit: str, ids: tuple[str, ...], stat: DiffStat | None) -> CodeDifference:
    if stat is None:
        return CodeDifference(commit, ids, False, None, None, None, ())
    return CodeDifference(commit, ids, True, stat.files, stat.insertions, stat.deletions, stat.paths)


def _files(runs: Sequence[Run], world: World) -> dict[str, RunFiles | None]:
    """What each run left on this machine."""
    try:
        left = world.tracking.files_of(runs)
    except (UnipipeError, OSError):
        left = tuple(None for _ in runs)
    return dict(zip((run.run_id for run in runs), left, strict=True))


def _cut(files: Mapping[str, RunFiles | None]) -> tuple[str, ...]:
    cut = [run_id[:8] for run_id, found in files.items() if found and not found.complete]
    return (f"Not all files of {_several(cut)} were compared: there are too many.",) if cut else ()


def _inventories(runs: Sequence[Run], files: Mapping[str, RunFiles | None]) -> tuple[Inventory, Inventory]:
    """The packages and the files of the runs against each other."""

    def packages(run: Run) -> Mapping[str, Value] | None:
        found = files[run.run_id]
        return found.packages if found else None

    def sizes(run: Run) -> Mapping[str, Value] | None:
        found = files[run.run_id]
        return found.sizes if found else None

    return inventory(Kind.PACKAGE, runs, packages), inventory(Kind.ARTIFACT, runs, sizes)


COMPARE = Look("runs compare", CompareRuns, compare_runs, "unipipe runs compare 3f9a2c 81d0e7 --differences-only")
