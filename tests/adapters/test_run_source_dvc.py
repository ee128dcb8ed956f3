"""Commits and DVC experiments become runs, in a real repository that DVC and Git made."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.conftest_dvc import own_site_cache  # noqa: F401 around every test of this module
from tests.adapters.held_runs import HeldRuns, held_of
from tests.adapters.repositories import commit_all, contents
from tests.conftest import git
from tests.fakes import Listening
from unipipe_tui.adapters.dvc.experiments import DvcRuns
from unipipe_tui.adapters.dvc.revisions import NEWEST_COMMITS, Revision, Revisions
from unipipe_tui.adapters.dvc.shown import run_of
from unipipe_tui.domain.errors import Failed, Stopped, ToolMissing

pytestmark = pytest.mark.xdist_group("dvc-runs")

DVC_YAML = """
stages:
  train:
    cmd: python train.py
    deps: [train.py, data.csv]
    params:
      - train
      - other.yaml: [depth]
    outs: [model.txt]
    metrics:
      - reports/metrics.json: {cache: false}
      - scores.json: {cache: false}
"""
TRAIN = """
import json, pathlib, yaml
depth = yaml.safe_load(open("params.yaml"))["train"]["depth"]
pathlib.Path("reports").mkdir(exist_ok=True)
figures = {"auc": 0.5 + int(depth) / 100, "by": {"north": 1}, "bad": float("nan"), "ok": True, "best": "first", "big": 10**400}
json.dump(figures, open("reports/metrics.json", "w"))
json.dump({"auc": 0.25}, open("scores.json", "w"))
open("model.txt", "w").write(str(depth))
"""


def dvc(*words: str, root: Path) -> None:
    done = subprocess.run(["dvc", *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def set_depth(root: Path, depth: object) -> None:
    (root / "params.yaml").write_text(f"train:\n  depth: {depth}\n  lr: 1e-05\n  layers: [8, 4]\nseed: null\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first commit without DVC, two with a pipeline that ran, and an experiment made from the last; for copying."""
    root = tmp_path_factory.mktemp("dvc-runs") / "project"
    root.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    (root / "README.md").write_text("# Runs\n")
    commit_all(root, "Begin")
    dvc("init", "--quiet", root=root)
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "train.py").write_text(TRAIN)
    (root / "data.csv").write_text("a,b\n")
    (root / "other.yaml").write_text("depth: 9\nunused: 1\n")
    for depth in (4, 5):
        set_depth(root, depth)
        dvc("repro", "--quiet", root=root)
        commit_all(root, f"Depth {depth} [bold]é")
    git("tag", "-a", "-m", "the first", "v1", cwd=root)
    dvc("exp", "run", "--quiet", "--set-param", "train.depth=7", "--name", "deep-one", root=root)
    git("checkout", "--quiet", ".", cwd=root)
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(made, root, symlinks=True)
    return root


def queue(root: Path, name: str, depth: str) -> None:
    dvc("exp", "run", "--quiet", "--queue", "--set-param", f"train.depth={depth}", "--name", name, root=root)


def commits(root: Path) -> list[str]:
    return git("rev-list", "HEAD", cwd=root).split()


def experiment(root: Path, name: str = "deep-one") -> str:
    [found] = [line for line in git("for-each-ref", "refs/exps", cwd=root).splitlines() if line.endswith(f"/{name}")]
    return found.split()[0]


def test_each_commit_with_params_and_each_experiment_is_a_run(project: Path) -> None:
    held = held_of(DvcRuns(project))
    second, first, begin = commits(project)
    deep = experiment(project)
    assert held.ids() == {first, second, deep}
    assert begin not in held.ids()
    assert {run_id: run.name for run_id, (run, *_) in held.runs.items()} == {
        first: "Depth 4 [bold]é",
        second: "Depth 5 [bold]é",
        deep: "deep-one",
    }
    assert {held.experiments[run.experiment_id][0] for run, *_ in held.runs.values()} == {
        "Git commits",
        "DVC experiments",
    }
    assert held.experiments[held.runs[deep].run.experiment_id][0] == "DVC experiments"
    run = held.runs[second].run
    committed = datetime.fromisoformat(git("show", "-s", "--format=%cI", second, cwd=project).strip())
    assert run.started == run.ended == int(committed.timestamp() * 1_000)
    assert (run.status, run.user) == ("FINISHED", "Ada")


