"""Monitoring a target: whether its traffic still looks like the reference, and whether its decisions are still good."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.alerts.delivering import deliver_soon
from unipipe_tui.actions.alerts.settling import settle
from unipipe_tui.actions.answer_kinds import says_yes_or_no
from unipipe_tui.actions.asking import ask
from unipipe_tui.actions.drift.beside import (
    Beside,
    Compared,
    compare_columns,
    drift_words,
    drifted_by,
    look_at_answers,
    segments_asked,
    weightiest_first,
)
from unipipe_tui.actions.drift.findings import drift_finding, performance_finding
from unipipe_tui.actions.drift.findings_beside import beside_findings
from unipipe_tui.actions.drift.sets import columns_asked, configured_reference, files_of
from unipipe_tui.actions.drift.windows import latest_window, rows_looked_at
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.release.collecting import bring_log
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetKind
from unipipe_tui.domain import plans
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.findings import Finding
from unipipe_tui.domain.plans import Effect, Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import DriftCheck
from unipipe_tui.domain.serving import ServerState, TrafficWindow
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.drift import METHOD_NOTE, ColumnDrift, DriftReport
from unipipe_tui.monitoring.performance import Confusion, Metric, PerformanceVerdict, judge_performance
from unipipe_tui.monitoring.verdict.predictions import ANSWERS
from unipipe_tui.monitoring.verdict.results import Importance, MultivariateDrift, PredictionDrift, SegmentDrift

METHOD_NAMES = frozenset(map(str, DriftMethod))
UNRECORDED = plans.store("the job and its audit entry; no check is recorded, no alert opened or closed")


@frozen
class CheckDrift:
    """A target's window, or any two sets."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    rows: Annotated[int | None, "How many of the latest predictions; `monitoring.window_rows` when left out."] = None
    reference: Annotated[
        Path | None, "Compare with this file, or with the files of this pattern, instead of the configured reference."
    ] = None
    current: Annotated[
        Path | None,
        "Look at this file, or the files of this pattern, instead of a target's traffic; no check is recorded and no "
        "alert moves.",
    ] = None
    method: Annotated[
        DriftMethod | None,
        "Compare every column by this method and judge it by its rule, instead of the default verdict; no check is "
        "recorded and no alert moves.",
    ] = None
    columns: Annotated[tuple[str, ...], "Only these columns, with commas between them; repeatable.", Names.FEATURE] = ()
    multivariate: Annotated[
        bool,
        "Look at all columns together as well; of a target's window this is done anyhow, unless "
        "`monitoring.multivariate` says no.",
    ] = False
    segments: Annotated[
        tuple[str, ...],
        "Look at every column within each value of these columns, with commas between them; repeatable. "
        "`monitoring.segments` when left out.",
        Names.FEATURE,
    ] = ()
    fail_on_drift: Annotated[bool, "End with exit code 4 when drift is found."] = False


@frozen
class DriftOrder:
    """What was decided."""

    target: str | None
    """None: two files are compared, no check is recorded and no alert moves."""
    reference: Path
    current: Path | None
    rows: int
    columns: tuple[str, ...]
    fail_on_drift: bool
    version: int | None = None
    """The version whose decisions are judged: the one that serves now, or else the one that answered last."""
    method: DriftMethod | None = None
    """None: the default verdict."""
    multivariate: bool = False
    segments: tuple[str, ...] = ()

    @property
    def looks_closer(self) -> bool:
        """Whether more is asked for than columns one by one."""
        return self.multivariate or bool(self.segments)

    @property
    def answers_of(self) -> int | None:
        """The version whose answers are held against what they were; None when there is none, or a method was asked for."""
        return self.version if self.recorded else None

    @property
    def recorded(self) -> bool:
        """Whether the check is kept and moves alerts: only the default verdict on a target's own traffic is."""
        return self.target is not None and self.method is None


