"""How good a model's answers are, whatever it answers with: yes or no, classes, or numbers."""

from __future__ import annotations

from unipipe_tui.domain.answers import AnswerKind, as_decisions, kind_of
from unipipe_tui.domain.serving import AnsweredRows
from unipipe_tui.monitoring.quality.classes import report_classes
from unipipe_tui.monitoring.quality.numbers import report_numbers
from unipipe_tui.monitoring.quality.report import report_quality
from unipipe_tui.monitoring.quality.results import QualityReport, QualitySettings


def report_answers(
    traffic: AnsweredRows, given: AnsweredRows | None, settings: QualitySettings, given_as: str = ""
) -> QualityReport:
    """Everything known of them; `given` is a labelled reference of the same kind as the traffic."""
    match kind_of(traffic):
        case AnswerKind.NUMBERS:
            return report_numbers(traffic, given, settings, given_as)
        case AnswerKind.CLASSES:
            return report_classes(traffic, given, settings, given_as)
        case AnswerKind.DECISIONS:
            held = None if given is None else as_decisions(given)
            return report_quality(as_decisions(traffic), held, settings, given_as)
