"""Making a run again, with real Git, DVC and MLflow: what comes out the same, what does not, and what stays untouched."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from tests.adapters.repositories import commit_all, contents
from tests.conftest import Said, git, made_once, own_environment, unipipe

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]

MEASURE = """
import json, os, random, sys, time
from pathlib import Path
import yaml

params = yaml.safe_load(Path("params.yaml").read_text())["measure"]
rows = [float(line) for line in Path("data/raw.csv").read_text().split()]
if params["fail"]:
    sys.exit("the disk is on fire")
if params["sleep"]:
    print("sleeping", flush=True)
    time.sleep(params["sleep"])
score = sum(rows) * params["alpha"] + (random.random() if params["chance"] else 0)
Path("model.txt").write_text(str(score))
Path("metrics.json").write_text(json.dumps({"score": score, "measure_seconds": time.time()}))
if params["track"]:
    import mlflow
    with mlflow.start_run() as run:
        mlflow.log_params(params)
        mlflow.log_metrics({"score": score, "measure_seconds": time.time()})
    Path("run.json").write_text(json.dumps({"run_id": run.info.run_id}))
else:
    Path("run.json").write_text("{}")
"""
DVC_YAML = """
stages:
  measure:
    cmd: python measure.py
    deps: [data/raw.csv, measure.py]
    params: [measure]
    outs: [model.txt, run.json: {cache: false}]
    metrics: [metrics.json: {cache: false}]
  deploy:
    cmd: python -c "open('deployed', 'w')"
    deps: [model.txt]
"""
PARAMS = {"alpha": 0.5, "chance": False, "fail": False, "sleep": 0, "track": False}


def tool(*words: str, cwd: Path) -> None:
    subprocess.run(words, cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made_project(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """Two commits: the first with data that sums up to 6, the second with other data. Never changed."""

    def make(root: Path) -> None:
        (root / "data").mkdir(parents=True)
        git("init", "--quiet", "--initial-branch=main", cwd=root)
        tool("dvc", "init", "--quiet", cwd=root)
        (root / "measure.py").write_text(MEASURE)
        (root / "dvc.yaml").write_text(DVC_YAML)
        (root / "params.yaml").write_text(yaml.safe_dump({"measure": PARAMS}))
        (root / "unipipe.yaml").write_text("mlflow: sqlite:///mlflow.db\ndata: {raw: data/raw.csv}\n")
        (root / ".gitignore").write_text("/mlflow.db\n/mlruns\n/model.txt\n")
        for rows in ("1\n2\n3\n", "10\n20\n"):
            (root / "data" / "raw.csv").write_text(rows)
            tool("dvc", "add", "--quiet", "data/raw.csv", cwd=root)
            commit_all(root, f"Data: {rows.split()}")
        with (root / ".git" / "info" / "exclude").open("a") as file:
            file.write(".unipipe/\n")
        shutil.copyfile(empty_database, root / "mlflow.db")

    return made_once(tmp_path_factory, "reproduction-project", make)


def untouched(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every byte of a project but Unipipe's own folder, and what DVC notes for itself when commits are looked at."""
    own = (".unipipe/", ".dvc/tmp/")
    return {path: told for path, told in contents(root).items() if not path.startswith(own)}


@dataclass(frozen=True)
class Project:
    """A project of one's own, and how a run is logged in it as if it had run at its first commit."""

    root: Path

    @property
    def first(self) -> str:
        return git("rev-parse", "HEAD~1", cwd=self.root).strip()

    def ran(self, score: float = 3.0, tags: dict[str, str] | None = None, **params: object) -> str:
        """Log a run with these params (and those that the commit has), as MLflow would."""
        client = MlflowClient(f"sqlite:///{self.root / 'mlflow.db'}")
        commit = {"mlflow.source.git.commit": self.first}
        run = client.create_run("0", run_name="then", tags={**commit, **(tags or {})}).info.run_id
        for key, value in {**PARAMS, **params}.items():
            client.log_param(run, key, value)
        client.log_metric(run, "score", score)
        client.log_metric(run, "measure_seconds", 1.0)
        client.set_terminated(run)
        return str(run)

    def reproduce(self, run: str, *words: str) -> Said:
        return unipipe("runs", "reproduce", run, "--json", *words, cwd=self.root)

    def untouched(self) -> dict[str, tuple[bytes, int]]:
        return untouched(self.root)

    def trees(self) -> list[Path]:
        """Work trees that are left."""
        return list((self.root / ".unipipe" / "reproductions").glob("*"))


