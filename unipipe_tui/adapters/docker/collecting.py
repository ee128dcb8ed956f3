"""Brings the prediction log of a router here: every segment once, and of one that still grows only what is new.

A segment is only appended to until it is folded into Parquet under the same name. Here it bears the id of its volume as well, for
a volume that was made anew begins to count anew. So what is here already tells what is missing, and asking again after an
interruption neither loses nor doubles a row.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from unipipe_tui.domain.values import frozen

MOST_BYTES = 4_000_000
"""How much is asked for at once."""
PYTHON = ("python", "-I", "-S")
"""How the script is run: without looking for packages that it does not use, which takes longer than its work."""
PREDICTIONS = "predictions-"
PARTIAL = ".fetching"
COMPLETE = 1 << 62
Fetch = Callable[[str], str]
"""Runs `inside/fetch.py` where the log is: told what is known, it answers with what is new."""
CountRows = Callable[[Path], int]
"""How many rows a Parquet file has."""


@frozen
class Chunk:
    """A part of a segment."""

    name: str
    begin: int
    size: int
    """Of the whole segment, when it was read."""
    data: bytes


def collect_log(fetch: Fetch, source: str, into: Path, count_rows: CountRows, most: int = MOST_BYTES) -> int:
    """Fetch what is new of the log with this id; answers with the number of new predictions.

    `most`: how many bytes `fetch` tells at once.
    """
    into.mkdir(parents=True, exist_ok=True)
    rows, may_be_more = 0, True
    while may_be_more:
        chunks = list(_chunks(fetch(json.dumps(known_of(source, into)))))
        rows += sum(_take(chunk, source, into, count_rows) for chunk in chunks)
        # Getting in takes longer than reading there: what had room for more has told all.
        filled = 2 * sum(len(chunk.data) for chunk in chunks) >= most
        may_be_more = filled or any(chunk.begin + len(chunk.data) < chunk.size for chunk in chunks)
    return rows


def known_of(source: str, into: Path) -> dict[str, int]:
    """How many bytes of each segment are here, by the name that it has there."""
    here = {_name_there(path.name, source): path.stat().st_size for path in into.glob(f"*-{source}-*")}
    # What is here in its folded form is complete, whatever of its lines is still there.
    folded = {name: COMPLETE for name in here if name.endswith(".parquet")}
    lines = {f"{name.removesuffix('.parquet')}.jsonl": COMPLETE for name in folded}
    partial = {name.removesuffix(PARTIAL): size for name, size in here.items() if name.endswith(PARTIAL)}
    return {**here, **partial, **folded, **lines}


def _chunks(said: str) -> Iterator[Chunk]:
    for line in said.splitlines():
        if line.startswith("{"):
            one = json.loads(line)
            yield Chunk(one["name"], one["begin"], one["size"], base64.b64decode(one["data"]))


def _take(chunk: Chunk, source: str, into: Path, count_rows: CountRows) -> int:
    """Write a chunk down; answers with how many predictions it brought."""
    path = into / _name_here(chunk.name, source)
    counts = chunk.name.startswith(PREDICTIONS)
    if path.suffix == ".jsonl":
        _append(path, chunk)
        return chunk.data.count(b"\n") if counts else 0
    partial = path.with_name(path.name + PARTIAL)
    _append(partial, chunk)
    if chunk.begin + len(chunk.data) < chunk.size:
        return 0
    lines = path.with_suffix(".jsonl")
    before = lines.read_bytes().count(b"\n") if counts and lines.exists() else 0
    partial.replace(path)
    lines.unlink(missing_ok=True)
    return count_rows(path) - before if counts else 0


def _append(path: Path, chunk: Chunk) -> None:
    """Write where it belongs: what an interrupted attempt wrote of it is written again."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(chunk.begin)
        file.seek(chunk.begin)
        file.write(chunk.data)


def _name_here(name: str, source: str) -> str:
    """`predictions-2026-03-09-1-0.jsonl` with the log's id behind the kind, so that no two logs' segments are one file."""
    kind, _, rest = name.partition("-")
    return f"{kind}-{source}-{rest}"


def _name_there(name: str, source: str) -> str:
    return name.replace(f"-{source}-", "-", 1)
