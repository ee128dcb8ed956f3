"""The recipe fraud-detection: its files fit together, its own tests pass, and it runs as a project of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
RECIPE = REPOSITORY / "recipes" / "fraud-detection"
HISTORY = REPOSITORY / "sample_data" / "payments.parquet"


def test_every_file_that_a_stage_names_is_there_or_made_by_a_stage_before() -> None:
    made = {"data/raw"}
    for stage in _yaml("dvc.yaml")["stages"].values():
        program, script = stage["cmd"].split()
        assert program == "python"
        assert script in stage["deps"]
        assert [name for name in stage["deps"] if name not in made and not (RECIPE / name).is_file()] == []
        made |= {_path(out) for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])}


def test_every_module_that_a_stage_imports_is_one_of_its_dependencies() -> None:
    for stage in _yaml("dvc.yaml")["stages"].values():
        scripts = [name for name in stage["deps"] if name.startswith("src/")]
        imported = {name for script in scripts for name in _own_imports(RECIPE / script)}
        assert imported <= set(scripts)


def test_every_stage_with_parameters_finds_them() -> None:
    stages = _yaml("dvc.yaml")["stages"]
    assert {name for stage in stages.values() for name in stage.get("params", [])} == set(_yaml("params.yaml"))


def test_the_contract_promises_the_columns_of_the_sample_data() -> None:
    assert list(_yaml("contract.yaml")["columns"]) == list(pd.read_parquet(HISTORY).columns)


def test_unipipe_yaml_names_what_the_pipeline_makes() -> None:
    settings = _yaml("unipipe.yaml")
    made = {
        _path(out)
        for stage in _yaml("dvc.yaml")["stages"].values()
        for kind in ("outs", "metrics")
        for out in stage.get(kind, [])
    }
    assert {settings["model"]["run_file"], settings["data"]["holdout"], settings["data"]["reference"]} <= made
    columns = _yaml("contract.yaml")["columns"]
    assert columns[settings["data"]["id"]]["kind"] == "id"
    assert columns[settings["data"]["label"]]["kind"] == "label"
    assert {gate["by"] for gate in settings["gates"] if "by" in gate} <= set(columns)


def test_the_recipe_carries_no_leftovers_of_a_run() -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("only a Git checkout says which files belong to it")
    tracked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", str(RECIPE)]
    names = subprocess.run(tracked, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\n")
    assert [name for name in names if Path(name).suffix in (".parquet", ".db", ".lock", ".pyc")] == []


def test_the_recipe_s_own_tests_pass(tmp_path: Path) -> None:
    project = _copied(tmp_path)
    argv = [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(argv, cwd=project, env=_environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_recipe_ran_passes_its_own_gates_and_has_nothing_to_do_the_second_time(
    trained: Path, tmp_path: Path
) -> None:
    environment = _environment(tmp_path)
    reports = {path.name: path.read_bytes() for path in (trained / "reports").iterdir()}
    metrics = json.loads(reports["metrics.json"])
    assert metrics["precision"] >= 0.95
    assert min(found["precision"] for found in metrics["by_region"].values()) >= 0.90
    assert set(json.loads(reports["run.json"])) == {"run_id", "model_uri", "threshold"}
    assert len(pd.read_parquet(trained / "data" / "quarantine.parquet")) == 14

    logged = _answers_of_the_logged_model(trained, environment)
    begun = _run(["git", "rev-list", "--max-parents=0", "HEAD"], trained, environment).strip()
    assert logged["metadata"] == {"threshold": json.loads(reports["run.json"])["threshold"], "positive": 1}
    assert (trained / ".unipipe" / "jobs" / logged["tags"]["unipipe.job"]).is_dir()
    assert logged["tags"]["git.commit"] == begun
    assert logged["digest"] == logged["tags"]["data.raw.md5"] == _yaml("data/raw.dvc", trained)["outs"][0]["md5"]
    assert logged["holdout.precision"] == metrics["precision"]
    assert logged["columns"] == 2

    assert "Data and pipelines are up to date" in _run(["dvc", "repro"], trained, environment)
    _run(["dvc", "repro", "--force", "validate", "features"], trained, environment)
    assert _run(["dvc", "status"], trained, environment).strip() == "Data and pipelines are up to date."


LOAD_THE_MODEL = """
import json, sys
import mlflow, pandas as pd
run = json.load(open("reports/run.json"))
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
model = mlflow.pyfunc.load_model(run["model_uri"])
week = pd.read_parquet(sys.argv[2])
logged = mlflow.get_run(run["run_id"])
print(json.dumps({
    "columns": model.predict(week[model.metadata.get_input_schema().input_names()]).shape[1],
    "metadata": model.metadata.metadata,
    "tags": logged.data.tags,
    "digest": logged.inputs.dataset_inputs[0].dataset.digest,
    "holdout.precision": logged.data.metrics["holdout.precision"],
}))
"""


def _answers_of_the_logged_model(project: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Load the model in a process that knows no code of the recipe, and say what it and its run say."""
    week = REPOSITORY / "sample_data" / "week-5.parquet"
    argv = [sys.executable, "-P", "-c", LOAD_THE_MODEL, str(project / "mlflow.db"), str(week)]
    answers: dict[str, Any] = json.loads(_run(argv, project, environment).splitlines()[-1])
    return answers


def _copied(tmp_path: Path) -> Path:
    """A copy in a folder whose name holds a space, as home folders do."""
    return shutil.copytree(RECIPE, tmp_path / "my project", ignore=shutil.ignore_patterns("__pycache__"))


def _environment(tmp_path: Path) -> dict[str, str]:
    """This Python first on the path, nobody's settings, nothing sent anywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "GIT_", "PYTEST_"))}
    person = {
        f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {
        **kept,
        **person,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "dvc-cache"),
        "DO_NOT_TRACK": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _run(argv: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What a program prints; its failure is the test's."""
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _yaml(name: str, folder: Path = RECIPE) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    return content


def _path(out: str | dict[str, Any]) -> str:
    """An output's path; DVC writes it as a text, or as the only key when it has options."""
    return out if isinstance(out, str) else next(iter(out))


def _own_imports(script: Path) -> set[str]:
    """The recipe's modules that a script names in its import lines."""
    words = [
        line.split()
        for line in script.read_text(encoding="utf-8").splitlines()
        if line.startswith(("from ", "import "))
    ]
    return {f"src/{parts[1]}.py" for parts in words if (RECIPE / "src" / f"{parts[1]}.py").is_file()}
