"""Which ids each folded segment holds, from the first to the last: what its Parquet file tells without its rows being read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.segment_summaries import by_batches, listed

FromTo = Sequence[str | None]
"""The first and the last id of a segment; a last one of None where that is not known."""
Ends = Mapping[str, FromTo]
"""By the segment's name."""
FROM_TO = """
    SELECT file_name, min(coalesce(stats_min_value, '')),
        CASE WHEN bool_and(stats_max_value IS NOT NULL AND type = 'BYTE_ARRAY') THEN max(stats_max_value) END
    FROM parquet_metadata($files) WHERE path_in_schema = 'prediction_id' GROUP BY file_name
"""


def sum_up_ids(engine: Engine, segments: Sequence[Path]) -> dict[Path, Any]:
    """The first and the last id of each folded segment, as `FromTo`."""
    with engine.scratch() as connection:

        def asked(paths: Sequence[Path]) -> Mapping[Path, Any]:
            told = connection.execute(FROM_TO.replace("$files", listed(paths))).fetchall()
            found = {name.rpartition("/")[2]: ends for name, *ends in told}
            return {path: found[path.name] for path in paths if path.name in found}

        return by_batches(segments, asked)


def may_hold(ends: FromTo, beginning: str) -> bool:
    """Whether an id that begins so may lie between these two."""
    first, last = ends
    return last is None or ((first or "")[: len(beginning)] <= beginning <= last)


def overlap(ends: FromTo | None, others: FromTo) -> bool:
    """Whether an id may lie between the first two and between the others; where none are known one may."""
    if ends is None or ends[1] is None or others[1] is None:
        return True
    return (ends[0] or "") <= others[1] and (others[0] or "") <= ends[1]
