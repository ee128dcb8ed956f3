"""An MLflow store of 100,000 runs, written with plain SQL into a database that MLflow itself made."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from figures import said

RUNS = 100_000
METRICS = 10
PARAMS = 10
EXPERIMENTS = 20
BEGUN = 1_700_000_000_000
"""Milliseconds since the epoch."""


def make_store(folder: Path, runs: int = RUNS) -> Path:
    """Make the folder a Git repository with an `mlflow.db` of so many runs; answers with the database."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    database = folder / "mlflow.db"
    program = (
        "import sys, mlflow; from mlflow import MlflowClient\n"
        "client = MlflowClient(sys.argv[1])\n"
        f"for number in range({EXPERIMENTS}): client.create_experiment(f'sweep-{{number:02}}')"
    )
    subprocess.run([sys.executable, "-c", program, f"sqlite:///{database}"], check=True, capture_output=True)
    add_runs(database, runs, seed=7)
    return database


def stored_beside(workspace: Path) -> Path:
    """The folder of a store of many runs beside a workspace, made and read into the index when it is not there yet."""
    folder = workspace.with_name("many-runs")
    if not (folder / "mlflow.db").exists():
        make_store(folder)
        said([Path(sys.executable).with_name("unipipe"), "runs", "sync"], cwd=folder)
    return folder


def add_runs(database: Path, runs: int, seed: int) -> list[str]:
    """Add so many finished runs; answers with their ids."""
    connection = sqlite3.connect(database)
    last, already = connection.execute("SELECT coalesce(max(start_time), ?), count(*) FROM runs", [BEGUN]).fetchone()
    # A store that is measured again has the runs of the time before.
    chance = random.Random(seed + already)
    names = [uuid.UUID(int=chance.getrandbits(128)).hex for _ in range(runs)]
    with connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, user_id, status, start_time, end_time, "
            "lifecycle_stage, artifact_uri, experiment_id) VALUES (?, ?, 'LOCAL', 'train.py', 'ada', ?, ?, ?, 'active', ?, ?)",
            (
                (
                    run,
                    f"run-{number}",
                    "FAILED" if number % 50 == 0 else "FINISHED",
                    at,
                    at + 60_000,
                    f"/artifacts/{run}",
                    experiment,
                )
                for number, run, at, experiment in _moments(names, last)
            ),
        )
        connection.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", _params(names, chance))
        figures = list(_metrics(names, last, chance))
        connection.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)", figures
        )
        connection.executemany(
            "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)",
            figures,
        )
        connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", _tags(names))
    connection.close()
    return names


def add_history(database: Path, run: str, points: int) -> None:
    """Log one metric at so many steps."""
    chance = random.Random(3)
    connection = sqlite3.connect(database)
    with connection:
        connection.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('long', ?, ?, ?, ?, 0)",
            ((chance.random() + 10 / (step + 1), BEGUN + step, run, step) for step in range(points)),
        )
        connection.execute(
            "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('long', 0.5, ?, ?, ?, 0)",
            (BEGUN + points, run, points - 1),
        )
    connection.close()


def _moments(names: list[str], last: int) -> Iterator[tuple[int, str, int, int]]:
    for number, run in enumerate(names):
        yield number, run, last + (number + 1) * 1_000, number % EXPERIMENTS + 1


def _params(names: list[str], chance: random.Random) -> Iterator[tuple[str, str, str]]:
    for run in names:
        for key in range(PARAMS):
            yield f"param_{key}", str(chance.randrange(2, 12) if key % 2 else round(chance.random(), 4)), run


def _metrics(names: list[str], last: int, chance: random.Random) -> Iterator[tuple[str, float, int, str]]:
    for number, run in enumerate(names):
        for key in range(METRICS):
            yield f"metric_{key}", chance.random(), last + (number + 1) * 1_000 + key, run


def _tags(names: list[str]) -> Iterator[tuple[str, str, str]]:
    for number, run in enumerate(names):
        yield "mlflow.runName", f"run-{number}", run
        yield "mlflow.user", "ada", run
        yield "mlflow.source.git.commit", f"{number // 100:040x}", run
        yield "team", "risk" if number % 3 else "growth", run
