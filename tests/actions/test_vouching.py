"""A version is used as it was registered or not at all, and whose loading runs code only with leave: with MLflow's own client."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlflow.sklearn
import pytest
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

from tests.adapters.conftest_mlflow import payments
from tests.fakes import FakeTarget
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.models.cards import ShowCard, show_card
from unipipe_tui.actions.models.gates import check_version
from unipipe_tui.actions.models.registry import CheckModel, ShowModel, plan_check, show_model
from unipipe_tui.actions.release.starting import START, StartRelease, plan_rollout
from unipipe_tui.actions.serve import StartServer, plan_start
from unipipe_tui.actions.world import World
from unipipe_tui.adapters.mlflow.client.registry import MlflowRegistry
from unipipe_tui.domain.bundles import seal_bundle
from unipipe_tui.domain.errors import CheckSaidNo, ExitCode, Failed
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.rollouts.strategies import Strategy
from unipipe_tui.wiring import world_at

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]
CONFIG = """\
mlflow: sqlite:///{database}
model: {{name: fraud{more}}}
data: {{label: fraud, holdout: rows.parquet}}
gates: [{{metric: recall, at_least: 0.1}}]
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model in two formats: `skops` and `cloudpickle`."""
    folder = tmp_path_factory.mktemp("saved")
    inputs = payments()[["amount", "hour"]]
    model = LogisticRegression().fit(inputs, (inputs["amount"] > 100).astype(int))
    for format_ in ("skops", "cloudpickle"):
        mlflow.sklearn.save_model(
            model,
            folder / format_,
            serialization_format=format_,
            signature=infer_signature(inputs, model.predict_proba(inputs)),
            pyfunc_predict_fn="predict_proba",
            pip_requirements=["scikit-learn"],
        )
    return folder


@dataclass
class Shop:
    """A project with a registry of its own, and the artefact store that a test tampers with."""

    project: Path
    database: Path
    saved: Path

    def world(self, more: str = "") -> World:
        (self.project / "unipipe.yaml").write_text(CONFIG.format(database=self.database, more=more))
        target = FakeTarget()
        return dataclasses.replace(world_at(self.project), target_of=lambda name: target)

    def registered(self, format_: str = "skops", *, by_us: bool = True) -> Path:
        """Version 1; answers with the folder in the store."""
        client = mlflow.MlflowClient(self.uri, self.uri)
        run_id = client.create_run(client.create_experiment("kept", str(self.project / "store"))).info.run_id
        client.log_artifacts(run_id, str(self.saved / format_), "model")
        folder = self.project / "store" / run_id / "artifacts" / "model"
        if by_us:
            assert self.registry.register_run("fraud", run_id) == 1
        else:
            client.create_registered_model("fraud")
            client.create_model_version("fraud", str(folder))
        return folder

    @property
    def registry(self) -> MlflowRegistry:
        return MlflowRegistry(self.uri)

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.database}"


@pytest.fixture
def shop(project: Path, empty_database: Path, saved: Path) -> Shop:
    database = project / "mlflow.db"
    shutil.copyfile(empty_database, database)
    rows = payments()
    rows.assign(fraud=(rows["amount"] > 100).astype(int)).to_parquet(project / "rows.parquet")
    return Shop(project, database, saved)


def flip(path: Path) -> None:
    """Change one bit of the last byte."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def released(world: World) -> list[str]:
    """Release version 1 as the command line does; answers with the warnings of the plan."""
    plan = START.plan(StartRelease(version=1), world)
    START.apply(plan, world, Silent())
    return list(plan.warnings)


def test_what_we_register_bears_its_digest_and_everybody_sees_it(shop: Shop) -> None:
    shop.registered()
    world = shop.world()
    digest = world.tracking.version("fraud", 1).tags["unipipe.digest"]
    assert len(digest) == 64
    assert show_model(ShowModel("fraud"), world).versions[0].digest == digest
    assert f"sha256 `{digest}`" in show_card(ShowCard("fraud", 1), world).markdown
    assert not [warning for warning in released(world) if "file" in warning]
    assert world.target_of("local").live().traffic is not None


