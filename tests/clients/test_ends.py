"""How the ends of connections reach drivers, and what the journal says of them."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace

import pytest

from sim.clients.backoff import BackoffSpec
from sim.clients.driver_run import STAYS_AWAY
from sim.clients.load import Load
from sim.clients.load_spec import LoadSpec
from sim.observe.events import Acked, Connected, Disconnected, DriverRaised, Sent
from sim.observe.journal import Journal, only
from sim.rng import Rng
from sim.scenario.driver_section import read_declaration
from sim.scenario.reading import Reading
from sim.topology.yaml_document import load_document

IN_PYTHON = """
class Greeter:
    async def run(self, client):
        async with client.websocket("/echo") as socket:
            async for turn in client.pace():
                client.send(client.name, turn)
                await socket.send_json({"n": turn})
                while (await client.within(socket.receive_json()))["n"] != turn:
                    pass
                client.acked(client.name, turn)


class Hasty(Greeter):
    async def run(self, client):
        async with client.websocket("/echo") as socket:
            async for turn in client.pace():
                client.send(client.name, turn)
                await socket.send_json({"n": turn})


class Quiet(Greeter):
    async def run(self, client):
        try:
            await super().run(client)
        except Exception:
            return


class Again(Greeter):
    async def run(self, client):
        while True:
            try:
                return await super().run(client)
            except Exception:
                await client.clock.sleep(0.1)


class Keeps(Greeter):
    async def run(self, client):
        try:
            await super().run(client)
        except Exception:
            await client.clock.sleep(3.0)


class TriesElsewhere(Greeter):
    async def run(self, client):
        try:
            await super().run(client)
        except Exception:
            try:
                async with client.websocket("/absent"):
                    pass
            except Exception:
                await client.clock.sleep(9.0)


class TakesAnything:
    async def run(self, client):
        client.connected((await client.request("GET", "/")).headers)
        async for turn in client.pace():
            client.send(client.name, turn)
            await client.request("GET", "/")
            client.acked(client.name, turn)


class NeverLeaves(Greeter):
    async def run(self, client):
        self.block = client.websocket("/echo")
        socket = await self.block.__aenter__()
        async for turn in client.pace():
            client.send(client.name, turn)
            await socket.send_json({"n": turn})
            await client.within(socket.receive_json())
            client.acked(client.name, turn)


class LetsGo(Greeter):
    async def run(self, client):
        socket = await client.websocket("/echo").__aenter__()
        await client.within(socket.receive_json())


class Naps:
    async def run(self, client):
        client.connected((await client.request("GET", "/")).headers)
        async for turn in client.pace():
            client.send(client.name, turn)
            answer = await client.request("GET", "/")
            if answer.status == 503:
                await client.clock.sleep(9.0)
                return
            client.acked(client.name, turn)
"""

IN_YAML = r"""
websocket: /echo
send: {n: "{seq}"}
ack: {match: {}, sequence: $.n}
"""

GATEWAY = """
import sys
from aiohttp import web

async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket

