"""Reads what a server of ours has counted: Prometheus' text into one `Measures` a variant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from unipipe_tui.domain.rollouts.analysis import Histogram, Measures

Key = TypeVar("Key")
FAILED = "5"
"""With what the codes of failed requests begin."""


@dataclass
class _Counted:
    """The numbers of one variant while its lines are read."""

    requests: dict[str, float] = field(default_factory=dict)
    """By HTTP code."""
    seconds: dict[float, float] = field(default_factory=dict)
    scores: dict[float, float] = field(default_factory=dict)
    decisions: dict[str, float] = field(default_factory=dict)
    labels: dict[tuple[str, str], float] = field(default_factory=dict)
    """By decision and label."""

    def take(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """One line."""
        match name:
            case "unipipe_requests_total":
                _add(self.requests, labels.get("status", ""), value)
            case "unipipe_request_seconds_bucket":
                _add(self.seconds, float(labels.get("le", "inf")), value)
            case "unipipe_prediction_score_bucket":
                _add(self.scores, float(labels.get("le", "inf")), value)
            case "unipipe_decisions_total":
                _add(self.decisions, labels.get("decision", ""), value)
            case "unipipe_feedback_total":
                _add(self.labels, (labels.get("decision", ""), labels.get("label", "")), value)


def read_measures(texts: Iterable[str]) -> tuple[Measures, ...]:
    """What each variant has done, in the order of first mention; the counts of several servers are added up."""
    counted: dict[tuple[str, int], _Counted] = {}
    for text in texts:
        for name, labels, value in _samples(text):
            variant, version = labels.get("variant"), labels.get("version", "")
            if variant and version.isdigit():
                counted.setdefault((variant, int(version)), _Counted()).take(name, labels, value)
    return tuple(_measures(name, version, one) for (name, version), one in counted.items())


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of every line that has labels.

    The client library has a parser too, but importing it costs each command a tenth of a second.
    """
    for line in text.splitlines():
        if found := _SAMPLE.fullmatch(line):
            name, labels, value = found.groups()
            yield name, {key: _ESCAPED.sub(_unescaped, text) for key, text in _LABEL.findall(labels)}, float(value)


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


_SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)(?: \d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


def _measures(name: str, version: int, one: _Counted) -> Measures:
    return Measures(
        name=name,
        version=version,
        requests=int(sum(one.requests.values())),
        errors=int(sum(value for status, value in one.requests.items() if status.startswith(FAILED))),
        seconds=_histogram(one.seconds),
        scores=_histogram(one.scores),
        decided=int(sum(one.decisions.values())),
        yes=int(one.decisions.get("1", 0)),
        true_positive=int(one.labels.get(("1", "1"), 0)),
        false_positive=int(one.labels.get(("1", "0"), 0)),
        false_negative=int(one.labels.get(("0", "1"), 0)),
        true_negative=int(one.labels.get(("0", "0"), 0)),
    )


def _histogram(buckets: Mapping[float, float]) -> Histogram:
    limits = sorted(limit for limit in buckets if math.isfinite(limit))
    counts = [int(buckets[limit]) for limit in (*limits, math.inf) if limit in buckets]
    return Histogram(tuple(limits), tuple(counts)) if counts else Histogram()


def _add(into: dict[Key, float], key: Key, value: float) -> None:
    into[key] = into.get(key, 0.0) + value
