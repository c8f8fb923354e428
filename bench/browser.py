"""One page in a headless Chromium, asked over its DevTools protocol."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    "--remote-debugging-port=0",
)


class Tab:
    """Evaluates expressions, one after another."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The browser's answer; events that come before it are passed over."""
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        while True:
            said = await self._socket.receive_json()
            if said.get("id") == self._last:
                found: dict[str, Any] = said["result"]
                return found

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page, awaited."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        return found["result"].get("value")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Tab]:
    """A tab that shows a page."""
    program = os.environ.get("SIM_CHROMIUM") or shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(  # noqa: ASYNC220 - it takes no time to begin
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert browser.stderr is not None
        try:
            line = next(line for line in browser.stderr if "DevTools listening on" in line)
            base = f"http://127.0.0.1:{line.split(':')[2].split('/')[0]}"
            async with aiohttp.ClientSession() as http:
                async with http.put(f"{base}/json/new?{url}") as answer:
                    target = await answer.json()
                address = target["webSocketDebuggerUrl"]
                async with http.ws_connect(address, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            browser.terminate()
            browser.wait(20)
            browser.stderr.close()
