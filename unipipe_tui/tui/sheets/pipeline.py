"""The pipeline as labels of a graph, as a list, and one stage as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from textwrap import wrap
from types import MappingProxyType

from rich.cells import cell_len

from unipipe_tui.actions.pipeline_view import PipelineView, StageLine
from unipipe_tui.actions.stages import ExecutionLine, FileLine, MetricLine, ParamLine, StageView
from unipipe_tui.domain.pipelines import Freshness
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.graph_layout import Size
from unipipe_tui.tui.lines import Line, fact, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import clip, day_and_clock, duration, fit, harmless
from unipipe_tui.tui.theme import Sign

STAGE_SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        Freshness.FRESH.value: Sign("✓", "$success"),
        Freshness.STALE.value: Sign("~", "$warning"),
        Freshness.NEVER_RUN.value: Sign("○", "$secondary"),
        Freshness.FROZEN.value: Sign("‖", "$muted"),
        Freshness.NOT_PULLED.value: Sign("↓", "$secondary"),
        Freshness.UNKNOWN.value: Sign("?", "$warning"),
    }
)
RUNNING, FAILED = Sign("●", "bold $primary"), Sign("✗", "$error")
SHORT_STATES = {Freshness.FRESH.value: "", Freshness.NEVER_RUN.value: "not run", Freshness.NOT_PULLED.value: "not here"}
"""Below a name that nothing is known to have run."""
THIN_CARD, HEAVY_CARD = "╭─╮│╰╯", "┏━┓┃┗┛"

MOST_NAME_CELLS = 28
CARD_CELLS, LARGE_CARD_CELLS = 18, 24
"""What a card is wide at least, inside its border."""
LABEL_CELLS = 9
"""What a label is wide at least, so that a duration finds room below a short name."""


def sign_of(line: StageLine) -> Sign:
    """How a stage looks: running and failed go before what its files say."""
    return RUNNING if line.running else FAILED if line.failed else STAGE_SIGNS[line.state]


def state_of(line: StageLine) -> str:
    """The word for it."""
    return "running" if line.running else "failed" if line.failed else line.state


def name_of(line: StageLine) -> str:
    """The stage's name, with the number of those that are folded into it."""
    name = _short(harmless(line.stage))
    return f"{name} ×{line.stages}" if line.is_folded else name


def _short(name: str) -> str:
    """A name in the cells that there are; of a stage in a folder the end tells more than the folder."""
    if cell_len(name) <= MOST_NAME_CELLS or ":" not in name:
        return clip(name, MOST_NAME_CELLS)
    while cell_len(name) >= MOST_NAME_CELLS:
        name = name[1:]
    return f"…{name}"


# As nodes of a graph


class Density(Enum):
    """How much of each stage a graph shows."""

    LARGE_CARDS = "large cards"
    CARDS = "cards"
    LABELS = "labels"
    NAMES = "names"


@frozen
class Node:
    """A stage as it is drawn: lines of pieces, all of the same width."""

    size: Size
    lines: tuple[Line, ...]


def node_of(line: StageLine, density: Density, *, pointed: bool = False) -> Node:
    """A stage in its place; the one under the cursor bears a mark that needs no colour."""
    if density is Density.CARDS:
        return _card(line, CARD_CELLS, 1, pointed=pointed)
    if density is Density.LARGE_CARDS:
        return _card(line, LARGE_CARD_CELLS, 2, pointed=pointed)
    sign, name = sign_of(line), name_of(line)
    width = max(2 + cell_len(name), 0 if density is Density.NAMES else LABEL_CELLS)
    end = "❮" if pointed else " "
    first: Line = (
        (f"{sign.glyph} ", sign.style),
        (name, "bold" if pointed else ""),
        (end, "bold $primary"),
        (" " * (width - 2 - cell_len(name)), ""),
    )
    if density is Density.NAMES:
        return Node(Size(width + 1, 1), (first,))
    below = _took(line) or SHORT_STATES.get(state_of(line), state_of(line))
    return Node(Size(width + 1, 2), (first, (("  ", ""), (fit(clip(below, width - 2), width - 1), "$muted"))))