def test_what_somebody_else_registered_is_recorded_at_its_first_use_and_that_is_said(shop: Shop) -> None:
    folder = shop.registered(by_us=False)
    world = shop.world()
    assert show_model(ShowModel("fraud"), world).versions[0].digest is None
    assert any("their digest is recorded now" in warning for warning in released(world))
    assert show_model(ShowModel("fraud"), world).versions[0].digest is not None
    flip(folder / "MLmodel")
    with pytest.raises(CheckSaidNo, match="changed: MLmodel"):
        check_version(world, shop.registry, "fraud", 1)


def test_a_check_is_a_first_use_too(shop: Shop) -> None:
    shop.registered(by_us=False)
    world = shop.world()
    assert any("recorded now" in warning for warning in plan_check(CheckModel("fraud", 1), world).warnings)
    assert check_version(world, shop.registry, "fraud", 1).passed
    assert plan_check(CheckModel("fraud", 1), world).warnings == ()


def add_a_file(folder: Path) -> None:
    (folder / "more.txt").write_text("")


def take_a_file(folder: Path) -> None:
    (folder / "model.skops").unlink()


def link_a_file(folder: Path) -> None:
    (folder / "model.skops").rename(folder.parent / "elsewhere")
    (folder / "model.skops").symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda folder: flip(folder / "model.skops"), r"The artefact store .* changed: model\.skops"),
        (add_a_file, r"extra: more\.txt"),
        (take_a_file, r"missing: model\.skops"),
        (link_a_file, r"model\.skops is a link"),
    ],
)
def test_another_byte_in_the_artefact_store_is_neither_judged_nor_served(
    shop: Shop, tamper: Callable[[Path], None], says: str
) -> None:
    folder = shop.registered()
    world = shop.world()
    tamper(folder)
    acts: tuple[Callable[[], object], ...] = (
        lambda: plan_check(CheckModel("fraud", 1), world),
        lambda: check_version(world, shop.registry, "fraud", 1),
        lambda: START.plan(StartRelease(version=1), world),
        lambda: plan_start(StartServer(version=1), world),
        lambda: bundle_to_serve(world, "fraud", 1),
    )
    for act in acts:
        with pytest.raises((CheckSaidNo, Failed), match=says):
            act()
    assert not world.bundles.place("fraud", 1).exists()
    assert not list(world.bundles.place("fraud", 1).parent.glob("*.partial"))


def test_a_byte_that_changes_between_plan_and_release_refuses_with_exit_code_4(shop: Shop) -> None:
    folder = shop.registered()
    world = shop.world()
    plan = START.plan(StartRelease(version=1), world)
    flip(folder / "model.skops")
    with pytest.raises(CheckSaidNo, match=r"model\.skops") as refused:
        START.apply(plan, world, Silent())
    assert refused.value.exit_code == ExitCode.CHECK_SAID_NO
    assert "Put the files back" in refused.value.hint
    assert world.rollouts.current("local") is None


def test_a_damaged_bundle_is_made_again_from_what_was_registered(shop: Shop) -> None:
    shop.registered()
    world = shop.world()
    place, bundle = bundle_to_serve(world, "fraud", 1)
    before = (place / "model" / "model.skops").read_bytes()
    flip(place / "model" / "model.skops")
    assert bundle_to_serve(world, "fraud", 1) == (place, bundle)
    assert (place / "model" / "model.skops").read_bytes() == before


