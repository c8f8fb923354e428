"""Mutation of the checks: one anomaly planted among 500 clients turns its check red, and no other.

So a check that is removed, or always holds, fails the tests of what is planted for it: nothing else
sees that.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.observe.events import (
    Acked,
    Audited,
    Connected,
    ConnectFailed,
    Disconnected,
    FaultBegan,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    MachineDied,
    Resolved,
    RoutingChanged,
    RunStarted,
    Sent,
    SessionReady,
    Stored,
)
from sim.observe.events.releases import (
    DeployBegan,
    DeployEnded,
    DeployStep,
    MachineBooted,
    SecretsChanged,
)
from sim.observe.history import History
from sim.observe.journal import Record
from sim.scenario import verdict
from sim.scenario.checks import CHECKS
from sim.scenario.evidence import Evidence
from sim.scenario.load_scenario import scenario_from_mapping
from sim.topology.load_topology import topology_from_mapping

CLIENTS, EVERY_S, CUT_S, BACK_S, END_S = 500, 4, 20.0, 21.0, 60.0
MACHINES = ("iad/1", "fra/1", "fra/2")
HOME = {"new-york": "iad", "london": "fra"}
TOPOLOGY = {
    "app": "atlas",
    "gateway": {"command": ["python", "-m", "sim.gateway"]},
    "regions": {"iad": {"primary": True}, "fra": {"machines": 2}},
    "locations": {"new-york": {"share": 60}, "london": {"share": 40}},
    "services": {"database": {"kind": "postgres", "region": "iad"}},
    "policies": {"residency": {"eu": {"locations": ["london"], "regions": ["fra"]}}},
}
SCENARIO = {
    "name": "planted",
    "topology": "atlas.yaml",
    "load": {"driver": "session", "clients": CLIENTS, "every": f"{EVERY_S}s"},
    "timeline": [{"at": "20s", "fault": "crash", "machine": "fra/1"}],
    "duration": "60s",
    "expect": [
        {"check": "served_by", "location": "london", "region": "fra", "until": "20s"},
        {"check": "served_by", "location": "new-york", "region": "iad"},
        {"check": "outage", "location": "london", "max": "12500ms"},
        {"check": "outage", "location": "new-york", "max": "0s"},
        {"check": "messages", "lost": 0},
        {"check": "messages", "duplicated": 0},
        {"check": "messages", "reordered": 0},
        {"check": "sessions", "resumed": "all"},
        {"check": "latency", "location": "london", "percentile": "p99", "max": "100ms"},
        {"check": "gaps", "location": "london", "percentile": 99, "max": "6500ms"},
        {"check": "residency", "policy": "eu"},
        {"check": "errors", "location": "london", "max": "1%"},
        {"check": "dns", "location": "london", "region": "fra"},
        {"check": "herd", "region": "fra", "max": "250/s"},
        {"check": "deploy", "outcome": "done", "max": 0},
        {"check": "disconnects", "by": "gateway", "max": 0},
        {"check": "in_step"},
        {"check": "cost", "max": 6},
    ],
}


def clean():
    """A run in which one of Frankfurt's machines dies and all is well: (time, event) pairs."""
    pairs = [
        *((-1.0, event) for machine in MACHINES for event in booted(machine)),
        (-1.0, RoutingChanged("london", ("fra", "iad"))),
        (-1.0, RoutingChanged("new-york", ("iad", "fra"))),
        (50.0, DeployBegan(2, "rolling", ("fra/2",), "atlas:2")),
        (50.0, DeployStep(2, "update", "fra/2", "fra")),
        (58.0, DeployEnded(2, "done")),
        (CUT_S, FaultBegan("crash", "fra/1", {"kind": "machine", "region": "fra"})),
        (CUT_S, MachineChanged("fra/1", "fra", "stopped")),
    ]
    for number in range(CLIENTS):
        pairs += life(number, "new-york" if number < CLIENTS * 0.6 else "london")
    return pairs


