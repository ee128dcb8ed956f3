"""Releases as text: targets with what answers and what is on its way, the history, differences, what a move came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.actions.release.made_rollouts import LIVE, NEW, a_canary, a_difference, on_its_way, stable
from tests.fakes import NOON, FakeTarget
from unipipe_tui.actions.going_back import WentBack
from unipipe_tui.actions.models.alias_moves import Moved
from unipipe_tui.actions.release.difference import DifferentFact
from unipipe_tui.actions.release.history import ReleasesSoFar
from unipipe_tui.actions.release.starting import Released
from unipipe_tui.actions.release.status import ReleaseStatuses, RolloutLine, TargetStatus
from unipipe_tui.actions.release.view import TargetView
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant
from unipipe_tui.domain.rollouts.course import Move, RolloutState
from unipipe_tui.domain.rollouts.traffic import Variant, only
from unipipe_tui.domain.serving import ServerState, TrafficWindow

BEFORE = replace(
    LIVE, version=1, at=NOON - timedelta(hours=3), until=NOON, live=False, release="", action="models promote"
)
READY = LiveTarget(
    "local",
    ServerState.READY,
    "http://127.0.0.1:8765",
    (
        LiveVariant(Variant("canary", "fraud", 12, NEW, 10.0), False, "no readiness after 30 s", commit="e" * 40),
        LiveVariant(
            replace(stable(), weight=90.0), True, commit="c" * 40, data="dd" * 16, replicas=3, ready_replicas=2
        ),
    ),
    "r-3f9a2c41",
    "ada",
    NOON,
    "customer",
    ("The weights are not what was asked for.",),
)


def target(live: LiveTarget | None = READY, way: RolloutLine | None = None, problem: str = "") -> TargetStatus:
    return TargetStatus("local", "local", live, problem, None, way)


def told(result: object) -> list[str]:
    return [line.plain for line in lines_of(result)]


def of_targets(*targets: TargetStatus, resumed: Sequence[str] = ()) -> list[str]:
    return told(ReleaseStatuses(targets, None, tuple(resumed)))


def test_a_target_tells_its_variants_by_share_with_readiness_and_what_they_are_made_of() -> None:
    head, main, canary, said, *rest = of_targets(target())

    assert head == "local  ● ready  local  http://127.0.0.1:8765"
    assert main == "  v1   █████████░    90 %  stable  ✓ 2/3 ready  commit ccccccccc  data dddddddd"
    assert canary == "  v12  █░░░░░░░░░    10 %  canary  ✗ not ready  commit eeeeeeeee  data -"
    assert said == "      no readiness after 30 s"
    assert rest == [
        "  release r-3f9a2c41 by ada, 2026-03-09 12:00:00",
        "  callers keep their variant by customer",
        "  ! The weights are not what was asked for.",
    ]


def test_a_release_on_its_way_tells_its_steps_the_pause_each_comparison_and_what_to_do() -> None:
    lines = of_targets(target(way=on_its_way(a_canary(place=1))))
    text = "\n".join(lines)

    for line in (
        "  ◆ watching  step 2 of 4  canary of version 2, release r-3f9a2c41 by ada",
        "    ✓ 1  version 2 10 % (canary) · version 1 90 %, at least 60 s",
        "    ▸ 2  version 2 25 % (canary) · version 1 75 %, at least 60 s",
        "    · 4  version 2 100 %",
        "    watching since 2026-03-09 12:00:00, 42 s of 60 s left",
        "    ~ hold: what decides is",
        "      ✓ error rate: 0.4 % of 100 requests against 0.1 % of the stable variant's",
        "      ~ slow requests: 9.0 % of 100 requests took longer than 250 ms; tolerated",
        "    next: it goes on by itself; or unipipe release advance, hold, abort local",
    ):
        assert line in lines, text
    assert all(cell_len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("state", "interrupted", "first", "advice"),
    [
        (RolloutState.WAITING, False, "! waiting", "unipipe release advance local, or release abort local"),
        (RolloutState.HELD, False, "◇ held", "unipipe release advance local, or release abort local"),
        (RolloutState.ABORTING, False, "◀ aborting", "it is on its way; nothing to do"),
        (RolloutState.MOVING, True, "▸ moving", "unipipe release status local goes on with it"),
    ],
)
def test_each_state_on_the_way_has_its_own_sign_and_advice(
    state: RolloutState, interrupted: bool, first: str, advice: str
) -> None:
    lines = of_targets(
        target(way=on_its_way(a_canary(state, reason="looks odd"), interrupted=interrupted, verdict=None))
    )

    assert any(line.startswith(f"  {first}  step 1 of 4") for line in lines)
    assert "    because: looks odd" in lines
    assert lines[-1] == f"    next: {advice}"
    assert ("    ? its job job-1 is gone and left it on its way" in lines) is interrupted


def test_a_target_that_cannot_be_asked_says_why_and_what_was_recorded_last() -> None:
    stood = Move("r-1", "far", 0, RolloutState.DONE, True, only(stable()), "", None, "ada", "j", NOON)
    away = TargetStatus("far", "kubernetes", None, "The cluster does not answer.", stood, None)

    assert of_targets(target(FakeTarget().live()), away, resumed=["job-7"]) == [
        "local  · stopped  local  http://127.0.0.1:8765",
        "",
        "far  ✗ cannot be asked  kubernetes",
        "  The cluster does not answer.",
        "  version 1 100 %",
        "  since 2026-03-09 12:00:00 by ada, release r-1",
        "",
        "▸ goes on as job job-7",
    ]
    assert told(ReleaseStatuses((away,), NOON))[:4] == [
        "as it was at 2026-03-09 12:00:00 UTC",
        "",
        "far  kubernetes",
        "  version 1 100 %",
    ]


def test_releases_are_told_in_a_line_each_with_a_sign_for_what_became_of_them_and_the_number_of_all() -> None:
    aborted = replace(LIVE, live=False, until=NOON + timedelta(seconds=9), state=RolloutState.ABORTED, reason="errors")
    stopped = replace(BEFORE, stopped=True)
    lost = replace(LIVE, live=False)
    header, live, tried, why, before, stop, unknown, total = told(
        ReleasesSoFar((LIVE, aborted, BEFORE, stopped, lost), 7)
    )

    assert header.split() == ["released", "lasted", "target", "version", "how", "by", "release"]
    assert live.split() == ["●", "live", "2026-03-09", "12:00", "-", "local", "2", "canary", "ada", "r-00000002"]
    assert (tried.split()[:2], tried.split()[4:6], why) == (["✗", "aborted"], ["9.0", "s"], "    errors")
    assert " ".join(before.split()) == "· replaced 2026-03-09 09:00 3 h 00 min local 1 models promote ada -"
    assert (stop.split()[:2], unknown.split()[:3]) == (["■", "stopped"], ["?", "not", "known"])
    assert total == "5 of 7 releases"


def test_where_nothing_was_released_only_that_is_told() -> None:
    assert told(ReleasesSoFar((), 0)) == ["0 of 0 releases"]


def test_a_target_as_a_whole_tells_what_to_do_how_it_does_and_its_newest_release() -> None:
    view = TargetView(
        target="local",
        kind="local",
        status=target(FakeTarget.answering(stable()).live()),
        follows="champion",
        wanted=2,
        release=replace(LIVE, reason="better"),
        requests=1234,
        predictions=2000,
        labels=7,
        traffic=TrafficWindow(200, NOON, NOON, 2, p50_ms=4.25, p95_ms=9.0),
        alerts=(),
        example=None,
        remarks=("It answers with version 1, but champion names version 2.",),
    )
    lines = told(view)

    assert "  ! It answers with version 1, but champion names version 2." in lines
    assert "  follows      champion: version 2" in lines
    assert "  requests     1,234 since it was started" in lines
    assert "  latency      p50 4.25 ms, p95 9 ms" in lines
    assert "    state    ● live" in lines
    assert "    because  better" in lines


def test_two_releases_are_told_by_what_is_another_and_what_is_the_same() -> None:
    found = a_difference(
        DifferentFact("version", "fraud 1", "fraud 2"),
        DifferentFact("commit", "a" * 40, "b" * 40),
        DifferentFact("data", None, "dd" * 16),
    )

    assert told(found) == [
        "local",
        "  before  fraud 1  2026-03-09 12:00  r-1  by ada",
        "  after   fraud 2  2026-03-09 12:00  -    by ada",
        "",
        "different",
        "  version  fraud 1    →  fraud 2",
        "  commit   aaaaaaaaa  →  bbbbbbbbb",
        "  data     -          →  dddddddd",
        "  the same: image",
        "",
        "code  1 file, +3 −384",
        "    train.py",
        "",
        "more: unipipe models compare",
    ]


@pytest.mark.parametrize(
    ("state", "first"),
    [
        (RolloutState.DONE, "✓ local answers with fraud version 2"),
        (RolloutState.ABORTED, "✗ local answers as before; fraud version 2 was taken back"),
        (RolloutState.WAITING, "! fraud version 2 waits on local for `unipipe release advance local`"),
        (RolloutState.HELD, "◇ fraud version 2 is held on local; go on: unipipe release advance local"),
        (RolloutState.WATCHING, "◆ fraud version 2 is watching on local"),
    ],
)
def test_a_move_tells_where_the_release_stands_now(state: RolloutState, first: str) -> None:
    done = Released("r-1", "local", "fraud", 2, state, 1, 3, "looks odd")

    assert told(done) == [first, "  release r-1, step 1 of 3", "  because: looks odd"]
    assert told(WentBack(None, done)) == told(done)


def test_a_rollback_of_the_champion_tells_the_alias() -> None:
    moved = Moved("fraud", "champion", 1, 2, ("local",))
    assert told(WentBack(moved, None)) == told(moved)
