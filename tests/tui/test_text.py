"""Text from anywhere is made harmless before it reaches the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from unipipe_tui.tui.pretty import lines_of
from unipipe_tui.tui.text import clip, clip_start, counted, duration, fit, harmless


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;c3RlYWw=\x07clipboard", "clipboard"),
        ("\x1b]0;title\x1b\\after", "after"),
        ("bell\x07 and\x00 null", "bell and null"),
        ("two\nlines\r\nhere", "two lines here"),
        ("\u202eright to left", "right to left"),
        ("c1 \x9b31m", "c1 31m"),
        ("[bold]markup[/bold] is only text", "[bold]markup[/bold] is only text"),
    ],
)
def test_a_hostile_text_is_shown_without_its_controls(hostile: str, shown: str) -> None:
    assert harmless(hostile) == shown


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    assert all(ord(character) >= 32 and not 0x7F <= ord(character) <= 0x9F for character in harmless(text))


@given(st.text(), st.integers(min_value=0, max_value=30))
def test_a_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    shown = harmless(text)

    assert cell_len(fit(shown, width)) == width
    assert cell_len(clip(shown, width)) <= width


def test_what_is_missing_is_shown_by_an_ellipsis() -> None:
    assert clip("a long headline", 8) == "a long…"
    assert clip("short", 8) == "short"


@pytest.mark.parametrize(("seconds", "words"), [(0.42, "0.4 s"), (12.3, "12 s"), (200, "3 m 20 s"), (7500, "2 h 05 m")])
def test_durations_are_told_in_fitting_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_an_answer_becomes_pairs_and_tables() -> None:
    answer = {"total": 2, "none": None, "jobs": [{"id": "a", "ok": True}, {"id": "bcd", "ok": False}]}

    assert lines_of(answer) == [
        "total  2",
        "none   –",
        "",
        "jobs",
        "  id   ok",
        "  ───  ───",
        "  a    yes",
        "  bcd  no",
    ]


def test_a_list_inside_a_table_is_told_without_the_names_of_its_parts() -> None:
    aliases = [{"alias": "champion", "version": 2}, {"alias": "challenger", "version": 3}]

    assert lines_of({"models": [{"name": "fraud", "aliases": aliases}]})[-1].split("  ") == [
        "", "fraud", "champion 2, challenger 3",
    ]  # fmt: skip


def test_of_names_that_begin_alike_the_end_is_kept() -> None:
    assert clip_start("reports/validation.json:quarantined", 16) == "…son:quarantined"
    assert clip_start("short", 8) == "short"
    assert clip_start("gone", 0) == ""


@given(st.text(), st.integers(0, 20))
def test_the_end_of_a_text_fits_its_width(text: str, width: int) -> None:
    assert cell_len(clip_start(harmless(text), width)) <= width


def test_one_is_not_told_in_the_plural() -> None:
    assert [counted(number, "request") for number in (0, 1, 2000)] == ["0 requests", "1 request", "2,000 requests"]
