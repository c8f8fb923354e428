"""fly-replay and the headers by which clients choose: what they mean, and what crosses the wire."""

from __future__ import annotations

import asyncio
import json

import h11
import pytest

from sim.routing.edge import replay
from sim.routing.edge.constraints import constraints_of, regions_meant
from sim.routing.edge.replay import Directive, InvalidReplayError
from sim.routing.machine_choice import Constraints, MachineView
from sim.topology.addresses import Endpoint
from tests.routing.edge.atlantic import GET, Atlantic, field_of, machine_of, status_of
from tests.routing.edge.conftest import says

REGIONS = ("iad", "fra", "ams", "yyz", "syd", "gru", "jnb", "own")
FRA, IAD = frozenset({"fra"}), frozenset({"iad"})
FRA1 = MachineView("fra1", Endpoint("127.0.0.1", 1), healthy=True, region="fra")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fra", {"fra"}),
        ("xxx", set()),
        ("eu", {"fra", "ams"}),
        ("na", {"iad", "yyz"}),
        ("us", {"iad"}),
        ("usa", {"iad"}),
        ("apac", {"syd"}),
        ("sa", {"gru"}),
        ("any", set(REGIONS)),
    ],
)
def test_what_a_code_or_an_alias_means(name, meant):
    assert regions_meant(name, REGIONS) == meant


@pytest.mark.parametrize(
    ("fields", "constraints"),
    [
        ({}, Constraints()),
        ({"fly-prefer-region": "fra, iad"}, Constraints((FRA, IAD, frozenset(REGIONS)))),
        ({"Fly-Force-Region": "fra"}, Constraints((FRA,))),
        ({"fly-force-region": "xxx"}, Constraints((frozenset(),))),
        ({"fly-force-region": "fra", "fly-prefer-region": "iad"}, Constraints((FRA,))),
        ({"fly-prefer-instance-id": "3d8d"}, Constraints(preferred="3d8d")),
        ({"fly-force-instance-id": "3D8D"}, Constraints(forced="3d8d")),
    ],
)
def test_what_a_request_asks_for(fields, constraints):
    raw = [(key.encode(), value.encode()) for key, value in fields.items()]
    assert constraints_of(raw, REGIONS) == constraints


@pytest.mark.parametrize(
    ("value", "directive"),
    [
        ("region=iad", Directive(regions=("iad",))),
        ('region="iad, any";state=a=b', Directive(regions=("iad", "any"), state="a=b")),
        ("instance=3d8d; elsewhere=true", Directive(instance="3d8d", elsewhere=True)),
        ("elsewhere=false;prefer_instance=x", Directive(prefer_instance="x")),
        ("app=other;timeout=800ms", Directive(app="other", timeout_s=0.8)),
        ("region=iad;fallback=prefer_self;", Directive(("iad",), fallback="prefer_self")),
        ('state="a;b";region=eu', Directive(("eu",), state="a;b")),
    ],
)
def test_the_header_form(value, directive):
    assert replay.in_header([(b"Fly-Replay", value.encode())]) == directive


@pytest.mark.parametrize(
    "value",
    ["", "iad", "region", "region=", "regio=iad", 'region="iad', "timeout=5", "fallback=me"],
)
def test_a_header_that_means_nothing_is_invalid(value):
    with pytest.raises(InvalidReplayError):
        replay.in_header([(b"fly-replay", value.encode())])


def test_the_json_form_can_change_the_request():
    transform = {
        "path": "/other?x=1",
        "delete_headers": ["Cookie"],
        "set_headers": [{"name": "X-Tenant", "value": "7"}],
    }
    data = {"region": "iad", "transform": transform, "cache": {"ttl": 10}}
    directive = replay.in_json(json.dumps(data).encode())
    assert directive.regions == ("iad",)
    request = h11.Request(
        method="GET", target="/", headers=[("Host", "h"), ("Cookie", "c"), ("x-tenant", "6")]
    )
    changed = directive.transformed(request)
    assert changed.target == b"/other?x=1"
    assert changed.headers.raw_items() == [(b"Host", b"h"), (b"X-Tenant", b"7")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"region": 5}',
        b'{"reg": "x"}',
        b'{"region": "x", "transform": {"path": "no"}}',
        b'{"region": "x", "transform": {"set_headers": [{"name": "a"}]}}',
        b'{"region": "x", "transform": {"delete_headers": ["Content-Length"]}}',
        b'{"region": "x", "transform": 5}',
    ],
)
def test_json_that_means_nothing_is_invalid(body):
    with pytest.raises(InvalidReplayError):
        replay.in_json(body)