def test_params_and_figures_have_one_name_in_all_commits(project: Path) -> None:
    held = held_of(DvcRuns(project))
    second, first, _ = commits(project)
    for run_id, depth in ((first, 4), (second, 5), (experiment(project), 7)):
        assert held.params(run_id) == {
            "train.depth": str(depth),
            "train.lr": "1e-05",
            "train.layers": "[8, 4]",
            "seed": "None",
            "other.yaml:depth": "9",
        }
        figures = held.metrics(run_id)
        assert math.isnan(figures.pop("bad"))
        assert figures == {"auc": pytest.approx(0.5 + depth / 100), "by.north": 1.0, "scores.json:auc": 0.25}
        tags = held.tags(run_id)
        assert (tags["ok"], tags["best"], tags["big"]) == ("True", "first", str(10**400))
        assert tags["mlflow.source.git.commit"] == run_id
    assert held.tags(experiment(project))["dvc.baseline"] == second
    assert held.tags(second)["git.tag"] == "v1"
    assert "git.tag" not in held.tags(first)


def test_data_that_a_stage_read_and_wrote_are_data_sets_with_their_hashes(project: Path) -> None:
    held = held_of(DvcRuns(project))
    second, first, _ = commits(project)
    found = {(one.name, one.context): one.digest for one in held.datasets(second)}
    assert found.keys() == {("train.py", "deps"), ("data.csv", "deps"), ("model.txt", "outs")}
    assert found["model.txt", "outs"] == "e4da3b7fbbce2345d7772b0674a318d5"  # of "5"
    assert found["data.csv", "deps"] == {one.name: one.digest for one in held.datasets(first)}["data.csv"]


def test_a_second_pass_reads_nothing_and_starts_no_dvc(project: Path) -> None:
    held = held_of(DvcRuns(project))
    held.follow(DvcRuns(project, program="/no/such/dvc"))
    assert held.read == []
    assert len(held.runs) == 3


def test_only_what_is_new_or_named_otherwise_is_read_again(project: Path) -> None:
    held = held_of(DvcRuns(project))
    first = commits(project)[1]
    set_depth(project, 6)
    third = commit_all(project, "Third")
    git("tag", "old", first, cwd=project)
    dvc("exp", "rename", "deep-one", "deeper", root=project)
    held.follow(DvcRuns(project))
    deep = experiment(project, "deeper")
    assert sorted(held.read) == sorted([third, first, deep])
    assert held.runs[deep].run.name == "deeper"
    assert held.tags(first)["git.tag"] == "old"
    assert held.params(third)["train.depth"] == "6"
    git("tag", "--delete", "old", cwd=project)
    held.follow(DvcRuns(project))
    assert held.read == [first]
    assert "git.tag" not in held.tags(first)


def test_an_experiment_that_was_removed_and_commits_that_nothing_reaches_are_gone(project: Path) -> None:
    held = held_of(DvcRuns(project))
    second, first, _ = commits(project)
    dvc("exp", "remove", "deep-one", root=project)
    git("tag", "--delete", "v1", cwd=project)
    git("reset", "--quiet", "--hard", first, cwd=project)
    held.follow(DvcRuns(project))
    assert held.ids() == {first}
    git("branch", "again", second, cwd=project)
    held.follow(DvcRuns(project))
    assert held.ids() == {first, second}


def test_a_pass_that_was_stopped_goes_on_and_a_cursor_that_is_not_understood_counts_as_none(project: Path) -> None:
    held = HeldRuns()
    with pytest.raises(Stopped):
        held.follow(DvcRuns(project), Listening(patience=0))
    assert held.ids() == frozenset()
    held.cursor = "nonsense"
    assert len(held.follow(DvcRuns(project))) == 3


