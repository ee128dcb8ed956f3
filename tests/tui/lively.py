"""A project in the middle of its life with something to see in every place; the same to the last byte every time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import yaml

from tests.actions.runs.made import Made, batch_of
from tests.at_once import at_once
from tests.fakes import NOON, FakeTracking, staying
from tests.tui.conftest import JOBS, MODEL
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG
from unipipe_tui.domain.event_lines import to_line
from unipipe_tui.domain.events import Event, Noted, StepEnded, StepStarted, ToolEnded, ToolSaid, ToolStarted
from unipipe_tui.domain.jobs import StageTiming
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck, GateCheck, GateResult, How, Promotion, Release
from unipipe_tui.domain.runs.rows import MLFLOW, ExperimentRow
from unipipe_tui.domain.tracking import Dataset, Metric, ModelVersion, RegisteredModel, Run, RunStatus
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory

EARLIER = timedelta(hours=30)
COMMITS = tuple(f"{number}f9a2c1" + "0" * 33 for number in range(4))
DATA = tuple(f"{number}d" * 16 for number in range(4))
EXPERIMENT = "fraud-detection"
STAGES = {
    "ingest": ("all.parquet", ("ingest.py",), ()),
    "validate": ("valid.parquet", ("all.parquet", "validate.py"), ()),
    "features": ("features.parquet", ("valid.parquet", "features.py"), ("features.window",)),
    "train": ("model.bin", ("features.parquet", "train.py"), ("train.depth", "train.rounds")),
    "evaluate": ("report.json", ("model.bin", "features.parquet"), ()),
    "explain": ("shap.html", ("model.bin",), ()),
}
"""By name: what comes out, what goes in, which params."""
PARAMS = {"features": {"window": 30}, "train": {"depth": 8, "rounds": 300}}
FEATURES = ("amount", "region", "hour", "merchant", "channel", "age_of_account")
RUNNING = JOBS[3]
SAID: tuple[Event, ...] = (
    StepStarted("ingest", 1, 6),
    StepEnded("ingest", "skipped", 0.0),
    StepStarted("validate", 2, 6),
    StepEnded("validate", "skipped", 0.0),
    StepStarted("features", 3, 6),
    ToolStarted(("dvc", "repro", "features"), 4800),
    ToolSaid("dvc", "Running stage 'features':"),
    ToolSaid("dvc", "> python features.py"),
    ToolSaid("dvc", "windows of 30 days over 184,031 payments"),
    ToolEnded("dvc", 0, 12.5),
    StepEnded("features", "done", 12.9),
    StepStarted("train", 4, 6),
    Noted("depth changed from 6 to 8"),
    *(ToolSaid("dvc", f"[{n}]  train-logloss: {0.6 / n:.5f}  holdout-logloss: {0.65 / n:.5f}") for n in range(1, 9)),
    ToolSaid("dvc", "WARNING: 3 columns are constant"),
)


def lively(busy: World) -> World:
    """The busy world with a pipeline that ran, runs, versions that were promoted and released, traffic and checks."""
    with at_once(busy) as writable:
        lay_pipeline(writable)
        tell_history(writable)
    log_traffic(busy.root)
    index = RunIndex(Memory())
    runs = tuple(some_runs())
    batch = batch_of(*runs)
    moved = int(EARLIER.total_seconds() * 1000)
    rows = [row._replace(started=shifted(row.started, moved), ended=shifted(row.ended, moved)) for row in batch.runs]
    kept_at = busy.tracking_place.shown
    index.take(MLFLOW, kept_at, replace(batch, runs=rows, experiments=[ExperimentRow("1", EXPERIMENT)]))
    index.complete(MLFLOW, kept_at, "", NOON)
    return staying(
        busy,
        tracking=FakeTracking(
            tuple(run_of(number) for number in (1, 2, 3)),
            (RegisteredModel(MODEL, (("challenger", 3), ("champion", 2)), 3, "Finds payments to look at."),),
            tuple(version_of(number) for number in (3, 2, 1)),
            {2: Signature((), (), {"amount": 250.0, "region": "gulf"})},
        ),
        run_index=index,
        index_is_kept=False,
        run_sources=lambda: (),
        distant_runs=lambda ids: (),
    )


def shifted(moment: int | None, by: int) -> int | None:
    return None if moment is None else moment - by


# Pipeline


def lay_pipeline(world: World) -> None:
    """Stages that ran, except that the params of training changed since."""
    root = world.root
    files = {file for out, deps, _ in STAGES.values() for file in (out, *deps)}
    for name in files:
        (root / name).write_text(json.dumps({"precision": 0.97, "pr_auc": 0.93}) if name == "report.json" else name)
    (root / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    declared = {name: declaration(name, out, deps, params) for name, (out, deps, params) in STAGES.items()}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": declared}, sort_keys=False))
    locked = {name: lock(root, name, out, deps, params) for name, (out, deps, params) in STAGES.items()}
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": locked}, sort_keys=False))
    times = {"ingest": 8.1, "validate": 2.4, "features": 12.9, "train": 61.7, "evaluate": 4.2, "explain": 33.0}
    world.jobs.record_stages(
        tuple((StageTiming(name, seconds, NOON - EARLIER, JOBS[0].id), "ran") for name, seconds in times.items())
    )


def declaration(name: str, out: str, deps: tuple[str, ...], params: tuple[str, ...]) -> dict[str, object]:
    kind = "metrics" if out.endswith(".json") else "outs"
    return {
        "cmd": f"python {name}.py",
        "deps": [*deps],
        **({"params": [*params]} if params else {}),
        kind: [{out: {"cache": False}}],
    }


def lock(root: Path, name: str, out: str, deps: tuple[str, ...], params: tuple[str, ...]) -> dict[str, object]:
    before = {"features.window": 30, "train.depth": 6, "train.rounds": 300}
    return {
        "cmd": f"python {name}.py",
        "deps": [hashed(root / path) for path in deps],
        **({"params": {"params.yaml": {key: before[key] for key in params}}} if params else {}),
        "outs": [hashed(root / out)],
    }


def hashed(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return {"path": path.name, "hash": "md5", "md5": md5, "size": len(content)}


# Runs and models


def some_runs() -> Iterator[Made]:
    """A search over depth and rate, and one that failed."""
    for number in range(14):
        depth, rate = 3 + number % 5, (0.3, 0.1, 0.03)[number % 3]
        fit = 0.86 + 0.012 * depth - 0.1 * abs(rate - 0.1)
        failed = number == 9
        yield Made(
            f"{number:02x}" + "c0ffee" * 5,
            f"valuable-owl-{200 + number}",
            {} if failed else {"pr_auc": round(fit, 4), "precision": round(fit + 0.03, 4), "loss": round(1 - fit, 4)},
            {"depth": str(depth), "learning_rate": str(rate), "rounds": "300"},
            {"team": "risk", COMMIT_TAG: COMMITS[number % 3]},
            (("payments", DATA[number % 3], "training"),),
            status="FAILED" if failed else "FINISHED",
        )


def run_of(number: int) -> Run:
    at = NOON - EARLIER + timedelta(hours=8 * number)
    values = {"holdout.precision": 0.94, "holdout.recall": 0.71, "holdout.pr_auc": 0.9, "train.loss": 0.11}
    metrics = tuple(Metric(key, round(value + 0.012 * number, 4), 0, at) for key, value in sorted(values.items()))
    return Run(
        f"r{number}" + "0" * 30,
        f"valuable-owl-{216 + number}",
        EXPERIMENT,
        RunStatus.FINISHED,
        at - timedelta(minutes=2),
        at,
        {"depth": str(5 + number), "rounds": "300"},
        metrics,
        {COMMIT_TAG: COMMITS[number], DATA_TAG: DATA[number]},
        (Dataset("payments", DATA[number]),),
        user="ada",
    )


def version_of(number: int) -> ModelVersion:
    run = run_of(number)
    return ModelVersion(MODEL, number, run.run_id, f"models:/m-{number}", "READY", None, (), {}, run.ended)


# What the store tells


def tell_history(world: World) -> None:
    """Promotions, releases, checks, alerts, the audit, and what the running job said so far."""
    history = world.history
    for number, hours, job in ((1, 30, JOBS[0]), (2, 26, JOBS[1])):
        at = NOON - timedelta(hours=hours)
        before = number - 1 or None
        why = "the first one" if before is None else "better on every slice"
        history.add_promotion(Promotion(MODEL, "champion", number, before, How.PROMOTE, "ada", why, at, job.id))
        history.add_release(
            Release("local", MODEL, number, "ab" * 32, COMMITS[number], DATA[number], f"r{number}", "ada", at, job.id)
        )
        history.add_gate_check(gates_of(number, 0.95 + 0.01 * number, job.id))
    for number in range(10):
        history.add_drift_check(checked(number))
    bad = "precision 0.87 with 95 % interval 0.84 to 0.89 lies below 0.9"
    history.open_alert(Alert("performance-local", AlertKind.PERFORMANCE, "local", bad, NOON, JOBS[2].id))
    history.acknowledge_alert("a1", NOON - timedelta(minutes=5), "bob", "the new region is known")
    for job in JOBS[:3]:
        world.audit.append(
            at=job.started,
            actor="ada",
            action=job.action,
            command=job.command,
            job=job.id,
            outcome=job.state.value,
            detail=job.message,
        )
    said = world.job_folders.path(RUNNING.id) / "events.jsonl"
    said.parent.mkdir(parents=True)
    said.write_text("".join(to_line(event, NOON.timestamp()) + "\n" for event in SAID))


def gates_of(version: int, precision: float, job: str) -> GateCheck:
    results = (
        GateResult("precision", precision >= 0.95, precision, ">= 0.95"),
        GateResult("pr_auc", True, precision - 0.04, ">= 0.89"),
        GateResult("precision", version > 1, precision - 0.03, ">= 0.93", "region=gulf"),
    )
    return GateCheck(MODEL, version, version - 1 or None, "ab" * 16, 9000, results, NOON - EARLIER, job)


def checked(number: int) -> DriftCheck:
    """One of ten checks: amount creeps away, region jumps with the last two."""
    effects = [0.02 * number**1.4, 0.42 if number > 7 else 0.01, 0.012, 0.03 + 0.002 * (number % 3), 0.0, 0.004]
    columns = [drifting(name, effect) for name, effect in zip(FEATURES, effects, strict=True)]
    drifted = tuple(name for name, effect in zip(FEATURES, effects, strict=True) if effect > 0.1)
    value = 0.97 - 0.01 * number
    performance = {
        "metric": "precision",
        "value": value,
        "low": value - 0.02,
        "high": value + 0.02,
        "threshold": 0.9,
        "labels": 640 + number,
        "state": "below" if value + 0.02 < 0.9 else "ok",
        "sentence": f"precision {value:.2f}",
    }
    report = {"columns": columns, "reference_rows": 18_403, "performance": performance, "window": None}
    at = NOON - timedelta(minutes=12 + 150 * (9 - number))
    job = JOBS[2].id
    return DriftCheck("local", MODEL, 2, 2000, bool(drifted), drifted, json.dumps(report), at, job)


def drifting(name: str, effect: float) -> dict[str, object]:
    numeric = name in ("amount", "hour", "age_of_account")
    labels = [f"{n * 40} to {n * 40 + 40}" for n in range(8)] if numeric else ["iberia", "gulf", "nordics", "baltics"]
    then = [1 / len(labels)] * len(labels)
    tilt = [effect * (number - len(labels) / 2) / len(labels) / 2 for number in range(len(labels))]
    now = [max(0.0, share + more) for share, more in zip(then, tilt, strict=True)]
    drifted = effect > 0.1
    return {
        "column": name,
        "kind": "numeric" if numeric else "categorical",
        "drifted": drifted,
        "reason": f"PSI {effect:.3f}: the upper values are {'far ' if drifted else 'hardly '}more frequent.",
        "reference_rows": 18_403,
        "current_rows": 2000,
        "value": effect + 0.01,
        "noise": 0.01,
        "p_value": 1e-7 if drifted else 0.4,
        "effect": effect,
        "js_distance": effect / 3,
        "labels": labels,
        "reference_shares": then,
        "current_shares": [share / sum(now) for share in now],
        "reference_missing": 0.0,
        "current_missing": 0.01,
    }


def log_traffic(root: Path) -> None:
    """Predictions over the last day: scores in two heaps, a slow hour."""
    folder = root / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True)
    rows = (
        {
            "prediction_id": f"p{number:04}",
            "at": (NOON - timedelta(minutes=3 * (480 - number))).isoformat(),
            "model": MODEL,
            "version": 2,
            "score": score,
            "decision": int(score > 0.5),
            "latency_ms": 4.0 + (number * 7) % 9 + (25.0 if 300 < number < 330 else 0.0),
        }
        for number in range(480)
        for score in [((number * 37) % 100) / 250 + (0.55 if number % 11 == 0 else 0.0)]
    )
    (folder / "predictions-1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
