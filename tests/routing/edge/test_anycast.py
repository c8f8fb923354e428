"""An edge finds a machine wherever there is one, and waits where there is none."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from contextlib import suppress
from dataclasses import replace

import pytest

from sim.routing.edge import backhaul_protocol
from sim.streams.websocket_frames import GOING_AWAY
from sim.topology.model import Concurrency
from tests.routing.edge.atlantic import GET, Atlantic, field_of, machine_of, status_of

PING = b"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def post(body: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def length_of_body(reader, writer):
    """A machine that answers with how much it was sent; its request's head has been read."""
    received = b""
    while not received.endswith(b"!"):
        received += await reader.read(65_536)
    text = str(len(received)).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
    await writer.drain()


async def test_the_nearest_machine_answers_and_who_that_is_shows():
    async with Atlantic() as atlantic:
        there = await atlantic.machine("iad1")
        assert machine_of(await atlantic.ask()) == "iad1"
        await atlantic.machine("fra1")
        assert machine_of(await atlantic.ask()) == "fra1"
        assert machine_of(await atlantic.ask(edge="iad")) == "iad1"
        assert there.headers(0).count(("Fly-Region", "fra")) == 1  # the edge's
        first, second, _ = await atlantic.visits(3)
        assert (first.region, first.machine_region) == ("fra", "iad")
        assert (second.region, second.machine_region) == ("fra", "fra")


async def test_the_answers_region_is_the_machines_and_the_request_ids_is_the_edges():
    async with Atlantic() as atlantic:
        await atlantic.machine("iad1")
        answer = await atlantic.ask()
        assert field_of(answer, "sim-region") == "iad"
        assert re.fullmatch(r"[0-9A-Z]{26}-fra", str(field_of(answer, "fly-request-id")))


async def test_a_refused_connection_is_tried_in_the_other_region_at_once():
    async with Atlantic() as atlantic:
        atlantic.dead("fra1")
        await atlantic.machine("iad1")
        assert machine_of(await atlantic.ask()) == "iad1"
        assert atlantic.clock.now() < 0.3  # no try was waited for


@pytest.mark.parametrize("body", [b"!", b"x" * 3_000_000 + b"!"])
async def test_a_body_is_sent_whole_to_the_machine_that_takes_it(body):
    """Over the backhaul it is on its way before the worker's refusal is known."""
    async with Atlantic() as atlantic:
        gone = await atlantic.machine("iad1")
        await atlantic.machine("iad2", length_of_body)
        atlantic.known_to_workers = atlantic.machines[1:]
        for _ in range(2):  # each of them comes first once
            answer = await atlantic.ask(post(body))
            assert answer.endswith(b"\r\n\r\n%d" % len(body))
        assert gone.connections == 0


@pytest.mark.parametrize("region", ["fra", "iad"], ids=["the edge's own", "another"])
async def test_a_machine_that_has_the_address_of_one_that_is_gone_is_not_taken_for_it(region):
    """An edge may still believe in the first one, which was destroyed."""
    async with Atlantic() as atlantic:
        new = await atlantic.machine(f"{region}1")
        await atlantic.machine("iad9")
        atlantic.known_to_workers = [replace(new.view, id=f"{region}2"), atlantic.machines[1]]
        for _ in range(2):  # equals take turns
            assert machine_of(await atlantic.ask()) == "iad9"
        assert new.connections == 0


async def test_a_worker_answers_measurements_and_refuses_what_it_does_not_have():
    async with Atlantic() as atlantic:
        atlantic.dead("iad1")
        await atlantic.machine("fra1")
        door = atlantic.plan.worker("iad", "fra")

        async def say(line):
            reader, writer = await asyncio.open_connection(door.host, door.port)
            writer.write(line)
            said = await atlantic.within(reader.read())
            writer.close()
            return said

        assert await say(backhaul_protocol.PING) == backhaul_protocol.YES
        assert (await say(backhaul_protocol.to_machine("fra1"))).startswith(
            b"-PR02: iad has no machine"
        )
        assert (await say(backhaul_protocol.to_machine("iad1"))).startswith(b"-PC01: ")
        assert (await say(b"GET / HTTP/1.1\r\n")).startswith(b"-PR02: ")
        assert (await say(b"x" * 300)).startswith(b"-PR02: ")


async def test_a_websocket_crosses_the_backbone_byte_for_byte():
    up, down = bytes(range(256)) * 2000, bytes(range(255, -1, -1)) * 3000

    async def handler(reader, writer):
        writer.write(SWITCH + down)
        writer.write(await reader.readexactly(len(up)))
        await writer.drain()

    async with Atlantic() as atlantic:
        await atlantic.machine("iad1", handler)
        reader, writer = await atlantic.knock()
        writer.write(UPGRADE + up[:1000])
        head = await atlantic.within(reader.readuntil(b"\r\n\r\n"))
        assert head.startswith(b"HTTP/1.1 101 ")
        writer.write(up[1000:])
        assert await atlantic.within(reader.readexactly(len(down))) == down
        assert await atlantic.within(reader.readexactly(len(up))) == up
        assert await atlantic.within(reader.read()) == b""  # the machine's end ends the client's


