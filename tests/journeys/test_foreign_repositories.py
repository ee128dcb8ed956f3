"""Repositories that we did not make: each one opens with no configuration, says what it is, and keeps every byte."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import git, unipipe
from tests.journeys.foreign import (
    Repository,
    fingerprints,
    locked,
    look,
    md5,
    mlflow_one_database,
    mlruns_folder,
    unwritable,
)
from unipipe_tui.actions.pipeline.running import RunPipeline, plan_run
from unipipe_tui.domain.board import StepState
from unipipe_tui.wiring import build_world


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A folder to fill."""
    root = tmp_path / "theirs"
    root.mkdir()
    return Repository(root)


def small_pipeline(repository: Repository, folder: str = ".") -> None:
    """Data, two stages that ran, and their lock: everything is up to date."""
    repository.dvc(folder)
    inside = Repository(repository.root / folder)
    inside.track("data/raw.csv", "a,b\n1,2\n")
    inside.write("src/train.py", "print('train')\n")
    inside.write("clean.csv", "1,2\n")
    inside.write("model.txt", "weights\n")
    inside.write("params.yaml", "train: {depth: 3}\n")
    clean = {"cmd": "python src/clean.py", "deps": ["data/raw.csv"], "outs": [{"clean.csv": {"cache": False}}]}
    train = {
        "cmd": "python src/train.py",
        "deps": ["clean.csv", "src/train.py"],
        "params": ["train.depth"],
        "outs": [{"model.txt": {"cache": False}}],
    }
    inside.write_yaml("dvc.yaml", {"stages": {"clean": clean, "train": train}})
    ran = {
        "clean": {
            "cmd": "python src/clean.py",
            "deps": [locked("data/raw.csv", "a,b\n1,2\n")],
            "outs": [locked("clean.csv", "1,2\n")],
        },
        "train": {
            "cmd": "python src/train.py",
            "deps": [locked("clean.csv", "1,2\n"), locked("src/train.py", "print('train')\n")],
            "params": {"params.yaml": {"train.depth": 3}},
            "outs": [locked("model.txt", "weights\n")],
        },
    }
    inside.write_yaml("dvc.lock", {"schema": "2.0", "stages": ran})


def test_a_project_that_is_up_to_date_says_so(repository: Repository) -> None:
    small_pipeline(repository)
    looked = look(repository.commit().root)
    assert {line.state for line in looked.view.stages} == {"fresh"}
    assert (looked.plan.will_run, looked.plan.up_to_date, looked.plan.problems) == (0, 3, ())
    assert looked.step("transform").headline == "all 2 stages up to date"
    assert looked.step("ingest").state is StepState.OK


def test_a_repository_with_neither_tool_is_told_where_to_begin(repository: Repository) -> None:
    repository.write("README.md", "# Nothing here\n")
    looked = look(repository.commit().root)
    assert {step.state for step in looked.overview.steps} == {StepState.NOT_SET_UP}
    assert looked.step("ingest").next_action == "unipipe init"
    assert looked.plan.problems == ("No dvc.yaml declares a stage here, and no .dvc file declares data.",)
    # Running a pipeline would neither log a run nor register a version here.
    assert {looked.step(name).next_action for name in ("experiment", "register")} == {""}


def test_a_folder_without_git_is_looked_at_and_left_as_it_is(tmp_path: Path) -> None:
    bare = Repository(tmp_path)
    bare.write("notes.txt", "nothing\n")
    looked = look(bare.root)
    assert looked.overview.project.commit is None
    assert any("not a Git repository" in notice for notice in looked.overview.notices)
    assert sorted(path.name for path in bare.root.iterdir()) == ["notes.txt"]


def test_a_folder_that_is_no_project_is_not_searched_to_its_depths(tmp_path: Path) -> None:
    home = Repository(tmp_path)
    small_pipeline(home, "work")
    home.write_yaml("music/album/dvc.yaml", {"stages": {"sing": {"cmd": "la"}}})
    looked = look(home.root)
    assert looked.view.stages == ()
    assert looked.step("ingest").next_action == "cd work && unipipe status"


