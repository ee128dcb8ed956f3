"""What the pods of a target counted, and what they took, added up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from unipipe_tui.adapters.kubernetes.reading import State, is_ready
from unipipe_tui.adapters.targets.metrics_text import read_measures
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.serving import FeedbackTaken

_VARIANT = re.compile(r'\bvariant="(?:[^"\\]|\\.)*"')


def measures_of(state: State, text_of: Callable[[str], str]) -> tuple[Measures, ...]:
    """The counts of all pods; a pod keeps its counts when its version gets another name."""
    return read_measures(_texts(state, text_of))


def merged_feedback(taken: Sequence[FeedbackTaken]) -> FeedbackTaken:
    """What became of labels that every pod was told: unknown is what none of them gave."""
    unknown = [set(one.unknown) for one in taken]
    nowhere = set.intersection(*unknown) if unknown else set()
    conflicting = dict.fromkeys(name for one in taken for name in one.conflicting)
    return FeedbackTaken(
        accepted=sum(one.accepted for one in taken),
        repeated=sum(one.repeated for one in taken),
        unknown=tuple(name for name in (taken[0].unknown if taken else ()) if name in nowhere),
        conflicting=tuple(conflicting),
    )


def _texts(state: State, text_of: Callable[[str], str]) -> Iterator[str]:
    if state.routed:
        yield from (text_of(pod["metadata"]["name"]) for pod in state.router_pods if is_ready(pod))
        return
    for one in state.standing:
        for pod in one.pods:
            if is_ready(pod):
                yield _VARIANT.sub(f'variant="{one.variant}"', text_of(pod["metadata"]["name"]))