@pytest.fixture
async def void():
    """A place that accepts connections and says nothing: the far end of a cut link."""
    writers = []

    async def swallow(reader, writer):
        writers.append(writer)
        await reader.read()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()
        for writer in writers:
            writer.close()


async def test_a_silent_region_is_left_after_a_while_where_that_is_safe(void):
    async with Atlantic(speed=20) as atlantic:
        await atlantic.machine("iad1")
        backhaul = atlantic.backhauls["fra"]
        whole = backhaul.doors["iad"]
        backhaul.doors["iad"], backhaul.up = type(whole)(*void), False
        atlantic.dead("fra1")
        asked = asyncio.create_task(atlantic.ask())
        answer = await atlantic.ask(post(b"!"))
        assert status_of(answer) == 502  # whether it was done, nobody knows
        assert b"PU03" in answer
        backhaul.doors["iad"], backhaul.up = whole, True
        assert machine_of(await asked) == "iad1"  # a GET may be asked for twice


async def test_a_replays_time_is_up_also_while_its_region_is_silent(void):
    """The edge itself would wait for two seconds."""
    async with Atlantic() as atlantic:

        async def handler(_reader, writer):
            if failed := origin.header("fly-replay-failed"):
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: %s\r\n\r\n" % failed.encode()
                )
            else:
                value = b"region=iad;timeout=200ms;fallback=force_self"
                writer.write(b"HTTP/1.1 200 OK\r\nfly-replay: %s\r\n\r\n" % value)

        origin = await atlantic.machine("fra1", handler)
        await atlantic.machine("iad1")
        doors = atlantic.backhauls["fra"].doors
        doors["iad"] = type(doors["iad"])(*void)
        told = str(field_of(await atlantic.ask(), "x"))
        assert "reason=timeout" in told
        elapsed_ms = int(told.partition("elapsed_ms=")[2])
        assert 200 <= elapsed_ms < 1500


async def test_a_refusing_backbone_is_passed_over_at_once():
    async with Atlantic() as atlantic:
        await atlantic.machine("iad1")
        await atlantic.machine("fra1")
        backhaul = atlantic.backhauls["iad"]
        backhaul.doors["fra"] = type(backhaul.doors["fra"])("127.0.0.1", 9)
        backhaul.up = False
        atlantic.becomes("iad1", healthy=False)
        asked = asyncio.create_task(atlantic.ask(edge="iad"))
        await atlantic.ask(PING)
        assert not asked.done()
        atlantic.becomes("iad1", healthy=True)
        assert machine_of(await asked) == "iad1"


async def test_what_nobody_can_take_waits_until_somebody_can():
    async with Atlantic() as atlantic:
        machine = await atlantic.machine("iad1", healthy=False)
        asked = asyncio.create_task(atlantic.ask())
        await atlantic.ask(PING)
        assert not asked.done()
        assert machine.connections == 0
        atlantic.becomes("iad1", healthy=True)
        assert machine_of(await asked) == "iad1"


async def test_after_ninety_tries_it_gives_up():
    async with Atlantic(speed=500) as atlantic:
        await atlantic.machine("iad1", healthy=False)
        answer = await atlantic.ask()
        assert status_of(answer) == 503
        assert b"PR03: no good candidate within 90 attempts" in answer
        assert atlantic.clock.now() > 25
        (visit,) = await atlantic.visits()
        assert (visit.outcome, visit.machine_region) == ("refused", None)


async def test_an_app_without_a_machine_is_told_so_at_once():
    async with Atlantic() as atlantic:
        answer = await atlantic.ask()
        assert status_of(answer) == 503
        assert b"PR01: no known machine" in answer


async def test_a_client_that_leaves_while_it_waits_is_forgotten():
    async with Atlantic() as atlantic:
        machine = await atlantic.machine("iad1", healthy=False)
        _, writer = await atlantic.knock()
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await writer.drain()
        writer.close()
        (visit,) = await atlantic.visits()
        assert visit.status is None
        atlantic.becomes("iad1", healthy=True)
        assert machine.connections == 0


async def test_a_full_machine_is_never_given_more_and_everybody_has_a_turn():
    most = {"fra1": 0, "iad1": 0}
    now = {"fra1": 0, "iad1": 0}
    free = asyncio.Semaphore(0)

    def slow(name):
        async def handler(_reader, writer):
            now[name] += 1
            most[name] = max(most[name], now[name])
            await free.acquire()
            now[name] -= 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

        return handler

    async with Atlantic(limits=Concurrency(soft_limit=1, hard_limit=3)) as atlantic:
        for name in most:
            await atlantic.machine(name, slow(name))
        asked = [asyncio.create_task(atlantic.ask()) for _ in range(20)]
        await atlantic.until(lambda: now == {"fra1": 3, "iad1": 3})
        for _ in asked:
            free.release()
        answers = await asyncio.gather(*asked)
        assert {status_of(answer) for answer in answers} == {200}
        assert most == {"fra1": 3, "iad1": 3}


