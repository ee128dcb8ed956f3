"""What can be asked about runs and models: the same sentences, held against the fake and a real MLflow database."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import MODEL, Stored
from tests.fakes import FakeTracking
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.tracking import Run, Tracking

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]

Ask = Callable[[Tracking], object]


@pytest.fixture
def real(database: Stored) -> TrackingFiles:
    """Four runs in two experiments, a model with two versions and one without, as MLflow wrote them."""
    return TrackingFiles(place_of(database.uri, database.path.parent, "a test"))


@pytest.fixture(params=["fake", "real"])
def tracking(request: pytest.FixtureRequest, real: TrackingFiles) -> Tracking:
    """The database, and a fake that was given the same things in disorder."""
    return of_kind(request.param, real)


def of_kind(kind: str, real: TrackingFiles) -> Tracking:
    if kind == "real":
        return real
    runs, models = real.runs(100).runs, real.models()
    versions = tuple(replace(version, aliases=()) for model in models for version in real.versions(model.name))
    return FakeTracking(runs[::-1], models[::-1], versions[::-1])


@pytest.fixture(params=["fake", "real"])
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> Tracking:
    """A project that tracked nothing yet."""
    return FakeTracking() if request.param == "fake" else TrackingFiles.find(tmp_path, {})


def ids(runs: tuple[Run, ...]) -> list[str]:
    return [run.run_id for run in runs]


def test_runs_are_told_newest_first(tracking: Tracking) -> None:
    page = tracking.runs(100)
    started = [run.started for run in page.runs]
    assert started == sorted((moment for moment in started if moment), reverse=True)
    assert page.total == len(page.runs) == 4


def test_a_page_is_the_newest_runs_and_how_many_there_are(tracking: Tracking) -> None:
    everything = ids(tracking.runs(100).runs)
    for limit in (0, 1, 3, 100):
        page = tracking.runs(limit)
        assert (ids(page.runs), page.total) == (everything[:limit], 4)
    assert tracking.runs(-1).runs == ()


def test_runs_are_chosen_by_experiment_by_full_id_or_by_both(tracking: Tracking, database: Stored) -> None:
    by_experiment = tracking.runs(100, "payments")
    assert (by_experiment.total, {run.experiment for run in by_experiment.runs}) == (3, {"payments"})
    assert tracking.runs(1, "payments").total == 3
    wanted = (database.finished, database.failed, "missing", database.finished[:8])
    assert set(ids(tracking.runs(100, ids=wanted).runs)) == {database.finished, database.failed}
    assert ids(tracking.runs(100, "payments", (database.failed,)).runs) == [database.failed]
    for page in (tracking.runs(100, "Default", (database.failed,)), tracking.runs(9, "pay"), tracking.runs(9, ids=())):
        assert (page.runs, page.total) == ((), 0)


def test_a_run_is_found_by_its_id_and_by_the_beginning_of_it(tracking: Tracking, database: Stored) -> None:
    for asked in (database.finished, database.finished[:12]):
        run = tracking.run(asked)
        assert (run.run_id, run.name, run.experiment) == (database.finished, "first try", "payments")
    assert tracking.run(database.finished).params["depth"] == "4"


@pytest.mark.parametrize("prefix", ["", "zzz", "%", "first try"])
def test_what_begins_no_run_id_is_a_usage_error(tracking: Tracking, prefix: str) -> None:
    with pytest.raises(UsageError, match="no run"):
        tracking.run(prefix)


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_a_beginning_that_several_runs_share_is_a_usage_error_that_names_some_but_a_whole_id_is_found(
    database: Stored, real: TrackingFiles, kind: str
) -> None:
    shared = "aa0" + "0" * 28
    with sqlite3.connect(database.path) as connection:
        for run_id in (shared, *(f"{shared}{letter}" for letter in "abcdefg")):
            connection.execute(
                "INSERT INTO runs (run_uuid, name, status, start_time, experiment_id, lifecycle_stage) "
                "VALUES (?, 'same', 'FINISHED', 1, 0, 'active')",
                (run_id,),
            )
    connection.close()
    asked = of_kind(kind, real)
    with pytest.raises(UsageError, match="More than one run id starts with") as told:
        asked.run(shared[:20])
    assert told.value.hint.count(shared) == 5
    assert asked.run(shared).run_id == shared


def test_an_outline_goes_forward_and_is_empty_for_an_unknown_key_or_run(tracking: Tracking, database: Stored) -> None:
    cells = tracking.metric_outline(database.finished, "auc", 10).cells
    assert cells
    assert [cell.first for cell in cells] == sorted(cell.first for cell in cells)
    assert tracking.metric_outline(database.finished, "never logged", 10).cells == ()
    assert tracking.metric_outline("missing", "auc", 10).cells == ()


def test_the_last_value_of_a_metric_is_told_with_its_run(tracking: Tracking, database: Stored) -> None:
    run = tracking.run(database.finished)
    assert (run.metric("auc"), run.metric("never logged")) == (0.7, None)
    assert math.isnan(run.metric("broken") or 0.0)


def test_models_are_told_by_name_with_their_aliases_and_latest_version(tracking: Tracking) -> None:
    told = [(model.name, model.aliases, model.latest) for model in tracking.models()]
    aliases = (("challenger", 2), ("champion", 1), ("previous", 1))
    assert told == [("empty-model", (), None), (MODEL, aliases, 2)]


def test_versions_are_told_newest_first_with_the_aliases_that_the_model_gives_them(tracking: Tracking) -> None:
    versions = tracking.versions(MODEL)
    assert [(v.version, v.aliases) for v in versions] == [(2, ("challenger",)), (1, ("champion", "previous"))]
    assert {version.model for version in versions} == {MODEL}
    assert tracking.versions("empty-model") == ()
    assert [tracking.version(MODEL, version.version) for version in versions] == list(versions)


@pytest.mark.parametrize(
    ("ask", "said", "hint"),
    [
        (lambda asked: asked.versions("frauds"), "no registered model 'frauds'", MODEL),
        (lambda asked: asked.version("frauds", 1), "no registered model 'frauds'", MODEL),
        (lambda asked: asked.version(MODEL, 3), f"{MODEL} has no version 3", "2, 1"),
        (lambda asked: asked.version("empty-model", 1), "empty-model has no version 1", "no version yet"),
    ],
)
def test_an_unknown_model_or_version_is_a_usage_error_that_names_the_known(
    tracking: Tracking, ask: Ask, said: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=said) as told:
        ask(tracking)
    assert hint in told.value.hint


def test_an_alias_names_a_version_or_nothing(tracking: Tracking) -> None:
    asked = [(MODEL, "champion"), (MODEL, "challenger"), (MODEL, "latest"), ("empty-model", "champion"), ("x", "y")]
    assert [tracking.alias(model, alias) for model, alias in asked] == [1, 2, None, None, None]


def test_where_a_version_lies_is_a_folder_with_a_model_or_unknown(tracking: Tracking) -> None:
    folder = tracking.model_folder(tracking.version(MODEL, 1))
    assert folder is None or (folder / "MLmodel").is_file()


def test_a_store_that_is_read_whole_has_no_problem(tracking: Tracking) -> None:
    assert tracking.problems() == ()


def test_where_nothing_was_tracked_every_answer_is_empty(nothing: Tracking) -> None:
    assert (nothing.runs(10).runs, nothing.runs(10).total, nothing.models()) == ((), 0, ())
    assert (nothing.metric_outline("r", "k", 10).cells, nothing.alias(MODEL, "champion"), nothing.problems()) == (
        (),
        None,
        (),
    )
    asks: tuple[Ask, ...] = (lambda asked: asked.run("a"), lambda asked: asked.versions(MODEL))
    for ask in asks:
        with pytest.raises(UsageError):
            ask(nothing)


@pytest.mark.parametrize("key", ["auc", "late", "broken", "recall: at 0.95", "missing"])
def test_an_outline_counts_every_value_and_ends_with_the_last(tracking: Tracking, database: Stored, key: str) -> None:
    outline, last = tracking.metric_outline(database.finished, key, 10), tracking.run(database.finished).metric(key)
    assert (outline.key, outline.count) == (key, sum(cell.count for cell in outline.cells))
    assert (outline.count > 0) == (last is not None)
    if last is not None:
        assert outline.cells[-1].end == (last if math.isfinite(last) else None)
        assert outline.not_finite == (0 if math.isfinite(last) else outline.count)
        assert len(tracking.metric_outline(database.finished, key, 1).cells) == 1
