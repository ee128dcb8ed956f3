"""What a drift check looks at beside columns one by one: vectors, all together, segments, answers, and which column matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unipipe_tui.actions.drift.sets import columns_asked, files_of
from unipipe_tui.actions.drift.windows import answers_looked_at
from unipipe_tui.actions.world import World
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import ProblemKind, Profile
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, ColumnKind, DriftReport, Method, check_drift
from unipipe_tui.monitoring.verdict.predictions import ANSWERS, OWN, SCORE, check_answers
from unipipe_tui.monitoring.verdict.results import Importance, MultivariateDrift, PredictionDrift, SegmentDrift
from unipipe_tui.monitoring.verdict.text_columns import derived_names, looks_like_lists
from unipipe_tui.monitoring.words import listed, printable

COLUMNS, MULTIVARIATE, PREDICTIONS, SEGMENTS = "columns", "multivariate", "predictions", "segments"


@frozen
class Compared:
    """Two sets of rows, compared."""

    report: DriftReport
    profiles: tuple[Profile, Profile] | None = None
    """None: a method of one's own choice compared them."""


@frozen
class Beside:
    """All verdicts beside the one by column; None where none was asked for, or none could be made."""

    multivariate: MultivariateDrift | None = None
    predictions: PredictionDrift | None = None
    segments: SegmentDrift | None = None
    importance: Importance | None = None


def compare_columns(
    reference: Sequence[Path], current: Sequence[Path], profiles: tuple[Profile, Profile], world: World
) -> Compared:
    """Every column by the default verdict, free texts by what they are made of, vectors by a classifier."""
    then = world.verdicts.with_texts(reference, profiles[0])
    now = world.verdicts.with_texts(current, profiles[1], like=then)
    report = _told_by_rows(check_drift(then, now), (then, now), profiles[0])
    lists = _lists(profiles[0])
    vectors = world.verdicts.embeddings(reference, current, lists) if lists else ()
    return Compared(_with(report, vectors), profiles)


def _told_by_rows(report: DriftReport, extended: tuple[Profile, Profile], columns: Profile) -> DriftReport:
    """What stands for a text was counted in some of the rows."""
    known = {*(name for name, _ in columns.columns), *(problem.column for problem in columns.problems)}

    def told(column: ColumnDrift) -> ColumnDrift:
        then, now = (side.column(column.column) for side in extended)
        if column.column in known or then is None or now is None:
            return column
        return replace(column, reference_rows=then.present, current_rows=now.present)

    return replace(report, columns=tuple(told(column) for column in report.columns))


def _lists(reference: Profile) -> tuple[str, ...]:
    """The columns that may hold vectors; whoever reads them knows."""
    # The sentence names the type, and that of a list ends in brackets; moments and the like are no reason to read rows.
    unlike = (
        one.column for one in reference.problems if one.kind is ProblemKind.NOT_COMPARABLE and "]" in one.sentence
    )
    return (*unlike, *(name for name, column in reference.columns if looks_like_lists(column)))


def _with(report: DriftReport, columns: Sequence[ColumnDrift]) -> DriftReport:
    if not columns:
        return report
    known = {column.column: column for column in columns}
    every = tuple(known.get(column.column, column) for column in report.columns)
    drifted = sorted((one for one in every if one.drifted), key=lambda one: (_has_values(one), -(one.effect or 0.0)))
    return replace(
        report, columns=every, drifted=bool(drifted), drifted_columns=tuple(column.column for column in drifted)
    )


def _has_values(column: ColumnDrift) -> bool:
    return column.method != Method.SCHEMA and column.kind is not ColumnKind.NOT_COMPARED


def segments_asked(words: Sequence[str], reference: Path, world: World) -> tuple[str, ...]:
    """The columns to divide the rows by, named one by one or with commas.

    Raises:
        UsageError: the reference has no such column.
    """
    if not words:
        return ()
    return columns_asked(words, world.profiler.columns(files_of(reference)), reference.name, frozenset())


# --- answers ---------------------------------------------------------------------------------------------------------


def look_at_answers(
    target: str, version: int, rows: int, reference: Sequence[Path], report: DriftReport, world: World
) -> Beside:
    """The latest answers of a version against its first ones, or the scores of the reference, and which inputs they hang on."""
    with answers_looked_at(target, world) as (latest, first):
        late, early = world.predictions.export_answers(target, version, rows, latest, first)
        if not late or not early:
            return Beside()
        held_against = reference if SCORE in world.profiler.columns(reference) else [first]
        # The log writes decisions as texts, whatever they were.
        names = ANSWERS if held_against == [first] else (SCORE,)
        then = world.profiler.profile(held_against, names)
        now = world.profiler.profile([latest], names, like=then)
        against = OWN if held_against == [first] else f"the scores in {reference[0].name}"
        predictions = check_answers(version, then, now, against)
        if late < DEFAULT.minimum_rows:
            return Beside(predictions=predictions)
        effects = {column.column: column.effect for column in report.columns}
        importance = world.verdicts.importance(version, latest, effects, frozenset(report.drifted_columns))
    return Beside(predictions=predictions, importance=importance)


# --- what comes of it ------------------------------------------------------------------------------------------------


def drifted_by(report: DriftReport, found: Beside) -> tuple[str, ...]:
    """Which of the verdicts say drift."""
    said = (
        (COLUMNS, report.drifted),
        (MULTIVARIATE, found.multivariate is not None and found.multivariate.drifted),
        (PREDICTIONS, found.predictions is not None and found.predictions.drifted),
        (SEGMENTS, found.segments is not None and found.segments.drifted),
    )
    return tuple(name for name, drifted in said if drifted)


def weightiest_first(columns: Sequence[ColumnDrift], importance: Importance | None) -> tuple[ColumnDrift, ...]:
    """Those that drifted first; among them those whose drift weighs most for the model, then the farthest."""
    known = {one.column: one.importance for one in importance.columns} if importance else {}
    shares = {name: share for text, share in known.items() for name in (text, *derived_names(text))}

    def order(column: ColumnDrift) -> tuple[bool, float, float]:
        effect = column.effect or 0.0
        return not column.drifted, -effect * shares.get(column.column, 0.0), -effect

    return tuple(sorted(columns, key=order))


def drift_words(columns: Sequence[str], found: Beside) -> str:
    """The verdict on the whole, in a few words."""
    told = [f"in {', '.join(map(printable, columns))}"] if columns else []
    if found.multivariate and found.multivariate.drifted and not columns:
        told.append(f"of {len(found.multivariate.columns)} columns together")
    if found.predictions and found.predictions.drifted:
        told.append(f"of the answers of version {found.predictions.version}")
    if found.segments and found.segments.drifted:
        told.append(f"within {listed(found.segments.moved)}")
    return f"drift {' and '.join(told)}" if told else "no drift"