async def test_load_leaves_the_region_only_when_it_is_full():
    held = asyncio.Event()

    async def handler(_reader, writer):
        await held.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with Atlantic(limits=Concurrency(soft_limit=1, hard_limit=2)) as atlantic:
        here = await atlantic.machine("fra1", handler)
        there = await atlantic.machine("iad1", handler)
        asked = []
        for expected in [(1, 0), (2, 0), (2, 1)]:
            asked.append(asyncio.create_task(atlantic.ask()))
            await atlantic.until(
                lambda e=expected: (here.connections, there.connections) == e  # type: ignore[misc]
            )
        held.set()
        await asyncio.gather(*asked)


@pytest.mark.parametrize(("request_", "status"), [(GET, 200), (post(b"!"), 502)])
async def test_a_reset_before_the_answer_is_tried_elsewhere_where_that_is_safe(request_, status):
    async def dies(reader, writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", dies)
        await atlantic.machine("iad1")
        answer = await atlantic.ask(request_)
        assert (status_of(answer), machine_of(answer)) == (
            status,
            "iad1" if status == 200 else "fra1",
        )


async def test_an_edge_that_leaves_before_it_is_answered_is_nothing_to_a_worker():
    async with Atlantic() as atlantic:
        door = atlantic.plan.worker("iad", "fra")
        for _ in range(20):
            _, writer = await asyncio.open_connection(door.host, door.port)
            writer.write(backhaul_protocol.to_machine("gone"))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        reader, writer = await asyncio.open_connection(door.host, door.port)
        writer.write(backhaul_protocol.PING)
        assert await atlantic.within(reader.readline()) == backhaul_protocol.YES
        writer.close()


async def test_a_connection_that_stands_is_never_moved():
    async def echo(reader, writer):
        writer.write(SWITCH)
        while data := await reader.read(100):
            writer.write(data)

    async with Atlantic() as atlantic:
        await atlantic.machine("iad1", echo)
        reader, writer = await atlantic.knock()
        writer.write(UPGRADE)
        await atlantic.within(reader.readuntil(b"\r\n\r\n"))
        await atlantic.machine("fra1")  # nearer
        atlantic.becomes("iad1", healthy=False, cordoned=True)
        assert machine_of(await atlantic.ask()) == "fra1"
        writer.write(b"still here")
        assert await atlantic.within(reader.readexactly(10)) == b"still here"
        writer.close()


async def test_what_a_machine_carries_can_be_cut():
    async def echo(reader, writer):
        writer.write(SWITCH)
        while data := await reader.read(100):
            writer.write(data)

    async with Atlantic() as atlantic:
        await atlantic.machine("iad1", echo)
        await atlantic.machine("fra1", echo)
        here, there = await atlantic.knock("fra"), await atlantic.knock("iad")
        for reader, writer in (here, there):
            writer.write(UPGRADE)
            await atlantic.within(reader.readuntil(b"\r\n\r\n"))
        atlantic.loads.cut("iad1")
        with suppress(ConnectionResetError):
            assert await atlantic.within(there[0].read()) == b""
        here[1].write(b"on")
        assert await atlantic.within(here[0].readexactly(2)) == b"on"
        assert dict(atlantic.loads.by_machine) == {"fra1": 1}
        here[1].close()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"\x81\x02hi", b"\x81\x02hi" + GOING_AWAY),
        (b"\x81\x7e\x00\xc8" + b"x" * 200, b"\x81\x7e\x00\xc8" + b"x" * 200 + GOING_AWAY),
        (b"\x81\x05hel", b"\x81\x05hel"),  # the middle of a frame: a close frame would be its text
    ],
)
async def test_a_websocket_is_closed_with_1001_where_its_machine_is_stopped_for_lack_of_load(
    sent: bytes, told: bytes
) -> None:
    async def speak(reader, writer):
        writer.write(SWITCH + sent)
        await reader.read()

    async with Atlantic() as atlantic:
        atlantic.loads.stops = True
        await atlantic.machine("iad1", speak)
        reader, writer = await atlantic.knock("iad")
        writer.write(UPGRADE)
        await atlantic.within(reader.readuntil(b"\r\n\r\n"))
        heard = await atlantic.within(reader.readexactly(len(sent)))
        atlantic.loads.cut("iad1")
        assert heard + await atlantic.within(reader.read()) == told
        writer.close()


async def test_a_body_that_is_no_http_is_its_clients_mistake_over_the_backhaul_too():
    async def hears_it_out(reader, _writer):
        await reader.read()

    request = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with Atlantic() as atlantic:
        await atlantic.machine("iad1", hears_it_out)
        answer = await atlantic.ask(request + b"3\r\nabc\r\nzz\r\n")
        assert status_of(answer) == 400
        (visit,) = await atlantic.visits()
        assert visit.outcome == "closed"
