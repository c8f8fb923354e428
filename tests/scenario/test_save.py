"""Any faults of a session come back from the scenario that they are saved as."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.observe.events import (
    CordonChanged,
    DeployBegan,
    DeployEnded,
    FaultBegan,
    FaultFailed,
    MachineChanged,
)
from sim.observe.journal import Record, decode, encode
from sim.scenario.faults import FAULTS
from sim.scenario.faults.breakable import describe
from sim.scenario.live import live_fault
from sim.scenario.load_scenario import load_scenario, scenario_from_mapping
from sim.scenario.model import Target
from sim.scenario.save import scenario_text
from sim.topology.load_topology import load_topology
from sim.topology.yaml_document import parse_document

TOPOLOGY = {
    "app": "atlas",
    "gateway": {"command": ["./gateway"]},
    "regions": {"iad": {"primary": True}, "fra": {"machines": 2}},
    "locations": {"new-york": {}, "london": {}},
    "services": {"database": {"region": "iad"}},
}
IDS = {"iad/1": f"{1:014}", "fra/1": f"{2:014}", "fra/2": f"{3:014}"}
CAME_UP = [Record(0.0, MachineChanged(IDS[name], name[:3], "created")) for name in IDS]

TARGETS = {
    "region": st.sampled_from(["iad", "fra"]),
    "machine": st.sampled_from([*IDS, *IDS.values()]),
    "link": st.permutations(["london", "fra"]) | st.just(["fra", "database"]),
    "location": st.sampled_from(["new-york", "london"]),
    "service": st.just("database"),
}


def decimals(least, most, unit):
    return st.integers(least * 1000, most * 1000).map(lambda n: f"{n / 1000:.3f}{unit}")


PARAMS = {
    "latency": decimals(0, 5000, "ms") | decimals(1, 60, "s"),
    "jitter": decimals(0, 100, "ms"),
    "bandwidth": decimals(1, 1000, "kbps") | decimals(1, 20, "mbps"),
    "shared": st.booleans(),
    "mode": st.sampled_from(["silent", "refusing", "unanswered"]),
    "towards": st.sampled_from(["london", "fra"]),
    "period": decimals(1, 100, "s"),
    "connections": st.integers(1, 5),
    "age": decimals(1, 100, "s"),
    "scope": st.sampled_from(["process", "host"]),
    "percent": decimals(0, 100, "%"),
    "answer": st.sampled_from(["nxdomain", "nodata", "servfail"]),
    "count": st.integers(0, 5),
    "strategy": st.sampled_from(["rolling", "immediate", "canary", "bluegreen"]),
    "image": st.sampled_from(["atlas:2", "registry.example/atlas@sha256:00"]),
    "command": st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3),
    "env": st.dictionaries(st.sampled_from(["LOG", "A_B"]), st.text(max_size=8)),
}


@st.composite
def entries(draw):
    """A fault of the vocabulary with a target and parameters, as a person would ask for it."""
    spec = draw(st.sampled_from(list(FAULTS.values())))
    kinds = [*spec.targets, *([None] if spec.target_optional else [])]
    kind = draw(st.sampled_from(kinds))
    entry = {"fault": spec.name, **({kind: draw(TARGETS[kind])} if kind else {})}
    for param in spec.params:
        if param.required or draw(st.booleans()):
            entry[param.key] = draw(PARAMS[param.key])
    return entry


class Stub:
    """As much of a world as says whom a fault concerns."""

    def __init__(self, topology):
        self.topology = topology
        self.fleet = self

    def find(self, target):
        found = [n for n, i in IDS.items() if target in (n, i, n[:3])]
        return [SimpleNamespace(region=name[:3], id=IDS[name]) for name in found]


@pytest.fixture(scope="module")
def topology(tmp_path_factory):
    path = tmp_path_factory.mktemp("session") / "atlas.yaml"
    path.write_text(yaml.safe_dump(TOPOLOGY))
    return load_topology(path)


def done(world, t, entry):
    """A live fault's record, as it comes back from the journal's file."""
    asked = live_fault(entry, world.topology)
    aim = "everything" if asked.target is None else str(asked.target)
    event = FaultBegan(asked.fault, aim, {**describe(world, asked.target), **asked.params})
    return asked, decode(encode(Record(t, event)))


def possible(entry, topology):
    try:
        live_fault(entry, topology)
    except InputError:
        return False  # such as a refusing partition towards one end
    return True


def named(target):
    """A machine by its name, whose id is another world's."""
    names = {i: n for n, i in IDS.items()}
    return target and Target(target.kind, names.get(target.value, target.value))