def booted(machine, image="atlas:1", secrets=1):
    """A machine that begins to run."""
    region = machine.partition("/")[0]
    yield MachineBooted(machine, region, image, secrets)
    yield MachineChanged(machine, region, "started")


def life(number, location):
    client, session, region = f"{location}/{number}", f"s{number}", HOME[location]
    phase = number % 20 / 5
    yield phase, Resolved(client, location, region, "127.0.0.1", None)
    yield phase, Connected(client, location, region, f"{region}/1")
    yield phase, SessionReady(client, session, region, f"{region}/1", False, 0, 0)  # noqa: FBT003
    machine = f"{region}/1"
    for seq in range(1, int(END_S / EVERY_S)):
        at = phase + EVERY_S * seq
        if location == "london" and machine == "fra/1" and at >= CUT_S:
            back = BACK_S + number % 10 / 10
            machine = "fra/2"
            cut = Disconnected(client, location, region, "fra/1", "cut", how="broken", code=1006)
            yield CUT_S, cut
            yield back, Connected(client, location, region, machine)
            held = seq - 1
            yield back, SessionReady(client, session, region, machine, True, held, held)  # noqa: FBT003
            at = max(at, back)
        yield at, Sent(client, session, seq)
        yield at + 0.02, Acked(client, session, seq, region, machine, 20.0)
        yield END_S + 1, Stored(session, seq, region, machine)


def judged(pairs):
    """The names of the expectations that are red, and of those that are not known."""
    started = RunStarted(7, 1.0, "process", "embedded", "0", TOPOLOGY, SCENARIO)
    records = [Record(-2.0, started), Record(0.0, LoadStarted(clients=CLIENTS))]
    records += [Record(t, event) for t, event in pairs]
    records += [Record(END_S, LoadEnded()), Record(END_S + 2, Audited())]
    records.sort(key=lambda record: record.t)
    topology = topology_from_mapping(TOPOLOGY)
    scenario = scenario_from_mapping(SCENARIO, topology)
    found = verdict.judge(Evidence(History(records), scenario))
    assert found.doubts == []
    red = {name(e) for e, finding in found.findings if finding.held is False}
    unknown = {name(e) for e, finding in found.findings if finding.held is None}
    return red, unknown


def name(expectation):
    """A check, with whom or what it is about where there are several of them."""
    params = expectation.params
    about = params.get("location") or next(
        (word for word in ("lost", "duplicated", "reordered") if params.get(word) is not None), ""
    )
    several = expectation.check in ("served_by", "outage", "messages")
    return f"{expectation.check} {about}" if several else expectation.check


# --- what is planted: each changes the events of a clean run ---


def only(pairs, wanted):
    """The one pair that is wanted, by its place."""
    return next(i for i, pair in enumerate(pairs) if wanted(*pair))


def lost_after_ack(pairs):
    del pairs[only(pairs, lambda _, e: isinstance(e, Stored) and (e.session, e.seq) == ("s7", 9))]


def doubled(pairs):
    pairs.append((END_S + 1, Stored("s7", 9, "iad", "iad/1")))


def reordered(pairs):
    i = only(pairs, lambda _, e: isinstance(e, Stored) and (e.session, e.seq) == ("s7", 9))
    pairs.append(pairs.pop(i))


def resumed_on_stale_state(pairs):
    i = only(pairs, lambda _, e: isinstance(e, SessionReady) and e.resumed)
    t, ready = pairs[i]
    pairs[i] = t, replace(ready, acked=ready.acked - 1)


def wrong_region_before_the_fault(pairs):
    client = "new-york/7"
    i = only(pairs, lambda t, e: isinstance(e, Acked) and e.client == client and t > 10)
    t, acked = pairs[i]
    pairs[i] = t, replace(acked, region="fra", machine="fra/1")


def residency_broken_by_one_message(pairs):
    client = f"london/{CLIENTS - 1}"
    i = only(pairs, lambda t, e: isinstance(e, Acked) and e.client == client and t > 40)
    t, acked = pairs[i]
    pairs[i] = t, replace(acked, region="iad", machine="iad/1")


