"""Secrets are told by what stands around them, and nothing else is taken for one."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.events import ToolSaid
from unipipe_tui.domain.secrets import (
    command_without_secrets,
    event_without_secrets,
    without_secrets,
    words_without_secrets,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("git clone https://ada:hunter2@example.org/r", "git clone https://…@example.org/r"),
        ("mysql+pymysql://root:hunter2@db:3306/mlflow", "mysql+pymysql://…@db:3306/mlflow"),
        ("MLFLOW_TRACKING_PASSWORD=hunter2 mlflow ui", "MLFLOW_TRACKING_PASSWORD=… mlflow ui"),
        ("--token hunter2 --name x", "--token … --name x"),
        ("--api-key=hunter2", "--api-key=…"),
        ('{"secret": "hunter2", "n": 1}', '{"secret": …, "n": 1}'),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer …"),
        ("id AKIAABCDEFGHIJKLMNOP end", "id … end"),
        ("ghp_abcdefghijklmnopqrstuv", "…"),
    ],
)
def test_a_secret_is_left_out_and_the_rest_stays(text: str, told: str) -> None:
    assert without_secrets(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "unipipe models promote fraud-detector 2 --reason=passes",
        "tokenizer ready, 3 passes",
        "http://127.0.0.1:8765/predict",
        "keys: 12 of 30",
        "monkey=banana",
        "train --passes 3",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://ada:p@ss@host/x", "https://…@host/x"),
        ("unipipe x '--token=a b' c", "unipipe x '--token=…' c"),
        ("unipipe x --token 'a b' c", "unipipe x --token … c"),
        ('{"password": "my \\"pass\\" phrase", "b": 1}', '{"password": …, "b": 1}'),
        ("['git', '--token', 'a b', 'c']", "['git', '--token', …, 'c']"),
        ("git, --token, a b, c", "git, --token, …, c"),
        ("authToken=abc _token=abc", "authToken=… _token=…"),
    ],
)
def test_a_secret_with_blanks_or_signs_in_it_is_left_out_whole(text: str, told: str) -> None:
    assert without_secrets(text) == told


def test_what_is_known_to_be_secret_is_left_out_wherever_it_stands() -> None:
    assert without_secrets("opened with correct-horse!", ("correct-horse",)) == "opened with …!"
    assert event_without_secrets(ToolSaid("dvc", "is correct-horse"), ("correct-horse",)) == ToolSaid("dvc", "is …")


def test_the_value_of_a_flag_is_left_out_of_a_command_line_and_what_is_shown_can_be_read_again() -> None:
    words = ("unipipe", "user", "run", "--input=said=token=a b", "--password", "it's", "--reason=it's fine", "--", "x")
    shown = command_without_secrets(words)
    assert shown == """unipipe user run --input=said=token=… --password … '--reason=it'"'"'s fine' -- x"""
    assert tuple(shlex.split(shown)) == words_without_secrets(words)


@given(
    st.lists(st.text("a1-_=:/@ '\"…", max_size=9) | st.sampled_from(["--token", "https://a:b@c", "key"]), max_size=6)
)
def test_what_was_left_out_once_stays_as_it_is(words: list[str]) -> None:
    once = words_without_secrets(words)
    assert words_without_secrets(once) == once
    assert len(once) == len(words)
    assert tuple(shlex.split(command_without_secrets(words))) == once
    text = without_secrets(" ".join(words))
    assert without_secrets(text) == text


@pytest.mark.parametrize("piece", ["a-", "a.", "token:", "'", "' token=", "eyJa-", "://a", "bearer ", "--token "])
def test_a_long_line_takes_no_time(piece: str) -> None:
    line = piece * (20_000 // len(piece))
    begun = time.process_time()
    words_without_secrets((line, f"{line} key"))
    assert time.process_time() - begun < 1.0
