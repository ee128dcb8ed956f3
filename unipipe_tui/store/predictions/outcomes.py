"""How decisions turned out, by the minute in which their labels came."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from unipipe_tui.domain.objectives import Outcomes
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.choice import ALL
from unipipe_tui.store.predictions.damaged import damage_told
from unipipe_tui.store.predictions.log import YES
from unipipe_tui.store.predictions.rollups import Rollups
from unipipe_tui.store.predictions.sources import segments_of
from unipipe_tui.store.reachable import reachable
from unipipe_tui.store.rows import aware, storable

NO = "'0', '0.0', 'false', 'False'"
COUNTS = """
    count(*) FILTER (yes_or_no AND said AND was), count(*) FILTER (yes_or_no AND said AND NOT was),
    count(*) FILTER (yes_or_no AND NOT said AND was), count(*) FILTER (yes_or_no AND NOT said AND NOT was),
    count(*) FILTER (fits), count(*) FILTER (NOT fits)"""
JUDGED = f"""
    decision IN ({YES}) AS said, label IN ({YES}) AS was,
    decision IN ({YES}, {NO}) AND label IN ({YES}, {NO}) AS yes_or_no,
    CASE WHEN yes_or_no THEN said = was ELSE decision = label END AS fits"""


class DecisionOutcomes:
    """All targets' labelled decisions; one folder each below the given one."""

    def __init__(self, folder: Path, engine: Engine | None = None, rollups: Rollups | None = None) -> None:
        """With summaries of the segments only those are read that a question needs."""
        self._folder = folder
        self._engine = engine or Engine()
        self._rollups = rollups

    def outcomes(self, target: str, since: datetime, until: datetime) -> tuple[Outcomes, ...]:
        """By the minute in [since, until) in which the first label of each came, oldest first."""
        choice = ALL if self._rollups is None else self._rollups.telling(target, since, until)
        with damage_told(target), reachable(self._folder / target) as folder, self._engine.scratch() as connection:
            # Few rows have labels: looking for their predictions only is much less than reading each prediction once.
            labels = segments_of(connection, folder, "feedback", choice.feedback)
            predictions = segments_of(connection, folder, "predictions", choice.predictions) if labels else None
            if labels is None or predictions is None:
                return ()
            rows = connection.execute(
                f"""
                WITH came AS (
                    SELECT prediction_id, arg_min(CAST(label AS VARCHAR), "at") AS label, min("at") AS label_at
                    FROM {labels} GROUP BY prediction_id HAVING label_at >= $since AND label_at < $until
                ),
                decided AS (
                    SELECT prediction_id, arg_min(CAST(decision AS VARCHAR), "at") AS decision FROM {predictions}
                    WHERE prediction_id IN (SELECT prediction_id FROM came) GROUP BY prediction_id
                ),
                judged AS (
                    SELECT label_at, {JUDGED} FROM came JOIN decided USING (prediction_id)
                    WHERE label IS NOT NULL AND decision IS NOT NULL
                )
                SELECT date_trunc('minute', label_at) AS "minute", {COUNTS} FROM judged GROUP BY ALL ORDER BY ALL
                """,  # noqa: S608
                {"since": storable(since), "until": storable(until)},
            ).fetchall()
        return tuple(Outcomes(aware(row[0]), *row[1:]) for row in rows)