def test_a_region_is_a_force_and_elsewhere_shuts_out_who_said_it():
    assert Directive(regions=("iad",)).constraints(FRA1, REGIONS) == Constraints(
        (frozenset({"iad"}),)
    )
    assert Directive(elsewhere=True).constraints(FRA1, REGIONS) == Constraints(
        never=frozenset({"fra1"})
    )


# --- on the stream -----------------------------------------------------------------------------


def replays(value):
    """A machine that sends everything elsewhere."""
    head = f"HTTP/1.1 202 Accepted\r\nfly-replay: {value}\r\nContent-Length: 5\r\n\r\nnever"
    return says(head.encode())


def asking(**fields):
    lines = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in fields.items())
    return GET.replace(b"Connection", lines.encode() + b"Connection")


async def test_a_replayed_request_is_answered_by_whom_it_names():
    async with Atlantic() as atlantic:
        origin = await atlantic.machine("fra1", replays("region=iad;state=s1"))
        target = await atlantic.machine("iad1")
        answer = await atlantic.ask(asking(fly_replay_src="forged"))
        assert (status_of(answer), machine_of(answer)) == (200, "iad1")
        assert b"never" not in answer
        assert field_of(answer, "fly-replay") is None
        src = str(target.header("fly-replay-src")).split(";")
        assert src[:2] == ["instance=fra1", "region=fra"]
        assert src[2].startswith("t=")
        assert src[3:] == ["state=s1"]
        assert origin.header("fly-replay-src") is None
        (visit,) = await atlantic.visits()
        assert (visit.region, visit.machine, visit.machine_region) == ("fra", "iad1", "iad")


async def test_a_body_goes_along_whole():
    async def whole(reader, writer):
        body = await reader.readexactly(500_000)
        text = str(body.count(b"x")).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))

    async def after_some(reader, writer):
        await reader.readexactly(100_000)
        writer.write(b"HTTP/1.1 200 OK\r\nfly-replay: region=iad\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", after_some)
        await atlantic.machine("iad1", whole)
        head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\nConnection: close\r\n\r\n"
        answer = await atlantic.ask(head + b"x" * 500_000)
        assert answer.endswith(b"\r\n\r\n500000")


async def test_a_body_beyond_what_is_buffered_cannot_be_replayed():
    async def after_much(reader, writer):
        await reader.readexactly(11_000_000)
        writer.write(b"HTTP/1.1 200 OK\r\nfly-replay: region=iad\r\nContent-Length: 0\r\n\r\n")

    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", after_much)
        await atlantic.machine("iad1")
        reader, writer = await atlantic.knock()
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11000001\r\n\r\n")
        writer.write(b"x" * 11_000_000)
        head = await atlantic.within(reader.readuntil(b"\r\n\r\n"))
        assert status_of(head) == 502
        assert (await atlantic.within(reader.readline())).startswith(b"PA01: ")


async def test_a_websocket_is_replayed_when_the_app_answers_in_plain_http():
    switch = (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )

    async def echo(reader, writer):
        writer.write(switch)
        while data := await reader.read(1000):
            writer.write(data)

    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", replays("instance=iad1"))
        await atlantic.machine("iad1", echo)
        reader, writer = await atlantic.knock()
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nhey"
        )
        head = await atlantic.within(reader.readuntil(b"\r\n\r\n"))
        assert (status_of(head), machine_of(head)) == (101, "iad1")
        assert await atlantic.within(reader.readexactly(3)) == b"hey"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("region=iad", b"PA02: "),  # Ashburn sends it back to Frankfurt
        ("nonsense", b"PA03: "),
        ("app=other", b"PA04: there is no app other"),
    ],
)
async def test_what_cannot_be_replayed_is_an_error_of_the_apps(value, says):
    async with Atlantic() as atlantic:
        here = await atlantic.machine("fra1", replays(value))
        there = await atlantic.machine("iad1", replays("region=fra"))
        answer = await atlantic.ask()
        assert status_of(answer) == 502
        assert answer.partition(b"\r\n\r\n")[2].startswith(says)
        if says == b"PA02: ":
            assert here.connections + there.connections == 11  # ten replays


