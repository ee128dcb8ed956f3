"""The store when it is newer, damaged, held by somebody else, or on a disk that is full: nothing is overwritten, nothing lies."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Said, made_once, unipipe
from tests.journeys.faults import dvc_project

ONE_STAGE = "stages:\n  only:\n    cmd: echo one > one.txt\n    outs: [one.txt]\n"
HEADERS = 12288
HOLD = """\
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def used(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A project whose store knows one job."""

    def make(folder: Path) -> None:
        dvc_project(folder, ONE_STAGE)
        assert unipipe("pipeline", "run", "--yes", cwd=folder).exit_code == 0

    template = made_once(tmp_path_factory, "used-template", make)
    return Path(shutil.copytree(template, tmp_path / "project", symlinks=True))


def _store(project: Path) -> Path:
    return project / ".unipipe" / "unipipe.duckdb"


def _set_aside(project: Path) -> list[Path]:
    return sorted((project / ".unipipe").glob("unipipe.duckdb.damaged-*"))


def test_a_store_of_a_newer_program_is_refused_and_left_as_it_is(used: Path) -> None:
    with duckdb.connect(str(_store(used))) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    before = _store(used).read_bytes()

    listed = unipipe("jobs", "list", cwd=used)
    changed = unipipe("pipeline", "run", "--force", "--yes", cwd=used)
    board = unipipe("status", "--json", cwd=used)

    assert listed.exit_code == changed.exit_code == 5
    for said in (listed, changed):
        assert "newer Unipipe" in said.stderr and "Upgrade" in said.stderr
    assert board.exit_code == 0
    states = {step["name"]: step for step in board.json["steps"]}
    assert states["transform"]["state"] == "ok" and "newer Unipipe" in states["train"]["headline"]
    assert _store(used).read_bytes() == before and _set_aside(used) == []


def _garbage(store: bytes) -> bytes:
    return os.urandom(len(store))


def _cut_off(store: bytes) -> bytes:
    return store[: HEADERS + 4096]


def _scribbled_over(store: bytes) -> bytes:
    return store[:HEADERS] + os.urandom(len(store) - HEADERS)


def _emptied(store: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_garbage, _cut_off, _scribbled_over, _emptied])
def test_a_damaged_store_is_told_of_and_set_aside_and_the_next_change_works(
    used: Path, damage: Callable[[bytes], bytes]
) -> None:
    damaged = damage(_store(used).read_bytes())
    _store(used).write_bytes(damaged)

    checked = unipipe("store", "check", cwd=used)
    board = unipipe("status", cwd=used)
    changed = unipipe("pipeline", "run", "--force", "--yes", cwd=used)

    assert checked.exit_code == 1 and "damaged" in checked.stderr and "backup" in checked.stderr
    assert board.exit_code == 0 and "damaged" in board.stdout and "Traceback" not in board.stderr
    assert changed.exit_code == 0, changed.stderr
    (aside,) = _set_aside(used)
    assert aside.read_bytes() == damaged
    (notice,) = unipipe("store", "check", "--json", cwd=used).json["notices"]
    assert aside.name in notice["text"]
    assert any(aside.name in text for text in unipipe("status", "--json", cwd=used).json["notices"])
    assert unipipe("jobs", "list", "--json", cwd=used).json["total"] == 1


def test_a_store_that_another_program_holds_open_is_waited_for_by_the_user_and_not_set_aside(used: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(_store(used))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"

    refused = unipipe("pipeline", "run", "--force", "--yes", cwd=used)
    holder.communicate("")

    assert refused.exit_code == 1
    assert "another program" in refused.stderr.replace("Another", "another") and "Traceback" not in refused.stderr
    assert _set_aside(used) == []
    assert unipipe("pipeline", "run", "--force", "--yes", cwd=used).exit_code == 0
    assert unipipe("jobs", "list", "--json", cwd=used).json["total"] == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB, where this machine lets us mount one."""
    place = tmp_path / "small-disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def _fill(disk: Path, but: int = 0) -> Path:
    """Fill the disk but for some bytes."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        file.write(b"\0" * max(0, free - but))
    return filler


def test_on_a_full_disk_a_change_is_refused_before_it_does_anything_and_looks_still_answer(small_disk: Path) -> None:
    project = dvc_project(small_disk / "project", ONE_STAGE)
    assert unipipe("pipeline", "run", "--yes", cwd=project).exit_code == 0
    (project / "one.txt").unlink()
    filler = _fill(small_disk)

    changed = unipipe("pipeline", "run", "--yes", cwd=project)
    looks = [unipipe(*look.split(), cwd=project) for look in ("status", "jobs list", "pipeline plan", "doctor")]

    assert changed.exit_code == 1, changed.stderr
    assert "Free some room" in changed.stderr and "Traceback" not in changed.stderr
    assert not (project / "one.txt").exists()
    assert [(look.exit_code, "Traceback" in look.stderr) for look in looks] == [(0, False)] * 4
    filler.unlink()
    assert unipipe("pipeline", "run", "--yes", cwd=project).exit_code == 0
    assert unipipe("store", "check", "--json", cwd=project).json["notices"] == []
    assert unipipe("audit", "verify", cwd=project).exit_code == 0
    assert _set_aside(project) == []


def test_on_a_full_disk_a_watch_says_so_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    (small_disk / "unipipe.yaml").write_text("project: small\n")
    assert unipipe("monitor", "run", cwd=small_disk).exit_code == 0
    filler = _fill(small_disk)

    refused = unipipe("monitor", "run", cwd=small_disk)
    filler.unlink()

    assert refused.exit_code == 1
    assert "The disk is full" in refused.stderr and "Traceback" not in refused.stderr
    assert unipipe("monitor", "run", cwd=small_disk).exit_code == 0


def test_a_job_that_fills_the_disk_tells_its_own_failure_and_leaves_a_sound_store(small_disk: Path) -> None:
    stages = "stages:\n  greedy:\n    cmd: head -c 100000000 /dev/zero > big.bin\n    outs: [big.bin]\n"
    project = dvc_project(small_disk / "project", stages)

    failed = unipipe("pipeline", "run", "--yes", cwd=project)

    assert failed.exit_code == 1
    assert "greedy failed" in failed.stderr and "No space left" in failed.stderr and "Traceback" not in failed.stderr
    (project / "big.bin").unlink(missing_ok=True)
    (job,) = unipipe("jobs", "list", "--json", cwd=project).json["jobs"]
    assert job["state"] in ("failed", "lost")
    (project / "dvc.yaml").write_text(ONE_STAGE)
    assert unipipe("pipeline", "run", "--yes", cwd=project).exit_code == 0
    assert unipipe("store", "check", cwd=project).exit_code == 0
    assert _set_aside(project) == []


def test_a_store_that_may_not_grow_is_told_of_like_a_full_disk(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    def may_write_little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-m", "unipipe_tui", "pipeline", "run", "--yes"],
        cwd=project,
        capture_output=True,
        text=True,
        preexec_fn=may_write_little,
        check=False,
    )
    said = Said(done.returncode, done.stdout, done.stderr)

    assert said.exit_code == 1
    assert "Free some room" in said.stderr and "Traceback" not in said.stderr
    assert not (project / "one.txt").exists()
    assert unipipe("pipeline", "run", "--yes", cwd=project).exit_code == 0
