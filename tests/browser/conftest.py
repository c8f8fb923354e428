"""A real headless Chromium, spoken to over its DevTools protocol with the aiohttp that is there.

Without a Chromium these tests are skipped; SIM_CHROMIUM names one that is not on the PATH.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sim.clock import Clock

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it opens our own file only, and may run as root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    # A page that asks the network is found out; worlds are on loopback.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*",
    "--remote-debugging-port=0",
)
ANSWER_WITHIN_S = 30.0
AXE = "4.14.1"


class Page:
    """One tab. `errors` has what its console complained of, `requests` what it fetched."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._socket = socket
        self._last = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[str, asyncio.Event] = {}
        self._reader = asyncio.create_task(self._read())

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser for something, and its answer."""
        self._last += 1
        answer = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = answer
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        async with Clock(1.0).timeout(ANSWER_WITHIN_S):
            found: dict[str, Any] = await answer
            return found

    async def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Show a page in a window of that size, and wait until it is loaded and drawn."""
        await self.resize(width, height)
        loaded = self._events["Page.loadEventFired"] = asyncio.Event()
        await self.call("Page.navigate", url=url)
        async with Clock(1.0).timeout(ANSWER_WITHIN_S):
            await loaded.wait()
        await self.drawn()

    async def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    async def drawn(self) -> None:
        """Wait until what was asked for is on the screen: two frames."""
        await self.js(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def text(self, selector: str) -> str:
        """What an element says."""
        return str(await self.js(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def until(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        await self.js(
            "new Promise(done => {"
            f" const look = () => ({condition}) ? done() : requestAnimationFrame(look);"
            " look(); })"
        )

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, as a person would."""
        for key in keys:
            code = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38}
            code |= {"ArrowRight": 39, "ArrowDown": 40}
            event = {"key": key, "code": key, "windowsVirtualKeyCode": code.get(key, 0)}
            if key == "Enter":
                event["text"] = "\r"
            await self.call("Input.dispatchKeyEvent", type="keyDown", **event)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **event)
        await self.drawn()

    async def click(self, x: float, y: float) -> None:
        """Click at a point of the window."""
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        await self.call("Input.dispatchMouseEvent", type="mousePressed", buttons=1, **at)
        await self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)
        await self.drawn()

    async def prefer(self, scheme: str, media: str = "") -> None:
        """Prefer `dark` or `light`, on the `screen` or in `print`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", media=media, features=features)
        await self.drawn()

    async def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Keep a picture of the page, the whole of it or what the window shows."""
        clip = {}
        if whole:
            size = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
            clip = {"clip": {**size, "x": 0, "y": 0, "scale": 1}, "captureBeyondViewport": True}
        shot = await self.call("Page.captureScreenshot", format="png", **clip)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))

    async def close(self) -> None:
        """Close the tab."""
        await self._socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                answer = self._waiting.pop(said["id"])
                if "error" in said:
                    answer.set_exception(AssertionError(said["error"]["message"]))
                else:
                    answer.set_result(said["result"])
            else:
                self._hear(said["method"], said["params"])

    def _hear(self, method: str, params: dict[str, Any]) -> None:
        if method in self._events:
            self._events[method].set()
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(str([one.get("value") for one in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


def chromium_here():
    """The program; where there is none the test is skipped."""
    program = os.environ.get("SIM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in SIM_CHROMIUM")
    return program


def debugging_port(said):
    """Where a Chromium's DevTools listen, from what it says when it starts."""
    line = next((line for line in said if "DevTools listening on" in line), None)
    assert line is not None, "the Chromium did not start"
    return int(line.split(":")[2].split("/")[0])


@contextmanager
def running(profile, *flags):
    """A Chromium with a fresh profile: the port of its DevTools."""
    browser = subprocess.Popen(
        [chromium_here(), *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert browser.stderr is not None
    with browser.stderr as said:
        try:
            yield debugging_port(said)
        finally:
            browser.terminate()
            browser.wait(20)


@asynccontextmanager
async def tab_of(port):
    """A new tab of the Chromium whose DevTools listen there."""
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as http:
        async with http.put(f"{base}/json/new") as answer:
            target = await answer.json()
        async with http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Page(socket)
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.call(f"{domain}.enable")
            try:
                yield tab
            finally:
                await tab.close()
        async with http.get(f"{base}/json/close/{target['id']}"):
            pass


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """The port of a Chromium that runs for all of these tests."""
    with running(tmp_path_factory.mktemp("chromium")) as port:
        yield port


@pytest_asyncio.fixture
async def page(chromium):
    """A new tab; a test that leaves a complaint in its console has failed."""
    async with tab_of(chromium) as tab:
        yield tab
        assert tab.errors == []


@pytest.fixture(scope="session")
def axe(request):
    """The source of axe-core, which judges what a page is to people who cannot see it well."""
    folder = request.config.cache.mkdir("axe-core")
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm here, which gets axe-core")
        install = [npm, "install", "--silent", "--no-save", "--prefix", folder, f"axe-core@{AXE}"]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm could not get axe-core: {done.stderr[-300:]}")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory):
    """Where screenshots go: the folder that SIM_ARTEFACTS names, else a temporary one."""
    named = os.environ.get("SIM_ARTEFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
