"""The reader and the real DVC look at the same projects and must say the same."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.adapters.conftest_dvc import own_site_cache  # noqa: F401 around every test of this module
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.domain.freshness import CauseKind, Freshness, PipelineState, StageState

DVC_YAML = r"""
vars:
  - models: {us: {depth: 3, file: us.txt}, uk: {depth: 5, file: uk.txt}}
  - settings.toml:paths
  - flags: {rate: 0.5, fast: true, quiet: false, names: [a, "b c"]}

stages:
  prepare:
    cmd:
      - mkdir -p made/prepared
      - cp data/raw.csv ${paths.prepared}/all.csv
      - echo ${prepare.seed} > ${paths.prepared}/seed.txt
    deps: [data/raw.csv]
    params:
      - prepare
      - settings.toml:
          - paths.prepared
    outs:
      - ${paths.prepared}
  train:
    foreach: ${models}
    do:
      cmd: echo depth ${item.depth} ${key} > ${item.file}
      deps: [made/prepared]
      params: [rates.0, limits.json: , constants.py: [RATE, Train.epochs]]
      outs:
        - ${item.file}:
            persist: true
  grid:
    matrix:
      size: [1, 2]
      opt:
        - {name: sgd}
        - {name: adam}
      flavour: ${flavours}
    cmd: echo ${item.size} ${item.opt.name} ${item.flavour} \${HOME} > grid-${key}.txt
    deps: [us.txt]
    outs: ["grid-${key}.txt"]
  listed:
    foreach: [north, 7, true]
    do:
      wdir: sub/${paths.area}
      cmd: echo ${item} > ${item}.out
      vars: [{shade: dark}]
      desc: ${shade}
      outs: ["${item}.out"]
  flags:
    cmd: echo ${flags} > flags.txt
    outs: [flags.txt]
  evaluate:
    cmd:
      - printf '{"accuracy":0.5}' > metrics.json
      - printf 'a\n1\n' > curve.csv
    deps: [us.txt, uk.txt]
    metrics:
      - metrics.json:
          cache: false
    plots:
      - curve.csv:
          x: a
          cache: false
  fixed:
    cmd: echo ${prepare.seed} > fixed.txt
    deps: [data/raw.csv]
    frozen: true
    outs: [fixed.txt]
  clock:
    cmd: date +%N > clock.txt
    always_changed: true
    outs: [clock.txt]
  greet:
    cmd: echo hello
"""
SUB_DVC_YAML = """
stages:
  collect:
    cmd: cat ../us.txt ../made/prepared/seed.txt > collected.txt
    deps: [../us.txt, ../made/prepared/seed.txt]
    params: [shape]
    outs: [collected.txt]
"""


pytestmark = pytest.mark.xdist_group("dvc contract")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which everything has run."""
    root = tmp_path_factory.mktemp("finished")
    write(root, "dvc.yaml", DVC_YAML.replace("frozen: true", "frozen: false"))
    write(root, "sub/dvc.yaml", SUB_DVC_YAML)
    write(root, "sub/params.yaml", "shape: round\n")
    write(root, "sub/dark/area/.keep", "")
    write(root, "params.yaml", "prepare: {seed: 7, split: 0.2}\nrates: [0.1, 0.2]\nflavours: [plain, on]\n")
    write(root, "settings.toml", '[paths]\nprepared = "made/prepared"\narea = "dark/area"\n')
    write(root, "limits.json", '{"low": 1, "high": {"soft": 2}}')
    write(root, "constants.py", "RATE: float = 0.5\nclass Train:\n    epochs = 3\n    sizes = (1, 2)\n")
    write(root, "data/raw.csv", "id,amount\n1,2\n")
    write(root, "folder/a.txt", "a")
    write(root, "folder/deep/b.txt", "b")
    write(root, "folder/skip.tmp", "t")
    write(root, ".dvcignore", "*.tmp\n")
    before = Path.cwd()
    os.chdir(root)
    try:
        with Repo.init(str(root), no_scm=True) as repo:
            repo.add(["data/raw.csv", "folder"])
            repo.reproduce(all_pipelines=True)
            write(root, "dvc.yaml", DVC_YAML)
    finally:
        os.chdir(before)
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(finished, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, newline="")


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text()
    assert old in text
    write(root, path, text.replace(old, new))


def look(root: Path) -> PipelineState:
    files = DvcFiles(root)
    return files.state(files.read())


type_of_change = {
    CauseKind.DEPENDENCY_CHANGED: ("deps", "modified"),
    CauseKind.DEPENDENCY_NEW: ("deps", "modified"),
    CauseKind.DEPENDENCY_MISSING: ("deps", "deleted"),
    CauseKind.PARAM_CHANGED: ("deps", "modified"),
    CauseKind.PARAM_NEW: ("deps", "new"),
    CauseKind.PARAM_REMOVED: ("deps", "deleted"),
    CauseKind.OUTPUT_CHANGED: ("outs", "modified"),
    CauseKind.OUTPUT_NEW: ("outs", "modified"),
    CauseKind.OUTPUT_MISSING: ("outs", "deleted"),
    CauseKind.OUTPUT_NOT_IN_CACHE: ("outs", "not in cache"),
}
type_of_word = {"changed command": CauseKind.COMMAND_CHANGED, "always changed": CauseKind.ALWAYS_CHANGED}