def test_the_files_of_a_project_without_git_are_read_too(repository: Repository) -> None:
    small_pipeline(repository)
    assert look(repository.root).step("transform").state is StepState.OK


def test_several_dvc_yaml_in_sub_folders_are_one_pipeline(repository: Repository) -> None:
    repository.dvc()
    repository.track("data/raw.csv", "a\n")
    repository.write_yaml(
        "prepare/dvc.yaml", {"stages": {"prepare": {"cmd": "x", "deps": ["../data/raw.csv"], "outs": ["p"]}}}
    )
    repository.write_yaml(
        "models/big/dvc.yaml", {"stages": {"train": {"cmd": "y", "deps": ["../../prepare/p"], "outs": ["m"]}}}
    )
    looked = look(repository.commit().root)
    assert looked.stages["models/big/dvc.yaml:train"].after == ("prepare/dvc.yaml:prepare",)
    assert looked.stages["prepare/dvc.yaml:prepare"].after == ("data/raw.csv.dvc",)
    assert looked.step("train").headline.startswith("models/big/dvc.yaml:train: it has never run here")


def test_projects_of_their_own_inside_a_repository_are_named_with_the_way_there(repository: Repository) -> None:
    small_pipeline(repository, "team a/churn")
    small_pipeline(repository, "fraud")
    looked = look(repository.commit().root)
    assert looked.step("ingest").headline == "the DVC projects are inside: fraud, team a/churn"
    assert looked.step("transform").next_action == "cd fraud && unipipe status"
    assert "DVC projects of their own are in fraud, team a/churn: run unipipe there." in looked.view.problems
    inside = look(repository.root / "team a/churn/src", repository.root)
    assert inside.overview.project.root == str(repository.root / "team a/churn")
    assert set(inside.stages) == {"data/raw.csv.dvc", "clean", "train"}


def test_templates_from_params_in_several_files_are_filled_in(repository: Repository) -> None:
    repository.dvc()
    repository.write("params.yaml", "depth: 3\nname: big\n")
    repository.write("conf/train.toml", "[model]\nrate = 0.1\n")
    repository.write("conf/more.json", json.dumps({"seeds": [1, 2], "nested": {"file": "out.csv"}}))
    repository.write("conf/settings.py", "WIDTH = 64\nclass Net:\n    layers = 2\n")
    document = {
        "vars": ["conf/more.json", {"greeting": "hello"}],
        "stages": {
            "train": {
                "cmd": "train --depth ${depth} --seed ${seeds[1]} --say ${greeting}",
                "params": ["depth", {"conf/train.toml": ["model.rate"]}, {"conf/settings.py": ["WIDTH", "Net.layers"]}],
                "outs": ["${name}-${nested.file}"],
            }
        },
    }
    repository.write_yaml("dvc.yaml", document)
    lock = {
        "cmd": "train --depth 3 --seed 2 --say hello",
        "params": {
            "params.yaml": {"depth": 3},
            "conf/train.toml": {"model.rate": 0.2},
            "conf/settings.py": {"WIDTH": 64, "Net.layers": 3},
        },
        "outs": [locked("big-out.csv", "1\n")],
    }
    repository.write_yaml("dvc.lock", {"schema": "2.0", "stages": {"train": lock}})
    repository.write("big-out.csv", "1\n")
    repository.cache("1\n")
    looked = look(repository.commit().root)
    assert looked.stages["train"].command == "train --depth 3 --seed 2 --say hello"
    assert looked.planned["train"].causes == (
        "conf/train.toml:model.rate changed from 0.2 to 0.1",
        "conf/settings.py:Net.layers changed from 3 to 2",
    )


