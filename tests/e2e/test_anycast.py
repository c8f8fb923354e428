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
    scenario = {
        **QUICK_CRASH,
        "timeline": [
            {"at": "1s", "fault": "scale", "region": "fra", "count": 0},
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
