"""What a field offers: which choices fit what is typed, what taking one leaves in the field, and which look they are from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, FakeTracking, Unreachable, staying
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.request import Names, fields_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.tui.choices import Choice, Choices, counted, matching, strange_words, typed_in
from unipipe_tui.tui.listings import LISTERS, ago, listing_of

VERSIONS = (
    Choice("14", "challenger · 4 h ago"),
    Choice("4", "champion · 14 h ago"),
    Choice("3", "rejected · 2 d ago"),
)
STAGES = (Choice("train"), Choice("train@dach"), Choice("a b"))


def values(choices: tuple[Choice, ...]) -> list[str]:
    return [choice.value for choice in choices]


def offered(world: World, action_name: str, field_name: str, **texts: str) -> Choices:
    """What a field of a form offers."""
    action = action_named(action_name)
    (field,) = (field for field in fields_of(action.request) if field.name == field_name)
    listing = listing_of(field, action, texts)
    assert listing is not None
    return listing.ask(world)


def remark_of(choices: Choices, value: str) -> str:
    (choice,) = (choice for choice in choices.offered if choice.value == value)
    return choice.remark


# What fits


def test_without_a_word_everything_is_offered_in_its_own_order() -> None:
    assert values(matching(VERSIONS, typed_in("", many=False))) == ["14", "4", "3"]


def test_what_begins_with_the_word_comes_before_what_only_holds_it() -> None:
    assert values(matching(VERSIONS, typed_in("4", many=False))) == ["4", "14"]


def test_a_remark_is_found_by_the_beginnings_of_its_words_whatever_their_case() -> None:
    assert values(matching(VERSIONS, typed_in("CHAMP", many=False))) == ["4"]
    assert values(matching(VERSIONS, typed_in("ampion", many=False))) == []


def test_all_words_must_be_there() -> None:
    assert values(matching(VERSIONS, typed_in("h chall", many=False))) == ["14"]


def test_a_text_that_nobody_touched_filters_nothing() -> None:
    assert values(matching(VERSIONS, typed_in("4", many=False, untouched=True))) == ["14", "4", "3"]


def test_of_several_values_only_the_last_word_filters_and_what_is_there_is_not_offered_again() -> None:
    assert values(matching(STAGES, typed_in("train tr", many=True))) == ["train@dach"]


# What taking leaves in the field


def test_a_choice_takes_the_place_of_all_that_was_typed() -> None:
    assert typed_in("cham", many=False).taking(VERSIONS[1], many=False) == "4"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", "'a b' "),
        ("tr", "'a b' "),
        ("train a", "train 'a b' "),
        ("train 'a", "train 'a b' "),
        ("train ", "train 'a b' "),
    ],
)
def test_among_several_values_a_choice_takes_the_place_of_the_last_word(text: str, left: str) -> None:
    assert typed_in(text, many=True).taking(STAGES[2], many=True) == left


def test_values_that_were_there_when_one_came_stay_when_another_is_taken() -> None:
    assert typed_in("train", many=True, untouched=True).taking(STAGES[1], many=True) == "train train@dach "


# What deserves a warning


def test_a_value_that_nothing_known_can_be_meant_by_is_strange() -> None:
    known = Choices(STAGES, len(STAGES))

    assert strange_words(known, "train 'a b' tran", many=True) == ("tran",)
    assert strange_words(known, "", many=True) == ()


@pytest.mark.parametrize(
    "known",
    [
        Choices(STAGES, len(STAGES) + 1),
        Choices(STAGES, len(STAGES), open=True),
        Choices((Choice("c0tran99"),), 1, by_part=True),
        Choices((Choice("c0ffee", also=("tran",)),), 1),
    ],
    ids=["not all are listed", "others make sense", "a part of one", "another name of one"],
)
def test_a_value_that_may_well_be_meant_is_not_strange(known: Choices) -> None:
    assert strange_words(known, "tran", many=False) == ()


def test_a_count_says_what_was_not_asked_for() -> None:
    assert counted(2, Choices(STAGES, 3)) == "2 of 3"
    assert counted(2, Choices(STAGES, 104_312)) == "2 of the newest 3; 104,312 in all"


# Where they come from


def test_every_kind_of_thing_has_a_look_that_lists_it() -> None:
    assert set(LISTERS) == set(Names)


def test_a_field_of_fixed_values_offers_them_without_being_told(world: World) -> None:
    assert values(offered(world, "runs draw", "kind").offered) == ["history", "chart", "parallel"]
    assert "higher" in values(offered(world, "runs best", "better").offered)


def test_a_field_that_names_nothing_offers_nothing() -> None:
    action = action_named("models promote")
    (reason,) = (field for field in fields_of(action.request) if field.name == "reason")

    assert listing_of(reason, action, {}) is None


def test_versions_are_those_of_the_model_in_the_form(busy_world: World) -> None:
    known = offered(busy_world, "models promote", "version", model="fraud-detector")

    assert values(known.offered) == ["3", "2", "1"]
    assert remark_of(known, "3") == "challenger · just now · gates passed"
    assert remark_of(known, "2") == "champion · served by local · just now · not checked"
    with pytest.raises(UnipipeError, match="other"):
        offered(busy_world, "models promote", "version", model="other")


def test_versions_are_those_of_the_configured_model_where_the_form_names_none(busy_world: World) -> None:
    assert values(offered(busy_world, "serve start", "version").offered) == ["3", "2", "1"]


def test_aliases_tell_what_they_name_and_a_new_one_is_nothing_strange(busy_world: World) -> None:
    known = offered(busy_world, "models promote", "to", model="fraud-detector")

    assert remark_of(known, "champion") == "version 2"
    assert strange_words(known, "canary", many=False) == ()


def test_a_target_that_cannot_be_asked_is_not_offered_as_a_stopped_one(busy_world: World) -> None:
    away = staying(busy_world, target_of=lambda name: Unreachable("The engine does not answer."))

    assert remark_of(offered(away, "release log", "target"), "local") == "cannot be asked · The engine does not answer."


def test_models_targets_stages_jobs_and_alerts_are_those_of_the_looks(busy_world: World) -> None:
    assert remark_of(offered(busy_world, "models show", "model"), "fraud-detector").startswith("latest 3 · ")
    assert "version 2" in remark_of(offered(busy_world, "serve stop", "target"), "local")
    assert "train" in values(offered(busy_world, "pipeline run", "stages").offered)
    jobs = offered(busy_world, "jobs cancel", "job")
    assert (jobs.offered[0].value, jobs.total) == ("last", len(jobs.offered))
    assert any("running · retrain" in job.remark for job in jobs.offered)
    assert "drift" in remark_of(offered(busy_world, "alerts acknowledge", "alert"), "a1")


def test_what_cannot_be_listed_says_why(busy_world: World) -> None:
    with pytest.raises(UnipipeError, match="never checked"):
        offered(busy_world, "drift show", "column")


def test_an_empty_project_lists_nothing_or_says_why_not_and_nothing_is_a_bug(world: World) -> None:
    for lister in LISTERS.values():
        try:
            known = lister.ask(world, "")
        except UnipipeError:
            continue
        assert len(known.offered) <= known.total


def test_a_version_of_long_ago_tells_its_age_and_a_rejected_one_that_it_is(busy_world: World) -> None:
    (old,) = (version for version in busy_world.tracking.versions("fraud-detector") if version.version == 1)
    rejected = replace(old, created=NOON - timedelta(days=3), tags={"unipipe.rejected": "ada"})
    models = busy_world.tracking.models()
    world = staying(busy_world, tracking=FakeTracking(models=models, versions=(rejected,)))

    known = offered(world, "models show", "model")
    versions = offered(world, "models reject", "version", model="fraud-detector")

    assert values(known.offered) == ["fraud-detector"]
    assert remark_of(versions, "1") == "rejected · 3 d ago · not checked"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7300, "2 h ago"),
        (90_000, "1 d ago"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: int, said: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == said
