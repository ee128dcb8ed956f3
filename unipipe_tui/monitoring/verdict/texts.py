"""Free texts as numbers: how long they are and what they are made of, to be compared like any other column.

A column of texts is free when the reference holds more different values than a profile names (200): by its values
alone nothing can be said of it but that the named ones became rarer. Beside it stand, per text that is there,
`length(x)` in characters, the shares of its characters that are letters (`letters(x)`), decimal digits (`digits(x)`),
punctuation and symbols (`punctuation(x)`) or outside ASCII (`non_ascii(x)`), all by their Unicode category, and
whether it is blank (`blank(x)`). Missing texts are counted with the column itself, and not once more with each of
these. At most 100,000 rows a side are looked at, evenly spread over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unipipe_tui.monitoring.distributions import Profile, make_profile
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import (
    FileFormat,
    Files,
    Relation,
    csv_reader,
    json_lines_reader,
    parquet_reader,
    quoted_name,
)
from unipipe_tui.monitoring.verdict.text_columns import CLASSES, derived_names, free_texts

MOST_ROWS = 100_000
PLACE = '"place of the row"'


def with_texts(files: Files, counted: Profile, like: Profile | None = None) -> Profile:
    """The profile of these files with the derived columns of each free text; with `like`, of that one's, in its bins.

    Raises `Failed` when the rows cannot be read.
    """
    texts = free_texts(like or counted)
    there = tuple(name for name in texts if counted.column(name) is not None)
    files = files.with_content()
    if not there or (not files.paths and like is None):
        return counted
    known = None if like is None else _only(like, [name for text in there for name in derived_names(text)])
    if not files.paths:
        return _joined(counted, profile(files, like=known))
    columns = ", ".join(_derived(name) for name in there)
    some = _some(_reader(files, there), there, counted.rows)
    return _joined(counted, profile(Relation(f"SELECT {columns} FROM {some}"), like=known))  # noqa: S608


def _some(reader: str, texts: Sequence[str], rows: int) -> str:
    step = -(-rows // MOST_ROWS)
    if step <= 1:
        return reader
    names = ", ".join(quoted_name(name) for name in texts)
    numbered = f"SELECT {names}, row_number() OVER () AS {PLACE} FROM {reader}"  # noqa: S608
    return f"(SELECT {names} FROM ({numbered}) WHERE {PLACE} % {step} = 0)"  # noqa: S608


def _only(whole: Profile, names: Sequence[str]) -> Profile:
    return make_profile(whole.rows, ((name, column) for name, column in whole.columns if name in set(names)))


def _joined(counted: Profile, derived: Profile) -> Profile:
    present = tuple((name, replace(column, missing=0)) for name, column in derived.columns)
    return make_profile(counted.rows, (*counted.columns, *present), (*counted.problems, *derived.problems))


def _reader(files: Files, texts: Sequence[str]) -> str:
    match files.format:
        case FileFormat.PARQUET:
            return parquet_reader(files)
        case FileFormat.CSV:
            return csv_reader(files, texts)
        case FileFormat.JSON_LINES:
            return json_lines_reader(files)


def _derived(name: str) -> str:
    text = f"CAST({quoted_name(name)} AS VARCHAR)"
    shares = (
        f"length(regexp_replace({text}, '[{_others(characters)}]+', '', 'g')) / nullif(length({text}), 0) "
        f"AS {quoted_name(f'{kind}({name})')}"
        for kind, characters in CLASSES
    )
    whole = f"CAST(length({text}) AS DOUBLE) AS {quoted_name(f'length({name})')}"
    return ", ".join((whole, *shares, f"trim({text}) = '' AS {quoted_name(f'blank({name})')}"))


def _others(characters: str) -> str:
    return characters[1:] if characters.startswith("^") else f"^{characters}"
