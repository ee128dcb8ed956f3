"""Events survive being a line of text, and lines that are none do no harm."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.event_lines import from_line, to_line
from unipipe_tui.domain.events import Event, Noted, StepStarted


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of this kind."""
    return st.builds(kind, **{name: st.from_type(hint) for name, hint in typing.get_type_hints(kind).items()})


EVENTS = st.one_of([events_of(kind) for kind in typing.get_args(Event)])


@given(event=EVENTS, at=st.floats(0, 1e10))
def test_an_event_comes_back_from_its_line(event: Event, at: float) -> None:
    line = to_line(event, at)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    back = from_line(line)
    assert back is not None
    # Compared as text: a NaN of seconds differs from itself.
    assert (type(back[1]), to_line(back[1], back[0])) == (type(event), line)


def test_every_kind_of_event_has_a_line() -> None:
    assert len(typing.get_args(Event)) >= 7


@pytest.mark.parametrize("cut", range(1, 70, 7))
def test_a_line_that_was_torn_is_no_event(cut: int) -> None:
    line = to_line(StepStarted("train", 3, 5), 1700000000.0)
    assert from_line(line[:-cut]) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "7",
        "{}",
        '{"at": 1, "event": "Invented", "text": "of a newer program"}',
        '{"at": 1, "event": "Noted"}',
        '{"at": 1, "event": "Noted", "text": "x", "more": 1}',
        '{"at": "soon", "event": "Noted", "text": "x"}',
        '{"at": 1, "event": ["Noted"], "text": "x"}',
        "\x00\x00\x00",
    ],
)
def test_what_is_no_event_of_ours_is_passed_over(line: str) -> None:
    assert from_line(line) is None


def test_text_of_any_kind_is_kept() -> None:
    event = Noted("\x1b[31m red \u2028 \ud83d \0 end")
    assert from_line(to_line(event, 0)) == (0.0, event)