@given(data=st.data(), since=st.sampled_from(["first_fault", "start"]))
def test_any_sequence_of_faults_survives(data, since, topology):
    world = Stub(topology)
    drawn = data.draw(
        st.lists(entries().filter(lambda e: possible(e, topology)), min_size=1, max_size=8)
    )
    gaps = data.draw(st.lists(st.integers(1, 200_000), min_size=len(drawn), max_size=len(drawn)))
    times = [sum(gaps[: k + 1]) / 1000 for k in range(len(drawn))]
    asked, records = zip(
        *(done(world, t, entry) for t, entry in zip(times, drawn, strict=True)), strict=True
    )
    path = topology.path.parent / "saved.yaml"
    path.write_text(scenario_text([*CAME_UP, *records], topology, "atlas.yaml", since))
    timeline = load_scenario(path).timeline
    for one, back, t in zip(asked, timeline, times, strict=True):
        assert (back.fault, back.target) == (one.fault, named(one.target))
        assert back.params.keys() == one.params.keys()
        for name, value in one.params.items():
            near = pytest.approx(value, rel=1e-8, abs=1e-8) if isinstance(value, float) else value
            assert back.params[name] == near
        origin = times[0] - 10 if since == "first_fault" else 0.0
        assert back.at_s == pytest.approx(t - origin, abs=1e-3)


def test_what_could_not_be_done_is_left_out_and_said(topology):
    world = Stub(topology)
    _, first = done(world, 5.0, {"fault": "crash", "machine": "fra/1"})
    _, second = done(world, 9.0, {"fault": "loss", "region": "fra", "percent": "5%"})
    failed = Record(9.1, FaultFailed("loss", "fra", "no such\ntoxic"))
    text = scenario_text([*CAME_UP, first, second, failed], topology, "atlas.yaml")
    assert "# Left out: loss fra at 9.0 s: no such toxic\n" in text
    assert "  - {at: 10s, fault: crash, machine: fra/1}\n" in text
    assert text.count("fault:") == 1


def test_a_machine_that_the_topology_does_not_have_is_left_out(topology):
    """It was cloned in the session: no scenario can name it without scaling."""
    cloned = Record(1.0, MachineChanged("f" * 14, "fra", "created"))
    detail = {"kind": "machine", "region": "fra", "machines": ["f" * 14]}
    crash = Record(2.0, FaultBegan("crash", "f" * 14, detail))
    heal = Record(3.0, FaultBegan("heal", "everything", {"kind": "everything"}))
    text = scenario_text([*CAME_UP, cloned, crash, heal], topology, "atlas.yaml")
    assert "the topology has no fra/3" in text
    assert "{at: 11s, fault: heal}" in text


def test_what_no_fault_does_is_told_but_not_what_a_deploy_does(topology):
    machine = next(iter(IDS.values()))
    cordoned = CordonChanged(machine, "iad", cordoned=True)
    during = [
        Record(2.0, DeployBegan(2, "bluegreen", (machine,), "atlas:2")),
        Record(2.5, cordoned),
        Record(3.0, DeployEnded(2, "done")),
    ]
    by_hand = Record(4.0, cordoned)
    heal = Record(5.0, FaultBegan("heal", "everything", {"kind": "everything"}))
    text = scenario_text([*CAME_UP, *during, by_hand, heal], topology, "atlas.yaml")
    assert re.findall("# Left out: (.*)", text) == ["cordon iad/1 at 4.0 s: no fault does that"]


@pytest.mark.parametrize("records", [[], CAME_UP])
def test_without_a_fault_there_is_nothing_to_save(records, topology):
    with pytest.raises(InputError, match="no fault was done in this session"):
        scenario_text(records, topology, "atlas.yaml")


def test_the_scenario_of_the_page_can_be_run():
    """docs/live.md, beside the topology that it names."""
    root = Path(__file__).parents[2]
    (block,) = re.findall(
        r"^```yaml\n(.*?)^```", (root / "docs" / "live.md").read_text(), re.MULTILINE | re.DOTALL
    )
    topology = load_topology(root / "topologies" / "atlas-voice.yaml")
    scenario = scenario_from_mapping(parse_document(block).data, topology)
    assert [entry.fault for entry in scenario.timeline] == ["crash", "slow", "heal"]
    assert scenario.name == f"session of {topology.app}"