def test_a_bundle_that_was_sealed_of_other_files_is_not_released(shop: Shop) -> None:
    shop.registered()
    world = shop.world()
    shop.registry.set_version_tag("fraud", 1, "unipipe.digest", "0" * 64)
    with pytest.raises(CheckSaidNo, match="changed: a file, or what the registry recorded"):
        bundle_to_serve(world, "fraud", 1)
    shop.registry.delete_version_tag("fraud", 1, "unipipe.digest")
    bundle_to_serve(world, "fraud", 1)
    shop.registry.set_version_tag("fraud", 1, "unipipe.digest", "0" * 64)
    with pytest.raises(CheckSaidNo, match="The bundle here does not hold fraud version 1"):
        START.plan(StartRelease(version=1), world)


def test_a_bundle_of_other_files_is_not_what_is_recorded_at_the_first_use(shop: Shop) -> None:
    shop.registered(by_us=False)
    world = shop.world()
    place = world.bundles.place("fraud", 1)
    shutil.copytree(shop.saved / "skops", place / "model")
    flip(place / "model" / "model.skops")
    seal_bundle(place, model="fraud", version=1, run_id="")
    with pytest.raises(CheckSaidNo, match=r"The bundle here .* changed: model\.skops"):
        bundle_to_serve(world, "fraud", 1)
    assert "unipipe.digest" not in world.tracking.version("fraud", 1).tags


def test_going_back_needs_no_more_than_the_bundle_that_is_here(shop: Shop) -> None:
    folder = shop.registered()
    world = shop.world()
    bundle_to_serve(world, "fraud", 1)
    flip(folder / "model.skops")
    plan = plan_rollout(world, "local", 1, Strategy(), "", goes_back=True)
    assert any("the bundle here is whole, but the artefact store" in warning for warning in plan.warnings)
    with pytest.raises(CheckSaidNo):
        plan_rollout(world, "local", 1, Strategy(), "")


def test_a_file_that_mlflow_leaves_in_the_store_when_somebody_loads_is_no_change(shop: Shop) -> None:
    folder = shop.registered()
    mlflow.set_tracking_uri(shop.uri)
    mlflow.set_registry_uri(shop.uri)
    mlflow.sklearn.load_model("models:/fraud/1")
    assert (folder / "registered_model_meta").is_file()
    place, _ = bundle_to_serve(shop.world(), "fraud", 1)
    assert "registered_model_meta" not in os.listdir(place / "model")


def test_a_pickled_model_is_released_and_served_only_with_leave(shop: Shop) -> None:
    shop.registered("cloudpickle")
    world = shop.world()
    acts: tuple[Callable[[], object], ...] = (
        lambda: START.plan(StartRelease(version=1), world),
        lambda: plan_start(StartServer(version=1), world),
        lambda: bundle_to_serve(world, "fraud", 1),
    )
    for act in acts:
        with pytest.raises(
            CheckSaidNo, match=r"runs code .* saved it as cloudpickle; model\.pkl is a pickle"
        ) as refused:
            act()
        assert "model: {allow_pickle: true} in unipipe.yaml" in refused.value.hint
    with_leave = shop.world(", allow_pickle: true")
    assert any("runs code" in warning for warning in plan_start(StartServer(version=1), with_leave).warnings)
    assert any("runs code that came with it" in warning for warning in released(with_leave))


def test_a_pickle_is_judged_when_it_was_recorded_at_its_registration_or_with_leave(shop: Shop) -> None:
    shop.registered("cloudpickle", by_us=False)
    world = shop.world()
    for act in (
        lambda: plan_check(CheckModel("fraud", 1), world),
        lambda: check_version(world, shop.registry, "fraud", 1),
    ):
        with pytest.raises(CheckSaidNo, match="runs code"):
            act()
    assert "unipipe.digest" not in world.tracking.version("fraud", 1).tags
    assert check_version(shop.world(", allow_pickle: true"), shop.registry, "fraud", 1).passed
    [warning] = plan_check(CheckModel("fraud", 1), shop.world()).warnings
    assert "runs code" in warning
    assert check_version(shop.world(), shop.registry, "fraud", 1).passed
