"""Runs and experiments as tables, and one run as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import MappingProxyType

from rich.cells import cell_len

from unipipe_tui.actions.runs.contents import ExperimentList
from unipipe_tui.actions.runs.listing import MetricLine, RunLine, RunList, RunName, RunView, cell_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.domain.table_text import Cell as Value
from unipipe_tui.tui.lines import MUTED, Line, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Order, Sheet, SheetRow
from unipipe_tui.tui.text import clip_start, duration, fit, harmless
from unipipe_tui.tui.theme import Sign

STATUS_SIGNS = MappingProxyType(
    {
        "RUNNING": Sign("●", "$primary"),
        "SCHEDULED": Sign("◌", "$primary"),
        "FINISHED": Sign("✓", "$success"),
        "FAILED": Sign("✗", "$error"),
        "KILLED": Sign("■", "$muted"),
    }
)
UNKNOWN_SIGN, DEAD_SIGN = Sign("?", "$muted"), Sign("†", "$warning")
MOST_METRICS, MOST_PARAMS = 8, 8
"""Columns of each kind when nobody chose any."""
SYSTEM = "system/"
"""What MLflow measures of the machine stands behind what the author measured."""
ALL_EXPERIMENTS = "*"
"""The row that stands for all of them."""
NAME, STATUS, EXPERIMENT, STARTED, DURATION = (
    str(Field(FieldKind.ATTRIBUTE, key)) for key in ("run_name", "status", "experiment", "start_time", "duration")
)
SHORT_ID = 8
LONGEST_NAME = 32
LONGEST_RUN = 24
"""So that a figure stands beside it in 80 columns; where there is room, a name takes more."""


def experiments_sheet(found: ExperimentList) -> Sheet:
    """All together, then one row an experiment."""
    columns = (Column("name", "experiment", 40, stretches=True), Column("runs", "runs", right=True))
    counted: Counter[str] = Counter()
    for one in found.experiments:
        # A name may be there in two sources, and asking by it asks both.
        counted[one.name] += one.runs
    rows = [
        (ALL_EXPERIMENTS, "all", found.runs, "$muted"),
        *((f"={n}", n, runs, "bold") for n, runs in counted.items()),
    ]
    return Sheet(
        columns,
        tuple(
            SheetRow(row_id, (Cell(harmless(name) or "–", style), Cell(f"{runs:,}", "$muted", runs)))
            for row_id, name, runs, style in rows
        ),
    )


def experiments_of(row_ids: Iterable[str]) -> tuple[str, ...]:
    """The experiments that rows stand for; none for the row of all."""
    ids = tuple(row_ids)
    return () if ALL_EXPERIMENTS in ids else tuple(row_id[1:] for row_id in ids)


def runs_sheet(found: RunList, order: Order | None = None) -> Sheet:
    """One row a run: what it is, then its metrics and params, or what somebody chose."""
    fields = _fields(found, order)
    # What they are ordered by stays in sight.
    several = len({line.experiment for line in found.runs}) > 1 or (order is not None and order.key == EXPERIMENT)
    columns = (
        Column(NAME, "run", LONGEST_RUN),
        Column(STATUS, "", 3),
        *([Column(EXPERIMENT, "experiment", 16)] if several else []),
        Column(STARTED, "started", right=True),
        Column(DURATION, "took", right=True),
        *_field_columns(fields),
    )
    year = _common_year(found.runs)
    rows = tuple(_run_row(line, fields, several=several, year=year) for line in found.runs)
    return Sheet(columns, rows, found.total)


def _fields(found: RunList, order: Order | None) -> tuple[Field, ...]:
    if found.columns:
        chosen = [field for text in found.columns if (field := field_named(text))]
    else:
        metrics = _telling(Counter(key for line in found.runs for key in line.metrics), len(found.runs))
        params = _telling(Counter(key for line in found.runs for key in line.params), len(found.runs))
        chosen = [Field(FieldKind.METRIC, key) for key in metrics[:MOST_METRICS]]
        chosen += [Field(FieldKind.PARAM, key) for key in params[:MOST_PARAMS]]
    ordered = field_named(order.key) if order else None
    if ordered is not None and ordered.kind is not FieldKind.ATTRIBUTE and ordered not in chosen:
        chosen.append(ordered)
    return tuple(field for field in chosen if str(field) not in (NAME, STATUS, EXPERIMENT, STARTED, DURATION))


def field_named(text: str) -> Field | None:
    """The field that a text names; None where the language has no words for it, as for a key with a backtick."""
    try:
        return parse_field(text)
    except UsageError:
        return None


def _telling(counted: Counter[str], runs: int) -> list[str]:
    """What most of the runs have before what few have; of those, figures of the whole before figures of parts."""
    return sorted(counted, key=lambda key: (key.startswith(SYSTEM), 2 * counted[key] < runs, key.count("."), key))


def _field_columns(fields: Sequence[Field]) -> Iterator[Column]:
    named = Counter(field.key for field in fields)
    for field in fields:
        title = field.key if named[field.key] == 1 else f"{field.kind.value[0]}.{field.key}"
        yield Column(str(field), harmless(title), 20, right=field.kind is FieldKind.METRIC)


def _common_year(lines: Sequence[RunLine]) -> int | None:
    years = {line.start_time.year for line in lines if line.start_time}
    return years.pop() if len(years) == 1 else None


def _run_row(line: RunLine, fields: Sequence[Field], *, several: bool, year: int | None) -> SheetRow:
    sign = sign_of(line)
    # A commit has one moment: nobody noted how long it took.
    took = line.seconds or None
    return SheetRow(
        line.run_id,
        (
            Cell(called(line.name, line.run_id), "bold"),
            Cell(sign.glyph, sign.style, line.status),
            *([Cell(harmless(line.experiment), "$secondary")] if several else []),
            Cell(_moment(line.start_time, year), MUTED),
            Cell("–" if took is None else duration(took), MUTED, took),
            *(_field_cell(cell_of(line, field)) for field in fields),
        ),
    )


def sign_of(line: RunLine) -> Sign:
    """How a run's state looks."""
    return DEAD_SIGN if line.probably_dead else STATUS_SIGNS.get(line.status, UNKNOWN_SIGN)


