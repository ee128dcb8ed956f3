"""Which runs a screen is about: filter, experiments, order, columns, and the requests that follow. Knows no Textual."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from unipipe_tui.actions.runs.contents import ListColumns, ListExperiments
from unipipe_tui.actions.runs.listing import ListRuns
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.forms import NO, YES, Texts
from unipipe_tui.tui.sheet import Order

PAGE_RUNS = 200
MOST_RUNS = 2000
"""So many are scrolled through; what lies further down is found by a filter or an order."""
METRICS = "metrics."


@frozen
class RunsView:
    """What somebody asked to see."""

    where: str = ""
    """In the query language."""
    experiments: tuple[str, ...] = ()
    """Names; all when empty."""
    order: Order | None = None
    """By a field; the newest first without one."""
    columns: tuple[str, ...] = ()
    """Fields; those that the runs have when empty."""
    deleted: bool = False
    limit: int = PAGE_RUNS

    @property
    def order_by(self) -> tuple[str, ...]:
        """The order as the command line takes it."""
        if self.order is None:
            return ()
        return (f"{self.order.key} DESC" if self.order.descending else self.order.key,)

    @property
    def metric(self) -> str | None:
        """The metric that they are ordered by."""
        return self.order.key if self.order and self.order.key.startswith(METRICS) else None

    @property
    def condition(self) -> str:
        """Filter and experiments as one question, for looks that are asked with a question alone."""
        if not self.experiments:
            return self.where
        within = f"experiment IN ({', '.join(map(repr, self.experiments))})"
        return f"{within} and ({self.where})" if self.where.strip() else within

    def listing(self) -> ListRuns:
        """The request for the rows."""
        return ListRuns(self.where, self.order_by, self.limit, 0, self.columns, self.experiments, self.deleted)

    def contents(self) -> ListColumns:
        """The request for the fields that these runs have."""
        return ListColumns(self.where, self.experiments, self.deleted)

    def grouping(self) -> ListExperiments:
        """The request for the experiments that there are."""
        return ListExperiments(deleted=self.deleted)

    def texts(self, marks: Sequence[str]) -> Texts:
        """The same for a form; who marked runs means those."""
        where, experiments = (
            (f"run_id IN ({', '.join(map(repr, marks))})", ()) if marks else (self.where, self.experiments)
        )
        return {
            "where": where,
            "order_by": shlex.join(self.order_by),
            "columns": shlex.join(self.columns),
            "experiment": shlex.join(experiments),
            "deleted": YES if self.deleted else NO,
        }