def as_dvc_would_say(state: StageState) -> set[tuple[str, str, str]]:
    """Our causes in the words of `dvc status`."""
    said: set[tuple[str, str, str]] = set()
    outputs = {output.path for output in state.stage.outputs}
    sections = [param.key for param in state.stage.params if param.key]
    for cause in state.causes:
        subject = cause.subject.split(":", 1)[-1]
        if cause.kind in type_of_change:
            section, word = type_of_change[cause.kind]
            # Of a whole section DVC says that it was modified; we name the values in it that were.
            named = next((key for key in sections if subject.startswith(f"{key}.")), None)
            subject, word = (named, "modified") if named else (subject, word)
            said.add((section, subject, word))
        elif cause.kind in {CauseKind.DATA_NOT_PULLED, CauseKind.DATA_NOT_CHECKED_OUT}:
            word = "not in cache" if cause.kind is CauseKind.DATA_NOT_PULLED else "deleted"
            said.add(("outs", subject, word) if subject in outputs else ("deps", subject, "deleted"))
        elif cause.kind in type_of_word.values():
            said.add(("stage", "", cause.kind.value))
    return said


def dvc_says() -> dict[str, set[tuple[str, str, str]]]:
    """What the real `dvc status` answers, flattened."""
    with Repo() as repo:
        answer = repo.status()
    said: dict[str, set[tuple[str, str, str]]] = {}
    for address, entries in answer.items():
        found = said.setdefault(address, set())
        for entry in entries:
            if isinstance(entry, str):
                found.add(("stage", "", type_of_word[entry].value))
                continue
            for section, changes in entry.items():
                for path, change in changes.items():
                    pairs = change.items() if isinstance(change, Mapping) else [(path, change)]
                    found.update((section.removeprefix("changed "), name, word) for name, word in pairs)
    return said


def expect_agreement(root: Path) -> PipelineState:
    """Compare both answers, stage by stage; a stage of which DVC says nothing must have no cause of its own."""
    state = look(root)
    truth = dvc_says()
    ours = {found.stage.address: as_dvc_would_say(found) for found in state.states}
    never_run = {
        found.stage.address
        for found in state.states
        if any(cause.kind is CauseKind.NEVER_RUN for cause in found.causes)
    }
    assert never_run <= truth.keys()
    assert {address: said for address, said in ours.items() if said and address not in never_run} == {
        address: said for address, said in truth.items() if address not in never_run
    }
    return state


def test_both_find_the_same_stages_with_the_same_commands_and_paths(project: Path) -> None:
    with Repo() as repo:
        theirs = {
            stage.addressing: (
                tuple(stage.cmd if isinstance(stage.cmd, list) else [stage.cmd] if stage.cmd else []),
                {os.path.relpath(dep.fs_path, project) for dep in stage.deps if dep not in stage.params},
                {os.path.relpath(out.fs_path, project) for out in stage.outs},
                {(os.path.relpath(param.fs_path, project), key) for param in stage.params for key in param.params},
                os.path.relpath(stage.wdir, project),
                stage.desc or "",
            )
            for stage in repo.index.stages
        }
    ours = {
        stage.address: (
            stage.command,
            {dependency.path for dependency in stage.dependencies},
            {output.path for output in stage.outputs},
            {(param.file, param.key) for param in stage.params if param.key is not None},
            stage.workdir,
            stage.description,
        )
        for stage in DvcFiles(project).read().stages
    }
    assert ours == theirs
    assert {
        "train@us",
        "grid@2-opt1-on",
        "listed@7",
        "listed@true",
        "sub/dvc.yaml:collect",
        "folder.dvc",
    } <= ours.keys()


def test_both_draw_the_same_graph(project: Path) -> None:
    pipeline = DvcFiles(project).read()
    with Repo() as repo:
        graph = repo.index.graph
        theirs = {stage.addressing: {parent.addressing for parent in graph.successors(stage)} for stage in graph}
    assert {stage.address: set(pipeline.parents(stage.address)) for stage in pipeline.stages} == theirs


def test_right_after_a_run_only_what_runs_every_time_is_stale(project: Path) -> None:
    state = expect_agreement(project)
    stale = {
        found.stage.address for found in state.states if found.freshness not in {Freshness.FRESH, Freshness.FROZEN}
    }
    assert stale == {"clock", "greet"}
    assert state.problems == ()


