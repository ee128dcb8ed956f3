"""Runs side by side: what differs, what got better, what they were made of, and how far repeats scatter."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.actions.runs.made import Made, world_with
from tests.conftest import git
from tests.fakes import FakeGit, Unreachable
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.runs.compared_rows import ComparedRow, Kind, Verdict
from unipipe_tui.actions.runs.comparison import CompareRuns, RunComparison, compare_runs
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.run_files import RunFiles
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.tracking import Run

FIRST = Made(
    "aaaa1111", "first", {"f1": 0.5, "loss": 0.9, "odd": 1.0}, {"depth": "3", "lr": "0.1"}, data=[("t", "d1", "")]
)
SECOND = Made(
    "bbbb2222", "second", {"f1": 0.7, "loss": 0.9, "odd": 2.0}, {"depth": "6", "lr": "0.1"}, data=[("t", "d2", "")]
)
THIRD = Made("cccc3333", "third", {"f1": 0.4, "loss": math.nan}, {"depth": "3"}, status="FAILED")


def compared(project: Path, *runs: Made, **asked: Any) -> RunComparison:
    names = asked.pop("runs", tuple(run.run_id for run in runs))
    world = world_with(project, *runs, **asked.pop("doors", {}))
    return compare_runs(CompareRuns(names, **asked), world)


def row(comparison: RunComparison, kind: Kind, name: str) -> ComparedRow:
    return next(row for row in comparison.rows if (row.kind, row.name) == (kind, name))


def text(comparison: RunComparison) -> list[str]:
    return [line.plain for line in lines_of(comparison)]


def test_every_param_metric_data_set_and_tag_of_a_run_is_held_against_the_others(project: Path) -> None:
    tagged = dataclasses.replace(THIRD, tags={"team": "risk", "mlflow.user": "ada"})
    comparison = compared(project, FIRST, SECOND, tagged)
    assert comparison.names == ("first", "second", "third")
    assert row(comparison, Kind.PARAM, "depth").values == ("3", "6", "3")
    assert row(comparison, Kind.PARAM, "lr").values == ("0.1", "0.1", None)
    assert row(comparison, Kind.DATA, "t").values == ("d1", "d2", None)
    assert row(comparison, Kind.TAG, "team").values == (None, None, "risk")
    assert row(comparison, Kind.ATTRIBUTE, "status").values == ("FINISHED", "FINISHED", "FAILED")
    assert [one.name for one in comparison.rows if one.kind is Kind.TAG] == ["team"]


def test_a_metric_is_measured_against_the_baseline_in_its_own_direction(project: Path) -> None:
    comparison = compared(project, FIRST, SECOND, THIRD)
    f1, loss, odd = (row(comparison, Kind.METRIC, name) for name in ("f1", "loss", "odd"))
    assert (f1.direction, f1.verdicts) == (Direction.HIGHER, (None, Verdict.BETTER, Verdict.WORSE))
    assert f1.deltas == (0.0, pytest.approx(0.2), pytest.approx(-0.1))
    assert (loss.direction, loss.verdicts) == (Direction.LOWER, (None, Verdict.EQUAL, None))
    assert loss.deltas == (0.0, 0.0, None)
    assert (odd.direction, odd.verdicts, odd.deltas) == (Direction.UNKNOWN, (None, None, None), (0.0, 1.0, None))


def test_another_baseline_turns_the_verdicts_round(project: Path) -> None:
    comparison = compared(project, FIRST, SECOND, baseline="second")
    assert comparison.baseline == "bbbb2222"
    assert row(comparison, Kind.METRIC, "f1").verdicts == (Verdict.WORSE, None)


def test_a_baseline_that_is_none_of_the_runs_comes_first(project: Path) -> None:
    comparison = compared(project, FIRST, SECOND, THIRD, runs=("second", "third"), baseline="aaaa")
    assert comparison.names == ("first", "second", "third")
    assert comparison.baseline == "aaaa1111"


def test_only_differences_are_left_when_nothing_else_is_asked_for(project: Path) -> None:
    comparison = compared(project, FIRST, SECOND, differences_only=True)
    assert not any(one.same for one in comparison.rows)
    assert {one.name for one in comparison.rows} == {"depth", "f1", "odd", "t"}


def test_a_metric_that_is_no_number_in_both_is_the_same_and_not_the_same_as_none(project: Path) -> None:
    runs = [
        Made(name, metrics=metrics) for name, metrics in (("a1", {"x": math.nan}), ("b2", {"x": math.nan}), ("c3", {}))
    ]
    assert row(compared(project, *runs[:2]), Kind.METRIC, "x").same
    assert not row(compared(project, *runs[1:]), Kind.METRIC, "x").same
    assert json.loads(json.dumps(to_plain(compared(project, *runs)), allow_nan=False))
    assert any(line.split() == ["x", "NaN", "NaN", "-"] for line in text(compared(project, *runs)))


def test_a_gate_says_that_a_metric_is_better_when_higher_and_only_that_metric(project: Path) -> None:
    (project / "unipipe.yaml").write_text("gates: [{metric: precision, at_least: 0.5}]\n")
    runs = [Made("a1", metrics={"precision": 0.1, "error": 0.1}), Made("b2", metrics={"precision": 0.2, "error": 0.2})]
    comparison = compared(project, *runs)
    assert row(comparison, Kind.METRIC, "precision").verdicts[1] is Verdict.BETTER
    assert row(comparison, Kind.METRIC, "error").verdicts[1] is Verdict.WORSE


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (("metrics.f1,params.depth",), {"f1", "depth"}),
        (("f1", "loss"), {"f1", "loss"}),
        (("params.f1",), set()),
        (("attributes.status",), {"status"}),
        (("datasets.t",), {"t"}),
    ],
)
def test_only_the_keys_that_are_named_are_compared(project: Path, keys: tuple[str, ...], names: set[str]) -> None:
    comparison = compared(project, FIRST, SECOND, keys=keys)
    assert {one.name for one in comparison.rows} == names
    assert (comparison.packages, comparison.artifacts) == (None, None)


def test_a_key_that_none_of_the_runs_has_is_told(project: Path) -> None:
    problems = compared(project, FIRST, SECOND, keys=("f1,metrics.f2", "metrics.depth")).problems
    assert problems[-2:] == ("None of the runs has metrics.f2.", "None of the runs has metrics.depth.")


def test_runs_that_fit_are_compared_beside_those_that_are_named(project: Path) -> None:
    assert compared(project, FIRST, SECOND, THIRD, runs=(), where="params.depth = '3'").names == ("third", "first")
    both = compared(project, FIRST, SECOND, THIRD, runs=("first",), where="params.depth = '3'")
    assert both.names == ("first", "third")


def test_fewer_than_two_and_more_than_fifty_runs_are_refused(project: Path) -> None:
    many = [Made(f"{number:08}") for number in range(51)]
    with pytest.raises(UsageError, match="two runs or more"):
        compared(project, FIRST)
    with pytest.raises(UsageError, match="51 runs are too many"):
        compared(project, *many)
    with pytest.raises(UsageError, match="51 runs fit"):
        compared(project, *many, runs=(), where="status = FINISHED")
    assert len(compared(project, *many[:50]).runs) == 50


def test_a_run_that_is_named_twice_counts_once_and_is_not_compared_with_itself(project: Path) -> None:
    assert compared(project, FIRST, SECOND, runs=("first", "second", "aaaa1111")).names == ("first", "second")
    with pytest.raises(UsageError, match=r"two runs or more\. aaaa1111 is named 2 times\."):
        compared(project, FIRST, SECOND, runs=("first", "aaaa1111"))


def test_the_code_is_compared_once_for_each_commit(project: Path) -> None:
    repository = FakeGit()
    base = repository.commits[0].id
    repository.changes = ("train.py",)
    other = repository.commit("Train", ["train.py"], Silent()).id
    at = {"aaaa1111": base, "bbbb2222": other, "cccc3333": other, "dddd4444": "f" * 40, "eeee5555": ""}
    runs = [Made(run_id, tags={"mlflow.source.git.commit": commit} if commit else {}) for run_id, commit in at.items()]
    comparison = compared(project, *runs, doors={"git": repository})
    known, unknown = comparison.code
    assert (known.commit, known.runs) == (other, ("bbbb2222", "cccc3333"))
    assert (known.known, known.files, known.insertions, known.deletions, known.paths) == (True, 1, 1, 0, ("train.py",))
    assert (unknown.known, unknown.files) == (False, None)
    assert comparison.problems == ("The commit of eeee5555 is not known.",)
    assert any("1 files, +1 -0 lines" in line for line in text(comparison))


def test_code_that_was_changed_since_its_commit_is_told(project: Path) -> None:
    head = git("rev-parse", "HEAD", cwd=project).strip()
    dirty = Made("aaaa1111", tags={"git.commit": head, "git.dirty": "true"})
    comparison = compared(project, dirty, Made("bbbb2222", tags={"git.commit": head}))
    assert comparison.code == ()
    assert comparison.problems == ("The code of aaaa1111 was changed since its commit.",)


SEEDED = [
    Made(
        f"seed000{seed}",
        metrics={"f1": value},
        params={"depth": "3", "model.seed": str(seed)},
        tags={"git.commit": "c" * 40},
    )
    for seed, value in enumerate((0.80, 0.84, 0.79, 0.81, 0.86))
]


def test_repeats_have_a_mean_and_its_interval(project: Path) -> None:
    from scipy import stats

    other = Made("other001", metrics={"f1": 0.1}, params={"depth": "9"}, tags={"git.commit": "c" * 40})
    (repeats,) = compared(project, *SEEDED, other).repeats
    assert (repeats.runs, repeats.seeds, repeats.commit) == (
        tuple(run.run_id for run in SEEDED),
        ("model.seed",),
        "c" * 40,
    )
    (f1,) = repeats.metrics
    values = [run.metrics["f1"] for run in SEEDED]
    low, high = stats.t.interval(0.95, 4, loc=statistics.mean(values), scale=stats.sem(values))
    assert (f1.number, f1.mean, f1.deviation) == (5, pytest.approx(0.82), pytest.approx(statistics.stdev(values)))
    assert (f1.low, f1.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    assert "Student's t" in repeats.method


def test_of_repeats_only_the_metrics_that_were_asked_for_are_told(project: Path) -> None:
    runs = [dataclasses.replace(run, metrics={**run.metrics, "loss": 0.1}) for run in SEEDED]
    (repeats,) = compared(project, *runs, keys=("metrics.loss",)).repeats
    assert [one.metric for one in repeats.metrics] == ["loss"]
    assert compared(project, *runs, keys=("nope",)).repeats == ()


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FAILED"},
        {"params": {"depth": "4", "seed": "9"}},
        {"data": [("t", "d2", "")]},
        {"tags": {"git.commit": "d" * 40}},
        {"tags": {"git.commit": "c" * 40, "git.dirty": "true"}},
        {"tags": {"git.commit": "c" * 40, "data.raw.md5": "1"}},
    ],
    ids=["failed", "params", "data", "commit", "dirty", "raw data"],
)
def test_runs_that_differ_in_more_than_a_seed_are_no_repeats(project: Path, change: dict[str, Any]) -> None:
    assert compared(project, SEEDED[0], dataclasses.replace(SEEDED[1], **change)).repeats == ()


def test_runs_that_do_not_say_what_they_were_made_of_are_no_repeats(project: Path) -> None:
    silent = [dataclasses.replace(run, params={}, tags={}) for run in SEEDED]
    assert compared(project, *silent).repeats == ()


def test_repeats_of_unknown_code_are_told_to_be_that(project: Path) -> None:
    unknown = [dataclasses.replace(run, tags={}) for run in SEEDED]
    comparison = compared(project, *unknown)
    assert comparison.repeats[0].commit is None
    assert any("code not known" in line for line in text(comparison))


def artifacts(experiment: Path, run_id: str, **files: str) -> str:
    """The artifact folder of a run in an experiment's folder, as a URI."""
    folder = experiment / run_id / "artifacts"
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder.as_uri()