@pytest.mark.slow
def test_experiments_that_have_failed_or_wait_show_no_figures_of_others(project: Path) -> None:
    held = held_of(DvcRuns(project))
    queue(project, "fails", "nonsense")
    held.follow(DvcRuns(project))
    [fails] = [run for run, *_ in held.runs.values() if run.name == "fails"]
    assert (fails.status, fails.started) == ("SCHEDULED", None)

    subprocess.run(["dvc", "exp", "run", "--quiet", "--run-all"], cwd=project, capture_output=True, check=False)
    queue(project, "waits", "8")
    held.follow(DvcRuns(project))
    by_name = {run.name: run for run, *_ in held.runs.values()}
    assert by_name["fails"].status == "FAILED"
    assert by_name["fails"].started is not None
    assert abs(by_name["fails"].started / 1_000 - datetime.now(UTC).timestamp()) < 120
    waits = by_name["waits"]
    assert waits.status == "SCHEDULED"
    assert held.params(waits.run_id)["train.depth"] == "8"
    assert held.tags(waits.run_id) == {"dvc.baseline": commits(project)[0]}
    for run in (waits, by_name["fails"]):
        assert held.metrics(run.run_id) == {}
        assert held.datasets(run.run_id) == []

    dvc("queue", "remove", "--failed", "--queued", root=project)
    held.follow(DvcRuns(project))
    assert {"fails", "waits"}.isdisjoint(run.name for run, *_ in held.runs.values())


def test_looking_changes_no_file_but_those_below_the_folder_for_temporary_ones(project: Path) -> None:
    def kept() -> dict[str, tuple[bytes, int]]:
        return {path: file for path, file in contents(project).items() if not path.startswith(".dvc/tmp/")}

    shutil.rmtree(project / ".dvc" / "tmp")
    before = kept()
    held_of(DvcRuns(project))
    assert kept() == before
    assert git("status", "--porcelain", cwd=project) == ""


def test_where_dvc_would_change_a_file_of_git_it_is_not_asked(project: Path) -> None:
    held = held_of(DvcRuns(project))
    (project / ".dvc" / ".gitignore").write_text("/config.local\n")
    git("commit", "--quiet", "-m", "Without the folder for temporary files", ".dvc/.gitignore", cwd=project)
    source = DvcRuns(project, program="/no/such/dvc")
    before = len(held.runs)
    held.follow(source)
    assert len(held.runs) == before
    assert ".dvc/.gitignore" in source.remark and "`dvc status`" in source.remark
    dvc("status", root=project)
    commit_all(project, "With it")
    source = DvcRuns(project)
    held.follow(source)
    assert (len(held.runs), source.remark) == (before + 2, "")


def test_what_dvc_cannot_read_of_a_commit_is_left_out_and_told_in_every_pass_though_it_is_asked_once(
    project: Path,
) -> None:
    (project / "reports" / "metrics.json").write_text('{"auc": 0.5')
    partly = commit_all(project, "Broken figures")
    (project / "dvc.yaml").write_text("stages: [\n")
    wholly = commit_all(project, "Broken pipeline")
    held = held_of(DvcRuns(project))
    assert held.metrics(partly) == {"scores.json:auc": 0.25}
    assert held.params(partly)["train.depth"] == "5"
    assert wholly not in held.ids()
    told = held.unreadable
    assert [said.partition(": ")[0] for said in told] == [
        f"Commit {wholly[:7]} is left out, as DVC cannot read it",
        f"Commit {partly[:7]} is listed without what DVC cannot read",
    ]
    assert "dvc.yaml" in told[0] and "reports/metrics.json" in told[1]
    held.follow(DvcRuns(project, program="/no/such/dvc"))
    assert held.unreadable == told
    git("reset", "--quiet", "--hard", f"{wholly}~2", cwd=project)
    held.follow(DvcRuns(project))
    assert held.unreadable == []


def test_without_a_cursor_commits_that_are_known_are_read_again_and_stay_while_that_goes_on(project: Path) -> None:
    held = held_of(DvcRuns(project))
    known = held.ids()
    held.cursor = None
    with pytest.raises(Stopped):
        held.follow(DvcRuns(project), Listening(patience=0))
    assert held.ids() == known
    assert held.follow(DvcRuns(project)) == known
    assert held.follow(DvcRuns(project, program="/no/such/dvc")) == set()


def test_a_known_commit_that_dvc_fails_to_read_again_stays_as_it_was(project: Path, tmp_path: Path) -> None:
    held = held_of(DvcRuns(project))
    known = dict(held.runs)
    rows = [{"rev": commit, "error": {"type": "OSError", "msg": "no space left"}} for commit in known]
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(rows))
    held.cursor = None
    held.follow(DvcRuns(project, program=program(tmp_path, f"cat '{answer}'")))
    assert {run_id: held.runs[run_id] for run_id in known} == known
    assert len(held.unreadable) == len(known)
    assert all("is left as it was known" in said and "no space left" in said for said in held.unreadable)