app = web.Application()
app.add_routes([web.get("/echo", echo)])
ready = lambda _: print("ready", flush=True)
web.run_app(app, host=sys.argv[1], port=int(sys.argv[2]), print=ready)
"""


@pytest.fixture(autouse=True)
def drivers(tmp_path, monkeypatch):
    (tmp_path / "ends_drivers.py").write_text(IN_PYTHON)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("ends_drivers", None)


@pytest.fixture
def declared(tmp_path):
    file = tmp_path / "echo.yaml"
    file.write_text(IN_YAML)
    document = load_document(file)
    return read_declaration(Reading(document, None), document.data, (), file.name)


class One:
    """A load of one client of New York, with a journal of its own."""

    def __init__(self, world, driver, **fields):
        self.journal = Journal(world.clock)
        self.load = Load(
            LoadSpec(driver=driver, **{"clients": 1, **fields}),
            replace(world.context(), journal=self.journal),
            Rng(7, "load"),
        )
        self.running = asyncio.create_task(self.load.run())
        self._clock = world.clock

    async def seen(self, kind, count=1):
        more = asyncio.Event()
        self.journal.subscribe(lambda _record: more.set())
        async with self._clock.timeout(5.0 * self._clock.speed):
            while len(found := list(only(self.journal.records, kind))) < count:
                more.clear()
                await more.wait()
        return found

    async def end(self):
        [(_, down), *_] = await self.seen(Disconnected)
        await self.stop()
        return down

    async def stop(self):
        self.load.stop()
        await self.running


@pytest.fixture
async def one():
    """Begins a load of one client."""
    begun = []

    def begin(*args, **fields):
        begun.append(One(*args, **fields))
        return begun[-1]

    yield begin
    for each in begun:
        await each.stop()


@pytest.fixture
async def killed_gateway(small_world):
    """A world at speed 1 whose region iad is a process, and what kills it."""
    world = await small_world(speed=1.0)
    endpoint = world.gateways["iad"].endpoint
    await world.gateways["iad"].crash()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", GATEWAY, endpoint.host, str(endpoint.port)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    yield world, process.kill
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def test_every_kind_of_driver_notices_a_kill_while_it_waits_for_its_turn(
    killed_gateway, declared, one
):
    world, kill = killed_gateway
    kinds = ["echo", "ends_drivers:Greeter", declared]
    loads = [one(world, driver, every_s=600.0) for driver in kinds]
    for load in loads:
        await load.seen(Acked)
    killed = world.clock.now()
    kill()
    noticed = [(await load.seen(Disconnected))[0] for load in loads]
    assert max(t for t, _ in noticed) - killed < 0.1
    for load in loads:
        down = await load.end()
        assert (down.how, down.code, down.unanswered) == ("broken", 1006, 0)
        assert down.reason == "the connection ended without a close frame"


@pytest.mark.realtime
@pytest.mark.parametrize("kind", ["echo", "declared"])
async def test_who_waits_for_a_turn_comes_back_with_the_herd(small_world, declared, one, kind):
    world = await small_world(speed=1.0)
    driver = declared if kind == "declared" else kind
    load = one(world, driver, clients=10, every_s=2.0)
    await load.seen(Acked, 10)
    cut = world.clock.now()
    for gateway in world.gateways.values():
        gateway.drop()
    back = (await load.seen(Connected, 20))[10:]
    assert (
        max(t for t, _ in back) - cut < 1.0
    )  # half a turn; the backoff is at most a quarter of one


DRIVERS = ["echo", *(f"ends_drivers:{n}" for n in ("Greeter", "Quiet", "Again", "NeverLeaves"))]


@pytest.mark.parametrize("driver", DRIVERS)
async def test_a_gateways_close_is_journaled_with_its_code_and_reason(small_world, driver, one):
    world = await small_world()
    load = one(world, driver, every_s=600.0)
    await load.seen(Acked)
    await world.gateways["iad"].bid_farewell()
    down = await load.end()
    assert (down.how, down.code, down.close_reason) == ("closed", 1001, "bye")
    assert (down.reason, down.unanswered) == ("closed with code 1001 (bye)", 0)


@pytest.mark.parametrize("driver", DRIVERS)
async def test_each_connection_after_a_close_is_told_and_stands(small_world, driver, one):
    world = await small_world()
    load = one(world, driver, every_s=2.0)
    for closes in (1, 2):
        await load.seen(Connected, closes)
        await load.seen(Acked, 2 * closes)
        await world.gateways["iad"].bid_farewell()
        await load.seen(Disconnected, closes)
    await load.seen(Connected, 3)
    ends = [end for _, end in only(load.journal.records, Disconnected)]
    assert [end.code for end in ends] == [1001, 1001]


async def test_an_end_that_its_driver_kept_to_itself_is_dated_by_when_it_came(small_world, one):
    world = await small_world()
    load = one(world, "ends_drivers:Keeps", every_s=600.0)
    await load.seen(Acked)
    ended_s = world.clock.now()
    await world.gateways["iad"].bid_farewell()
    [(t, down)] = await load.seen(Disconnected)
    assert down.told_after_s == pytest.approx(3.0, abs=0.5)
    assert t - down.told_after_s == pytest.approx(ended_s, abs=0.5)


async def test_a_driver_that_naps_after_it_was_turned_away_is_told(small_world, one):
    world = await small_world()
    backoff = BackoffSpec(max_s=1)
    load = one(world, "ends_drivers:TriesElsewhere", every_s=1.0, timeout_s=1.0, backoff=backoff)
    await load.seen(Acked)
    await world.gateways["iad"].bid_farewell()
    [(_, raised)] = await load.seen(DriverRaised)
    assert raised.error == STAYS_AWAY
    assert raised.away_s == pytest.approx(9.0, abs=1.0)


async def test_a_driver_that_takes_an_error_for_an_acknowledgement_is_told(small_world, one):
    world = await small_world()
    load = one(world, "ends_drivers:TakesAnything", every_s=1.0)
    await load.seen(Acked, 2)
    world.healthy["iad"] = False
    [(_, raised), *_] = await load.seen(DriverRaised)
    assert "message" in raised.error
    assert "status 503: `client.failed` tells of a refusal" in raised.error


async def test_a_driver_that_lets_go_of_a_websocket_that_it_uses_is_told(small_world, one):
    load = one(await small_world(), "ends_drivers:LetsGo")
    [(_, raised), *_] = await load.seen(DriverRaised)
    assert raised.error.endswith("`async with` has to hold it")


async def test_a_driver_that_naps_after_a_refusal_is_told(small_world, one):
    world = await small_world()
    load = one(world, "ends_drivers:Naps", every_s=1.0, timeout_s=1.0, backoff=BackoffSpec(max_s=1))
    await load.seen(Acked)
    world.healthy["iad"] = False
    [(_, raised)] = await load.seen(DriverRaised)
    assert raised.error == STAYS_AWAY
    assert raised.away_s == pytest.approx(9.0, abs=1.0)


async def test_what_waits_for_an_answer_at_the_end_is_counted(small_world, one):
    world = await small_world()
    world.gateways["iad"].silent = True
    load = one(world, "ends_drivers:Hasty", every_s=1.0)
    await load.seen(Sent, 3)
    await world.gateways["iad"].bid_farewell()
    down = await load.end()
    assert down.how == "closed"
    assert down.unanswered == len([*only(load.journal.records, Sent)]) >= 3


async def test_who_gives_up_is_said_to_have_left(small_world, one):
    world = await small_world()
    world.gateways["iad"].silent = True
    load = one(world, "echo", every_s=600.0, timeout_s=2.0)
    down = await load.end()
    assert (down.how, down.code, down.unanswered) == ("left", None, 1)


async def test_a_goodbye_by_a_message_is_one(small_world, one):
    world = await small_world()
    load = one(world, "session", every_s=600.0)
    await load.seen(Acked)
    await world.gateways["iad"].say(json.dumps({"type": "going_away"}))
    down = await load.end()
    assert (down.how, down.code) == ("goodbye", None)


async def test_an_http_client_that_was_refused_leaves(small_world, one):
    world = await small_world()
    load = one(world, "http", every_s=2.0)
    await load.seen(Acked)
    world.healthy["iad"] = False  # the edge ends what is kept alive with a 503
    down = await load.end()
    assert (down.how, down.code) == ("left", None)
    assert down.reason == "status 503"


async def test_what_comes_right_before_the_end_counts(small_world, declared, one):
    """The acknowledgement and the close arrive together, while the client waits for its turn."""
    world = await small_world()
    gateway = world.gateways["iad"]
    gateway.silent = True
    load = one(world, declared, every_s=600.0)
    while not gateway.sockets:
        await world.clock.sleep(0.01)
    await world.clock.sleep(0.5)
    await gateway.say('{"n": 1}')
    await gateway.bid_farewell()
    down = await load.end()
    assert (down.code, down.unanswered) == (1001, 0)