Mutation = Callable[[Path], object]
MUTATIONS: dict[str, Mutation] = {
    "data of the same size changed": lambda root: write(root, "data/raw.csv", "id,amount\n1,3\n"),
    "data grew": lambda root: write(root, "data/raw.csv", "id,amount\n1,3\n2,4\n"),
    "a file inside a tracked folder changed": lambda root: write(root, "folder/deep/b.txt", "c"),
    "a file was added to a tracked folder": lambda root: write(root, "folder/new.txt", "n"),
    "an ignored file changed": lambda root: write(root, "folder/skip.tmp", "other"),
    "a param changed": lambda root: edit(root, "params.yaml", "split: 0.2", "split: 0.3"),
    "a param inside a list changed": lambda root: edit(root, "params.yaml", "[0.1, 0.2]", "[0.4, 0.2]"),
    "a param went away": lambda root: edit(root, "sub/params.yaml", "shape", "form"),
    "a whole params file grew": lambda root: write(root, "limits.json", '{"low": 1, "high": {"soft": 2}, "mid": 3}'),
    "a whole params file shrank": lambda root: write(root, "limits.json", '{"low": 1}'),
    "a Python param changed": lambda root: edit(root, "constants.py", "epochs = 3", "epochs = 4"),
    "a params file is gone": lambda root: (root / "limits.json").unlink(),
    "a command changed": lambda root: edit(root, "dvc.yaml", "echo depth", "echo the depth"),
    "a template's value changed": lambda root: edit(root, "dvc.yaml", "rate: 0.5", "rate: 0.6"),
    "an intermediate output was edited": lambda root: write(root, "us.txt", "forged"),
    "a cached output was removed": lambda root: (root / "flags.txt").unlink(),
    "a Git-tracked output was removed": lambda root: (root / "metrics.json").unlink(),
    "a folder output was removed": lambda root: shutil.rmtree(root / "made/prepared"),
    "a folder became a file": lambda root: become_a_file(root / "folder"),
    "the cache is empty": lambda root: shutil.rmtree(root / ".dvc/cache/files"),
    "nothing was ever pulled": lambda root: forget_the_data(root),
    "the lock file is gone": lambda root: (root / "dvc.lock").unlink(),
    "a dependency was added": lambda root: edit(root, "dvc.yaml", "[us.txt, uk.txt]", "[us.txt, uk.txt, .dvcignore]"),
    "a param was added": lambda root: edit(root, "dvc.yaml", "- prepare\n", "- prepare\n      - rates\n"),
    "an output was added": lambda root: edit(root, "dvc.yaml", "[fixed.txt]", "[fixed.txt, .dvcignore]"),
    "an output was declared that no run has made": lambda root: edit(
        root, "dvc.yaml", "[flags.txt]", "[flags.txt, x.txt]"
    ),
    "a frozen stage's dependency changed": lambda root: write(root, "data/raw.csv", "id\n"),
    "a frozen stage's command changed": lambda root: edit(root, "dvc.yaml", "> fixed.txt", ">> fixed.txt"),
    "a loop got longer": lambda root: edit(root, "dvc.yaml", "[north, 7, true]", "[north, 7, true, 1.50]"),
    "files were written on another system": lambda root: write_crlf(root, "dvc.yaml", "dvc.lock", "params.yaml"),
}


def become_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


def forget_the_data(root: Path) -> None:
    shutil.rmtree(root / ".dvc/cache/files")
    shutil.rmtree(root / "folder")
    (root / "data/raw.csv").unlink()
    (root / "us.txt").unlink()


def write_crlf(root: Path, *paths: str) -> None:
    for path in paths:
        write(root, path, (root / path).read_text().replace("\n", "\r\n"))


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_both_see_the_same_when(mutation: Mutation, project: Path) -> None:
    mutation(project)
    expect_agreement(project)


def test_a_legacy_lock_counts_crlf_as_lf_in_text_but_not_in_binary_files(project: Path) -> None:
    text, binary = b"a\r\nb\r\n" * 100, b"\0\r\n" * 50
    (project / "text.csv").write_bytes(text)
    (project / "model.bin").write_bytes(binary)
    for name, content in (("text.csv", text.replace(b"\r\n", b"\n")), ("model.bin", binary)):
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        write(project, f"{name}.dvc", f"outs:\n- md5: {md5}\n  size: {len(content)}\n  path: {name}\n")
        place = project / ".dvc/cache" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    state = expect_agreement(project)
    assert state.of("text.csv.dvc").freshness is Freshness.FRESH
    assert state.of("model.bin.dvc").freshness is Freshness.FRESH


def test_what_dvc_would_run_is_among_what_the_state_says_will_run(project: Path) -> None:
    edit(project, "params.yaml", "seed: 7", "seed: 8")
    with Repo() as repo:
        ran = {stage.addressing for stage in repo.reproduce(all_pipelines=True, dry=True)}
    will_run = {state.stage.address for state in look(project).will_run}
    assert {"prepare"} <= ran - {"fixed"} <= will_run
    assert {"train@us", "sub/dvc.yaml:collect", "grid@1-opt0-plain", "evaluate"} <= will_run


def test_looking_changes_no_byte_of_the_project(project: Path) -> None:
    def fingerprint() -> dict[str, tuple[int, str]]:
        return {
            str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(project.rglob("*"))
            if path.is_file()
        }

    before = fingerprint()
    files = DvcFiles(project)
    pipeline = files.read()
    files.state(pipeline)
    files.snapshot(pipeline)
    files.figures(pipeline)
    assert fingerprint() == before
