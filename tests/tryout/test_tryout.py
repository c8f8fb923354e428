"""What `sim driver` shows of a driver's talk, and how it ends."""

import pytest
from aiohttp import web
from click.testing import CliRunner

from sim.cli.driver import driver as command
from sim.clients.load_spec import LoadSpec
from sim.errors import InputError
from sim.scenario.driver_section import read_declaration
from sim.scenario.reading import Reading
from sim.topology.yaml_document import Document
from sim.tryout.matches import matches
from sim.tryout.tryout import try_out

ROOMS = {
    "websocket": "/live",
    "hello": [{"send": {"op": "join"}}, {"wait": {"match": {"op": "hi"}}}],
    "ready": {"match": {"op": "joined"}, "session": "$.room"},
    "send": {"op": "say", "n": "{seq}"},
    "ack": {"match": {"op": "said"}, "sequence": "$.n"},
    "answer": [{"match": {"op": "ping"}, "send": {"op": "pong"}}],
}


def declared(**changes):
    data = {**ROOMS, **changes}
    return read_declaration(Reading(Document(data), None), data, (), "rooms.yaml")


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ('{"op": "hi"}', "hello[1].wait"),
        ('{"op": "joined", "room": "blue"}', "ready (session blue)"),
        ('{"op": "joined"}', "no pattern of the driver"),
        ('{"op": "said", "n": 7}', "ack (sequence 7)"),
        ('{"op": "ping"}', "answer[0]"),
        (b"\x00\xff", "no pattern of the driver"),
    ],
)
def test_a_message_is_named_by_the_pattern_that_it_matches(said, means):
    assert matches(declared(), said) == means


async def _rooms(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        said = message.json()
        if said["op"] == "join":
            await socket.send_json({"op": "hi"})
            await socket.send_json({"op": "joined", "room": "blue"})
        elif said["op"] == "say":
            await socket.send_json({"op": "said", "n": said["n"]})
    return socket


@pytest.fixture
async def gateway():
    app = web.Application()
    app.router.add_get("/live", _rooms)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_each_step_is_shown_with_the_pattern_that_it_matched(gateway):
    told: list[str] = []
    await try_out(LoadSpec(driver=declared(), every_s=0.05), gateway, told.append, (1,))
    assert told[:-1] == [
        "connection 1",
        "→ WebSocket /live",
        "← 101 Switching Protocols",
        '→ {"op":"join"}',
        '← {"op": "hi"}    is hello[1].wait',
        '← {"op": "joined", "room": "blue"}    is ready (session blue)',
        "  session blue is new; the gateway has up to message 0",
        '→ {"op":"say","n":1}',
        '← {"op": "said", "n": 1}    is ack (sequence 1)',
    ]
    assert told[-1].startswith("  message 1 is acknowledged after ")


async def test_an_acknowledgement_that_nothing_matches_is_none(gateway):
    told: list[str] = []
    spec = LoadSpec(driver=declared(ack={"match": {"op": "ok"}, "sequence": "$.n"}), every_s=0.05)
    tried = await try_out(spec, gateway, told.append, (1,))
    assert (len(tried.sent), len(tried.acked)) == (1, 0)
    assert '← {"op": "said", "n": 1}    is no pattern of the driver' in told


async def test_a_greeting_that_is_never_answered_says_which_step(gateway):
    told: list[str] = []
    spec = LoadSpec(driver=declared(ready={"match": {"op": "welcome"}}), timeout_s=0.2)
    tried = await try_out(spec, gateway, told.append)
    assert "`ready`: no " in (tried.ended or "")
    assert "connection 2: the client comes back" not in told


async def test_a_mistake_of_a_driver_in_python_has_its_line(gateway, tmp_path):
    source = (
        "class Mine:\n    async def run(self, client):\n        await client.request('GET', 'x')\n"
    )
    (tmp_path / "mine_driver.py").write_text(source)
    tried = await try_out(LoadSpec(driver="mine_driver:Mine", folder=tmp_path), gateway, print)
    assert "mine_driver.py:3: found `x`; a path begins with a slash" in (tried.mistake or "")


TASK = """import asyncio
class Mine:
    async def run(self, client):
        async with client.websocket("/live?ticket=x") as socket:
            self.task = asyncio.create_task(self.read())
            async for turn in client.pace():
                client.send("s", turn)
    async def read(self):
        raise KeyError("room")
"""


async def test_a_mistake_in_a_task_of_the_drivers_has_its_line_too(gateway, tmp_path):
    (tmp_path / "task_driver.py").write_text(TASK)
    spec = LoadSpec(driver="task_driver:Mine", every_s=0.01, timeout_s=0.2, folder=tmp_path)
    tried = await try_out(spec, gateway, lambda _: None)
    assert "task_driver.py:9: KeyError: 'room'" in (tried.mistake or "")


def test_a_gateway_that_is_not_there_is_exit_code_1():
    done = CliRunner().invoke(
        command, ["echo", "--against", "http://127.0.0.1:1"], standalone_mode=False
    )
    assert done.return_value == 1
    assert "Connect call failed" in done.output


def test_an_address_that_is_none_is_said():
    done = CliRunner().invoke(command, ["echo", "--against", "8080"])
    assert isinstance(done.exception, InputError)
    assert "write a URL such as http://127.0.0.1:8080" in str(done.exception)
