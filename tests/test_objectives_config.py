"""What `unipipe.yaml` says of objectives is read strictly, and a mistake is told so that it can be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.config import ObjectiveConfig, read_config
from unipipe_tui.config.objectives import share_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.objectives import Arriving, ObjectiveKind, QualityShare


def read(folder: Path, text: str) -> dict[str, ObjectiveConfig]:
    (folder / "unipipe.yaml").write_text(text)
    return read_config(folder).slos


def test_every_kind_is_read_as_it_is_written(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
targets: {local: {}, production: {kind: docker}}
slos:
  availability: {kind: availability, goal: 99.9 %, budget: together}
  quality: {kind: quality, metric: precision, goal: 0.95, budget: together, weight: 10}
  fast: {kind: latency, goal: 99%, below: 0.1 s, over: 7d, targets: [production]}
  labels: {kind: freshness, of: labels, within: 3d, goal: 99 %, minimum_events: 1, minimum_bad: 2}
  up: {kind: uptime, goal: 99.95 %}
""",
    )
    assert [one.kind for one in found.values()] == [
        ObjectiveKind.AVAILABILITY,
        ObjectiveKind.QUALITY,
        ObjectiveKind.LATENCY,
        ObjectiveKind.FRESHNESS,
        ObjectiveKind.UPTIME,
    ]
    assert [one.share for one in found.values()] == [0.999, 0.95, 0.99, 0.99, 0.9995]
    assert (found["quality"].metric, found["quality"].weight) == (QualityShare.PRECISION, 10.0)
    assert (found["fast"].below_ms, found["fast"].over_seconds) == (100.0, 7 * 86_400)
    assert (found["labels"].of, found["labels"].minimum_bad) == (Arriving.LABELS, 2)
    assert (found["up"].over, found["up"].targets, found["up"].budget) == ("28d", (), None)
    assert [name for name, one in found.items() if one.is_for("local")] == ["availability", "quality", "labels", "up"]


@pytest.mark.parametrize(
    ("text", "share"), [("99.9 %", 0.999), ("99.9%", 0.999), ("0.999", 0.999), (".5", 0.5), ("5 %", 0.05)]
)
def test_a_share_is_the_same_number_however_it_is_written(text: str, share: float) -> None:
    assert share_of(text) == share


MISTAKES = {
    "up: {kind: uptime}": "`slos.up.goal` is missing",
    "up: {kind: speed, goal: 99 %}": "`slos.up.kind` is `speed`, which is not allowed",
    "up: {kind: uptime, goal: 99.9}": "`goal` is `99.9`; is 99.9 % meant? A share is written 99.9 % or 0.999",
    "up: {kind: uptime, goal: 100 %}": "it must be above 0 and below 100 %, which would leave no error budget",
    "up: {kind: uptime, goal: 0}": "it must be above 0 and below 100 %",
    "up: {kind: uptime, goal: nearly all}": "a share is written 99.9 % or 0.999",
    "up: {kind: uptime, goal: 99 %, over: 1d}": "`over` must be 3d to 90d",
    "up: {kind: uptime, goal: 99 %, over: always}": "'always' is no length of time",
    "up: {kind: uptime, goal: 99 %, below: 10ms}": "an objective of kind uptime takes no `below`",
    "fast: {kind: latency, goal: 99 %}": "an objective of kind latency needs `below`",
    "fast: {kind: latency, goal: 99 %, below: quickly}": "`below` is `quickly`; a time is written 100ms or 2s",
    "fast: {kind: latency, goal: 99 %, below: 0ms}": "`below` is `0ms`; a time is written 100ms or 2s",
    "good: {kind: quality, goal: 99 %}": "an objective of kind quality needs `metric`",
    "good: {kind: quality, goal: 99 %, metric: f1}": "`slos.good.metric` is `f1`, which is not allowed",
    "new: {kind: freshness, of: labels, goal: 99 %}": "an objective of kind freshness needs `within`",
    "new: {kind: freshness, of: labels, within: 5s, goal: 99 %}": "`within` must be a minute or more",
    "up: {kind: uptime, goal: 99 %, weight: 2}": "`weight` goes with `budget`",
    "up: {kind: uptime, goal: 99 %, budget: b, weight: 0}": "`weight` must be above 0",
    "up: {kind: uptime, goal: 99 %, budget: a b}": "`budget` must be a name of letters, digits, - and _",
    "up: {kind: uptime, goal: 99 %, minimum_bad: 0}": "`minimum_bad` must be 1 or more",
    "up: {kind: uptime, goal: 99 %, targets: [mars]}": "`slos.up.targets` names mars, which is no target; those are local",
    "a: {kind: uptime, goal: 99 %, budget: b}, b: {kind: availability, goal: 99 %}": (
        "`slos.a.budget` is b, which is the name of an objective"
    ),
    "a: {kind: uptime, goal: 99 %, budget: x}, b: {kind: availability, goal: 99 %, budget: x, over: 7d}": (
        "slos.a and slos.b share a budget, so they must have the same `over`"
    ),
    "a: {kind: uptime, goal: 99 %, budget: x}, b: {kind: availability, goal: 99 %, budget: x, targets: [local]}": (
        "slos.a and slos.b share a budget, so they must have the same `targets`"
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(tmp_path: Path, mistake: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, f"project: fraud\nslos: {{{mistake}}}\n")
    assert raised.value.message.startswith("unipipe.yaml, line ")
    assert MISTAKES[mistake] in raised.value.message
