"""What DuckDB counts, in every format and with every unpleasant column, held against NumPy."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    ColumnProblem,
    Family,
    NumericDistribution,
    ProblemKind,
    Profile,
    make_profile,
    profile_from_json,
)
from unipipe_tui.monitoring.opening import columns_of
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files, Relation, content_key

HOSTILE_NAMES = [
    "a b",
    'quo"ted',
    "dot.ted",
    "ünï—код",
    "select",
    "semi;colon",
    "it's",
    "[bold]",
    "tab\there",
    "label",
    "rows",
    "source",
]


def write(folder: Path, file: str = "rows.parquet", /, **columns: Any) -> Files:
    pq.write_table(pa.table(columns), folder / file)
    return Files((str(folder / file),))


def numbers(found: Profile, name: str) -> NumericDistribution:
    distribution = found.column(name)
    assert isinstance(distribution, NumericDistribution)
    return distribution


def values(found: Profile, name: str) -> CategoricalDistribution:
    distribution = found.column(name)
    assert isinstance(distribution, CategoricalDistribution)
    return distribution


def test_numbers_are_counted_in_bins_of_equal_mass_and_the_counts_are_exact(tmp_path: Path) -> None:
    amounts = np.random.default_rng(1).lognormal(size=24_000)
    found = numbers(profile(write(tmp_path, amount=amounts)), "amount")
    cells = np.searchsorted(found.edges, amounts, side="left")
    assert found.counts == tuple(np.bincount(cells, minlength=len(found.edges) + 1))
    assert (found.counts[0], found.counts[-1], len(found.counts)) == (0, 0, 22)
    assert all(count == pytest.approx(1200, rel=0.1) for count in found.counts[1:-1])
    assert (found.minimum, found.maximum) == (amounts.min(), amounts.max())
    assert found.mean == pytest.approx(amounts.mean())
    assert found.std == pytest.approx(amounts.std(ddof=1))


def test_a_profile_like_another_uses_its_bins_and_its_kinds(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, "then.parquet", amount=np.arange(1000.0), code=[1, 2] * 500))
    current = profile(write(tmp_path, "now.parquet", amount=[-5.0, 3.0, 5000.0], code=[7, 7, 1]), like=reference)
    assert numbers(current, "amount").edges == numbers(reference, "amount").edges
    assert (numbers(current, "amount").counts[0], numbers(current, "amount").counts[-1]) == (1, 1)
    assert values(current, "code").counts == (("7", 2), ("1", 1))


def test_one_table_has_one_profile_in_every_format(tmp_path: Path) -> None:
    amounts = [index / 4 for index in range(400)]
    table = {"amount": amounts, "flag": [index % 3 == 0 for index in range(400)], "who": ['é, "x"', None] * 200}
    parquet = write(tmp_path, "rows.parquet", **table)
    lines = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    csv = "\n".join(f"{line['amount']},{line['flag']},{quoted(line['who'])}" for line in lines)
    (tmp_path / "rows.csv").write_text(f"amount,flag,who\n{csv}\n")
    found = profile(parquet)
    assert found.rows == 400
    assert values(found, "flag").family is Family.BOOLEAN
    assert values(found, "who") == CategoricalDistribution((('é, "x"', 200),), missing=200)
    assert profile(Files((str(tmp_path / "rows.jsonl"),))).digest == found.digest
    assert profile(Files((str(tmp_path / "rows.csv"),))).digest == found.digest


def quoted(value: object) -> str:
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'


def test_several_files_are_one_set_and_a_file_without_a_byte_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,k\n2,k\n")
    (tmp_path / "b.csv").write_text("y,x\nk,3\n")
    (tmp_path / "c.csv").write_text("")
    found = profile(Files(tuple(sorted(str(path) for path in tmp_path.glob("*.csv")))))
    assert found.rows == 3
    assert values(found, "x").counts == (("1", 1), ("2", 1), ("3", 1))


def test_a_path_is_taken_literally_even_with_pattern_characters(tmp_path: Path) -> None:
    folder = tmp_path / "week [5] it's"
    folder.mkdir()
    assert profile(write(folder, "a*.parquet", x=[1, 2])).rows == 2


def test_a_query_with_parameters_can_be_profiled(tmp_path: Path) -> None:
    files = write(tmp_path, amount=np.arange(100.0), region=["it's", "b"] * 50)
    wanted = Relation("SELECT * FROM read_parquet(?) WHERE region = ? -- a week;", (files.paths[0], "it's"))
    assert values(profile(wanted), "region").counts == (("it's", 50),)


def test_columns_of_any_name_are_counted(tmp_path: Path) -> None:
    files = write(tmp_path, **{name: np.arange(50.0) + place for place, name in enumerate(HOSTILE_NAMES)})
    found = profile(files)
    texts = profile(write(tmp_path, "texts.parquet", **{name: [name, None] for name in HOSTILE_NAMES}))
    assert [values(texts, name).counts for name in HOSTILE_NAMES] == [((name, 1),) for name in HOSTILE_NAMES]
    assert [name for name, _ in found.columns] == HOSTILE_NAMES
    assert [numbers(found, name).minimum for name in HOSTILE_NAMES] == list(range(len(HOSTILE_NAMES)))
    assert profile(files, like=found) == found


def test_values_with_control_characters_and_markup_are_kept_as_they_are(tmp_path: Path) -> None:
    hostile = ["\x1b[31mred", "[bold]", "a\nb", "'; DROP TABLE source; --", ""]
    found = profile(write(tmp_path, who=hostile * 3))
    assert {name for name, _ in values(found, "who").counts} == set(hostile)
    assert profile_from_json(found.to_json()) == found


def test_infinite_values_lie_in_the_outer_bins_and_nan_is_missing(tmp_path: Path) -> None:
    rows = [math.inf, -math.inf, -math.inf, math.nan, None, *np.arange(100.0)]
    found = numbers(profile(write(tmp_path, x=pa.array(rows, pa.float64(), from_pandas=False))), "x")
    assert (found.counts[0], found.counts[-1], found.missing) == (2, 1, 2)
    assert (found.minimum, found.maximum, found.mean) == (0.0, 99.0, 49.5)


@pytest.mark.parametrize(("first", "number"), [("inf", True), ("-Infinity", True), ("NaN", True), ("info", False)])
def test_a_csv_file_whose_first_number_is_infinite_holds_numbers(tmp_path: Path, first: str, number: bool) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,y", f"{first},inf", "1.5,inf", "2.5,oops", "3.5,1"]))
    found = profile(Files((str(path),)))
    assert isinstance(found.column("x"), NumericDistribution) is number
    assert dict(values(found, "y").counts) == {"inf": 2, "oops": 1, "1": 1}


@pytest.mark.parametrize(
    ("line", "said"), [("1", "line 4 of rows.csv has 1 fields"), ("1,2,3", "line 4 of rows.csv has 3 fields")]
)
def test_a_csv_file_with_a_line_that_is_cut_off_or_too_long_is_refused_by_its_place(
    tmp_path: Path, line: str, said: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,y", *["1,2"] * 2, line, *["3,4"] * 200]))
    with pytest.raises(Failed, match=f"{said}, the header 2"):
        profile(Files((str(path),)))
    with pytest.raises(Failed, match=said):
        columns_of(Files((str(path),)))


def test_a_csv_file_that_becomes_wider_half_way_down_does_not_lose_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,y", *["1,2"] * 50, *["3,4,5"] * 50]))
    with pytest.raises(Failed, match=r"line 52 of rows\.csv has 3 fields, the header 2"):
        profile(Files((str(path),)))


@pytest.mark.parametrize("title", ["# exported, by hand", "Report, May", "a title", ""])
def test_a_title_above_the_header_of_a_csv_file_is_left_out(tmp_path: Path, title: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([title, "x,y,z", *["1,2,3"] * 50]))
    found = profile(Files((str(path),)))
    assert (found.rows, [name for name, _ in found.columns]) == (50, ["x", "y", "z"])


@pytest.mark.parametrize("text", ['[{"x": 1}, {"x": 2}]', "1\n2\n", '{"x": 1}\n[1]\n'])
def test_json_lines_that_are_no_objects_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    for read in (profile, columns_of):
        with pytest.raises(Failed, match="a line is no JSON object"):
            read(Files((str(path),)))


@pytest.mark.parametrize(("text", "rows"), [('{"json": 1}\n' * 3, 3), ("\n\n", 0), ("{}\n{}\n", 2)])
def test_json_lines_of_a_column_called_json_or_of_nothing_are_read(tmp_path: Path, text: str, rows: int) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    assert profile(Files((str(path),))).rows == rows


def test_csv_files_that_cannot_be_one_table_are_told_with_the_file(tmp_path: Path) -> None:
    for name, value in (("one.csv", "true"), ("two.csv", "5")):
        (tmp_path / name).write_text(f"x\n{value}\n")
    with pytest.raises(Failed, match=r"one\.csv") as refused:
        profile(Files(tuple(map(str, sorted(tmp_path.glob("*.csv"))))))
    assert "same kinds of values" in refused.value.hint


def test_a_csv_file_whose_names_hold_delimiters_and_breaks_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('"a,b","c\nd",e;f\n' + "1,2,3\n" * 5)
    assert [name for name, _ in profile(Files((str(path),))).columns] == ["a,b", "c\nd", "e;f"]


def test_numbers_too_large_to_square_break_nothing(tmp_path: Path) -> None:
    found = profile(write(tmp_path, x=[1e308, -1e308, 1.0, 3.0, 1.7976931348623157e308, 5e-324]))
    assert numbers(found, "x").present == 6
    assert numbers(found, "x").mean == pytest.approx(4 / 3)
    assert profile_from_json(found.to_json()) == found


@pytest.mark.parametrize("kind", [pa.float32(), pa.float16(), pa.decimal128(24, 2), pa.int8(), pa.uint64(), pa.int32()])
def test_every_type_of_number_is_a_number(tmp_path: Path, kind: pa.DataType) -> None:
    found = numbers(profile(write(tmp_path, x=pa.array(range(100)).cast(kind))), "x")
    assert (found.minimum, found.maximum, found.present) == (0.0, 99.0, 100)


def test_a_dictionary_of_texts_is_text(tmp_path: Path) -> None:
    found = values(profile(write(tmp_path, x=pa.array(["a", "b", "a"]).dictionary_encode())), "x")
    assert (found.family, found.counts) == (Family.TEXT, (("a", 2), ("b", 1)))


def test_huge_integers_keep_every_digit_as_names_and_their_order_as_numbers(tmp_path: Path) -> None:
    few, many = [2**63 - 1, 2**63 - 2] * 50, [2**62 + index * 2**40 for index in range(100)]
    found = profile(write(tmp_path, few=few, many=many))
    assert dict(values(found, "few").counts) == {str(2**63 - 1): 50, str(2**63 - 2): 50}
    assert numbers(found, "many").present == 100
    assert numbers(found, "many").minimum == float(2**62)


def test_twenty_different_whole_numbers_are_values_and_twenty_one_are_numbers(tmp_path: Path) -> None:
    found = profile(write(tmp_path, twenty=[i % 20 for i in range(5000)], more=[i % 21 for i in range(5000)]))
    assert len(values(found, "twenty").counts) == 20
    assert numbers(found, "more").present == 5000


def test_the_most_frequent_two_hundred_values_are_named_and_the_others_counted(tmp_path: Path) -> None:
    names = [f"user-{index}" for index in range(1000)] + ["often"] * 9
    found = values(profile(write(tmp_path, who=names)), "who")
    assert (len(found.counts), found.counts[0], found.other, found.present) == (200, ("often", 9), 801, 1009)


def test_a_value_the_reference_names_is_counted_however_rare_it_is_now(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, "then.parquet", who=["seldom"] * 10))
    flood = [f"user-{index}" for index in range(500) for _ in range(2)]
    current = values(profile(write(tmp_path, "now.parquet", who=[*flood, "seldom"]), like=reference), "who")
    assert dict(current.counts)["seldom"] == 1
    assert current.present == 1001


def test_a_constant_column_still_shows_what_is_less_and_what_is_more(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, "then.parquet", x=[7.5] * 30))
    current = profile(write(tmp_path, "now.parquet", x=[7.4, 7.5, 7.6, 7.6]), like=reference)
    assert numbers(reference, "x").counts == (0, 30, 0)
    assert numbers(reference, "x").std == 0.0
    assert numbers(current, "x").counts == (1, 1, 2)


def test_millions_of_rows_get_nearly_equal_masses_and_exact_counts() -> None:
    found = numbers(profile(Relation("SELECT (x * 7919) % 1500007 AS x FROM range(1500007) AS numbers(x)")), "x")
    assert found.present == 1_500_007
    assert (found.minimum, found.maximum) == (0.0, 1_500_006.0)
    assert all(count == pytest.approx(75_000, rel=0.25) for count in found.counts[1:-1])


def test_a_spike_of_zeros_has_a_bin_of_its_own(tmp_path: Path) -> None:
    spread = np.linspace(0.1, 10, 200)
    found = numbers(profile(write(tmp_path, x=[*[0.0] * 800, *spread])), "x")
    assert found.counts[1] == 800
    assert sum(found.counts) == 1000


@pytest.mark.parametrize("kind", [pa.float64(), pa.string(), pa.bool_(), pa.int64(), pa.null()])
def test_a_column_without_a_value_is_all_missing(tmp_path: Path, kind: pa.DataType) -> None:
    files = write(tmp_path, x=pa.array([None] * 9, kind))
    distribution = profile(files).column("x")
    assert distribution is not None
    assert (distribution.present, distribution.missing) == (0, 9)
    assert profile(files, like=profile(files)).column("x") == distribution


def test_a_column_whose_values_are_all_gone_is_missing_not_of_another_type(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, amount=np.arange(100.0), who=["a"] * 100))
    (tmp_path / "now.csv").write_text("amount,who\n,\n,\n")
    current = profile(Files((str(tmp_path / "now.csv"),)), like=reference)
    assert current.problems == ()
    assert (numbers(current, "amount").present, numbers(current, "amount").missing) == (0, 2)
    assert (values(current, "who").present, values(current, "who").missing) == (0, 2)


def test_an_absent_column_and_a_changed_type_are_named(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, "then.parquet", amount=np.arange(100.0), who=["a"] * 100))
    current = profile(write(tmp_path, "now.parquet", amount=["12", "n/a"]), like=reference)
    assert {(problem.column, problem.kind) for problem in current.problems} == {
        ("amount", ProblemKind.TYPE_CHANGED),
        ("who", ProblemKind.ABSENT),
    }


def test_lists_and_times_are_said_to_be_incomparable(tmp_path: Path) -> None:
    files = write(tmp_path, tags=[[1], [2]], when=pa.array([0, 1], pa.timestamp("s")))
    assert {problem.kind for problem in profile(files).problems} == {ProblemKind.NOT_COMPARABLE}


def test_whole_numbers_written_as_fractions_have_the_same_names(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, "then.parquet", code=[1, 2] * 10))
    current = profile(write(tmp_path, "now.parquet", code=[1.0, 2.5, None]), like=reference)
    assert values(current, "code") == CategoricalDistribution((("1", 1), ("2.5", 1)), 1, 0, Family.NUMBER)


def test_a_text_of_digits_stays_a_text_in_a_week_without_letters(tmp_path: Path) -> None:
    (tmp_path / "then.csv").write_text("post_code\n01234\nAB1\n")
    (tmp_path / "now.csv").write_text("post_code\n01234\n05678\n")
    reference = profile(Files((str(tmp_path / "then.csv"),)))
    current = profile(Files((str(tmp_path / "now.csv"),)), like=reference)
    assert values(current, "post_code").counts == (("01234", 1), ("05678", 1))


def test_no_rows_are_an_empty_profile_of_the_same_shape(tmp_path: Path) -> None:
    reference = profile(write(tmp_path, "then.parquet", amount=np.arange(100.0), who=["a"] * 100))
    (tmp_path / "header.csv").write_text("amount,who\n")
    (tmp_path / "nothing.csv").write_text("")
    empty_parquet = write(tmp_path, "none.parquet", amount=pa.array([], pa.float64()), who=pa.array([], pa.string()))
    nothing = Files(()), Files((str(tmp_path / "header.csv"),)), Files((str(tmp_path / "nothing.csv"),)), empty_parquet
    for source in nothing:
        current = profile(source, like=reference)
        assert (current.rows, current.problems) == (0, ())
        assert [distribution.present for _, distribution in current.columns] == [0, 0]
    assert profile(empty_parquet).rows == 0


def test_what_cannot_be_read_is_said_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "notes.txt").write_text("hello")
    for paths in [("broken.parquet",), ("notes.txt",), ("absent.csv",), ("broken.parquet", "absent.csv")]:
        with pytest.raises(Failed) as refusal:
            profile(Files(tuple(str(tmp_path / path) for path in paths)))
        assert refusal.value.hint
    with pytest.raises(Failed, match="no file"):
        profile(Files(()))


def test_nothing_is_left_behind_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write(tmp_path, x=np.arange(1000.0))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    profile(files)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_content_key_changes_with_the_bytes_and_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("x\n1\n")
    files = Files((str(file),))
    before = content_key(files, 20)
    assert content_key(files, 20) == before
    assert content_key(files, 10) != before
    file.write_text("x\n2\n")
    assert content_key(files, 20) != before


names = st.text(max_size=20).filter(lambda name: name.isprintable() or "\x1b" in name)
numerics = st.builds(
    lambda edges, missing, mean: NumericDistribution(
        tuple(sorted(edges)), tuple(range(len(edges) + 1)), missing, mean=mean
    ),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8, unique=True),
    st.integers(0, 9),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
categoricals = st.builds(
    CategoricalDistribution,
    st.lists(st.tuples(names, st.integers(1, 9)), max_size=5).map(tuple),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(Family),
)
problems = st.builds(ColumnProblem, names, st.sampled_from(ProblemKind), names)


@settings(max_examples=50)
@given(st.lists(st.tuples(names, numerics | categoricals), max_size=4), st.lists(problems, max_size=2))
def test_a_profile_survives_its_own_json(
    columns: list[tuple[str, NumericDistribution | CategoricalDistribution]], found: list[ColumnProblem]
) -> None:
    profile_made = make_profile(9, columns, found)
    assert profile_from_json(profile_made.to_json()) == profile_made


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", '{"format":2}', '{"format":99}', "\x00"])
def test_a_damaged_profile_is_refused(damage: str) -> None:
    with pytest.raises(Failed, match="not a profile"):
        profile_from_json(damage)


def test_a_profile_that_was_edited_is_refused(tmp_path: Path) -> None:
    text = profile(write(tmp_path, x=np.arange(100.0))).to_json()
    with pytest.raises(Failed, match="digest"):
        profile_from_json(text.replace('"missing":0', '"missing":1'))


def test_only_profiles_loads_more_than_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "from unipipe_tui.monitoring import cells, comparisons, distributions, drift\n"
        "from unipipe_tui.monitoring import performance, sources, words\n"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(roots - set(sys.stdlib_module_names) - {'unipipe_tui'}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_thousands_of_columns_keep_their_order(tmp_path: Path) -> None:
    names = [f"column_{number:05}" for number in range(3000)]
    path = tmp_path / "wide.csv"
    path.write_text(",".join(names) + "\n" + (",".join("1" for _ in names) + "\n") * 3)
    assert [name for name, _ in profile(Files((str(path),))).columns] == names
