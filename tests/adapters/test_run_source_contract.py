"""What holds of every MLflow store that is read directly: whatever MLflow's own client changed is found, and only that."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tests.adapters.changes_of_runs import CHANGES
from tests.adapters.conftest_mlflow import Stored
from tests.adapters.held_runs import HeldRuns, rested
from tests.adapters.said_by_mlflow import experiments_of_mlflow, said_by_mlflow
from tests.fakes import Listening
from unipipe_tui.adapters.mlflow.folder.changes import FolderRuns
from unipipe_tui.adapters.mlflow.sqlite.changes import SqliteRuns
from unipipe_tui.domain.runs.rows import RunSource

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]

SAME_LATEST_VALUE = "another value of the same metric and step"
"""Of values of one step MLflow calls the highest the latest, so this one may not show."""


def source_of(store: Stored) -> RunSource:
    return FolderRuns(store.path) if store.path.is_dir() else SqliteRuns(store.path)


@pytest.fixture
def held(store: Stored) -> HeldRuns:
    """An index that is in step with the store."""
    rested(store.path)
    index = HeldRuns()
    index.follow(source_of(store))
    return index


def test_the_first_pass_reads_what_the_client_tells_of_every_run_and_experiment(store: Stored) -> None:
    index, told = HeldRuns(), Listening()
    index.follow(source_of(store), told)
    client = store.client()
    assert index.runs == said_by_mlflow(client)
    assert index.experiments == experiments_of_mlflow(client)
    assert told.told == []
    assert any(run.datasets for run in index.runs.values())
    assert {"active", "deleted"} == {run.run.lifecycle for run in index.runs.values()}


def test_values_that_are_no_numbers_and_long_or_strange_texts_arrive_as_the_client_tells_them(
    store: Stored, held: HeldRuns
) -> None:
    client = store.client()
    run_id = client.create_run("0").info.run_id
    for key, value in (("nan", math.nan), ("high", math.inf), ("low", -math.inf), ("tiny", 5e-324), ("zero", -0.0)):
        client.log_metric(run_id, key, value, step=-3)
    client.log_param(run_id, "train/select", "x" * 6000)
    client.log_param(run_id, "drop table runs", "'; DROP TABLE runs; --")
    client.set_tag(run_id, "text", "ä\x1d\x1f\x1e\u2028𝄞\n")
    assert run_id in held.follow(source_of(store))
    assert held.runs == said_by_mlflow(client)
    assert "nan" in {value for _, value, _, _ in held.runs[run_id].metrics}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_run_is_read_again_that_got(changed: str, store: Stored, held: HeldRuns) -> None:
    client, before = store.client(), held.runs[store.finished]
    CHANGES[changed](client, store.finished)
    read = held.follow(source_of(store))
    # Rows of a table are compared in blocks, so that neighbours may be read with it; a folder tells them apart.
    assert read == {store.finished} if store.path.is_dir() else store.finished in read
    assert held.runs == said_by_mlflow(client)
    if changed != SAME_LATEST_VALUE:
        assert held.runs[store.finished] != before
    if store.path.is_dir():
        # What was written a moment ago may change once more within the same tick of its clock: it is read once more.
        rested(store.path)
        held.follow(source_of(store))
    assert held.follow(source_of(store)) == set()


def test_a_restored_run_and_a_new_one_are_found(store: Stored, held: HeldRuns) -> None:
    client = store.client()
    client.restore_run(store.deleted)
    new = client.create_run("0", run_name="new").info.run_id
    read = held.follow(source_of(store))
    assert read == {store.deleted, new} if store.path.is_dir() else read >= {store.deleted, new}
    assert held.runs == said_by_mlflow(client)


def test_an_experiment_that_is_new_renamed_deleted_or_restored_is_followed_with_its_runs(
    store: Stored, held: HeldRuns
) -> None:
    client = store.client()
    experiment = client.get_experiment_by_name("payments").experiment_id
    steps: tuple[Callable[[], object], ...] = (
        lambda: client.create_experiment("fresh"),
        lambda: client.rename_experiment(experiment, "other payments"),
        lambda: client.delete_experiment(experiment),
        lambda: client.restore_experiment(experiment),
    )
    for step in steps:
        step()
        held.follow(source_of(store))
        assert held.experiments == experiments_of_mlflow(client)
        assert held.runs == said_by_mlflow(client)


def test_a_second_pass_finds_nothing_and_still_ends_with_a_cursor(store: Stored, held: HeldRuns) -> None:
    cursor, runs = held.cursor, dict(held.runs)
    assert held.follow(source_of(store)) == set()
    assert (held.cursor, held.runs, len(held.batches)) == (cursor, runs, 1)


def test_the_place_is_the_uri(store: Stored) -> None:
    assert source_of(store).place == store.uri
