"""A second work tree uses what the first one has, and everything that is written for it lies in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from unipipe_tui.adapters.dvc.command_line import Dvc
from unipipe_tui.adapters.dvc.config import read_config
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.dvc.second_tree import borrow_settings, pin_data, read_params, write_params
from unipipe_tui.adapters.process import capture
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.runs.reproducibility import ParamValue


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A DVC project and an empty second tree, which has the settings that Git keeps."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    project, tree = tmp_path / "project", tmp_path / "deep" / "down" / "tree"
    project.mkdir()
    Dvc(project).init(Silent())
    (tree / ".dvc").mkdir(parents=True)
    (tree / ".dvc" / "config").write_text((project / ".dvc" / "config").read_text())
    return project, tree


def settle(project: Path, tree: Path, text: str, local: str = "") -> None:
    for root in (project, tree):
        (root / ".dvc" / "config").write_text(f"[core]\n    no_scm = True\n{text}")
    if local:
        (project / ".dvc" / "config.local").write_text(local)
    borrow_settings(tree, project)


def config(tree: Path) -> str:
    return (tree / ".dvc" / "config.local").read_text()


def test_the_cache_is_the_projects_wherever_that_has_it(trees: tuple[Path, Path]) -> None:
    project, tree = trees
    settle(project, tree, "")
    assert read_config(tree).cache_folder == project / ".dvc" / "cache"
    settle(project, tree, "[cache]\n    dir = ../../shared\n")
    assert read_config(tree).cache_folder == project.parent / "shared"


def test_data_is_linked_unless_somebody_configured_how(trees: tuple[Path, Path]) -> None:
    project, tree = trees
    settle(project, tree, "")
    assert 'type = "reflink,symlink,copy"' in config(tree)
    settle(project, tree, "[cache]\n    type = copy\n")
    assert 'type = "copy"' in config(tree)


def test_a_remote_beside_the_project_is_found_from_the_second_tree(trees: tuple[Path, Path]) -> None:
    project, tree = trees
    remotes = "['remote \"near\"']\n    url = ../../store\n['remote \"far\"']\n    url = s3://bucket/x\n"
    settle(project, tree, remotes, "['remote \"far\"']\n    profile = mine\n")
    assert f'url = "{project.parent / "store"}"' in config(tree)
    assert "s3://" not in config(tree)
    assert "profile = mine" in config(tree)
    assert (tree / ".dvc" / "config.local").stat().st_mode & 0o077 == 0
    assert "store" not in (project / ".dvc" / "config.local").read_text()


def test_data_that_is_neither_in_the_cache_nor_in_a_remote_is_told_with_the_way_out(trees: tuple[Path, Path]) -> None:
    project, tree = trees
    settle(project, tree, "")
    (tree / "raw.csv.dvc").write_text("outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  hash: md5\n  path: raw.csv\n")
    with pytest.raises(Failed, match="not in the cache any more") as gone:
        Dvc(tree).restore(["raw.csv.dvc"], Silent())
    assert "dvc remote add" in gone.value.hint


def test_data_comes_out_of_the_cache_as_a_link_and_from_the_remote_when_that_lost_it(trees: tuple[Path, Path]) -> None:
    project, tree = trees
    remote = "['remote \"near\"']\n    url = ../../store\n"
    (project / "raw.csv").write_text("1\n2\n")
    (project / ".dvc" / "config").write_text(f"[core]\n    no_scm = True\n    remote = near\n{remote}")
    Dvc(project).add("raw.csv", Silent())
    assert capture(("dvc", "push"), cwd=project).exit_code == 0
    (tree / ".dvc" / "config").write_text((project / ".dvc" / "config").read_text())
    (tree / "raw.csv.dvc").write_text((project / "raw.csv.dvc").read_text())
    borrow_settings(tree, project)
    Dvc(tree).restore(["raw.csv.dvc"], Silent())
    assert (tree / "raw.csv").read_text() == "1\n2\n"
    (tree / "raw.csv").unlink()
    [cached] = [path for path in (project / ".dvc" / "cache").rglob("*") if path.is_file()]
    cached.unlink()
    Dvc(tree).restore(["raw.csv.dvc"], Silent())
    assert (tree / "raw.csv").read_text() == "1\n2\n"
    assert (project / "raw.csv").read_text() == "1\n2\n"


def test_other_content_is_pinned_for_one_output_alone(trees: tuple[Path, Path]) -> None:
    _, tree = trees
    (tree / "data").mkdir()
    outs = [{"md5": "a" * 32, "size": 4, "path": "raw"}, {"md5": "b" * 32, "size": 5, "path": "other"}]
    (tree / "data" / "raw.dvc").write_text(yaml.safe_dump({"outs": outs, "meta": {"by": "me"}}))
    pin_data(tree, "data/raw.dvc", "data/raw", "c" * 32)
    document = yaml.safe_load((tree / "data" / "raw.dvc").read_text())
    assert document == {"outs": [{"md5": "c" * 32, "path": "raw"}, outs[1]], "meta": {"by": "me"}}
    with pytest.raises(Failed, match="does not name data/elsewhere"):
        pin_data(tree, "data/raw.dvc", "data/elsewhere", "c" * 32)
    with pytest.raises(Failed, match="does not name"):
        pin_data(tree, "data/none.dvc", "data/raw", "c" * 32)


def test_params_are_read_as_mlflow_logs_them_and_written_as_what_they_were(tmp_path: Path) -> None:
    params = {"train": {"depth": 6, "rate": 0.1, "kind": "1.0", "warm": True, "stop": None, "layers": [4, 2]}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    read = {value.key: value.text for value in read_params(tmp_path, Pipeline())}
    assert read == {key: str(value) for key, value in ((f"train.{key}", v) for key, v in params["train"].items())}
    wanted = {"depth": "8", "rate": "1e-05", "kind": "2.0", "warm": "False", "stop": "3", "layers": "[8, 8]"}
    write_params(tmp_path, [ParamValue("params.yaml", f"train.{key}", text) for key, text in wanted.items()])
    written = yaml.safe_load((tmp_path / "params.yaml").read_text())["train"]
    assert written == {"depth": 8, "rate": 1e-05, "kind": "2.0", "warm": False, "stop": 3, "layers": [8, 8]}
    assert DvcFiles(tmp_path).params(Pipeline())[0].text == "8"


def test_params_in_json_stay_json_and_python_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"a": {"b.c": 1}}')
    write_params(tmp_path, [ParamValue("p.json", "a.b.c", "2")])
    assert json.loads((tmp_path / "p.json").read_text()) == {"a": {"b.c": 2}}
    (tmp_path / "p.py").write_text("depth = 6\n")
    with pytest.raises(Failed, match="only YAML and JSON"):
        write_params(tmp_path, [ParamValue("p.py", "depth", "8")])
    assert (tmp_path / "p.py").read_text() == "depth = 6\n"
