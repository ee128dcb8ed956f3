"""Monitoring a target: whether its traffic still looks like the reference, and whether its decisions are still good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.asking import ask
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.release.collecting import bring_log
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetKind
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck
from unipipe_tui.domain.serving import ServerState, TrafficWindow
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.drift import ColumnDrift, DriftReport, check_drift
from unipipe_tui.monitoring.performance import (
    Confusion,
    Metric,
    PerformanceState,
    PerformanceVerdict,
    judge_performance,
)

LONGEST_CHECK_SECONDS = 3600.0


@frozen
class CheckDrift:
    """A target's window, or any two sets."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    rows: Annotated[int | None, "How many of the latest predictions; `monitoring.window_rows` when left out."] = None
    reference: Annotated[Path | None, "Compare with this file instead of the configured reference."] = None
    current: Annotated[
        Path | None, "Look at this file instead of a target's traffic; no check is recorded and no alert moves."
    ] = None
    columns: Annotated[tuple[str, ...], "Only this column; repeatable.", Names.FEATURE] = ()
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


@frozen
class DriftChecked:
    """What was found."""

    target: str | None
    drifted: bool
    drifted_columns: tuple[str, ...]
    reference_rows: int
    current_rows: int
    columns: tuple[ColumnDrift, ...]
    """The farthest first."""
    method: str
    window: TrafficWindow | None
    version: int | None
    """The version whose decisions were judged: the one that serves now, or else the one that answered last."""
    performance: PerformanceVerdict | None
    """Of that version only, over as many of its labels as the verdict says; None when two files were compared."""
    alerts: tuple[str, ...]
    """Problems that are open now."""
    fail_on_drift: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Drift is a no only for those who asked."""
        return ExitCode.CHECK_SAID_NO if self.drifted and self.fail_on_drift else ExitCode.DONE


def plan_drift_check(request: CheckDrift, world: World) -> Plan[DriftOrder]:
    """Compare a target's latest traffic with the reference, column by column, and its decisions with the labels so far.

    Drift means: a significant difference, adjusted for the number of columns, that is also larger than chance explains.
    Only decisions of the version that serves now are judged; with too few labels of it there is no verdict.
    A problem opens an alert; the next check that finds it gone closes it. With --reference and --current any two files
    are compared: the job and its audit entry are recorded, but no check, and no alert is opened or closed.
    """
    if request.rows is not None and request.rows < 1:
        raise UsageError("--rows must be 1 or more.")
    reference = request.reference or _configured_reference(world)
    rows = request.rows or world.config.monitoring.window_rows
    if request.current is not None:
        order = DriftOrder(None, reference, request.current, rows, request.columns, request.fail_on_drift)
        title = f"Compare {request.current} with {reference}"
        recorded = plans.store("the job and its audit entry; no check is recorded, no alert opened or closed")
        return Plan(title, (recorded,), "nothing to undo: two files are only compared", order)
    target = world.target(request.target)
    known, labels = world.predictions.totals(target)
    if known == 0 and world.targets[target].kind is TargetKind.LOCAL:
        raise UsageError(f"{target} has answered no prediction yet.", hint=f"unipipe serve start {target}")
    version = _judged_version(target, world)
    order = DriftOrder(target, reference, None, rows, request.columns, request.fail_on_drift, version)
    window = min(rows, known)
    effects = (
        plans.write(f"the window: the latest {window} of {known} predictions, in .unipipe/windows until compared"),
        plans.store(f"drift, performance of version {version} ({labels} labels in all), alerts opened or closed"),
    )
    title = f"Check the latest {window} predictions of {target} against {reference.name}"
    return Plan(title, effects, "nothing to undo: a check only adds its result", order)


def check(plan: Plan[DriftOrder], world: World, progress: Progress) -> Done[DriftChecked]:
    """Check for drift."""
    order = plan.decided
    if order.target is not None:
        bring_log(world, order.target, progress)
    with step(progress, "compare the distributions", 1, 2):
        report = _compared(order, world)
    if order.target is None:
        checked = _answer(order, report, None, None, ())
        return Done(checked, detail=_sentence(checked))
    with step(progress, "compare decisions with labels", 2, 2):
        window = world.predictions.window(order.target, order.rows)
        performance = _performance(order.target, order.rows, order.version, world)
    checked = _answer(order, report, window, performance, ())
    _record(order.target, checked, world)
    alerts = tuple(alert.message for alert in world.history.alerts() if alert.target == order.target)
    checked = _answer(order, report, window, performance, alerts)
    return Done(checked, detail=_sentence(checked))


def _configured_reference(world: World) -> Path:
    name = world.config.data.reference
    if name is None:
        raise UsageError(
            "No reference is configured.", hint="Name it in unipipe.yaml:  data: {reference: data/train.parquet}"
        )
    path = world.root / name
    if not path.is_file():
        raise UsageError(f"The reference {name} is missing.", hint="Make it: unipipe pipeline run, or dvc pull")
    return path


def _judged_version(target: str, world: World) -> int | None:
    """Traffic of a version that serves no more says nothing about the one that does."""
    status = ask(world, target).status
    if status.state is ServerState.READY and status.version is not None:
        return status.version
    return world.predictions.window(target, 1).version


@contextmanager
def _current(order: DriftOrder, world: World) -> Iterator[Path]:
    """The file to look at. A window is there only as long as it is looked at: what was found in it is in the report."""
    if order.target is None:
        assert order.current is not None
        yield order.current
        return
    folder = world.root / ".unipipe" / "windows"
    _remove_leftovers(folder, world.now())
    path = folder / f"{order.target}-{world.job_id}.parquet"
    try:
        world.predictions.export_window(order.target, order.rows, path)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _remove_leftovers(folder: Path, now: datetime) -> None:
    """What checks that were killed left behind; a younger window may still be looked at by another check."""
    for path in folder.glob("*.parquet*"):
        try:
            if now.timestamp() - path.stat().st_mtime > LONGEST_CHECK_SECONDS:
                path.unlink()
        except OSError:
            continue


def _compared(order: DriftOrder, world: World) -> DriftReport:
    ignored = {world.config.data.id, world.config.data.label}
    there = world.tables.columns(order.reference)
    wanted = order.columns or tuple(name for name in there if name not in ignored)
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise UsageError(f"{order.reference.name} has no column {unknown[0]!r}.", hint=f"It has: {', '.join(there)}.")
    reference = world.profiler.profile((order.reference,), wanted)
    with _current(order, world) as current:
        return check_drift(reference, world.profiler.profile((current,), wanted, like=reference))


def _performance(target: str, rows: int, version: int | None, world: World) -> PerformanceVerdict:
    wanted = world.config.monitoring.performance
    window = world.predictions.labelled_window(target, rows, version)
    confusion = Confusion(window.true_positive, window.false_positive, window.false_negative, window.true_negative)
    verdict = judge_performance(confusion, Metric(wanted.metric.value), wanted.at_least, wanted.minimum_labels)
    return replace(verdict, sentence=f"version {version}: {verdict.sentence}")


def _answer(
    order: DriftOrder,
    report: DriftReport,
    window: TrafficWindow | None,
    performance: PerformanceVerdict | None,
    alerts: tuple[str, ...],
) -> DriftChecked:
    farthest_first = sorted(report.columns, key=lambda column: (not column.drifted, -(column.effect or 0.0)))
    return DriftChecked(
        target=order.target,
        drifted=report.drifted,
        drifted_columns=report.drifted_columns,
        reference_rows=report.reference_rows,
        current_rows=report.current_rows,
        columns=tuple(farthest_first),
        method=report.method,
        window=window,
        version=order.version,
        performance=performance,
        alerts=alerts,
        fail_on_drift=order.fail_on_drift,
    )


def _record(target: str, checked: DriftChecked, world: World) -> None:
    now = world.now()
    world.history.add_drift_check(
        DriftCheck(
            target=target,
            model=world.config.model.name if world.config.model else "",
            version=checked.version,
            rows=checked.current_rows,
            drifted=checked.drifted,
            columns=checked.drifted_columns,
            report=json.dumps(to_plain(checked)),
            at=now,
            job=world.job_id,
        )
    )
    drift = f"drift in {', '.join(checked.drifted_columns)}" if checked.drifted else ""
    _alert(AlertKind.DRIFT, target, drift, world, now, checked.drifted_columns)
    performance = checked.performance
    if performance and _tells(performance):
        below = performance.state is PerformanceState.BELOW
        _alert(AlertKind.PERFORMANCE, target, performance.sentence if below else "", world, now)


def _tells(performance: PerformanceVerdict) -> bool:
    """Whether a problem is surely there or found gone; all else leaves an alert, or none, as it is."""
    if performance.state is PerformanceState.BELOW:
        return performance.surely
    return performance.state is PerformanceState.OK


def _alert(
    kind: AlertKind, target: str, message: str, world: World, now: datetime, columns: tuple[str, ...] = ()
) -> None:
    if message:
        alert_id = f"{kind.value}-{target}-{world.job_id}"
        world.history.open_alert(Alert(alert_id, kind, target, message, now, world.job_id, columns=columns))
    else:
        world.history.close_alerts(kind, target, now)


def _sentence(checked: DriftChecked) -> str:
    drift = f"drift in {', '.join(checked.drifted_columns)}" if checked.drifted else "no drift"
    return f"{drift}; {checked.performance.sentence}" if checked.performance else drift


CHECK = Change("drift check", CheckDrift, plan_drift_check, check, "unipipe drift check --fail-on-drift", Danger.NONE)
