"""Where the rows to profile are: files of one format, or a query; and the SQL that reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from hashlib import sha256
from pathlib import Path

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen


class FileFormat(Enum):
    """How rows are written in a file, and the suffixes that say so."""

    PARQUET = (".parquet", ".pq")
    CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
    JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


@frozen
class Files:
    """Rows that lie in files of one format: their exact paths, in any number (none is an empty set).

    CSV and TSV files begin with a line of column names.
    """

    paths: tuple[str, ...]

    @property
    def format(self) -> FileFormat:
        """What the suffixes say. Raises `Failed` when they say nothing, or different things."""
        for path in self.paths:
            if _format_by_suffix(path) is None:
                raise Failed(f"{path!r} is not a file to profile.", "Parquet, CSV, TSV and JSON lines can be read.")
        formats = {_format_by_suffix(path) for path in self.paths} - {None}
        if len(formats) != 1:
            raise Failed("The files to profile are not of one format.", "Name files of one format.")
        (found,) = (known for known in FileFormat if known in formats)
        return found

    def with_content(self) -> Files:
        """Without the files of no bytes at all, which have neither rows nor columns.

        Raises `Failed` for a path where no file is.
        """
        for path in self.paths:
            if not Path(path).is_file():
                raise Failed(f"There is no file {path!r}.", "Check the path of the data, or pull it.")
        return Files(tuple(path for path in self.paths if Path(path).stat().st_size > 0))


@frozen
class Relation:
    """Rows that a DuckDB query answers; the query is our own, what comes from outside goes into `parameters` (`?`)."""

    sql: str
    parameters: tuple[object, ...] = ()

    @property
    def subquery(self) -> str:
        """The query where a table may stand."""
        body = self.sql.rstrip().rstrip(";")
        return f"({body}\n)"


Source = Files | Relation


def parquet_reader(files: Files) -> str:
    """The table function that reads Parquet files, columns matched by name."""
    return f"read_parquet({_quoted_texts(files.paths)}, union_by_name = true)"


def json_lines_reader(files: Files, records: str = "auto") -> str:
    """The table function that reads JSON lines, types judged from every line of every file; `records`: only objects."""
    return (
        f"read_json({_quoted_texts(files.paths)}, format = 'newline_delimited', union_by_name = true, "
        f"records = '{records}', sample_size = -1, maximum_sample_files = 1000000)"
    )


def csv_reader(files: Files, as_text: Sequence[str] = ()) -> str:
    """The table function that reads CSV files, types judged from every line but for the columns to be read as text."""
    types = ", ".join(f"{_quoted_text(name)}: 'VARCHAR'" for name in as_text)
    forced = f", types = {{{types}}}" if types else ""
    return f"read_csv({_quoted_texts(files.paths)}, header = true, union_by_name = true, sample_size = -1{forced})"


def csv_header_reader(files: Files) -> str:
    """The table function that is quick to say which columns CSV files have, and nothing of their types."""
    return f"read_csv({_quoted_texts(files.paths)}, header = true, union_by_name = true, all_varchar = true)"


def quoted_name(identifier: str) -> str:
    """A column's name as SQL wants it, whatever it is made of."""
    escaped = identifier.replace('"', '""')
    return f'"{escaped}"'


def digest_of_file(path: str) -> bytes:
    """The SHA-256 of what is in a file."""
    content = sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            content.update(block)
    return content.digest()


def content_key(files: Files, *settings: object, digest_of: Callable[[str], bytes] = digest_of_file) -> str:
    """A SHA-256 that changes when a byte of the files, their number or order, or one of the settings changes.

    Reads every file once, unless `digest_of` knows the hash of its content.
    """
    key = sha256(repr(settings).encode("utf-8"))
    for path in files.paths:
        key.update(digest_of(path))
    return key.hexdigest()


def _format_by_suffix(path: str) -> FileFormat | None:
    return next((known for known in FileFormat if path.lower().endswith(known.value)), None)


def _quoted_text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _quoted_texts(values: Sequence[str]) -> str:
    return f"[{', '.join(_quoted_text(value) for value in values)}]"
