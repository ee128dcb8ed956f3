"""Everything that Unipipe can do, on one page. Both front ends, the help and the documentation are made from this list."""

from __future__ import annotations

from unipipe_tui.actions import (
    audit,
    demo,
    going_back,
    operations,
    overview,
    performance,
    projects,
    rerun,
    serve,
    store,
    timeline,
    traffic,
    user_commands,
)
from unipipe_tui.actions.action import Action
from unipipe_tui.actions.alerts import listing as alerts
from unipipe_tui.actions.alerts import marks as alert_marks
from unipipe_tui.actions.alerts import sinks as alert_sinks
from unipipe_tui.actions.drift import checking as drift
from unipipe_tui.actions.drift import explained as explained_drift
from unipipe_tui.actions.drift import history as drift_history
from unipipe_tui.actions.export import documents as export_documents
from unipipe_tui.actions.jobs import cancelling as job_cancelling
from unipipe_tui.actions.jobs import following as job_following
from unipipe_tui.actions.jobs import listing as jobs
from unipipe_tui.actions.jobs import logs as job_logs
from unipipe_tui.actions.lineage import tracing as lineage
from unipipe_tui.actions.lineage import walk as lineage_walk
from unipipe_tui.actions.models import cards as model_cards
from unipipe_tui.actions.models import comparison as model_comparison
from unipipe_tui.actions.models import registry as models
from unipipe_tui.actions.models import rejection as model_rejection
from unipipe_tui.actions.monitor import run as monitor_run
from unipipe_tui.actions.monitor import standing as monitor_standing
from unipipe_tui.actions.monitor import story as monitor_story
from unipipe_tui.actions.objectives import budgets as objectives
from unipipe_tui.actions.pipeline import running as pipeline
from unipipe_tui.actions.pipeline import stages
from unipipe_tui.actions.pipeline import view as pipeline_view
from unipipe_tui.actions.release import collecting as release_collecting
from unipipe_tui.actions.release import difference as release_difference
from unipipe_tui.actions.release import export as release_export
from unipipe_tui.actions.release import history as release_history
from unipipe_tui.actions.release import log as release_log
from unipipe_tui.actions.release import moving as release_moving
from unipipe_tui.actions.release import starting as release_starting
from unipipe_tui.actions.release import status as release_status
from unipipe_tui.actions.release import view as release_view
from unipipe_tui.actions.runs import best as run_best
from unipipe_tui.actions.runs import changes as run_changes
from unipipe_tui.actions.runs import comparison as run_comparison
from unipipe_tui.actions.runs import contents as run_contents
from unipipe_tui.actions.runs import drawing as run_drawing
from unipipe_tui.actions.runs import export as run_export
from unipipe_tui.actions.runs import groups as run_groups
from unipipe_tui.actions.runs import history as run_history
from unipipe_tui.actions.runs import importance as run_importance
from unipipe_tui.actions.runs import listing as runs
from unipipe_tui.actions.runs import registration as run_registration
from unipipe_tui.actions.runs import reproduction as run_reproduction
from unipipe_tui.actions.runs import scatter as run_scatter
from unipipe_tui.actions.runs import sync as run_sync

CATALOG: tuple[Action, ...] = (
    projects.INIT,
    demo.DEMO,
    projects.DOCTOR,
    overview.STATUS,
    store.SQL,
    pipeline_view.SHOW,
    stages.STAGE,
    pipeline.PLAN,
    pipeline.RUN,
    pipeline.RETRAIN,
    jobs.LIST,
    jobs.SHOW,
    job_logs.LOGS,
    job_following.ATTACH,
    job_cancelling.CANCEL,
    rerun.rerun_among(lambda: CATALOG),
    run_sync.SYNC,
    runs.LIST,
    runs.SHOW,
    run_contents.EXPERIMENTS,
    run_contents.COLUMNS,
    run_comparison.COMPARE,
    run_best.BEST,
    run_history.HISTORY,
    run_scatter.CHART,
    run_scatter.PARALLEL,
    run_importance.PARAMS,
    run_groups.SWEEPS,
    run_groups.DUPLICATES,
    run_drawing.DRAW,
    run_export.EXPORT,
    run_changes.TAG,
    run_changes.RENAME,
    run_changes.NOTE,
    run_changes.DELETE,
    run_changes.RESTORE,
    run_registration.REGISTER,
    run_reproduction.REPRODUCE,
    models.LIST,
    models.SHOW,
    model_cards.CARD,
    model_comparison.COMPARE,
    models.CHECK,
    models.PROMOTE,
    model_rejection.REJECT,
    models.ROLL_BACK,
    release_starting.START,
    release_status.STATUS,
    release_status.TARGETS,
    release_view.SHOW,
    release_moving.ADVANCE,
    release_moving.HOLD,
    release_moving.ABORT,
    release_status.RESUME,
    release_history.HISTORY,
    release_difference.DIFF,
    release_log.LOG,
    release_export.EXPORT,
    serve.START,
    serve.STOP,
    serve.STATUS,
    traffic.PREDICT,
    traffic.FEEDBACK,
    traffic.SHOW,
    release_collecting.COLLECT,
    drift.CHECK,
    drift_history.SHOW,
    drift_history.HISTORY,
    explained_drift.EXPLAIN,
    explained_drift.DRAW,
    performance.SHOW,
    operations.SHOW,
    timeline.SHOW,
    monitor_standing.SHOW,
    monitor_story.SHOW,
    objectives.SHOW,
    monitor_run.RUN,
    alerts.LIST,
    alerts.SHOW,
    alerts.ACKNOWLEDGE,
    alert_marks.SNOOZE,
    alert_marks.CLOSE,
    alert_sinks.SINKS,
    alert_sinks.TEST,
    export_documents.PROMETHEUS,
    export_documents.GRAFANA,
    lineage.SHOW,
    lineage_walk.WALK,
    audit.LIST,
    audit.VERIFY,
    store.CHECK,
    store.BACK_UP,
    user_commands.LIST,
    user_commands.RUN,
    going_back.ROLL_BACK,
    going_back.UNDO,
)

NOUNS: dict[str, str] = {
    "pipeline": "The DVC pipeline: what it is, what will run and why.",
    "jobs": "Executions of changes: what runs and what ran.",
    "runs": "MLflow runs.",
    "models": "Registered models: versions, gates, promotion.",
    "release": "Versions on targets: bringing them there by steps, what answers where, what was before.",
    "serve": "Model servers.",
    "traffic": "What a target answered.",
    "timeline": "Performance, drift, latency and what happened, on one axis of time.",
    "drift": "Live traffic against the reference.",
    "performance": "How good decisions are, before and after their labels came.",
    "slo": "Objectives: whether they are met, and what is left of their error budgets.",
    "operations": "How a target runs: traffic, errors, latency, load, cost.",
    "monitor": "Watching over all targets.",
    "alerts": "Problems that checks found.",
    "export": "What other tools watch with: rules for Prometheus, a dashboard for Grafana.",
    "lineage": "From anything to what it came from and what it led to.",
    "audit": "Who did what.",
    "store": "The local store.",
    "user": "Commands of your own.",
}
"""What the groups of commands are about."""


def action_named(name: str) -> Action:
    """The capability of that name; KeyError when there is none."""
    return {action.name: action for action in CATALOG}[name]
