from __future__ import annotations

import asyncio
import re

import pytest

from tests.slot import address

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
GET = b"GET /path?q=1 HTTP/1.1\r\nHost: demo.fly.dev\r\nConnection: close\r\n\r\n"


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def fields_of(answer):
    head = answer.partition(b"\r\n\r\n")[0].decode()
    pairs = (line.partition(": ") for line in head.split("\r\n")[1:])
    return {name.lower(): value for name, _, value in pairs}


async def test_a_request_reaches_the_machine_with_fly_headers(front):
    machine = await front.machine()
    answer = await front.ask(b"PROXY TCP4 127.8.1.10 127.8.1.100 4711 8480\r\n" + GET)
    assert answer.endswith(b"\r\n\r\nok")
    assert machine.heads[0].startswith(b"GET /path?q=1 HTTP/1.1\r\n")
    assert machine.header("Host") == "demo.fly.dev"
    assert machine.header("Fly-Client-IP") == "127.8.1.10"
    assert machine.header("Fly-Region") == "fra"
    assert machine.header("Fly-Forwarded-Port") == "8480"
    assert machine.header("X-Forwarded-For") == "127.8.1.10, 127.8.1.100"
    assert machine.header("X-Forwarded-Proto") == "http"
    assert machine.header("X-Forwarded-Port") == "8480"
    assert machine.header("X-Forwarded-SSL") == "off"
    assert machine.header("Via") == "1.1 fly.io"


async def test_an_answer_names_request_server_region_and_machine(front):
    machine = await front.machine(name="3d8d")
    fields = fields_of(await front.ask(GET))
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}-fra", fields["fly-request-id"])
    assert fields["fly-request-id"] == machine.header("Fly-Request-Id")
    assert fields["server"].startswith("Fly/")
    assert fields["via"] == "1.1 fly.io"
    assert (fields["sim-region"], fields["sim-machine"]) == ("fra", "3d8d")


async def test_a_client_cannot_forge_what_the_edge_says(front):
    machine = await front.machine()
    forged = b"Fly-Client-IP: 6.6.6.6\r\nFly-Region: xxx\r\nX-Forwarded-For: 6.6.6.6\r\n"
    await front.ask(GET.replace(b"Connection", forged + b"Connection"))
    names = [name.lower() for name, _ in machine.headers()]
    assert names.count("fly-client-ip") == names.count("fly-region") == 1
    assert machine.header("Fly-Client-IP") == "127.0.0.1"
    assert machine.header("X-Forwarded-For") == f"6.6.6.6, 127.0.0.1, {address('150.1')}"


async def test_hop_by_hop_headers_stay_on_their_hop(front):
    async def handler(_reader, writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Own\r\n"
            b"X-Own: 1\r\nX-End: 2\r\nKeep-Alive: timeout=5\r\n\r\n"
        )

    machine = await front.machine(handler)
    request = (
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Hop, host\r\nX-Hop: 1\r\nX-End: 2\r\n"
        b"TE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\n\r\n"
    )
    fields = fields_of(await front.ask(request))
    got = dict(machine.headers())
    assert not {"X-Hop", "TE", "Keep-Alive", "Proxy-Connection", "Upgrade"} & set(got)
    assert (got["Host"], got["X-End"], got["Connection"]) == ("h", "2", "close")
    assert "x-own" not in fields
    assert "keep-alive" not in fields
    assert fields["x-end"] == "2"


async def test_an_absolute_target_is_made_relative_and_its_host_wins(front):
    machine = await front.machine()
    await front.ask(
        b"GET http://demo.fly.dev/a?b HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"
    )
    assert machine.heads[0].startswith(b"GET /a?b HTTP/1.1\r\n")
    assert machine.header("Host") == "demo.fly.dev"


async def test_requests_of_one_connection_are_answered_in_order(front):
    machine = await front.machine()
    pipelined = b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\n"
    pipelined += b"Content-Length: 3\r\n\r\nabc" + GET
    answer = await front.ask(pipelined)
    assert answer.count(b"200 OK") == 3
    assert [head.split(b" ")[1] for head in machine.heads] == [b"/1", b"/2", b"/path?q=1"]
    (visit,) = await front.visits()
    assert (visit.status, visit.machine, visit.outcome) == (200, "m1", "closed")
    assert visit.bytes_in == len(pipelined)
    assert visit.bytes_out == len(answer)


