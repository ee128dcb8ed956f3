"""What is read from MLflow's files equals what MLflow's own client says, and reading changes nothing."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from tests.adapters.conftest_mlflow import MARKUP, MODEL, Stored
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.installed import verify
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.errors import ToolMissing, UsageError
from unipipe_tui.domain.outlines import Logged, outline_of
from unipipe_tui.domain.tracking import ModelVersion, RunStatus, Tracking

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]


def reader(stored: Stored) -> TrackingFiles:
    return TrackingFiles(place_of(stored.uri, stored.path.parent, "a test"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def by_key(values: dict[str, float]) -> dict[str, str]:
    """Figures as text, so that NaN equals NaN."""
    return {key: repr(value) for key, value in values.items()}


def all_runs(client: MlflowClient) -> list[MlflowRun]:
    return list(client.search_runs([experiment.experiment_id for experiment in client.search_experiments()]))


def test_the_runs_are_those_that_mlflow_finds_in_its_order(store: Stored) -> None:
    page = reader(store).runs(100)
    assert [run.run_id for run in page.runs] == [run.info.run_id for run in all_runs(store.client())]
    assert page.total == 4


def test_every_run_says_what_mlflow_says(store: Stored) -> None:
    theirs = {run.info.run_id: run for run in all_runs(store.client())}
    names = {e.experiment_id: e.name for e in store.client().search_experiments()}
    for ours in reader(store).runs(100).runs:
        their = theirs[ours.run_id]
        assert (ours.name, ours.status.value) == (their.info.run_name, their.info.status)
        assert ours.experiment == names[their.info.experiment_id]
        assert milliseconds(ours.started) == their.info.start_time
        assert milliseconds(ours.ended) == their.info.end_time
        assert ours.artifact_uri == their.info.artifact_uri
        assert dict(ours.params) == their.data.params
        assert dict(ours.tags) == their.data.tags
        assert by_key({metric.key: metric.value for metric in ours.metrics}) == by_key(their.data.metrics)
        assert [(d.name, d.digest, d.source) for d in ours.datasets] == [
            (i.dataset.name, i.dataset.digest, i.dataset.source) for i in their.inputs.dataset_inputs
        ]


def test_the_last_value_of_a_metric_is_the_one_of_the_highest_step_not_the_latest(store: Stored) -> None:
    run = reader(store).run(store.finished)
    assert (run.metric("auc"), run.metric("late")) == (0.7, 1.0)
    assert math.isnan(run.metric("broken") or 0.0)
    assert run.metric("never logged") is None


def test_the_outline_of_a_metric_is_that_of_the_history_that_mlflow_tells(store: Stored) -> None:
    for key in ("auc", "late", "broken", "recall: at 0.95"):
        ours = reader(store).metric_outline(store.finished, key, 10)
        theirs = store.client().get_metric_history(store.finished, key)
        assert ours == outline_of(key, (Logged(m.step, m.timestamp, m.value) for m in theirs), 10)
        assert ours.cells
    assert reader(store).metric_outline(store.finished, "never logged", 10).cells == ()
    assert reader(store).metric_outline("0" * 32, "auc", 10).cells == ()


def test_a_page_holds_the_newest_and_counts_all(store: Stored) -> None:
    page = reader(store).runs(2)
    assert (len(page.runs), page.total) == (2, 4)
    assert [run.run_id for run in page.runs] == [run.run_id for run in reader(store).runs(100).runs[:2]]


def test_runs_can_be_asked_for_by_experiment_and_by_id(store: Stored) -> None:
    files = reader(store)
    assert {run.run_id for run in files.runs(9, experiment="payments").runs} == {
        store.finished,
        store.failed,
        store.running,
    }
    assert files.runs(9, experiment="unheard of").total == 0
    assert [run.run_id for run in files.runs(9, ids=(store.failed, store.deleted)).runs] == [store.failed]
    assert files.runs(9, ids=()).total == 0


def test_a_deleted_run_and_the_runs_of_a_deleted_experiment_are_left_out(store: Stored) -> None:
    found = reader(store).runs(100).runs
    assert store.deleted not in {run.run_id for run in found}
    assert {run.experiment for run in found} == {"payments", "Default"}
    with pytest.raises(UsageError):
        reader(store).run(store.deleted)


def test_a_run_is_found_by_the_start_of_its_id(store: Stored) -> None:
    assert reader(store).run(store.failed[:12]).run_id == store.failed
    with pytest.raises(UsageError, match="no run 'zzz'"):
        reader(store).run("zzz")
    with pytest.raises(UsageError, match="no run ''"):
        reader(store).run("")


def test_markup_and_control_characters_arrive_as_they_were_written(store: Stored) -> None:
    run = reader(store).run(store.finished)
    assert (run.params["note"], run.tags["author"], run.tags["empty"]) == (MARKUP, MARKUP, "")
    assert reader(store).run(store.running).name == MARKUP


def test_a_run_that_was_never_ended_is_still_running(store: Stored) -> None:
    run = reader(store).run(store.running)
    assert (run.status, run.ended) == (RunStatus.RUNNING, None)
    assert run.started == datetime(2024, 3, 9, 16, 0, tzinfo=UTC)


def test_the_models_are_those_that_mlflow_finds_without_prompts(store: Stored) -> None:
    theirs = store.client().search_registered_models()
    ours = reader(store).models()
    assert [model.name for model in ours] == [model.name for model in theirs] == ["empty-model", MODEL]
    assert [dict(model.aliases) for model in ours] == [{a: int(v) for a, v in m.aliases.items()} for m in theirs]
    assert [model.latest for model in ours] == [None, 2]
    assert ours[1].description == "finds fraud"


def test_every_version_says_what_mlflow_says(store: Stored) -> None:
    client = store.client()
    ours = reader(store).versions(MODEL)
    assert [version.version for version in ours] == [2, 1]
    for version in ours:
        their = client.get_model_version(MODEL, str(version.version))
        assert (version.run_id, version.source, version.status) == (their.run_id, their.source, their.status)
        assert (version.stage or "None") == their.current_stage
        assert sorted(version.aliases) == sorted(their.aliases)
        assert dict(version.tags) == their.tags
        assert milliseconds(version.created) == their.creation_timestamp
        assert f"models:/{version.model_id}" == version.source


def test_an_alias_names_its_version(store: Stored) -> None:
    files = reader(store)
    assert (files.alias(MODEL, "champion"), files.alias(MODEL, "challenger")) == (1, 2)
    assert (files.alias(MODEL, "unset"), files.alias("unheard of", "champion")) == (None, None)


def test_an_unknown_model_or_version_is_told_with_those_that_exist(store: Stored) -> None:
    files = reader(store)
    assert files.versions("empty-model") == ()
    with pytest.raises(UsageError) as unknown_model:
        files.versions("fraud")
    assert MODEL in unknown_model.value.hint
    with pytest.raises(UsageError) as unknown_version:
        files.version(MODEL, 3)
    assert unknown_version.value.hint == "It has 2, 1."


def test_the_folder_of_a_version_is_the_one_that_mlflow_wrote(store: Stored) -> None:
    version = reader(store).version(MODEL, 1)
    folder = reader(store).model_folder(version)
    uri = store.client().get_model_version_download_uri(MODEL, "1")
    assert folder is not None
    assert folder.as_uri() == uri
    assert (folder / "MLmodel").is_file()


def test_reading_changes_no_byte_and_creates_no_file(store: Stored) -> None:
    before = contents(store.path.parent)
    files = reader(store)
    assert files.runs(100).total == 4
    files.metric_outline(store.finished, "auc", 10)
    files.model_folder(files.version(MODEL, 1))
    assert files.problems() == ()
    assert contents(store.path.parent) == before


def test_a_store_that_is_not_there_yet_is_empty_and_stays_absent(tmp_path: Path) -> None:
    for uri in ("sqlite:///mlflow.db", "mlruns"):
        files = TrackingFiles(place_of(uri, tmp_path, "a test"))
        assert (files.runs(5).total, files.models()) == (0, ())
        assert "yet" in files.problems()[0]
        with pytest.raises(UsageError, match="no run"):
            files.run("abc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["https://user:secret@mlflow.example.org", "postgresql://user:secret@host/mlflow"])
def test_a_store_that_files_cannot_reach_refuses_every_question_and_says_where_it_is(uri: str) -> None:
    files = TrackingFiles(place_of(uri, Path("/"), "MLFLOW_TRACKING_URI"))
    questions: tuple[Callable[[], object], ...] = (
        lambda: files.runs(5),
        lambda: files.run("abc"),
        lambda: files.metric_outline("a", "b", 10),
        files.models,
        lambda: files.versions("fraud"),
        lambda: files.version("fraud", 1),
        lambda: files.alias("fraud", "champion"),
        lambda: files.model_folder(ModelVersion("fraud", 1, None, "", "READY", None, (), {}, None)),
    )
    for ask in questions:
        with pytest.raises(ToolMissing, match="MLFLOW_TRACKING_URI") as refused:
            ask()
        assert "secret" not in refused.value.message and "unipipe.yaml" in refused.value.hint
    (problem,) = files.problems()
    assert "only local stores are read" in problem


def test_the_facade_keeps_the_promises_of_the_domain(tmp_path: Path) -> None:
    tracking: Tracking = TrackingFiles.find(tmp_path, {})
    assert tracking.runs(1).runs == ()
    assert tracking.problems() == ()


def test_an_empty_database_does_not_hide_the_folder_that_holds_the_runs(
    empty_database: Path, folder: Stored, tmp_path: Path
) -> None:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    found = TrackingFiles.find(tmp_path, {})
    assert (found.place.path, found.place.also) == (folder.path, (tmp_path / "mlflow.db",))
    assert found.runs(1).total == 4
    (tmp_path / "mlflow.db").write_text("no database")
    assert TrackingFiles.find(tmp_path, {}).place.path == folder.path


def test_of_two_empty_stores_the_database_is_taken(empty_database: Path, tmp_path: Path) -> None:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("name: Default\nexperiment_id: '0'\n")
    assert TrackingFiles.find(tmp_path, {}).place.path == tmp_path / "mlflow.db"


def test_mlflow_is_verified_without_importing_it() -> None:
    assert int(verify().split(".")[0]) >= 3


def test_a_run_offers_its_last_sign_of_life(store: Stored) -> None:
    run = reader(store).run(store.finished)
    assert run.last_change is not None
    assert run.ended is not None
    assert run.last_change >= run.ended


def test_looking_imports_neither_mlflow_nor_pandas() -> None:
    program = (
        "import sys, unipipe_tui.adapters.mlflow.files; print({'mlflow', 'pandas', 'sqlalchemy'} & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd=root
    )
    assert said.stdout == "set()\n"
