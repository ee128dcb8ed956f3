"""What every target promises: the same sentences, held against the fake and against real servers with real models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.adapters.conftest_docker import docker_target, no_images_left, take_away  # noqa: F401
from tests.fakes import FakeTarget
from tests.serving.conftest import bundles as sealed  # noqa: F401 the same models as the server's own tests
from tests.serving.servers import Sealed, free_port, payment
from unipipe_tui.adapters.targets.local import LocalTarget
from unipipe_tui.domain.errors import Failed, Refused, ToolMissing, UsageError
from unipipe_tui.domain.ports.targets import Package, Target, Wanted
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.traffic import CANARY, SHADOW, STABLE, Traffic, Variant, only
from unipipe_tui.domain.serving import Record, ServerState

pytestmark = pytest.mark.xdist_group("serving")

Pair = tuple[Package, Package]
RECORD: Record = payment()  # type: ignore[assignment]
OTHER: Record = payment(amount=99.0)  # type: ignore[assignment]
AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
REAL = [pytest.mark.needs_docker, pytest.mark.slow, pytest.mark.timeout(900)]
KINDS = ["fake", "local", pytest.param("docker", marks=REAL)]


def made(kind: str, folder: Path) -> Target:
    """A target of that kind that nothing was released to."""
    if kind == "local":
        return LocalTarget("local", folder / "serving", folder / "predictions", "127.0.0.1", free_port())
    if kind == "docker":
        return docker_target(folder)
    return FakeTarget()


@pytest.fixture(scope="module", params=KINDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One of each kind for all tests, since a start takes seconds."""
    folder = tmp_path_factory.mktemp("contract-target")
    if request.param == "docker":
        request.getfixturevalue("no_images_left")
    target = made(request.param, folder)
    yield target
    target.stop(Silent())
    if request.param == "docker":
        take_away(folder)


@pytest.fixture(scope="module")
def bundles(shared: Target, sealed: tuple[Sealed, Sealed]) -> Pair:  # noqa: F811
    """Two versions in the form in which the target takes them."""
    one, two = (shared.package(each.folder, each.bundle, Silent()) for each in sealed)
    return one, two


@pytest.fixture
def empty(shared: Target) -> Target:
    """One that nothing answers on."""
    shared.stop(Silent())
    return shared


@pytest.fixture
def running(shared: Target, bundles: Pair) -> Target:
    """One that answers with version 1 alone, whatever the test before has done to it."""
    if shared.live().release != "r-first" or shared.live().traffic != only(variant(bundles[0])):
        shared.apply(wanted(bundles, only(variant(bundles[0])), "r-first"), Silent())
    return shared


def variant(package: Package, name: str = STABLE, weight: float = 100.0, mirrored: bool = False) -> Variant:
    bundle = package.bundle
    return Variant(name, bundle.model, bundle.version, bundle.digest, weight, mirrored)


def wanted(both: Pair, traffic: Traffic, release: str, replaces: str | None = None) -> Wanted:
    packages = {package.bundle.digest: package for package in both}
    return Wanted(release, traffic, packages, "ada", AT, replaces)


def canary(both: Pair, weight: float, sticky: str | None = None) -> Traffic:
    return Traffic((variant(both[1], CANARY, weight), variant(both[0], STABLE, 100 - weight)), sticky)


def counted(target: Target) -> dict[str, Measures]:
    return {one.name: one for one in target.measures()}


def test_an_empty_target_can_be_reached_and_answers_with_nothing(empty: Target) -> None:
    assert empty.verify()
    live = empty.live()
    assert (live.target, live.state, live.variants, live.traffic, live.release) == (
        "local",
        ServerState.STOPPED,
        (),
        None,
        None,
    )
    for asked in (lambda: empty.predict([RECORD], None), lambda: empty.feedback([("p", 1)]), empty.measures):
        with pytest.raises(ToolMissing, match="does not answer"):
            asked()


def test_stopping_what_is_stopped_changes_nothing(empty: Target) -> None:
    assert empty.stop(Silent()) == empty.live()


def test_a_first_version_that_cannot_be_served_leaves_nothing_behind_and_the_next_one_works(
    empty: Target, bundles: Pair, tmp_path: Path
) -> None:
    broken = {bundles[0].bundle.digest: Package(tmp_path, bundles[0].bundle)}
    with pytest.raises(Failed, match="cannot be served"):
        empty.apply(Wanted("r-broken", only(variant(bundles[0])), broken, "ada", AT), Silent())
    assert (empty.live().state, empty.live().variants) == (ServerState.STOPPED, ())
    assert empty.apply(wanted(bundles, only(variant(bundles[1])), "r-whole"), Silent()).state is ServerState.READY
    assert empty.predict([RECORD], None).versions == (2,)


def test_what_was_applied_is_read_back_with_release_and_who_made_it(running: Target, bundles: Pair) -> None:
    applied = running.apply(wanted(bundles, canary(bundles, 25, "hour"), "r-1"), Silent())
    live = running.live()
    assert live == applied
    assert (live.state, live.release, live.actor, live.since) == (ServerState.READY, "r-1", "ada", AT)
    assert live.traffic == canary(bundles, 25, "hour")
    assert all(one.ready and not one.said for one in live.variants)


def test_the_same_wish_again_does_no_harm(running: Target, bundles: Pair) -> None:
    first = running.apply(wanted(bundles, canary(bundles, 10), "r-2"), Silent())
    assert running.apply(wanted(bundles, canary(bundles, 10), "r-2"), Silent()) == first


