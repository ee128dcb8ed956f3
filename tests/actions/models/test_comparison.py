"""One version against another: verdicts, figures, code and inputs, and what is not known of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.actions.models.made import check_of, with_models
from unipipe_tui.actions.models.comparison import CompareVersions, FeatureChange, compare_versions
from unipipe_tui.actions.runs.compared_rows import Kind, Verdict
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import UsageError


def test_what_differs_between_two_versions_is_measured_against_the_first(project: Path) -> None:
    found = compare_versions(CompareVersions("fraud", 1, 2), with_models(project))
    rows = {(row.kind, row.name): row for row in found.rows}

    assert rows[Kind.PARAM, "depth"].values == ("3", "5")
    assert rows[Kind.PARAM, "seed"].same
    recall = rows[Kind.METRIC, "holdout.recall"]
    assert recall.deltas[1] == pytest.approx(0.1)
    assert recall.verdicts[1] is Verdict.BETTER
    assert rows[Kind.METRIC, "loss"].verdicts[1] is Verdict.BETTER
    assert rows[Kind.DATA, "raw"].values == ("aa" * 16, "bb" * 16)
    assert found.problems == ()


def test_the_code_between_their_commits_and_the_inputs_are_compared(project: Path) -> None:
    found = compare_versions(CompareVersions("fraud", 1, 2), with_models(project))

    assert found.code is not None
    assert (found.code.files, found.code.paths) == (1, ("train.py",))
    assert (found.features, found.features_in_both) == ((FeatureChange("hour", None, "long"),), 1)


def test_gates_are_compared_by_slice_and_one_that_was_not_judged_has_no_verdict(project: Path) -> None:
    world = with_models(project)
    world.history.add_gate_check(check_of(1, 0.8, gulf=0.7))
    world.history.add_gate_check(check_of(2, 0.6, gulf=0.7, dach=0.9))
    gates = {(one.gate, one.slice): one for one in compare_versions(CompareVersions("fraud", 1, 2), world).gates}

    assert (gates["recall", ""].first_passed, gates["recall", ""].second_passed) == (True, False)
    assert gates["recall", ""].delta == pytest.approx(-0.2)
    assert (gates["recall", "dach"].first_passed, gates["recall", "dach"].delta) == (None, None)


def test_a_version_without_a_run_is_compared_as_far_as_it_is_known(project: Path) -> None:
    found = compare_versions(CompareVersions("fraud", 1, 3), with_models(project))

    assert (found.rows, found.code) == ((), None)
    assert found.problems[0] == "The run of version 3 is not here."
    assert found.problems[1].startswith("What version 3 takes is not known")


@pytest.mark.parametrize(("first", "second", "said"), [(1, 1, "two different"), (1, 9, "no version 9")])
def test_what_cannot_be_compared_is_told(project: Path, first: int, second: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compare_versions(CompareVersions("fraud", first, second), with_models(project))


def test_the_comparison_as_text_tells_verdicts_deltas_code_and_inputs(project: Path) -> None:
    world = with_models(project)
    world.history.add_gate_check(check_of(1, 0.8))
    world.history.add_gate_check(check_of(2, 0.6))
    text = "\n".join(line.plain for line in lines_of(compare_versions(CompareVersions("fraud", 1, 2), world)))

    assert "0.8 passed" in text
    assert "0.6 closed  (-0.2)" in text
    assert "0.9 (+0.1) ▲ better" in text
    assert "1 files, +1 -0 lines" in text
    assert "hour  -          long" in text
