"""Jobs: ids that sort by time, states that exit codes tell."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from unipipe_tui.domain.errors import ExitCode
from unipipe_tui.domain.jobs import Job, JobState, new_job_id, state_of_exit

NOON = datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC)


def test_ids_sort_by_time_and_tell_it_in_utc() -> None:
    first, second = new_job_id(NOON.timestamp()), new_job_id((NOON + timedelta(seconds=1)).timestamp())
    assert re.fullmatch(r"20261121-120001-[0-9a-f]{6}", first)
    assert first < second
    assert new_job_id(0.0) != new_job_id(0.0)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (ExitCode.DONE, JobState.DONE),
        (ExitCode.FAILED, JobState.FAILED),
        (ExitCode.USAGE, JobState.FAILED),
        (ExitCode.TOOL_MISSING, JobState.FAILED),
        (ExitCode.CHECK_SAID_NO, JobState.SAID_NO),
        (ExitCode.REFUSED, JobState.REFUSED),
        (ExitCode.STOPPED, JobState.STOPPED),
        (-9, JobState.FAILED),
    ],
)
def test_an_exit_code_tells_how_the_job_ended(code: int, state: JobState) -> None:
    assert state_of_exit(code) is state


def test_only_a_running_job_has_more_to_say() -> None:
    assert [state for state in JobState if not state.ended] == [JobState.RUNNING]


def test_a_running_job_has_taken_the_time_until_now_and_an_ended_one_until_its_end() -> None:
    job = Job("j", "a", "c", "ada", JobState.RUNNING, NOON, 1, 0.0)
    assert job.seconds(NOON + timedelta(seconds=5)) == 5
    ended = Job("j", "a", "c", "ada", JobState.DONE, NOON, 1, 0.0, ended=NOON + timedelta(seconds=2))
    assert ended.seconds(NOON + timedelta(seconds=5)) == 2
