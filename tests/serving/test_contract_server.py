"""What every model server promises: the same sentences, held against the fake and a real process with real models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import FakeServer
from unipipe_tui.adapters.server import LocalServer
from unipipe_tui.domain.errors import Failed, ToolMissing, UsageError
from unipipe_tui.domain.ports.serving import Server
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.serving import Record, ServerState, ServerStatus

from .servers import Sealed, free_port, payment

pytestmark = pytest.mark.xdist_group("serving")

Pair = tuple[Sealed, Sealed]
RECORD: Record = payment()  # type: ignore[assignment]
OTHER: Record = payment(amount=99.0)  # type: ignore[assignment]


def made(kind: str, folder: Path) -> Server:
    port = free_port()
    if kind == "real":
        return LocalServer("local", folder / "serving", folder / "predictions", "127.0.0.1", port)
    return FakeServer(ServerStatus("local", ServerState.STOPPED, f"http://127.0.0.1:{port}"))


@pytest.fixture(params=["fake", "real"])
def stopped(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    """A target that was never started."""
    return made(request.param, tmp_path)


@pytest.fixture(scope="module", params=["fake", "real"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bundles: Pair) -> Iterator[Server]:
    """One of each kind for all tests, since a start takes seconds."""
    server = made(request.param, tmp_path_factory.mktemp("contract-server"))
    begin(server, bundles[0])
    yield server
    server.stop(Silent())


@pytest.fixture
def running(shared: Server, bundles: Pair) -> Server:
    """A target that serves version 1, whatever the test before has done to it."""
    if shared.status().version != 1:
        turn(shared, bundles[0])
    return shared


def begin(server: Server, sealed: Sealed) -> ServerStatus:
    return server.start(sealed.folder, sealed.bundle.digest, Silent())


def turn(server: Server, sealed: Sealed) -> ServerStatus:
    return server.switch(sealed.folder, sealed.bundle.digest, Silent())


def test_a_target_that_was_never_started_is_stopped_and_serves_nothing(stopped: Server) -> None:
    status = stopped.status()
    assert (status.target, status.state, status.pid) == ("local", ServerState.STOPPED, None)
    assert (status.model, status.version, status.digest, status.error) == (None, None, None, None)


def test_whoever_asks_a_stopped_target_is_told_that_nobody_answers(stopped: Server) -> None:
    with pytest.raises(ToolMissing, match="does not answer"):
        stopped.predict([RECORD], None)
    with pytest.raises(ToolMissing, match="does not answer"):
        stopped.feedback([("p", 1)])


def test_the_free_port_of_a_stopped_target_is_its_own_and_stopping_it_changes_nothing(stopped: Server) -> None:
    assert stopped.status().url.endswith(f":{stopped.free_port()}")
    assert stopped.stop(Silent()) == stopped.status()
    assert stopped.status().state is ServerState.STOPPED


def test_a_stopped_target_cannot_be_switched_and_stays_stopped(stopped: Server, bundles: Pair) -> None:
    with pytest.raises(Failed, match="not running"):
        turn(stopped, bundles[0])
    assert stopped.status().state is ServerState.STOPPED


def test_a_started_target_is_ready_with_the_version_of_its_bundle(running: Server, bundles: Pair) -> None:
    status, bundle = running.status(), bundles[0].bundle
    assert status.state is ServerState.READY
    assert (status.model, status.version, status.digest) == (bundle.model, bundle.version, bundle.digest)
    assert status.pid is not None
    assert status.since is not None
    assert status.since.tzinfo is not None


def test_the_port_of_a_running_target_is_taken_and_it_cannot_be_started_again(running: Server, bundles: Pair) -> None:
    assert not running.status().url.endswith(f":{running.free_port()}")
    with pytest.raises(Failed, match="in use"):
        begin(running, bundles[1])
    assert (running.status().state, running.status().version) == (ServerState.READY, 1)


def test_a_switch_answers_when_the_new_version_does_and_keeps_the_process(running: Server, bundles: Pair) -> None:
    before = running.status()
    after = turn(running, bundles[1])
    assert (after.state, after.version, after.digest) == (ServerState.READY, 2, bundles[1].bundle.digest)
    assert (running.status().version, running.status().pid) == (2, before.pid)
    assert running.predict([RECORD], None).versions == (2,)


@pytest.mark.parametrize("damage", ["no bundle", "another digest"])
def test_a_bundle_that_cannot_be_served_is_refused_and_the_one_before_goes_on(
    running: Server, bundles: Pair, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path if damage == "no bundle" else bundles[1].folder
    with pytest.raises(Failed, match="cannot be served"):
        running.switch(folder, "0" * 64, Silent())
    assert running.predict([RECORD], None).versions == (1,)
    assert (running.status().state, running.status().version) == (ServerState.READY, 1)


def test_every_record_is_answered_in_order_under_the_id_that_it_was_given(running: Server) -> None:
    answer = running.predict([RECORD, OTHER], ["order-b", "order-a"])
    assert (answer.model, answer.versions, answer.known) == ("fraud", (1,), ())
    assert [one.prediction_id for one in answer.predictions] == ["order-b", "order-a"]
    assert all(one.score is not None and 0 <= one.score <= 1 for one in answer.predictions)


def test_records_without_ids_get_ids_of_their_own(running: Server) -> None:
    given = [running.predict([RECORD, RECORD], None) for _ in range(2)]
    assert len({one.prediction_id for answer in given for one in answer.predictions}) == 4


def test_a_record_that_is_sent_again_gets_its_answer_again_and_another_one_under_its_id_is_refused(
    running: Server,
) -> None:
    first = running.predict([RECORD], ["again-1"])
    both = running.predict([RECORD, OTHER], ["again-1", "again-2"])
    assert both.predictions[0] == first.predictions[0]
    assert both.known == ("again-1",)
    with pytest.raises(UsageError, match="refused"):
        running.predict([OTHER], ["again-1"])


def test_the_first_label_of_a_prediction_stands_and_every_other_is_told_apart(running: Server) -> None:
    running.predict([RECORD, RECORD], ["label-1", "label-2"])
    first = running.feedback([("label-1", 1), ("never given", 1)])
    assert (first.accepted, first.repeated, first.unknown, first.conflicting) == (1, 0, ("never given",), ())
    then = running.feedback([("label-1", 1), ("label-1", 0), ("label-2", 0)])
    assert (then.accepted, then.repeated, then.unknown, then.conflicting) == (1, 1, (), ("label-1",))


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_a_start_with_a_bundle_that_cannot_be_served_leaves_nothing_running_and_the_next_one_works(
    kind: str, tmp_path: Path, bundles: Pair
) -> None:
    server = made(kind, tmp_path)
    with pytest.raises(Failed, match="cannot be served"):
        server.start(tmp_path, "0" * 64, Silent())
    assert server.status().state is ServerState.STOPPED
    assert begin(server, bundles[1]).version == 2
    assert server.stop(Silent()).state is ServerState.STOPPED
    assert server.status().version is None
    assert server.status().url.endswith(f":{server.free_port()}")
    with pytest.raises(ToolMissing):
        server.predict([RECORD], None)
