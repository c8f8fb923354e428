"""The recipes of docs/driver-recipes.md as they stand there, and the reference beside them."""

import itertools
import re
import struct
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from sim.clients.client import Client
from sim.clients.driver import Question
from sim.clients.load_spec import LoadSpec
from sim.clients.websocket import WebSocket
from sim.tryout.tryout import try_out

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "driver-recipes.md").read_text()
RECIPES = {
    name: source
    for source in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for name in re.findall(r"^class (\w+)", source, re.MULTILINE)
}
REFERENCE = (DOCS / "driver-client.md").read_text()
MODULES = itertools.count()


async def _ticket(request):
    return web.json_response({"ticket": (await request.json())["user"].replace("/", "-")})


async def _stored(request):
    kept = request.app["kept"].get(request.match_info["name"])
    return web.Response(status=404) if kept is None else web.json_response(kept)


async def _order(request):
    number = (await request.json())["number"]
    return web.Response(status=201) if number != 2 else web.Response(status=409, text="no")


async def _live(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        said = message.json()
        if said["type"] == "hello":
            name = said["session"] or "blue"
            kept = request.app["kept"].setdefault(name, [])
            await socket.send_json(
                {"type": "welcome", "session": name, "last": max(kept, default=0)}
            )
        elif said["type"] == "msg":
            kept.append(said["id"])
            await socket.send_json({"type": "ping"})
            await socket.send_json({"type": "ack", "id": said["id"]})
    return socket


async def _echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(
                struct.pack(">BI", 0x82, struct.unpack(">BI", message.data[:5])[1])
            )
    return socket


@pytest.fixture
async def gateway():
    app = web.Application()
    app["kept"] = {}
    app.add_routes(
        [
            web.post("/ticket", _ticket),
            web.post("/orders", _order),
            web.get("/live", _live),
            web.get("/sessions/{name}", _stored),
            web.get("/echo", _echo),
            web.get("/frames", _echo),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
@pytest.mark.parametrize("name", RECIPES)
async def test_a_recipe_is_acknowledged_as_it_stands(gateway, name, tmp_path):
    source = RECIPES[name]
    module = f"recipe_{next(MODULES)}"
    (tmp_path / f"{module}.py").write_text(source)
    spec = LoadSpec(driver=f"{module}:{name}", every_s=0.05, folder=tmp_path)
    told: list[str] = []
    tried = await try_out(spec, gateway, told.append)
    refused = {number for _, number in tried.sent - tried.acked}
    assert len(tried.sent) == 4
    assert refused == ({2} if name == "Orders" else set())
    assert (tried.mistake, tried.ended) == (None, None), told
    if "def stored" in source:
        assert "  of blue: [1, 2, 3, 4]; all acknowledged is there" in told


def test_there_are_recipes():
    assert len(RECIPES) >= 5


OF_THE_LOAD = {
    *("begin", "end", "abandon", "turned_down", "matched", "missed", "vantage", "on_settled"),
    *("closed", "broken", "stuffed", "told_to_go", "answered", "taken", "first_taken", "served"),
    *("down_by", "down_status", "conversing", "left_unanswered", "gone", "let_go"),
}


@pytest.mark.parametrize("kind", [Client, WebSocket, Question])
def test_the_reference_has_everything_that_a_driver_may_use(kind):
    fields = getattr(kind, "__dataclass_fields__", {})
    names = {name for name in [*vars(kind), *fields] if not name.startswith("_")}
    for name in names - OF_THE_LOAD:
        assert re.search(rf"`(await )?{name}\b", REFERENCE), name