@pytest.fixture
def project(made_project: Path, tmp_path: Path) -> Project:
    shutil.copytree(made_project, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_a_deterministic_run_is_made_again_and_nothing_of_the_project_changes(project: Project) -> None:
    run = project.ran(track=True)
    (project.root / "measure.py").write_text("not committed\n")
    before = project.untouched()
    said = project.reproduce(run)
    assert said.exit_code == 0, said.stderr
    answer = said.json
    assert (answer["reproducible"], answer["compared"], answer["commit"]) == (True, "MLflow run", project.first)
    assert [(m["name"], m["same"], m["judged"]) for m in answer["metrics"]] == [
        ("measure_seconds", False, False),
        ("score", True, True),
    ]
    assert [(one["kind"], one["name"], one["at_commit"], one["in_run"]) for one in answer["adjusted"]] == [
        ("param", "params.yaml:measure.track", "False", "True")
    ]
    assert answer["not_compared"] == ["packages"]
    assert project.untouched() == before
    assert project.trees() == []
    assert git("worktree", "list", cwd=project.root).count("\n") == 1


def test_a_run_that_chance_made_is_not_reproducible(project: Project) -> None:
    said = project.reproduce(project.ran(chance=True))
    assert said.exit_code == 4, said.stderr
    assert (said.json["reproducible"], said.json["compared"]) == (False, "metrics files")
    [score] = [metric for metric in said.json["metrics"] if metric["name"] == "score"]
    assert (score["before"], score["same"]) == (3.0, False)
    assert 3.0 < score["after"] < 4.0
    assert project.trees() == []


def test_a_small_difference_passes_only_within_the_tolerance(project: Project) -> None:
    run = project.ran(score=3.02)
    assert project.reproduce(run, "--tolerance", "0.01").exit_code == 0
    strict = project.reproduce(run)
    assert strict.exit_code == 4
    [score] = [metric for metric in strict.json["metrics"] if metric["name"] == "score"]
    assert score["difference"] == pytest.approx(-0.02)
    assert score["relative"] == pytest.approx(-0.02 / 3.02)


def test_the_params_and_the_data_of_the_run_count_not_those_of_its_commit(project: Project) -> None:
    newer = yaml.safe_load((project.root / "data" / "raw.csv.dvc").read_text())["outs"][0]["md5"]
    run = project.ran(score=60.0, alpha=2, tags={"data.raw.md5": newer})
    said = project.reproduce(run)
    assert said.exit_code == 0, (said.stdout, said.stderr)
    assert {(one["name"], one["in_run"]) for one in said.json["adjusted"]} == {
        ("data/raw.csv", newer),
        ("params.yaml:measure.alpha", "2"),
    }


def test_a_kept_work_tree_is_told_and_can_be_looked_at(project: Project) -> None:
    said = project.reproduce(project.ran(), "--keep")
    tree = Path(said.json["worktree"])
    assert project.trees() == [tree]
    assert (tree / "model.txt").read_text() == "3.0"
    assert (tree / "data" / "raw.csv").is_symlink()
    assert f"git worktree remove --force {tree}" in said.stderr
    tool("git", "worktree", "remove", "--force", str(tree), cwd=project.root)


def test_a_stage_that_fails_leaves_its_work_tree_to_be_looked_at(project: Project) -> None:
    before_run = project.ran(fail=True)
    before = project.untouched()
    said = project.reproduce(before_run)
    assert said.exit_code == 1
    assert "the disk is on fire" in said.stderr
    [tree] = project.trees()
    assert str(tree) in said.stderr
    tool("git", "worktree", "remove", "--force", str(tree), cwd=project.root)
    assert project.untouched() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_finds_nothing_left(project: Project, number: signal.Signals) -> None:
    run = project.ran(sleep=60)
    before = project.untouched()
    words = [sys.executable, "-m", "unipipe_tui", "runs", "reproduce", run]
    running = subprocess.Popen(words, cwd=project.root, env=own_environment(), stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    told = next(line for line in running.stderr if "sleeping" in line)
    assert told
    running.send_signal(number)
    assert running.wait(timeout=30) == 130
    running.stderr.close()
    assert project.trees() == []
    assert project.untouched() == before
    assert git("worktree", "list", cwd=project.root).count("\n") == 1


def test_where_a_run_file_tells_who_logs_what_deploys_does_not_run(project: Project) -> None:
    config = "mlflow: sqlite:///mlflow.db\nmodel: {name: m, run_file: run.json}\n"
    run = project.ran()
    everything = project.reproduce(run)
    assert everything.json["stages"] == ["measure", "deploy"]
    (project.root / "unipipe.yaml").write_text(config)
    git("checkout", "--quiet", "-b", "with-model", project.first, cwd=project.root)
    commit = commit_all(project.root, "Name the model")
    tagged = project.ran(tags={"git.commit": commit})
    assert project.reproduce(tagged).json["stages"] == ["measure"]


def lost_data(project: Project) -> None:
    shutil.rmtree(project.root / ".dvc" / "cache" / "files")


def no_pipeline(project: Project) -> None:
    (project.root / "dvc.yaml").unlink()
    commit_all(project.root, "No pipeline")


@pytest.mark.parametrize(
    ("tags", "spoil", "code", "said"),
    [
        ({"mlflow.source.git.commit": "e" * 40}, None, 2, "is not in this repository"),
        ({"mlflow.source.git.commit": ""}, None, 2, "does not say which commit"),
        ({"mlflow.source.git.commit": "--all"}, None, 2, "is not in this repository"),
        ({}, lost_data, 1, "not in the cache any more"),
        ({"mlflow.source.git.commit": "main"}, no_pipeline, 1, "no DVC pipeline"),
        ({"data.raw.md5": "f" * 32}, None, 1, "not in the cache any more"),
    ],
)
def test_what_cannot_be_made_again_says_why(
    project: Project, tags: dict[str, str], spoil: Callable[[Project], None] | None, code: int, said: str
) -> None:
    run = project.ran(tags=tags)
    if spoil:
        spoil(project)
    answer = project.reproduce(run)
    assert (answer.exit_code, said in answer.stderr) == (code, True), answer.stderr


def test_the_plan_warns_of_what_the_commit_does_not_hold(project: Project) -> None:
    run = project.ran(tags={"git.dirty": "true"})
    said = unipipe("runs", "reproduce", run, "--dry-run", cwd=project.root)
    assert "files were changed and not committed when it ran" in said.stdout
    assert f"git worktree add --detach .unipipe/reproductions/JOB {project.first}" in said.stdout
    assert project.trees() == []


@pytest.mark.slow
def test_the_run_of_a_trained_workspace_comes_out_the_same_to_the_last_digit(trained: Path) -> None:
    before = untouched(trained)
    [run] = unipipe("runs", "list", "--json", cwd=trained).json["runs"]
    said = unipipe("runs", "reproduce", run["run_id"], "--json", cwd=trained)
    assert said.exit_code == 0, said.stderr
    assert all(metric["same"] for metric in said.json["metrics"])
    assert len(said.json["metrics"]) == len(run["metrics"])
    assert (said.json["differences"], said.json["not_compared"]) == ([], [])
    assert untouched(trained) == before
