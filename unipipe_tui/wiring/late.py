"""Doors behind which lies what takes long to import and few ask for: numbers, pictures and sinks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unipipe_tui.config import Config
from unipipe_tui.domain.charts import Picture
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.jobs import Job
from unipipe_tui.domain.ports.sinks import Sink
from unipipe_tui.domain.ports.telemetry import JobTrace
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.importance import ImportanceMeter
from unipipe_tui.domain.telemetry import MISSING, Signal, UntracedJob, wanted_of
from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.sources import Files, Source
from unipipe_tui.store.profile_cache import ProfileCache
from unipipe_tui.store.reachable import all_reachable

if TYPE_CHECKING:
    from unipipe_tui.domain.serving import AnsweredRows
    from unipipe_tui.monitoring.drift import DriftReport
    from unipipe_tui.monitoring.quality.results import QualityReport, QualitySettings


def report_quality(
    traffic: AnsweredRows, given: AnsweredRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    """How good decisions were; the door `report_quality` of the World."""
    from unipipe_tui.monitoring.quality.answers import report_answers

    return report_answers(traffic, given, settings, given_as)


def count_rows(
    source: Source, columns: Sequence[str] | None, like: Profile | None, progress: Progress | None
) -> Profile:
    """The profile of a set of rows, counted."""
    from unipipe_tui.monitoring.profiles import profile

    return profile(source, columns, like=like, progress=progress)


def check_by(
    profiles: ProfileCache,
    method: DriftMethod,
    reference: Sequence[Path],
    current: Sequence[Path],
    columns: Sequence[str],
    progress: Progress | None = None,
) -> DriftReport:
    """Two sets of rows compared by a method of one's own choice; the door `check_by` of the World."""
    from unipipe_tui.monitoring.methods.checking import Counted
    from unipipe_tui.monitoring.methods.checking import check_by as check

    with all_reachable(reference) as then, all_reachable(current) as now:
        known = Counted(Files(tuple(map(str, then))), profiles.profile(then, columns, progress=progress))
        return check(method, known, Files(tuple(map(str, now))), progress)


def open_importance() -> ImportanceMeter:
    """What fits forests."""
    from unipipe_tui.adapters.importance import ForestImportance

    return ForestImportance()


def draw_image(chart: Picture, to: Path) -> None:
    """Draw a chart into an SVG or PNG file."""
    from unipipe_tui.charts.image import draw_image as draw

    draw(chart, to)


def open_sink(root: Path, config: Config, name: str) -> Sink:
    """A configured way out for alerts, by name."""
    from unipipe_tui.adapters.sinks.opening import open_sink as opened

    return opened(config.alerts, root, name)


def trace_of(job: Job) -> JobTrace:
    """The trace of a job; nothing is imported where nobody collects traces."""
    wanted = wanted_of(os.environ)
    if Signal.TRACES not in wanted.signals:
        return UntracedJob(wanted.problem)
    try:
        from unipipe_tui.adapters.otlp import trace_job
    except ImportError:
        return UntracedJob(MISSING)
    try:
        return trace_job(job, os.environ)
    except Exception as error:
        # An address or a certificate that is wrong is no failure of the job.
        return UntracedJob(f"Traces are not sent: {type(error).__name__}: {error}")
