"""The target `kubernetes` on a real cluster, with a small server in the place of ours: what moves, and what never stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adapters.conftest_kubernetes import (
    TargetMaker,
    free_node_port,
    kubectl,
    own_namespace,
    small_image,
    target_maker,
)
from tests.adapters.made_releases import AT, canary, stable, variant, wanted
from tests.callers import Callers
from unipipe_tui.adapters.kubernetes.target import KubernetesTarget
from unipipe_tui.domain.errors import Failed, Refused, Stopped, ToolMissing, UsageError
from unipipe_tui.domain.events import Advanced, Event, Noted
from unipipe_tui.domain.ports.targets import Wanted
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.serving import ServerState

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.xdist_group("kubernetes")]
RECORD = {"x": 1.0}


class Place:
    """A namespace, and an image whose versions answer with their number."""

    def __init__(self, namespace: str, folder: Path, image: str) -> None:
        self.namespace = namespace
        self.folder = folder
        self.image = image
        self.target: TargetMaker = target_maker(namespace, folder, image)

    def wanted(self, release: str, traffic: Traffic, replaces: str | None = None, **more: Any) -> Wanted:
        return wanted(release, traffic, replaces, self.image, **more)


class Listening:
    """What a change said."""

    def __init__(self, stops: bool = False) -> None:
        self.events: list[Event] = []
        self._stops = stops

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def stopped(self) -> bool:
        """At the first chance, when the new pods are on their way."""
        return self._stops

    @property
    def counted(self) -> list[tuple[int, int | None]]:
        return [(one.done, one.total) for one in self.events if isinstance(one, Advanced)]

    @property
    def noted(self) -> str:
        return "\n".join(one.text for one in self.events if isinstance(one, Noted))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with own_namespace() as namespace:
        yield Place(namespace, tmp_path_factory.mktemp("kubernetes"), small_image())


@pytest.fixture(scope="module")
def running(place: Place) -> KubernetesTarget:
    """Version 3 alone; tests leave it so."""
    target = place.target(ready_within_seconds=20)
    target.apply(place.wanted("r-first", stable(3)), Silent())
    return target


def collected(folder: Path) -> list[str]:
    lines = [line for path in folder.glob("predictions-*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line)["prediction_id"] for line in lines]


def test_a_canary_goes_all_its_way_and_back_without_losing_a_request_or_a_row(tmp_path: Path) -> None:
    port = free_node_port()
    with own_namespace() as namespace:
        place = Place(namespace, tmp_path, small_image())
        target = place.target(node_port=port)
        assert "Kubernetes 1." in target.verify()
        assert target.live().state is ServerState.STOPPED
        applied = target.apply(place.wanted("r-1", stable(3)), Silent())
        assert applied == target.live()
        assert (applied.state, applied.release, applied.actor, applied.since) == (ServerState.READY, "r-1", "ada", AT)
        assert applied.traffic == stable(3)
        assert target.predict([RECORD], None).versions == (3,)

        possible, why = target.possible(canary(4, 3, 10))
        assert "nearest is 1 of 2" in why
        with Callers(port, RECORD) as callers:
            with pytest.raises(Stopped):
                target.apply(place.wanted("r-2", possible, "r-1"), Listening(stops=True))
            assert target.live().traffic == stable(3)
            listening = Listening()
            shared = target.apply(place.wanted("r-2", possible, "r-1"), listening)
            assert shared.traffic == possible
            assert (1, 1) in listening.counted
            with pytest.raises(Refused, match="r-2"):
                target.apply(place.wanted("r-mine", stable(5), "r-1"), Silent())
            assert target.probe("canary", [RECORD]).versions == (4,)
            done = target.apply(place.wanted("r-2", stable(4), "r-1"), Silent())
            assert done.traffic == stable(4)
            target.apply(place.wanted("r-3", stable(3), "r-2"), Silent())
        assert callers.failed == []
        assert callers.versions[3] and callers.versions[4]

        target.collect(Silent())
        assert target.collect(Silent()) == 0
        found = collected(tmp_path / "log")
        assert callers.ids <= set(found) and len(found) == len(set(found))
        assert target.stop(Silent()).state is ServerState.STOPPED


def test_a_shadow_is_mirrored_by_a_router_that_goes_again(place: Place, running: KubernetesTarget) -> None:
    shadowed = Traffic((variant("stable", 3), variant("shadow", 4, 0.0, mirrored=True)))
    live = running.apply(place.wanted("r-shadow", shadowed), Silent())
    assert live.traffic == shadowed
    assert running.probe("shadow", [RECORD]).versions == (4,)
    assert running.predict([RECORD], ["asked"]).versions == (3,)
    assert [(one.name, one.requests) for one in running.measures()] == [("stable", 1)]
    taken = running.feedback([("asked", 1), ("never asked", 1)])
    assert (taken.accepted, taken.unknown) == (1, ("never asked",))
    assert running.apply(place.wanted("r-back", stable(3)), Silent()).traffic == stable(3)
    objects = kubectl("get", "deployments,services,configmaps", "--namespace", place.namespace, "--output", "name")
    assert "router" not in objects and "-v4-" not in objects
    with pytest.raises(UsageError, match="no variant 'shadow'"):
        running.probe("shadow", [RECORD])


def broken(place: Place, case: str) -> Wanted:
    model = case if case in ("crashes", "never-ready") else "fraud"
    traffic = Traffic((variant("canary", 9, 50, model=model), variant("stable", 3, 50)))
    images = {9: "127.0.0.1:5000/nobody/has:this"} if case == "no image" else {}
    return place.wanted("r-broken", traffic, images=images)


@pytest.mark.parametrize(
    ("case", "said", "hint"),
    [
        ("crashes", "no module named somewhere", "last lines say why"),
        ("no image", "ImagePull", "image.registry"),
        ("never-ready", "Startup probe failed", "its log says what it waits for"),
        ("quota", "exceeded quota", "kubernetes.resources"),
    ],
)
def test_what_never_becomes_ready_is_taken_away_with_the_clusters_own_words(
    place: Place, running: KubernetesTarget, case: str, said: str, hint: str
) -> None:
    before = running.live()
    target = place.target(ready_within_seconds=5) if case == "never-ready" else running
    if case == "quota":
        kubectl("create", "quota", "few", "--hard=pods=1", "--namespace", place.namespace)
    try:
        with pytest.raises(Failed) as failed:
            target.apply(broken(place, case), Silent())
    finally:
        if case == "quota":
            kubectl("delete", "quota", "few", "--namespace", place.namespace)
    assert "cannot be served" in failed.value.message and said in failed.value.message
    assert hint in failed.value.hint
    after = running.live()
    assert (after.traffic, after.release) == (before.traffic, before.release)
    assert running.predict([RECORD], None).versions == (3,)
    deployments = kubectl("get", "deployments", "--namespace", place.namespace, "--output", "name")
    assert "-v9-" not in deployments


def with_kubeconfig(monkeypatch: pytest.MonkeyPatch, folder: Path, change: Any) -> None:
    import os

    document = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    change(document)
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))


def test_who_may_do_nothing_there_is_told_what_they_may_not(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_kubeconfig(monkeypatch, tmp_path, lambda document: document["users"][0]["user"].update({"as": "nobody"}))
    target = place.target()
    with pytest.raises(ToolMissing, match="is forbidden") as refused:
        target.live()
    assert "kubectl auth can-i" in refused.value.hint
    with pytest.raises(ToolMissing, match="may not create Deployments"):
        target.verify()


def test_a_cluster_that_is_away_is_said_to_be_away(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(document: Any) -> None:
        document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:6"

    with_kubeconfig(monkeypatch, tmp_path, away)
    for asked in (place.target().live, place.target().verify, place.target().measures):
        with pytest.raises(ToolMissing, match="does not answer") as missing:
            asked()
        assert "kubectl cluster-info" in missing.value.hint
