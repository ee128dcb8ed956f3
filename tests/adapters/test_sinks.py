"""Each way out for alerts, with a real server, a real program and the real apprise library."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from tests.sink_server import SinkServer, sink_server
from unipipe_tui.adapters.monitor_turn import monitor_turn
from unipipe_tui.adapters.sinks.opening import open_sink
from unipipe_tui.adapters.sinks.terminal import TerminalSink
from unipipe_tui.config import AlertsConfig, SinkConfig, SinkKind
from unipipe_tui.domain.alerts import AlertTurn, Turn, event_of
from unipipe_tui.domain.errors import Failed, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.ports.sinks import Sink
from unipipe_tui.domain.records import Alert, AlertKind, Severity

NOON = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)
ALERT = Alert("drift-local-1", AlertKind.DRIFT, "local", "drift in amount", NOON, "j", severity=Severity.CRITICAL)
EVENT = event_of(AlertTurn(Turn.OPENED, ALERT), 1, "/unipipe/fraud", NOON)


@pytest.fixture
def server() -> Iterator[SinkServer]:
    with sink_server() as server:
        yield server


def opened(config: SinkConfig, root: Path = Path()) -> Sink:
    return open_sink(AlertsConfig({"it": config}), root, "it")


def hook(server: SinkServer, **more: object) -> Sink:
    values: dict[str, object] = {"url": f"{server.url}/alerts", "timeout_seconds": 0.4, **more}
    return opened(SinkConfig(SinkKind.WEBHOOK, **values))  # type: ignore[arg-type]


def test_a_webhook_is_posted_the_very_bytes_of_the_cloud_event(server: SinkServer) -> None:
    hook(server).send(EVENT)
    assert server.bodies == [EVENT.document.encode()]
    assert server.headers[0]["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert "authorization" not in server.headers[0]


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        ("500", Failed, "The webhook answered 500."),
        ("redirect", Failed, "The webhook answered 302."),
        ("hang", Failed, "gave no answer within 0.4 seconds"),
        ("drop", ToolMissing, "cannot be reached"),
    ],
)
def test_a_webhook_that_does_not_take_it_is_told_without_its_address(
    server: SinkServer, behaviour: str, error: type[UnipipeError], words: str
) -> None:
    server.behaviour = behaviour
    with pytest.raises(error, match=words) as told:
        hook(server).send(EVENT)
    assert "alerts" not in told.value.message
    assert "127.0.0.1" not in told.value.message


def test_a_webhook_that_is_dead_and_one_with_a_nonsense_address_are_told_so(server: SinkServer) -> None:
    with pytest.raises(ToolMissing, match=r"cannot be reached|took no connection"):
        hook(server, url="http://127.0.0.1:9/x").send(EVENT)
    with pytest.raises(ToolMissing, match=r"cannot be reached|is none"):
        hook(server, url="http://[broken").send(EVENT)


def test_address_and_token_of_a_webhook_come_from_the_environment_when_it_is_sent(
    server: SinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = hook(server, url=None, url_from="HOOK_ADDRESS", token_from="HOOK_TOKEN")
    with pytest.raises(ToolMissing, match=r"HOOK_TOKEN is not set|HOOK_ADDRESS is not set"):
        sink.send(EVENT)
    monkeypatch.setenv("HOOK_ADDRESS", f"{server.url}/secret")
    monkeypatch.setenv("HOOK_TOKEN", "t0ken-of-ours")
    sink.send(EVENT)
    assert server.headers[0]["authorization"] == "Bearer t0ken-of-ours"


def test_a_program_reads_the_event_as_json_and_no_shell_stands_between(tmp_path: Path) -> None:
    code = "import json, sys; json.dump([sys.argv[1:], json.load(sys.stdin)['id']], open('told.json', 'w'))"
    opened(SinkConfig(SinkKind.COMMAND, run=(sys.executable, "-c", code, "$HOME; touch x")), tmp_path).send(EVENT)
    assert json.loads((tmp_path / "told.json").read_text()) == [["$HOME; touch x"], "drift-local-1.1"]
    assert not (tmp_path / "x").exists()


def test_a_program_that_fails_hangs_or_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"ended with exit code 3: no way$"):
        opened(SinkConfig(SinkKind.COMMAND, run=("sh", "-c", "echo no way >&2; exit 3")), tmp_path).send(EVENT)
    begun = monotonic()
    with pytest.raises(Failed, match=r"gave no answer within 0.2 seconds"):
        opened(SinkConfig(SinkKind.COMMAND, run=("sleep", "20"), timeout_seconds=0.2), tmp_path).send(EVENT)
    assert monotonic() - begun < 5
    with pytest.raises(ToolMissing):
        opened(SinkConfig(SinkKind.COMMAND, run=("no-such-program",)), tmp_path).send(EVENT)


def test_apprise_sends_title_text_and_how_bad_it_is(server: SinkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", server.url.replace("http", "json"))
    opened(SinkConfig(SinkKind.APPRISE, url_from="TEAM")).send(EVENT)
    [said] = server.documents
    assert (said["title"], said["type"]) == ("unipipe", "failure")
    assert said["message"].startswith("critical: local: drift in amount")


def test_no_module_of_the_project_stands_in_for_those_of_the_process_that_sends(
    server: SinkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text("raise SystemExit(0)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEAM", server.url.replace("http", "json"))
    opened(SinkConfig(SinkKind.APPRISE, url_from="TEAM")).send(EVENT)
    assert server.documents


def test_apprise_that_is_refused_or_has_no_address_says_so_and_not_where(
    server: SinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = opened(SinkConfig(SinkKind.APPRISE, url_from="TEAM"))
    with pytest.raises(ToolMissing, match="TEAM is not set"):
        sink.send(EVENT)
    server.behaviour = "500"
    for address, words in ((server.url.replace("http", "json"), "did not take it"), ("nonsense", "none that apprise")):
        monkeypatch.setenv("TEAM", address)
        with pytest.raises(Failed, match=words) as told:
            sink.send(EVENT)
        assert address not in told.value.message
    assert "apprise" not in sys.modules


def test_the_terminal_gets_one_line_that_no_terminal_obeys_and_a_bell_only_where_one_is() -> None:
    alert = Alert("a", AlertKind.DRIFT, "local", "drift in \x1b[2J\nx", NOON, "j")
    said = io.StringIO()
    TerminalSink(said).send(event_of(AlertTurn(Turn.OPENED, alert), 1, "/", NOON))
    assert said.getvalue() == "unipipe alert: warning: local: drift in  [2J x\n"
    primary, secondary = os.openpty()
    with os.fdopen(secondary, "w") as terminal:
        TerminalSink(terminal).send(EVENT)
        assert os.read(primary, 100).startswith(b"\aunipipe alert: critical: local: drift in amount")
    os.close(primary)
    said.close()
    with pytest.raises(ToolMissing, match="terminal is gone"):
        TerminalSink(said).send(EVENT)


def test_a_sink_that_is_not_configured_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no sink 'x'") as told:
        open_sink(AlertsConfig({"bell": SinkConfig(SinkKind.TERMINAL)}), Path(), "x")
    assert "bell" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"kind": SinkKind.COMMAND}, "needs `run`"),
        ({"kind": SinkKind.WEBHOOK}, "needs `url` or `url_from`"),
        ({"kind": SinkKind.WEBHOOK, "url": "http://x", "url_from": "X"}, "needs `url` or `url_from`"),
        ({"kind": SinkKind.WEBHOOK, "url": "ftp://x"}, "http"),
        ({"kind": SinkKind.WEBHOOK, "url": "https://ada:geheim@x.org/"}, "holds a secret"),
        ({"kind": SinkKind.WEBHOOK, "url": "https://x.org/?token=abc"}, "holds a secret"),
        ({"kind": SinkKind.APPRISE, "url": "https://x.org"}, "takes no `url`"),
        ({"kind": SinkKind.APPRISE, "url_from": "slack://x"}, "name a variable"),
        ({"kind": SinkKind.TERMINAL, "run": ("x",)}, "takes no `run`"),
        ({"kind": SinkKind.TERMINAL, "timeout_seconds": 0.0}, "timeout_seconds"),
    ],
)
def test_a_sink_that_could_not_work_or_would_hold_a_secret_is_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        SinkConfig(**values)  # type: ignore[arg-type]


def test_one_has_the_turn_and_the_next_one_is_told_who(tmp_path: Path) -> None:
    with monitor_turn(tmp_path) as mine:
        assert mine is None
        with monitor_turn(tmp_path) as theirs:
            assert theirs == os.getpid()
    with monitor_turn(tmp_path) as again:
        assert again is None
