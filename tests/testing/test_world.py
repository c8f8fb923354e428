"""A real world in a test's hands."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest

from sim.errors import StartError
from sim.observe.events import Connected
from sim.observe.journal import decode
from sim.report.outcome import judge
from sim.testing import CutOffError, ExpectationError, InputError, NotSettledError, open_world
from sim.topology.load_topology import topology_from_mapping
from sim.world import World

pytestmark = pytest.mark.e2e

TOPOLOGY = Path(__file__).parents[2] / "topologies" / "outages" / "two-regions.yaml"


@pytest.fixture(scope="module")
def shared():
    with open_world(TOPOLOGY, seed=3, speed=10) as world:
        yield world


@pytest.fixture
def world(shared, request, tmp_path):
    shared.begin_test(request.node.nodeid, tmp_path)
    yield shared
    shared.restore()


async def test_a_client_is_answered_by_its_region_and_by_the_other_after_a_crash(world):
    client = world.client("london")
    first = await client.get("/")
    assert (first.status, first.region, first.json()["region"]) == (200, "fra", "fra")
    world.expect.served_by("london", "fra")
    await world.region("fra").crash()
    refused = await client.get("/")
    # The edge's word: 502 where it still believes in the machine, 503 where it no longer does.
    assert (refused.status in (502, 503), refused.region) == (True, "fra")
    await world.settled()
    assert world.led_to("london") == ("iad",)
    await client.disconnect()
    await world.sleep("5s")  # what the topology's TTL lets it remember
    assert await client.resolve() == "iad"
    assert (await client.get("/")).region == "iad"


async def test_a_fault_waits_for_its_event(world):
    client = world.client("london", timeout="20s")
    session = await client.session()
    due = {"event": "acked", "client": client.name, "nth": 2}
    cut = asyncio.create_task(world.fault("reset", location="london", when=due))
    await session.send("one")
    await session.ack()
    await world.sleep("1s")
    assert not cut.done()
    await session.send("two")
    await cut
    assert "connection" in await session.lost()


async def test_an_answer_that_is_no_service_counts_as_refused(world):
    answer = await world.client("london").get("/nowhere")
    assert (answer.status, answer.region) == (404, "fra")
    with pytest.raises(ExpectationError, match="status 404"):
        world.expect.errors(max="0%")


async def test_a_client_that_gets_no_answer_is_cut_off(world):
    client = world.client("london", timeout="2s")
    await client.get("/")
    await world.link("london", "fra").partition()
    with pytest.raises(CutOffError, match=r"london/\d+ got no answer from fra: no answer in time"):
        await client.get("/")
    await world.location("london").dns_outage()
    with pytest.raises(CutOffError, match="cannot resolve"):
        await world.client("london", timeout="2s").resolve()


async def test_a_session_is_resumed_elsewhere_with_all_it_had(world):
    client = world.client("london", timeout="20s")
    session = await client.session()
    assert (session.region, session.resumed, session.acked) == ("fra", False, 0)
    assert [await session.send("one"), await session.send("two")] == [1, 2]
    await session.ack()
    await world.machine("fra/1").crash()
    assert "connection" in await session.lost()
    with pytest.raises(CutOffError, match="lost fra"):
        await session.send("three")
    await world.settled()
    await world.sleep("5s")
    again = await client.session()
    assert (again.id, again.region, again.resumed) == (session.id, "iad", True)
    assert (again.acked, again.forgotten) == (2, 0)
    assert await again.send("three") == 3
    await again.ack(3)
    world.expect.sessions(resumed="all")


async def test_settled_waits_until_the_checks_have_looked(world):
    await world.region("fra").freeze()
    assert world.healthy_regions == {"iad", "fra"}
    with pytest.raises(NotSettledError, match="fra/1 is frozen, believed passing, not checked"):
        await world.settled(within="100ms")
    await world.settled()
    assert world.healthy_regions == {"iad"}
    await world.region("fra").thaw()
    await world.settled()
    assert world.healthy_regions == {"iad", "fra"}


async def test_two_loads_are_judged_apart(world):
    """The first loses a region; of that the second knows nothing, and each has its own audit."""
    async with world.load(driver="session", clients=4, every="500ms") as load:
        await load.everyone_served()
        await world.link("london", "fra").reset()
        await load.everyone_served()
    world.expect.sessions(resumed="all")
    world.expect.messages(lost=0, duplicated=0)
    async with world.load(driver="session", clients=4, every="500ms") as load:
        await load.everyone_served()
    world.expect.messages(lost=0, duplicated=0)
    with pytest.raises(ExpectationError, match="no session was interrupted"):
        world.expect.sessions(resumed="all")
    outcome = world.outcome()
    assert outcome.report["sessions"]["opened"] == 4
    assert outcome.evidence.ledger.audited
    lines = world.journal_lines()
    assert judge([decode(line) for line in lines], "journal").report == outcome.report


@pytest.mark.realtime
async def test_an_outage_is_measured_by_a_load(world):
    async with world.load(driver="echo", clients=4, every="500ms", timeout="1s") as load:
        await load.everyone_served()
        await world.link("london", "fra").partition()
        with pytest.raises(TimeoutError, match="clients were not served within 4s: london/"):
            await load.everyone_served(within="4s")
        await world.link("london", "fra").heal()
        await load.everyone_served()
    world.expect.outage("london", min="3s")
    with pytest.raises(ExpectationError, match="outage: london, at most 1 s: FAILED"):
        world.expect.outage("london", max="1s")
    world.expect.outage("new-york", max="0s")
    world.expect("dns", location="london", region="fra")


async def test_an_event_is_waited_for(world):
    seeing = asyncio.create_task(world.seen(lambda event: isinstance(event, Connected)))
    client = world.client("new-york")
    while not seeing.done():
        await client.get("/")
        await client.disconnect()
    assert (await seeing).region == "iad"
    with pytest.raises(TimeoutError, match="no such event was seen within 100ms"):
        await world.seen(lambda _: False, within="100ms")
    with pytest.raises(ZeroDivisionError):
        await asyncio.gather(world.seen(lambda _: bool(1 / 0)), client.get("/"))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda w: w.region("frb").crash(), "no region `frb`; did you mean `fra`"),
        (lambda w: w.machine("fra/2").crash(), "region `fra` has 1 machine"),
        (lambda w: w.link("london", "paris").reset(), "no region or location `paris`"),
        (lambda w: w.link("london", "fra").slow(), "needs `latency`, `jitter` or `bandwidth`"),
        (lambda w: w.link("london", "fra").slow("20"), "latency: found `20`"),
        (lambda w: w.fault("crush", region="fra"), "unknown fault `crush`; did you mean `crash`"),
        (lambda w: w.run(TOPOLOGY.parent.parent / "frankfurt-crash.yaml"), "another topology"),
    ],
)
async def test_a_mistake_is_told_as_of_a_scenario(world, mistake, message):
    with pytest.raises(InputError, match=message):
        await mistake(world)


def test_a_mistake_in_words_is_told_at_once(world):
    with pytest.raises(InputError, match="no location `londn`; did you mean `london`"):
        world.client("londn")
    with pytest.raises(InputError, match="unknown resolver `lax`"):
        world.client("london", resolver="lax")
    with pytest.raises(InputError, match="clients: found"):
        world.load(clients=0)
    with pytest.raises(InputError, match="unknown key `maximum`"):
        world.expect("outage", location="london", maximum="1s")


@pytest.mark.realtime
async def test_a_scenario_runs_in_a_world_that_is_up(world, tmp_path):
    path = tmp_path / "quick.scenario.yaml"
    path.write_text(
        f"name: quick\ntopology: {TOPOLOGY}\nduration: 3s\n"
        "load: {driver: echo, clients: 4, every: 500ms}\n"
        "expect:\n  - {check: served_by, location: london, region: fra}\n"
    )
    outcome = await world.run("quick.scenario.yaml")
    assert (outcome.verdict.outcome, outcome.report["scenario"]) == ("held", "quick")


async def test_what_a_test_leaves_running_ends_and_is_healed(world):
    client = world.client("london")
    await client.session()
    await world.load(driver="echo", clients=2, every="500ms").__aenter__()
    await world.region("fra").crash()
    await world.location("london").dns_outage()
    await asyncio.to_thread(world.restore)
    assert world.healthy_regions == {"iad", "fra"}
    assert (await world.client("london").get("/")).region == "fra"


async def test_a_world_takes_the_open_files_that_its_process_may_have(tmp_path):
    """Not those of the command alone: a user's own process of tests has worlds as well."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most - 1, most))
    broken = {"app": "demo", "gateway": {"command": ["./nowhere"]}, "regions": {"fra": {}}}
    topology = topology_from_mapping({**broken, "locations": {"london": {}}})
    with pytest.raises(StartError, match="no program"):
        async with World(topology, seed=1):
            pass
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)


async def test_a_world_that_cannot_come_up_says_why(tmp_path):
    with pytest.raises(InputError, match="there is no such topology"):
        open_world(tmp_path / "nowhere.yaml").__enter__()
    with pytest.raises(InputError, match="unknown runtime `dokcer`"):
        open_world(TOPOLOGY, runtime="dokcer")
    with pytest.raises(InputError, match="speed: found 0"):
        open_world(TOPOLOGY, speed=0)
