"""The last problem of a target in one line, for any width."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rich.cells import cell_len

from tests.fakes import NOON
from unipipe_tui.actions.monitor.story import Story, StoryPart
from unipipe_tui.domain.timelines import MarkKind
from unipipe_tui.tui.sheets.monitoring_story import story_line

PARTS = (
    StoryPart(NOON, MarkKind.ALERT, "drift in 6 columns", "drift in amount", "a"),
    StoryPart(NOON + timedelta(seconds=7), MarkKind.ALERT, "precision 0.755", "precision 0.755 is below", "b"),
    StoryPart(NOON + timedelta(seconds=60), MarkKind.TRAINING, "trained", "version 2, gates passed", "c"),
    StoryPart(NOON + timedelta(seconds=70), MarkKind.RELEASE, "version 2 live", "local serves version 2", "d"),
    StoryPart(NOON + timedelta(seconds=90), MarkKind.ALERT_CLOSED, "well again", "no problem any more", "e"),
)
OVER = Story("local", NOON, PARTS[-1].at, PARTS, "", 7, NOON)


def written(story: Story, width: int) -> str:
    line = "".join(text for text, _ in story_line(story, width))
    assert cell_len(line) <= width
    return line


def test_a_story_says_as_much_as_there_is_room_for_and_always_how_it_ended() -> None:
    assert written(OVER, 220).endswith("✓ 12:01:30 well again: no problem any more after 1 m 30 s")
    assert "● 12:01:00 trained: version 2, gates passed → ◆ 12:01:10 version 2 live → " in written(OVER, 220)
    assert written(OVER, 150).startswith(
        "! 12:00:00 drift in 6 columns → ! 12:00:07 precision 0.755 → ● 12:01:00 trained →"
    )
    assert written(OVER, 110).startswith("! drift in 6 columns → ! precision 0.755 → ● trained → ◆ version 2 live")
    assert written(OVER, 78) == "! drift → ! precision 0.755 → ● trained → ◆ version 2 → ✓ well after 1 m 30 s"
    assert written(OVER, 60) == "! drift → … → ◆ version 2 → ✓ well after 1 m 30 s"


def test_what_goes_on_says_what_to_run_or_what_is_under_way_and_calm_says_so() -> None:
    begun = Story("local", NOON, None, PARTS[:1], "unipipe drift show local", 5, NOON)
    assert written(begun, 78) == "! 12:00:00 drift in 6 columns → unipipe drift show local"
    assert written(Story("local", None, None, (), "", 3, NOON), 78) == "✓ no problem in 3 checks, the last 03-09 12:00"
    assert written(Story("local", None, None, (), "", 0, None), 78) == ""


def test_wide_letters_take_the_room_that_they_need() -> None:
    wide = Story("local", NOON, PARTS[-1].at, (replace(PARTS[0], short="操作 of 支払い金額"), *PARTS[1:]), "", 7, NOON)
    assert written(wide, 98).endswith("after 1 m 30 s")
