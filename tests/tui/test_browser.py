"""The workbench in a browser: really served, its page fetched, its socket opened, and closed to everybody else."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.conftest import unipipe
from tests.tui.served import WITHIN_SECONDS, Served, ended, serving, stranger, visiting

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\^_])")


@pytest.fixture
def served(project: Path) -> Iterator[Served]:
    """A project that is being served, to be ended by whoever looked at it."""
    with serving(project) as one:
        yield one


async def screen_that_shows(text: str, socket: aiohttp.ClientWebSocketResponse) -> str:
    """All that was painted until the text was among it."""
    painted = ""
    async with asyncio.timeout(WITHIN_SECONDS):
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                painted += message.data.decode(errors="replace")
            if text in ESCAPES.sub("", painted):
                break
    return ESCAPES.sub("", painted)


@pytest.mark.timeout(120)
async def test_a_browser_gets_the_page_and_through_its_socket_the_workbench_read_only(served: Served) -> None:
    async with visiting(served) as browser:
        page = await (await browser.get(served.address)).text()
        address = re.search(r'data-session-websocket-url="([^"]+)"', page)
        script = re.search(r'src="([^"]+\.js)"', page)
        assert address and script
        assert (await browser.get(script[1])).status == 200
        assert address[1] == f"{served.address.replace('http', 'ws')}/ws"
        async with browser.ws_connect(f"{address[1]}?width=100&height=30", origin=served.address) as screen:
            assert "Overview" in await screen_that_shows("Overview", screen)
            await screen.send_json(["stdin", "r"])
            await screen_that_shows("served to a browser without --write", screen)
        served.end()


@pytest.mark.timeout(120)
async def test_with_the_server_every_workbench_ends_whoever_still_looks_at_it(served: Served) -> None:
    async with visiting(served) as browser, browser.ws_connect(f"{served.address}/ws") as screen:
        await screen_that_shows("Overview", screen)
        workbenches = psutil.Process(served.server.pid).children(recursive=True)
        await asyncio.to_thread(served.end)
        assert workbenches
        assert await asyncio.to_thread(ended, workbenches)


@pytest.mark.timeout(120)
async def test_a_workbench_does_not_outlive_a_server_that_was_killed(served: Served) -> None:
    async with visiting(served) as browser, browser.ws_connect(f"{served.address}/ws") as screen:
        await screen_that_shows("Overview", screen)
        workbenches = psutil.Process(served.server.pid).children(recursive=True)
        served.server.kill()
        assert workbenches
        assert await asyncio.to_thread(ended, workbenches)


@pytest.mark.timeout(120)
async def test_no_other_page_and_no_other_name_gets_in_not_even_with_the_cookie(served: Served) -> None:
    port = served.address.rpartition(":")[2]
    async with visiting(served) as browser:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await browser.ws_connect(f"{served.address}/ws", origin="http://elsewhere.example")
        for name in (f"elsewhere.example:{port}", "[elsewhere"):
            rebound = await browser.get(served.address, headers={"Host": name})
            assert (rebound.status, "own address" in await rebound.text()) == (403, True), name


@pytest.mark.timeout(120)
async def test_through_a_tunnel_the_page_and_its_cookie_have_the_port_of_the_tunnel(served: Served) -> None:
    tunnel = {"Host": "localhost:9000"}
    async with stranger() as browser:
        welcome = await browser.get(served.entrance, headers=tunnel, allow_redirects=False)
        (cookie,) = welcome.cookies.values()
        page = await browser.get(served.address, headers=tunnel)

        assert (cookie.key, page.status) == ("unipipe-9000", 200)
        assert "ws://localhost:9000/ws" in await page.text()


@pytest.mark.timeout(120)
async def test_without_the_token_nothing_is_shown_and_one_is_told_how_to_get_in(served: Served) -> None:
    async with stranger() as browser:
        for path in ("/", "/?token=", "/?token=wrong", "/static/js/textual.js", "/download/1", "/nowhere"):
            said = await browser.get(served.address + path)
            assert said.status == 403, path
            assert "Open the address that `unipipe tui --serve` told" in await said.text()
        # Only the page itself takes the token: nothing else is ever opened by its address.
        assert (await browser.get(f"{served.address}/static/js/textual.js?token={served.token}")).status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await browser.ws_connect(f"{served.address}/ws?token={served.token}", origin=served.address)

        assert not list(browser.cookie_jar)
        assert not psutil.Process(served.server.pid).children()


@pytest.mark.timeout(120)
async def test_the_token_is_taken_out_of_the_address_and_a_cookie_that_no_script_can_read_goes_on_for_it(
    served: Served,
) -> None:
    port = served.address.rpartition(":")[2]
    async with stranger() as browser:
        welcome = await browser.get(f"{served.entrance}&fontsize=20", allow_redirects=False)
        (cookie,) = welcome.cookies.values()
        script = await browser.get(f"{served.address}/static/js/textual.js")

    assert (welcome.status, welcome.headers["Location"]) == (302, "/?fontsize=20")
    assert (cookie.key, cookie["httponly"], cookie["samesite"]) == (f"unipipe-{port}", True, "Strict")
    assert served.token not in cookie.value
    assert script.status == 200


@pytest.mark.timeout(120)
async def test_more_than_one_page_is_open_at_once_and_the_token_stands_nowhere(served: Served, project: Path) -> None:
    async with (
        visiting(served) as browser,
        visiting(served) as other,
        browser.ws_connect(f"{served.address}/ws", origin=served.address) as first,
        browser.ws_connect(f"{served.address}/ws", origin=served.address) as second,
        other.ws_connect(f"{served.address}/ws", origin=served.address) as third,
    ):
        for screen in (first, second, third):
            await screen_that_shows("Overview", screen)
        server = psutil.Process(served.server.pid)
        for process in (server, *server.children(recursive=True)):
            assert served.token not in " ".join((*process.cmdline(), *process.environ().values()))
    kept = [path for path in project.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if served.token.encode() in path.read_bytes()]


@pytest.mark.timeout(120)
async def test_two_servers_have_tokens_and_cookies_of_their_own(project: Path) -> None:
    with serving(project) as one, serving(project) as other:
        assert one.token != other.token
        async with visiting(one) as browser:
            assert (await browser.get(other.address)).status == 403
            assert (await browser.get(f"{other.address}/?token={one.token}")).status == 403
            # One browser, both: neither takes the other's cookie away.
            assert (await browser.get(other.entrance)).status == 200
            assert (await browser.get(one.address)).status == 200


@pytest.mark.timeout(120)
async def test_a_token_that_somebody_chose_is_good_for_the_page_but_told_nobody(project: Path) -> None:
    own = "geheim; é=1"
    with serving(project, UNIPIPE_TUI_TOKEN=own, UNIPIPE_SERVE_TOKEN="of the model server") as served:
        assert served.token == "$UNIPIPE_TUI_TOKEN"
        async with stranger() as browser:
            for wrong in (served.token, "of the model server", own.upper()):
                assert (await browser.get(served.address, params={"token": wrong})).status == 403
            assert (await browser.get(served.address, params={"token": own})).status == 200
            async with browser.ws_connect(f"{served.address}/ws", origin=served.address) as screen:
                await screen_that_shows("Overview", screen)
                for workbench in psutil.Process(served.server.pid).children(recursive=True):
                    assert "UNIPIPE_TUI_TOKEN" not in workbench.environ()


def test_an_address_that_others_can_reach_must_be_meant(project: Path) -> None:
    pytest.importorskip("textual_serve", reason="textual-serve is not installed")
    for host in ("0.0.0.0", "::", "example.com"):
        said = unipipe("tui", "--serve", "--host", host, cwd=project)

        assert (said.exit_code, "--expose" in said.stderr) == (2, True)


def test_an_address_that_cannot_be_had_is_named(project: Path) -> None:
    pytest.importorskip("textual_serve", reason="textual-serve is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = unipipe("tui", "--serve", "--port", str(port), cwd=project)

    assert said.exit_code == 2
    assert f"127.0.0.1, port {port}" in said.stderr


def test_without_the_package_one_is_told_how_to_install_it(project: Path, tmp_path: Path) -> None:
    broken = tmp_path / "path" / "textual_serve"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ModuleNotFoundError('gone', name='textual_serve')\n")

    said = unipipe("tui", "--serve", cwd=project, PYTHONPATH=str(broken.parent))

    assert said.exit_code == 3
    assert "pip install textual-serve" in said.stderr


def test_without_serve_it_opens_the_workbench_in_the_terminal_as_no_words_do(project: Path) -> None:
    alone, tui = unipipe(cwd=project), unipipe("tui", cwd=project)

    assert (tui.exit_code, tui.stderr) == (2, alone.stderr)
    assert "no terminal" in tui.stderr
