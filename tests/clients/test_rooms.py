"""Drivers of rooms that outlive connections: numbers go on, so that what is lost is found."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from sim.clients.driver import LaggingLedger
from sim.clients.driver_loading import load_driver
from sim.observe.events import Acked, Audited, Disconnected, Sent, SessionReady
from sim.observe.history import History
from sim.observe.ledger import balance
from sim.scenario.audit import audit_drivers
from sim.scenario.load_scenario import scenario_from_mapping

ROOMS: dict[str, Any] = {
    "websocket": "/live?ticket={client}",
    "hello": {"op": "join"},
    "ready": {"match": {"op": "joined"}, "session": "$.room"},
    "send": {"op": "say", "n": "{seq}"},
    "ack": {"match": {"op": "said"}, "sequence": "$.n"},
    "stored": {"get": "/rooms/{session}", "sequence": "$.messages[*].n"},
}
UNNAMED = {
    **ROOMS,
    "ready": {"match": {"op": "joined"}},
    "stored": {"get": "/rooms/room of {client}".replace(" ", "%20"), "sequence": "$.messages[*].n"},
}


def declared(document, topology):
    scenario = {"topology": "x", "load": {"driver": document}, "duration": "9s"}
    return scenario_from_mapping(scenario, topology).load.driver


async def cut_off(world, driver, *, forgets):
    """Runs one client's load with a cut in its middle, and gives the ledger."""
    load = world.load(driver=driver, clients=1, every_s=0.5, timeout_s=30.0)
    running = asyncio.create_task(load.run(8.0))
    await world.seen(Acked, 3)
    if forgets:
        world.store.clear()
    world.gateways["iad"].drop()
    await running
    machines = {
        region: SimpleNamespace(id=region, condition="started", endpoint=gateway.endpoint)
        for region, gateway in world.gateways.items()
    }
    audience = SimpleNamespace(
        topology=world.topology,
        fleet=SimpleNamespace(machines=machines),
        journal=world.journal,
        clock=world.clock,
        database_url=lambda: None,
    )
    await audit_drivers(audience, load.drivers, load.records())
    assert [audited.error for audited in world.events(Audited)] == [None]
    assert world.events(Disconnected)
    return balance(History(world.journal.records))


@pytest.mark.parametrize("document", [ROOMS, {**ROOMS, "resume": {}}, UNNAMED])
@pytest.mark.parametrize("forgets", [False, True])
async def test_a_declared_driver_numbers_on(small_world, small_topology, document, forgets):
    world = await small_world()
    driver = declared(document, small_topology)
    ledger = await cut_off(world, driver, forgets=forgets)
    assert [(sent.session, sent.seq) for sent in world.events(Sent) if sent.attempt == 1] == [
        (world.events(SessionReady)[0].session, n + 1)
        for n in range(len({sent.seq for sent in world.events(Sent)}))
    ]
    assert not ledger.mistakes
    lost = [anomaly.seq for anomaly in ledger.anomalies]
    assert lost[:3] == [1, 2, 3] if forgets else not lost
    assert {anomaly.kind for anomaly in ledger.anomalies} <= {"lost"}


async def test_a_session_of_a_new_name_begins_at_1(small_world, small_topology):
    world = await small_world()
    named = {**ROOMS, "websocket": "/live?ticket={session}"}
    ledger = await cut_off(world, declared(named, small_topology), forgets=False)
    sessions = {sent.session for sent in world.events(Sent)}
    assert len(sessions) >= 2
    for session in sessions:
        assert next(sent.seq for sent in world.events(Sent) if sent.session == session) == 1
    assert (ledger.mistakes, ledger.anomalies) == ([], [])


@pytest.mark.parametrize(("said", "lag_s"), [({}, 0.0), ({"settles_within": "2s"}, 2.0)])
def test_a_declared_store_may_lag(small_topology, said, lag_s):
    document = {**ROOMS, "stored": {**ROOMS["stored"], **said}}
    driver = load_driver(declared(document, small_topology))()
    assert isinstance(driver, LaggingLedger)
    assert driver.settles_within_s == lag_s