@frozen
class DriftChecked:
    """What was found."""

    target: str | None
    drifted: bool
    """Whether any of the verdicts says so."""
    drifted_columns: tuple[str, ...]
    reference_rows: int
    current_rows: int
    columns: tuple[ColumnDrift, ...]
    """Those that drifted first, the weightiest for the model before the farthest."""
    method: str
    window: TrafficWindow | None
    version: int | None
    """The version whose decisions were judged: the one that serves now, or else the one that answered last."""
    performance: PerformanceVerdict | None
    """Of that version only, over as many of its labels as the verdict says; None when two files were compared."""
    alerts: tuple[str, ...]
    """Problems that are open now."""
    fail_on_drift: bool = False
    new_columns: tuple[str, ...] = ()
    """Columns that only the current one of two sets has: there is nothing to compare them with."""
    drifted_by: tuple[str, ...] = ()
    """Which verdicts say drift: `columns`, `multivariate`, `predictions`, `segments`."""
    multivariate: MultivariateDrift | None = None
    """All columns together; None when nobody asked."""
    predictions: PredictionDrift | None = None
    """The answers of the version; None for two files, and where there is no version."""
    segments: SegmentDrift | None = None
    """Every column within each value of the segments; None when there are none."""
    importance: Importance | None = None
    """Which columns the version looks at."""

    @property
    def beside(self) -> Beside:
        """All but the verdict by column."""
        return Beside(self.multivariate, self.predictions, self.segments, self.importance)

    @property
    def words(self) -> str:
        """The verdict in a few words; of what nobody could judge nothing is said."""
        known = self.drifted or any(column.judged for column in self.columns)
        return drift_words(self.drifted_columns, self.beside) if known else "nothing could be judged"

    @property
    def value_name(self) -> str:
        """What the columns' value is called."""
        named = (column.method for column in self.columns if column.method in METHOD_NAMES)
        return next(named, "psi" if self.method == METHOD_NOTE else "value")

    @property
    def exit_code(self) -> ExitCode:
        """Drift is a no only for those who asked."""
        return ExitCode.CHECK_SAID_NO if self.drifted and self.fail_on_drift else ExitCode.DONE


def plan_drift_check(request: CheckDrift, world: World) -> Plan[DriftOrder]:
    """Compare a target's latest traffic with the reference, column by column, and its decisions with the labels so far.

    Drift means: a significant difference, adjusted for the number of columns, that is also larger than chance explains.
    Only decisions of the version that serves now are judged; with too few labels of it there is no verdict.
    A problem opens an alert; the next check that finds it gone closes it. With --reference and --current any two files
    are compared: the job and its audit entry are recorded, but no check, and no alert is opened or closed. The same
    holds with --method, which computes one number a column, by the formula, bins and rule of that method.

    Beside the columns stand, each with its own verdict: all columns together, the answers of the version against its first
    ones, every column within each value of a segment, and how much the model looks at a column that drifted.
    """
    if request.rows is not None and request.rows < 1:
        raise UsageError("--rows must be 1 or more.")
    reference = request.reference or configured_reference(world)
    files_of(reference)
    order = DriftOrder(
        target=None,
        reference=reference,
        current=request.current,
        rows=request.rows or world.config.monitoring.window_rows,
        columns=request.columns,
        fail_on_drift=request.fail_on_drift,
        method=request.method,
        multivariate=request.multivariate,
        segments=segments_asked(request.segments, reference, world),
    )
    if request.current is None:
        return _plan_of_target(order, world.target(request.target), world)
    files_of(request.current)
    title = f"Compare {request.current} with {reference}"
    return Plan(title, (UNRECORDED,), "nothing to undo: two files are only compared", order)


