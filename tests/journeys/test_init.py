"""What Unipipe commits from the first day on, what it leaves to its owner, and what it says of changes nobody committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Said, git, unipipe
from tests.fakes import FakeGit, FakeTracking, staying
from unipipe_tui.actions.lineage.tracing import ShowLineage, show_lineage
from unipipe_tui.adapters.recipes import LEFTOVERS, ShippedRecipes
from unipipe_tui.domain.tracking import Run, RunStatus
from unipipe_tui.wiring import world_at

RECIPE = ("init", "--recipe", "fraud-detection")


def undo_of(planned: Said) -> str:
    """The undo line of a plan, as it is to be typed."""
    line: str = planned.json["lines"][-1]
    assert line.startswith("  undo ")
    return line.removeprefix("  undo ").strip()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with a secret and data, not in Git."""
    folder = tmp_path / "my work"
    folder.mkdir()
    (folder / ".env").write_text("TOKEN=secret\n")
    (folder / "big.csv").write_text("amount\n1\n")
    return folder


def test_a_folder_without_git_keeps_its_own_files_out_of_the_first_commit(mine: Path) -> None:
    begun = unipipe("init", "--yes", cwd=mine)
    assert begun.exit_code == 0, begun.stderr
    committed = set(git("ls-tree", "-r", "--name-only", "HEAD", cwd=mine).split())
    assert committed == {".dvc/.gitignore", ".dvc/config", ".dvcignore", "unipipe.yaml"}
    waiting = git("status", "--porcelain", cwd=mine).splitlines()
    assert waiting == ["?? .env", "?? big.csv"]


def test_the_undo_line_of_a_folder_with_files_leaves_exactly_those_files(mine: Path, tmp_path: Path) -> None:
    planned = unipipe("init", "--dry-run", "--json", cwd=mine)
    undo = undo_of(planned)
    assert undo == f"cd '{mine}' && rm -r .git .dvc .dvcignore unipipe.yaml"
    assert unipipe("init", "--yes", cwd=mine).exit_code == 0
    subprocess.run(["sh", "-c", undo.replace("rm -r", "rm -rf")], cwd=tmp_path, check=True)
    assert {path.name for path in mine.iterdir()} - {".unipipe"} == {".env", "big.csv"}


def test_the_undo_line_spares_the_settings_that_were_there_before(mine: Path) -> None:
    (mine / "unipipe.yaml").write_text("project: mine\n")
    (mine / ".dvcignore").write_text("*.tmp\n")
    planned = unipipe("init", "--dry-run", "--json", cwd=mine)
    assert undo_of(planned).endswith("rm -r .git .dvc")