async def test_only_answers_of_a_machine_name_one(front):
    await front.machine()
    served = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = await front.ask(served + b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\nrubbish\r\n\r\n")
    assert [answer.count(word) for word in (b" 200 OK\r\n", b" 400 Bad", b"sim-machine")] == [
        2,
        1,
        1,
    ]


async def test_http_1_0_is_answered_and_closed(front):
    async def handler(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    machine = await front.machine(handler)
    answer = await front.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nok")
    assert "transfer-encoding" not in fields_of(answer)
    assert machine.header("Via") == "1.0 fly.io"


async def test_head_keeps_the_length_and_has_no_body(front):
    async def handler(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")

    await front.machine(handler)
    answer = await front.ask(GET.replace(b"GET", b"HEAD"))
    assert fields_of(answer)["content-length"] == "1234"
    assert answer.endswith(b"\r\n\r\n")


async def test_expect_and_early_hints_pass_through(front):
    async def handler(reader, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)

    machine = await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(
        b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert (await front.within(reader.readuntil(b"\r\n\r\n"))).startswith(b"HTTP/1.1 103 ")
    assert (await front.within(reader.readuntil(b"\r\n\r\n"))).startswith(b"HTTP/1.1 100 ")
    writer.write(b"body")
    assert (await front.within(reader.read())).endswith(b"\r\n\r\nbody")
    assert machine.header("Expect") == "100-continue"


async def test_an_answer_before_the_body_is_complete_arrives(front):
    async def handler(_reader, writer):
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")

    await front.machine(handler)
    answer = await front.ask(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\nonly the beginning"
    )
    assert status_of(answer) == 413


async def test_a_body_goes_on_after_its_answer_is_complete(front):
    """Whether the rest is still wanted is between the client and the machine."""
    got = asyncio.get_running_loop().create_future()

    async def handler(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        got.set_result(await reader.readexactly(6))

    await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")
    await front.within(reader.readuntil(b"\r\n\r\nok"))
    writer.write(b"def")
    assert await front.within(got) == b"abcdef"
    writer.write(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
    assert status_of(await front.within(reader.readuntil(b"\r\n\r\n"))) == 200


async def test_an_upgrade_with_a_body_is_an_ordinary_request(front):
    machine = await front.machine()
    answer = await front.ask(
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    )
    assert status_of(answer) == 200
    assert machine.header("Upgrade") is None


async def test_a_ping_of_the_edge_reaches_no_machine_and_is_not_journaled(front):
    machine = await front.machine()
    reader, writer = await front.knock()
    for _ in range(2):
        writer.write(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
        head = await front.within(reader.readuntil(b"\r\n\r\n"))
        assert status_of(head) == 200
        assert fields_of(head)["content-length"] == "0"
    writer.close()
    await front.ask(GET)
    visits = await front.visits()
    assert [visit.machine for visit in visits] == ["m1"]
    assert machine.connections == 1


MALFORMED = {
    "both framings": b"Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": b"Host: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and list": b"Host: h\r\nContent-Length: 3, 4\r\n\r\nabcd",
    "length of 2^63": b"Host: h\r\nContent-Length: 9223372036854775808\r\n\r\nabcd",
    "negative length": b"Host: h\r\nContent-Length: -1\r\n\r\n",
    "space before colon": b"Host: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "no host": b"X: y\r\n\r\n",
    "two hosts": b"Host: h\r\nHost: g\r\n\r\n",
    "NUL": b"Host: h\r\nX: a\x00b\r\n\r\n",
    "bare CR": b"Host: h\r\nX: a\rY: b\r\n\r\n",
}


@pytest.mark.parametrize("rest", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_parsers_could_read_differently_is_refused(front, rest):
    machine = await front.machine()
    answer = await front.ask(b"POST / HTTP/1.1\r\n" + rest)
    assert status_of(answer) == 400
    assert machine.connections == 0
    assert fields_of(answer)["sim-region"] == "fra"
    (visit,) = await front.visits()
    assert (visit.status, visit.machine) == (400, None)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (b"hello\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"GET / HTTP/3\r\nHost: h\r\n\r\n", 505),
        ("GET /é HTTP/1.1\r\nHost: h\r\n\r\n".encode(), 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX/Y: 1\r\n\r\n", 400),
    ],
)
async def test_other_impossible_requests_reach_no_machine(front, request_, status):
    machine = await front.machine()
    assert status_of(await front.ask(request_)) == status
    assert machine.connections == 0


async def test_a_body_that_is_no_http_cuts_the_machine_off(front):
    """The machine must not take the part that it got for the whole."""
    got = asyncio.get_running_loop().create_future()

    async def handler(reader, writer):
        try:
            got.set_result(await reader.read())
        except ConnectionError as error:
            got.set_result(error)

    await front.machine(handler)
    request = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await front.ask(request + b"3\r\nabc\r\nzz\r\n")
    assert status_of(answer) == 400
    assert isinstance(await front.within(got), ConnectionResetError)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"not HTTP/2"),
        (b"GET / HTTP/3\r\nHost: h\r\n\r\n", b"not HTTP/2"),
        ("GET /é HTTP/1.1\r\nHost: h\r\n\r\n".encode(), b"percent-encode"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX/Y: 1\r\n\r\n", b"'X/Y' is no token"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", b"'identity'"),
    ],
)
async def test_a_refusal_says_the_reason_and_ends_the_connection(front, request_, says):
    answer = await front.ask(request_)
    assert says in answer
    assert fields_of(answer)["connection"] == "close"


async def test_an_empty_line_before_a_request_is_passed_over(front):
    """As old clients send one behind a body (RFC 9112, 2.2); also within a pipeline."""
    machine = await front.machine()
    post = b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok"
    answer = await front.ask(b"\r\n" + post + b"\r\n" + post + b"\r\n" + GET)
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert machine.connections == 3


async def test_any_upgrade_that_is_asked_for_passes(front):
    async def handler(reader, writer):
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
        writer.write(b"Connection: Upgrade\r\nUpgrade: chat/2\r\n\r\n")
        writer.write(await reader.readexactly(5))

    machine = await front.machine(handler)
    upgrade = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: chat/2, chat/1\r\n\r\n"
    reader, writer = await front.knock()
    writer.write(upgrade)
    head = await front.within(reader.readuntil(b"\r\n\r\n"))
    assert fields_of(head)["upgrade"] == "chat/2"
    writer.write(b"hello")
    assert await front.within(reader.readexactly(5)) == b"hello"
    assert machine.header("Upgrade") == "chat/2, chat/1"


async def test_an_upgrade_to_http_2_is_not_asked_of_a_machine(front):
    machine = await front.machine()
    request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    reader, writer = await front.knock()
    writer.write(request + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
    assert status_of(await front.within(reader.readuntil(b"ok"))) == 200
    assert machine.header("Upgrade") is None


async def test_a_chunk_too_long_for_any_counter_is_refused(front):
    async def handler(reader, _writer):
        await reader.read()

    await front.machine(handler)
    chunk = (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nab"
    )
    assert status_of(await front.ask(chunk)) == 400


async def test_an_idle_connection_is_ended_after_its_time(idle_front):
    """Without a word, as Fly does; one in the middle of a head is told."""
    front = idle_front
    await front.machine()
    reader, writer = await front.knock()
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await front.within(reader.read())).endswith(b"\r\n\r\nok")
    assert await front.ask(b"") == b""
    assert status_of(await front.ask(b"GET / HT")) == 408


async def test_what_is_under_way_is_not_idle(idle_front):
    front = idle_front
    answers = asyncio.Event()

    async def handler(reader, writer):
        await answers.wait()
        writer.write(SWITCH)
        writer.write(await reader.readexactly(5))

    await front.machine(handler)
    reader, writer = await front.knock()
    writer.write(UPGRADE)
    assert await front.ask(b"") == b""  # that one was idle for its time
    answers.set()
    await front.within(reader.readuntil(b"\r\n\r\n"))
    assert await front.ask(b"") == b""
    writer.write(b"hello")
    assert await front.within(reader.readexactly(5)) == b"hello"