def _plan_of_target(order: DriftOrder, target: str, world: World) -> Plan[DriftOrder]:
    known, labels = world.predictions.totals(target)
    if known == 0 and world.targets[target].kind is TargetKind.LOCAL:
        raise UsageError(f"{target} has answered no prediction yet.", hint=f"unipipe serve start {target}")
    order = target_order(replace(order, target=target, version=judged_version(target, world)), world)
    window = min(order.rows, known)
    judged = f"performance of version {order.version} ({labels} labels in all)"
    effects: tuple[Effect, ...] = (
        plans.write(f"the window: the latest {window} of {known} predictions, in .unipipe/windows until compared"),
        plans.store(f"drift, {judged}, alerts opened or closed") if order.recorded else UNRECORDED,
    )
    if order.recorded and world.config.alerts.sinks:
        effects = (*effects, plans.serve(f"sinks that are told: {', '.join(world.config.alerts.sinks)}"))
    title = f"Check the latest {window} predictions of {target} against {order.reference.name}"
    return Plan(title, effects, "nothing to undo: a check only adds its result", order)


def target_order(order: DriftOrder, world: World) -> DriftOrder:
    """The order with what is configured to be looked at beside columns; a method of one's own choice looks at no more."""
    wanted = world.config.monitoring
    if order.method is not None:
        return order
    return replace(
        order,
        multivariate=order.multivariate or wanted.multivariate,
        segments=order.segments or wanted.segments,
    )


def check(plan: Plan[DriftOrder], world: World, progress: Progress) -> Done[DriftChecked]:
    """Check for drift."""
    order = plan.decided
    checked = evaluate(order, world, progress)
    if order.target is not None:
        if order.recorded:
            settle(findings_of(order.target, checked, world), world)
            deliver_soon(world, progress)
        alerts = tuple(alert.message for alert in world.history.alerts() if alert.target == order.target)
        checked = replace(checked, alerts=alerts)
    return Done(checked, detail=_sentence(checked))


def evaluate(order: DriftOrder, world: World, progress: Progress) -> DriftChecked:
    """Compare; the check of a target is recorded, and no alert moved yet."""
    if order.target is not None:
        bring_log(world, order.target, progress)
    steps = 1 + order.looks_closer + (order.answers_of is not None) + (order.target is not None)
    with rows_looked_at(order.target, order.current, order.rows, world) as current:
        with step(progress, "compare the distributions", 1, steps):
            found = _compared(order, current, world, progress)
        beside = Beside()
        if order.looks_closer:
            with step(progress, "look at columns together and at segments", 2, steps):
                beside = _closer(order, found, current, world)
    if order.target is None:
        return replace(_answer(order, found.report, beside), new_columns=_new_columns(order, world))
    if order.answers_of is not None:
        with step(progress, "compare the answers", steps - 1, steps):
            reference = files_of(order.reference)
            answers = look_at_answers(order.target, order.answers_of, order.rows, reference, found.report, world)
            beside = replace(beside, predictions=answers.predictions, importance=answers.importance)
    with step(progress, "compare decisions with labels", steps, steps):
        window = latest_window(order.target, order.rows, world, progress)
        performance = judged_decisions(order.target, order.rows, order.version, world)
    checked = replace(_answer(order, found.report, beside), window=window, performance=performance)
    if order.recorded:
        _record(order.target, checked, world)
    return checked


def findings_of(target: str, checked: DriftChecked, world: World) -> tuple[Finding, ...]:
    """What a check of a target says, for alerts."""
    drift = drift_finding(target, checked.drifted_columns, checked, world.job_id)
    found = (drift, *beside_findings(target, checked.drifted_columns, checked.beside, world.job_id))
    return (*found, performance_finding(target, checked.performance)) if checked.performance else found


def judged_version(target: str, world: World) -> int | None:
    """Traffic of a version that serves no more says nothing about the one that does."""
    status = ask(world, target).status
    if status.state is ServerState.READY and status.version is not None:
        return status.version
    return world.predictions.window(target, 1).version


