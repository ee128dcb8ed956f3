"""Projects that others made, in every state: read without a write, and nothing that is readable is hidden."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.dvc.hashes import KnownHashes, md5_of_file
from unipipe_tui.domain.freshness import CauseKind, Freshness, PipelineState
from unipipe_tui.domain.pipelines import Figure, Pipeline


def write(root: Path, path: str, text: str | bytes) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def look(root: Path) -> PipelineState:
    files = DvcFiles(root)
    return files.state(files.read())


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def addresses(pipeline: Pipeline) -> set[str]:
    return {stage.address for stage in pipeline.stages}


def test_the_projects_inside_a_repository_are_named_but_their_stages_are_their_own(root: Path) -> None:
    for name in ("one/.dvc", "two/deep/.dvc", "node_modules/three/.dvc", "plain"):
        (root / name).mkdir(parents=True)
    write(root, "one/dvc.yaml", "stages: {train: {cmd: train}}\n")
    write(root, "plain/dvc.yaml", "stages: {clean: {cmd: clean}}\n")
    pipeline = DvcFiles(root).read()
    assert addresses(pipeline) == {"plain/dvc.yaml:clean"}
    assert pipeline.inner_projects == ("one", "two/deep")


def test_a_project_without_stages_lock_or_data_is_empty_and_well(root: Path) -> None:
    assert DvcFiles(root).read() == Pipeline()
    assert look(root) == PipelineState()


def test_a_dvc_yaml_that_cannot_be_parsed_is_a_problem_with_its_line_and_the_others_still_show(root: Path) -> None:
    write(root, "dvc.yaml", "stages:\n  good: {cmd: run}\n")
    write(root, "sub/dvc.yaml", "stages:\n  bad: {cmd: [}\n")
    write(root, "data.csv.dvc", "outs:\n- path: data.csv\n  md5: abc\n")
    write(root, "list.csv.dvc", "- a\n")
    pipeline = DvcFiles(root).read()
    assert addresses(pipeline) == {"good", "data.csv.dvc"}
    assert [(problem.file, problem.line) for problem in pipeline.problems] == [
        ("list.csv.dvc", None),
        ("sub/dvc.yaml", 2),
    ]


def test_a_lock_file_with_merge_conflicts_is_a_problem_and_its_stages_still_show(root: Path) -> None:
    write(root, "dvc.yaml", "stages:\n  train: {cmd: run, outs: [m]}\n")
    write(root, "dvc.lock", "schema: '2.0'\nstages:\n<<<<<<< HEAD\n  train: 1\n=======\n  train: 2\n>>>>>>> topic\n")
    state = look(root)
    assert [problem.sentence for problem in state.problems] == ["dvc.lock:3: holds unresolved merge conflicts"]
    assert state.of("train").freshness is Freshness.NEVER_RUN


def test_a_stage_that_cannot_be_resolved_names_its_line(root: Path) -> None:
    write(
        root, "dvc.yaml", "stages:\n  good:\n    cmd: run\n  bad:\n    cmd: run ${missing}\n  empty:\n    deps: [a]\n"
    )
    pipeline = DvcFiles(root).read()
    assert addresses(pipeline) == {"good"}
    assert [(problem.line, problem.message) for problem in pipeline.problems] == [
        (4, "bad: no value is named ${missing}"),
        (6, "empty: a stage needs a command (`cmd`)"),
    ]


def test_two_stages_that_declare_one_output_both_show_with_a_problem(root: Path) -> None:
    write(root, "dvc.yaml", "stages:\n  a: {cmd: x, outs: [m]}\n")
    write(root, "sub/dvc.yaml", "stages:\n  b: {cmd: y, wdir: .., outs: [m]}\n")
    state = look(root)
    assert [problem.message for problem in state.problems] == ["a and sub/dvc.yaml:b both declare the output m"]
    assert len(state.states) == 2


def test_a_circle_of_stages_is_told_and_every_stage_shows(root: Path) -> None:
    write(root, "dvc.yaml", "stages:\n  a: {cmd: x, deps: [p], outs: [q]}\n  b: {cmd: y, deps: [q], outs: [p]}\n")
    state = look(root)
    assert "wait for each other: a, b" in state.problems[0].message
    assert len(state.states) == 2


def test_foreign_folders_ignored_files_outputs_and_inner_projects_are_not_entered(root: Path) -> None:
    stage = "stages:\n  s: {cmd: run}\n"
    for folder in (".venv", "node_modules/x", "mine/inner", "built", "hidden", "env", "cloned", "kept"):
        write(root, f"{folder}/dvc.yaml", stage)
    write(root, "env/pyvenv.cfg", "")
    (root / "mine/inner/.dvc").mkdir()
    write(root, ".gitignore", "built/\n")
    write(root, ".git/info/exclude", "cloned\n")
    write(root, ".dvcignore", "hid*\n")
    write(root, "dvc.yaml", "stages:\n  make: {cmd: run, outs: [made]}\n")
    write(root, "made/dvc.yaml", stage)
    assert addresses(DvcFiles(root).read()) == {"make", "kept/dvc.yaml:s"}


def test_an_import_that_cannot_be_reached_is_still_shown_and_judged_by_its_data(root: Path) -> None:
    write(root, "x.csv", "1\n")
    write(
        root,
        "x.csv.dvc",
        "md5: 11\nfrozen: true\ndeps:\n- path: data/x.csv\n"
        "  repo:\n    url: https://unreachable.invalid/r\n    rev_lock: ab\n"
        f"outs:\n- path: x.csv\n  md5: {md5('1' + chr(10))}\n  size: 2\n  hash: md5\n",
    )
    state = look(root).of("x.csv.dvc")
    assert state.stage.is_import
    assert state.stage.dependencies[0].source == "https://unreachable.invalid/r"
    assert [cause.kind for cause in state.causes] == [CauseKind.OUTPUT_NOT_IN_CACHE]
    (root / "x.csv").unlink()
    assert look(root).of("x.csv.dvc").freshness is Freshness.NOT_PULLED


def test_a_dependency_behind_a_url_leaves_the_stage_unknown_instead_of_fresh(root: Path) -> None:
    write(
        root,
        "dvc.yaml",
        "stages:\n  get:\n    cmd: run\n    deps: ['s3://bucket/x', 'remote://r/y']\n    outs: [m: {cache: false}]\n",
    )
    write(root, "m", "1")
    write(
        root,
        "dvc.lock",
        "schema: '2.0'\nstages:\n  get:\n    cmd: run\n    deps:\n    - {path: s3://bucket/x, etag: e}\n"
        f"    outs:\n    - {{path: m, md5: {md5('1')}, hash: md5}}\n",
    )
    state = look(root).of("get")
    assert state.freshness is Freshness.UNKNOWN
    assert [cause.subject for cause in state.causes] == ["s3://bucket/x", "remote://r/y"]


def test_the_first_lock_schema_is_read_too(root: Path) -> None:
    write(root, "dvc.yaml", "stages:\n  a:\n    cmd: run\n    params: [lr]\n    outs: [m: {cache: false}]\n")
    write(root, "params.yaml", "lr: 1\n")
    write(root, "m", "1")
    write(
        root,
        "dvc.lock",
        f"a:\n  cmd: run\n  params:\n    params.yaml: {{lr: 1}}\n  outs:\n  - {{path: m, md5: {md5('1')}}}\n",
    )
    assert look(root).of("a").freshness is Freshness.FRESH


def test_a_command_of_the_time_before_dvc_yaml_is_a_stage(root: Path) -> None:
    write(root, "in.csv", "1")
    write(
        root,
        "model.dvc",
        f"cmd: python train.py\nwdir: .\ndeps:\n- path: in.csv\n  md5: {md5('2')}\n"
        "- path: params.yaml\n  params: {lr: 1}\nouts:\n- path: model\n  md5: ab\n  cache: true\n  metric: true\n",
    )
    write(root, "params.yaml", "lr: 2\n")
    state = look(root).of("model.dvc")
    assert state.stage.command == ("python train.py",)
    assert {cause.kind for cause in state.causes} == {
        CauseKind.DEPENDENCY_CHANGED,
        CauseKind.PARAM_CHANGED,
        CauseKind.DATA_NOT_PULLED,
    }
    assert state.will_run


def test_a_folder_whose_data_was_never_pulled_is_not_called_changed(root: Path) -> None:
    write(root, "data/readme.txt", "r")
    write(root, "data/big.bin.dvc", "outs:\n- {path: big.bin, md5: aa, size: 9, hash: md5}\n")
    write(root, "dvc.yaml", "stages:\n  train: {cmd: run, deps: [data], outs: [m: {cache: false}]}\n")
    write(root, "m", "1")
    write(
        root,
        "dvc.lock",
        "schema: '2.0'\nstages:\n  train:\n    cmd: run\n"
        "    deps:\n    - {path: data, md5: bb.dir, size: 10, nfiles: 3, hash: md5}\n"
        f"    outs:\n    - {{path: m, md5: {md5('1')}, hash: md5}}\n",
    )
    state = look(root).of("train")
    assert state.freshness is Freshness.NOT_PULLED
    assert [cause.sentence for cause in state.causes] == ["data/big.bin was never pulled"]


def test_figures_come_from_metrics_files_of_any_format_and_from_the_top_level_section(root: Path) -> None:
    write(
        root,
        "dvc.yaml",
        "metrics: [eval/top.toml]\nplots:\n- curve.csv\n- roc: {x: fpr, y: {a.json: tpr, b.json: tpr}}\n"
        "artifacts:\n  net: {path: models/net.pt, type: model, desc: the net}\n"
        "stages:\n  e:\n    cmd: run\n    metrics: [m.json: {cache: false}, m.yaml, gone.json, broken.json]\n",
    )
    write(root, "m.json", '{"test": {"f1": 0.9, "rows": [1, 2]}, "name": "x"}')
    write(root, "m.yaml", "loss: 1e-3\n")
    write(root, "eval/top.toml", "[a]\nauc = 0.5\n")
    write(root, "broken.json", "{")
    files = DvcFiles(root)
    pipeline = files.read()
    assert files.figures(pipeline) == (
        Figure("m.json", "test.f1", 0.9),
        Figure("m.json", "name", "x"),
        Figure("m.yaml", "loss", 0.001),
        Figure("eval/top.toml", "a.auc", 0.5),
    )
    assert pipeline.plots == ("curve.csv", "a.json", "b.json")
    assert [(artifact.name, artifact.path, artifact.type) for artifact in pipeline.artifacts] == [
        ("net", "models/net.pt", "model")
    ]


def test_a_snapshot_holds_the_md5_of_data_and_of_every_locked_output(root: Path) -> None:
    write(root, "sub/raw.csv.dvc", "outs:\n- {path: raw.csv, md5: AA, hash: md5}\n")
    write(root, "dvc.yaml", "stages:\n  a: {cmd: run, wdir: sub, outs: [m, n]}\n  b: {cmd: run, outs: [o]}\n")
    write(
        root,
        "dvc.lock",
        "schema: '2.0'\nstages:\n  a:\n    cmd: run\n    outs:\n"
        "    - {path: m, md5: bb.dir}\n    - {path: n, md5: cc}\n",
    )
    files = DvcFiles(root)
    assert files.snapshot(files.read()) == {"sub/m": "bb.dir", "sub/n": "cc", "sub/raw.csv": "aa"}


def test_the_cache_folder_and_the_remote_come_from_the_configuration(root: Path) -> None:
    write(
        root,
        ".dvc/config",
        "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://b/%(x)s\n[cache]\n    dir = ../elsewhere\n",
    )
    content = "hello"
    write(root, f"elsewhere/files/md5/{md5(content)[:2]}/{md5(content)[2:]}", content)
    write(root, "x.csv.dvc", f"outs:\n- {{path: x.csv, md5: {md5(content)}, hash: md5}}\n")
    files = DvcFiles(root)
    assert files.default_remote() == "store"
    assert [cause.kind for cause in look(root).of("x.csv.dvc").causes] == [CauseKind.DATA_NOT_CHECKED_OUT]


def test_known_hashes_are_reused_until_the_file_changes(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    file = write(root, "data.bin", "first")
    old = time.time() - 3600
    os.utime(file, (old, old))
    known = KnownHashes(cache)
    assert known.md5(file, file.stat()) == md5("first")
    known.save()
    rows = json.loads((cache / "hashes.json").read_text())
    rows["files"][str(file)][3] = "remembered"
    (cache / "hashes.json").write_text(json.dumps(rows))
    assert KnownHashes(cache).md5(file, file.stat()) == "remembered"
    write(root, "data.bin", "other")
    assert KnownHashes(cache).md5(file, file.stat()) == md5("other")


def test_a_file_that_changed_a_moment_ago_is_not_remembered(root: Path, tmp_path: Path) -> None:
    file = write(root, "data.bin", "first")
    known = KnownHashes(tmp_path / "cache")
    known.md5(file, file.stat())
    known.save()
    assert not (tmp_path / "cache/hashes.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": {"a": [1]}}', '{"files": 3}'])
def test_a_damaged_hash_cache_costs_only_time(root: Path, tmp_path: Path, content: str) -> None:
    write(tmp_path / "cache", "hashes.json", content)
    file = write(root, "data.bin", "first")
    assert KnownHashes(tmp_path / "cache").md5(file, file.stat()) == md5("first")


def test_data_that_is_a_link_to_dvcs_protected_copy_is_not_read_at_all(root: Path) -> None:
    """Its content is not what the md5 says, so that only the link can make it look fresh."""
    kept = write(root, ".dvc/cache/files/md5/aa/bb", "not that content")
    inner = write(root, ".dvc/cache/files/md5/cc/dd", "nor that")
    listing = hashlib.md5(b'[{"md5": "ccdd", "relpath": "x.bin"}]', usedforsecurity=False).hexdigest()
    write(root, f".dvc/cache/files/md5/{listing[:2]}/{listing[2:]}.dir", '[{"md5": "ccdd", "relpath": "x.bin"}]')
    write(root, "data.bin.dvc", "outs:\n- {path: data.bin, md5: aabb, hash: md5}\n")
    write(root, "folder.dvc", f"outs:\n- {{path: folder, md5: {listing}.dir, hash: md5}}\n")
    (root / "folder").mkdir()
    (root / "data.bin").symlink_to(kept)
    (root / "folder/x.bin").hardlink_to(inner)
    assert {state.freshness for state in look(root).states} == {Freshness.STALE}
    kept.chmod(0o444)
    inner.chmod(0o444)
    assert {state.freshness for state in look(root).states} == {Freshness.FRESH}


def test_newlines_are_normalised_only_in_what_looks_like_text(tmp_path: Path) -> None:
    text = write(tmp_path, "t", b"a\r\nb\r\n")
    binary = write(tmp_path, "b", b"\0\r\n")
    empty = write(tmp_path, "e", b"")
    assert md5_of_file(text, normalise_newlines=True) == md5("a\nb\n")
    assert md5_of_file(text) == md5("a\r\nb\r\n")
    assert md5_of_file(binary, normalise_newlines=True) == md5("\0\r\n")
    assert md5_of_file(empty, normalise_newlines=True) == md5("")


def test_names_may_hold_anything(root: Path) -> None:
    write(
        root,
        "sub dir/dvc.yaml",
        "stages:\n  'a-b.c@x [red]': {cmd: \"echo '\\e[31m'\", outs: ['weird [b]out[/b].txt']}\n",
    )
    state = look(root).states[0]
    assert state.stage.address == "sub dir/dvc.yaml:a-b.c@x [red]"
    assert state.stage.outputs[0].path == "sub dir/weird [b]out[/b].txt"


def test_a_dvc_project_inside_a_folder_link_or_with_broken_links_does_not_stop_the_look(root: Path) -> None:
    (root / "broken").symlink_to("nowhere")
    (root / "loop").symlink_to(".")
    write(root, "folder/a.txt", "a")
    (root / "folder/gone").symlink_to("nowhere")
    write(root, "folder.dvc", "outs:\n- {path: folder, md5: aa.dir, hash: md5}\n")
    state = look(root).of("folder.dvc")
    assert state.freshness is Freshness.STALE


def test_seventy_stages_with_a_lock_of_three_thousand_lines_are_read_and_judged_at_once(root: Path) -> None:
    stages, locked = [], []
    for number in range(70):
        stages.append(
            f"  s{number}:\n    cmd: run {number}\n    deps: ["
            + ", ".join(f"d/{number}/{part}" for part in range(8))
            + "]\n"
            f"    params: [p{number}]\n    outs: [o/{number}: {{cache: false}}]\n"
        )
        entries = "".join(
            f"    - path: d/{number}/{part}\n      hash: md5\n"
            f"      md5: {md5(str(number))}\n      size: {len(str(number))}\n"
            for part in range(8)
        )
        locked.append(
            f"  s{number}:\n    cmd: run {number}\n    deps:\n{entries}"
            f"    params:\n      params.yaml:\n        p{number}: {number}\n"
            f"    outs:\n    - path: o/{number}\n      hash: md5\n      md5: {md5('o')}\n      size: 1\n"
        )
        for part in range(8):
            write(root, f"d/{number}/{part}", f"{number}")
        write(root, f"o/{number}", "o")
    write(root, "params.yaml", "".join(f"p{number}: {number}\n" for number in range(70)))
    write(root, "dvc.yaml", "stages:\n" + "".join(stages))
    lock = "schema: '2.0'\nstages:\n" + "".join(locked)
    write(root, "dvc.lock", lock)
    assert lock.count("\n") >= 2900
    begun = time.perf_counter()
    state = look(root)
    seconds = time.perf_counter() - begun
    assert {found.freshness for found in state.states} == {Freshness.FRESH}
    assert len(state.states) == 70
    assert seconds < 2.0  # about 0.1 s alone; the bound only catches what would be felt


ATOMS = st.sampled_from(
    [None, 3, 1.5, True, "a", "${a}", "${item.x}", "../x", "/abs", "s3://b/x", "", ".", "${", "a.dir"]
)
KEYS = st.sampled_from(
    ["cmd", "deps", "outs", "metrics", "plots", "params", "vars", "foreach", "do", "matrix", "wdir", "path", "md5",
     "hash", "size", "files", "repo", "stages", "artifacts", "schema", "${a}", "x"]
)  # fmt: skip
ANYTHING = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
STAGES = st.dictionaries(st.sampled_from(["s", "t@1"]), st.dictionaries(KEYS, ANYTHING, max_size=4), max_size=2)


@settings(max_examples=80)
@given(stages=STAGES, extra=ANYTHING, lock=ANYTHING, data=ANYTHING, params=ANYTHING)
def test_whatever_the_files_hold_the_look_ends_in_stages_and_problems(
    tmp_path_factory: pytest.TempPathFactory, stages: object, extra: object, lock: object, data: object, params: object
) -> None:
    root = tmp_path_factory.mktemp("odd")
    (root / ".dvc").mkdir()
    write(root, "dvc.yaml", yaml.safe_dump({"stages": stages, "metrics": extra, "plots": extra, "artifacts": extra}))
    write(root, "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": {"s": lock, "t@1": lock}}))
    write(root, "a.dvc", yaml.safe_dump({"outs": data, "deps": data}))
    write(root, "params.yaml", yaml.safe_dump({"a": params}))
    files = DvcFiles(root)
    pipeline = files.read()
    state = files.state(pipeline)
    files.figures(pipeline)
    assert len(state.states) == len(pipeline.stages)
    assert all(cause.sentence for found in state.states for cause in found.causes)
    assert all(problem.sentence for problem in state.problems)
