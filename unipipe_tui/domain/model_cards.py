"""A model card: all that is known of one version, and the same as Markdown for a reader who was not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from unipipe_tui.domain.aliases_and_tags import Rejection
from unipipe_tui.domain.model_signatures import SignatureColumn
from unipipe_tui.domain.records import GateCheck, GateResult, Promotion
from unipipe_tui.domain.table_text import Cell, markdown_text
from unipipe_tui.domain.values import frozen

Figures = Mapping[str, float | None]
"""Metrics by name; None is NaN."""

NOTHING_SAID = "Nobody has described it yet."


@frozen
class CardData:
    """One set of data that the version was trained on."""

    name: str
    md5: str


@frozen
class ModelCard:
    """All that is known of one version."""

    model: str
    version: int
    purpose: str
    """What the registry says that the model is for."""
    description: str
    """What the registry says of the version."""
    note: str
    """What its author noted on the run."""
    aliases: tuple[str, ...]
    created: datetime | None
    served_by: tuple[str, ...]
    """Targets that answer with it now."""
    rejection: Rejection | None
    run_id: str | None
    run_name: str
    author: str
    commit: str | None
    commit_subject: str
    data: tuple[CardData, ...]
    params: Mapping[str, str]
    metrics: Figures
    """Of the whole, without those of slices."""
    slices: Mapping[str, Figures]
    """By slice."""
    check: GateCheck | None
    """The newest one at the gates."""
    approvals: tuple[Promotion, ...]
    """Every time that an alias came to name it, newest first."""
    inputs: tuple[SignatureColumn, ...]
    outputs: tuple[SignatureColumn, ...]
    missing: tuple[str, ...]
    """What the card lacks, one sentence each."""
    digest: str | None = None
    """sha256 over its files as they were registered."""


def card_markdown(card: ModelCard) -> str:
    """The card as Markdown; a part that nothing is known of is left out, or says that it is missing."""
    parts = [
        f"# {_words(card.model)} version {card.version}\n",
        *_rejected(card),
        _purpose(card),
        _section("Where it stands", _list(_standing(card))),
        _section("What it was made of", _list(_made_of(card))),
        _section("Params", _table(("param", "value"), card.params.items())),
        _section("Gates", _gates(card.check)),
        _section("Metrics", _table(("metric", "value"), ((n, _number(v)) for n, v in card.metrics.items()))),
        _section("Slices", _slices(card.slices)),
        _section("Approvals", _approvals(card.approvals)),
        _section("What it takes and gives", _signature(card)),
        _section("What is missing", _list(card.missing)),
    ]
    return "\n".join(part for part in parts if part)


def sliced(figures: Figures, slices: Iterable[str]) -> tuple[Figures, Mapping[str, Figures]]:
    """Metrics of the whole, and by slice those whose name ends in it: `f1.dach` is the f1 of the slice `dach`."""
    known = set(slices)
    whole: dict[str, float | None] = {}
    parts: dict[str, dict[str, float | None]] = {}
    for name, value in figures.items():
        base, dot, last = name.rpartition(".")
        if dot and last in known and base in figures:
            parts.setdefault(last, {})[base] = value
        else:
            whole[name] = value
    return whole, parts


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    found = list(rows)
    return markdown_text(header, found) if found else ""


def _rejected(card: ModelCard) -> Iterator[str]:
    if card.rejection:
        yield f"**Rejected by {_words(card.rejection.by)}:** {_words(card.rejection.reason)}\n"


def _purpose(card: ModelCard) -> str:
    # These are Markdown of their authors.
    said = [text.strip() for text in (card.purpose, card.description, card.note) if text.strip()]
    return _section("Purpose", "\n\n".join(said or [NOTHING_SAID]) + "\n")


def _standing(card: ModelCard) -> Iterator[str]:
    yield f"aliases: {_words(', '.join(card.aliases)) or 'none'}"
    yield f"served by: {_words(', '.join(card.served_by)) or 'no target'}"
    yield f"registered: {_moment(card.created)}"


def _made_of(card: ModelCard) -> Iterator[str]:
    if card.run_id:
        by = f" by {_words(card.author)}" if card.author else ""
        yield f"run: `{card.run_id}` {_words(card.run_name)}{by}".rstrip()
    if card.commit:
        yield f"commit: `{card.commit}` {_words(card.commit_subject)}".rstrip()
    for one in card.data:
        yield f"data {_words(one.name)}: `{one.md5}`"
    if card.digest:
        yield f"files: sha256 `{_words(card.digest)}`"


def _gates(check: GateCheck | None) -> str:
    if check is None:
        return "It was never checked at the gates.\n"
    against = "no other version" if check.champion is None else f"champion version {check.champion}"
    verdict = "**passed**" if check.passed else "**closed**"
    said = f"{verdict} on {_moment(check.at)}, against {against}, on {check.rows:,} rows of the holdout"
    rows = (_gate_row(result) for result in check.results)
    return f"{said} `{check.holdout}`.\n\n{_table(('gate', 'slice', '', 'value', 'wanted', 'champion'), rows)}"


def _gate_row(result: GateResult) -> tuple[Cell, ...]:
    verdict = "passed" if result.passed else "closed"
    return (result.gate, result.slice, verdict, _number(result.value), result.wanted, _number(result.champion))


def _slices(slices: Mapping[str, Figures]) -> str:
    names = list(dict.fromkeys(name for figures in slices.values() for name in figures))
    rows = ((part, *(_number(figures.get(name)) for name in names)) for part, figures in slices.items())
    return _table(("slice", *names), rows)


def _approvals(approvals: Sequence[Promotion]) -> str:
    rows = ((_moment(one.at), one.alias, one.how.value, one.actor, one.reason) for one in approvals)
    return _table(("at", "alias", "how", "by", "why"), rows)


def _signature(card: ModelCard) -> str:
    rows = [("in", one.name, one.type, "" if one.required else "may be missing") for one in card.inputs]
    rows += [("out", one.name, one.type, "") for one in card.outputs]
    return _table(("", "column", "type", ""), rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "not known"


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>#|"} | {"\n": " ", "\r": " "})


def _words(text: str) -> str:
    """A text that is no Markdown, as Markdown that shows it as it is."""
    return text.translate(_MARKS)
