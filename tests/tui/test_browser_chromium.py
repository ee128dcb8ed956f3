"""The workbench in a real browser: Chromium without a window shows it, and what is typed there reaches it."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.tui.served import serving

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
WITHIN_SECONDS = 40.0
LISTEN = """
window.heard = "";
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(...words) {
    super(...words);
    this.addEventListener("message", async (said) => {
      const bytes = said.data instanceof Blob ? await said.data.arrayBuffer() : said.data;
      window.heard += typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
    });
  }
};
"""
EMPTY_PICTURE_BYTES = 10_000


class Page:
    """One page, driven by the browser's own protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0

    async def ask(self, method: str, **params: Any) -> Any:
        self._asked += 1
        await self._socket.send_json({"id": self._asked, "method": method, "params": params})
        async for message in self._socket:
            said = message.json()
            if said.get("id") == self._asked:
                return said["result"]
        raise AssertionError("the browser has gone")

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                said = await self.ask("Runtime.evaluate", expression=f"Boolean({condition})", returnByValue=True)
                if said["result"].get("value") is True:
                    return
                await asyncio.sleep(0.1)


@asynccontextmanager
async def page_of_a_browser(folder: Path) -> AsyncIterator[Page]:
    assert CHROMIUM
    # In a container there is no sandbox to be had; it sees a page of ours only.
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    browser = subprocess.Popen(
        [CHROMIUM, *options, "--window-size=1200,700", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        told = folder / "DevToolsActivePort"
        async with asyncio.timeout(WITHIN_SECONDS), aiohttp.ClientSession() as session:
            while not (told.exists() and told.read_text().strip()):
                await asyncio.sleep(0.05)
            pages = await (await session.get(f"http://127.0.0.1:{told.read_text().split()[0]}/json")).json()
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        # What is started may be a script, and the browser its child.
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; Debian has it as chromium-headless-shell")
async def test_chromium_paints_the_workbench_and_its_keys_reach_it(project: Path, tmp_path: Path) -> None:
    with serving(project) as served:
        async with page_of_a_browser(tmp_path / "browser") as page:
            await page.ask("Page.enable")
            await page.ask("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)
            await page.ask("Page.navigate", url=served.entrance)
            await page.until("document.body && document.body.classList.contains('-first-byte')")
            await page.until("window.heard.includes('Overview')")
            await page.until("location.search === '' && !document.cookie")
            picture = await page.ask("Page.captureScreenshot", format="png")
            await page.ask(
                "Runtime.evaluate", expression="window.heard = ''; document.querySelector('textarea').focus()"
            )
            for kind in ("keyDown", "keyUp"):
                await page.ask("Input.dispatchKeyEvent", type=kind, key="?", text="?" if kind == "keyDown" else "")
            await page.until("window.heard.includes('Show the twelve steps')")
        served.end()

    assert len(base64.b64decode(picture["data"])) > EMPTY_PICTURE_BYTES
