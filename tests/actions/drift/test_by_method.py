"""`drift check` of any two sets, in files or patterns, by any method; and of a target's window, without moving an alert."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.actions.made_answers import answer_row, log_of, write_rows
from tests.conftest import unipipe
from tests.fakes import FakeTarget
from unipipe_tui.actions.drift.checking import CheckDrift, DriftChecked, check, plan_drift_check
from unipipe_tui.actions.world import World
from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.errors import Failed, Stopped, UsageError
from unipipe_tui.domain.events import Advanced, Event
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.wiring import world_at

ROWS = 400


def table(path: Path, moved: float = 0.0, rows: int = ROWS, more: str = "") -> Path:
    """A CSV file with a number and a text, mixed well."""
    lines = (f"{(row * 151) % 397 / 40 + moved},{'abc'[(row * 7) % 3]}{',1' if more else ''}\n" for row in range(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"amount,region{',' + more if more else ''}\n" + "".join(lines))
    return path


@pytest.fixture
def world(project: Path) -> World:
    (project / "unipipe.yaml").write_text("model: {name: fraud}\ndata: {id: id, label: y, reference: reference.csv}\n")
    table(project / "reference.csv")
    return world_at(project)


def compared(world: World, **asked: object) -> DriftChecked:
    request = CheckDrift(**({"reference": world.root / "reference.csv"} | asked))  # type: ignore[arg-type]
    return check(plan_drift_check(request, world), world, Silent()).result


def test_two_sets_are_compared_by_a_method_and_the_answer_names_it(world: World) -> None:
    current = table(world.root / "now.csv", moved=4.0)
    found = compared(world, current=current, method=DriftMethod.EVIDENTLY_WASSERSTEIN)
    by_name = {column.column: column for column in found.columns}
    assert (found.drifted, found.drifted_columns, found.value_name) == (True, ("amount",), "evidently:wasserstein")
    assert found.method.startswith("evidently:wasserstein: W = ")
    assert by_name["amount"].method == "evidently:wasserstein"
    assert (by_name["region"].value, by_name["region"].drifted) == (None, False)
    assert "this column holds text" in by_name["region"].reason


def test_a_pattern_names_several_files_on_either_side(world: World) -> None:
    for half in (1, 2):
        table(world.root / "then" / f"{half}.csv", rows=ROWS)
        table(world.root / "now" / "deep" / f"{half}.csv", rows=ROWS // 2)
    found = compared(
        world,
        reference=world.root / "then" / "*.csv",
        current=world.root / "now" / "**" / "*.csv",
        method=DriftMethod.KS,
    )
    assert (found.reference_rows, found.current_rows, found.drifted) == (2 * ROWS, ROWS, False)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("amount,region",), ["amount", "region"]),
        (("region", "amount"), ["amount", "region"]),
        ((" amount , ",), ["amount"]),
        (("region,region",), ["region"]),
    ],
)
def test_columns_are_named_one_by_one_or_with_commas(asked: tuple[str, ...], told: list[str], world: World) -> None:
    found = compared(world, current=table(world.root / "now.csv"), columns=asked)
    assert sorted(column.column for column in found.columns) == told


def test_a_column_whose_name_has_a_comma_can_be_named(world: World) -> None:
    for name in ("reference.csv", "now.csv"):
        (world.root / name).write_text('"a,b",c\n' + "1.5,2\n2.5,3\n" * 200)
    found = compared(world, current=world.root / "now.csv", columns=("a,b",))
    assert [column.column for column in found.columns] == ["a,b"]


def test_a_column_that_only_the_current_set_has_is_told_and_is_no_drift(world: World) -> None:
    found = compared(world, current=table(world.root / "now.csv", more="fresh"))
    assert (found.drifted, found.new_columns) == (False, ("fresh",))
    assert compared(world, current=world.root / "now.csv", columns=("amount",)).new_columns == ()


@pytest.mark.parametrize("name", ["gone.csv", "*.parquet", "folder", "pipe.csv", "reference.csv/x.csv", "x" * 300])
def test_a_set_that_is_not_there_is_said_before_anything_is_done(name: str, world: World) -> None:
    (world.root / "folder").mkdir()
    os.mkfifo(world.root / "pipe.csv")
    path = world.root / name
    for sides in ({"current": path}, {"reference": path, "current": world.root / "reference.csv"}):
        with pytest.raises(UsageError, match=r"no file|No file|is a folder|cannot be reached"):
            plan_drift_check(CheckDrift(**sides), world)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [None, DriftMethod.PSI, DriftMethod.NANNYML_JENSEN_SHANNON])
def test_a_set_without_a_row_or_without_a_byte_is_no_drift(method: DriftMethod | None, world: World) -> None:
    current = world.root / "now.csv"
    for content in ("amount,region\n", ""):
        current.write_text(content)
        found = compared(world, current=current, method=method)
        assert (found.drifted, found.current_rows) == (False, 0)


def test_files_that_are_no_tables_and_files_of_two_formats_are_a_sentence(world: World) -> None:
    broken = world.root / "now.parquet"
    broken.write_text("no parquet")
    (world.root / "notes.md").write_text("# x")
    for path in (broken, world.root / "notes.md", world.root / "now*"):
        table(world.root / "now.csv")
        with pytest.raises(Failed):
            compared(world, current=path, method=DriftMethod.KS)


def test_a_window_of_a_target_is_compared_by_a_method_and_neither_kept_nor_alarmed_about(world: World) -> None:
    folder, _ = log_of(world)
    inputs = ({"amount": (row * 151) % 397 / 40 + 6, "region": "abc"[row % 3]} for row in range(ROWS))
    write_rows(folder / "predictions-0.jsonl", (answer_row(row, given) for row, given in enumerate(inputs)))
    target = FakeTarget.answering(Variant("stable", "fraud", 1, "ab" * 32))
    world = dataclasses.replace(world, target_of=lambda _: target)
    plan = plan_drift_check(CheckDrift(method=DriftMethod.PSI), world)
    assert any("no check is recorded, no alert opened or closed" in str(effect) for effect in plan.effects)
    found = check(plan, world, Silent()).result
    assert (found.target, found.drifted_columns, found.alerts) == ("local", ("amount",), ())
    assert world.history.drift_checks("local") == ()
    assert world.history.alerts() == ()
    kept = check(plan_drift_check(CheckDrift(), world), world, Silent()).result
    assert kept.drifted_columns == ("amount",)
    assert len(world.history.drift_checks("local")) == 1


def test_scripts_read_the_answer_as_json_and_the_exit_code(project: Path) -> None:
    then, now = table(project / "then.csv"), table(project / "now.csv", moved=4.0)
    words = ("drift", "check", "--reference", then, "--current", now, "--method", "nannyml:jensen_shannon", "--json")
    said = unipipe(*words, "--columns", "amount,region", "--fail-on-drift", cwd=project)
    assert said.exit_code == 4
    assert said.json["drifted"] is True
    (moved,) = (column for column in said.json["columns"] if column["column"] == "amount")
    assert (moved["method"], moved["drifted"], moved["base"]) == ("nannyml:jensen_shannon", True, "2")
    assert (moved["reference_rows"], moved["current_rows"], moved["p_value"]) == (ROWS, ROWS, None)
    assert moved["value"] == moved["effect"] > moved["threshold"]
    wrong = unipipe("drift", "check", "--reference", then, "--current", now, "--method", "psy", cwd=project)
    assert wrong.exit_code == 2
    assert "'evidently:psi'" in wrong.stderr


class Listening:
    """Hears everything, and says stop after so many events."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.heard: list[Event] = []
        self._stop_after = stop_after

    def emit(self, event: Event) -> None:
        self.heard.append(event)

    def stopped(self) -> bool:
        return len(self.heard) >= self._stop_after


@pytest.mark.parametrize("method", [None, DriftMethod.PSI, DriftMethod.KS, DriftMethod.EVIDENTLY_PSI])
def test_a_check_tells_how_many_columns_it_has_done_and_ends_when_it_is_told_to(
    method: DriftMethod | None, world: World
) -> None:
    reference = table(world.root / "then.csv")
    plan = plan_drift_check(CheckDrift(reference=reference, current=reference, method=method), world)
    listening = Listening()
    check(plan, world, listening)
    assert Advanced(2, 2, "columns") in listening.heard
    with pytest.raises(Stopped):
        check(plan, world, Listening(stop_after=1))
