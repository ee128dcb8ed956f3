"""Lineage is walked from anything to anything: every neighbour that is named can be walked on to, up and down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.actions.lineage.made import COMMIT, MD5, PROMOTED, RUN, TRAINED, UNDONE, answered, with_lineage
from tests.actions.runs.made import Made, world_with
from tests.fakes import NOON, FakeTracking
from unipipe_tui.actions.lineage.neighbours import MOST
from unipipe_tui.actions.lineage.walk import WalkLineage, walk_lineage
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.tags import MLFLOW_COMMIT_TAG
from unipipe_tui.domain.things import Walk
from unipipe_tui.domain.tracking import Run, RunStatus
from unipipe_tui.wiring import build_world

VERSION, PROMOTION = "version:fraud/2", f"promotion:fraud/champion/{PROMOTED}"
RELEASE, FIRST = f"release:local/{PROMOTED}", f"release:local/{TRAINED}"


@pytest.fixture
def world(project: Path) -> World:
    return with_lineage(project)


def at(world: World, thing: str = "production") -> Walk:
    return walk_lineage(WalkLineage(thing), world)


def above(walk: Walk) -> list[tuple[str, str]]:
    return [(neighbour.relation, neighbour.thing.id) for neighbour in walk.above]


def below(walk: Walk) -> list[tuple[str, str]]:
    return [(neighbour.relation, neighbour.thing.id) for neighbour in walk.below]


def test_it_begins_with_what_is_in_production(world: World) -> None:
    assert above(at(world)) == [("live on local", RELEASE), ("champion", VERSION)]


def test_every_kind_of_thing_names_what_it_came_from_and_what_it_led_to(world: World) -> None:
    assert above(at(world, "prediction:p-001")) == [("answered by release", RELEASE), ("answered by version", VERSION)]
    release = at(world, RELEASE)
    assert above(release) == [
        ("version", VERSION),
        ("since", PROMOTION),
        ("put there by job", f"job:{PROMOTED}"),
        ("replaced", FIRST),
    ]
    assert below(release) == [("answered", f"prediction:p-00{number}") for number in (2, 1, 0)]
    assert below(at(world, FIRST)) == [("replaced by", RELEASE)]
    version = at(world, VERSION)
    assert above(version) == [("made by run", f"run:{RUN}"), ("registered by job", f"job:{TRAINED}")]
    assert below(version) == [("became", PROMOTION), ("released as", RELEASE)]
    promotion = at(world, PROMOTION)
    assert above(promotion) == [("named", VERSION), ("instead of", "version:fraud/1"), ("by job", f"job:{PROMOTED}")]
    assert below(promotion) == [("released as", RELEASE)]
    run = at(world, f"run:{RUN}")
    assert above(run) == [
        ("made of commit", f"commit:{COMMIT}"),
        ("read data", f"data:{MD5}"),
        ("by job", f"job:{TRAINED}"),
    ]
    assert below(run) == [("registered as", VERSION)]
    releases = [("released as", RELEASE), ("released as", FIRST)]
    assert below(at(world, f"commit:{COMMIT}")) == [("made run", f"run:{RUN}"), *releases]
    data = at(world, f"data:{MD5}")
    assert above(data) == [("in commit", f"commit:{COMMIT}")]
    assert below(data) == [("read by run", f"run:{RUN}"), *releases]
    trained = at(world, f"job:{TRAINED}")
    assert below(trained) == [("made run", f"run:{RUN}"), ("registered", VERSION), ("released", FIRST)]
    assert above(at(world, f"job:{UNDONE}")) == [("took back", f"job:{PROMOTED}")]
    assert ("taken back by", f"job:{UNDONE}") in below(at(world, f"job:{PROMOTED}"))


def test_from_production_everything_is_reached_and_every_id_leads_to_its_own_thing(world: World) -> None:
    waiting, seen = ["production"], set[str]()
    while waiting:
        thing = waiting.pop()
        walk = at(world, thing)
        assert walk.thing.id == thing
        seen.add(thing)
        waiting += [n.thing.id for n in (*walk.above, *walk.below) if n.thing.id not in {*seen, *waiting}]

    jobs = {f"job:{job}" for job in (TRAINED, PROMOTED, UNDONE)}
    predictions = {f"prediction:p-00{number}" for number in range(3)}
    made = {RELEASE, FIRST, VERSION, "version:fraud/1", PROMOTION, f"run:{RUN}", f"commit:{COMMIT}", f"data:{MD5}"}
    assert seen == {"production", *jobs, *predictions, *made}


@pytest.mark.parametrize(
    ("typed", "thing"),
    [
        ("fraud/2", VERSION),
        ("p-002", "prediction:p-002"),
        ("c0ffee", f"run:{RUN}"),
        ("3f9a2c1", f"commit:{COMMIT}"),
        ("ab12ff", f"data:{MD5}"),
        ("bbbbbb", f"job:{PROMOTED}"),
        (TRAINED, f"job:{TRAINED}"),
        ("run:c0ffee", f"run:{RUN}"),
    ],
)
def test_a_bare_name_or_the_beginning_of_one_is_enough(world: World, typed: str, thing: str) -> None:
    assert at(world, typed).thing.id == thing


def test_what_is_ambiguous_or_nothing_is_said(world: World) -> None:
    with pytest.raises(UsageError, match="3 jobs have 20260309"):
        at(world, "20260309")
    with pytest.raises(UsageError, match="Several predictions begin with p-0"):
        at(world, "p-0")
    with pytest.raises(UsageError, match="no thing 'banana'"):
        at(world, "banana")
    with pytest.raises(UsageError, match="no release 'banana'"):
        at(world, "release:banana")
    with pytest.raises(UsageError, match="no version 7"):
        at(world, "fraud/7")


def test_of_many_predictions_the_newest_are_named_and_it_is_said_that_there_are_more(world: World) -> None:
    answered(world, MOST + 5)
    walk = at(world, RELEASE)

    named = [thing for relation, thing in below(walk) if relation == "answered"]
    assert named[0] == f"prediction:p-{MOST + 4:03}"
    assert len(named) == MOST
    assert "Only the newest" in walk.notes[0]


def test_a_prediction_belongs_to_the_release_that_stood_then_also_when_the_version_came_back(world: World) -> None:
    back = replace(world.history.releases("local")[0], at=NOON + timedelta(hours=5), job=UNDONE)
    world.history.add_release(back)

    assert [thing for relation, thing in below(at(world, f"release:local/{UNDONE}")) if relation == "answered"] == []
    assert ("answered", "prediction:p-001") in below(at(world, RELEASE))
    assert ("answered by release", RELEASE) in above(at(world, "p-001"))


def test_a_run_of_any_script_is_known_by_the_commit_that_mlflow_noted(world: World, project: Path) -> None:
    tags = {MLFLOW_COMMIT_TAG: COMMIT}
    foreign = Run("beef" * 8, "foreign", "churn", RunStatus.FINISHED, NOON, NOON, tags=tags)
    world = replace(
        world_with(project, Made(foreign.run_id, "foreign", tags=tags)),
        tracking=FakeTracking((foreign,)),
        git=world.git,
    )

    assert above(at(world, foreign.run_id)) == [("made of commit", f"commit:{COMMIT}")]
    assert ("made run", f"run:{foreign.run_id}") in below(at(world, COMMIT))


def test_an_empty_project_says_that_nothing_was_released(project: Path) -> None:
    walk = at(build_world(project))

    assert (walk.above, walk.below) == ((), ())
    assert "Nothing was ever released" in walk.notes[0]
