"""A reproduction is told in the order of what a person asks: is it, by how much not, and what else was different."""

from __future__ import annotations

import dataclasses
import math

from unipipe_tui.actions.runs.reproduction import RunReproduced
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.runs.reproducibility import Adjusted, DifferentThen, compare_metrics

SAME = RunReproduced(
    run_id="a1" * 16,
    name="first [try]",
    commit="9" * 40,
    reproducible=True,
    tolerance=0.0,
    compared="MLflow run",
    metrics=compare_metrics({"auc": 0.91, "fit_time": 3.0}, {"auc": 0.91, "fit_time": 4.0}, 0.0),
    adjusted=(),
    unknown_params=(),
    differences=(),
    not_compared=(),
    stages=("train", "evaluate"),
    seconds=16.2,
    seconds_then=1.6,
    worktree=None,
)


def text(again: RunReproduced) -> list[str]:
    return [line.plain for line in lines_of(again)]


def test_a_run_that_came_out_the_same_is_told_in_a_sentence_without_its_metrics() -> None:
    told = text(SAME)
    assert told[0] == "✓ a1a1a1a1 first [try] is reproducible: all 1 metrics came out the same"
    assert "took      16.2 s (the run itself took 1.6 s)" in told
    assert told[-1] == "note: not judged, being of the clock or the machine: fit_time"
    assert not any("auc" in line for line in told)


def test_metrics_that_differ_are_told_with_the_difference_and_its_share() -> None:
    metrics = compare_metrics({"auc": 0.8, "loss": math.nan, "f1": 1.0}, {"auc": 0.6, "loss": 0.5, "f1": 1.0}, 0.01)
    told = text(dataclasses.replace(SAME, reproducible=False, tolerance=0.01, metrics=metrics))
    assert told[0] == "✗ a1a1a1a1 first [try] is not reproducible: 2 of 3 metrics differ by more than 0.01"
    rows = [line.split() for line in told if line.startswith("  ")]
    assert ["auc", "0.8", "0.6", "-0.2", "-25.000%"] in rows
    assert ["loss", "NaN", "0.5", "-", "-"] in rows
    assert all(row[0] != "f1" for row in rows)


def test_what_was_set_and_what_was_different_has_a_line_each() -> None:
    told = text(
        dataclasses.replace(
            SAME,
            adjusted=(Adjusted("param", "params.yaml:train.seed", "7", "8\x1b[31m"),),
            differences=(DifferentThen("package", "numpy", "2.1", None),),
            unknown_params=("epochs",),
            not_compared=("data sets",),
        )
    )
    rows = [line.split() for line in told]
    assert ["package", "numpy", "2.1", "-"] in rows
    assert any(row[:2] == ["params.yaml:train.seed", "7"] for row in rows)
    assert not any("\x1b" in line for line in told)
    assert "note: in no file of params, so left as the code has them: epochs" in told
    assert "note: not known then or now, so not compared: data sets" in told
