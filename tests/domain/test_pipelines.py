"""The graph of a pipeline, the causes of a run, and what they amount to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unipipe_tui.domain.freshness import Cause, CauseKind, Freshness, judge
from unipipe_tui.domain.pipelines import Dependency, Fingerprint, Locked, Output, Pipeline, Stage


def stage(name: str, reads: tuple[str, ...] = (), writes: tuple[str, ...] = (), template: str | None = None) -> Stage:
    return Stage(
        address=name,
        name=name,
        file="dvc.yaml",
        command=("run",),
        dependencies=tuple(Dependency(path) for path in reads),
        outputs=tuple(Output(path) for path in writes),
        template=template,
    )


DIAMOND = Pipeline(
    (
        stage("join", reads=("left.csv", "right.csv"), writes=("all.csv",)),
        stage("right", reads=("raw",), writes=("right.csv",)),
        stage("left", reads=("raw/part.csv",), writes=("left.csv",)),
        stage("fetch", writes=("raw",)),
        stage("alone", writes=("other.csv",)),
    )
)


def test_stages_run_after_those_they_read_from_and_otherwise_as_declared() -> None:
    assert DIAMOND.order() == ("fetch", "right", "left", "join", "alone")
    assert DIAMOND.layers() == (("fetch", "alone"), ("right", "left"), ("join",))


def test_upstream_and_downstream_follow_all_paths() -> None:
    assert DIAMOND.upstream("join") == ("fetch", "right", "left")
    assert DIAMOND.downstream("fetch") == ("right", "left", "join")
    assert DIAMOND.upstream("alone") == ()
    assert DIAMOND.children("fetch") == ("right", "left")


def test_a_dependency_on_a_folder_is_one_on_every_output_inside_it_and_the_other_way_round() -> None:
    pipeline = Pipeline(
        (
            stage("inner", writes=("data/deep/a.csv",)),
            stage("reads the folder", reads=("data",)),
            stage("whole", writes=("models",)),
            stage("reads a file of it", reads=("models/final/model.pkl",)),
            stage("reads a neighbour", reads=("models-old/model.pkl",)),
        )
    )
    assert pipeline.parents("reads the folder") == ("inner",)
    assert pipeline.parents("reads a file of it") == ("whole",)
    assert pipeline.parents("reads a neighbour") == ()


def test_what_is_imported_from_another_repository_has_no_parent_here() -> None:
    imported = replace(
        stage("import"), dependencies=(Dependency("raw", external=True, source="https://example.org/x"),)
    )
    assert Pipeline((stage("fetch", writes=("raw",)), imported)).parents("import") == ()


def test_a_circle_is_a_defect_that_names_its_stages_and_hides_no_stage() -> None:
    pipeline = Pipeline(
        (
            stage("hen", reads=("egg",), writes=("chick",)),
            stage("egg", reads=("chick",), writes=("egg",)),
            stage("farm", writes=("grain",)),
        )
    )
    assert pipeline.order() == ("farm", "hen", "egg")
    assert pipeline.circle() == ("hen", "egg")
    assert [defect.sentence for defect in pipeline.defects()] == [
        "dvc.yaml: these stages wait for each other: hen, egg"
    ]
    assert {address for layer in pipeline.layers() for address in layer} == {"hen", "egg", "farm"}


def test_an_output_with_two_owners_is_a_defect_that_names_both() -> None:
    pipeline = Pipeline((stage("first", writes=("model.pkl",)), stage("second", writes=("model.pkl",))))
    assert [defect.message for defect in pipeline.defects()] == ["first and second both declare the output model.pkl"]


def test_an_output_inside_another_is_a_defect() -> None:
    pipeline = Pipeline((stage("all", writes=("data",)), stage("part", writes=("data/part.csv",))))
    assert [defect.message for defect in pipeline.defects()] == [
        "the output data/part.csv of part lies inside an output of all"
    ]


def test_a_sound_pipeline_has_no_defect() -> None:
    assert DIAMOND.defects() == ()


@pytest.mark.parametrize(
    ("causes", "freshness"),
    [
        ([], Freshness.FRESH),
        ([CauseKind.PARAM_CHANGED], Freshness.STALE),
        ([CauseKind.NEVER_RUN, CauseKind.DEPENDENCY_MISSING], Freshness.NEVER_RUN),
        ([CauseKind.DATA_NOT_PULLED], Freshness.NOT_PULLED),
        ([CauseKind.DATA_NOT_PULLED, CauseKind.DATA_NOT_CHECKED_OUT], Freshness.NOT_PULLED),
        ([CauseKind.DATA_NOT_PULLED, CauseKind.DEPENDENCY_CHANGED], Freshness.STALE),
        ([CauseKind.NOT_CHECKED], Freshness.UNKNOWN),
        ([CauseKind.NOT_CHECKED, CauseKind.DATA_NOT_PULLED], Freshness.NOT_PULLED),
        ([CauseKind.NOT_CHECKED, CauseKind.COMMAND_CHANGED], Freshness.STALE),
    ],
)
def test_causes_amount_to_one_state(causes: list[CauseKind], freshness: Freshness) -> None:
    assert judge(stage("train"), [Cause(kind) for kind in causes]).freshness is freshness


def test_a_stage_after_one_that_will_run_is_stale_and_says_which() -> None:
    state = judge(stage("train"), [], ["prepare"])
    assert state.will_run
    assert [cause.sentence for cause in state.causes] == ["prepare runs before it"]
    assert state.may_be_spared
    assert not judge(stage("train"), [Cause(CauseKind.PARAM_CHANGED)], ["prepare"]).may_be_spared


def test_a_frozen_stage_never_runs_but_still_says_what_changed() -> None:
    state = judge(replace(stage("train"), frozen=True), [Cause(CauseKind.OUTPUT_CHANGED, "m", "a", "b")], ["prepare"])
    assert state.freshness is Freshness.FROZEN
    assert not state.will_run
    assert [cause.kind for cause in state.causes] == [CauseKind.FROZEN, CauseKind.OUTPUT_CHANGED]


def test_tracked_data_never_runs_even_when_it_changed() -> None:
    data = Stage("data.csv.dvc", "data.csv", "data.csv.dvc", outputs=(Output("data.csv"),), is_data=True)
    state = judge(data, [Cause(CauseKind.OUTPUT_CHANGED, "data.csv", "a", "b")])
    assert state.freshness is Freshness.STALE
    assert not state.will_run


def test_a_stage_without_inputs_and_outputs_runs_every_time() -> None:
    assert stage("greet").runs_every_time
    assert not stage("write", writes=("a",)).runs_every_time
    assert replace(stage("clock", writes=("a",)), always_changed=True).runs_every_time


def test_every_kind_of_cause_has_a_sentence_that_names_its_subject_and_values() -> None:
    for kind in CauseKind:
        sentence = Cause(kind, "params.lr", "0.1", "0.2").sentence
        assert "{" not in sentence
    assert Cause(CauseKind.PARAM_CHANGED, "train.lr", "0.1", "0.2").sentence == "train.lr changed from 0.1 to 0.2"
    assert Cause(CauseKind.PARAM_CHANGED, "{x}", "{before}", "}").sentence == "{x} changed from {before} to }"


def test_the_recorded_size_of_a_stage_is_that_of_its_outputs_where_known() -> None:
    marks = {"a": Fingerprint("1", 10), "b": Fingerprint("2.dir", 5, 3), "c": Fingerprint("3")}
    locked = Locked((), {"in": Fingerprint("4", 1000)}, marks, {})
    assert judge(replace(stage("train"), locked=locked), []).size_bytes == 15
    assert judge(stage("train"), []).size_bytes is None


def test_a_pipeline_without_stages_is_fine() -> None:
    assert (Pipeline().order(), Pipeline().layers(), Pipeline().defects()) == ((), (), ())
