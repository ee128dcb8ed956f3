"""The index of runs, on an MLflow store of 100,000 runs, beside MLflow itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import many_runs
from figures import Figure, against, said

BIN = Path(sys.executable).parent
UNIPIPE = BIN / "unipipe"
QUESTIONS = Path(__file__).with_name("run_questions.py")
COMPARED = 50
POINTS = 1_000_000


def full_sync(workspace: Path) -> Figure:
    """All runs read into an empty index, beside a client that pages through them."""
    folder = many_runs.stored_beside(workspace)
    (folder / ".unipipe" / "runs.duckdb").unlink(missing_ok=True)
    seconds, mebibytes = _watched(UNIPIPE, "runs", "sync", "--json", cwd=folder)
    peer = _asked("mlflow", "all", folder)
    counted = {
        "memory_mib": mebibytes,
        "index_mib": round((folder / ".unipipe" / "runs.duckdb").stat().st_size / 2**20),
    }
    return Figure(
        "unipipe runs sync, 100,000 runs",
        "<= 60 s, <= 600 MiB, ratio <= 0.33",
        1,
        seconds,
        "MlflowClient.search_runs, all pages",
        peer,
        counted,
    )


def next_sync(workspace: Path) -> Figure:
    """What a synchronisation costs after 100 new runs: inside the process, and the whole of it."""
    folder = many_runs.stored_beside(workspace)
    inside, outside = [], []
    for seed in range(3):
        many_runs.add_runs(folder / "mlflow.db", 100, seed=1000 + seed)
        begun = time.perf_counter()
        told = json.loads(said([UNIPIPE, "runs", "sync", "--source", "mlflow", "--json"], cwd=folder))
        outside.append(time.perf_counter() - begun)
        inside.append(sum(source["seconds"] for source in told["sources"]))
    return Figure(
        "unipipe runs sync, 100 new runs",
        "<= 1 s in the process",
        3,
        sorted(inside)[1],
        counted={"whole_process_seconds": round(sorted(outside)[1], 3)},
    )


def page(workspace: Path) -> Figure:
    """The first page of an ordered, filtered list, in the process."""
    folder = many_runs.stored_beside(workspace)
    ours, peer = _asked("ours", "page", folder), _asked("mlflow", "page", folder)
    return Figure(
        "first page of an ordered filter", "<= 0.1 s, ratio <= 0.02", 15, ours, "MlflowClient.search_runs", peer
    )


def listing(workspace: Path) -> Figure:
    """The list of runs as a command."""
    folder = many_runs.stored_beside(workspace)
    said([UNIPIPE, "runs", "sync"], cwd=folder)
    return against(
        "unipipe runs list --json --limit 100",
        lambda: _quietly(UNIPIPE, "runs", "list", "--json", "--limit", "100", cwd=folder),
        "mlflow runs list --experiment-id 1",
        lambda: _quietly(
            BIN / "mlflow",
            "runs",
            "list",
            "--experiment-id",
            "1",
            cwd=folder,
            MLFLOW_TRACKING_URI=f"sqlite:///{folder / 'mlflow.db'}",
        ),
        "<= 0.6 s, ratio <= 0.1",
        runs=3,
    )


def compare(workspace: Path) -> Figure:
    """Fifty runs side by side, in the process."""
    folder = many_runs.stored_beside(workspace)
    runs = json.loads(said([UNIPIPE, "runs", "list", "--json", "--limit", str(COMPARED)], cwd=folder))["runs"]
    seconds = _asked("ours", "compare", folder, *(run["run_id"] for run in runs))
    return Figure(f"compare of {COMPARED} runs", "<= 0.15 s", 15, seconds)


def long_history(workspace: Path) -> Figure:
    """A metric of a million points: read from MLflow's database and drawn."""
    folder = many_runs.stored_beside(workspace)
    run = _with_history(folder)
    said([UNIPIPE, "runs", "sync"], cwd=folder)
    return Figure("history of 1,000,000 points, drawn", "<= 0.3 s", 15, _asked("ours", "history", folder, run))


@cache
@cache
def _store(workspace: Path) -> Path:
    folder = workspace.with_name("many-runs")
    if not (folder / "mlflow.db").exists():
        many_runs.make_store(folder)
        said([UNIPIPE, "runs", "sync"], cwd=folder)
    return folder


@cache
def _with_history(folder: Path) -> str:
    (run,) = many_runs.add_runs(folder / "mlflow.db", 1, seed=5)
    many_runs.add_history(folder / "mlflow.db", run, POINTS)
    return run


def _asked(who: str, question: str, folder: Path, *runs: str) -> float:
    told = said([sys.executable, QUESTIONS, who, question, folder, *runs], cwd=folder)
    return float(json.loads(told.splitlines()[-1])["median_seconds"])


def _watched(*argv: str | Path, cwd: Path) -> tuple[float, int]:
    """Seconds that a program took, and the most memory that it had in MiB."""
    begun = time.perf_counter()
    program = subprocess.Popen(
        [str(word) for word in argv], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(program.pid, 0)
    if status:
        raise SystemExit(f"{argv} ended with {status}")
    return time.perf_counter() - begun, usage.ru_maxrss // 1024


def _quietly(*argv: str | Path, cwd: Path | None = None, **env: str) -> None:
    said(argv, cwd, **env)