def test_foreach_and_matrix_are_folded_to_one_line_each(repository: Repository) -> None:
    repository.dvc()
    regions = {"eu": {"file": "eu.csv"}, "us": {"file": "us.csv"}}
    stages = {
        "clean": {"foreach": regions, "do": {"cmd": "clean ${key} ${item.file}", "outs": ["clean-${item.file}"]}},
        "train": {
            "matrix": {"region": ["eu", "us"], "model": ["tree", "net"]},
            "cmd": "train ${item.region} ${item.model}",
            "deps": ["clean-${item.region}.csv"],
            "outs": ["model-${key}"],
        },
    }
    repository.write_yaml("dvc.yaml", {"stages": stages})
    looked = look(repository.commit().root)
    assert {line.stage: (line.stages, line.after) for line in looked.view.stages} == {
        "clean": (2, ()),
        "train": (4, ("clean",)),
    }
    assert looked.view.total == 6
    assert set(looked.planned) == {
        "clean@eu",
        "clean@us",
        "train@eu-tree",
        "train@eu-net",
        "train@us-tree",
        "train@us-net",
    }


def test_the_items_of_a_foreach_do_not_make_a_stage_a_training(repository: Repository) -> None:
    repository.dvc()
    unzip = {"foreach": ["data_train", "data_test"], "do": {"cmd": "unzip ${item}", "outs": ["${item}"]}}
    repository.write_yaml("dvc.yaml", {"stages": {"unzip": unzip, "fetch-latest": {"cmd": "fetch", "outs": ["x"]}}})
    looked = look(repository.commit().root)
    assert looked.step("train").headline == "no stage trains a model"
    assert looked.step("evaluate").headline == "no gates are configured"


def test_metrics_in_every_format_stand_on_the_board_where_there_is_no_mlflow(repository: Repository) -> None:
    repository.dvc()
    repository.write("eval/metrics.json", json.dumps({"auc": 0.91234, "by": {"eu": 1}}))
    repository.write("eval/metrics.yaml", "f1: 0.5\n")
    repository.write("eval/metrics.toml", "loss = 0.25\n")
    evaluate = {"cmd": "evaluate", "metrics": [{"eval/metrics.json": {"cache": False}}]}
    repository.write_yaml(
        "dvc.yaml",
        {"stages": {"evaluate": evaluate}, "metrics": ["eval/metrics.yaml", "eval/metrics.toml", "eval/gone.json"]},
    )
    looked = look(repository.commit().root)
    experiment = looked.step("experiment")
    assert experiment.headline == "DVC metrics: auc 0.9123, by.eu 1, f1 0.5, ...; no MLflow store was found"
    assert (experiment.state, experiment.next_action) == (StepState.OK, "dvc metrics show")


def test_data_that_was_never_pulled_sends_to_dvc_pull_before_anything_runs(repository: Repository) -> None:
    small_pipeline(repository)
    shutil.rmtree(repository.root / ".dvc/cache")
    (repository.root / "data/raw.csv").unlink()
    repository.write("src/train.py", "print('changed')\n")
    looked = look(repository.commit().root)
    assert looked.step("ingest").headline == "data/raw.csv.dvc: data/raw.csv was never pulled"
    assert {looked.step(name).next_action for name in ("ingest", "transform")} == {"dvc pull"}
    assert looked.stages["clean"].state == "not pulled"
    plan = plan_run(RunPipeline(), build_world(repository.root))
    assert plan.title == "Run the pipeline: 2 of 2 stages are not up to date"
    assert "`dvc pull`" in plan.warnings[0]


def test_data_in_the_cache_only_has_to_be_checked_out(repository: Repository) -> None:
    small_pipeline(repository)
    (repository.root / "data/raw.csv").unlink()
    looked = look(repository.commit().root)
    assert looked.step("ingest").next_action == "dvc checkout"


def test_without_a_remote_nobody_is_sent_to_dvc_pull(repository: Repository) -> None:
    repository.dvc(remote=None)
    repository.track("raw.csv", "a\n", here=False)
    repository.write_yaml("dvc.yaml", {"stages": {"train": {"cmd": "train", "deps": ["raw.csv"]}}})
    looked = look(repository.commit().root)
    assert "no default remote is set" in looked.step("ingest").headline
    assert looked.step("train").next_action == "dvc remote add --default NAME URL"


