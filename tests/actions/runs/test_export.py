"""Runs as documents and files: all that fit, whole or not at all, and every value as it was logged."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from tests.actions.runs.made import Made, batch_of, world_with
from tests.conftest import own_environment, unipipe
from tests.fakes import NOON
from unipipe_tui.actions.runs.export import ExportRuns, Format, RunsExported, export_runs, plan_export, print_runs
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed, Refused, UsageError
from unipipe_tui.domain.progress import Silent
from unipipe_tui.wiring import world_at

RUNS = (
    Made("aaaa1111", "first", {"f1": 0.1 + 0.2, "loss": math.inf}, {"depth": "3", "note": "=1+1"}, {"team": "a|b"}),
    Made("bbbb2222", "second", {"f1": math.nan}, {"depth": "-6", "note": "two\nlines"}, {"mlflow.user": "ada"}),
    Made("cccc3333", "third", experiment="2", status="RUNNING"),
)


@pytest.fixture
def world(project: Path) -> World:
    return world_with(project, *RUNS)


def printed(world: World, **asked: Any) -> str:
    exported = print_runs(ExportRuns(**asked), world)
    assert exported is not None
    assert exported.text is not None
    return exported.text


def exported(world: World, to: Path, **asked: Any) -> RunsExported:
    return export_runs(plan_export(ExportRuns(to=to, **asked), world), world, Silent()).result


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_csv_has_a_row_for_every_run_and_every_value_as_it_was_logged(world: World) -> None:
    third, second, first = rows(printed(world))
    assert (first["name"], first["experiment"], first["start_time"]) == ("first", "churn", NOON.isoformat())
    assert (float(first["metrics.f1"]), first["metrics.loss"], second["metrics.f1"]) == (0.1 + 0.2, "inf", "NaN")
    assert (first["params.note"], second["params.depth"], second["params.note"]) == ("=1+1", "-6", "two\nlines")
    assert (third["end_time"], third["metrics.f1"], third["params.depth"]) == ("", "", "")
    assert "tags.mlflow.user" not in first
    assert first["tags.team"] == "a|b"


def test_an_export_takes_all_runs_that_fit_and_not_a_page(project: Path) -> None:
    world = world_with(project, *(Made(f"{number:08}", metrics={"x": number}) for number in range(1500)))
    assert len(rows(printed(world))) == 1500
    chosen = rows(printed(world, where="metrics.x >= 1490", order_by=("metrics.x",), columns=("run_id", "metrics.x")))
    assert [row["metrics.x"] for row in chosen] == [f"{number}.0" for number in range(1490, 1500)]


def test_a_json_leaves_out_what_a_run_does_not_have_and_has_null_for_what_is_no_number(world: World) -> None:
    third, second, first = json.loads(printed(world, format=Format.JSON))
    assert (first["metrics"], second["metrics"], third["metrics"]) == (
        {"f1": 0.1 + 0.2, "loss": None},
        {"f1": None},
        {},
    )
    assert (first["params"]["note"], first["start_time"], third["end_time"]) == ("=1+1", NOON.isoformat(), None)
    assert json.loads(printed(world, where="no-such-word", format=Format.JSON)) == []


def test_a_markdown_table_keeps_one_line_a_run(world: World) -> None:
    lines = printed(world, format=Format.MARKDOWN, columns=("name,params.note,tags.team",)).splitlines()
    assert lines == [
        "| name | params.note | tags.team |",
        "| --- | --- | --- |",
        "| third |  |  |",
        "| second | two<br>lines |  |",
        "| first | =1+1 | a\\|b |",
    ]


def test_a_parquet_file_has_numbers_times_and_texts(world: World, tmp_path: Path) -> None:
    done = exported(world, tmp_path / "runs.parquet", order_by=("start_time",))
    table = parquet.read_table(tmp_path / "runs.parquet").to_pydict()
    assert (done.runs, done.format, done.text) == (3, Format.PARQUET, None)
    assert done.columns == tuple(table)
    assert table["metrics.f1"][0] == 0.1 + 0.2
    assert math.isnan(table["metrics.f1"][1])
    assert (table["metrics.f1"][2], table["metrics.loss"][0]) == (None, math.inf)
    assert table["params.depth"] == ["3", "-6", None]
    assert table["start_time"][0] == datetime.fromtimestamp(NOON.timestamp(), UTC)
    assert table["duration"] == [1.5, 1.5, None]


def test_a_parquet_file_of_no_runs_has_the_columns(world: World, tmp_path: Path) -> None:
    exported(world, tmp_path / "none.parquet", where="no-such-word", columns=("run_id,metrics.f1",))
    assert parquet.read_table(tmp_path / "none.parquet").to_pydict() == {"run_id": [], "metrics.f1": []}


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", Format.CSV), ("a.JSON", Format.JSON), ("a.md", Format.MARKDOWN), ("a.parquet", Format.PARQUET)],
)
def test_the_ending_of_a_file_says_what_it_is(world: World, tmp_path: Path, name: str, form: Format) -> None:
    assert exported(world, tmp_path / name).format is form


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.MARKDOWN])
def test_a_file_holds_what_would_be_printed(world: World, tmp_path: Path, form: Format) -> None:
    done = exported(world, tmp_path / "file", format=form)
    assert (tmp_path / "file").read_bytes().decode() == printed(world, format=form)
    assert done.bytes == (tmp_path / "file").stat().st_size
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]


def test_a_file_that_is_there_is_kept_unless_it_may_be_written_over(world: World, tmp_path: Path) -> None:
    there = tmp_path / "runs.csv"
    there.write_text("mine")
    with pytest.raises(Refused, match="there already"):
        exported(world, there)
    assert there.read_text() == "mine"
    plan = plan_export(ExportRuns(to=there, force=True), world)
    assert any("over the one that is there" in line for line in plan.lines)
    assert plan.undo == "nothing to undo: what is there now is lost"
    exported(world, there, force=True)
    assert there.read_text().startswith("run_id,")


def test_a_file_that_came_since_the_plan_is_kept(world: World, tmp_path: Path) -> None:
    plan = plan_export(ExportRuns(to=tmp_path / "runs.csv"), world)
    (tmp_path / "runs.csv").write_text("mine")
    with pytest.raises(Refused):
        export_runs(plan, world, Silent())
    assert (tmp_path / "runs.csv").read_text() == "mine"


def test_nothing_half_written_is_left_when_writing_fails(world: World, tmp_path: Path) -> None:
    class Full:
        def write(self, path: Path, columns: object, rows: object) -> None:
            path.write_text("half")
            raise Failed("No space left.")

    with pytest.raises(Failed):
        exported(dataclasses.replace(world, tables=Full()), tmp_path / "runs.parquet")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("to", ["no-such-folder/runs.csv", ".", "runs", "runs.xlsx"])
def test_a_file_that_cannot_be_is_refused(world: World, tmp_path: Path, to: str) -> None:
    with pytest.raises(UsageError):
        plan_export(ExportRuns(to=tmp_path / to), world)


def test_parquet_is_not_printed(world: World) -> None:
    with pytest.raises(UsageError, match="no text"):
        print_runs(ExportRuns(format=Format.PARQUET), world)


def test_the_command_line_prints_without_a_job_and_writes_with_one(project: Path) -> None:
    world_at(project).run_index.take("mlflow", "sqlite:///mlflow.db", batch_of(*RUNS))
    said = unipipe("runs", "export", "--columns", "run_id,metrics.loss", cwd=project, UNIPIPE_READ_ONLY="1")
    assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, "aaaa1111,inf")
    assert unipipe("jobs", "list", "--json", cwd=project).json["total"] == 0
    wrote = unipipe("runs", "export", "--to", "runs.parquet", "--json", cwd=project)
    assert (wrote.exit_code, wrote.json["runs"]) == (0, 3)
    assert unipipe("runs", "export", "--to", "runs.parquet", cwd=project).exit_code == 5
    assert parquet.read_table(project / "runs.parquet").num_rows == 3
    assert [job["action"] for job in unipipe("jobs", "list", "--json", cwd=project).json["jobs"]][-1] == "runs export"


def test_what_goes_into_a_pipe_is_byte_by_byte_what_goes_into_a_file(project: Path) -> None:
    odd = Made("aaaa1111", params={"p": "bell \x07, \x1b[31mred\rback\nnext \x9b\u202e"})
    world_at(project).run_index.take("mlflow", "sqlite:///mlflow.db", batch_of(odd))
    asked = ("--columns", "run_id,params.p")
    assert unipipe("runs", "export", *asked, "--to", "x.csv", "--yes", cwd=project).exit_code == 0
    for words in (("runs", "export"), ("runs", "list", "--csv")):
        line = [sys.executable, "-m", "unipipe_tui", *words, *asked]
        piped = subprocess.run(line, cwd=project, capture_output=True, check=True, env=own_environment()).stdout
        assert piped == (project / "x.csv").read_bytes()
        assert b"\x1b[31mred\rback" in piped


def test_columns_that_differ_in_capitals_only_are_numbered_in_a_parquet_file_and_that_is_told(
    project: Path, tmp_path: Path
) -> None:
    twins = Made("aaaa1111", tags={"Reviewed": "yes", "reviewed": "no", "reviewed_1": "who knows"})
    world, asked = world_with(project, twins), ("tags.Reviewed", "tags.reviewed", "tags.reviewed_1")
    told = "tags.reviewed is called tags.reviewed_2: another column differs from it in capital letters only."
    assert told in plan_export(ExportRuns(to=tmp_path / "z.parquet", columns=asked), world).warnings
    done = exported(world, tmp_path / "z.parquet", columns=asked)
    assert told in done.problems
    table = parquet.ParquetFile(tmp_path / "z.parquet").read()
    assert tuple(table.column_names) == done.columns == ("tags.Reviewed", "tags.reviewed_2", "tags.reviewed_1")
    assert table.to_pylist() == [dict(zip(done.columns, ("yes", "no", "who knows"), strict=True))]
    as_csv = exported(world, tmp_path / "z.csv", columns=asked)
    assert (as_csv.columns, as_csv.problems) == (asked, ())


def test_an_export_without_a_file_has_no_plan(project: Path) -> None:
    said = unipipe("runs", "export", "--dry-run", cwd=project)
    assert (said.exit_code, said.stdout) == (2, "")
