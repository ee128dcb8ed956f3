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
from tests.tui.served import WITHIN_SECONDS, Served, ended, serving

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
    async with aiohttp.ClientSession() as browser:
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
    async with aiohttp.ClientSession() as browser, browser.ws_connect(f"{served.address}/ws") as screen:
        await screen_that_shows("Overview", screen)
        await asyncio.to_thread(served.end)


@pytest.mark.timeout(120)
async def test_a_workbench_does_not_outlive_a_server_that_was_killed(served: Served) -> None:
    async with aiohttp.ClientSession() as browser, browser.ws_connect(f"{served.address}/ws") as screen:
        await screen_that_shows("Overview", screen)
        workbenches = psutil.Process(served.server.pid).children(recursive=True)
        served.server.kill()
        assert workbenches
        assert await asyncio.to_thread(ended, workbenches)


@pytest.mark.timeout(120)
async def test_no_other_page_and_no_other_name_gets_in(served: Served) -> None:
    port = served.address.rpartition(":")[2]
    async with aiohttp.ClientSession() as browser:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await browser.ws_connect(f"{served.address}/ws", origin="http://elsewhere.example")
        rebound = await browser.get(served.address, headers={"Host": f"elsewhere.example:{port}"})
        tunnelled = await browser.get(served.address, headers={"Host": "localhost:9000"})

        assert (rebound.status, tunnelled.status) == (403, 200)
        assert "ws://localhost:9000/ws" in await tunnelled.text()


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