def test_an_experiment_that_runs_is_shown_as_such(project: Path, tmp_path: Path) -> None:
    baseline, task = commits(project)[0], "a" * 40
    held = held_of(DvcRuns(project))
    folder = project / ".dvc" / "tmp" / "exps" / "run" / task
    folder.mkdir(parents=True)
    executor = {"baseline_rev": baseline, "status": 2, "location": "dvc-task"}
    (folder / f"{task}.run").write_text(json.dumps(executor))
    (folder / f"{task}.pid").touch()
    shown = {"rev": task, "name": "busy", "data": {"params": {"params.yaml": {"data": {"a": 1}}}, "metrics": {}}}
    rows = [{"rev": baseline, "experiments": [{"revs": [shown], "executor": {"state": "running"}, "name": "busy"}]}]
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(rows))
    held.follow(DvcRuns(project, program=program(tmp_path, f"cat '{answer}'")))
    assert (held.runs[task].run.name, held.runs[task].run.status) == ("busy", "RUNNING")
    assert held.runs[task].run.started is not None
    (folder / f"{task}.run").write_text(json.dumps({**executor, "status": 6}))
    held.follow(DvcRuns(project))
    assert task not in held.ids()


def test_the_stamp_follows_commits_tags_and_experiments_and_not_a_look(project: Path) -> None:
    source = DvcRuns(project)
    held_of(source)
    stamps = [source.stamp()]
    held_of(source)
    assert source.stamp() == stamps[0] != ""
    for change in (
        lambda: commit_all(project, "Another"),
        lambda: git("tag", "v2", cwd=project),
        lambda: git("pack-refs", "--all", cwd=project),
        lambda: dvc("exp", "remove", "deep-one", root=project),
        lambda: git("checkout", "--quiet", "--detach", "HEAD~1", cwd=project),
    ):
        change()
        stamps.append(source.stamp())
    assert len(set(stamps)) == len(stamps)


def test_a_second_work_tree_has_the_same_runs(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git("worktree", "add", "--quiet", "--detach", str(other), cwd=project)
    source = DvcRuns(other)
    assert held_of(source).ids() == held_of(DvcRuns(project)).ids()
    before = source.stamp()
    git("tag", "v2", cwd=project)
    assert source.stamp() != before


def test_without_git_dvc_or_a_pipeline_there_is_nothing_and_nothing_is_said(project: Path, tmp_path: Path) -> None:
    stale = held_of(DvcRuns(project))
    bare, only_git = tmp_path / "bare", tmp_path / "only-git"
    for folder in (bare, only_git):
        folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=only_git)
    (bare / ".dvc").mkdir()
    (bare / "dvc.yaml").write_text(DVC_YAML)
    for folder in (bare, only_git, tmp_path / "none"):
        listening = Listening()
        source = DvcRuns(folder, program="/no/such/dvc")
        held = HeldRuns(dict(stale.runs), stale.cursor)
        held.follow(source, listening)
        assert (held.ids(), listening.events, source.stamp(), source.remark) == (frozenset(), [], "", "")


def test_a_project_that_dvc_keeps_apart_from_git_has_no_runs(tmp_path: Path) -> None:
    git("init", "--quiet", "--initial-branch=main", cwd=tmp_path)
    dvc("init", "--quiet", "--no-scm", root=tmp_path)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    commit_all(tmp_path)
    assert held_of(DvcRuns(tmp_path)).runs == {}


def test_a_project_in_a_folder_of_a_larger_repository_has_its_own_runs(tmp_path: Path) -> None:
    git("init", "--quiet", "--initial-branch=main", cwd=tmp_path)
    team = tmp_path / "team"
    team.mkdir()
    dvc("init", "--quiet", "--subdir", root=team)
    (team / "dvc.yaml").write_text(DVC_YAML)
    (team / "other.yaml").write_text("depth: 9\n")
    set_depth(team, 4)
    commit = commit_all(tmp_path)
    held = held_of(DvcRuns(team))
    assert held.ids() == {commit}
    assert held.params(commit)["train.depth"] == "4"
    assert git("status", "--porcelain", cwd=tmp_path) == ""