def test_outputs_that_no_remote_has_are_made_again(repository: Repository) -> None:
    repository.dvc(remote=None)
    repository.write_yaml("dvc.yaml", {"stages": {"train": {"cmd": "train", "outs": ["model"]}}})
    lock = {"train": {"cmd": "train", "outs": [locked("model", "weights")]}}
    repository.write_yaml("dvc.lock", {"schema": "2.0", "stages": lock})
    assert look(repository.commit().root).step("train").next_action == "unipipe pipeline run"


def test_a_remote_that_the_user_set_for_all_projects_counts(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repository(tmp_path).write("user/config", "[core]\n    remote = mine\n")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "user"))
    repository.dvc(remote=None)
    repository.track("raw.csv", "a\n", here=False)
    assert look(repository.commit().root).step("ingest").next_action == "dvc pull"


def test_a_pipeline_without_a_lock_has_never_run(repository: Repository) -> None:
    small_pipeline(repository)
    (repository.root / "dvc.lock").unlink()
    looked = look(repository.commit().root)
    assert looked.plan.will_run == 2
    assert looked.planned["clean"].causes == ("it has never run here",)
    assert looked.step("transform").next_action == "unipipe pipeline run"


def test_a_dvc_yaml_where_dvc_was_never_initialised_is_read_and_says_so(repository: Repository) -> None:
    repository.write_yaml("dvc.yaml", {"stages": {"train": {"cmd": "train"}}})
    looked = look(repository.commit().root)
    assert set(looked.stages) == {"train"}
    assert looked.plan.problems == ("dvc.yaml: DVC is not initialised in this project: `dvc init` does it",)


def test_frozen_stages_rest_and_always_changed_ones_run(repository: Repository) -> None:
    repository.dvc()
    stages = {
        "rests": {"cmd": "new words", "frozen": True, "outs": [{"a": {"cache": False}}]},
        "runs": {"cmd": "now", "always_changed": True, "outs": [{"b": {"cache": False}}]},
    }
    lock = {
        "rests": {"cmd": "old words", "outs": [locked("a", "a")]},
        "runs": {"cmd": "now", "outs": [locked("b", "b")]},
    }
    repository.write_yaml("dvc.yaml", {"stages": stages})
    repository.write_yaml("dvc.lock", {"schema": "2.0", "stages": lock})
    repository.write("a", "a")
    repository.write("b", "b")
    looked = look(repository.commit().root)
    assert looked.stages["rests"].state == "frozen"
    assert not looked.planned["rests"].will_run
    assert looked.planned["runs"].causes == ("it runs every time",)


def test_paths_count_from_the_working_folder_of_their_stage(repository: Repository) -> None:
    repository.dvc()
    stage = {"wdir": "work/${where}", "cmd": "train", "deps": ["../in.csv"], "outs": [{"out.txt": {"cache": False}}]}
    repository.write("params.yaml", "where: here\n")
    repository.write_yaml("dvc.yaml", {"stages": {"train": stage}})
    lock = {"cmd": "train", "deps": [locked("../in.csv", "1")], "outs": [locked("out.txt", "old")]}
    repository.write_yaml("dvc.lock", {"schema": "2.0", "stages": {"train": lock}})
    repository.write("work/in.csv", "2")
    repository.write("work/here/out.txt", "new")
    causes = look(repository.commit().root).planned["train"].causes
    assert causes == (
        f"work/in.csv changed ({md5('1')[:8]} → {md5('2')[:8]})",
        f"its output work/here/out.txt was changed since ({md5('old')[:8]} → {md5('new')[:8]})",
    )


def test_two_stages_that_declare_one_output_are_a_problem_that_hides_nothing(repository: Repository) -> None:
    repository.dvc()
    repository.write_yaml("dvc.yaml", {"stages": {"a": {"cmd": "a", "outs": ["x"]}, "b": {"cmd": "b", "outs": ["x"]}}})
    looked = look(repository.commit().root)
    assert set(looked.stages) == {"a", "b"}
    assert looked.step("ingest").headline == "dvc.yaml: a and b both declare the output x"


