"""Exporting a release: documents for other tools, printed or written, and refused when a tool would ignore them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.actions.release.made import with_target
from tests.fakes import Listening
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.release.export import EXPORT, ExportRelease, ReleaseExported, print_release
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import CheckSaidNo, Refused, UsageError
from unipipe_tui.domain.ports.exports import ExportFormat, KServeMode
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.rollouts.strategies import StrategyKind

IMAGE = f"registry.example.com/fraud@sha256:{'a' * 64}"


def asked(**more: object) -> ExportRelease:
    return ExportRelease(**{"target": "local", "version": 1, "image": IMAGE, **more})  # type: ignore[arg-type]


@pytest.fixture
def world(project: Path) -> World:
    world, _target, _clock = with_target(project)
    return world


def written(world: World, request: ExportRelease) -> ReleaseExported:
    plan = make_plan(EXPORT, request, world)
    result: ReleaseExported = EXPORT.apply(plan, world, Listening()).result
    return result


def test_without_a_folder_the_documents_are_the_answer(world: World) -> None:
    exported = print_release(asked(), world)
    assert exported is not None and exported.to is None
    assert [file.name for file in exported.files] == ["fraud-local.yaml"]
    assert IMAGE in exported.files[0].text and "kind: Deployment" in exported.files[0].text


def test_with_a_folder_every_file_of_the_plan_is_written_and_none_twice(world: World, tmp_path: Path) -> None:
    request = asked(format=ExportFormat.KUSTOMIZE, to=tmp_path / "deploy")
    plan = make_plan(EXPORT, request, world)
    planned = {effect.text.split("/")[-1] for effect in plan.effects}
    exported = written(world, request)
    there = {path.name: path.read_text() for path in (tmp_path / "deploy").iterdir()}
    assert there == {file.name: file.text for file in exported.files}
    assert planned == set(there) and print_release(request, world) is None
    with pytest.raises(Refused, match="is there already"):
        make_plan(EXPORT, request, world)
    assert make_plan(EXPORT, asked(format=ExportFormat.KUSTOMIZE, to=tmp_path / "deploy", force=True), world)


def test_what_a_tool_would_ignore_is_refused_with_the_page_that_says_so(world: World) -> None:
    request = asked(format=ExportFormat.KSERVE, strategy=StrategyKind.CANARY, steps="10", mode=KServeMode.STANDARD)
    with pytest.raises(CheckSaidNo, match=r"ignores canaryTrafficPercent(.|\n)*https://kserve") as refused:
        print_release(request, world)
    assert "--mode knative" in refused.value.hint


def test_the_image_of_an_earlier_release_is_found(world: World) -> None:
    with pytest.raises(UsageError, match="No image of version 1"):
        print_release(asked(image=None), world)
    at, digest = world.now(), "ab" * 32
    release = Release("docker", "fraud", 1, digest, None, None, "", "ada", at, "job", id="r-1", image="fraud@sha256:b")
    world.history.add_release(release)
    exported = print_release(asked(image=None), world)
    assert exported is not None and "fraud@sha256:b" in exported.files[0].text


def test_a_version_without_a_bundle_is_exported_only_where_it_can_be_made(world: World, tmp_path: Path) -> None:
    shutil.rmtree(world.bundles.place("fraud", 2))
    with pytest.raises(UsageError, match="no bundle yet"):
        print_release(asked(version=2), world)
    plan = make_plan(EXPORT, asked(version=2, to=tmp_path / "deploy"), world)
    assert "sealed bundle" in plan.effects[0].text


def test_a_version_that_is_not_registered_is_not_exported(world: World) -> None:
    with pytest.raises(UsageError, match="7"):
        print_release(asked(version=7), world)
