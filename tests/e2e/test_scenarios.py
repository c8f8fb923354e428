"""Scenarios run as a user runs them: by file and command, judged by exit code and report."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

# What their clients go through is measured, and so is the time that others take from them.
pytestmark = [pytest.mark.e2e, pytest.mark.realtime]

SPEED = "8"

# The team's two regions with everything six times as quick, so that a run takes seconds.
QUICK_TOPOLOGY: dict[str, Any] = {
    "app": "quick",
    "domain": "fly.dev",
    "gateway": {
        "command": ["python", "-m", "sim.gateway"],
        "checks": [{"type": "http", "path": "/healthz", "interval": "5s", "timeout": "2s"}],
    },
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {"share": 60}, "london": {"share": 40}},
    "routing": {"ttl": "5s"},
    "links": [
        {"between": ["new-york", "iad"], "rtt": "12ms"},
        {"between": ["london", "fra"], "rtt": "15ms"},
    ],
    "services": {"database": {"kind": "postgres", "region": "iad"}},
    "policies": {"residency": {"eu": {"locations": ["london"], "regions": ["fra"]}}},
}
QUICK_CRASH: dict[str, Any] = {
    "name": "quick crash",
    "topology": "topology.yaml",
    "load": {"driver": "session", "clients": 30, "every": "500ms", "resolver": "strict"},
    "timeline": [{"at": "6s", "fault": "crash", "region": "fra"}],
    "duration": "30s",
    "expect": [
        {"check": "served_by", "location": "london", "region": "fra", "until": "6s"},
        {"check": "served_by", "location": "london", "region": "iad", "from": "27s"},
        {"check": "outage", "location": "london", "min": "1s", "max": "22s"},
        {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
        {"check": "sessions", "resumed": "all"},
    ],
}


@pytest.fixture
def run(sim, tmp_path):
    """Run a scenario given as data on a topology given as data: the end, and the report."""

    def run(scenario=QUICK_CRASH, topology=QUICK_TOPOLOGY, *options, **process):
        (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology, sort_keys=False))
        path = tmp_path / "scenario.yaml"
        path.write_text(yaml.safe_dump(scenario, sort_keys=False))
        report = tmp_path / "report.json"
        arguments = ("--speed", SPEED, "--seed", "7", "--json", report, *options)
        done = sim("run", path, *arguments, **process)
        found = json.loads(report.read_text()) if report.exists() else None
        return done, found

    return run


def broken(report):
    """The checks that did not hold, with their reasons."""
    return {e["check"]: e["why"] for e in report["expectations"] if not e["held"]}


def gateway(*flags):
    """The quick topology with a variant of the reference gateway."""
    command = ["python", "-m", "sim.gateway", *flags]
    return {**QUICK_TOPOLOGY, "gateway": {**QUICK_TOPOLOGY["gateway"], "command": command}}


def test_the_reference_gateway_survives_a_crash(run, sim, tmp_path):
    """Held; and its journal alone makes the same report again."""
    journal = tmp_path / "journal.jsonl"
    done, report = run(QUICK_CRASH, QUICK_TOPOLOGY, "--journal", journal)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("run: quick crash (seed 7, speed 8")
    assert lines[-1] == "verdict: held"
    (outage,) = [row for row in report["outages"] if row["location"] == "london"]
    assert (outage["region"], outage["to_region"], outage["clients"]) == ("fra", "iad", 12)
    parts = ("detection_s", "dns_s", "recovery_s", "reconnect_s")
    assert sum(outage[part] for part in parts) == pytest.approx(outage["seconds"], abs=0.01)
    assert report["sessions"] == {
        "opened": 30,
        "resumed": 12,
        "broken": 0,
        "unresumed": 0,
        "replaced": 0,
        "pending": 0,
    }
    assert report["messages"]["acked"] > 800

    again = tmp_path / "again.json"
    remade = sim("report", journal, "--json", again)
    assert remade.returncode == 0
    assert json.loads(again.read_text()) == report


@pytest.mark.thorough
def test_sessions_in_memory_are_named_as_such(run):
    done, report = run(QUICK_CRASH, gateway("--sessions", "memory"))
    assert done.returncode == 1
    assert set(broken(report)) == {"sessions"}
    assert "forgot" in broken(report)["sessions"]
    assert report["sessions"]["broken"] == 12


def test_acknowledging_before_the_commit_loses_messages(run):
    slow = {"at": "2s", "fault": "slow", "link": ["fra", "database"], "latency": "1s"}
    scenario = {**QUICK_CRASH, "timeline": [slow, *QUICK_CRASH["timeline"]]}
    done, report = run(scenario, gateway("--ack", "early"))
    assert done.returncode == 1
    assert report["messages"]["lost"] > 0
    assert report["messages"]["duplicated"] == 0
    assert "not in the database" in broken(report)["messages"]


@pytest.mark.thorough
def test_without_deduplication_messages_are_stored_twice(run):
    done, report = run(QUICK_CRASH, gateway("--dedupe", "off"))
    assert done.returncode == 1
    assert set(broken(report)) == {"messages"}
    assert report["messages"]["duplicated"] > 0
    assert report["messages"]["lost"] == 0
    assert "stored again" in broken(report)["messages"]


@pytest.mark.thorough
def test_residency_and_failover_contradict_each_other(run):
    scenario = {**QUICK_CRASH, "expect": [{"check": "residency", "policy": "eu"}]}
    done, report = run(scenario)
    assert done.returncode == 1
    assert "by iad, allowed is fra" in broken(report)["residency"]


@pytest.mark.thorough
def test_a_frozen_region_costs_the_clients_timeout_too(run):
    """A freeze is noticed later than a crash: nothing is refused, nothing answers."""
    load = {**QUICK_CRASH["load"], "timeout": "3s"}
    timeline = [{"at": "6s", "fault": "freeze", "region": "fra"}]
    expect = [
        {"check": "outage", "location": "london", "min": "3s", "max": "28s"},
        {"check": "messages", "lost": 0, "duplicated": 0},
        {"check": "sessions", "resumed": "all"},
    ]
    scenario = {**QUICK_CRASH, "load": load, "timeline": timeline, "expect": expect}
    done, report = run(scenario)
    assert done.returncode == 0, done.stdout
    assert report["outages"][0]["detection_s"] >= 3


@pytest.mark.thorough
def test_a_grey_path_moves_nobody(run):
    """Checks pass, clients cannot get through: DNS stays, and the outage lasts until healed."""
    scenario = {
        **QUICK_CRASH,
        "timeline": [
            {"at": "6s", "fault": "partition", "link": ["london", "fra"]},
            {"at": "18s", "fault": "heal", "link": ["london", "fra"]},
        ],
        "expect": [
            {"check": "dns", "location": "london", "region": "fra"},
            {"check": "outage", "location": "london", "min": "11s", "max": "23s"},
            {"check": "messages", "lost": 0, "duplicated": 0},
        ],
    }
    done, report = run(scenario)
    assert done.returncode == 0, done.stdout
    assert report["outages"][0]["to_region"] == "fra"


@pytest.mark.thorough
def test_a_fault_that_touched_nobody_is_unknown(run):
    scenario = {
        **QUICK_CRASH,
        "timeline": [{"at": "8s", "fault": "sicken", "region": "fra"}],
        "load": {"driver": "session", "clients": 4, "every": "500ms"},
        "duration": "10s",
        "expect": [{"check": "outage", "location": "new-york", "max": "0s"}],
    }
    elsewhere: dict[str, Any] = {"locations": {"new-york": {}, "boston": {}}, "links": []}
    topology = {**QUICK_TOPOLOGY, **elsewhere, "policies": {}}
    done, report = run(scenario, topology)
    assert done.returncode == 4
    assert report["verdict"] == "unknown"
    assert "touched no client" in done.stdout


@pytest.mark.thorough
def test_a_load_whose_clients_never_connected_is_unknown(run):
    scenario = {
        **QUICK_CRASH,
        "load": {"driver": "echo", "clients": 4, "every": "500ms"},
        "timeline": [{"at": "0s", "fault": "dns_outage"}],
        "duration": "5s",
        "expect": [{"check": "outage", "location": "london", "max": "100s"}],
    }
    done, report = run(scenario)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "no client ever connected" in report["doubts"]


@pytest.mark.thorough
def test_a_stock_toxiproxy_carries_the_links_as_well(run):
    """The same crash, with a toxiproxy-server in place of the embedded one."""
    server = os.environ.get("SIM_TOXIPROXY") or shutil.which("toxiproxy-server")
    if not server:
        pytest.skip("no stock toxiproxy-server: sh tests/network/install_toxiproxy.sh builds one")
    done, report = run(env={"SIM_TOXIPROXY": server})
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["links"] == "toxiproxy"


def test_the_readmes_driver_runs(run, tmp_path):
    """A user's own driver, as the README shows one, from the folder that `sim` is called in."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (driver,) = re.findall(r"```python\n(class .*?)```", readme, re.DOTALL)
    (tmp_path / "greeter.py").write_text(driver)
    scenario = {
        **QUICK_CRASH,
        "load": {"driver": "greeter:Greeter", "clients": 6, "every": "500ms"},
        "timeline": [],
        "duration": "5s",
        "expect": [{"check": "served_by", "location": "london", "region": "fra"}],
    }
    done, report = run(scenario, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["messages"]["acked"] > 20
