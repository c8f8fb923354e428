"""TLS at the edge, beside plain HTTP on the same port."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import replace

import pytest

from sim.observe.events import TlsHandshakeFailed
from tests.routing.edge.conftest import TOPOLOGY, Front, says
from tests.slot import address

HOST = "demo.fly.dev"
GET = b"GET /path HTTP/1.1\r\nHost: demo.fly.dev\r\nConnection: close\r\n\r\n"
FROM_LONDON = b"PROXY TCP4 127.8.2.10 127.8.2.100 4711 443\r\n"


@pytest.fixture
async def trusting(front):
    """What a client of the world has: trust in its authority."""
    return (await front.authority.credentials()).client


@pytest.fixture
async def forcing():
    """An edge that answers nothing but TLS."""
    front = Front(replace(TOPOLOGY, gateway=replace(TOPOLOGY.gateway, force_https=True)))
    await front.edge.start()
    yield front
    await front.stop()


async def ask(front, request, trusting, location=None, **options):
    """What the edge says to that over TLS, until it closes."""
    options = {"ssl": trusting, "server_hostname": HOST, **options}
    reader, writer = await front.knock(location, **options)
    writer.write(request)
    return await front.within(reader.read())


async def failures(front):
    """The handshakes that failed, once there is one."""
    more = asyncio.Event()
    front.journal.subscribe(lambda _record: more.set())
    while True:
        more.clear()
        events = [record.event for record in front.journal.records]
        if found := [event for event in events if isinstance(event, TlsHandshakeFailed)]:
            return found
        await front.within(more.wait())


async def test_one_port_speaks_both_and_says_to_the_machine_which(front, trusting):
    machine = await front.machine()
    for secure in (False, True):
        answer = await (ask(front, GET, trusting) if secure else front.ask(GET))
        assert answer.endswith(b"\r\n\r\nok")
        assert machine.header("X-Forwarded-Proto") == ("https" if secure else "http")
        assert machine.header("X-Forwarded-SSL") == ("on" if secure else "off")


async def test_the_proxy_header_comes_before_tls(front, trusting):
    machine = await front.machine()
    door = front.plan.edge_for("fra", "london")
    sock = socket.create_connection((door.host, door.port))
    sock.sendall(FROM_LONDON)
    sock.setblocking(False)  # noqa: FBT003 - the socket module's own
    reader, writer = await asyncio.open_connection(sock=sock, ssl=trusting, server_hostname=HOST)
    writer.write(GET)
    assert (await front.within(reader.read())).endswith(b"ok")
    writer.close()
    assert machine.header("Fly-Client-IP") == "127.8.2.10"
    assert machine.header("Fly-Forwarded-Port") == "443"
    assert machine.header("X-Forwarded-Proto") == "https"


async def test_without_a_proxy_header_the_port_is_the_links(front, trusting):
    machine = await front.machine()
    await ask(front, GET, trusting, "london")
    assert machine.header("Fly-Forwarded-Port") == "8480"
    assert machine.header("X-Forwarded-For") == f"127.0.0.1, {address('2.100')}"


async def test_the_certificate_is_the_worlds_and_for_the_apps_name(front, trusting):
    await front.machine()
    door = front.plan.edge("fra")

    def distrust():
        """As most clients: with an alert, which asyncio's do not send."""
        with socket.create_connection((door.host, door.port)) as sock:
            ssl.create_default_context().wrap_socket(sock, server_hostname=HOST)

    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get local"):
        await asyncio.to_thread(distrust)
    (failure,) = await failures(front)
    assert failure.region == "fra"
    assert "unknown ca" in failure.reason
    _, writer = await front.knock(ssl=trusting, server_hostname=HOST)
    certificate = writer.get_extra_info("peercert")
    assert certificate["subjectAltName"] == (("DNS", HOST),)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None


async def test_another_name_is_refused_and_no_name_is_served(front, trusting):
    await front.machine()
    with pytest.raises(OSError, match=r".*"):
        await ask(front, GET, trusting, server_hostname="other.fly.dev")
    (failure,) = await failures(front)
    assert failure.reason == "asked for another name than the app's"
    trusting.check_hostname = False
    assert (await ask(front, GET, trusting, server_hostname="")).endswith(b"ok")


