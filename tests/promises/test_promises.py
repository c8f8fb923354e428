"""What is asked of a topology, what a run says of it, and the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    FaultBegan,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    RunStarted,
    Sent,
)
from sim.observe.events.releases import DeployBegan, DeployEnded, MachineBooted, SecretsChanged
from sim.observe.journal import Record
from sim.promises import promises_page
from sim.promises.held import Tried, document, kept
from sim.promises.promise import promises, setup_of
from sim.promises.trials import Trial, trials
from sim.report.outcome import judge
from sim.topology.load_topology import load_topology, topology_from_mapping

ATLAS = Path(__file__).parents[2] / "topologies" / "atlas-voice.yaml"


def asked(topology: Any) -> dict[str, tuple[Any, ...]]:
    return {promise.name: promise.expect for promise in promises(setup_of(topology))}


def test_the_documents_promises_are_asked_of_the_example() -> None:
    topology = load_topology(ATLAS)
    setup = setup_of(topology)
    assert (setup.crashed, setup.detected_s, setup.recovered_s) == ("fra", 35.0, 100.0)
    found = asked(topology)
    assert list(found) == [
        *("nearest", "removal", "crash", "deploy", "in-step", "sessions", "residency-eu", "cost"),
    ]
    assert found["removal"] == (
        {"check": "dns", "location": "london", "region": "iad", "within": "35s", "until": "100s"},
    )
    assert found["cost"] == ({"check": "cost", "max": 10.4},)


def test_with_one_region_nobody_goes_elsewhere() -> None:
    topology = topology_from_mapping({**SMALL, "regions": {"fra": {}}})
    found = asked(topology)
    assert "removal" not in found
    assert [expected["check"] for expected in found["sessions"]] == ["messages"]


SMALL = {
    "app": "small",
    "gateway": {"command": ["./gateway"], "checks": [{"type": "tcp", "interval": "10s"}]},
    "regions": {"iad": {"machines": 2}, "fra": {}},
    "locations": {"new-york": {}, "london": {}},
    "routing": {"mode": "anycast"},
}


def test_with_anycast_the_edges_lead_elsewhere_and_not_dns() -> None:
    (removal,) = asked(topology_from_mapping(SMALL))["removal"]
    assert removal == {
        "check": "served_by",
        "location": "london",
        "region": "iad",
        "from": "35s",
        "until": "50s",
    }


def test_what_cannot_be_asked_of_a_topology_is_left_out() -> None:
    alone = {**SMALL, "regions": {"iad": {}}, "locations": {"new-york": {}}}
    assert {"removal", "residency-eu"}.isdisjoint(asked(topology_from_mapping(alone)))


def test_europeans_have_a_policy_where_the_topology_says_nothing() -> None:
    (crash, _) = trials(topology_from_mapping(SMALL), "session", 4)
    (policy,) = crash.scenario.topology.residency
    assert (policy.name, policy.locations, policy.regions) == ("eu", ("london",), ("fra",))


@pytest.fixture
def deploy() -> Trial:
    return trials(topology_from_mapping(SMALL), "session", 1)[1]


def tried(
    trial: Trial, *, image: str = "small:2", until: float = 90.0, served: bool = True
) -> Tried:
    """A deploy under one client, who is answered each second until an instant."""
    scenario = trial.scenario
    run = RunStarted(
        7, 1.0, "process", "embedded", "0", scenario.topology.document, scenario.document
    )
    place, client = "new-york", "new-york/0"
    records = [
        Record(-2.0, run),
        *(boot for id_, code in (("a", "iad"), ("b", "fra")) for boot in _boot(id_, code, -1.0)),
        Record(0.0, LoadStarted(clients=1)),
        Record(0.0, ClientMade(client, place, "strict")),
        Record(0.1, Connected(client, place, "iad", "a")),
        Record(5.0, FaultBegan("new_secret", "everything", {"kind": "everything"})),
        Record(5.0, SecretsChanged(2, ("SIM_SECRET",), staged=True)),
        Record(10.0, FaultBegan("deploy", "everything", {"kind": "everything"})),
        Record(10.0, DeployBegan(2, "rolling", ("a", "b"), "small:2")),
        *_boot("a", "iad", 20.0, "small:2", 2),
        *_boot("b", "fra", 30.0, image, 2),
        Record(40.0, DeployEnded(2, "done")),
        Record(90.0, LoadEnded()),
    ]
    for seq in range(1, 90) if served else ():
        records.append(Record(float(seq), Sent(client, "s", seq)))
        if seq < until:
            records.append(Record(seq + 0.02, Acked(client, "s", seq, "iad", "a", 20.0)))
    return Tried(trial, judge(sorted(records, key=lambda record: record.t), "a test"))


def _boot(
    machine: str, region: str, t: float, image: str = "small:1", secrets: int = 1
) -> list[Record]:
    return [
        Record(t, MachineBooted(machine, region, image, secrets)),
        Record(t, MachineChanged(machine, region, "started")),
    ]


def words(run: Tried) -> dict[str, str]:
    return {one.promise.name: one.word for one in kept(run)}


def test_machines_that_differ_after_a_deploy_break_a_promise(deploy: Trial) -> None:
    assert words(tried(deploy, image="small:1"))["in-step"] == "broken"


def test_a_promise_is_unknown_where_its_run_proves_less_than_it_should(deploy: Trial) -> None:
    # London has no client here, and so nobody can say that it was never cut off.
    found = {one.promise.name: one for one in kept(tried(deploy))}
    assert found["deploy"].word == "unknown"
    assert any("london" in text for text in found["deploy"].why)


def test_where_nobody_was_served_before_nothing_is_broken(deploy: Trial) -> None:
    run = tried(deploy, served=False)
    assert set(words(run).values()) == {"unknown"}
    assert "--driver" in kept(run)[0].why[0]


def test_a_broken_promise_says_by_how_much(deploy: Trial) -> None:
    found = {one.promise.name: one for one in kept(tried(deploy, until=12.0))}
    assert found["deploy"].word == "broken"
    assert found["deploy"].observed.startswith("new-york cut off for 7")
    assert document("small", [tried(deploy, until=12.0)])["verdict"] == "failed"


def test_what_a_run_says_is_text_on_the_page(deploy: Trial) -> None:
    found = document("<script>alert(1)</script>", [tried(deploy, image="<img src=x>")])
    shown = promises_page.render(found, {"deploy": "a&b.html"})
    assert "<script>" not in shown
    assert "<img" not in shown
    assert 'href="a&amp;b.html"' in shown
    assert "default-src 'none'" in shown
