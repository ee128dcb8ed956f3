"""The dvc adapter drives the real command line in small real projects."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from unipipe_tui.adapters.dvc.command_line import Dvc, StageFailed
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.process import capture
from unipipe_tui.domain.errors import ExitCode, Failed, Stopped, ToolMissing
from unipipe_tui.domain.events import Event, StepEnded, StepStarted, ToolSaid, ToolStarted
from unipipe_tui.domain.freshness import Freshness
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.reach import Reach
from unipipe_tui.domain.reproduction import Outcome

DVC_YAML = """
stages:
  prepare:
    cmd: python -c "import sys; open('out.txt', 'w').write(sys.executable)"
    deps: [data.csv]
    outs: [out.txt]
  train:
    cmd: python train.py
    deps: [out.txt, train.py]
    outs: [model.txt]
"""


class Recorder:
    """Keeps every event, and can be told to stop."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.stop = threading.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, ToolSaid) and event.line == "stop me":
            self.stop.set()

    def stopped(self) -> bool:
        return self.stop.is_set()


@pytest.fixture(autouse=True)
def own_site_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "data.csv").write_text("id\n1\n")
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "train.py").write_text("print('epoch 1')\nopen('model.txt', 'w').write('m')\n")
    Dvc(root).init(Silent())
    Dvc(root).add("data.csv", Silent())
    return root


def test_the_version_is_told_and_is_new_enough(tmp_path: Path) -> None:
    major, minor, *_ = Dvc(tmp_path).verify().split(".")
    assert (int(major), int(minor)) >= (3, 50)


def test_a_dvc_that_is_missing_or_too_old_is_refused_with_a_remedy(tmp_path: Path) -> None:
    old = tmp_path / "dvc"
    old.write_text("#!/bin/sh\necho 2.58.2\n")
    old.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"2\.58\.2 is too old") as refused:
        Dvc(tmp_path, str(old)).verify()
    assert "pip install" in refused.value.hint
    assert refused.value.exit_code is ExitCode.TOOL_MISSING
    with pytest.raises(ToolMissing):
        Dvc(tmp_path, str(tmp_path / "none")).verify()


def test_each_stage_of_a_run_is_one_step_with_its_outcome(project: Path) -> None:
    recorder = Recorder()
    first = Dvc(project).repro(recorder)
    assert [(run.address, run.outcome) for run in first.stages] == [
        ("data.csv.dvc", Outcome.SKIPPED),
        ("prepare", Outcome.RAN),
        ("train", Outcome.RAN),
    ]
    assert first.ran == ("prepare", "train")
    started = [event for event in recorder.events if isinstance(event, StepStarted)]
    assert [(event.name, event.number, event.total) for event in started] == [
        ("data.csv.dvc", 1, 3),
        ("prepare", 2, 3),
        ("train", 3, 3),
    ]
    ended = [event for event in recorder.events if isinstance(event, StepEnded)]
    assert [event.outcome for event in ended] == ["skipped", "done", "done"]
    assert all(run.seconds > 0 for run in first.stages if run.outcome is Outcome.RAN)
    assert ToolSaid("dvc", "epoch 1") in recorder.events

    again = Dvc(project).repro(Silent())
    assert {run.outcome for run in again.stages} == {Outcome.SKIPPED}


def test_a_stage_whose_inputs_were_seen_before_is_restored_from_dvcs_memory(project: Path) -> None:
    dvc = Dvc(project)
    dvc.repro(Silent())
    (project / "model.txt").unlink()
    again = dvc.repro(Silent())
    assert again.stages[-1].outcome is Outcome.CACHED
    assert (project / "model.txt").read_text() == "m"


def test_force_runs_even_what_is_fresh_and_targets_limit_the_run(project: Path) -> None:
    dvc = Dvc(project)
    dvc.repro(Silent())
    assert dvc.repro_command(("prepare",), force=True) == ("dvc", "repro", "--force", "prepare")
    assert dvc.repro(Silent(), ("prepare",), force=True).ran == ("prepare",)