def test_every_record_is_answered_in_order_under_the_id_that_it_was_given_or_one_of_its_own(running: Target) -> None:
    answer = running.predict([RECORD, OTHER], ["order-b", "order-a"])
    assert (answer.model, answer.versions, answer.known) == ("fraud", (1,), ())
    assert [one.prediction_id for one in answer.predictions] == ["order-b", "order-a"]
    assert all(one.score is not None and 0 <= one.score <= 1 for one in answer.predictions)
    given = [running.predict([RECORD, RECORD], None) for _ in range(2)]
    assert len({one.prediction_id for answer in given for one in answer.predictions}) == 4


def test_the_first_label_of_a_prediction_stands_and_every_other_is_told_apart(running: Target) -> None:
    running.predict([RECORD, RECORD], ["label-1", "label-2"])
    first = running.feedback([("label-1", 1), ("never given", 1)])
    assert (first.accepted, first.repeated, first.unknown, first.conflicting) == (1, 0, ("never given",), ())
    then = running.feedback([("label-1", 1), ("label-1", 0), ("label-2", 0)])
    assert (then.accepted, then.repeated, then.unknown, then.conflicting) == (1, 1, (), ("label-1",))


def test_each_variant_gets_its_share_and_is_counted(running: Target, bundles: Pair) -> None:
    running.apply(wanted(bundles, canary(bundles, 25), "r-3"), Silent())
    before = counted(running)
    versions = Counter(running.predict([RECORD], None).versions for _ in range(40))
    assert versions == {(2,): 10, (1,): 30}
    after = counted(running)
    assert after[CANARY].requests - before[CANARY].requests == 10
    assert after[STABLE].requests - before[STABLE].requests == 30
    assert (after[CANARY].version, after[CANARY].errors) == (2, 0)


def test_decisions_and_labels_are_counted_of_the_variant_that_gave_them(running: Target) -> None:
    before = counted(running).get(STABLE, Measures(STABLE, 1))
    rich: Record = payment(amount=900.0)  # type: ignore[assignment]
    running.predict([rich, rich], ["measured-1", "measured-2"])
    running.feedback([("measured-1", 1), ("measured-2", 0)])
    added = counted(running)[STABLE].since(before)
    assert (added.decided, added.yes, added.true_positive, added.false_positive) == (2, 2, 1, 1)


def test_a_probe_asks_the_named_variant_and_leaves_no_trace(running: Target, bundles: Pair) -> None:
    shadowed = Traffic((variant(bundles[0]), variant(bundles[1], SHADOW, 0.0, mirrored=True)))
    running.apply(wanted(bundles, shadowed, "r-4"), Silent())
    before = running.measures()
    assert running.probe(STABLE, [RECORD]).versions == (1,)
    assert running.probe(SHADOW, [RECORD, OTHER]).versions == (2,)
    assert running.measures() == before
    with pytest.raises(UsageError, match="no variant 'green'"):
        running.probe("green", [RECORD])


def test_a_shadow_never_answers(running: Target, bundles: Pair) -> None:
    shadowed = Traffic((variant(bundles[0]), variant(bundles[1], SHADOW, 0.0, mirrored=True)))
    running.apply(wanted(bundles, shadowed, "r-5"), Silent())
    assert {running.predict([RECORD], None).versions for _ in range(10)} == {(1,)}


@pytest.mark.parametrize("damage", ["no bundle", "another digest"])
def test_a_version_that_cannot_be_served_is_refused_and_what_answered_before_goes_on(
    running: Target,
    bundles: Pair,
    tmp_path: Path,
    damage: str,
) -> None:
    before = running.live()
    folder = tmp_path if damage == "no bundle" else bundles[0].folder
    digest = bundles[1].bundle.digest
    broken = Wanted("r-6", canary(bundles, 10), {
        digest: Package(folder, bundles[1].bundle),
        bundles[0].bundle.digest: bundles[0],
    }, "ada", AT)  # fmt: skip
    with pytest.raises(Failed, match="cannot be served"):
        running.apply(broken, Silent())
    assert running.live().traffic == before.traffic
    assert running.live().release == before.release
    assert running.predict([RECORD], None).versions == (1,)


def test_whoever_decided_on_what_is_no_longer_there_is_refused(running: Target, bundles: Pair) -> None:
    running.apply(wanted(bundles, only(variant(bundles[1])), "r-theirs", replaces="r-first"), Silent())
    with pytest.raises(Refused, match="r-theirs"):
        running.apply(wanted(bundles, canary(bundles, 10), "r-mine", replaces="r-first"), Silent())
    assert running.live().release == "r-theirs"
    # The same one again is an interrupted one that goes on.
    assert running.apply(wanted(bundles, canary(bundles, 10), "r-theirs", replaces="r-first"), Silent()).traffic


def test_a_record_that_is_sent_again_keeps_its_answer_across_releases(running: Target, bundles: Pair) -> None:
    running.predict([RECORD], ["kept"])
    running.apply(wanted(bundles, only(variant(bundles[1])), "r-7"), Silent())
    again = running.predict([RECORD], ["kept"])
    assert again.known == ("kept",)
    with pytest.raises(UsageError, match="refused"):
        running.predict([OTHER], ["kept"])


def test_a_plan_names_the_target_and_the_traffic(running: Target, bundles: Pair) -> None:
    effects = running.effects(wanted(bundles, canary(bundles, 10), "r-8"), running.live())
    assert {effect.target for effect in effects} == {"local"}
    assert any("version 2 10 % (canary)" in effect.text for effect in effects)


def test_every_traffic_is_possible_to_the_percent(running: Target, bundles: Pair) -> None:
    assert running.possible(canary(bundles, 10)) == (canary(bundles, 10), "")
