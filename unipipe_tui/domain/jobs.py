"""Jobs: executions of a change."""

from __future__ import annotations

import dataclasses
import json
import secrets
from datetime import UTC, datetime
from enum import StrEnum

from unipipe_tui.domain.values import frozen

DETACHED_JOB = "UNIPIPE_DETACHED_JOB"
"""The environment variable that tells a process which detached job it is; empty: none."""
LAUNCH_FILE = "request.json"
"""Where a detached job's launch is kept, in the job's folder."""


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SAID_NO = "said no"
    REFUSED = "refused"
    STOPPED = "stopped"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from the job."""
        return self is not JobState.RUNNING


@frozen
class Job:
    """One execution of a change, as the store knows it."""

    id: str
    action: str
    """The capability's name: `models promote`."""
    command: str
    """The command line, quoted for a shell."""
    actor: str
    state: JobState
    started: datetime
    pid: int
    pid_started: float
    """When that process was created, in seconds since the epoch: tells it from a later one with the same number."""
    ended: datetime | None = None
    message: str = ""
    exit_code: int | None = None
    quiet: bool = False
    """Whether nothing came of it, as of a round of a watch that found nothing new: nobody need see it."""

    def seconds(self, now: datetime) -> float:
        """How long the job took, or has taken so far."""
        return ((self.ended or now) - self.started).total_seconds()


def state_of_exit(exit_code: int) -> JobState:
    """The state that a job ends in, told by the exit code of its process."""
    return {
        0: JobState.DONE,
        4: JobState.SAID_NO,
        5: JobState.REFUSED,
        130: JobState.STOPPED,
    }.get(exit_code, JobState.FAILED)


@frozen
class Launch:
    """How a detached job was started: all that is known of it until its work begins and it is recorded."""

    argv: tuple[str, ...]
    at: float
    """Seconds since the epoch, as `pid_started`."""
    pid: int
    pid_started: float

    def to_json(self) -> str:
        """As text, for `launch_of`."""
        return json.dumps(dataclasses.asdict(self))


@frozen
class JobStart:
    """What a process that stands by must know to become a job."""

    words: tuple[str, ...]
    cwd: str
    output: str
    """The file that it writes to."""
    env: dict[str, str]
    """Laid over the environment."""

    def to_json(self) -> str:
        """As one line, for `from_json`."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(line: str) -> JobStart:
        """What a line of `to_json` says."""
        said = json.loads(line)
        return JobStart(tuple(said["words"]), said["cwd"], said["output"], said["env"])


def launch_of(text: str) -> Launch | None:
    """The launch that a file tells; None when it tells none."""
    try:
        said = json.loads(text)
        return Launch(tuple(said["argv"]), float(said["at"]), int(said["pid"]), float(said["pid_started"]))
    except (ValueError, TypeError, KeyError):
        return None


@frozen
class StageTiming:
    """How long a stage took the last time that it really ran."""

    address: str
    seconds: float
    at: datetime
    job: str


def new_job_id(now: float) -> str:
    """An id that sorts by time and can be typed: `20261121-084501-3f9a2c` (UTC and six random hexadecimal digits)."""
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
