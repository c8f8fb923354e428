"""Scenarios on a world that is up: played to a verdict, held, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import aiohttp
import pytest

from sim.control.verbs import Control
from sim.observe.events import Acked, FaultBegan, LoadEnded
from sim.topology.load_topology import load_topology
from sim.world import World

pytestmark = pytest.mark.e2e

GATEWAY = Path(__file__).parents[2] / "bench" / "tiny_gateway.py"
TOPOLOGY = f"""
app: played
gateway:
  command: [{sys.executable}, {GATEWAY}]
  checks: [{{type: http, path: /, interval: 2s, timeout: 1s, grace_period: 1s}}]
regions: {{iad: {{}}, fra: {{}}}}
locations: {{london: {{}}}}
routing: {{ttl: 1s}}
"""
SCENARIO = """
name: a crash  # of Frankfurt
topology: topology.yaml
load: {driver: http, clients: 2, every: 1s}
timeline:
  - {at: 4s, fault: crash, region: fra}
duration: 12s
expect:
  - {check: served_by, location: london, region: fra, until: 4s}
  - {check: outage, location: london, max: 0s}
"""


class Seen:
    """A world with two scenarios beside its topology, and what a browser may ask of it."""

    def __init__(self, world, control, http):
        self.world, self.control, self.http = world, control, http
        self.player = control.dashboard.player

    async def ask(self, verb, **body):
        """The answer's status and object, asked as the page asks."""
        base = self.world.record.control_url
        async with self.http.post(f"{base}/{verb}", json=body, headers={"Origin": base}) as got:
            return got.status, await got.json()

    async def get(self, path):
        async with self.http.get(f"{self.world.record.control_url}{path}") as got:
            return got.status, await got.text()

    async def event(self, kind):
        """Wait for the next event of a kind."""
        came = asyncio.Event()

        def look(record):
            if isinstance(record.event, kind):
                came.set()

        self.world.journal.subscribe(look)
        async with self.world.clock.timeout(600):
            await came.wait()

    def faults(self):
        records = self.world.journal.records
        return [record.event.fault for record in records if isinstance(record.event, FaultBegan)]


@pytest.fixture
async def seen(tmp_path):
    (tmp_path / "topology.yaml").write_text(TOPOLOGY, encoding="utf-8")
    (tmp_path / "crash.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(SCENARIO.replace("topology.", "another."), "utf-8")
    (tmp_path / "deeper").mkdir()
    deeper = SCENARIO.replace("topology.yaml", "../topology.yaml")
    (tmp_path / "deeper" / "again.yaml").write_text(deeper, encoding="utf-8")
    topology = load_topology(tmp_path / "topology.yaml")
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        World(topology, seed=3, speed=10.0) as world,
        Control(world) as control,
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        async with http.get(control.dashboard.url()) as page:
            assert page.status == 200
        yield Seen(world, control, http)


@pytest.mark.realtime
async def test_a_scenario_is_played_to_its_verdict_and_report(seen):
    status, found = await seen.ask("scenarios")
    assert (status, [one["file"] for one in found]) == (
        200,
        ["crash.yaml", "deeper/again.yaml", ""],
    )
    assert found[0]["name"] == "a crash"
    assert (await seen.get("/live/report"))[0] == 404
    status, state = await seen.ask("scenario", do="start", file="crash.yaml")
    assert (status, state["runs"], state["next"]) == (200, True, "crash fra at 4 s")
    status, refused = await seen.ask("scenario", do="start", file="crash.yaml")
    assert (status, "is playing; stop it first" in refused["error"]) == (422, True)
    await seen.player.finished()
    state = seen.player.state()
    assert not state["runs"]
    assert state["verdict"]["outcome"] == "failed"  # nobody fails over in no time
    assert [one["check"] for one in state["verdict"]["findings"]] == ["served_by", "outage"]
    assert state["verdict"]["findings"][0]["held"] is True
    status, page = await seen.get("/live/report")
    assert status == 200
    assert "a crash: failed" in page


async def test_a_paused_scenario_does_no_fault_and_one_that_was_is_not_judged(seen):
    await seen.ask("scenario", do="start", file="crash.yaml")
    assert (await seen.ask("scenario", do="pause"))[1]["paused"] is True
    at_s = seen.player.state()["at_s"]
    for _ in range(8):  # the load goes on, past the crash's time: each client sends once a second
        await seen.event(Acked)
    assert seen.faults() == []
    assert seen.player.state()["at_s"] == at_s
    assert (await seen.ask("scenario", do="resume"))[1]["paused"] is False
    await seen.event(FaultBegan)
    assert seen.faults() == ["crash"]
    await seen.player.finished()
    verdict = seen.player.state()["verdict"]
    assert verdict["outcome"] == "unknown"
    assert "paused or stopped" in verdict["doubts"][0]


async def test_a_stopped_scenario_ends_its_load_and_the_next_may_begin(seen):
    await seen.ask("scenario", do="start", file="deeper/again.yaml")
    ended = asyncio.create_task(seen.event(LoadEnded))
    status, state = await seen.ask("scenario", do="stop")
    await ended
    assert (status, state["runs"], seen.faults()) == (200, False, [])
    assert (await seen.ask("scenario", do="pause"))[0] == 422
    assert (await seen.ask("scenario", do="start", file="crash.yaml"))[0] == 200


async def test_clients_alone_can_be_had_without_any_file_and_go_on_until_they_are_stopped(seen):
    status, state = await seen.ask("scenario", do="start", file="")
    assert (status, state["load_only"], state["duration_s"]) == (200, True, None)
    await seen.event(Acked)
    status, state = await seen.ask("scenario", do="stop")
    assert (state["runs"], state["verdict"]) == (False, None)


@pytest.mark.parametrize("file", ["other.yaml", "../crash.yaml", "/etc/passwd"])
async def test_only_a_scenario_of_this_topology_is_played(seen, file):
    status, refused = await seen.ask("scenario", do="start", file=file)
    assert status == 422
    assert "there are: crash.yaml, deeper/again.yaml" in refused["error"]


async def test_a_page_elsewhere_and_a_browser_without_a_key_can_do_nothing(seen):
    base = seen.world.record.control_url
    crash = {"fault": "crash", "region": "fra"}
    for headers in ({"Origin": "http://elsewhere.example"}, {}):
        async with seen.http.post(f"{base}/fault", json=crash, headers=headers) as got:
            assert got.status in (401, 403)
    async with aiohttp.ClientSession() as stranger:
        for path in ("/live/world", "/live/frames", "/live/log?machine=x", "/page.js"):
            async with stranger.get(base + path) as got:
                assert got.status == 401, path
        async with stranger.post(f"{base}/fault", json=crash, headers={"Origin": base}) as got:
            assert got.status == 401
        async with stranger.get(f"{base}/") as got:
            assert got.status == 401
            assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    assert seen.faults() == []


async def test_a_watcher_whose_connection_is_cut_comes_back_with_the_same_cookie(seen):
    """The control server ends and is restarted beneath the page, as upkeep does it."""
    base = seen.world.record.control_url
    async with seen.http.get(f"{base}/live/frames") as stream:
        assert (await stream.content.readline()).startswith(b"data: {")
        await seen.world.upkeep.unwatch("control server")  # it would restart it beside us
        await seen.control._server.restart()
        with contextlib.suppress(aiohttp.ClientError):
            while await stream.content.readline():
                pass
    async with seen.http.get(f"{base}/live/frames") as stream:
        assert (await stream.content.readline()).startswith(b"data: {")
        assert seen.control.dashboard._feed.watchers == 1  # the first one is not waited for
