"""What reaches the terminal: never a control character of somebody else, never a question to nobody, never a traceback."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.actions.runs.made import Made, batch_of
from tests.conftest import git, unipipe
from tests.journeys.faults import dvc_project
from unipipe_tui.wiring import world_at

PATIENCE_SECONDS = 20.0

HOSTILE = "[red]bold[/red] \x1b[31mred\x1b[0m \x1b]0;owned\x07 \x9b2J \r\x08 [link=file:///x]y[/link] {x} \u202etxt.exe"
ACTED_ON = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ONE_STAGE = "stages:\n  only:\n    cmd: echo one > one.txt\n    outs: [one.txt]\n"

HOSTILE_STAGES = f"""\
stages:
  hostile:
    desc: {json.dumps(HOSTILE)}
    cmd: printf '\\033]0;owned\\007\\033[31m[red]loud[/red] \\302\\2332J\\r\\b\\n'
    always_changed: true
  breaks:
    desc: breaks
    cmd: printf '\\033]0;owned\\007the last words\\n' && exit 3
    always_changed: true
"""


def _shown(*words: str, cwd: Path, exit_code: int = 0) -> str:
    said = unipipe(*words, cwd=cwd)
    assert said.exit_code == exit_code, said.stderr
    assert not ACTED_ON.search(said.stdout + said.stderr), f"{words} shows what a terminal would act on"
    return said.stdout + said.stderr


def _data(*words: str, cwd: Path) -> Any:
    said = unipipe(*words, "--json", cwd=cwd)
    assert not ACTED_ON.search(said.stdout + said.stderr)
    return said.json


def _strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for item in value.values() for text in _strings(item)}
    if isinstance(value, list):
        return {text for item in value for text in _strings(item)}
    return {value} if isinstance(value, str) else set()


def test_control_characters_of_a_stage_and_of_its_output_never_reach_the_terminal(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", HOSTILE_STAGES)

    ran = _shown("pipeline", "run", "hostile", "--yes", cwd=project)
    broke = _shown("pipeline", "run", "breaks", "--yes", cwd=project, exit_code=1)
    logs = _shown("jobs", "logs", "last", cwd=project)
    for look in ("jobs show last", "jobs list", "pipeline show", "pipeline plan", "status", "audit list"):
        _shown(*look.split(), cwd=project)

    assert "[red]loud[/red]" in ran
    assert "the last words" in broke and "the last words" in logs
    assert HOSTILE in _strings(_data("pipeline", "show", cwd=project))
    lines = _data("jobs", "logs", "last", cwd=project)["lines"]
    assert any("\x1b]0;owned\x07the last words" in line for line in lines)
    followed = _shown("jobs", "attach", "last", cwd=project, exit_code=1)
    assert "the last words" in followed


def test_control_characters_of_runs_tags_and_models_never_reach_the_terminal(
    trained_template: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(trained_template, tmp_path / "workspace", symlinks=True))
    connection = sqlite3.connect(workspace / "mlflow.db")
    with connection:
        (run,) = connection.execute("SELECT run_uuid FROM runs LIMIT 1").fetchone()
        connection.execute("UPDATE runs SET name = ?", [HOSTILE])
        connection.execute("UPDATE tags SET value = ? WHERE key = 'mlflow.runName'", [HOSTILE])
        connection.execute("INSERT INTO tags (key, value, run_uuid) VALUES ('note', ?, ?)", [HOSTILE, run])
        connection.execute("INSERT INTO params (key, value, run_uuid) VALUES ('odd', ?, ?)", [HOSTILE, run])
        connection.execute("UPDATE registered_models SET description = ?", [HOSTILE])
        connection.execute("UPDATE model_version_tags SET value = ? WHERE key = 'git.commit'", [HOSTILE])
    connection.close()

    for look in (
        "runs list",
        f"runs show {run}",
        "models list",
        "models show",
        "status",
        "lineage show fraud-detector/1",
    ):
        said = unipipe(*look.split(), cwd=workspace)
        assert not ACTED_ON.search(said.stdout + said.stderr), f"{look} shows what a terminal would act on"
        assert "Traceback" not in said.stderr
    assert "[red]bold[/red]" in _shown("runs", "show", run, cwd=workspace)
    assert HOSTILE in _strings(_data("runs", "show", run, cwd=workspace))
    assert HOSTILE in _strings(_data("models", "list", cwd=workspace))


def _on_a_terminal(*words: str, cwd: Path, answer: str = "", **env: str) -> tuple[int, str]:
    """Run a command line with a terminal on all three streams; answers with its exit code and all that it showed."""
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | env
    running = subprocess.Popen(
        [sys.executable, "-m", "unipipe_tui", *words],
        cwd=cwd,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    try:
        while select.select([ours], [], [], PATIENCE_SECONDS)[0] and (piece := os.read(ours, 65536)):
            shown += piece
    except OSError:
        # This is how a terminal says that nobody writes to it any more.
        pass
    finally:
        running.terminate()
        os.close(ours)
    return running.wait(PATIENCE_SECONDS), shown.decode(errors="replace")


def test_on_a_colour_terminal_only_our_own_colours_are_sent(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", HOSTILE_STAGES)

    exit_code, shown = _on_a_terminal("pipeline", "run", "hostile", "--yes", cwd=project, TERM="xterm-256color")

    assert exit_code == 0, shown
    assert "\x1b[" in shown, "no colour at all: this test would prove nothing"
    assert "[red]loud[/red]" in shown
    assert "\x1b]" not in shown and "\x07" not in shown and "\x9b" not in shown


def test_a_document_on_a_terminal_shows_what_the_terminal_would_act_on(project: Path) -> None:
    world_at(project).run_index.take("mlflow", "sqlite:///mlflow.db", batch_of(Made("aaaa1111", params={"p": HOSTILE})))

    for words in (("runs", "export"), ("runs", "list", "--csv")):
        exit_code, shown = _on_a_terminal(*words, "--columns", "params.p", cwd=project, TERM="xterm", NO_COLOR="1")

        assert exit_code == 0, shown
        assert r"[red]bold[/red] \x1b[31mred\x1b[0m \x1b]0;owned\x07" in shown
        assert not ACTED_ON.search(shown.replace("\r\r\n", "\n"))


def test_without_a_terminal_the_workbench_is_not_opened_and_nothing_is_asked(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    alone = unipipe(cwd=project)
    change = unipipe("pipeline", "run", cwd=project)

    assert alone.exit_code == change.exit_code == 2
    assert "no terminal" in alone.stderr and "unipipe status" in alone.stderr
    assert "--yes" in change.stderr and "--dry-run" in change.stderr
    assert not (project / "one.txt").exists()
    assert unipipe("jobs", "list", "--json", cwd=project).json["total"] == 0


def test_on_a_terminal_what_is_dangerous_wants_its_name_and_a_yes_is_not_enough(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("commands:\n  - {name: wipe, run: [touch, wiped], dangerous: true}\n")

    def asked(answer: str) -> tuple[int, bool]:
        words = ("user", "run", "wipe")
        exit_code, shown = _on_a_terminal(*words, cwd=project, answer=answer, UNIPIPE_CONFIG=str(config))
        assert "wipe is dangerous; type its name to apply this plan:" in shown
        return exit_code, (project / "wiped").exists()

    assert [asked("y\n"), asked("\n"), asked("wipe\n")] == [(2, False), (2, False), (0, True)]


def test_a_dumb_terminal_gets_a_hint_instead_of_the_workbench_and_no_escape_sequences(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    alone, hint = _on_a_terminal(cwd=project, TERM="dumb")
    looked, board = _on_a_terminal("status", cwd=project, TERM="dumb")

    assert alone == 2 and "TERM" in hint and "unipipe status" in hint
    assert looked == 0 and "transform" in board
    assert "\x1b" not in hint + board


@pytest.mark.parametrize(("answer", "exit_code", "made"), [("\n", 2, False), ("nah\n", 2, False), ("y\n", 0, True)])
def test_a_change_asks_on_a_terminal_and_anything_but_yes_leaves_all_as_it_is(
    tmp_path: Path, answer: str, exit_code: int, made: bool
) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    ended, shown = _on_a_terminal("pipeline", "run", cwd=project, answer=answer, TERM="xterm")

    assert ended == exit_code, shown
    assert "Apply this plan? [y/N]" in shown
    assert (project / "one.txt").exists() == made


@pytest.mark.parametrize("line", ["status", "--help", "pipeline show --json", "jobs logs last"])
def test_a_reader_that_stops_early_sees_no_traceback(tmp_path: Path, line: str) -> None:
    stage = "stages:\n  many:\n    cmd: seq 1 20000\n    always_changed: true\n"
    project = dvc_project(tmp_path / "project", stage if "logs" in line else ONE_STAGE)
    if "logs" in line:
        assert unipipe("pipeline", "run", "--yes", cwd=project).exit_code == 0
        line += " --lines 20000"

    done = subprocess.run(
        f'"{sys.executable}" -m unipipe_tui {line} | head -1',
        shell=True,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_reader_of_the_narration_that_goes_away_takes_nothing_from_the_answer(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "unipipe_tui", "pipeline", "run", "--yes", "--json"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=writing,
        check=False,
    )
    os.close(writing)

    assert done.returncode == 0
    assert json.loads(done.stdout)["stages"][0]["stage"] == "only"


def test_an_answer_that_cannot_be_written_is_a_failure_not_a_traceback(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "unipipe_tui", "status"],
            cwd=project,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "No space left" in done.stderr and "Traceback" not in done.stderr


def test_file_and_stage_names_of_other_alphabets_are_kept(tmp_path: Path) -> None:
    stages = """\
stages:
  größe:
    cmd: cp "eingänge/数据 1.csv" ausgänge.csv
    deps: ["eingänge/数据 1.csv"]
    outs: [ausgänge.csv]
"""
    folder = tmp_path / "проект ✓"
    (folder / "eingänge").mkdir(parents=True)
    (folder / "eingänge" / "数据 1.csv").write_text("a\n1\n")
    project = dvc_project(folder, stages)

    ran = unipipe("pipeline", "run", "--commit", "--yes", "--json", cwd=project)
    (project / "eingänge" / "数据 1.csv").write_text("a\n2\n")
    plan = unipipe("pipeline", "plan", cwd=project, PYTHONIOENCODING="ascii")

    assert ran.exit_code == 0, ran.stderr
    assert ran.json["stages"][0]["stage"] == "größe"
    assert plan.exit_code == 0 and "数据 1.csv" in plan.stdout
    assert unipipe("status", "--json", cwd=project).json["project"]["name"] == "проект ✓"
    assert "ausgänge.csv" in git("-c", "core.quotePath=false", "show", "HEAD", cwd=project)
