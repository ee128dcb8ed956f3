"""Targets and releases as tables and lines: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.actions.release.made_rollouts import LIVE, NEW, OLD, a_canary, a_difference, an_analysis, on_its_way, stable
from tests.fakes import NOON, FakeTarget
from unipipe_tui.actions.overview import OnItsWay
from unipipe_tui.actions.release.difference import DifferentFact
from unipipe_tui.actions.release.history import ReleasesSoFar
from unipipe_tui.actions.release.status import RolloutLine, TargetStatus
from unipipe_tui.actions.release.view import TargetView
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant
from unipipe_tui.domain.rollouts.analysis import Verdict
from unipipe_tui.domain.rollouts.course import Move, RolloutState
from unipipe_tui.domain.rollouts.traffic import Variant, only
from unipipe_tui.domain.server_status import ServerStatus
from unipipe_tui.domain.serving import ServerState, TrafficWindow
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.releases import SeenTarget, difference_lines, releases_sheet, target_lines, targets_sheet
from unipipe_tui.tui.sheets.rollouts import analysis_lines, bar, shares, way_lines
from unipipe_tui.tui.widgets.facts import live_lines

URL = "http://127.0.0.1:8765"
CANARY = Variant("canary", "fraud", 3, NEW, 10.0)
READY = FakeTarget.answering(replace(stable(version=2), weight=90.0), CANARY).live()
NEWEST = replace(LIVE, action="models promote", data="dd" * 16, run_id="r2", digest=OLD, job="job-1")
BEFORE = replace(
    NEWEST,
    version=1,
    at=NOON - timedelta(hours=2),
    until=NOON,
    live=False,
    release="r-00000001",
    action="release start",
    job="job-0",
)
VIEW = TargetView(
    target="local",
    kind="local",
    status=TargetStatus("local", "local", READY, "", None, None),
    follows="champion",
    wanted=3,
    release=NEWEST,
    requests=10_432,
    predictions=10_432,
    labels=90,
    traffic=TrafficWindow(200, NOON, NOON, 2, 90, 10, 1, 2, 77, 4.2, 11.6),
    alerts=(),
    example='{"amount": 2.5}',
    remarks=("It answers with version 2, but champion names version 3.",),
)


def seen(live: LiveTarget | None = READY, way: RolloutLine | None = None, problem: str = "") -> SeenTarget:
    return SeenTarget("local", "local", TargetStatus("local", "local", live, problem, None, way))


def texts(sheet: Sheet) -> list[dict[str, str]]:
    keys = [column.key for column in sheet.columns]
    return [dict(zip(keys, (cell.text for cell in row.cells), strict=True)) for row in sheet.rows]


def plain(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def test_a_target_tells_its_state_by_glyph_and_word_and_the_share_of_each_version() -> None:
    ready, stopped = texts(targets_sheet((seen(), seen(FakeTarget().live()))))

    assert (ready["state"], ready["traffic"]) == ("● ready", "v2 ███████░ 90 % · v3 10 % canary")
    assert (stopped["state"], stopped["traffic"]) == ("· stopped", "–")
    assert not {"way", "problem"} & ready.keys()


def test_a_share_is_never_drawn_as_nothing_or_everything_that_it_is_not() -> None:
    assert [bar(weight, 8) for weight in (0.0, 0.5, 50.0, 99.5, 100.0)] == [
        "░░░░░░░░",
        "█░░░░░░░",
        "████░░░░",
        "███████░",
        "████████",
    ]


def test_who_only_listens_is_told_last_and_without_a_share() -> None:
    mirrored = Variant("shadow", "fraud", 3, NEW, 0.0, mirrored=True)
    assert shares((mirrored, stable())) == "v1 ████████ 100 % · v3 shadow"


@pytest.mark.parametrize(
    ("row", "state", "problem"),
    [
        (SeenTarget("far", "kubernetes", None), "◌ looking", ""),
        (SeenTarget("far", "kubernetes", None, "no answer within 10 s"), "✗ no answer", "no answer within 10 s"),
        (seen(None, problem="no \x1b[31mcluster"), "✗ cannot be asked", "no cluster"),
        (replace(seen(), problem="the cluster is away"), "● ready", "stale: the cluster is away"),
        (
            seen(replace(READY, variants=(LiveVariant(CANARY, False, "CrashLoopBackOff"),), remarks=("odd",))),
            "● ready",
            "canary: CrashLoopBackOff; odd",
        ),
    ],
)
def test_what_is_wrong_with_a_target_stands_in_its_own_row(row: SeenTarget, state: str, problem: str) -> None:
    good, found = texts(targets_sheet((replace(seen(), target="good"), row)))

    assert (found["state"], found.get("problem", "")) == (state, problem)
    assert good["state"] == "● ready"


def test_what_is_on_its_way_stands_in_the_row_of_its_target() -> None:
    watching = seen(way=on_its_way(a_canary(place=1)))
    dead = seen(way=on_its_way(a_canary(), interrupted=True))

    assert [row["way"] for row in texts(targets_sheet((watching, dead)))] == [
        "◆ watching 2/4",
        "? interrupted 1/4",
    ]


def test_each_release_has_a_sign_for_what_became_of_it_and_tells_for_how_long_it_was_live() -> None:
    aborted = replace(BEFORE, state=RolloutState.ABORTED, reason="too many errors")
    stopped = replace(BEFORE, stopped=True)
    found = texts(releases_sheet(ReleasesSoFar((NEWEST, BEFORE, aborted, stopped, replace(NEWEST, live=False)), 5)))

    assert [row["state"] for row in found] == ["● live", "· replaced", "✗ aborted", "■ stopped", "? not known"]
    assert [row["until"] for row in found] == ["–", "2 h 00 m", "2 h 00 m", "2 h 00 m", "–"]
    assert [row["action"] for row in found[:2]] == ["models promote", "canary"]
    assert [row["reason"] for row in found[1:3]] == ["–", "too many errors"]


def test_a_column_for_reasons_is_only_there_when_one_was_given() -> None:
    assert "reason" not in texts(releases_sheet(ReleasesSoFar((NEWEST,), 1)))[0]


def test_the_target_is_only_named_where_there_are_several() -> None:
    assert "target" not in texts(releases_sheet(ReleasesSoFar((NEWEST, BEFORE), 2)))[0]
    two = releases_sheet(ReleasesSoFar((NEWEST, replace(BEFORE, target="far")), 2))
    assert [row["target"] for row in texts(two)] == ["local", "far"]


def test_a_target_tells_what_to_do_what_it_answers_with_and_how() -> None:
    text = plain(target_lines(VIEW))

    for line in (
        "! It answers with version 2, but champion names version 3.",
        "v2  ██████████████░░   90 %  stable    ● ready  commit –  data –",
        "v3  ██░░░░░░░░░░░░░░   10 %  canary    ● ready  commit –  data –",
        "release r-00000001 by ada, 03-09 12:00",
        "follows         champion: version 3",
        "requests        10,432 since it started",
        "latency         p50 4.2 ms, p95 11.6 ms",
        "labelled        90 of them; 87 right, 1 false alarm, 2 missed",
        '{"amount": 2.5}',
    ):
        assert line in text, text
    assert "On its way" not in text


def test_a_target_of_which_little_is_known_is_shown_all_the_same() -> None:
    stood = Move("r-1", "local", 0, RolloutState.DONE, True, only(stable()), "", None, "ada", "j", NOON)
    away = TargetStatus("local", "kubernetes", None, "the cluster is \x1b[31maway", stood, None)
    bare = replace(
        VIEW, status=away, follows=None, release=None, requests=None, traffic=TrafficWindow(0), example=None, remarks=()
    )
    text = plain(target_lines(bare))

    assert "problem         the cluster is away" in text
    assert "as recorded     version 1 100 %, since 03-09 12:00 by ada" in text
    assert "only explicit releases" in text
    assert "No prediction of this version yet." in text
    assert "latency" not in text


def test_the_steps_of_a_release_on_its_way_are_done_here_or_to_come() -> None:
    assert plain(way_lines(on_its_way(a_canary(place=1), verdict=None))).splitlines() == [
        "◆ watching  step 2 of 4  canary of version 2  r-3f9a2c41 by ada",
        "✓ 1  v1 ███████░ 90 % · v2 10 % canary",
        "▸ 2  v1 ██████░░ 75 % · v2 25 % canary  at least 1 m 00 s",
        "· 3  v1 ████░░░░ 50 % · v2 50 % canary  at least 1 m 00 s",
        "· 4  v2 ████████ 100 %",
        "watching since 12:00:00 UTC; it goes on by itself, 42 s of its pause left",
    ]


def test_an_interrupted_release_says_so_and_how_it_goes_on() -> None:
    text = plain(way_lines(on_its_way(a_canary(reason="try it"), interrupted=True, verdict=None)))

    assert "? interrupted while watching  step 1 of 4" in text
    assert "its job job-1 is gone and left it on its way" in text
    assert "nobody goes on with it" in text
    assert "because try it" in text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RolloutState.WATCHING, "; it goes on by itself, as soon as the comparison lets it"),
        (RolloutState.WAITING, "waiting since 12:00:00 UTC, until it is advanced or aborted"),
        (RolloutState.HELD, "held since 12:00:00 UTC, until it is advanced or aborted"),
        (RolloutState.MOVING, "moving since 12:00:00 UTC"),
    ],
)
def test_a_release_on_its_way_tells_who_goes_on_with_it(state: RolloutState, said: str) -> None:
    way = replace(on_its_way(a_canary(state), verdict=None), left_seconds=0.0)

    assert next(line for line in plain(way_lines(way)).splitlines() if " since " in line).endswith(said)


def test_the_comparison_is_a_table_that_fits_a_narrow_screen_with_a_sign_for_each_verdict() -> None:
    lines = plain(analysis_lines(an_analysis(Verdict.ABORT))).splitlines()

    assert lines == [
        "✗ abort  what decides is",
        "question        stable  candidate              truly  tolerated  verdict",
        "error rate       0.1 %      0.4 %     -1.2 … +4.6 pt       1 pt  ✓ advance",
        "slow requests    2.0 %      9.0 %       5.1 … 13.2 %        5 %  ✗ abort",
        "error rate of 900 and 100; `truly` holds however often one looks",
    ]


def test_two_releases_are_compared_in_the_width_that_there_is() -> None:
    found = a_difference(DifferentFact("commit", "a" * 40, "b" * 40), DifferentFact("data", None, "dd" * 16))
    text = plain(difference_lines(found, 60))

    assert "before          fraud 1  r-1  03-09 12:00 by ada" in text
    assert "after           fraud 2  without an id" in text
    assert "commit        aaaaaaaaaaaaa…  →  bbbbbbbbbbbbb…" in text
    assert "1 file          +3 −384 lines" in text
    assert "the same: image" in text


def test_the_overview_tells_the_shares_of_several_versions_and_the_step_of_what_is_on_its_way() -> None:
    server = ServerStatus("local", ServerState.READY, URL, 4711, "fraud", 1, OLD, NOON, 12)
    rollout = a_canary(RolloutState.WATCHING)
    way = OnItsWay("local", rollout.id, 2, "canary", rollout.state, 1, 4, rollout.wanted, False)

    assert plain(list(live_lines((server,), ways=(way,)))).splitlines()[1:3] == [
        "  v1 ███████░ 90 % · v2 10 % canary",
        "  ◆ canary 10 %, step 1 of 4 watching, version 2",
    ]
    moving = replace(way, state=RolloutState.MOVING, traffic=None, interrupted=True)
    both = replace(server, shares="1 90 % · 2 10 %")
    assert plain(list(live_lines((both,), ways=(moving,)))).splitlines()[1:3] == [
        "  ready, 1 90 % · 2 10 %, 12 requests",
        "  ? canary, step 1 of 4 interrupted, version 2",
    ]
