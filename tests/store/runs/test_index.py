"""The index of runs: whole runs replace whole runs, and what is asked comes back as it was taken."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unipipe_tui.domain.errors import Damaged, UsageError
from unipipe_tui.domain.runs.query import Life, RunQuery
from unipipe_tui.domain.runs.rows import (
    DELETED,
    DatasetRow,
    ExperimentRow,
    MetricRow,
    ParamRow,
    RunBatch,
    RunRow,
    TagRow,
)
from unipipe_tui.domain.tracking import Dataset, RunStatus
from unipipe_tui.store.database import INDEX, Database
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import File, Memory

PLACE = "sqlite:///mlflow.db"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["file", "memory"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> RunIndex:
    return RunIndex(File(Database(tmp_path, kind=INDEX)) if request.param == "file" else Memory())


def batch(*names: str, loss: float = 0.5, cursor: str = "1", **changed: object) -> RunBatch:
    """Runs with a param, a metric, a tag and a data set each."""
    runs = [
        RunRow(name, f"name of {name}", "1", "FINISHED", started=1_000 + n, ended=2_000) for n, name in enumerate(names)
    ]
    return RunBatch(
        cursor,
        runs,
        [ParamRow(name, "depth", "6") for name in names],
        [MetricRow(name, "loss", loss, 3, 1_500) for name in names],
        [TagRow(name, "team", "risk") for name in names],
        [DatasetRow(name, "payments", "abc", "training") for name in names],
        [ExperimentRow("1", "fraud")],
        **changed,  # type: ignore[arg-type]
    )


def test_several_threads_may_ask_at_once_while_another_fills_it(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("a1"))

    def ask(number: int) -> int:
        if number == 5:
            index.take("mlflow", PLACE, batch("b2"))
        return index.search(RunQuery()).total

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(40))) <= {1, 2}
    assert index.search(RunQuery()).total == 2


def test_experiments_are_counted_by_the_runs_that_fit(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("a1", "b2"))
    index.take("dvc", "here", RunBatch("1", [RunRow("c3", "x", "1", "FINISHED")]))
    found = index.experiments(RunQuery())
    assert [(one.name, one.source, one.runs) for one in found] == [("fraud", "mlflow", 2), ("1", "dvc", 1)]
    assert found[0].newest == datetime.fromtimestamp(1.001, UTC)
    assert found[1].newest is None
    assert index.experiments(RunQuery(life=Life.DELETED)) == ()


def test_new_and_changed_runs_in_any_order_in_one_batch_keep_what_is_theirs(index: RunIndex) -> None:
    drawn = random.Random(7)
    latest: dict[str, float] = {}
    for number in range(30):
        gone = drawn.sample(sorted(latest), k=min(len(latest), drawn.randint(0, 2)))
        kept = [name for name in latest if name not in gone]
        names = [*(f"r{number}-{n}" for n in range(drawn.randint(0, 3))), *drawn.sample(kept, k=len(kept) // 2)]
        drawn.shuffle(names)
        index.take("mlflow", PLACE, batch(*names, loss=float(number), gone=gone))
        latest = {name: loss for name, loss in latest.items() if name not in gone} | dict.fromkeys(names, float(number))

        held = index.search(RunQuery(limit=1000)).runs
        assert {run.run_id: [metric.value for metric in run.metrics] for run in held} == {
            name: [loss] for name, loss in latest.items()
        }
        assert len(held) == len(latest)


def test_a_run_comes_back_as_it_was_taken(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("aa1"))
    (run,) = index.runs(["aa1"])
    assert (run.name, run.experiment, run.status, run.source, run.deleted) == (
        "name of aa1",
        "fraud",
        RunStatus.FINISHED,
        "mlflow",
        False,
    )
    assert run.params == {"depth": "6"}
    assert run.tags == {"team": "risk"}
    assert [(metric.key, metric.value, metric.step) for metric in run.metrics] == [("loss", 0.5, 3)]
    assert run.datasets == (Dataset("payments", "abc", None, "training"),)
    assert run.started == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_a_run_that_is_taken_again_replaces_all_that_was_known_of_it(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("aa1", "bb2"))
    index.take(
        "mlflow",
        PLACE,
        RunBatch("2", [RunRow("aa1", "renamed", "1", "FAILED")], metrics=[MetricRow("aa1", "auc", 0.9)]),
    )
    changed, untouched = index.runs(["aa1", "bb2"])
    assert (changed.name, changed.status, changed.params, changed.tags) == ("renamed", RunStatus.FAILED, {}, {})
    assert [metric.key for metric in changed.metrics] == ["auc"]
    assert untouched.params == {"depth": "6"}
    assert index.search(RunQuery()).total == 2


def test_what_is_gone_is_gone_whole(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("aa1", "bb2"))
    index.take("mlflow", PLACE, RunBatch("2", gone=["aa1", "never known"]))
    assert index.known("mlflow").ids() == {"bb2"}
    assert index.known("mlflow").tags_per_run() == {"bb2": 1}
    assert [run.run_id for run in index.search(RunQuery(life=Life.ALL)).runs] == ["bb2"]


def test_figures_that_are_no_numbers_and_texts_that_are_no_unicode_are_kept(index: RunIndex) -> None:
    odd = "\x1b[31m'; DROP TABLE runs; --" + "x" * 8_000 + "\udcff"
    metrics = [
        MetricRow("aa1", key, value)
        for key, value in (("a", math.nan), ("b", math.inf), ("c", -math.inf), ("d", 1e308))
    ]
    index.take(
        "mlflow", PLACE, RunBatch("1", [RunRow("aa1", "", "9", "ODD")], [ParamRow("aa1", "select", odd)], metrics)
    )
    (run,) = index.runs(["aa1"])
    assert [metric.value for metric in run.metrics[1:]] == [math.inf, -math.inf, 1e308]
    assert math.isnan(run.metrics[0].value)
    assert run.params["select"].startswith("\x1b[31m'; DROP TABLE runs; --xxx")
    assert len(run.params["select"]) > 8_000
    assert (run.status, run.experiment) == (RunStatus.UNKNOWN, "9")


def test_a_run_is_found_by_id_beginning_or_unique_name(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("abc1", "abc2", "abc"))
    index.take(
        "dvc", ".", RunBatch("1", [RunRow("f00", "twin", "g", "FINISHED"), RunRow("f01", "twin", "g", "FINISHED")])
    )
    found = index.runs(["abc", "abc2", "name of abc1", "f00"])
    assert [run.run_id for run in found] == ["abc", "abc2", "abc1", "f00"]
    assert found[-1].source == "dvc"
    for name, said in (("ab", "3 runs"), ("twin", "2 runs"), ("zz", "no run"), ("", "no run"), ("%", "no run")):
        with pytest.raises(UsageError, match=said):
            index.runs([name])


def test_deleted_runs_are_found_by_id_and_not_by_a_search_that_asks_for_the_living(index: RunIndex) -> None:
    index.take(
        "mlflow",
        PLACE,
        RunBatch("1", [RunRow("aa1", "x", "1", "FINISHED", DELETED)], experiments=[ExperimentRow("1", "e")]),
    )
    assert index.search(RunQuery()).total == 0
    assert index.runs(["aa1"])[0].deleted
    assert index.search(RunQuery(life=Life.DELETED)).total == 1


def test_each_source_is_remembered_with_its_cursor_and_its_last_complete_pass(index: RunIndex) -> None:
    assert index.sources() == ()
    index.take("mlflow", PLACE, batch("aa1", cursor="half"))
    (state,) = index.sources()
    assert (state.place, state.runs, state.cursor, state.stamp, state.synced) == (PLACE, 1, "half", "", None)
    index.complete("mlflow", PLACE, "stamp", NOON)
    index.trouble("dvc", ".", "DVC is not installed.")
    states = {state.name: state for state in index.sources()}
    assert (states["mlflow"].stamp, states["mlflow"].synced, states["mlflow"].problems) == ("stamp", NOON, ())
    assert (states["dvc"].problems, states["dvc"].runs) == (("DVC is not installed.",), 0)


def test_each_thing_that_could_not_be_read_is_remembered_as_one_sentence_until_the_next_pass(index: RunIndex) -> None:
    index.complete("mlflow", PLACE, "stamp", NOON, ["It is\nbroken.", "So is\u2028this \udcff."])
    assert index.sources()[0].problems == ("It is broken.", "So is this \\udcff.")
    index.complete("mlflow", PLACE, "stamp", NOON)
    assert index.sources()[0].problems == ()


def test_a_source_that_is_forgotten_leaves_the_others(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("aa1"))
    index.take("dvc", ".", batch("bb2"))
    index.forget("mlflow")
    assert [state.name for state in index.sources()] == ["dvc"]
    assert [run.run_id for run in index.search(RunQuery()).runs] == ["bb2"]


def test_a_batch_that_cannot_be_taken_changes_nothing(index: RunIndex) -> None:
    index.take("mlflow", PLACE, batch("aa1", cursor="1"))
    broken = RunBatch("2", [RunRow("aa1", "new", "1", "FINISHED")], metrics=[MetricRow("aa1", "x", "no number")])  # type: ignore[arg-type]
    with pytest.raises(Exception, match="no number"):
        index.take("mlflow", PLACE, broken)
    assert index.runs(["aa1"])[0].name == "name of aa1"
    assert index.sources()[0].cursor == "1"


def test_only_one_process_at_a_time_fills_the_index_from_a_source(tmp_path: Path) -> None:
    first, second = (RunIndex(File(Database(tmp_path, kind=INDEX))) for _ in range(2))
    with first.turn("mlflow") as ours, second.turn("mlflow") as theirs, second.turn("dvc") as others:
        assert (ours, theirs, others) == (True, False, True)
    with second.turn("mlflow") as theirs:
        assert theirs


def test_a_damaged_index_is_told_and_begun_anew_when_it_is_forgotten(tmp_path: Path) -> None:
    index = RunIndex(File(Database(tmp_path, kind=INDEX)))
    index.take("mlflow", PLACE, batch("aa1"))
    (tmp_path / INDEX.file).write_bytes(b"rubbish" * 1000)
    again = RunIndex(File(Database(tmp_path, kind=INDEX)))
    with pytest.raises(Damaged):
        again.sources()
    again.forget("mlflow")
    assert again.sources() == ()
    again.take("mlflow", PLACE, batch("bb2"))
    assert again.known("mlflow").ids() == {"bb2"}


FILLER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.store.runs.test_index import PLACE, batch
from unipipe_tui.store.database import INDEX, Database
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import File
index = RunIndex(File(Database(Path(sys.argv[1]), kind=INDEX)))
for number in range(10_000):
    index.take("mlflow", PLACE, batch(*(f"{number:05}-{run}" for run in range(50)), cursor=str(number)))
    print(number, flush=True)
"""


def test_a_process_that_is_killed_while_it_fills_the_index_leaves_whole_batches_and_their_cursor(
    tmp_path: Path,
) -> None:
    root = str(Path(__file__).parents[3])
    filler = subprocess.Popen([sys.executable, "-c", FILLER, str(tmp_path), root], stdout=subprocess.PIPE, text=True)
    assert filler.stdout is not None
    while int(filler.stdout.readline()) < 5:
        pass
    os.kill(filler.pid, signal.SIGKILL)
    filler.wait()
    index = RunIndex(File(Database(tmp_path, kind=INDEX)))
    (state,) = index.sources()
    assert state.cursor is not None
    assert state.runs == 50 * (int(state.cursor) + 1)
    assert set(index.known("mlflow").tags_per_run().values()) == {1}
