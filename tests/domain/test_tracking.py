"""The rules about runs and registered models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.tracking import (
    Metric,
    ModelVersion,
    RegisteredModel,
    Run,
    RunStatus,
    TrackingKind,
    TrackingPlace,
    check_alias_name,
    check_model_name,
    no_such_model,
    no_such_run,
    no_such_version,
    stale_running,
    status_words,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = Run("a1", "first", "payments", RunStatus.RUNNING, NOON, None)


def test_a_run_that_is_silent_for_more_than_a_day_is_probably_dead() -> None:
    assert not stale_running(RUNNING, NOON + timedelta(hours=24))
    assert stale_running(RUNNING, NOON + timedelta(hours=24, seconds=1))
    assert status_words(RUNNING, NOON + timedelta(days=300)) == "RUNNING since 2026-03-01, probably dead"
    assert status_words(RUNNING, NOON) == "RUNNING"


def test_a_long_run_that_still_logs_is_alive() -> None:
    logging = replace(RUNNING, metrics=(Metric("loss", 0.1, 5, NOON + timedelta(days=6)),))
    assert not stale_running(logging, NOON + timedelta(days=6, hours=23))
    assert stale_running(logging, NOON + timedelta(days=8))


def test_a_running_run_without_any_time_is_probably_dead() -> None:
    assert status_words(replace(RUNNING, started=None), NOON) == "RUNNING since an unknown date, probably dead"


def test_a_run_that_ended_is_never_stale() -> None:
    for status in set(RunStatus) - {RunStatus.RUNNING}:
        assert not stale_running(replace(RUNNING, status=status), NOON + timedelta(days=900))


def test_a_version_knows_its_logged_model_by_its_source() -> None:
    version = ModelVersion("m", 1, None, "models:/m-0ab1", "READY", None, (), {}, None)
    assert version.model_id == "m-0ab1"
    for source in ("runs:/aa/model", "models:/churn/3", "/srv/models:/m-1/x", ""):
        assert replace(version, source=source).model_id is None


def test_a_model_answers_for_its_aliases() -> None:
    model = RegisteredModel("m", (("champion", 2),), 3)
    assert (model.alias("champion"), model.alias("challenger")) == (2, None)


@pytest.mark.parametrize("name", ["fraud-detector", "Fraud Detector 2", "a.b", "größe", "x'y"])
def test_names_that_mlflow_accepts_are_accepted(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "  ", "a/b", "a:b", "..", ".", "..a", "a\\b", "50%", "a\nb", "\x1b[31m", "x" * 257]
)
def test_names_that_no_store_takes_are_refused_with_a_hint(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_model_name(name)
    assert refused.value.exit_code is ExitCode.USAGE
    assert refused.value.hint


@pytest.mark.parametrize("alias", ["champion", "a_b-1", "v1x", "latests"])
def test_aliases_that_mlflow_accepts_are_accepted(alias: str) -> None:
    assert check_alias_name(alias) == alias


@pytest.mark.parametrize("alias", ["", "a b", "a/b", "latest", "LATEST", "v1", "V22", "a\n", "x" * 256])
def test_aliases_that_mlflow_keeps_or_refuses_are_refused(alias: str) -> None:
    with pytest.raises(UsageError):
        check_alias_name(alias)


def test_what_does_not_exist_is_told_with_what_does() -> None:
    assert no_such_model("x", ["b", "a"]).hint == "There is a, b."
    assert no_such_model("x", []).hint == "There is none yet."
    assert no_such_version("m", 9, range(1, 12)).hint == "It has 11, 10, 9, 8, 7, 6, 5, 4 and older ones."
    assert no_such_version("m", 9, ()).hint == "It has no version yet."
    assert "More than one" in no_such_run("a", ["a1", "a2"]).message
    assert "no run" in no_such_run("a").message


def test_a_servers_password_is_not_shown() -> None:
    place = TrackingPlace(TrackingKind.REMOTE, "postgresql://me:p@ss@host/db", None, "a test")
    assert place.shown == "postgresql://…@host/db"
    assert TrackingPlace(TrackingKind.SQLITE, "sqlite:////a@b/m.db", None, "a test").shown == "sqlite:////a@b/m.db"