def without(pairs, from_s, to_s, clients):
    """Take out what clients of these names sent and heard in a time."""

    def silent(t, event):
        return from_s < t < to_s and getattr(event, "client", "").startswith(clients)

    gone = {(e.session, e.seq) for t, e in pairs if silent(t, e) and isinstance(e, Sent | Acked)}
    pairs[:] = [
        (t, e)
        for t, e in pairs
        if not silent(t, e) and not (isinstance(e, Stored) and (e.session, e.seq) in gone)
    ]


def outage_of_one_client_among_500(pairs):
    without(pairs, 30, 40, "new-york/7")


def streams_that_stand_still_for_two_turns(pairs):
    without(pairs, 30, 38, "london/")


def longer_outage_of_one_client_of_a_region_that_was_cut_off(pairs):
    client = f"london/{CLIENTS - 1}"
    pairs[:] = [
        (t, e)
        for t, e in pairs
        if getattr(e, "client", None) != client
        or isinstance(e, Sent)
        or not BACK_S + 1 < t < BACK_S + 12
    ]


def slow_answers_to_a_few(pairs):
    london = [i for i, (_, e) in enumerate(pairs) if isinstance(e, Acked) and e.region == "fra"]
    for i in london[:: len(london) // (len(london) // 50)]:
        t, acked = pairs[i]
        pairs[i] = t, replace(acked, latency_ms=300.0)


def refused_attempts(pairs):
    pairs += [(30.0, ConnectFailed("london/400", "london", "fra", "refused"))] * 100


def another_answer_of_dns(pairs):
    pairs += [
        (30.0, RoutingChanged("london", ("iad",))),
        (30.5, RoutingChanged("london", ("fra", "iad"))),
    ]


def a_herd(pairs):
    pairs += [
        (30.0 + k / 1000, Connected("london/499", "london", "fra", "fra/2")) for k in range(300)
    ]


def dropped_by_a_deploy(pairs):
    pairs.append((51.0, Disconnected("london/900", "london", "fra", "fra/2", "closed with 1001")))


def thrown_out_by_the_gateway(pairs):
    where = ("london/900", "london", "fra", "fra/2")
    pairs.append((35.0, Disconnected(*where, "thrown out", how="closed", code=1011)))


def a_machine_that_dies_by_itself(pairs):
    pairs.append((40.0, MachineDied("fra/2", "fra", "exited with code 3", code=3)))


def another_image_in_one_region(pairs):
    pairs.append((59.0, MachineBooted("fra/2", "fra", "atlas:2", 1)))


def a_secret_that_no_machine_has(pairs):
    pairs.append((59.0, SecretsChanged(2, ("API_KEY",), staged=True)))


def a_machine_more(pairs):
    pairs.append((59.0, MachineChanged("iad/2", "iad", "started")))


PLANTS = {
    lost_after_ack: "messages lost",
    doubled: "messages duplicated",
    reordered: "messages reordered",
    resumed_on_stale_state: "sessions",
    wrong_region_before_the_fault: "served_by new-york",
    residency_broken_by_one_message: "residency",
    outage_of_one_client_among_500: "outage new-york",
    longer_outage_of_one_client_of_a_region_that_was_cut_off: "outage london",
    slow_answers_to_a_few: "latency",
    streams_that_stand_still_for_two_turns: "gaps",
    refused_attempts: "errors",
    another_answer_of_dns: "dns",
    a_herd: "herd",
    dropped_by_a_deploy: "deploy",
    thrown_out_by_the_gateway: "disconnects",
    a_machine_that_dies_by_itself: "machines",
    another_image_in_one_region: "in_step",
    a_secret_that_no_machine_has: "in_step",
    a_machine_more: "cost",
}


def test_the_clean_run_holds():
    assert judged(clean()) == (set(), set())


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_what_is_planted_turns_its_check_red_and_no_other(plant):
    pairs = clean()
    plant(pairs)
    assert judged(pairs) == ({PLANTS[plant]}, set())


def test_there_is_something_planted_for_every_check():
    assert {red.split()[0] for red in PLANTS.values()} == set(CHECKS)
