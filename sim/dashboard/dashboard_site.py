"""The page's part of the control server: its files, its frames, and what a browser is let in by.

What the page does to the world it asks of the same verbs as the command line (`POST /fault`).
Everything is served from here, and a Content-Security-Policy allows nothing else; names and log
lines travel as JSON and are shown as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from sim.control_server.control_server import Handler
from sim.control_server.guard import open_to_all
from sim.dashboard.door import COOKIE, Door
from sim.dashboard.feed import Feed
from sim.dashboard.forms import forms
from sim.dashboard.frame import portrait
from sim.dashboard.live_model import LiveModel
from sim.dashboard.player import Player
from sim.errors import InputError
from sim.page.modules import bundle
from sim.page.page_files import joined, land, styles
from sim.world import World

_PACKAGE = "sim.dashboard"
_STYLES = ("live.css",)
_POLICY = "Content-Security-Policy"
_HEADERS = {
    _POLICY: (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LOG_LINES = 200


class Dashboard:
    """The live page of a world; mount it on the world's control server."""

    def __init__(self, world: World) -> None:
        self.door = Door()
        self._world = world
        self._model = LiveModel(world.topology, world.speed)
        self.player = Player(world)
        self._feed = Feed(world, self._model, self.player)
        self._follows = False

    def __repr__(self) -> str:
        return f"<Dashboard of {self._world!r}, {self._feed!r}>"

    def url(self) -> str:
        """An address that opens the page in one browser, once."""
        self._follow()
        return f"{self._world.record.control_url}/?key={self.door.key()}"

    def _follow(self) -> None:
        """Have the model follow the journal: a world that nobody looks at pays nothing for it."""
        if not self._follows:
            self._follows = True
            for record in self._world.journal.records:
                self._model(record)
            self._world.journal.subscribe(self._model)

    def verbs(self) -> Mapping[str, Handler]:
        """What the page asks for beside what commands do: to play scenarios."""
        return {"scenarios": self._scenarios, "scenario": self._scenario}

    async def close(self) -> None:
        """End what plays."""
        await self.player.close()

    def hang_up(self) -> None:
        """End the streams to those who watch."""
        self._feed.hang_up()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """The page and what it asks for."""
        return [
            web.get("/", self._page),
            web.get("/page.js", self._script),
            web.get("/page.css", self._style),
            web.get("/live/world", self._portrait),
            web.get("/live/frames", self._frames),
            web.get("/live/log", self._log),
            web.get("/live/report", self._report),
        ]

    @open_to_all
    async def _page(self, request: web.Request) -> web.StreamResponse:
        """The page, to who was let in; else the door."""
        if key := request.query.get("key"):
            return self._let_in(key)
        if not self.door.admits(request):
            return _file(joined(_PACKAGE, ["door.html"]), "text/html", status=401)
        return _file(joined(_PACKAGE, ["live.html"]), "text/html")

    def _let_in(self, key: str) -> web.StreamResponse:
        visitor = self.door.enter(key)
        if visitor is None:
            return _file(joined(_PACKAGE, ["door.html"]), "text/html", status=401)
        answer = web.Response(status=303, headers={**_HEADERS, "Location": "/"})
        answer.set_cookie(COOKIE, visitor, httponly=True, samesite="Strict", path="/")
        return answer

    async def _script(self, _: web.Request) -> web.StreamResponse:
        return _file(bundle(_PACKAGE, "live.js"), "text/javascript")

    @open_to_all
    async def _style(self, _: web.Request) -> web.StreamResponse:
        return _file(f"{styles()}\n{joined(_PACKAGE, _STYLES)}", "text/css")

    async def _portrait(self, _: web.Request) -> web.StreamResponse:
        world = self._world
        return _json({**portrait(world), "forms": forms(world.topology), "land": land()})

    async def _frames(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events, one for each frame."""
        self._follow()
        answer = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await answer.prepare(request)
        frames = self._feed.watch()
        try:
            async for text in frames:
                await answer.write(f"data: {text}\n\n".encode())
        except ConnectionResetError:
            pass  # the browser has gone
        finally:
            await frames.aclose()
        return answer

    async def _scenarios(self, _: Mapping[str, Any]) -> Any:
        """The scenarios that may be played."""
        return self.player.scenarios()

    async def _scenario(self, body: Mapping[str, Any]) -> Any:
        """`{"do": "start", "file": …}`, or pause, resume, stop. Raises InputError."""
        match body.get("do"):
            case "start":
                self.player.start(str(body.get("file")))
            case "pause":
                self.player.pause()
            case "resume":
                self.player.resume()
            case "stop":
                await self.player.stop()
            case other:
                raise InputError(f"found {other!r}; `do` is start, pause, resume or stop")
        return self.player.state()

    async def _report(self, _: web.Request) -> web.StreamResponse:
        """The report of the scenario that was played last. Its page brings its own policy."""
        if self.player.report is None:
            return _json({"error": "no scenario was judged"}, status=404)
        headers = {name: value for name, value in _HEADERS.items() if name != _POLICY}
        return web.Response(text=self.player.report, content_type="text/html", headers=headers)

    async def _log(self, request: web.Request) -> web.StreamResponse:
        """The last lines that a machine has printed."""
        machine = self._world.fleet.machines.get(request.query.get("machine", ""))
        if machine is None:
            return _json({"error": "no such machine"}, status=404)
        lines = await machine.instance.tail(_LOG_LINES) if machine.instance else []
        return _json({"machine": machine.id, "name": machine.name, "lines": lines})


def _file(text: str, kind: str, status: int = 200) -> web.Response:
    return web.Response(
        text=text, content_type=kind, charset="utf-8", headers=_HEADERS, status=status
    )


def _json(data: Any, status: int = 200) -> web.Response:
    return web.json_response(data, headers=_HEADERS, status=status)