def test_an_import_that_nobody_can_reach_neither_fails_nor_waits(repository: Repository) -> None:
    small_pipeline(repository)
    source = {"url": "https://git.invalid/gone.git", "rev_lock": "0" * 40}
    imported = {
        "frozen": True,
        "deps": [{"path": "data", "repo": source}],
        "outs": [locked("theirs.csv", "1")],
    }
    repository.write_yaml("theirs.csv.dvc", imported)
    repository.write_yaml(
        "far.csv.dvc", {"deps": [{"path": "s3://gone/far.csv", "etag": "e"}], "outs": [locked("far.csv", "2")]}
    )
    looked = look(repository.commit().root)
    assert looked.stages["theirs.csv.dvc"].state == "not pulled"
    assert {looked.stages[name].state for name in ("clean", "train")} == {"fresh"}


def test_a_broken_dvc_yaml_does_not_hide_the_good_one_beside_it(repository: Repository) -> None:
    small_pipeline(repository)
    repository.write("broken/dvc.yaml", "stages:\n  train:\n    cmd: [unclosed\n")
    repository.write("odd/dvc.yaml", "stages: [a, b]\n")
    looked = look(repository.commit().root)
    assert {"clean", "train"} <= set(looked.stages)
    assert [problem.split(":")[0] for problem in looked.plan.problems] == ["broken/dvc.yaml", "odd/dvc.yaml"]
    assert looked.step("ingest").state is StepState.ATTENTION


def test_files_with_the_line_ends_of_another_system_are_read(repository: Repository) -> None:
    small_pipeline(repository)
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "data/raw.csv.dvc", ".dvc/config"):
        file = repository.root / name
        file.write_bytes(b"\xef\xbb\xbf" * (name == "dvc.yaml") + file.read_bytes().replace(b"\n", b"\r\n"))
    looked = look(repository.commit().root)
    assert {line.state for line in looked.view.stages} == {"fresh"}


def test_seventy_stages_with_a_long_lock_are_all_there(repository: Repository) -> None:
    repository.dvc()
    names = [f"stage-{number:02}" for number in range(70)]
    stages, lock = {}, {}
    for number, name in enumerate(names):
        deps = [f"{names[number - 1]}.out"] if number else []
        params = {f"p{index}": index for index in range(30)}
        stages[name] = {"cmd": f"run {name}", "deps": deps, "params": [f"{name}.p0"], "outs": [f"{name}.out"]}
        marks = [locked(f"part-{index}", str(index)) for index in range(3)]
        lock[name] = {
            "cmd": f"run {name}",
            "deps": [locked(path, "x") for path in deps],
            "params": {"params.yaml": {f"{name}.p0": 0}, "unused.yaml": params},
            "outs": [locked(f"{name}.out", "x"), *marks],
        }
    repository.write_yaml("params.yaml", {name: {"p0": 0} for name in names})
    repository.write_yaml("dvc.yaml", {"stages": stages})
    file = repository.write_yaml("dvc.lock", {"schema": "2.0", "stages": lock})
    assert len(file.read_text().splitlines()) > 3_000
    looked = look(repository.commit().root)
    assert [line.stage for line in looked.view.stages] == names
    assert looked.step("transform").headline == "stage-00: stage-00.out was never pulled (and 69 more)"


def test_an_old_database_is_read_as_it_is(repository: Repository) -> None:
    mlflow_one_database(repository.root / "mlflow.db")
    looked = look(repository.commit().root)
    assert looked.step("experiment").headline == "2 runs, newest abandoned (RUNNING since 2020-09-13, probably dead)"
    register = looked.step("register")
    assert register.headline == "churn: 4 versions, no champion (stage Production: version 3, stage Staging: version 4)"
    assert register.next_action == "unipipe models show churn"
    assert [(run.status, run.probably_dead) for run in looked.runs.runs] == [("RUNNING", True), ("FINISHED", False)]
    assert any("before MLflow 2.3" in notice for notice in looked.overview.notices)


