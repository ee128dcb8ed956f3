"""Registered versions asked through MLflow's client are those that stand in its files, and no secret is ever told."""

from __future__ import annotations

import pytest

from tests.adapters.conftest_mlflow import MODEL, Stored
from tests.adapters.conftest_server import guarded
from tests.conftest import free_port
from tests.little_server import serving
from unipipe_tui.adapters.mlflow.client.versions import ClientVersions
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.domain.tracking import ModelVersion

pytest_plugins = ("tests.adapters.conftest_mlflow", "tests.adapters.conftest_server")
pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.usefixtures("one_store_at_a_time", "no_credentials"),
]

ANOTHERS = "another's model"
TOKEN = "s3cr3t-token"


def in_files(store: Stored) -> tuple[ModelVersion, ...]:
    return TrackingFiles(place_of(store.uri, store.path.parent, "a test")).versions(MODEL)


def test_the_versions_of_a_model_are_those_in_the_files_with_their_aliases(store: Stored) -> None:
    found = ClientVersions(store.uri).of_model(MODEL)
    assert [(version.version, version.aliases) for version in found] == [
        (2, ("challenger",)),
        (1, ("champion", "previous")),
    ]
    assert found == in_files(store)


def test_the_versions_of_runs_are_found_whatever_model_they_are_of(store: Stored) -> None:
    client = store.client()
    client.create_registered_model(ANOTHERS)
    client.create_model_version(ANOTHERS, in_files(store)[0].source, store.finished)
    found = ClientVersions(store.uri).of_runs((store.failed, store.finished))
    assert [(version.model, version.version) for version in found] == [(ANOTHERS, 1), (MODEL, 2), (MODEL, 1)]
    assert {version.run_id for version in found} == {store.finished}


def test_an_unknown_model_a_run_without_a_version_and_a_prompt_have_none(store: Stored) -> None:
    versions = ClientVersions(store.uri)
    assert versions.of_model("never registered") == ()
    assert versions.of_model("a-prompt") == ()
    assert versions.of_runs((store.failed,)) == ()
    assert versions.of_runs(()) == ()


def test_a_server_that_is_away_or_lets_nobody_in_is_told_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolMissing, match="does not answer"):
        ClientVersions(f"http://127.0.0.1:{free_port()}").of_model(MODEL)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    door = guarded("http://127.0.0.1:1", "Bearer another")
    with serving(door) as uri, pytest.raises(ToolMissing, match="does not let us in") as refused:
        ClientVersions(uri).of_runs(("a" * 32,))
    assert "MLFLOW_TRACKING_TOKEN" in refused.value.hint
    assert TOKEN not in f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r}"
