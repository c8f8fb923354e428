"""Resolvers that people have: musl's stub, which containers of Alpine have, and unbound."""

import asyncio
import shutil
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from sim.clock import Clock
from sim.processes import namespace
from sim.routing.dns.nameserver import PORT, _permitted_port
from sim.routing.resolver import Resolver
from tests.slot import address

HOST = "atlas-voice-v2.fly.dev"
SOURCE = Path(__file__).with_name("looks_up.c")
UNBOUND = (address("240.2"), 20532)


async def said(*command):
    """What a command prints."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return out.decode().strip()


@pytest.fixture
async def at_port_53(topology, plan, journal):
    """A resolver where stub resolvers look for one."""
    if _permitted_port(plan.nameserver("london")) != PORT:
        pytest.skip("port 53 may not be bound here")
    resolver = Resolver(topology, plan, Clock(), journal, PORT)
    await resolver.start()
    resolver.serve(frozenset(topology.regions))
    yield resolver
    await resolver.stop()


@pytest.fixture
async def looks_up(tmp_path):
    """A program whose libc is musl."""
    program = tmp_path / "looks_up"
    assert await said("musl-gcc", "-static", "-o", program, SOURCE) == ""
    return program


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="musl-gcc is not installed")
@pytest.mark.skipif(bool(namespace.obstacle()), reason="no nameserver of one's own here")
@pytest.mark.parametrize("search", ["fly.dev", "corp.example fly.dev", "example fly.dev ."])
async def test_musl_goes_on_to_the_next_search_domain(at_port_53, plan, tmp_path, looks_up, search):
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver {plan.nameserver('london')}\nsearch {search}\n")
    found = await said(
        *namespace.wrapped({namespace.RESOLV: resolv}, (str(looks_up), "atlas-voice-v2"))
    )
    assert found == plan.link("london", "fra").host


UNBOUND_CONFIG = """
server:
  interface: {host}@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  module-config: "iterator"
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 1
forward-zone:
  name: "."
  forward-addr: {nameserver}@{asked}
"""


@pytest.fixture
async def unbound(resolver, plan, tmp_path):
    """A running unbound that asks London's nameserver for everything."""
    host, port = UNBOUND
    config = tmp_path / "unbound.conf"
    config.write_text(
        UNBOUND_CONFIG.format(
            host=host,
            port=port,
            folder=tmp_path,
            nameserver=plan.nameserver("london"),
            asked=resolver.port,
        )
    )
    process = await asyncio.create_subprocess_exec(
        "unbound", "-d", "-c", str(config), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    log = b""
    while b"start of service" not in log:
        line = await process.stderr.readline()
        assert line, log.decode()
        log += line
    yield UNBOUND
    process.terminate()
    await process.communicate()


@pytest.mark.skipif(not shutil.which("unbound"), reason="unbound is not installed")
async def test_unbound_is_told_what_there_is_and_what_there_is_not(unbound, plan):
    async def ask(name, rtype="A"):
        query = dns.message.make_query(name, rtype)
        reply = await dns.asyncquery.udp(query, unbound[0], port=unbound[1], timeout=10)
        return dns.rcode.to_text(reply.rcode()), [r.to_text() for rs in reply.answer for r in rs]

    assert await ask(HOST) == ("NOERROR", [plan.link("london", "fra").host])
    assert await ask(HOST, "AAAA") == ("NOERROR", [])
    assert await ask("nobody." + HOST) == ("NXDOMAIN", [])
    assert await ask("example.com") == ("NXDOMAIN", [])
