"""Jobs: their rows, and the files of what they said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from tests.store.made import NOON, job
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.events import Advanced, Event, Noted, StepEnded, StepStarted, ToolSaid, ToolStarted
from unipipe_tui.domain.jobs import JobState, StageTiming
from unipipe_tui.store.database import Database
from unipipe_tui.store.jobs import EventFile, JobFolders, JobRecords


@pytest.fixture
def records(database: Database) -> JobRecords:
    """Three jobs, of which the second began last."""
    records = JobRecords(database)
    for written in (
        job("20261121-120000-aaaaaa", 0),
        job("20261121-120200-abcdef", 2),
        job("20261121-120100-bbbbbb", 1),
    ):
        records.begin(written)
    return records


@pytest.fixture
def folders(tmp_path: Path) -> JobFolders:
    return JobFolders(tmp_path / "jobs")


def test_a_job_is_found_by_its_id_by_a_part_of_it_and_as_the_last(records: JobRecords) -> None:
    assert records.find("20261121-120000-aaaaaa") == job("20261121-120000-aaaaaa", 0)
    assert records.find("bbbb") == job("20261121-120100-bbbbbb", 1)
    assert records.find("last") == job("20261121-120200-abcdef", 2)
    assert records.find("nothing of the kind") is None
    assert records.find("%") is None
    assert records.find("\udcff") is None


def test_a_part_that_several_ids_have_is_refused_with_their_number(records: JobRecords) -> None:
    with pytest.raises(UsageError, match="3 jobs have 20261121"):
        records.find("20261121")


def test_an_id_that_is_a_part_of_another_is_found_nevertheless(database: Database) -> None:
    records = JobRecords(database)
    records.begin(job("short", 0))
    records.begin(job("shorter", 1))
    found = records.find("short")
    assert found is not None
    assert found.id == "short"


def test_the_newest_jobs_come_first(records: JobRecords) -> None:
    assert [found.id[-6:] for found in records.latest(2)] == ["abcdef", "bbbbbb"]
    assert records.latest(-1) == ()
    assert records.total() == 3


def test_a_job_that_ended_is_the_same_row_with_its_end(records: JobRecords) -> None:
    ended = dataclasses.replace(
        job("20261121-120000-aaaaaa", 0),
        state=JobState.FAILED,
        ended=NOON + timedelta(seconds=90),
        message="it's broken: \udcff",
        exit_code=1,
    )
    records.end(ended)
    assert records.find("aaaaaa") == dataclasses.replace(ended, message="it's broken: \\udcff")
    assert records.total() == 3


def test_the_end_is_recorded_although_the_beginning_was_not(database: Database) -> None:
    JobRecords(database).end(job("lonely"))
    assert JobRecords(database).find("lonely") == job("lonely")


def test_only_real_executions_of_a_stage_tell_how_long_it_takes(database: Database) -> None:
    records = JobRecords(database)
    timings = [(30.0, 0, "ran"), (40.0, 5, "ran"), (0.1, 9, "skipped"), (50.0, 2, "ran")]
    records.record_stages(
        tuple((StageTiming("train", s, NOON + timedelta(minutes=m), f"job {m}"), outcome) for s, m, outcome in timings)
    )
    assert records.last_timings() == {"train": StageTiming("train", 40.0, NOON + timedelta(minutes=5), "job 5")}


def test_the_executions_of_a_stage_are_told_newest_first_and_the_last_says_whether_it_failed(
    database: Database,
) -> None:
    records = JobRecords(database)
    told = [
        ("a", 1.0, 0, "ran"),
        ("a", 2.0, 5, "failed"),
        ("a", 0.1, 9, "skipped"),
        ("b", 3.0, 1, "failed"),
        ("b", 4.0, 2, "ran"),
    ]
    records.record_stages(
        tuple((StageTiming(name, s, NOON + timedelta(minutes=m), "j"), outcome) for name, s, m, outcome in told)
    )
    assert [(timing.seconds, outcome) for timing, outcome in records.executions("a", 5)] == [
        (2.0, "failed"),
        (1.0, "ran"),
    ]
    assert len(records.executions("b", 1)) == 1
    assert records.executions("\udcff", 5) == ()
    assert records.failed_stages() == {"a"}


def test_what_a_job_said_is_read_back_without_the_line_that_a_kill_tore(folders: JobFolders) -> None:
    events = EventFile(folders.create("j"))
    events.write(ToolStarted(("dvc", "repro"), 42))
    events.write(ToolSaid("dvc", "Grüße\u2028 \x1b[31m"))
    events.close()
    with (folders.path("j") / "events.jsonl").open("a") as file:
        file.write('{"at": 1.0, "event": "Noted", "te')
    assert [event for _, event in folders.events("j")] == [
        ToolStarted(("dvc", "repro"), 42),
        ToolSaid("dvc", "Grüße\u2028 \x1b[31m"),
    ]


def test_a_follower_sees_what_is_said_later_and_each_event_once(folders: JobFolders) -> None:
    following = folders.follow("j")
    assert next(following) is None
    events = EventFile(folders.create("j"))
    events.write(Noted("one"))
    events.write(Noted("two"))
    assert [found[1] for found in (next(following), next(following)) if found] == [Noted("one"), Noted("two")]
    assert next(following) is None
    path = folders.path("j") / "events.jsonl"
    with path.open("a") as file:
        file.write('{"at": 1.0, "event": "Noted", ')
    assert next(following) is None
    with path.open("a") as file:
        file.write('"text": "three"}\n')
    later = next(following)
    assert later == (1.0, Noted("three"))
    assert next(following) is None
    events.close()


def test_a_job_without_files_has_said_nothing(folders: JobFolders) -> None:
    assert folders.events("never") == ()
    assert folders.result("never") is None
    assert folders.output("never") == ""
    assert not folders.folder.exists()


def test_a_result_is_kept_in_one_piece_and_replaced(folders: JobFolders) -> None:
    folders.write_result("j", '{"a": 1}')
    folders.write_result("j", '{"a": "ü"}')
    assert folders.result("j") == '{"a": "ü"}'
    assert [file.name for file in folders.path("j").iterdir()] == ["result.json"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file where the folder should be")
    with pytest.raises(Failed):
        JobFolders(tmp_path / "jobs").create("j")


def test_what_a_detached_process_wrote_is_shown_even_when_it_is_no_text(folders: JobFolders) -> None:
    (folders.create("j") / "output.log").write_bytes(b"Traceback \xff\n")
    assert folders.output("j") == "Traceback \ufffd\n"


def said(folders: JobFolders, job_id: str, *events: Event) -> None:
    file = EventFile(folders.create(job_id))
    for event in events:
        file.write(event)
    file.close()


def there(news: Iterator[tuple[float, Event] | None]) -> list[Event]:
    """All events that are there by now."""
    return [event[1] for event in takewhile(lambda one: one is not None, news) if event]


def test_of_a_long_log_the_newest_whole_events_are_followed_and_the_lines_before_are_counted(
    folders: JobFolders,
) -> None:
    said(
        folders, "j", *(event for n in range(100) for event in (Noted(f"{n:03} {'x' * 50}"), Advanced(n, 100, "rows")))
    )
    lines = [event for event in there(folders.follow("j", 1_000)) if isinstance(event, Noted)]

    assert lines[-1].text.startswith("099")
    assert 3 < len(lines) < 10
    assert folders.lines_before("j", 1_000) + len(lines) == 100
    assert folders.lines_before("j", 1_000_000) == 0


def test_what_a_job_says_in_many_pieces_is_read_as_whole_events(folders: JobFolders) -> None:
    long = "y" * 300_000
    said(folders, "j", *(Noted(f"{number} {long}") for number in range(9)))
    notes = [event for event in there(folders.follow("j")) if isinstance(event, Noted)]

    assert [note.text[:1] for note in notes] == list("012345678")


def test_steps_are_found_without_what_was_said_between_them(folders: JobFolders) -> None:
    tricky = ToolSaid("dvc", '{"event": "StepStarted", "name": "not a step"}')
    events = (
        StepStarted("ingest", 1, 2),
        tricky,
        Advanced(1, 2, "rows"),
        StepEnded("ingest", "done", 1.0),
        StepStarted("train", 2, 2),
        *[tricky] * 50,
        Advanced(3, 9, "trees"),
        Advanced(4, 9, "trees"),
        tricky,
    )
    said(folders, "j", *events)

    assert [event for _, event in folders.steps("j")] == [events[0], events[3], events[4], Advanced(4, 9, "trees")]
    assert folders.steps("nobody") == ()
    assert folders.last_said_at("nobody") is None
    assert folders.last_said_at("j") is not None