def test_a_repository_without_a_commit_has_no_runs(tmp_path: Path) -> None:
    git("init", "--quiet", "--initial-branch=main", cwd=tmp_path)
    dvc("init", "--quiet", root=tmp_path)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    assert held_of(DvcRuns(tmp_path)).runs == {}


def test_a_dvc_that_is_missing_fails_or_says_something_else_is_told_with_what_to_do(
    project: Path, tmp_path: Path
) -> None:
    with pytest.raises(ToolMissing):
        held_of(DvcRuns(project, program=str(tmp_path / "none")))
    for said, error in (
        ("echo 'ERROR: unexpected error - x' >&2; exit 255", "unexpected error - x"),
        ("echo hello", "something else than JSON"),
        ("echo [", "something else than JSON"),
        ("exit 1", "it said nothing"),
    ):
        with pytest.raises(Failed, match=error) as refused:
            held_of(DvcRuns(project, program=program(tmp_path, said)))
        assert refused.value.hint
    with pytest.raises(ToolMissing, match="lock"):
        held_of(DvcRuns(project, program=program(tmp_path, "echo 'ERROR: Unable to acquire lock' >&2; exit 1")))


def test_json_is_found_after_whatever_dvc_says_first(project: Path, tmp_path: Path) -> None:
    rows = [{"rev": commits(project)[0], "error": None, "data": {"params": {"params.yaml": {"data": {"a": 1}}}}}]
    answer = tmp_path / "answer.json"
    answer.write_text(f"WARNING: [careful]\n{json.dumps(rows)}\nbye\n")
    held = held_of(DvcRuns(project, program=program(tmp_path, f"cat '{answer}'")))
    assert held.ids() == {commits(project)[0]}
    assert held.params(commits(project)[0]) == {"a": "1"}


def test_files_that_would_give_the_same_name_keep_their_paths() -> None:
    revision = Revision("c" * 40, "A commit", "Ada", 5_000)
    figures = {
        "metrics.json": {"auc": 1},
        "b/metrics.json": {"auc": 2, "f1": {"": 3}},
        "a/train.json": {"auc": 4, "no": {}},
    }
    params = {"params.yaml": {"a": {"b": 1}, "a.b": 2}, "team/params.toml": {"c": "x"}}
    run = run_of(revision, {"metrics": as_shown(figures), "params": as_shown(params)})
    assert run is not None
    assert {row.key: row.value for row in run.metrics} == {
        "auc": 1.0,
        "b/metrics.json:auc": 2.0,
        "f1.": 3.0,
        "a/train.json:auc": 4.0,
    }
    assert {row.key: row.value for row in run.params} == {"a.b": "1", "params.yaml:a.b": "2", "c": "x"}


@pytest.mark.parametrize(
    "data", [{}, {"params": None}, {"metrics": {"m.json": {"error": {}}}}, {"params": {"p": {"data": 7}}}]
)
def test_a_revision_of_which_dvc_shows_nothing_is_no_run(data: dict[str, Any]) -> None:
    assert run_of(Revision("c" * 40, "A commit", "Ada", 5_000), data) is None


def test_of_a_long_history_the_newest_thousand_commits_are_runs(tmp_path: Path) -> None:
    git("init", "--quiet", "--initial-branch=main", cwd=tmp_path)
    commit = "commit refs/heads/main\ncommitter Ada <ada@example.org> {at} +0000\ndata 0\n\n"
    history = "".join(commit.format(at=1_700_000_000 + number) for number in range(NEWEST_COMMITS + 5))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=tmp_path, input=history, text=True, check=True)
    found = Revisions(tmp_path).all()
    assert len({one.commit for one in found}) == NEWEST_COMMITS
    assert min(one.at for one in found) == (1_700_000_000 + 5) * 1_000
    assert all(one.name == one.commit[:7] for one in found), "they have no message"


def as_shown(files: dict[str, Any]) -> dict[str, Any]:
    return {path: {"data": data} for path, data in files.items()}


def test_git_that_refuses_to_read_the_repository_empties_nothing(project: Path) -> None:
    held = held_of(DvcRuns(project))
    (project / ".git" / "config").write_text("[core\n")
    with pytest.raises(Failed, match="Git"):
        held.follow(DvcRuns(project))
    assert len(held.runs) == 3


def program(folder: Path, script: str) -> str:
    """A program that is called as dvc is."""
    path = folder / "dvc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)
