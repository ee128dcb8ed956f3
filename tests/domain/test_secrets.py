"""Secrets are told by what stands around them, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from unipipe_tui.domain.secrets import without_secrets


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
