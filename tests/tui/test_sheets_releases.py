"""Targets and releases as tables and lines: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes import NOON
from unipipe_tui.actions.releases import ReleaseLine, ReleaseList, TargetView
from unipipe_tui.actions.serve import Servers
from unipipe_tui.domain.serving import ServerState, ServerStatus, TrafficWindow
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.releases import releases_sheet, target_lines, targets_sheet

URL = "http://127.0.0.1:8765"
READY = ServerStatus("local", ServerState.READY, URL, 4711, "fraud", 2, "ab" * 32, NOON, 10_432)
DIED = ServerStatus("far", ServerState.DIED, URL, error="it ended \x1b[31mwithout a word")
NEWEST = ReleaseLine(
    "local", "fraud", 2, NOON, None, True, "models promote", "ada", "c" * 40, "dd" * 16, "r2", "ab" * 32, "job-1"
)
BEFORE = replace(NEWEST, version=1, at=NOON - timedelta(hours=2), until=NOON, live=False, action=None, job="job-0")
VIEW = TargetView(
    target="local",
    kind="local",
    server=READY,
    follows="champion",
    wanted=3,
    release=NEWEST,
    predictions=10_432,
    labels=90,
    traffic=TrafficWindow(200, NOON, NOON, 2, 90, 10, 1, 2, 77, 4.2, 11.6),
    alerts=(),
    example='{"amount": 2.5}',
    remarks=("It answers with version 2, but champion names version 3.",),
)


def texts(sheet: Sheet) -> list[dict[str, str]]:
    keys = [column.key for column in sheet.columns]
    return [dict(zip(keys, (cell.text for cell in row.cells), strict=True)) for row in sheet.rows]


def plain(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def test_a_target_tells_its_state_by_glyph_and_word_and_what_is_wrong_with_it() -> None:
    ready, died = texts(targets_sheet(Servers((READY, DIED))))

    assert (ready["state"], ready["version"], ready["requests"]) == ("● ready", "fraud 2", "10,432")
    assert (died["state"], died["version"], died["error"]) == ("✗ died", "–", "it ended without a word")


def test_a_release_tells_for_how_long_it_was_live() -> None:
    newest, before = texts(releases_sheet(ReleaseList((NEWEST, BEFORE), 2)))

    assert (newest["version"], newest["until"], newest["action"]) == ("● fraud 2", "live", "models promote")
    assert (before["version"], before["until"], before["action"]) == ("· fraud 1", "2 h 00 m", "–")


def test_a_column_for_what_is_wrong_is_only_there_when_something_is() -> None:
    assert "error" not in texts(targets_sheet(Servers((READY,))))[0]
    assert "error" in texts(targets_sheet(Servers((READY, DIED))))[0]


def test_of_a_release_that_nothing_ended_and_nobody_answers_with_it_is_not_known_how_long_it_was_live() -> None:
    found = texts(releases_sheet(ReleaseList((replace(NEWEST, live=False),), 1)))
    assert found[0]["until"] == "not known"


def test_the_target_is_only_named_where_there_are_several() -> None:
    assert "target" not in texts(releases_sheet(ReleaseList((NEWEST, BEFORE), 2)))[0]
    two = releases_sheet(ReleaseList((NEWEST, replace(BEFORE, target="far")), 2))
    assert [row["target"] for row in texts(two)] == ["local", "far"]


def test_a_target_tells_what_to_do_what_it_answers_with_and_how() -> None:
    text = plain(target_lines(VIEW))

    for line in (
        "! It answers with version 2, but champion names version 3.",
        "answers with    fraud version 2",
        "follows         champion: version 3",
        "requests        10,432 since it started",
        "latency         p50 4.2 ms, p95 11.6 ms",
        "labelled        90 of them; 87 right, 1 false alarm, 2 missed",
        '{"amount": 2.5}',
    ):
        assert line in text


def test_a_target_of_which_little_is_known_is_shown_all_the_same() -> None:
    bare = replace(VIEW, server=DIED, follows=None, release=None, traffic=TrafficWindow(0), example=None, remarks=())
    text = plain(target_lines(bare))

    assert "only explicit releases" in text
    assert "No prediction of this version yet." in text
    assert "latency" not in text
