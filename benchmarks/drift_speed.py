"""How long two large sets take to be compared, and how much memory: the whole command, beside a script that asks Evidently.

    export UNIPIPE_EVIDENTLY=/path/to/its/environment/bin/python   # Evidently 0.7 with pandas < 3.1; no peer without it
    python benchmarks/run.py --only drift-warm --only drift-cold

`benchmarks/peers/make_expected.py` tells how that environment is made.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from figures import QUIET, Figure, said

UNIPIPE = Path(sys.executable).with_name("unipipe")
PEER = os.environ.get("UNIPIPE_EVIDENTLY")
REPORT = Path(__file__).parent / "peers" / "report_of_evidently.py"
RUNS = 5
RUNS_OF_PEER = 2
MILLION = 1_000_000
INTERRUPTED_AFTER_SECONDS = 1.0
"""After it said that it compares."""
STOPPED = 130


@dataclass(frozen=True)
class Ran:
    """A program that has ended."""

    seconds: float
    megabytes: float
    """The most that it, or one of the programs that it waited for, held at once."""
    processor_seconds: float


@dataclass(frozen=True)
class Sets:
    """Two sets of one shape, and the workspace in which they are compared."""

    workspace: Path
    reference: Path
    current: Path

    @property
    def command(self) -> list[str]:
        """Ours."""
        sides = ("--reference", self.reference, "--current", self.current)
        return list(map(str, (UNIPIPE, "drift", "check", *sides, "--json")))

    def forget(self) -> None:
        """Count the reference anew next time."""
        shutil.rmtree(self.workspace / ".unipipe" / "cache" / "profiles", ignore_errors=True)

    def compare(self) -> Ran:
        """By Unipipe."""
        return _ran(self.command, self.workspace)

    def compare_anew(self) -> Ran:
        """The same with a reference that it never saw."""
        self.forget()
        return self.compare()


def warm(workspace: Path) -> Figure:
    """A million rows of twenty columns, the reference counted before, beside Evidently with the same method."""
    with _made(workspace, MILLION, 20) as sets:
        sets.compare()
        return _beside("warm", sets, sets.compare, "psi", "1.5 s, 600 MB; ratio <= 0.04, memory <= 0.333")


def cold(workspace: Path) -> Figure:
    """The same, with a reference that was never counted."""
    with _made(workspace, MILLION, 20) as sets:
        return _beside("cold", sets, sets.compare_anew, "psi", "4 s, 600 MB; ratio <= 0.1, memory <= 0.333")


def beside_defaults(workspace: Path) -> Figure:
    """The same with a warm reference, beside what Evidently does when it is told no method."""
    with _made(workspace, MILLION, 20) as sets:
        sets.compare()
        return _beside("warm, by default", sets, sets.compare, "", "ratio <= 0.0167, memory <= 0.333")


def long(workspace: Path) -> Figure:
    """Ten million rows of twenty columns, the reference counted in the same command."""
    with _made(workspace, 10 * MILLION, 20) as sets:
        return _alone("10,000,000 x 20, cold", [sets.compare_anew() for _ in range(2)], "20 s, 1500 MB")


def wide(workspace: Path) -> Figure:
    """A million rows of two hundred columns, the reference counted in the same command; and a Ctrl-C on the way."""
    with _made(workspace, MILLION, 200) as sets:
        figure = _alone("1,000,000 x 200, cold", [sets.compare_anew() for _ in range(2)], "60 s, 2000 MB, ends in 2 s")
        sets.forget()
        stopped = _seconds_to_stop(sets)
    return Figure(**{**vars(figure), "counted": {**figure.counted, "seconds_from_ctrl_c": round(stopped, 2)}})


def _beside(name: str, sets: Sets, ours: object, method: str, wanted: str) -> Figure:
    assert callable(ours)
    mine: list[Ran] = []
    theirs: list[Ran] = []
    for number in range(RUNS):
        mine.append(ours())
        if PEER and number < RUNS_OF_PEER:
            asked = [str(sets.reference), str(sets.current), *([method] if method else [])]
            theirs.append(_ran([PEER, str(REPORT), *asked], sets.workspace))
    figure = _alone(f"drift check, 1,000,000 x 20, {name}", mine, wanted)
    if not theirs:
        return figure
    memory, of_peer = max(one.megabytes for one in mine), max(one.megabytes for one in theirs)
    return Figure(
        figure.figure,
        wanted,
        RUNS,
        figure.median_seconds,
        f"Evidently, {method or 'its defaults'}",
        statistics.median(one.seconds for one in theirs),
        {**figure.counted, "peer_megabytes": round(of_peer), "memory_ratio": round(memory / of_peer, 3)},
    )


def _alone(name: str, ran: Sequence[Ran], wanted: str) -> Figure:
    counted = {
        "megabytes": round(max(one.megabytes for one in ran)),
        "processor_seconds": round(statistics.median(one.processor_seconds for one in ran), 2),
        "load": round(os.getloadavg()[0], 1),
    }
    return Figure(name, wanted, len(ran), statistics.median(one.seconds for one in ran), counted=counted)


@contextmanager
def _made(workspace: Path, rows: int, columns: int) -> Iterator[Sets]:
    """Two sets of the same kind of numbers, that nobody can tell apart but by chance."""
    with tempfile.TemporaryDirectory(prefix="unipipe-drift-") as place:
        sets = Sets(workspace, Path(place) / "reference.parquet", Path(place) / "current.parquet")
        for path, seed in ((sets.reference, 0.1), (sets.current, 0.2)):
            # By another process: what a program holds when it starts one counts as held by that one as well.
            said([sys.executable, __file__, path, str(rows), str(columns), str(seed)])
        # A file that was only just written is hashed every time.
        time.sleep(3)
        yield sets
        sets.forget()


def _write(path: Path, rows: int, columns: int, seed: float) -> None:
    """Of ten columns seven hold fractions, one large whole numbers, one a few texts and one a few whole numbers."""
    kinds = {
        7: "CAST(random() * 100000 AS BIGINT)",
        8: "'c' || CAST(CAST(random() * random() * 12 AS INT) AS VARCHAR)",
        9: "CAST(random() * 8 AS INT)",
    }
    made = [
        kinds.get(place % 10, f"sqrt(-2 * ln(random() + 1e-12)) * cos(6.283 * random()) * {place + 1} + {place}")
        for place in range(columns)
    ]
    listed = ", ".join(f"{expression} AS column_{place}" for place, expression in enumerate(made))
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '2GB'")
        connection.execute("SELECT setseed(?)", [seed])
        connection.execute(f"COPY (SELECT {listed} FROM range({rows})) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def _ran(argv: Sequence[str], folder: Path) -> Ran:
    begun = time.perf_counter()
    program = _started(argv, folder)
    _, status, used = os.wait4(program.pid, 0)
    seconds = time.perf_counter() - begun
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit(f"{argv} ended with {program.returncode}")
    return Ran(seconds, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)


def _seconds_to_stop(sets: Sets) -> float:
    """From a Ctrl-C in the midst of counting to the end of the program."""
    program = _started(sets.command, sets.workspace, stderr=subprocess.PIPE)
    assert program.stderr is not None
    program.stderr.readline()
    time.sleep(INTERRUPTED_AFTER_SECONDS)
    begun = time.perf_counter()
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    if program.returncode != STOPPED:
        raise SystemExit(f"It was to be stopped and ended with {program.returncode}")
    return time.perf_counter() - begun


def _started(argv: Sequence[str], folder: Path, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen(argv, cwd=folder, env={**os.environ, **QUIET}, stdin=nothing, stdout=nothing, stderr=stderr)


if __name__ == "__main__":
    _write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
