"""A real Chromium in London, put there by its proxy setting alone."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from contextlib import asynccontextmanager
from itertools import groupby

import aiohttp
import pytest

from sim.control.verbs import Control
from sim.observe.events import EdgeConnection, FaultBegan, RoutingChanged
from sim.scenario.faults import inflict
from sim.scenario.live import live_fault
from sim.topology.load_topology import topology_from_mapping
from sim.world import World
from tests.browser.conftest import FLAGS, chromium_here, debugging_port, running, tab_of

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

CHECK = {"type": "http", "path": "/healthz", "interval": "2s", "timeout": "1s"}
TOPOLOGY = {
    "app": "atlas",
    "domain": "example",  # a Chromium speaks plain HTTP to no name in .dev
    "gateway": {"command": ["python", "-m", "sim.gateway"], "checks": [CHECK]},
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {}, "london": {}},
    "routing": {"ttl": "2s"},
    "services": {"database": {"kind": "postgres", "region": "iad"}},
}

# A page as an app has it: it holds a session, sends ten messages a second and connects again.
HOLD = """
window.seen = [];
window.state = {region: null, acked: 0, closed: []};
window.connect = () => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/session?id=page');
  const send = () => {
    const message = {type: 'message', seq: state.acked + 1, body: 'hello'};
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  socket.onmessage = event => {
    const said = JSON.parse(event.data);
    if (said.type === 'ready') {
      state.region = said.region;
      state.acked = said.acked;
      seen.push({region: said.region, acked: said.acked});
      send();
    }
    if (said.type === 'ack') { state.acked = said.seq; setTimeout(send, 100); }
  };
  socket.onclose = event => {
    state.region = null;
    state.closed.push(event.code);
    setTimeout(connect, 100);
  };
};
connect();
"""
UNTIL = """
new Promise(done => {
  const look = () => (CONDITION) ? done(true) : setTimeout(look, 20);
  look();
})
"""


async def until(page, condition):
    """Wait until that is so in the page."""
    assert await page.js(UNTIL.replace("CONDITION", condition))


@asynccontextmanager
async def world_of(tmp_path, **keys):
    topology = topology_from_mapping({**TOPOLOGY, **keys}, tmp_path / "topology.yaml")
    async with World(topology, seed=7) as world:
        yield world


async def show(page, url):
    """Load a page; again where an interface of this host came or went meanwhile.

    A Chromium gives up all that it has under way then (ERR_NETWORK_CHANGED).
    """
    for _ in range(5):
        await page.open(url)
        if await page.js("location.protocol") != "chrome-error:":
            return


async def close(port):
    """Close the window, as a person does."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"http://127.0.0.1:{port}/json/version") as answer:
            browser = (await answer.json())["webSocketDebuggerUrl"]
        async with http.ws_connect(browser) as socket:
            await socket.send_json({"id": 1, "method": "Browser.close"})
            async for _ in socket:
                pass


async def fault(world, **entry):
    done = live_fault(entry, world.topology)
    await inflict(world, world.journal, done.fault, done.target, done.params)


def events(world, kind):
    return [record.event for record in world.journal.records if isinstance(record.event, kind)]


async def upgraded(world, region):
    """The upgraded connections that have ended, once there is one to the region's edge."""
    more = asyncio.Event()
    world.journal.subscribe(lambda _record: more.set())
    async with world.clock.timeout(10.0 * world.clock.speed):
        while True:
            held = [event for event in events(world, EdgeConnection) if event.status == 101]
            if any(event.region == region for event in held):
                return held
            more.clear()
            await more.wait()


async def test_a_page_lives_through_the_crash_of_its_region(tmp_path):
    """Nothing in the browser knows of the simulator: it has a proxy, as in a company's network."""
    async with world_of(tmp_path) as world:
        proxy = f"--proxy-server={world.plan.entry('london')}"
        with running(tmp_path / "profile", proxy) as port:
            async with tab_of(port) as page:
                await show(page, f"http://{world.topology.hostname}/healthz")
                await page.js(HOLD)
                await until(page, "state.region === 'fra' && state.acked >= 5")
                await fault(world, fault="crash", region="fra")
                await until(page, "state.region === 'iad' && state.acked >= seen.at(-1).acked + 5")
                first, *_, last = await page.js("seen")
                assert (first["region"], first["acked"], last["region"]) == ("fra", 0, "iad")
                assert last["acked"] >= 5  # iad knows what fra had acknowledged
                assert (await page.js("state.closed"))[0] == 1006  # without a close frame: a crash
                await fault(world, fault="start", region="fra")
        # The browser is gone; a connection that the world's own end cuts has no status.
        held = await upgraded(world, region="iad")
    assert [region for region, _ in groupby(event.region for event in held)] == ["fra", "iad"]
    assert {(event.location, event.client) for event in held} == {
        ("london", world.plan.client("london", 39))
    }
    assert events(world, FaultBegan)
    assert [e.regions[0] for e in events(world, RoutingChanged) if e.location == "london"][:2] == [
        "fra",
        "iad",
    ]


async def test_sim_open_shows_the_app_over_tls(tmp_path):
    """As a person opens it, but without a screen. A .dev name is reached over TLS or not at all."""
    log = tmp_path / "said"
    os.mkfifo(log)
    browser = tmp_path / "chromium"
    flags = shlex.join(FLAGS)
    browser.write_text(
        f'#!/bin/sh\nexec {chromium_here()} {flags} "$@" 2>{shlex.quote(str(log))}\n'
    )
    browser.chmod(0o755)
    gateway = {"command": ["python", "-m", "sim.gateway"], "checks": [CHECK], "force_https": True}
    async with world_of(tmp_path, domain="fly.dev", gateway=gateway) as world, Control(world):
        command = ("-m", "sim", "open", "--from", "london", "--browser", browser)
        assert world.startup.took_ms["certificate"] > 0  # no client is the one who waits for it
        opened = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--world", world.record.id, stderr=asyncio.subprocess.PIPE
        )
        try:
            with await asyncio.to_thread(log.open) as said:
                port = await asyncio.to_thread(debugging_port, said)
                async with tab_of(port) as page:
                    await show(page, f"http://{world.topology.hostname}/healthz")
                    assert await page.js("location.protocol + isSecureContext") == "https:true"
                    await page.js(HOLD)
                    await until(page, "state.region === 'fra' && state.acked >= 3")
                await close(port)
        except BaseException:
            opened.terminate()
            await opened.wait()
            raise
        _, told = await opened.communicate()
        assert opened.returncode == 0
        assert f"in london, through {world.plan.entry('london')}" in told.decode()