def model(experiment: Path, model_id: str, run_id: str, **files: str) -> None:
    """A model as MLflow 3 keeps it, beside the runs of the experiment."""
    folder = experiment / "models" / model_id / "artifacts"
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text(f"flavors: {{}}\nmodel_id: {model_id}\nrun_id: {run_id}\n")
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_packages_and_files_that_differ_are_told_and_what_is_elsewhere_is_not_known(
    project: Path, tmp_path: Path
) -> None:
    there = tmp_path / "mlruns" / "1"
    runs = (
        Made("aaaa1111", artifacts=artifacts(there, "aaaa1111", report__txt="short", same__txt="x")),
        Made("bbbb2222", artifacts=artifacts(there, "bbbb2222", report__txt="longer", same__txt="y")),
        Made("cccc3333", artifacts="s3://bucket/cccc3333/artifacts"),
    )
    model(
        there,
        "m-1",
        "aaaa1111",
        requirements__txt="# made by mlflow\nNumPy==2.1.0 ; python_version > '3'\npandas[x]>=2,<3\n",
    )
    model(there, "m-2", "bbbb2222", conda__yaml="dependencies: [python=3.11.7, pip: [numpy==2.2.0, 'pandas>=2,<3']]\n")
    comparison = compared(project, *runs)
    packages, files = comparison.packages, comparison.artifacts
    assert packages is not None
    assert files is not None
    assert {one.name: one.values for one in packages.differing} == {
        "numpy": ("2.1.0", "2.2.0", None),
        "python": (None, "3.11.7", None),
    }
    assert (packages.items, packages.unknown, files.unknown) == (3, ("cccc3333",), ("cccc3333",))
    assert {one.name: one.values[:2] for one in files.differing if not one.name.startswith("model/")} == {
        "report.txt": (5, 6)
    }
    assert "model/requirements.txt" in {one.name for one in files.differing}
    assert "  not known for cccc3333" in text(comparison)


