"""Anycast as a user runs it: one way in for everybody, and the edge finds a machine."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.e2e.test_scenarios import QUICK_CRASH, QUICK_TOPOLOGY, run

__all__ = ["run"]

# What their clients go through is measured, and so is the time that others take from them.
pytestmark = [pytest.mark.e2e, pytest.mark.realtime]

ANYCAST = {**QUICK_TOPOLOGY, "routing": {"mode": "anycast"}}

# So often that a reconnect over the ocean is longer than a client's ordinary pace.
OFTEN = {**QUICK_CRASH["load"], "every": "200ms"}


def test_a_crash_costs_a_reconnect_and_no_dns(run):
    expect = [
        {"check": "served_by", "location": "london", "region": "fra", "until": "6s"},
        {"check": "served_by", "location": "london", "region": "iad", "from": "14s"},
        {"check": "outage", "location": "london", "max": "9s"},
        {"check": "outage", "location": "new-york", "max": "0s"},
        {"check": "dns", "location": "london", "region": "fra"},
        {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
        {"check": "sessions", "resumed": "all"},
    ]
    scenario = {**QUICK_CRASH, "load": OFTEN, "expect": expect, "duration": "20s"}
    done, report = run(scenario, ANYCAST)
    assert (done.returncode, report["verdict"]) == (0, "held"), done.stdout
    london = [row for row in report["outages"] if row["location"] == "london"]
    outage = max(london, key=lambda row: row["seconds"])
    assert (outage["region"], outage["dns_s"]) == ("fra", 0)


@pytest.mark.thorough
def test_the_backhaul_is_a_link_that_can_be_cut(run):
    """London's edge is in Frankfurt, whose only machine is gone: what it asks for crosses."""
    served = {"event": "acked", "region": "fra"}
    scenario = {
        **QUICK_CRASH,
        "timeline": [
            {"when": served, "fault": "scale", "region": "fra", "count": 0},
            {"at": "8s", "fault": "partition", "link": ["fra", "iad"]},
            {"at": "16s", "fault": "heal", "link": ["fra", "iad"]},
        ],
        "expect": [
            {"check": "served_by", "location": "london", "region": "iad", "from": "8s"},
            {"check": "outage", "location": "london", "min": "6s"},
            {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
        ],
    }
    done, report = run(scenario, ANYCAST)
    assert (done.returncode, report["verdict"]) == (0, "held"), done.stdout


@pytest.mark.thorough
def test_the_same_crash_in_both_modes_side_by_side(sim, tmp_path):
    """The one waits for a check and a TTL, the other for nothing but its own backoff."""
    paths = []
    for mode in ("geodns", "anycast"):
        folder = tmp_path / mode
        folder.mkdir()
        routing = {"routing": {"mode": mode, "ttl": "5s"}}
        (folder / "topology.yaml").write_text(yaml.safe_dump({**QUICK_TOPOLOGY, **routing}))
        scenario = {**QUICK_CRASH, "load": OFTEN, "expect": [{"check": "messages", "lost": 0}]}
        paths.append(folder / f"{mode}.yaml")
        paths[-1].write_text(yaml.safe_dump(scenario))
    done = sim("compare", *paths, "--speed", "8", "--seed", "7", "--json")
    assert done.returncode == 0, done.stderr
    found = {(row["location"], row["figure"].strip()): row for row in json.loads(done.stdout)}
    worst, dns = found["london", "worst, s"], found["london", "+ DNS"]
    assert found["london", "from → to"]["anycast"] == "fra → iad"
    assert found["london", "clients hit"]["geodns"] == 12
    assert (dns["anycast"], dns["geodns"] > 0) == (0, True)
    assert worst["anycast"] < worst["geodns"]


# London's edge has no machine of its own, so all that it knows is news from iad.
NEWS = {
    **QUICK_CRASH,
    "load": {"driver": "http", "clients": 12, "every": "200ms", "timeout": "1s"},
    "timeline": [
        {"at": "1s", "fault": "scale", "region": "fra", "count": 0},
        {"at": "5s", "fault": "stop", "region": "iad"},
        {"at": "14s", "fault": "start", "region": "iad"},
    ],
    "duration": "28s",
    "expect": [{"check": "served_by", "location": "london", "region": "iad", "from": "26s"}],
}


@pytest.fixture
def heard(run, tmp_path):
    """Run it with edges that hear so late: its journal and the notes of its report."""

    def heard(knowledge, timeline=()):
        routing = {"mode": "anycast", "knowledge": knowledge}
        gateway = {**QUICK_TOPOLOGY["gateway"], "auto_start": False}
        scenario = {**NEWS, "timeline": [*NEWS["timeline"], *timeline]}
        scenario["timeline"].sort(key=lambda row: float(row["at"].removesuffix("s")))
        journal = tmp_path / "journal.jsonl"
        topology = {**QUICK_TOPOLOGY, "routing": routing, "gateway": gateway}
        done, report = run(scenario, topology, "--journal", journal, "--speed", "4")
        assert (done.returncode, report["verdict"]) == (0, "held"), done.stdout + done.stderr
        events = [json.loads(line) for line in journal.read_text().splitlines()]
        return events, report["notes"]

    return heard


def times(events, kind, **fields):
    """When events of a kind with these fields were, in simulated seconds."""
    chosen = (e for e in events if e["kind"] == kind)
    return [e["t"] for e in chosen if all(e[key] == value for key, value in fields.items())]


def gone_after(stopped_s, events):
    """When the machine of iad was found to be gone: a busy host may fail other checks."""
    failed = times(events, "health_changed", region="iad", status="critical")
    return next(t for t in failed if t >= stopped_s)


@pytest.mark.thorough
@pytest.mark.parametrize("late_s", [0, 6], ids=str)
def test_what_happens_to_machines_is_known_so_late_as_was_asked(heard, late_s):
    events, notes = heard(f"{late_s}s")
    gone = gone_after(5.0, events)  # when it was stopped
    misled = times(events, "edge_misled", machine_region="iad")
    assert all(gone <= t <= gone + late_s + 0.5 for t in misled)
    assert bool(misled) == bool(late_s)
    assert any("machines of iad" in note for note in notes) == bool(late_s)
    well = times(events, "health_changed", region="iad", status="passing")[-1]
    served = min(t for t in times(events, "acked") if t > well)
    assert (served >= well + 6) == bool(late_s)


@pytest.mark.thorough
def test_an_edge_that_is_cut_off_sends_to_a_dead_machine_until_it_is_healed(heard):
    link = ["fra", "iad"]
    cut = [
        {"at": "4s", "fault": "partition", "link": link},
        {"at": "11s", "fault": "heal", "link": link},
    ]
    events, notes = heard("1s", cut)
    gone = gone_after(5.0, events)  # when it was stopped
    (healed,) = times(events, "fault_began", fault="heal")
    misled = times(events, "edge_misled", region="fra", machine_region="iad")
    assert gone + 1.5 < max(misled) <= healed + 0.5
    assert any("machines of iad" in note and "cut off" in note for note in notes)