@pytest.mark.parametrize("said", [b"\x16not TLS at all" * 9, b"\x16\x03\x01"])
async def test_what_only_begins_like_tls_is_counted_and_ends(front, said):
    await front.machine()
    reader, writer = await front.knock("london")
    writer.write(said)
    writer.write_eof()
    assert await front.within(reader.read()) == b""
    (failure,) = await failures(front)
    assert (failure.location, failure.client) == ("london", "127.0.0.1")
    assert failure.reason


async def test_old_tls_is_refused(front, trusting):
    trusting.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    await front.machine()
    assert (await ask(front, GET, trusting)).endswith(b"ok")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        trusting.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r".*"):
        await ask(front, GET, trusting)


async def test_an_upgraded_connection_crosses_in_both_directions(front, trusting):
    async def echo(reader, writer):
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"
        )
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    await front.machine(echo)
    reader, writer = await front.knock(ssl=trusting, server_hostname=HOST)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly"
    )
    head = await front.within(reader.readuntil(b"\r\n\r\n"))
    assert head.startswith(b"HTTP/1.1 101 ")
    assert await front.within(reader.readexactly(10)) == b"helloearly"
    much = bytes(range(256)) * 8192  # 2 MiB: more than any buffer on the way
    writer.write(much)
    assert await front.within(reader.readexactly(len(much))) == much
    writer.close()
    (visit,) = await front.visits()
    assert (visit.status, visit.outcome) == (101, "closed")
    assert (visit.bytes_in > len(much), visit.bytes_out > len(much)) == (True, True)


async def test_a_client_that_says_goodbye_ends_both_sides_without_a_complaint(
    front, trusting, caplog
):
    await front.machine()
    reader, writer = await front.knock(ssl=trusting, server_hostname=HOST)
    writer.write(GET.replace(b"close", b"keep-alive"))
    await front.within(reader.readuntil(b"ok"))
    writer.close()
    await front.within(writer.wait_closed())
    assert [visit.outcome for visit in await front.visits()] == ["closed"]
    assert caplog.messages == []


async def test_a_long_answer_is_whole(front, trusting):
    body = b"0123456789abcdef" * 131_072
    await front.machine(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body))
    answer = await ask(front, GET, trusting)
    assert answer.partition(b"\r\n\r\n")[2] == body


async def test_a_refused_body_does_not_cost_the_answer(front, trusting):
    """Closing with unread bytes would reset the connection before the client has read."""
    request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000
    answer = await ask(front, request, trusting)
    assert answer.startswith(b"HTTP/1.1 503 ")


async def test_a_machine_that_resets_is_passed_on_as_no_ordinary_end(front, trusting):
    async def handler(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await writer.drain()
        linger_none = struct.pack("ii", 1, 0)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)

    await front.machine(handler)
    with pytest.raises((ConnectionResetError, ssl.SSLError)):
        await ask(front, GET, trusting)


async def test_force_https_redirects_plain_requests_to_the_same_place(forcing):
    machine = await forcing.machine()
    for host, place in (
        (b"demo.fly.dev", b"demo.fly.dev"),
        (b"h:80", b"h"),
        (b"h:8480", b"h:8480"),
    ):
        answer = await forcing.ask(GET.replace(b"demo.fly.dev", host).replace(b"path", b"a?b=1"))
        assert answer.startswith(b"HTTP/1.1 301 Moved Permanently\r\n")
        assert b"\r\nLocation: https://" + place + b"/a?b=1\r\n" in answer
    assert machine.connections == 0
    trusting = (await forcing.authority.credentials()).client
    assert (await ask(forcing, GET, trusting)).endswith(b"ok")


async def test_force_https_leaves_the_probe_of_links_alone(forcing):
    answer = await forcing.ask(b"OPTIONS * HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_an_edge_that_ends_cuts_handshakes_too(front):
    reader, writer = await front.knock()
    writer.write(b"\x16\x03\x01\x02\x00")
    silent, _ = await front.knock()
    await front.authority.credentials()
    await front.edge.stop()
    for end in (reader, silent):
        with suppress(ConnectionResetError):
            assert await front.within(end.read()) == b""
