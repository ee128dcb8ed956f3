"""A measured figure, and the fair way to measure two things against each other."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

QUIET = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Figure:
    """One measurement: medians in seconds, and whatever else was counted."""

    figure: str
    wanted: str
    """What it should be; a ratio is ours divided by the peer's."""
    runs: int
    median_seconds: float | None = None
    peer: str | None = None
    peer_median_seconds: float | None = None
    counted: Mapping[str, float | int] = field(default_factory=dict)

    def line(self) -> str:
        """The figure as one line of JSON."""
        ratio = None
        if self.median_seconds is not None and self.peer_median_seconds:
            ratio = round(self.median_seconds / self.peer_median_seconds, 3)
        document = {
            "figure": self.figure,
            "median_seconds": _rounded(self.median_seconds),
            "peer": self.peer,
            "peer_median_seconds": _rounded(self.peer_median_seconds),
            "ratio": ratio,
            "wanted": self.wanted,
            "runs": self.runs,
            **self.counted,
        }
        return json.dumps(document)


def against(
    name: str, ours: Callable[[], None], peer_name: str, peer: Callable[[], None], wanted: str, runs: int
) -> Figure:
    """Measure both in turn, the first of each pair alternating, so that a busy moment of the machine hits both."""
    ours()
    peer()
    mine: list[float] = []
    theirs: list[float] = []
    for number in range(runs):
        pair = [(mine, ours), (theirs, peer)]
        for taken, act in pair if number % 2 == 0 else reversed(pair):
            taken.append(seconds_of(act))
    return Figure(name, wanted, runs, statistics.median(mine), peer_name, statistics.median(theirs))


def alone(name: str, act: Callable[[], None], wanted: str, runs: int) -> Figure:
    """Measure one thing, after a first time that does not count."""
    act()
    return Figure(name, wanted, runs, statistics.median(seconds_of(act) for _ in range(runs)))


def seconds_of(act: Callable[[], object]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def said(argv: Sequence[str | Path], cwd: Path | None = None, **env: str) -> str:
    """Run a program to its end and answer with its stdout; fails when the program does."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env={**os.environ, **QUIET, **env},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{argv} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
