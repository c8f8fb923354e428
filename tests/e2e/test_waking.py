"""A machine that is suspended under a client: what it reads, and what its next message does."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
import yaml

from sim.clock import Clock

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

TOPOLOGY = {
    "app": "atlas",
    "gateway": {
        "command": ["python", "-m", "sim.gateway"],
        "auto_stop": "suspend",
        "checks": [{"type": "http", "path": "/healthz", "interval": "5s"}],
    },
    "regions": {"fra": {"machines": 2, "primary": True}},
    "locations": {"london": {}},
    "routing": {"mode": "anycast"},
    "services": {"database": {"kind": "postgres", "region": "fra"}},
}


async def say(http, url, seq):
    """Store a message of a session: what the gateway knew of it, and the open connection."""
    ws = await http.ws_connect(url)
    ready = await ws.receive_json()
    await ws.send_json({"type": "message", "seq": seq, "body": "hello"})
    assert await ws.receive_json() == {"type": "ack", "seq": seq}
    return ready, ws


async def ended(ws):
    """How the server ends a connection on which nobody says anything."""
    frame = await ws.receive()
    while frame.type is aiohttp.WSMsgType.TEXT:
        frame = await ws.receive()
    return frame.data


def test_its_client_reads_1001_and_its_next_message_wakes_one(sim, tmp_path):
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY))
    assert sim("up", tmp_path / "topology.yaml", "--detach", "--speed", 20).returncode == 0
    answer = sim("dig", "--from", "london", "atlas.fly.dev").stdout
    (address,) = re.findall(r"IN\s+A\s+(\d\S+)", answer)

    urls = [f"http://{address}:8480/session?id={name}" for name in "ab"]

    async def first_to_be_told():
        """Two clients, one at each machine: the first whose machine is more than is needed."""
        async with aiohttp.ClientSession() as http, Clock().timeout(60.0):
            talks = [(await say(http, url, 1), url) for url in urls]
            waiting = {asyncio.create_task(ended(ws)): url for (_, ws), url in talks}
            (first,), others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for other in others:
                other.cancel()
            assert first.result() == 1001
            return waiting[first]

    async def goes_on(url):
        async with aiohttp.ClientSession() as http, Clock().timeout(60.0):
            ready, _ = await say(http, url, 2)
            assert ready["acked"] == 1

    def states():
        return {machine["state"] for machine in sim.json("machine", "list")}

    url = asyncio.run(first_to_be_told())
    while states() != {"suspended"}:  # the one that is left has nothing to do either
        pass
    asyncio.run(goes_on(url))
    assert "started" in states()