def test_a_run_without_files_in_an_experiment_that_is_here_has_none(project: Path, tmp_path: Path) -> None:
    there = tmp_path / "mlruns" / "1"
    kept = artifacts(there, "aaaa1111", a__txt="1")
    comparison = compared(
        project, Made("aaaa1111", artifacts=kept), Made("bbbb2222", artifacts=kept.replace("aaaa1111", "bbbb2222"))
    )
    assert comparison.artifacts is not None
    assert [one.values for one in comparison.artifacts.differing] == [(1, None)]
    assert comparison.artifacts.unknown == ()


def test_files_that_were_not_all_compared_are_told(project: Path) -> None:
    class Many:
        def files_of(self, runs: Sequence[Run]) -> tuple[RunFiles, ...]:
            return tuple(RunFiles({"a": 1}, complete=run.name != "first") for run in runs)

    comparison = compared(project, FIRST, SECOND, doors={"tracking": Many()})
    assert comparison.problems[-1] == "Not all files of aaaa1111 were compared: there are too many."


def test_runs_are_compared_when_nothing_is_known_of_their_files(project: Path) -> None:
    comparison = compared(project, FIRST, SECOND, doors={"tracking": Unreachable("away")})
    assert comparison.artifacts is not None
    assert comparison.artifacts.unknown == ("aaaa1111", "bbbb2222")
    assert "files, in bytes: not known for any run" in text(comparison)


def test_two_runs_stand_beside_each_other_with_glyph_and_word(project: Path) -> None:
    lines = text(compared(project, FIRST, SECOND, THIRD))
    assert any(
        line.split() == ["f1", "↑", "0.5", "0.7", "(+0.2)", "▲", "better", "0.4", "(-0.1)", "▼", "worse"]
        for line in lines
    )
    assert max(map(len, lines)) <= 80


def test_many_runs_stand_below_each_other_on_eighty_cells(project: Path) -> None:
    runs = [
        Made(f"{number:032x}", metrics={f"m{key}": number + key for key in range(20)}, params={"p" * 60: "v" * number})
        for number in range(50)
    ]
    lines = text(compared(project, *runs))
    assert max(map(len, lines)) <= 80
    assert sum(line.strip().startswith("…0000031") for line in lines) > 2