@pytest.mark.parametrize("words", [("init",), RECIPE])
def test_a_new_or_empty_folder_is_undone_as_a_whole(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        planned = unipipe(*words, name, "--dry-run", "--json", cwd=tmp_path)
        assert undo_of(planned) == f"rm -r {tmp_path / name}", planned.stderr


def test_the_plan_names_the_git_commands_in_full(mine: Path) -> None:
    plain = unipipe("init", "--dry-run", cwd=mine).stdout
    assert "git add -- .dvc .dvcignore unipipe.yaml" in plain
    assert "git commit --message 'Begin with Unipipe' -- .dvc .dvcignore unipipe.yaml" in plain
    recipe = unipipe(*RECIPE, "new", "--dry-run", cwd=mine).stdout
    assert "git commit --message 'Begin with the recipe fraud-detection' -- ." in recipe


def test_in_a_repository_what_its_owner_has_not_committed_stays_so(project: Path) -> None:
    (project / "README.md").write_text("# Changed\n")
    (project / "notes.txt").write_text("mine\n")
    git("add", "notes.txt", cwd=project)
    begun = unipipe("init", "--yes", "--json", cwd=project)
    assert begun.exit_code == 0, begun.stderr
    assert git("status", "--porcelain", cwd=project).splitlines() == [" M README.md", "A  notes.txt"]


def test_a_recipe_names_exactly_the_files_that_it_brings_whatever_a_run_left_in_it(tmp_path: Path) -> None:
    package = tmp_path / "package"
    recipe = package / "recipes" / "small"
    recipe.mkdir(parents=True)
    (package / "sample_data").mkdir()
    (recipe / "dvc.yaml").write_text("stages: {}\n")
    for name in LEFTOVERS:
        (recipe / "src" / name).mkdir(parents=True)
        (recipe / "src" / name / "left.txt").write_text("")
    (recipe / "src" / "train.py").write_text("")
    recipes = ShippedRecipes(package)
    recipes.copy("small", tmp_path / "copy")
    brought = {str(p.relative_to(tmp_path / "copy")) for p in (tmp_path / "copy").rglob("*") if p.is_file()}
    assert brought == set(recipes.files("small")) == {"dvc.yaml", os.path.join("src", "train.py")}


def test_a_run_says_how_many_changed_files_its_commit_will_not_hold(tmp_path: Path) -> None:
    begun = unipipe(*RECIPE, tmp_path / "new", "--yes", cwd=tmp_path)
    assert begun.exit_code == 0, begun.stderr
    project = tmp_path / "new"

    def said() -> str:
        return unipipe("pipeline", "run", "--dry-run", cwd=project).stdout

    (project / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    (project / "reports").mkdir()
    (project / "reports" / "run.json").write_text("{}")
    (project / "scratch.txt").write_text("")
    clean = said()
    assert "dvc repro" in clean
    assert "not committed" not in clean
    (project / "src" / "train.py").write_text((project / "src" / "train.py").read_text() + "\n")
    assert "1 changed file is not committed: the run's commit will not hold it." in said()
    (project / "params.yaml").write_text((project / "params.yaml").read_text() + "\n")
    assert "2 changed files are not committed: the run's commit will not hold them." in said()


@pytest.mark.parametrize("tags", [{}, {"git.dirty": "true"}])
def test_lineage_says_when_the_commit_does_not_hold_what_was_trained(project: Path, tags: dict[str, str]) -> None:
    tags = {"git.commit": "3f9a2c1", "data.raw.md5": "0" * 32, **tags}
    run = Run("run-1", "calm-owl", "fraud", RunStatus.FINISHED, None, None, tags=tags)
    world = staying(world_at(project), git=FakeGit(), tracking=FakeTracking((run,)))
    missing = show_lineage(ShowLineage("run-1"), world).missing
    dirty = ("The run was trained with changes that its commit does not hold.",)
    assert missing == (dirty if "git.dirty" in tags else ())


@pytest.fixture
def collecting(mine: Path) -> Path:
    """A project whose labelled predictions were written into its data by a retraining that was killed after that."""
    (mine / "unipipe.yaml").write_text(
        "model: {name: m, run_file: run.json}\ndata: {raw: data/raw, id: id, label: label}\n"
    )
    (mine / "dvc.yaml").write_text(
        "stages:\n  only:\n    cmd: ls data/raw > one.txt\n    deps: [data/raw]\n    outs: [one.txt]\n"
    )
    assert unipipe("init", "--yes", cwd=mine).exit_code == 0
    raw = mine / "data" / "raw"
    raw.mkdir(parents=True)
    connection = duckdb.connect(":memory:")
    connection.execute(f"COPY (SELECT 'p000' AS id, 1 AS amount, 0 AS label) TO '{raw / 'first.parquet'}'")
    subprocess.run(["dvc", "add", "--quiet", "data/raw"], cwd=mine, check=True)
    git("add", "data", "dvc.yaml", cwd=mine)
    git("commit", "--quiet", "-m", "Add data", cwd=mine)
    connection.execute(f"COPY (SELECT 'p001' AS id, 2 AS amount, 1 AS label) TO '{raw / 'labelled-0001.parquet'}'")
    return mine


@pytest.mark.parametrize("recorded_by_dvc", [False, True])
def test_rows_that_a_killed_retraining_collected_are_recorded_by_the_next_one(
    collecting: Path, recorded_by_dvc: bool
) -> None:
    if recorded_by_dvc:
        subprocess.run(["dvc", "add", "--quiet", "data/raw"], cwd=collecting, check=True)
    before = git("show", "HEAD:data/raw.dvc", cwd=collecting)
    done = unipipe("retrain", "--reason", "again", "--yes", cwd=collecting)
    assert done.exit_code == 0, done.stderr
    after = git("show", "HEAD:data/raw.dvc", cwd=collecting)
    assert ("nfiles: 1" in before, "nfiles: 2" in after) == (True, True)
    assert "interrupted" in git("log", "--format=%s", "--", "data/raw.dvc", cwd=collecting).splitlines()[0]
    head = git("log", "-1", "--format=%H", "--", "data/raw.dvc", cwd=collecting)
    assert unipipe("retrain", "--reason", "once more", "--yes", cwd=collecting).exit_code == 0
    assert git("log", "-1", "--format=%H", "--", "data/raw.dvc", cwd=collecting) == head


def test_the_plan_of_a_retraining_names_the_pointer_that_it_commits(collecting: Path) -> None:
    planned = unipipe("retrain", "--reason", "again", "--dry-run", cwd=collecting).stdout
    assert "git add -- data/raw.dvc data/.gitignore" in planned
    assert "git commit -- data/raw.dvc data/.gitignore" in planned