def _card(line: StageLine, cells: int, told_lines: int, *, pointed: bool) -> Node:
    sign, name = sign_of(line), name_of(line)
    took = _took(line)
    inside = max(cells, cell_len(name) + 10)
    room = inside - 3 - cell_len(took)
    edge = "bold $primary" if pointed else "$muted" if line.state == Freshness.FRESH.value else sign.style
    left_top, across, right_top, upright, left_bottom, right_bottom = tuple(HEAVY_CARD if pointed else THIN_CARD)
    return Node(
        Size(inside + 4, 3 + told_lines, 1),
        (
            ((f"{left_top}{across * (inside + 2)}{right_top}", edge),),
            (
                (f"{upright} ", edge),
                (f"{sign.glyph} ", sign.style),
                (fit(name, room), "bold"),
                (f" {took}", "$muted"),
                (f" {upright}", edge),
            ),
            *(
                ((f"{upright} ", edge), (fit(told, inside), "$muted"), (f" {upright}", edge))
                for told in _told(line, inside, told_lines)
            ),
            ((f"{left_bottom}{across * (inside + 2)}{right_bottom}", edge),),
        ),
    )


def _told(line: StageLine, cells: int, lines: int) -> list[str]:
    """Why it stands as it does, in so many lines; what it is for, where that leaves one free."""
    told = wrap(why(line), cells) or [""]
    if len(told) < lines:
        told = [*told, harmless(line.description)]
    return [*told[: lines - 1], " ".join(told[lines - 1 :]), *[""] * lines][:lines]


def why(line: StageLine) -> str:
    """The state in a few words, with its first cause."""
    if line.is_folded and not line.running:
        return " · ".join(f"{count.stages} {count.state}" for count in line.states)
    if line.running or line.failed or not line.causes or line.state == Freshness.NEVER_RUN.value:
        return {"fresh": "tracked data" if line.is_data else "up to date"}.get(state_of(line), state_of(line))
    more = f" (+{len(line.causes) - 1})" if len(line.causes) > 1 else ""
    return f"{harmless(line.causes[0])}{more}"


def _took(line: StageLine) -> str:
    return "" if line.last_seconds is None else duration(line.last_seconds)


# As a list


def stages_sheet(view: PipelineView) -> Sheet:
    """One row a stage, indented by its layer."""
    columns = (
        Column("stage", "stage", 44),
        Column("state", "state", 12),
        Column("last", "last", 9, right=True),
        Column("why", "why", 60, stretches=True),
    )
    return Sheet(columns, tuple(_stage_row(line) for line in view.stages))


def _stage_row(line: StageLine) -> SheetRow:
    sign = sign_of(line)
    return SheetRow(
        line.stage,
        (
            Cell(f"{' ' * min(line.layer, 12)}{name_of(line)}", "bold", line.stage),
            Cell(f"{sign.glyph} {state_of(line)}", sign.style),
            Cell(_took(line) or "–", "$muted", line.last_seconds),
            Cell(why(line) if line.causes else "", "$muted"),
        ),
    )


def totals(view: PipelineView) -> str:
    """How many stages there are, and how many of them are not up to date or run now."""
    due, running = sum(line.will_run for line in view.stages), sum(line.running for line in view.stages)
    fresh = all(line.state == Freshness.FRESH.value for line in view.stages)
    said = f"{due:,} will run" if due else "all up to date" if fresh else "none will run"
    stages = "1 stage" if view.total == 1 else f"{view.total:,} stages"
    return f"{stages} · {said}" + (f" · {running:,} running" if running else "")


# One stage


def stage_lines(
    line: StageLine, members: Sequence[StageLine], view: StageView | None, width: int, *, with_log: bool
) -> list[Line]:
    """All that is known of the stage under the cursor; of a template, its stages. What was not looked at yet is left out.

    What one that runs or failed says is what one wants to read first.
    """
    details = list(_details(view, width)) if view and not members else []
    log = log_lines(view) if view and not members and with_log else []
    return [
        *_head(line),
        *section("Why it is not up to date", (_cause(cause) for cause in line.causes)),
        *section("Stages", (_member(member) for member in members)),
        *((*log, *details) if line.running or line.failed else (*details, *log)),
    ]


