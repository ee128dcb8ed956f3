"""Tables in files: every format, odd names, and what cannot be read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as parquet
import pytest

from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.store.tables import TableFiles

ROWS = ({"id": "007", "amount": 1.5, "note": 'a, "b"'}, {"id": "008", "amount": None, "note": None})
QUERY = "SELECT * FROM (VALUES ('007', 1.5::DOUBLE, 'a, \"b\"'), ('008', 'NaN'::DOUBLE, NULL)) t(id, amount, note)"
FORMATS = {"parquet": "FORMAT parquet", "csv": "FORMAT csv", "CSV": "FORMAT csv", "jsonl": "FORMAT json"}


def written(path: Path, query: str = QUERY) -> Path:
    """A file with the rows of a query, in the format that its name says."""
    connection = duckdb.connect(":memory:")
    target = str(path).replace("'", "''")
    connection.execute(f"COPY ({query}) TO '{target}' ({FORMATS[path.suffix[1:]]})")
    connection.close()
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_read_with_text_that_looks_like_a_number_left_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"rows.{suffix}")
    tables = TableFiles()
    assert tables.records(path) == ROWS
    assert tables.records(path, ("note", "id"))[0] == {"note": 'a, "b"', "id": "007"}
    assert tables.rows(path) == 2
    assert tables.columns(path) == ("id", "amount", "note")


def test_a_list_of_json_objects_is_a_table_too(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"id": 1}, {"id": 2}]')
    assert TableFiles().records(tmp_path / "rows.json") == ({"id": 1}, {"id": 2})


@pytest.mark.parametrize("name", ["it's", "a b", "x[1]", "star*", "what?", "{a,b}", "grüße", "--flag", "semi;colon"])
def test_a_file_with_an_odd_name_is_that_very_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "x1.csv").write_text("id\nwrong\n")
    (tmp_path / "stars.csv").write_text("id\nwrong\n")
    path = tmp_path / f"{name}.csv"
    path.write_text("id\nright\n")
    assert TableFiles().records(path) == ({"id": "right"},)


def test_an_odd_column_is_read_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", """SELECT 1 AS "a ""b"", c", 2 AS "select" """)
    assert TableFiles().records(path, ('a "b", c', "select")) == ({'a "b", c': 1, "select": 2},)


def test_times_come_as_text_and_those_with_a_zone_in_utc(tmp_path: Path) -> None:
    query = (
        "SELECT TIMESTAMPTZ '2026-11-21 21:00:00+09' AS zoned, TIMESTAMP '2026-11-21 12:00:00' AS bare, "
        "DATE '2026-11-21' AS day, 1.10::DECIMAL(5,2) AS price"
    )
    assert TableFiles().records(written(tmp_path / "t.parquet", query)) == (
        {
            "zoned": "2026-11-21T12:00:00.000000+00:00",
            "bare": "2026-11-21T12:00:00",
            "day": "2026-11-21",
            "price": "1.10",
        },
    )


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("missing.csv", None, "There is no file"),
        ("table.xlsx", b"PK", "not a table that can be read"),
        ("broken.parquet", b"PAR1 and then nothing", "cannot be read"),
        ("broken.json", b"{", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_path(
    tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=complaint) as error:
        TableFiles().records(tmp_path / name)
    assert name in error.value.message


def test_a_table_in_a_folder_whose_name_is_no_utf8_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"lat\xe9in") / "t.parquet"
    path.parent.mkdir()
    TableFiles().write(path, {"a": "text"}, [("x",)])
    assert TableFiles().records(path) == ({"a": "x"},)


def test_a_table_whose_own_name_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"lat\xe9in.csv")
    path.write_text("id\n1\n")
    with pytest.raises(UsageError, match="no UTF-8") as refused:
        TableFiles().records(path)
    assert refused.value.hint == "Rename it."


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="colour"):
        TableFiles().records(written(tmp_path / "t.parquet"), ("colour",))


def test_a_parquet_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    at = datetime(2026, 3, 9, 12, 0, 0, 1000, tzinfo=UTC)
    rows = [("a'b", 0.1 + 0.2, at, "x"), (None, float("inf"), None, "\udcff"), ("", None, at, None)] * 4000
    columns = {'odd "name"': "text", "metrics.AUC": "number", "at": "time", "metrics.auc": "text"}
    path = tmp_path / "it's [here]*.parquet"
    TableFiles().write(path, columns, rows)
    table = parquet.ParquetFile(path).read()
    assert table.column_names == ['odd "name"', "metrics.AUC", "at", "metrics.auc_1"]
    first, second, third = (tuple(row.values()) for row in table.slice(11_997).to_pylist())
    assert first == ("a'b", 0.1 + 0.2, at, "x")
    assert second == (None, float("inf"), None, "\\udcff")
    assert third == ("", None, at, None)


def test_a_parquet_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        TableFiles().write(tmp_path / "no" / "such.parquet", {"a": "text"}, [("x",)])
