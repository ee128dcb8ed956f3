"""What `dvc exp show --json` says of one revision, as the rows of a run.

A param or metric is called by its dotted place in its file. Before it stands `path/of/file:`, unless the file is named
`params` (or `metrics`), as in `params.yaml` and `reports/metrics.json`. When two files of one revision would so give
the same name, the one nearer to the project's folder has it and the other keeps its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from unipipe_tui.adapters.dvc.revisions import Revision
from unipipe_tui.domain.runs.rows import DatasetRow, ExperimentRow, MetricRow, ParamRow, RunBatch, RunRow, TagRow
from unipipe_tui.domain.runs.tags import MLFLOW_COMMIT_TAG
from unipipe_tui.domain.values import frozen

COMMITS = ExperimentRow("commits", "Git commits")
EXPERIMENTS = ExperimentRow("experiments", "DVC experiments")
BASELINE_TAG = "dvc.baseline"
GIT_TAG = "git.tag"
STATUS = {"queued": "SCHEDULED", "running": "RUNNING", "failed": "FAILED"}
"""What DVC says of an executor; any other experiment has come to its end."""


@frozen
class Task:
    """An experiment that has no commit of its own: it waits, runs or has failed."""

    revision: str
    name: str
    status: str
    baseline: str
    started: int | None
    data: Mapping[str, Any]


def found_in(text: str) -> list[dict[str, Any]]:
    """The list in what DVC printed, whatever it printed before. Raises ValueError when there is none."""
    start = 0 if text.startswith("[") else text.find("\n[") + 1
    if not text[start:].startswith("["):
        raise ValueError("no list of revisions")
    rows, _ = json.JSONDecoder().raw_decode(text[start:])
    return [row for row in rows if isinstance(row, dict)]


def complaint_of(row: Mapping[str, Any]) -> str:
    """Why DVC could not read a revision, or some files of it; empty when it could. A file may well not be there yet."""
    if error := row.get("error"):
        return str(error.get("msg") or error.get("type"))
    files = [file for kind in ("params", "metrics") for file in _mapping(_mapping(row.get("data")).get(kind)).items()]
    broken = [(path, file["error"]) for path, file in files if isinstance(file, dict) and file.get("error")]
    told = [(path, error) for path, error in broken if error.get("type") != "FileNotFoundError"]
    return "; ".join(f"{path}: {error.get('msg') or error.get('type')}" for path, error in told)


def run_of(revision: Revision, data: Mapping[str, Any]) -> RunBatch | None:
    """The rows of a commit or of an experiment that has ended; None when DVC knows neither params nor metrics of it."""
    params = _named(data.get("params"), "params")
    leaves = _named(data.get("metrics"), "metrics")
    if not params and not leaves:
        return None
    run_id, group = revision.commit, EXPERIMENTS if revision.baseline else COMMITS
    figures = {key: float(value) for key, value in leaves.items() if _is_number(value)}
    tags = {key: str(value) for key, value in leaves.items() if key not in figures}
    # As MLflow writes it: so a run of MLflow and the commit that it ran on are found together.
    tags[MLFLOW_COMMIT_TAG] = revision.commit
    if revision.baseline:
        tags[BASELINE_TAG] = revision.baseline
    if revision.git_tags:
        tags[GIT_TAG] = ", ".join(revision.git_tags)
    return RunBatch(
        cursor="",
        runs=[
            RunRow(
                run_id,
                revision.name,
                group.experiment_id,
                "FINISHED",
                user=revision.author or None,
                started=revision.at,
                ended=revision.at,
            )
        ],
        params=[ParamRow(run_id, key, str(value)) for key, value in params.items()],
        metrics=[MetricRow(run_id, key, value, 0, revision.at) for key, value in figures.items()],
        tags=[TagRow(run_id, key, value) for key, value in tags.items()],
        datasets=[
            DatasetRow(run_id, path, str(one["hash"]), context)
            for context in ("deps", "outs")
            for path, one in _mapping(data.get(context)).items()
            if isinstance(one, dict) and one.get("hash")
        ],
    )


def run_of_task(task: Task) -> RunBatch:
    """The rows of an experiment without a commit. The metrics and hashes that DVC shows for it are its baseline's."""
    params = _named(task.data.get("params"), "params")
    return RunBatch(
        cursor="",
        runs=[RunRow(task.revision, task.name, EXPERIMENTS.experiment_id, task.status, started=task.started)],
        params=[ParamRow(task.revision, key, str(value)) for key, value in params.items()],
        tags=[TagRow(task.revision, BASELINE_TAG, task.baseline)],
    )


def tasks_in(row: Mapping[str, Any]) -> Iterator[Task]:
    """The experiments made from this commit that wait, run or have failed."""
    for one in row.get("experiments") or ():
        status = STATUS.get(str(_mapping(one.get("executor")).get("state")))
        for shown in one.get("revs") or () if status else ():
            revision = str(shown.get("rev"))
            if status and revision != "workspace":
                name = str(one.get("name") or shown.get("name") or revision[:7])
                yield Task(revision, name, status, str(row.get("rev")), None, _mapping(shown.get("data")))


def _named(files: Any, plain: str) -> dict[str, Any]:
    """The leaves of all files of a kind, each under the name that it has."""
    found: dict[str, Any] = {}
    for path, file in sorted(_mapping(files).items(), key=lambda one: (one[0].count("/"), one[0])):
        is_plain = PurePosixPath(path).stem == plain
        for key, value in _leaves(_mapping(file).get("data")):
            short = key if is_plain else f"{path}:{key}"
            found[f"{path}:{key}" if short in found else short] = value
    return found


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif path:
        yield ".".join(path), value


def _is_number(value: Any) -> bool:
    # A whole number too large for a float stays text.
    return isinstance(value, float) or (type(value) is int and abs(value) < 10**300)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