def test_a_folder_of_runs_is_read_as_it_is(repository: Repository) -> None:
    mlruns_folder(repository)
    looked = look(repository.commit().root)
    assert looked.step("experiment").headline == "2 runs, newest bbbb2222 (RUNNING since 2020-09-13, probably dead)"
    assert looked.step("register").headline == "churn: 2 versions, no champion (stage Production: version 2)"
    assert {run.run_id: run.metrics for run in looked.runs.runs} == {"aaaa1111": {"auc": 0.91}, "bbbb2222": {}}


def test_of_several_stores_the_one_with_runs_is_read_and_the_others_are_named(repository: Repository) -> None:
    mlflow_one_database(repository.root / "mlflow.db", empty=True)
    mlruns_folder(repository, "week-02/mlruns")
    looked = look(repository.commit().root)
    assert looked.runs.total == 2
    assert "Runs are read from week-02/mlruns; not from mlflow.db." in looked.overview.notices


def test_an_empty_file_in_the_place_of_a_database_holds_no_runs(repository: Repository) -> None:
    repository.write("mlflow.db")
    assert look(repository.commit().root).step("experiment").headline == "no runs yet in mlflow.db"


def test_a_damaged_database_is_named_and_takes_only_its_own_steps_down(repository: Repository) -> None:
    small_pipeline(repository)
    repository.write("mlflow.db", b"SQLite format 3\x00" + b"\x00" * 40)
    repository.commit()
    said = unipipe("status", "--json", cwd=repository.root)
    assert said.exit_code == 0, said.stderr
    steps = {step["name"]: step for step in said.json["steps"]}
    assert "damaged" in steps["experiment"]["headline"]
    assert steps["transform"]["state"] == "ok"


def test_a_tracking_server_is_not_taken_for_an_empty_store(repository: Repository) -> None:
    repository.write("README.md")
    root = repository.commit().root
    server = {"MLFLOW_TRACKING_URI": "https://ada:secret@mlflow.example.org"}
    board = unipipe("status", cwd=root, **server)
    assert board.exit_code == 0 and "MLflow is a server, https://…@mlflow.example.org" in board.stdout
    for words in (
        # First, so that the list finds why there is nothing, however long it takes to ask again.
        ("runs", "sync"),
        ("runs", "list"),
        ("models", "list"),
        ("models", "show", "churn"),
        ("models", "promote", "churn", "2"),
    ):
        said = unipipe(*words, cwd=root, **server)
        assert said.exit_code == 3, said.stderr
        assert "is a server" in said.stderr or "does not answer" in said.stderr + said.stdout
        assert "secret" not in said.stderr + said.stdout
    assert unipipe("pipeline", "show", cwd=root, **server).exit_code == 0


def test_a_linked_work_tree_and_a_submodule_hide_our_folder_in_their_own_exclude_file(
    repository: Repository, tmp_path: Path
) -> None:
    small_pipeline(repository)
    repository.commit()
    (repository.root / ".git/info/exclude").write_bytes(b"*.local")
    tree, whole = tmp_path / "linked tree", tmp_path / "whole"
    git("worktree", "add", "--quiet", "-b", "linked", str(tree), cwd=repository.root)
    whole.mkdir()
    git("init", "--quiet", cwd=whole)
    allowed = ("-c", "protocol.file.allow=always")
    git(*allowed, "submodule", "--quiet", "add", str(repository.root), "part", cwd=whole)
    for root in (tree, whole / "part"):
        shutil.copytree(repository.root / ".dvc/cache", root / ".dvc/cache", dirs_exist_ok=True)
        looked = look(root, tmp_path)
        assert looked.step("transform").state is StepState.OK
        assert (root / ".unipipe").is_dir()
        assert ".unipipe" not in git("status", "--porcelain", "--untracked-files=all", cwd=root)
    # The owner's last pattern had no line end: it is still a line of its own.
    assert (repository.root / ".git/info/exclude").read_bytes() == b"*.local\n.unipipe/\n"