def _moment(moment: datetime | None, year: int | None) -> str:
    if moment is None:
        return "–"
    return f"{moment:%m-%d %H:%M}" if moment.year == year else f"{moment:%Y-%m-%d %H:%M}"


def _field_cell(value: Value) -> Cell:
    if isinstance(value, float):
        return Cell(figure(value), rank=value)
    return Cell("–" if value is None else harmless(value))


def figure(value: float | None) -> str:
    """A number in four digits that count; NaN and infinities by name."""
    return "–" if value is None else f"{value:.4g}"


def run_lines(view: RunView) -> list[Line]:
    """All that is known of a run."""
    line = view.run
    tags = {key: value for key, value in line.tags.items() if not key.startswith("mlflow.")}
    data = ((one.name, " ".join(filter(None, (one.digest, one.context)))) for one in line.datasets)
    children = (f"{_short(one)} {one.status.lower()}" for one in view.children)
    more = view.children_total - len(view.children)
    return [
        *section(called(line.name, line.run_id), _identity(view)),
        *section("Note", (((harmless(text), ""),) for text in view.note.splitlines())),
        *section(
            "Metrics",
            facts((one.key, f"{one.value:.6g}", f"step {one.step}" if one.step else "") for one in _whole_first(view)),
        ),
        *section("Params", facts((key, value, "") for key, value in line.params.items())),
        *section("Data", facts((name, told, "") for name, told in data)),
        *section("Tags", facts((key, value, "") for key, value in tags.items())),
        *section("Runs that it began", [*map(remark, children), *([remark(f"and {more:,} more")] if more > 0 else [])]),
        *section("Notices", map(remark, view.problems)),
    ]


def _whole_first(view: RunView) -> list[MetricLine]:
    """Figures of the whole before figures of parts, as in the columns."""
    return sorted(view.metrics, key=lambda one: (one.key.startswith(SYSTEM), one.key.count(".")))


def _identity(view: RunView) -> Iterator[Line]:
    line = view.run
    sign = sign_of(line)
    said = "probably dead" if line.probably_dead else line.status.lower()
    yield (
        (f"{sign.glyph} {harmless(said)}", sign.style),
        (f"  {harmless(line.experiment)}", "$secondary"),
        (" deleted" if line.deleted else "", "bold $warning"),
    )
    began = f"{line.start_time:%Y-%m-%d %H:%M:%S} UTC" if line.start_time else None
    took = duration(line.seconds) if line.seconds else None
    known = (
        ("id", line.run_id),
        ("started", began),
        ("took", took),
        ("by", line.user),
        ("kept by", line.source),
        ("versions", ", ".join(view.versions)),
        ("part of", _short(view.parent) if view.parent else None),
    )
    yield from facts((name, value, "") for name, value in known if value)


def _short(run: RunName) -> str:
    return f"{run.name} ({run.run_id[:SHORT_ID]})" if run.name else run.run_id[:SHORT_ID]


def called(name: str, run_id: str) -> str:
    """A run by its name; one without a name by the beginning of its id."""
    return harmless(name) or harmless(run_id[:SHORT_ID])


def facts(told: Iterable[tuple[str, str, str]]) -> list[Line]:
    """Names, values and remarks; the values below each other."""
    rows = [(harmless(name), harmless(value) or "–", harmless(more)) for name, value, more in told]
    width = min(LONGEST_NAME, max((cell_len(name) for name, _, _ in rows), default=0))
    return [
        ((f"{fit(clip_start(name, width), width)}  ", MUTED), (value, ""), (f"  {more}" if more else "", MUTED))
        for name, value, more in rows
    ]