def _head(line: StageLine) -> Iterator[Line]:
    sign, took = sign_of(line), _took(line)
    yield (
        (f"{sign.glyph} {harmless(line.stage)}  ", f"bold {sign.style.removeprefix('bold ')}"),
        (state_of(line), sign.style),
        (f"  last {took}" if took else "", "$muted"),
    )
    if line.description:
        yield remark(line.description)
    if line.command and not line.is_folded:
        yield (("$ ", "$muted"), (harmless(line.command), "$primary"))
    yield ()


def _cause(cause: str) -> Line:
    return (("· ", "$warning"), (harmless(cause), ""))


def _member(line: StageLine) -> Line:
    sign = sign_of(line)
    return (
        (f"{sign.glyph} ", sign.style),
        (f"{harmless(line.stage)}  ", "bold"),
        (f"{_took(line)}  ", "$muted"),
        (harmless(line.causes[0]) if line.causes else state_of(line), "$muted"),
    )


def _details(view: StageView, width: int) -> Iterator[Line]:
    yield from section("Reads", _files(view.deps, "from", width))
    yield from section("Params", _params(view.params, width))
    yield from section("Writes", _files(view.outs, "for", width))
    yield from section("Metrics", _metrics(view.metrics))
    yield from section("Executions", (_execution(one) for one in view.executions))
    yield from section("Place", _place(view))


def log_lines(view: StageView) -> list[Line]:
    """What the stage said the last time that it ran."""
    if not view.log_job:
        return [remark("No job of this project has run it yet.")] if view.command else []
    said: list[Line] = [((harmless(text), ""),) for text in view.log]
    return section(f"What it said in job {view.log_job}", said or [remark("Nothing.")])


def _place(view: StageView) -> Iterator[Line]:
    yield fact("declared in", view.file)
    if view.workdir != ".":
        yield fact("runs in", view.workdir)
    if view.template:
        yield fact("generated by", view.template)
    yield fact("needs", ", ".join(view.before))
    yield fact("needed by", ", ".join(view.after))
    if view.frozen:
        yield remark("It is frozen: it does not run.")
    if view.always_changed:
        yield remark("It runs every time.")


MD5_CELLS = 8
MOST_NAMES = 3


def _files(files: Sequence[FileLine], word: str, width: int) -> Iterator[Line]:
    room = _name_room((one.path for one in files), width)
    for one in files:
        kind = f"{one.kind} " if one.kind in {"metric", "plot"} else ""
        kept = "" if one.cached is None else "cached " if one.cached else ""
        by = f"{word} {_several(one.by)}" if one.by else ""
        yield (
            (f"{fit(harmless(one.path), room)}  ", ""),
            (f"{fit((one.md5 or '–')[:MD5_CELLS], MD5_CELLS)}  ", "$secondary"),
            (f"{_size(one):>9}  ", "$muted"),
            (f"{kind}{kept}{harmless(by)}  ", "$muted"),
            (harmless(one.note), "$warning"),
        )


def _several(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _size(one: FileLine) -> str:
    if one.size_bytes is None:
        return "–"
    size, units = float(one.size_bytes), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"


def _params(params: Sequence[ParamLine], width: int) -> Iterator[Line]:
    names = [one.key if one.file == "params.yaml" else f"{one.file}:{one.key}" for one in params]
    room = _name_room(names, width)
    for name, one in zip(names, params, strict=True):
        value = "–" if one.value is None else clip(harmless(one.value), 60)
        yield ((f"{fit(harmless(name), room)}  ", ""), (f"{value}  ", "$accent"), (harmless(one.note), "$warning"))


def _metrics(metrics: Sequence[MetricLine]) -> Iterator[Line]:
    room = _name_room((one.key for one in metrics), 60)
    for one in metrics:
        value = f"{one.value:.6g}" if isinstance(one.value, float) else str(one.value)
        yield ((f"{fit(harmless(one.key), room)}  ", ""), (harmless(value), "$accent"))


def _execution(one: ExecutionLine) -> Line:
    sign = FAILED if one.outcome == "failed" else STAGE_SIGNS[Freshness.FRESH.value]
    return (
        (f"{sign.glyph} ", sign.style),
        (f"{day_and_clock(one.at)}  ", ""),
        (f"{duration(one.seconds):>8}  ", "bold"),
        (f"job {harmless(one.job)}", "$muted"),
    )


def _name_room(names: Iterable[str], width: int) -> int:
    return min(max((cell_len(harmless(name)) for name in names), default=0), max(12, width // 2))
