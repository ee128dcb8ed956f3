"""Read a SQLite file that belongs to somebody else, without changing a byte of it or creating one beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from unipipe_tui.domain.errors import Failed, ToolMissing, UnipipeError
from unipipe_tui.domain.values import frozen

Answer = TypeVar("Answer")

READS_OF_A_MOVING_FILE = 3
WAL_FORMAT = b"\x02"


@frozen
class Schema:
    """The tables of a database and their columns, as far as they were asked for."""

    tables: Mapping[str, frozenset[str]]

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table exists with all these columns."""
        return frozenset(columns) <= self.tables.get(table, frozenset()) if columns else table in self.tables

    def column(self, table: str, name: str, otherwise: str = "NULL") -> str:
        """SQL for the column of that table, or for what stands in for it in an older schema."""
        return f"{table}.{name}" if self.has(table, name) else otherwise


def probe(connection: sqlite3.Connection, wanted: Sequence[str] | None = None) -> Schema:
    """Learn which tables and columns there are, or those of the tables that are wanted."""
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' "
        "AND (?1 IS NULL OR t.name IN (SELECT value FROM json_each(?1)))",
        (None if wanted is None else json.dumps(wanted),),
    ):
        columns.setdefault(str(table), set()).add(str(column))
    return Schema({table: frozenset(names) for table, names in columns.items()})


def read_only(path: Path, question: Callable[[sqlite3.Connection], Answer], patience_seconds: float = 2.0) -> Answer:
    """Put a question to the file inside one read transaction.

    Raises ToolMissing while another program keeps it locked for longer than `patience_seconds`, Failed when it is
    damaged, is not a database or cannot be read.
    """
    path = path.resolve()  # SQLite keeps its other files beside the real file, not beside a link to it
    try:
        if _left_by_a_crash(path):
            return _ask_a_copy(path, question, patience_seconds)
        return _ask_in_place(path, question, patience_seconds)
    except sqlite3.Error as error:
        if _needs_writing(error):
            return _ask_a_copy(path, question, patience_seconds)
        raise _explained(path, error) from error
    except OSError as error:
        raise _out_of_reach(path, error) from error


def glance(path: Path, question: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
    """Put a question to the file as it lies there, without waiting for anybody; None when it cannot be answered so.

    What is in its log only is not seen, and what is written at this moment may be seen by half.
    """
    try:
        with closing(_connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", 0)) as connection:
            return question(connection)
    except (sqlite3.Error, OSError):
        return None


@contextmanager
def settled(path: Path, patience_seconds: float = 2.0) -> Iterator[Path]:
    """Where to put many questions to the file: there, or for the length of the block to a copy of it.

    A file that a crash left behind is answered for by a copy each time; with this the copy is made once.
    """
    path = path.resolve()
    with ExitStack() as stack:
        if not _answers_in_place(path, patience_seconds):
            copy = Path(stack.enter_context(TemporaryDirectory(prefix="unipipe-"))) / path.name
            try:
                _copy(path, copy)
                with closing(_connect(copy.as_uri(), patience_seconds)) as connection:
                    connection.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.Error as error:
                raise _explained(path, error) from error
            except OSError as error:
                raise _out_of_reach(path, error) from error
            path = copy
        yield path


def _answers_in_place(path: Path, patience_seconds: float) -> bool:
    try:
        if _left_by_a_crash(path):
            return False
        _ask_in_place(
            path, lambda connection: connection.execute("SELECT 1 FROM sqlite_master").fetchone(), patience_seconds
        )
    except sqlite3.Error as error:
        if _needs_writing(error):
            return False
        raise _explained(path, error) from error
    except OSError as error:
        raise _out_of_reach(path, error) from error
    return True


def _ask_in_place(path: Path, question: Callable[[sqlite3.Connection], Answer], patience_seconds: float) -> Answer:
    for _ in range(READS_OF_A_MOVING_FILE):
        mode, before = _safe_mode(path), _stamp(path)
        with closing(_connect(f"{path.absolute().as_uri()}?{mode}", patience_seconds)) as connection:
            answer = _ask(connection, question)
        # immutable=1 takes no lock: the answer counts only if nobody wrote meanwhile.
        if "immutable" not in mode or _stamp(path) == before:
            return answer
    raise ToolMissing(f"{path} changes faster than it can be read.", "Try again when the writer has finished.")


def _ask_a_copy(path: Path, question: Callable[[sqlite3.Connection], Answer], patience_seconds: float) -> Answer:
    """SQLite mends a file after a crash by writing to it, so it mends a copy."""
    with TemporaryDirectory(prefix="unipipe-") as folder:
        copy = Path(folder) / path.name
        _copy(path, copy)
        try:
            with closing(_connect(copy.as_uri(), patience_seconds)) as connection:
                return _ask(connection, question)
        except sqlite3.Error as error:
            raise _explained(path, error) from error


def _copy(path: Path, copy: Path) -> None:
    for ending in ("", "-journal", "-wal"):
        if (part := _beside(path, ending)).exists():
            shutil.copyfile(part, _beside(copy, ending))


def _connect(uri: str, patience_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=patience_seconds, isolation_level=None)
    connection.text_factory = _text
    return connection


def _ask(connection: sqlite3.Connection, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
    connection.execute("BEGIN")
    return question(connection)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _safe_mode(path: Path) -> str:
    """Plain `mode=ro` creates `-wal` and `-shm` files beside a database in WAL mode; the other two modes do not."""
    if not _in_wal_mode(path):
        return "mode=ro"
    return "mode=ro&readonly_shm=1" if _beside(path, "-shm").exists() else "mode=ro&immutable=1"


def _in_wal_mode(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:19] == WAL_FORMAT


def _left_by_a_crash(path: Path) -> bool:
    wal = _beside(path, "-wal")
    return wal.exists() and wal.stat().st_size > 0 and not _beside(path, "-shm").exists()


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _stamp(path: Path) -> tuple[int, int, bool]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, _beside(path, "-shm").exists()


def _needs_writing(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _out_of_reach(path: Path, error: OSError) -> Failed:
    return Failed(f"{path} cannot be read: {error.strerror}.", "Check its permissions.")


def _explained(path: Path, error: sqlite3.Error) -> UnipipeError:
    if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ToolMissing(f"{path} is locked by a program that is writing to it.", "Try again when it has finished.")
    if _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Failed(f"{path} is damaged or not a SQLite database.", "Restore it from a copy.")
    return Failed(f"{path} cannot be read: {error}.", "Check the file and its permissions.")
