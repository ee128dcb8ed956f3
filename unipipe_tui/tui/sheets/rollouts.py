"""What answers on a target and what is on its way there, as lines: shares, steps, the comparison of the variants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unipipe_tui.actions.release.status import RolloutLine
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant
from unipipe_tui.domain.rollouts.analysis import Analysis, ComparedMeasure
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.domain.rollouts.strategies import Step
from unipipe_tui.domain.rollouts.traffic import ALL, STABLE, Variant
from unipipe_tui.tui.lines import MUTED, Line, fact, remark
from unipipe_tui.tui.text import day_and_clock, duration, fit, harmless
from unipipe_tui.tui.theme import ROLLOUT_SIGNS, VERDICT_SIGNS, Sign

BAR_CELLS, WIDE_BAR_CELLS = 8, 16
INTERRUPTED = Sign("?", "bold $error")
SCORES, SLOW = "scores", "slow requests"
"""The questions whose intervals are not of a difference between shares."""
COMPARED = (("question", 13), ("stable", 7), ("candidate", 9), ("truly", 17), ("tolerated", 9), ("verdict", 9))
"""Columns of the comparison, with their cells."""


def bar(weight: float, cells: int) -> str:
    """A share as so many cells: who gets anything has a mark, and who does not get everything leaves one."""
    if not 0 <= weight <= ALL:
        return "░" * cells
    full = round(weight / ALL * cells)
    full = max(1, min(full, cells - 1)) if 0 < weight < ALL else full
    return "█" * full + "░" * (cells - full)


def by_share(variants: Sequence[Variant]) -> list[Variant]:
    """Who answers most comes first, who only listens last."""
    return sorted(variants, key=lambda one: (one.mirrored, -one.weight, one.name != STABLE))


def shares(variants: Sequence[Variant]) -> str:
    """`v2 ███████░ 90 % · v3 10 % canary`."""
    main, *others = by_share(variants)
    return " · ".join([f"v{main.version} {bar(main.weight, BAR_CELLS)} {main.weight:.3g} %", *map(_other, others)])


def _other(variant: Variant) -> str:
    role = "" if variant.name == STABLE else f" {harmless(variant.name)}"
    share = "" if variant.mirrored else f" {variant.weight:.3g} %"
    return f"v{variant.version}{share}{role}"


def way_told(way: RolloutLine) -> str:
    """`◆ watching 1/4`, for where there is one cell for it; the names of the variants tell the strategy."""
    sign = INTERRUPTED if way.interrupted else ROLLOUT_SIGNS[way.state]
    said = "interrupted" if way.interrupted else way.state.value
    return f"{sign.glyph} {said} {way.step}/{way.steps}"


def way_lines(way: RolloutLine) -> list[Line]:
    """A release on its way: where it stands, its steps, what was compared, what to do."""
    sign = INTERRUPTED if way.interrupted else ROLLOUT_SIGNS[way.state]
    said = f"interrupted while {way.state.value}" if way.interrupted else way.state.value
    lines: list[Line] = [
        (
            (f"{sign.glyph} {said}", f"bold {sign.style}"),
            (f"  step {way.step} of {way.steps}  ", ""),
            (f"{harmless(way.strategy)} of version {way.version}", "bold $accent"),
            (f"  {harmless(way.release)} by {harmless(way.actor)}", MUTED),
        )
    ]
    if way.interrupted:
        lines.append(((f"its job {harmless(way.job)} is gone and left it on its way", INTERRUPTED.style),))
    lines += [_step_line(number, step, way) for number, step in enumerate(way.course, start=1)]
    lines.append(remark(_since(way)))
    if way.reason:
        lines.append((("because ", MUTED), (harmless(way.reason), "")))
    return lines + ([] if way.analysis is None else [(), *analysis_lines(way.analysis)])


def _since(way: RolloutLine) -> str:
    """Since when it stands there, and who goes on from there."""
    since = f"{way.state.value} since {way.since:%H:%M:%S} UTC"
    if way.interrupted:
        return f"{since}, nobody goes on with it"
    if way.state in (RolloutState.WAITING, RolloutState.HELD):
        return f"{since}, until it is advanced or aborted"
    if way.state is not RolloutState.WATCHING:
        return since
    then = f"{way.left_seconds:.0f} s of its pause left" if way.left_seconds else "as soon as the comparison lets it"
    return f"{since}; it goes on by itself, {then}"


def _step_line(number: int, step: Step, way: RolloutLine) -> Line:
    told = f"{number}  {shares(step.traffic.variants)}"
    last = number == way.steps
    ends = "" if last else "  until it is advanced" if step.by_hand else f"  at least {duration(step.pause_seconds)}"
    if number < way.step:
        return (("✓ ", "$success"), (told, MUTED))
    if number == way.step:
        return (("▸ ", "bold $primary"), (told, "bold"), (ends, MUTED))
    return (("· ", MUTED), (told, MUTED), (ends, MUTED))


def analysis_lines(analysis: Analysis) -> list[Line]:
    """What came out and why, then each question in a row, then its sentence where it does not go on."""
    sign = VERDICT_SIGNS[analysis.verdict]
    lines: list[Line] = [
        ((f"{sign.glyph} {analysis.verdict.value}  ", f"bold {sign.style}"), (harmless(_why(analysis)), ""))
    ]
    if analysis.checks:
        (name, cells), *figures, (verdict, _) = COMPARED
        titles = [fit(name, cells), *(f"{title:>{width}}" for title, width in figures), verdict]
        lines.append((("  ".join(titles), MUTED),))
    return [*lines, *map(_compared_line, analysis.checks), *_counted(analysis)]


def _counted(analysis: Analysis) -> Iterator[Line]:
    """Of how many the shares are, and what the intervals promise."""
    if analysis.checks:
        first = analysis.checks[0]
        counted = f"{harmless(first.name)} of {first.stable_count:,} and {first.candidate_count:,}"
        yield remark(f"{counted}; `truly` holds however often one looks")


def _why(analysis: Analysis) -> str:
    """What decided; where it only repeats the sentence of a question, the table tells it."""
    said = next((check.said for check in analysis.checks if check.said and check.said in analysis.why), None)
    return analysis.why if said is None else analysis.why.partition(said)[0].rstrip(" :;,") or said


def _compared_line(check: ComparedMeasure) -> Line:
    sign = VERDICT_SIGNS[check.verdict]
    texts = (
        _share(check.stable, check),
        _share(check.candidate, check),
        _interval(check),
        f"{check.tolerated:.3g}" if check.name == SCORES else f"{100 * check.tolerated:.3g} {_unit(check)}",
    )
    cells = [f"{text:>{width}}" for text, (_, width) in zip(texts, COMPARED[1:], strict=False)]
    name = fit(harmless(check.name), COMPARED[0][1])
    return ((f"{name}  {'  '.join(cells)}", ""), (f"  {sign.glyph} {check.verdict.value}", sign.style))


def _share(value: float | None, check: ComparedMeasure) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if check.name == SCORES else f"{100 * value:.1f} %"


def _interval(check: ComparedMeasure) -> str:
    if check.low is None or check.high is None:
        return "–"
    if check.name == SCORES:
        return f"{check.low:.2f} … {check.high:.2f}"
    sign = "" if check.name == SLOW else "+"
    return f"{100 * check.low:{sign}.1f} … {100 * check.high:{sign}.1f} {_unit(check)}"


def _unit(check: ComparedMeasure) -> str:
    """Shares differ by points."""
    return "%" if check.name == SLOW else "pt"


def live_lines(live: LiveTarget) -> Iterator[Line]:
    """Each variant with its share, whether it is ready, and what it was made of; then who put it there."""
    by_variant = {one.variant.name: one for one in live.variants}
    ordered = [by_variant[variant.name] for variant in by_share([one.variant for one in live.variants])]
    for one in ordered:
        yield from _variant_lines(one)
    if live.release or live.since:
        release = f"release {harmless(live.release)}" if live.release else "without a release"
        by = f" by {harmless(live.actor)}" if live.actor else ""
        since = f", {day_and_clock(live.since)}" if live.since else ""
        yield remark(f"{release}{by}{since}")
    if live.sticky:
        yield fact("sticky", f"callers keep their variant by {live.sticky}")


def _variant_lines(one: LiveVariant) -> Iterator[Line]:
    variant = one.variant
    share = "mirror" if variant.mirrored else f"{variant.weight:.3g} %"
    weight = 0.0 if variant.mirrored else variant.weight
    ready = Sign("●", "$success") if one.ready else Sign("✗", "$error")
    count = f" {one.ready_replicas} of {one.replicas}" if one.replicas != 1 else ""
    yield (
        (f"v{variant.version:<3}", "bold $accent"),
        (f"{bar(weight, WIDE_BAR_CELLS)} {share:>6}", ""),
        (f"  {fit(harmless(variant.name), 8)}", "bold"),
        (f"  {ready.glyph} {'ready' if one.ready else 'not ready'}{count}", ready.style),
        (f"  commit {harmless(one.commit or '–')[:7]}", "$secondary"),
        (f"  data {harmless(one.data or '–')[:8]}", MUTED),
    )
    if one.said:
        yield ((f"    {harmless(one.said)}", "$error"),)
    if one.image:
        yield ((f"    {harmless(one.image)}", MUTED),)
