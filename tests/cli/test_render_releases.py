"""Releases as text: one line each, and how many there are in all."""

from __future__ import annotations

from datetime import timedelta

from tests.fakes import NOON
from unipipe_tui.actions.releases import ReleaseLine, ReleaseList
from unipipe_tui.cli.render import lines_of

LIVE = ReleaseLine("local", "fraud", 2, NOON, None, True, "rollback", "ada", "c" * 40, None, "r", "ab" * 32, "j")
BEFORE = ReleaseLine(
    "local", "fraud", 1, NOON - timedelta(hours=1), NOON, False, None, "bob", None, "dd" * 16, "r", "ab" * 32, "j"
)


def test_releases_are_told_in_a_line_each_with_the_number_of_all() -> None:
    header, live, before, total = (line.plain for line in lines_of(ReleaseList((LIVE, BEFORE), 7)))

    assert header.split() == ["released", "target", "version", "until", "by", "what", "by", "commit", "data"]
    assert live.split()[3:] == ["fraud", "2", "live", "rollback", "ada", "c" * 9, "-"]
    assert before.split()[3:] == ["fraud", "1", "2026-03-09", "12:00:00", "-", "bob", "-", "dddddddd"]
    assert total == "2 of 7 releases"


def test_where_nothing_was_released_only_that_is_told() -> None:
    assert [line.plain for line in lines_of(ReleaseList((), 0))] == ["0 of 0 releases"]
