"""A source that reads an `mlruns` folder finds whatever MLflow's own client changed, and only that."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.adapters.changes_of_runs import CHANGES
from tests.adapters.conftest_mlflow import Stored
from tests.adapters.held_runs import HeldRuns, held_of, rested
from tests.adapters.said_by_mlflow import said_by_mlflow
from tests.fakes import Listening
from unipipe_tui.adapters.mlflow.folder.changes import RUNS_AT_ONCE, FolderRuns
from unipipe_tui.domain.errors import Failed, Stopped

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def run_folder(folder: Path, run_id: str) -> Path:
    [found] = folder.glob(f"*/{run_id}")
    return found


def many_runs(folder: Path, count: int) -> None:
    """Add runs with a metric and a param each, as MLflow writes them."""
    experiment = folder / "77"
    write(experiment / "meta.yaml", "experiment_id: '77'\nname: many\nlifecycle_stage: active\n")
    for number in range(count):
        run = experiment / f"{number:032x}"
        write(
            run / "meta.yaml", "experiment_id: '77'\nrun_name: r\nstatus: 3\nstart_time: 5\nlifecycle_stage: active\n"
        )
        write(run / "metrics" / "auc", f"1 0.{number} 0\n")
        write(run / "params" / "depth", str(number))
    rested(folder)


@pytest.fixture
def held(folder: Stored) -> HeldRuns:
    """An index that is in step with the folder."""
    rested(folder.path)
    index = HeldRuns()
    index.follow(FolderRuns(folder.path))
    return index


def test_runs_whose_folders_vanished_are_gone(folder: Stored, held: HeldRuns) -> None:
    shutil.rmtree(run_folder(folder.path, folder.failed))
    assert held.follow(FolderRuns(folder.path)) == set()
    assert [run_id for batch in held.batches for run_id in batch.gone] == [folder.failed]
    for run_id in held.runs:
        shutil.rmtree(next(folder.path.rglob(run_id)))
    held.follow(FolderRuns(folder.path))
    assert held.runs == {}


@pytest.mark.parametrize("told", ["is not there any more", "holds no experiment"])
def test_a_folder_that_vanished_or_was_emptied_is_refused_and_its_runs_stay_known_until_all_is_read_again(
    told: str, folder: Stored, held: HeldRuns
) -> None:
    known = dict(held.runs)
    shutil.rmtree(folder.path)
    if told == "holds no experiment":
        folder.path.mkdir()
    with pytest.raises(Failed) as refused:
        held.follow(FolderRuns(folder.path))
    assert refused.value.message == f"{folder.path} {told}, although {len(known)} runs of it are known."
    assert held.runs == known
    held.cursor = None
    held.follow(FolderRuns(folder.path))
    assert held.runs == {}


def test_a_folder_that_does_not_exist_yet_holds_no_runs_and_that_is_told(tmp_path: Path) -> None:
    held = held_of(FolderRuns(tmp_path / "nope"))
    assert held.unreadable == [f"There is no folder {tmp_path / 'nope'}: MLflow makes it when it logs the first run."]


def test_a_change_right_after_the_reading_that_leaves_time_and_size_the_same_is_found(folder: Stored) -> None:
    tag = run_folder(folder.path, folder.finished) / "tags" / "author"
    tag.write_text("one")
    now = tag.stat().st_mtime_ns
    index = HeldRuns()
    index.follow(FolderRuns(folder.path))
    tag.write_text("two")
    os.utime(tag, ns=(now, now))
    assert folder.finished in index.follow(FolderRuns(folder.path))
    assert ("author", "two") in index.runs[folder.finished].tags


def test_an_interrupted_pass_goes_on_behind_the_last_batch(tmp_path: Path) -> None:
    many_runs(tmp_path, RUNS_AT_ONCE + 50)
    index = HeldRuns()
    begun = FolderRuns(tmp_path).changes(None, index, Listening())
    index.take(next(begun))
    begun.close()
    first = set(index.runs)
    assert len(first) == RUNS_AT_ONCE
    assert index.follow(FolderRuns(tmp_path)).isdisjoint(first)
    assert len(index.runs) == RUNS_AT_ONCE + 50


def test_a_pass_that_nobody_wants_any_more_ends(folder: Stored) -> None:
    with pytest.raises(Stopped):
        HeldRuns().follow(FolderRuns(folder.path), Listening(patience=2))


@pytest.mark.parametrize(
    "rubbish",
    ["", "\t{", "[1, 2]", "name: x\n", "experiment_id: 'another'\n"],
    ids=["none", "bad", "list", "less", "other"],
)
def test_a_run_that_is_rubbish_is_told_and_left_out_and_the_others_are_read(
    rubbish: str, folder: Stored, held: HeldRuns
) -> None:
    (run_folder(folder.path, folder.failed) / "meta.yaml").write_text(rubbish)
    fresh = held_of(FolderRuns(folder.path))
    assert fresh.ids() == held.ids() - {folder.failed}
    [said] = fresh.unreadable
    assert folder.failed in said and said.endswith("The run is left out.")


def test_a_run_that_becomes_rubbish_stays_as_it_was_known_and_is_told_in_every_pass_until_it_is_mended(
    folder: Stored, held: HeldRuns
) -> None:
    meta, known = run_folder(folder.path, folder.failed) / "meta.yaml", held.runs[folder.failed]
    whole = meta.read_text()
    meta.write_text("{")
    for _ in range(2):
        held.follow(FolderRuns(folder.path))
        assert held.runs[folder.failed] == known
        assert held.unreadable == [f"{meta} is not valid YAML. The run is left as it was known."]
    meta.write_text(whole)
    assert held.follow(FolderRuns(folder.path)) == {folder.failed}
    assert held.unreadable == []


def test_what_of_a_run_is_garbled_is_told_in_every_pass_and_the_rest_of_it_is_followed(
    folder: Stored, held: HeldRuns
) -> None:
    run = run_folder(folder.path, folder.finished)
    garbled, empty = run / "metrics" / "garbled", run / "metrics" / "empty"
    garbled.write_text("1700000000000 0.5 1\n1700000000000 zero 3\n\n1700000000000\n")
    empty.write_text("")
    write(run / "inputs" / "broken" / "meta.yaml", "{")
    (run / "tags" / "new").write_text("yes")
    for _ in range(2):
        held.follow(FolderRuns(folder.path))
        assert sorted(held.unreadable) == [
            f"{run / 'inputs' / 'broken' / 'meta.yaml'} is not valid YAML. The data set is left out.",
            f"{empty} holds no value. The metric is left out.",
            f"{garbled} holds 2 of 3 lines that are no values; these are left out.",
        ]
    assert held.metrics(folder.finished)["garbled"] == 0.5
    assert held.tags(folder.finished)["new"] == "yes"


def test_rubbish_beside_the_keys_of_a_run_does_not_hide_it(folder: Stored, held: HeldRuns) -> None:
    run = run_folder(folder.path, folder.finished)
    (run / "metrics" / "garbled").write_text(
        "1700000000000\n1700000000000 zero 3\n99999999999999999999 0.5 1\n5 1 1e9\n"
    )
    (run / "metrics" / "empty").write_text("")
    (run / "params" / "bytes").write_bytes(b"\xff\x00a")
    (run / "tags" / "dangling").symlink_to("nowhere")
    (run / "inputs" / "broken").mkdir(parents=True)
    (run / "inputs" / "broken" / "meta.yaml").write_text("{")
    held.follow(FolderRuns(folder.path))
    found = held.runs[folder.finished]
    assert ("garbled", "0.5", 1, None) in found.metrics
    assert "empty" not in {key for key, *_ in found.metrics}
    assert ("bytes", "\ufffd\x00a") in found.params


def test_runs_in_an_experiment_that_cannot_be_understood_stay_as_they_were_known(
    folder: Stored, held: HeldRuns
) -> None:
    known = held.ids()
    meta = run_folder(folder.path, folder.failed).parent / "meta.yaml"
    meta.write_text("[")
    held.follow(FolderRuns(folder.path))
    assert held.ids() == known
    assert held.unreadable == [f"{meta} is not valid YAML. The runs beside it are left as they were known."]


def test_the_copy_of_a_run_in_another_experiment_is_told_and_left_out(folder: Stored, held: HeldRuns) -> None:
    run = run_folder(folder.path, folder.failed)
    write(folder.path / "zz" / "meta.yaml", "experiment_id: zz\nname: zz\n")
    shutil.copytree(run, folder.path / "zz" / run.name)
    held.follow(FolderRuns(folder.path))
    assert held.runs[folder.failed].run.experiment_id == run.parent.name
    [said] = held.unreadable
    assert str(run) in said


def test_a_store_of_mlflow_1_on_windows_is_read(tmp_path: Path) -> None:
    write(tmp_path / "0" / "meta.yaml", "artifact_location: C:/Users/me/mlruns/0\nexperiment_id: 0\nname: Default\n")
    run = tmp_path / "0" / "aa01"
    write(
        run / "meta.yaml",
        "artifact_uri: C:/Users/me/mlruns/0/aa01/artifacts\r\nend_time: null\r\nexperiment_id: 0\r\nname: ''\r\n"
        "run_uuid: aa01\r\nsource_type: 4\r\nstart_time: soon\r\nstatus: 4\r\ntags: []\r\n",
    )
    write(run / "tags" / "mlflow.runName", "named by a tag")
    write(run / "metrics" / "auc", "1500000000 0.9 0\r\n1500000001 0.8 1 payments d41d8\r\n")
    index = HeldRuns()
    index.follow(FolderRuns(tmp_path))
    found = index.runs["aa01"]
    assert (found.run.name, found.run.status, found.run.started) == ("named by a tag", "FAILED", None)
    assert found.metrics == {("auc", "0.8", 1, 1500000001)}


@pytest.mark.parametrize("cursor", ["", "x", "[]", '{"format": 0}', '{"format": 1}', '{"format": 1, "runs": [1]}'])
def test_a_cursor_that_means_nothing_counts_as_none(cursor: str, folder: Stored) -> None:
    index = HeldRuns()
    index.cursor = cursor
    assert len(index.follow(FolderRuns(folder.path))) == len(index.runs) > 0


def test_reading_changes_nothing(folder: Stored) -> None:
    before = {file: file.stat().st_mtime_ns for file in folder.path.rglob("*")}
    HeldRuns().follow(FolderRuns(folder.path))
    assert {file: file.stat().st_mtime_ns for file in folder.path.rglob("*")} == before


def test_the_stamp_is_another_after_every_change_and_the_same_without_one(folder: Stored) -> None:
    rested(folder.path)
    source = FolderRuns(folder.path)
    stamps = [source.stamp()]
    assert source.stamp() == stamps[0]
    client = folder.client()
    for change in CHANGES.values():
        change(client, folder.running)
        stamps.append(source.stamp())
        if client.get_run(folder.running).info.lifecycle_stage == "deleted":
            client.restore_run(folder.running)
    client.rename_experiment("0", "another")
    stamps.append(source.stamp())
    assert all(before != after for before, after in pairwise(stamps))


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_what_is_held_is_what_a_fresh_reading_finds(seed: int, folder: Stored) -> None:
    chance, index, client = random.Random(seed), HeldRuns(), folder.client()
    ids = [client.create_run("0", run_name=f"r{number}").info.run_id for number in range(5)]
    rested(folder.path)
    for _ in range(25):
        for _ in range(chance.choice((0, 1, 2, 5))):
            RANDOM_CHANGES[chance.randrange(len(RANDOM_CHANGES))](client, chance.choice(ids), chance)
        index.follow(FolderRuns(folder.path))
        assert index.runs == said_by_mlflow(client)


def set_or_restored(client: MlflowClient, run: str, stage: str) -> None:
    if client.get_run(run).info.lifecycle_stage != stage:
        (client.delete_run if stage == "deleted" else client.restore_run)(run)


def living(
    change: Callable[[MlflowClient, str, random.Random], object],
) -> Callable[[MlflowClient, str, random.Random], None]:
    """Only runs that are not deleted can be changed."""

    def changed(client: MlflowClient, run: str, chance: random.Random) -> None:
        if client.get_run(run).info.lifecycle_stage == "active":
            change(client, run, chance)

    return changed


RANDOM_CHANGES: tuple[Callable[[MlflowClient, str, random.Random], None], ...] = (
    living(lambda client, run, chance: client.log_metric(run, "m", chance.random(), step=chance.randrange(4))),
    living(lambda client, run, chance: client.log_param(run, f"p{chance.getrandbits(30)}", "1")),
    living(lambda client, run, chance: client.set_tag(run, "t", str(chance.randrange(10)))),
    living(lambda client, run, chance: client.set_terminated(run, chance.choice(("FAILED", "KILLED")))),
    lambda client, run, _: set_or_restored(client, run, "deleted"),
    lambda client, run, _: set_or_restored(client, run, "active"),
)