async def test_elsewhere_goes_to_a_sibling():
    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", replays("elsewhere=true"))
        await atlantic.machine("fra2", says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        assert {machine_of(await atlantic.ask()) for _ in range(3)} == {"fra2"}


async def test_a_region_without_a_machine_is_an_error_unless_any_is_listed():
    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", replays("region=syd"))
        await atlantic.machine("fra2")
        atlantic.becomes("fra2", cordoned=True)
        answer = await atlantic.ask()
        assert status_of(answer) == 503
        assert b"PR01: " in answer
        atlantic.becomes("fra1", cordoned=True)
        await atlantic.machine("iad1", replays('elsewhere=true;region="syd,any"'))
        atlantic.becomes("fra2", cordoned=False)
        atlantic.becomes("fra2", healthy=False)
        asked = asyncio.create_task(atlantic.ask())
        atlantic.becomes("fra2", healthy=True)
        assert machine_of(await asked) == "fra2"


@pytest.mark.parametrize("fallback", ["force_self", "prefer_self"])
async def test_a_replay_that_fails_comes_back_if_it_is_asked_to(fallback):
    """The machine answers itself once it is told that the replay failed."""
    async with Atlantic(speed=50) as atlantic:

        async def handler(_reader, writer):
            if origin.header("fly-replay-failed"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            else:
                value = f"region=iad;timeout=5s;fallback={fallback}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nfly-replay: %s\r\n\r\n" % value)

        origin = await atlantic.machine("fra1", handler)
        atlantic.dead("iad1")
        answer = await atlantic.ask()
        assert (status_of(answer), machine_of(answer)) == (200, "fra1")
        told = dict(
            part.split("=", 1) for part in str(origin.header("fly-replay-failed")).split(";")
        )
        assert told.pop("elapsed_ms").isdigit()
        assert told == {
            "app": "demo",
            "region": "iad",
            "replay_source": "fra1",
            "reason": "timeout",
        }


async def test_json_of_flys_type_is_a_replay_and_other_json_is_an_answer():
    body = json.dumps({"instance": "iad1", "transform": {"path": "/moved"}}).encode()

    def answers(kind):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        return says(head.encode() + body)

    async with Atlantic() as atlantic:
        await atlantic.machine("fra1", answers("application/vnd.fly.replay+json; charset=utf-8"))
        target = await atlantic.machine("iad1", answers("application/json"))
        answer = await atlantic.ask()
        assert answer.endswith(body)
        assert machine_of(answer) == "iad1"
        assert target.heads[0].startswith(b"GET /moved HTTP/1.1\r\n")


async def test_a_client_may_choose_a_region_or_a_machine():
    async with Atlantic() as atlantic:
        for name in ("fra1", "fra2", "iad1"):
            await atlantic.machine(name)
        for fields, expected in [
            ({"fly_force_region": "iad"}, "iad1"),
            ({"fly_prefer_region": "syd,iad"}, "iad1"),
            ({"fly_prefer_instance_id": "fra2"}, "fra2"),
            ({"fly_force_instance_id": "iad1"}, "iad1"),
        ]:
            answers = [machine_of(await atlantic.ask(asking(**fields))) for _ in range(2)]
            assert answers == [expected, expected]
        assert status_of(await atlantic.ask(asking(fly_force_region="syd"))) == 503


async def test_a_preferred_machine_that_cannot_be_had_is_named():
    async with Atlantic() as atlantic:
        machine = await atlantic.machine("fra1")
        answer = await atlantic.ask(asking(fly_prefer_instance_id="gone"))
        assert machine_of(answer) == "fra1"
        assert machine.header("fly-preferred-instance-unavailable") == "gone"
        await atlantic.ask(asking(fly_prefer_instance_id="fra1"))
        assert machine.header("fly-preferred-instance-unavailable") is None