def test_a_run_reaches_only_a_stage_or_all_that_needs_it_when_asked(project: Path) -> None:
    dvc = Dvc(project)
    dvc.repro(Silent())
    assert dvc.repro_command(("train",), reach=Reach.ONLY) == ("dvc", "repro", "--single-item", "train")
    assert dvc.repro_command(("train",), reach=Reach.DOWNSTREAM) == ("dvc", "repro", "--downstream", "train")
    recorder = Recorder()
    alone = dvc.repro(recorder, ("prepare",), force=True, reach=Reach.ONLY)
    assert [run.address for run in alone.stages] == ["prepare"]
    assert [e.total for e in recorder.events if isinstance(e, StepStarted)] == [1]
    onward = dvc.repro(Silent(), ("prepare",), force=True, reach=Reach.DOWNSTREAM)
    assert onward.ran == ("prepare", "train")


def test_stages_run_on_the_python_that_runs_unipipe_and_see_the_given_environment(project: Path) -> None:
    (project / "train.py").write_text("import os\nopen('model.txt', 'w').write(os.environ['WHO'])\n")
    Dvc(project).repro(Silent(), env={"WHO": "me"})
    assert Path((project / "out.txt").read_text()).parent == Path(sys.executable).parent
    assert (project / "model.txt").read_text() == "me"


def test_a_failing_stage_is_named_with_its_last_lines_and_what_went_well_stays(project: Path) -> None:
    (project / "train.py").write_text("print('\\x1b[31mloading\\x1b[0m')\nraise SystemExit('no such column: amount')\n")
    recorder = Recorder()
    with pytest.raises(StageFailed) as failed:
        Dvc(project).repro(recorder)
    assert failed.value.address == "train"
    assert failed.value.last_lines == ("loading", "no such column: amount")
    assert "exited with 1" in failed.value.message
    assert "no such column: amount" in failed.value.message
    assert "dvc checkout train" in failed.value.hint
    assert [(run.address, run.outcome) for run in failed.value.stages][1:] == [
        ("prepare", Outcome.RAN),
        ("train", Outcome.FAILED),
    ]
    last_step = [event for event in recorder.events if isinstance(event, StepEnded)][-1]
    assert (last_step.name, last_step.outcome) == ("train", "failed")
    files = DvcFiles(project)
    state = files.state(files.read())
    assert state.of("prepare").freshness is Freshness.FRESH
    assert state.of("train").freshness is Freshness.NEVER_RUN


def test_a_project_that_dvc_refuses_fails_with_dvcs_own_reason(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages:\n  train: {cmd: [}\n")
    with pytest.raises(Failed, match=r"dvc\.yaml") as failed:
        Dvc(project).repro(Silent())
    assert not isinstance(failed.value, StageFailed)


def test_a_run_that_nobody_wants_any_more_ends_with_its_step_closed(project: Path) -> None:
    (project / "train.py").write_text("import time\nprint('stop me')\ntime.sleep(60)\n")
    recorder = Recorder()
    with pytest.raises(Stopped):
        Dvc(project).repro(recorder)
    assert recorder.events[-1] == StepEnded("train", "failed", recorder.events[-1].seconds)  # type: ignore[union-attr]


def test_every_dvc_yaml_of_a_project_is_run_and_counted(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub/dvc.yaml").write_text(
        "stages:\n  more:\n    cmd: cp ../model.txt more.txt\n    deps: [../model.txt]\n    outs: [more.txt]\n"
    )
    recorder = Recorder()
    assert Dvc(project).repro_command() == ("dvc", "repro", "dvc.yaml", "sub/dvc.yaml")
    assert Dvc(project).repro(recorder).ran == ("prepare", "train", "sub/dvc.yaml:more")
    assert [event.total for event in recorder.events if isinstance(event, StepStarted)] == [4, 4, 4, 4]


def test_the_command_log_can_show_what_was_started(project: Path) -> None:
    recorder = Recorder()
    Dvc(project).add("data.csv", recorder)
    started = [event for event in recorder.events if isinstance(event, ToolStarted)]
    assert started[0].argv[1:] == ("add", "data.csv")


@pytest.mark.parametrize(("git", "option"), [(".", None), ("..", "--subdir"), (None, "--no-scm")])
def test_a_folder_becomes_a_project_with_git_where_there_is_one(
    tmp_path: Path, git: str | None, option: str | None
) -> None:
    root = tmp_path / "outer/inner"
    root.mkdir(parents=True)
    if git is not None:
        capture(("git", "init", "-q", str(root / git)))
    recorder = Recorder()
    Dvc(root).init(recorder)
    assert (root / ".dvc/config").is_file()
    started = [event for event in recorder.events if isinstance(event, ToolStarted)]
    assert started[0].argv[2:] == ((option,) if option else ())
