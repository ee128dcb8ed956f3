"""One run of MLflow's folder store as the rows that the index takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from unipipe_tui.adapters.mlflow.folder.text import (
    Broken,
    Meta,
    read_meta,
    read_text,
    read_texts,
    sub_folders,
    text_files,
    words,
)
from unipipe_tui.adapters.mlflow.words import CONTEXT_TAG
from unipipe_tui.domain.runs.rows import ACTIVE, DatasetRow, MetricRow, ParamRow, RunBatch, RunRow, TagRow
from unipipe_tui.domain.runs.tags import NAME_TAG

STATUS_NUMBERS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
MOST = 2**63
"""MLflow's databases keep whole numbers below this."""


def rows_of(folder: Path) -> RunBatch:
    """A run's folder as the rows of one run, in a batch that has no cursor yet; what is broken in it is left out and said.

    Raises:
        Broken: its `meta.yaml` cannot be understood, or names another experiment.
        OSError: a file cannot be read.
    """
    meta = read_meta(folder, "experiment_id")
    if words(meta, "experiment_id") != folder.parent.name:
        raise Broken(f"{folder / 'meta.yaml'} names another experiment than the one it lies in.")
    return rows_with(folder, meta)


def rows_with(folder: Path, meta: Meta) -> RunBatch:
    """The same of a folder whose `meta.yaml` was read already."""
    run_id, tags = folder.name, read_texts(folder / "tags")
    metrics = [_last(run_id, key_of(key), file) for key, file in text_files(folder / "metrics")]
    datasets = list(_datasets(folder))
    return RunBatch(
        cursor="",
        runs=[_run(run_id, meta, tags)],
        params=[ParamRow(run_id, key_of(key), value) for key, value in read_texts(folder / "params").items()],
        metrics=[metric for metric, _ in metrics if metric is not None],
        tags=[TagRow(run_id, key_of(key), value) for key, value in tags.items()],
        datasets=[dataset for dataset in datasets if isinstance(dataset, DatasetRow)],
        unreadable=[
            *(said for _, said in metrics if said),
            *(f"{broken} The data set is left out." for broken in datasets if isinstance(broken, Broken)),
        ],
    )


def lifecycle_of(meta: Meta) -> str:
    """Whether something was deleted, in MLflow's word."""
    return words(meta, "lifecycle_stage") or ACTIVE


def _run(run_id: str, meta: Meta, tags: Mapping[str, str]) -> RunRow:
    status = meta.get("status", 1)
    word = STATUS_NUMBERS.get(status, str(status)) if isinstance(status, int) else words(meta, "status")
    return RunRow(
        run_id,
        name=words(meta, "run_name") or words(meta, "name") or tags.get(NAME_TAG, ""),
        experiment_id=words(meta, "experiment_id"),
        status=word,
        lifecycle=lifecycle_of(meta),
        user=words(meta, "user_id") or None,
        started=_whole(meta.get("start_time")),
        ended=_whole(meta.get("end_time")),
        artifact_uri=words(meta, "artifact_uri") or None,
    )


def values_in(run_id: str, key: str, file: Path) -> Iterator[MetricRow]:
    """Every value of a metric, in the order it was logged."""
    return (value for value in _lines_in(run_id, key, file) if value is not None)


def _lines_in(run_id: str, key: str, file: Path) -> Iterator[MetricRow | None]:
    return (_value(run_id, key, line) for line in read_text(file).splitlines() if line.strip())


def _last(run_id: str, key: str, file: Path) -> tuple[MetricRow | None, str]:
    """The value that MLflow shows: of the highest step, then the latest, then the largest; and what is wrong in the file."""
    lines = list(_lines_in(run_id, key, file))
    values = [value for value in lines if value is not None]
    last = max(values, key=lambda metric: (metric.step, metric.at or 0, metric.value), default=None)
    if last is None:
        return None, f"{file} holds no value. The metric is left out."
    garbled = len(lines) - len(values)
    return (
        last,
        f"{file} holds {garbled:,} of {len(lines):,} lines that are no values; these are left out." if garbled else "",
    )


def _value(run_id: str, key: str, line: str) -> MetricRow | None:
    """One `milliseconds value [step [dataset digest]]` line; None if it is cut short or garbled."""
    fields = line.split()
    try:
        step = int(fields[2]) if len(fields) > 2 else 0
        return MetricRow(run_id, key, float(fields[1]), step, _whole(fields[0])) if abs(step) < MOST else None
    except (IndexError, ValueError):
        return None


def _datasets(folder: Path) -> Iterator[DatasetRow | Broken]:
    for linked in sub_folders(folder / "inputs"):
        try:
            link = read_meta(linked, "source_type", "source_id")
            if link["source_type"] == "DATASET":
                meta = read_meta(folder.parent / "datasets" / words(link, "source_id"), "name", "digest")
                name, digest, source = words(meta, "name"), words(meta, "digest"), words(meta, "source")
                yield DatasetRow(folder.name, name, digest, _context(link), source or None)
        except Broken as broken:
            yield broken


def _context(link: Meta) -> str:
    tags = link.get("tags")
    return str(tags.get(CONTEXT_TAG) or "") if isinstance(tags, dict) else ""


def key_of(name: str) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _whole(number: object) -> int | None:
    try:
        whole = int(str(number))
    except ValueError:
        return None
    return whole if abs(whole) < MOST else None
