from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

import pytest

from sim.errors import EnvironmentLacksError
from sim.observe.events import EdgeConnection
from sim.routing.edge import MachineView
from sim.topology.addresses import Endpoint
from tests.routing.edge.conftest import Front
from tests.slot import address

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
NOBODY = Endpoint(address("150.9"), 9)  # nothing listens there


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def machine_of(answer):
    return answer.partition(b"sim-machine: ")[2].partition(b"\r\n")[0].decode()


def resets(writer):
    """Let closing this connection reset it."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def test_healthy_machines_take_turns(front):
    for _ in range(3):
        await front.machine()
    answered = [machine_of(await front.ask(GET)) for _ in range(6)]
    assert answered[:3] == answered[3:]
    assert sorted(answered[:3]) == ["m1", "m2", "m3"]


async def test_a_machine_that_is_not_believed_healthy_gets_nothing(front):
    sick = await front.machine()
    await front.machine()
    front.machines[0] = MachineView("m1", sick.view.endpoint, healthy=False, region="fra")
    assert {machine_of(await front.ask(GET)) for _ in range(4)} == {"m2"}
    assert sick.connections == 0


async def test_a_refused_connection_is_tried_on_the_next_machine_at_once(front):
    front.machines.append(MachineView("dead", NOBODY, healthy=True, region="fra"))
    await front.machine(name="alive")
    assert {machine_of(await front.ask(GET)) for _ in range(4)} == {"alive"}


@pytest.mark.parametrize("believed", [True, False])
async def test_without_a_machine_the_answer_is_503_and_the_connection_stays(front, believed):
    front.machines.append(MachineView("dead", NOBODY, healthy=believed, region="fra"))
    answer = await front.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + GET)
    assert answer.count(b"HTTP/1.1 503 Service Unavailable\r\n") == 2
    assert b"no healthy machine in fra" in answer
    assert b"Fly-Request-Id: " in answer
    assert b"sim-machine" not in answer
    (visit,) = await front.visits()
    assert (visit.outcome, visit.status, visit.machine) == ("refused", 503, None)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"220 smtp ready\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_machine_that_breaks_off_before_its_answer_makes_502(front, said):
    async def handler(_reader, writer):
        writer.write(said)

    await front.machine(handler)
    answer = await front.ask(GET)
    assert status_of(answer) == 502
    assert machine_of(answer) == "m1"
    (visit,) = await front.visits()
    assert (visit.outcome, visit.status, visit.machine) == ("failed", 502, "m1")


async def test_a_machine_that_resets_within_its_body_resets_the_client(front):
    async def handler(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
        await reader.read(1)
        resets(writer)
        writer.close()

    await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")
    await front.within(reader.readuntil(b"begun"))
    writer.write(b"x")
    with pytest.raises(ConnectionResetError):
        await front.within(reader.read())
    (visit,) = await front.visits()
    assert visit.outcome == "failed"


async def test_a_machine_that_closes_within_its_body_ends_the_client_short(front):
    """What it had sent before arrives in full, however slowly the client reads."""
    begun = bytes(8_000_000)

    async def handler(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + begun)
        await writer.drain()

    await front.machine(handler)
    answer = await front.ask(GET)
    assert answer.partition(b"\r\n\r\n")[2] == begun
    (visit,) = await front.visits()
    assert visit.outcome == "failed"


async def test_a_client_that_leaves_frees_its_machine_at_once(front):
    asked = asyncio.Event()
    left = asyncio.Event()

    async def handler(reader, _writer):
        asked.set()
        try:
            await reader.read()
        finally:
            left.set()

    await front.machine(handler)
    _, writer = await front.knock()
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await front.within(asked.wait())
    writer.close()
    await front.within(left.wait())
    (visit,) = await front.visits()
    assert (visit.machine, visit.status) == ("m1", None)


@pytest.mark.parametrize(
    ("location", "header", "client"),
    [
        ("london", b"PROXY TCP4 127.8.2.11 127.8.2.100 5 8480\r\n", "127.8.2.11"),
        ("new-york", b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (None, b"", "127.0.0.1"),
        (
            "london",
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
            + bytes([81, 2, 69, 1, 127, 8, 2, 100])
            + struct.pack("!HH", 5, 8480),
            "81.2.69.1",
        ),
        ("london", b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "127.0.0.1"),
    ],
)
async def test_listener_and_proxy_header_say_where_the_client_is(front, location, header, client):
    machine = await front.machine()
    assert status_of(await front.ask(header + GET, location)) == 200
    assert machine.header("Fly-Client-IP") == client
    (visit,) = await front.visits()
    assert (visit.location, visit.client) == (location, client)
    assert visit.bytes_in == len(GET)


async def test_a_proxy_header_may_arrive_byte_by_byte(front):
    machine = await front.machine()
    reader, writer = await front.knock()
    for byte in b"PROXY TCP4 10.1.2.3 10.1.2.4 5 6\r\n" + GET:
        writer.write(bytes([byte]))
        await front.clock.sleep(0)
    assert status_of(await front.within(reader.read())) == 200
    assert machine.header("Fly-Client-IP") == "10.1.2.3"


@pytest.mark.parametrize(
    "start",
    [
        b"PROXY TCP4 not.an.address 1.2.3.4 5 6\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 5 66666\r\n",
        b"PROXY SMTP\r\n",
        b"PROXY " + b"x" * 200,
        b"\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x0c" + bytes(12),
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x04" + bytes(4),
    ],
)
async def test_a_false_proxy_header_ends_the_connection(front, start):
    machine = await front.machine()
    reader, writer = await front.knock()
    writer.write(start + GET)
    with suppress(ConnectionResetError):  # what it had not read yet makes the kernel say so
        assert await front.within(reader.read()) == b""
    assert machine.connections == 0


async def test_stop_cuts_everything_and_may_be_repeated(front):
    begun = asyncio.Event()

    async def handler(reader, _writer):
        begun.set()
        await reader.read()

    await front.machine(handler)
    _, waiting = await front.knock()
    waiting.write(GET)
    idle_reader, _ = await front.knock()
    half_reader, half = await front.knock()
    half.write(b"PROXY TC")
    await front.within(begun.wait())
    await front.edge.stop()
    await front.edge.stop()
    for reader in (idle_reader, half_reader):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await front.within(reader.readexactly(1))
    with pytest.raises(ConnectionRefusedError):
        await front.knock()
    assert [type(r.event) for r in front.journal.records] == [EdgeConnection]


async def test_an_address_that_is_taken_is_said_and_nothing_stays_open():
    front = Front()
    last = front.plan.edge_for("fra", "london")
    async with await asyncio.start_server(lambda _r, w: w.close(), last.host, last.port):
        with pytest.raises(EnvironmentLacksError, match=rf"edge of fra cannot listen at {last}"):
            await front.edge.start()
        with pytest.raises(ConnectionRefusedError):
            await front.knock()
    await front.stop()
