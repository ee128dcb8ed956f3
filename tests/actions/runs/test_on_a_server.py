"""Runs that live on an MLflow server: registered, told with their versions, not written on in vain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.adapters.conftest_mlflow import MODEL, Stored
from tests.adapters.conftest_server import guarded
from tests.little_server import serving
from unipipe_tui.actions.action import Change
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.runs.changes import RESTORE, TAG, RestoreRuns, TagRun
from unipipe_tui.actions.runs.listing import RunView, ShowRun, show_run
from unipipe_tui.actions.runs.registration import REGISTER, RegisterRun
from unipipe_tui.actions.runs.sync import SyncRuns, sync_runs
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode, ToolMissing, UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.wiring import world_at

pytest_plugins = ("tests.adapters.conftest_mlflow", "tests.adapters.conftest_server")
pytestmark = [
    pytest.mark.xdist_group("mlflow-server"),
    pytest.mark.usefixtures("one_store_at_a_time", "no_credentials"),
]

TOKEN = "s3cr3t-token"


@pytest.fixture
def world(project: Path, server: str, backend: Stored) -> World:
    return world_on(server, project)


def world_on(uri: str, project: Path) -> World:
    """The world of a project that tracks on this server, whose index was just read."""
    (project / "unipipe.yaml").write_text(f"mlflow: {uri}\nmodel: {{name: {MODEL}}}\n")
    world = world_at(project)
    sync_runs(SyncRuns(), world, Silent())
    return world


def done(change: Change[Any, Any, Any], request: object, world: World) -> Any:
    """Do it as a job of its own."""
    return perform(change, request, world_at(world.root), lambda event: None, lambda: False)


def shown(world: World, run: str) -> RunView:
    return show_run(ShowRun(run), world)


def test_a_runs_model_becomes_a_version_on_the_server_and_the_run_names_it(
    world: World, server: str, backend: Stored
) -> None:
    request = RegisterRun(backend.finished, "churn")
    plan = make_plan(REGISTER, request, world)
    assert plan.title == f"Register run {backend.finished[:8]} (`first try`) as churn version 1"
    # `models check` does not know of a server's versions.
    assert "models check" not in plan.undo
    registered = done(REGISTER, request, world)
    assert (registered.model, registered.version) == ("churn", 1)
    assert MlflowClient(server, server).get_model_version("churn", "1").run_id == backend.finished
    told = shown(world, backend.finished)
    assert (told.versions, told.problems) == (("churn/1", f"{MODEL}/2", f"{MODEL}/1"), ())
    assert shown(world, backend.failed).versions == ()
    with pytest.raises(UsageError, match="is churn version 1 already"):
        make_plan(REGISTER, request, world)


def test_the_plan_tells_which_aliases_stay_where_they_are(world: World, backend: Stored) -> None:
    plan = make_plan(REGISTER, RegisterRun(backend.failed), world)
    told = [effect.text for effect in plan.effects]
    assert f"as {MODEL} version 3" in plan.title
    assert f"{MODEL}@champion stays at version 1" in told
    assert f"{MODEL}@challenger stays at version 2" in told


def test_of_a_run_that_logged_no_model_nothing_is_registered(world: World, server: str, backend: Stored) -> None:
    with pytest.raises(UsageError, match="logged no model"):
        done(REGISTER, RegisterRun(backend.failed, "nothing"), world)
    assert MlflowClient(server, server).search_registered_models("name = 'nothing'") == []


def test_the_token_that_a_registration_needs_is_kept_nowhere(
    project: Path, server: str, backend: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RegisterRun(backend.finished, "guarded")
    with serving(guarded(server, f"Bearer {TOKEN}")) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
        world = world_on(uri, project)
        assert TOKEN not in "\n".join(make_plan(REGISTER, request, world).lines)
        assert done(REGISTER, request, world).version == 1
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wr0ng-token")
        with pytest.raises(ToolMissing, match="does not let us in") as refused:
            make_plan(REGISTER, RegisterRun(backend.finished, "other"), world)
        [problem] = shown(world, backend.finished).problems
    assert "MLFLOW_TRACKING_TOKEN" in refused.value.hint
    assert problem.startswith("Its registered versions are not known: The MLflow server at 127.0.0.1")
    assert "wr0ng" not in f"{problem} {refused.value.message} {refused.value.hint}"
    files = [file for file in project.rglob("*") if file.is_file()]
    assert any(file.name == "events.jsonl" for file in files)
    assert [file for file in files if TOKEN.encode() in file.read_bytes()] == []


def test_a_run_is_shown_without_its_versions_when_the_server_is_away(
    project: Path, server: str, backend: Stored
) -> None:
    with serving(guarded(server, None)) as uri:
        world = world_on(uri, project)
    told = shown(world, backend.finished)
    assert (told.run.name, told.versions) == ("first try", ())
    [problem] = told.problems
    assert problem.startswith("Its registered versions are not known: The MLflow server at 127.0.0.1")
    with pytest.raises(ToolMissing) as away:
        make_plan(REGISTER, RegisterRun(backend.finished, "away"), world)
    assert away.value.exit_code is ExitCode.TOOL_MISSING


def test_a_run_of_a_deleted_experiment_comes_back_the_way_that_is_told(project: Path, server: str) -> None:
    client = MlflowClient(server, server)
    experiment = client.create_experiment("put away")
    run = str(client.create_run(experiment, run_name="kept").info.run_id)
    client.delete_experiment(experiment)
    world = world_on(server, project)
    for change, request in ((RESTORE, RestoreRuns((run,))), (TAG, TagRun(run, "stage", "final"))):
        with pytest.raises(UsageError, match="in the experiment `put away`, which is deleted") as refused:
            done(change, request, world)
        way = f"MLFLOW_TRACKING_URI={server} mlflow experiments restore --experiment-id {experiment}"
        assert refused.value.hint.endswith(way)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    done(TAG, TagRun(run, "stage", "final"), world_on(server, project))
    assert client.get_run(run).data.tags["stage"] == shown(world, run).run.tags["stage"] == "final"
