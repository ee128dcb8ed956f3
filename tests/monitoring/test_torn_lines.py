"""Lines of CSV with more or fewer fields than the header are named; a name that holds a comma or a bar is only a name."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.opening import columns_of
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files


def csv_file(folder: Path, header: str, *rows: str) -> Files:
    """A file with these lines."""
    path = folder / "rows.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return Files((str(path),))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("1,2,3", "4,5", "6,7,8"), "line 3 of rows.csv has 2 fields, the header 3"),
        (("1,2,3", "4,5,6", "7,8,9,10"), "line 4 of rows.csv has 4 fields, the header 3"),
        (("1,2,3,4,5", "6"), "line 2 of rows.csv has 5 fields, the header 3"),
    ],
)
def test_the_first_line_of_other_fields_than_the_header_is_named(
    tmp_path: Path, rows: tuple[str, ...], said: str
) -> None:
    files = csv_file(tmp_path, "a,b,c", *rows)
    for ask in (columns_of, profile):
        with pytest.raises(Failed, match=said):
            ask(files)


def test_a_torn_line_of_a_compressed_file_is_named_as_well(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,c\n1,2,3\n4,5\n"))
    with pytest.raises(Failed, match=r"line 3 of rows\.csv\.gz has 2 fields"):
        columns_of(Files((str(path),)))


@pytest.mark.parametrize(
    ("header", "row", "names"),
    [
        ('"amount, in EUR",fraud', "1.5,0", ("amount, in EUR", "fraud")),
        ("city|country|zone,fraud", "Rome,1", ("city|country|zone", "fraud")),
        ("yes|no", "1", ("yes|no",)),
        ("Export, of March\na,b,c", "1,2,3", ("a", "b", "c")),
    ],
)
def test_a_name_may_hold_what_parts_the_fields_of_other_files(
    tmp_path: Path, header: str, row: str, names: tuple[str, ...]
) -> None:
    files = csv_file(tmp_path, header, *[row] * 40)
    assert columns_of(files) == names
    assert profile(files).rows == 40


def test_a_header_of_very_many_columns_is_read(tmp_path: Path) -> None:
    names = tuple(f"column_{number:06}" for number in range(12_000))
    assert columns_of(csv_file(tmp_path, ",".join(names), ",".join("1" for _ in names))) == names


def test_a_field_of_any_length_is_read(tmp_path: Path) -> None:
    files = csv_file(tmp_path, "yes|no,text", *[f"1,{'x' * 200_000}"] * 3)
    assert columns_of(files) == ("yes|no", "text")