def test_a_root_reached_through_a_link_and_an_unusual_path_is_the_same_project(tmp_path: Path) -> None:
    root = tmp_path / 'Größe & "Maß" 数据' / "my project"
    root.mkdir(parents=True)
    repository = Repository(root)
    small_pipeline(repository)
    repository.track("data/été 1.csv", "x\n")
    mlflow_one_database(root / "mlflow.db")
    repository.commit()
    link = tmp_path / "link"
    link.symlink_to(root)
    deep = link / "src"
    looked = look(deep, root)
    assert looked.overview.project.root == str(root)
    assert looked.stages["data/été 1.csv.dvc"].state == "fresh"
    assert looked.runs.total == 2
    said = unipipe("pipeline", "plan", "--json", cwd=deep)
    assert (said.exit_code, said.json["up_to_date"]) == (0, 4), said.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_repository_of_another_user_is_read_and_gits_refusal_is_told(repository: Repository) -> None:
    small_pipeline(repository)
    repository.commit()
    for path in (repository.root, *repository.root.rglob("*")):
        os.chown(path, 65534, 65534)
    looked = look(repository.root)
    assert looked.step("transform").state is StepState.OK
    assert any("dubious ownership" in notice for notice in looked.overview.notices)
    assert (repository.root / ".git/info/exclude").read_text().endswith(".unipipe/\n")


def test_a_repository_for_looking_only_says_why(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pipeline(repository)
    monkeypatch.setenv("UNIPIPE_READ_ONLY", "1")
    assert look(repository.commit().root).overview.project.read_only == "UNIPIPE_READ_ONLY is set"


def test_the_command_line_looks_without_a_trace(repository: Repository) -> None:
    small_pipeline(repository)
    mlflow_one_database(repository.root / "mlflow.db")
    repository.write("params.yaml", "train: {depth: 4}\n")
    repository.commit()
    before = fingerprints(repository.root)
    asked = ("status", "pipeline show", "pipeline plan", "runs list", "models list", "models show churn", "jobs list")
    said = {words: unipipe(*words.split(), cwd=repository.root / "src") for words in asked}
    assert {words: answer.exit_code for words, answer in said.items()} == dict.fromkeys(asked, 0)
    assert fingerprints(repository.root) == before
    assert "train.depth changed from 3 to 4" in said["pipeline plan"].stdout
    assert "stage Production" in said["models show churn"].stdout
    assert git("status", "--porcelain", cwd=repository.root) == ""


def test_files_named_on_the_command_line_count_from_where_one_stands(repository: Repository) -> None:
    small_pipeline(repository)
    repository.commit()
    here = repository.root / "src"
    for name in ("before.csv", "after.csv"):
        (here / name).write_text("amount\n" + "1\n2\n3\n" * 40)
    compared = unipipe("drift", "check", "--reference", "before.csv", "--current", "after.csv", "--json", cwd=here)
    assert compared.exit_code == 0, compared.stderr
    assert compared.json["current_rows"] == 120
    for words in ("predict", "feedback"):
        missing = unipipe(words, "src/before.csv", "--dry-run", cwd=here)
        assert (missing.exit_code, "src/before.csv" in missing.stderr) == (2, True), missing.stderr
    begun = unipipe("init", "--recipe", "fraud-detection", "new", "--dry-run", cwd=here)
    assert str(here / "new") in begun.stdout, begun.stderr
    kept = unipipe("store", "backup", "kept.duckdb", "--yes", cwd=here)
    assert kept.exit_code == 0, kept.stderr
    assert (here / "kept.duckdb").is_file()


def test_a_checkout_that_cannot_be_written_is_read_all_the_same(repository: Repository) -> None:
    small_pipeline(repository)
    mlflow_one_database(repository.root / "mlflow.db")
    repository.commit()
    before = fingerprints(repository.root)
    with unwritable(repository.root):
        said = {words: unipipe(*words.split(), "--json", cwd=repository.root) for words in ("status", "pipeline plan")}
        refused = unipipe("pipeline", "run", "--yes", cwd=repository.root)
    assert {words: answer.exit_code for words, answer in said.items()} == {"status": 0, "pipeline plan": 0}, said
    assert "cannot be written" in said["status"].json["project"]["read_only"]
    assert said["pipeline plan"].json["up_to_date"] == 3
    assert refused.exit_code == 5
    assert fingerprints(repository.root) == before
    assert not (repository.root / ".unipipe").exists()
