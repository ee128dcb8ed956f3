"""Whether columns moved together, by two tests that see what none of them shows alone: a classifier, and principal components."""

from __future__ import annotations

from dataclasses import replace

from unipipe_tui.monitoring.comparisons import adjusted_p_values
from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.drift import DEFAULT
from unipipe_tui.monitoring.rows import Rows
from unipipe_tui.monitoring.verdict.classifier import ToldApart, tell_apart
from unipipe_tui.monitoring.verdict.reconstruction import Reconstructed, reconstruct
from unipipe_tui.monitoring.verdict.results import DomainClassifier, MultivariateDrift, Reconstruction
from unipipe_tui.monitoring.verdict.samples import MOST_ROWS, SEED, Sample, comparable, drawn, every, table_of
from unipipe_tui.monitoring.words import figure, p_figure, percent, printable

EFFECT = 0.1
"""An area of 0.55, or an error that moved by a tenth of a standard deviation of a row's."""
MOST_TIMES = 5
"""More rows of one side than so many times those of the other make the classifier slower, and hardly surer."""
FEWEST_COLUMNS = 2


def check_together(reference: Rows, current: Rows, profiles: tuple[Profile, Profile]) -> MultivariateDrift:
    """Compare all columns that both sides have at once, on at most 20,000 rows of either side, drawn with a fixed seed."""
    names = comparable(*profiles)
    fewest = min(profile.rows for profile in profiles)
    if len(names) < FEWEST_COLUMNS:
        return _not_judged(names, profiles, "All columns together: there are no two columns to look at together.")
    if fewest < DEFAULT.minimum_rows:
        where = "reference" if profiles[0].rows == fewest else "current data"
        few = f"too few rows to judge, {fewest:,} of at least {DEFAULT.minimum_rows:,} in the {where}"
        return _not_judged(names, profiles, f"All columns together: {few}.")
    then, now = drawn(reference, profiles[0], names), drawn(current, profiles[1], names)
    return judge_together(then, now)


def judge_together(reference: Sample, current: Sample) -> MultivariateDrift:
    """The verdict on two samples with the same columns."""
    rebuilt = reconstruct(reference, current)
    most = MOST_TIMES * min(reference.rows, current.rows)
    apart = tell_apart(table_of(every(reference, most), every(current, most)), DEFAULT.significance)
    chances = adjusted_p_values([apart.area.p_value, *([rebuilt.p_value] if rebuilt else [])])
    classifier = _classifier(apart, chances[0])
    reconstruction = _reconstruction(rebuilt, chances[1]) if rebuilt else None
    found = MultivariateDrift(
        judged=True,
        drifted=classifier.drifted or (reconstruction is not None and reconstruction.drifted),
        sentence="",
        columns=tuple(reference.columns),
        reference_rows=reference.rows,
        current_rows=current.rows,
        reference_of=reference.of,
        current_of=current.of,
        seed=SEED,
        classifier=classifier,
        reconstruction=reconstruction,
    )
    return replace(found, sentence=_sentence(found))


def _classifier(apart: ToldApart, p_value: float) -> DomainClassifier:
    area = apart.area
    return DomainClassifier(
        value=area.value,
        low=area.low,
        high=area.high,
        effect=area.effect,
        p_value=p_value,
        drifted=p_value <= DEFAULT.significance and area.effect >= EFFECT,
        folds=apart.folds,
        columns=apart.columns,
    )


def _reconstruction(rebuilt: Reconstructed, p_value: float) -> Reconstruction:
    return Reconstruction(
        value=rebuilt.value,
        usual=rebuilt.usual,
        low=rebuilt.low,
        high=rebuilt.high,
        effect=rebuilt.effect,
        p_value=p_value,
        drifted=p_value <= DEFAULT.significance and abs(rebuilt.effect) >= EFFECT,
        components=rebuilt.components,
        dimensions=rebuilt.dimensions,
        explained=rebuilt.explained,
        chunks=rebuilt.chunks,
    )


def _not_judged(names: tuple[str, ...], profiles: tuple[Profile, Profile], sentence: str) -> MultivariateDrift:
    rows = profiles[0].rows, profiles[1].rows
    return MultivariateDrift(False, False, sentence, names, 0, 0, *rows, SEED)


# --- saying so -------------------------------------------------------------------------------------------------------


def _sentence(found: MultivariateDrift) -> str:
    parts = [_of_classifier(found.classifier)] if found.classifier else []
    if found.reconstruction:
        parts.append(_of_reconstruction(found.reconstruction))
    verdict = "they moved" if found.drifted else "no drift"
    return f"{len(found.columns)} columns together: {verdict}. {' '.join(parts)} {_rows(found)}"


def _of_classifier(classifier: DomainClassifier) -> str:
    figures = (
        f"{classifier.value:.3f} (95 % {classifier.low:.3f} to {classifier.high:.3f}, {p_figure(classifier.p_value)})"
    )
    told = f"A classifier tells current rows from the reference's with ROC AUC {figures}"
    if not classifier.drifted:
        why = "chance explains it" if classifier.p_value > DEFAULT.significance else "less than 0.55 is no drift"
        if classifier.high < 0.5:
            # What it learned by heart on one side it meets again on the other.
            why = "worse than chance, as where the same rows lie in both sets"
        return f"{told}: {why}."
    used = ", ".join(f"{printable(use.column)} {percent(use.share)}" for use in classifier.columns[:3])
    return f"{told}; it used most {used}." if used else f"{told}."


def _of_reconstruction(found: Reconstruction) -> str:
    usual = f"usually {figure(found.usual)} ({figure(found.low)} to {figure(found.high)})"
    return (
        f"The error of {found.components} principal components of {found.dimensions} is {figure(found.value)}, {usual}, "
        f"{p_figure(found.p_value)}."
    )


def _rows(found: MultivariateDrift) -> str:
    sides = [(found.reference_rows, found.reference_of), (found.current_rows, found.current_of)]
    told = [f"{rows:,}" if rows == of else f"{rows:,} of {of:,}" for rows, of in sides]
    drawn_so = f", drawn with seed {found.seed}" if any(rows != of for rows, of in sides) else ""
    return (
        f"Looked at {told[0]} rows of the reference and {told[1]} current ones{drawn_so}; at most {MOST_ROWS:,} a side."
    )
