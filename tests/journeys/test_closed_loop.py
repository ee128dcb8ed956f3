"""The whole story, told once by the real program and looked at from all sides."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Said, git, unipipe

pytestmark = pytest.mark.xdist_group("demo")


@dataclass(frozen=True)
class Story:
    """A finished demo."""

    folder: Path
    said: Said
    chapters: list[dict[str, Any]]

    def chapter(self, number: int) -> dict[str, Any]:
        figures: dict[str, Any] = self.chapters[number - 1]["figures"]
        return figures


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story") / "my demo"
    said = unipipe("demo", folder, "--headless", "--json", cwd=folder.parent, timeout=600)
    assert said.exit_code == 0, said.stderr[-3000:]
    return Story(folder, said, said.json["chapters"])


@pytest.mark.timeout(700)
def test_the_demo_tells_eight_steps_and_says_what_each_took(story: Story) -> None:
    assert [chapter["number"] for chapter in story.chapters] == list(range(1, 9))
    assert all(chapter["seconds"] > 0 and chapter["happened"] for chapter in story.chapters)
    assert story.said.json["seconds"] >= sum(chapter["seconds"] for chapter in story.chapters) - 1


def test_the_first_version_becomes_champion_because_there_is_none(story: Story) -> None:
    assert story.chapter(2) == {"version": 1, "alias": "champion", "gates_passed": True}


def test_four_calm_weeks_raise_no_alarm(story: Story) -> None:
    assert story.chapter(4)["drifted"] is False
    assert story.chapter(4)["precision"] >= 0.95


def test_the_performance_of_the_first_version_is_told_with_the_region_that_it_was_lost_in(story: Story) -> None:
    said = unipipe("performance", "show", "--version", "1", "--json", cwd=story.folder)
    assert said.exit_code == 0, said.stderr
    report = said.json["report"]
    assert report["drop"]["slices"][0]["column"] == "region"
    assert report["drop"]["slices"][0]["value"] == "gulf"
    assert report["drop"]["slices"][0]["significant"] is True
    assert [one["name"] for one in report["detectors"] if one["decides"] and one["worsened"]] == ["adwin"]
    assert report["calibration"]["surely_off"] is True


def test_the_new_region_is_found_before_its_labels_and_opens_alerts_with_them(story: Story) -> None:
    found = story.chapter(5)
    assert {"region", "amount"} <= set(found["drifted_columns"].split(", "))
    assert found["precision"] < 0.95
    assert found["alerts"] == 2


def test_retraining_brings_precision_back_and_the_switch_drops_no_request(story: Story) -> None:
    recovered = story.chapter(6)
    assert (recovered["challenger"], recovered["champion"]) == (2, 2)
    assert recovered["requests_during_switch"] > 10
    assert recovered["failed_requests"] == 0
    assert recovered["precision"] >= 0.95
    assert recovered["alerts"] == 0


def test_rolling_back_and_forward_moves_the_champion_and_its_release(story: Story) -> None:
    assert story.chapter(7) == {"back_to": 1, "forward_to": 2}
    released = unipipe("sql", "SELECT version FROM releases ORDER BY moment", "--json", cwd=story.folder).json
    assert [row[0] for row in released["rows"]] == [1, 2, 1, 2]


def test_a_prediction_is_traced_to_the_very_commit_data_and_run(story: Story) -> None:
    figures = story.chapter(8)
    lineage = unipipe("lineage", "show", figures["prediction"], "--json", cwd=story.folder).json
    assert lineage["version"]["version"] == 2
    assert lineage["missing"] == []
    commit = lineage["commit_id"]
    pointer = git("show", f"{commit}:data/raw.dvc", cwd=story.folder)
    assert lineage["data"][0]["md5"] in pointer
    database = sqlite3.connect(f"file:{story.folder}/mlflow.db?mode=ro", uri=True)
    (run,) = database.execute("SELECT run_id FROM model_versions WHERE version = 2").fetchone()
    assert lineage["run"]["run_id"] == run
    assert lineage["promotions"][-1]["actor"] == "ada"
    assert lineage["version"]["job_command"].startswith("unipipe retrain")


def test_the_run_bears_the_data_s_md5_as_its_dataset_and_a_model_with_signature_and_example(story: Story) -> None:
    run = story.chapter(8)["run"]
    shown = unipipe("runs", "show", run, "--json", cwd=story.folder).json
    assert shown["run"]["datasets"][0]["digest"] in (story.folder / "data" / "raw.dvc").read_text()
    described = (story.folder / ".unipipe" / "bundles" / "fraud-detector-2" / "model" / "MLmodel").read_text()
    assert "signature:" in described
    assert "saved_input_example_info:" in described


def test_the_audit_is_whole_and_a_changed_entry_is_found(story: Story, tmp_path: Path) -> None:
    assert unipipe("audit", "verify", "--json", cwd=story.folder).json["whole"] is True
    actions = {entry["action"] for entry in unipipe("audit", "list", "--json", cwd=story.folder).json["entries"]}
    assert {"init", "pipeline run", "serve start", "retrain", "models promote", "rollback"} <= actions


def test_what_a_teammate_must_see_stands_in_mlflow(story: Story) -> None:
    database = sqlite3.connect(f"file:{story.folder}/mlflow.db?mode=ro", uri=True)
    aliases = dict(database.execute("SELECT alias, version FROM registered_model_aliases").fetchall())
    assert str(aliases["champion"]) == "2"
    tags = dict(database.execute("SELECT key, value FROM model_version_tags WHERE version = 2").fetchall())
    assert tags["unipipe.gates"] == "passed"
    assert tags["unipipe.champion.by"] == "ada"


def test_the_retrained_version_is_better_than_the_champion_on_the_same_holdout(story: Story) -> None:
    versions = unipipe("models", "show", "--json", cwd=story.folder).json["versions"]
    newest = versions[0]
    gulf = next(r for r in newest["gate_results"] if r["slice"] == "gulf")
    assert newest["gates"] == "passed"
    assert gulf["value"] > gulf["champion"]


def test_the_workspace_is_clean_afterwards(story: Story) -> None:
    assert git("status", "--porcelain", cwd=story.folder) == ""
    assert unipipe("serve", "status", "--json", cwd=story.folder).json["servers"][0]["state"] == "stopped"
    overview = unipipe("status", "--json", cwd=story.folder).json
    states = {step["name"]: step["state"] for step in overview["steps"]}
    assert states["ingest"] == states["train"] == states["evaluate"] == states["register"] == states["monitor"] == "ok"


def test_every_job_of_the_story_is_recorded_as_done(story: Story) -> None:
    jobs = unipipe("jobs", "list", "--limit", "200", "--json", cwd=story.folder).json
    assert jobs["total"] == len(jobs["jobs"]) >= 25
    assert {job["state"] for job in jobs["jobs"]} == {"done"}


def test_a_finished_demo_is_not_told_again_but_what_it_said_is(story: Story) -> None:
    again = unipipe("demo", story.folder, "--headless", "--json", cwd=story.folder.parent, timeout=20)
    assert again.exit_code == 0, again.stderr
    assert again.json["chapters"] == story.chapters


def test_a_folder_that_is_no_demo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    refused = unipipe("demo", tmp_path, "--headless", cwd=tmp_path)
    assert refused.exit_code == 2
    assert "not empty" in refused.stderr
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_json_answer_is_all_that_stands_on_stdout(story: Story) -> None:
    assert json.loads(story.said.stdout)["directory"] == str(story.folder)
    assert "unipipe retrain" in story.said.stderr