def _compared(order: DriftOrder, current: tuple[Path, ...], world: World, progress: Progress) -> Compared:
    files = files_of(order.reference)
    there = world.profiler.columns(files)
    wanted = columns_asked(order.columns, there, order.reference.name, _ignored(world))
    if order.target is not None and not order.columns:
        # A reference that holds scores is no reason to miss them among the inputs.
        inputs = world.profiler.columns(current)
        wanted = tuple(name for name in wanted if name not in ANSWERS or name in inputs)
    if order.method is not None:
        report = world.check_by(order.method, files, current, wanted, progress)
        if not order.looks_closer:
            return Compared(report)
    reference = world.profiler.profile(files, wanted, progress=progress)
    profiles = reference, world.profiler.profile(current, wanted, reference, progress)
    return Compared(report, profiles) if order.method is not None else compare_columns(files, current, profiles, world)


def _closer(order: DriftOrder, found: Compared, current: tuple[Path, ...], world: World) -> Beside:
    assert found.profiles is not None
    files = files_of(order.reference)
    together = world.verdicts.together(files, current, found.profiles) if order.multivariate else None
    segments = None
    if order.segments:
        by = world.profiler.profile(files, order.segments)
        segments = world.verdicts.segments(files, current, found.profiles[0], by)
    return Beside(multivariate=together, segments=segments)


def _ignored(world: World) -> frozenset[str]:
    return frozenset(name for name in (world.config.data.id, world.config.data.label) if name)


def _new_columns(order: DriftOrder, world: World) -> tuple[str, ...]:
    """Those that nobody asked to leave out and the reference lacks."""
    if order.columns or order.current is None:
        return ()
    known = {*world.profiler.columns(files_of(order.reference)), *_ignored(world)}
    return tuple(name for name in world.profiler.columns(files_of(order.current)) if name not in known)


def judged_decisions(target: str, rows: int, version: int | None, world: World) -> PerformanceVerdict | None:
    """How good the decisions of a version are, by the labels of as many of its predictions.

    None when it does not say yes or no: those of several classes and numbers are judged by the check of quality.
    """
    wanted = world.config.monitoring.performance
    if not says_yes_or_no(world, target, version, rows):
        return None
    window = world.predictions.labelled_window(target, rows, version)
    confusion = Confusion(window.true_positive, window.false_positive, window.false_negative, window.true_negative)
    verdict = judge_performance(confusion, Metric(wanted.metric.value), wanted.at_least, wanted.minimum_labels)
    return replace(verdict, sentence=f"version {version}: {verdict.sentence}")


def _answer(order: DriftOrder, report: DriftReport, beside: Beside) -> DriftChecked:
    said = drifted_by(report, beside)
    return DriftChecked(
        target=order.target,
        drifted=bool(said),
        drifted_columns=report.drifted_columns,
        reference_rows=report.reference_rows,
        current_rows=report.current_rows,
        columns=weightiest_first(report.columns, beside.importance),
        method=report.method,
        window=None,
        version=order.version,
        performance=None,
        alerts=(),
        fail_on_drift=order.fail_on_drift,
        drifted_by=said,
        multivariate=beside.multivariate,
        predictions=beside.predictions,
        segments=beside.segments,
        importance=beside.importance,
    )


def _record(target: str, checked: DriftChecked, world: World) -> None:
    world.history.add_drift_check(
        DriftCheck(
            target=target,
            model=world.config.model.name if world.config.model else "",
            version=checked.version,
            rows=checked.current_rows,
            drifted=checked.drifted,
            columns=checked.drifted_columns,
            report=json.dumps(to_plain(checked)),
            at=world.now(),
            job=world.job_id,
        )
    )


def _sentence(checked: DriftChecked) -> str:
    return f"{checked.words}; {checked.performance.sentence}" if checked.performance else checked.words


CHECK = Change("drift check", CheckDrift, plan_drift_check, check, "unipipe drift check --fail-on-drift", Danger.NONE)
