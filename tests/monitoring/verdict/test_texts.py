"""Free texts are compared by what they are made of, in the verdict of all columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.monitoring.verdict.made import written
from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.drift import ColumnDrift, DriftReport, check_drift
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Files
from unipipe_tui.monitoring.verdict.text_columns import derived_names, free_texts
from unipipe_tui.monitoring.verdict.texts import with_texts

WORDS = ["card", "lost", "please", "help", "refund", "order", "late", "thanks", "again", "möglich"]


def texts(seed: int, rows: int, words: int = 6) -> list[str | None]:
    chance = np.random.default_rng(seed)
    counts = chance.poisson(words, rows) + 1
    return [" ".join(chance.choice(WORDS, count)) + f" {chance.integers(1_000, 9_999)}." for count in counts]


def compared(folder: Path, then: Sequence[str | None], now: Sequence[str | None]) -> DriftReport:
    files = written(folder / "then.parquet", {"said": then}), written(folder / "now.parquet", {"said": now})
    reference = with_texts(files[0], profile(files[0]))
    return check_drift(reference, extended(files[1], reference))


def extended(files: Files, reference: Profile) -> Profile:
    counted = profile(files, [name for name, _ in reference.columns if "(" not in name], like=reference)
    return with_texts(files, counted, reference)


def of(report: DriftReport, name: str) -> ColumnDrift:
    return next(column for column in report.columns if column.column == name)


def test_texts_that_became_longer_drift_in_their_length(tmp_path: Path) -> None:
    report = compared(tmp_path, texts(1, 1_500), texts(2, 800, words=11))
    assert "length(said)" in report.drifted_columns
    assert of(report, "length(said)").kind.value == "numeric"
    assert "mean " in of(report, "length(said)").reason
    assert not of(report, "blank(said)").drifted


def test_another_script_and_blank_texts_are_seen_for_what_they_are(tmp_path: Path) -> None:
    then = texts(3, 1_500)
    strange = [text and "".join("ж" if letter == "e" else letter for letter in text) for text in texts(4, 800)]
    assert "non_ascii(said)" in compared(tmp_path, then, strange).drifted_columns
    blank = ["  " if number % 3 == 0 else text for number, text in enumerate(texts(5, 800))]
    report = compared(tmp_path, then, blank)
    assert of(report, "blank(said)").drifted
    assert of(report, "blank(said)").reference_shares[0] == 1.0


def test_texts_that_stay_as_they_were_are_no_drift_and_missing_ones_are_told_once(tmp_path: Path) -> None:
    gaps = [None if number % 4 == 0 else text for number, text in enumerate(texts(6, 900))]
    report = compared(tmp_path, texts(7, 1_500), gaps)
    assert report.drifted_columns == ("said",)
    assert "Missing values 0.0 % → 25.0 %" in of(report, "said").reason
    assert not compared(tmp_path, texts(7, 1_500), texts(8, 900)).drifted


def test_texts_of_few_values_and_lists_are_no_free_texts(tmp_path: Path) -> None:
    few = written(tmp_path / "few.parquet", {"kind": ["a", "b"] * 300, "v": [f"[{n}, 1.5]" for n in range(600)]})
    assert free_texts(profile(few)) == ()
    assert with_texts(few, profile(few)) == profile(few)


def test_a_set_without_rows_or_without_the_column_is_no_fault(tmp_path: Path) -> None:
    files = written(tmp_path / "then.parquet", {"said": texts(9, 600), "x": np.arange(600.0)})
    reference = with_texts(files, profile(files))
    assert set(derived_names("said")) <= {name for name, _ in reference.columns}
    lacking = written(tmp_path / "now.parquet", {"x": np.arange(600.0)})
    report = check_drift(reference, extended(lacking, reference))
    assert report.drifted_columns == ("said",)
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert not check_drift(reference, extended(Files((str(empty),)), reference)).drifted


def test_csv_texts_that_look_like_numbers_in_one_week_stay_texts(tmp_path: Path) -> None:
    for name, rows in (("then", texts(10, 500)), ("now", [str(number) for number in range(300)])):
        (tmp_path / f"{name}.csv").write_text("said\n" + "".join(f"{row}\n" for row in rows))
    files = [Files((str(tmp_path / f"{name}.csv"),)) for name in ("then", "now")]
    reference = with_texts(files[0], profile(files[0]))
    report = check_drift(reference, extended(files[1], reference))
    assert "digits(said)" in report.drifted_columns
