"""Faults tied to events: read, matched, waited for, done, saved and told."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sim.clock import Clock
from sim.errors import InputError
from sim.observe.events import Acked, Connected, DeployStep, FaultBegan, Resolved
from sim.observe.journal import Journal, Record
from sim.scenario.live import live_fault
from sim.scenario.load_scenario import load_scenario
from sim.scenario.save import scenario_text
from sim.scenario.trigger import EVENTS, Awaited, Trigger, told_by
from sim.schemas.schemas import schema_of
from sim.topology.load_topology import topology_from_mapping
from tests.scenario.conftest import TOPOLOGY

FILE = """\
topology: topology.yaml
load: {clients: 4}
timeline:
  - {at: 5s, fault: reset, location: london}
  - when: {event: session_ready, client: london/3, nth: 2, after: 200ms}
    then: {fault: crash, region: fra}
  - {when: {event: deploy_step, step: stop, machine: fra/1}, fault: start, region: fra}
duration: 60s
"""


def acked(client="london/0", seq=1, machine="m1"):
    return Acked(client, "s", seq, "fra", machine, 20.0)


def read(folder, text):
    (folder / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY))
    (folder / "scenario.yaml").write_text(text)
    return load_scenario(folder / "scenario.yaml")


def test_a_fault_stands_under_then_or_beside_when(tmp_path):
    timed, flat_or_nested = (entries := read(tmp_path, FILE).timeline)[0], entries[1:]
    assert (timed.at_s, timed.when) == (5.0, None)
    assert [(entry.fault, entry.when) for entry in flat_or_nested] == [
        ("crash", Trigger("session_ready", {"client": "london/3"}, 2, 0.2)),
        ("start", Trigger("deploy_step", {"step": "stop", "machine": "fra/1"})),
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{when: {event: ack}, fault: heal}", "timeline[0].when.event: found `ack`; did you mean"),
        ("{when: {event: acked, client: paris/0}, fault: heal}", "no location `paris`"),
        ("{when: {event: acked, status: 4}, fault: heal}", "unknown key `status`"),
        ("{when: {event: acked, nth: 0}, fault: heal}", "must be a whole number, 1 or more"),
        ("{when: {event: acked, after: 2}, fault: heal}", "when.after: "),
        ("{when: {client: london/0}, fault: heal}", "when.event: is missing"),
        ("{at: 1s, when: {event: acked}, fault: heal}", "has `when` beside it"),
        ("{then: {fault: heal}}", "timeline[0].when: is missing"),
        ("{when: {event: acked}, then: {fault: heal}, region: fra}", "unknown key `region`"),
        ("{fault: heal}", "at: is missing"),
    ],
)
def test_what_cannot_be_tied_is_told_with_its_line(tmp_path, entry, problem):
    text = f"topology: topology.yaml\ntimeline:\n  - {entry}\nduration: 60s\n"
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert problem in str(error.value)
    assert "scenario.yaml:3" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "valid"),
    [
        ("", "", True),
        ("nth: 2", "nth: 0", False),
        ("event: session_ready", "event: ready", False),
        ("nth: 2", "status: critical", False),
        ("then: {fault", "than: {fault", False),
        ("{at: 5s, ", "{", False),
    ],
)
def test_the_schema_takes_what_the_reader_takes(old, new, valid):
    data = yaml.safe_load(FILE.replace(old, new, 1))
    assert jsonschema.Draft7Validator(schema_of("scenario")).is_valid(data) is valid


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_can_be_asked_for_by_each_of_its_fields(event):
    values = {str: "x", int: 1, bool: True}
    known = {"client": "london/0", "location": "london", "region": "fra", "machine": "fra/1"}
    which = {key: known.get(key, values[kind]) for key, kind in told_by(event).items()}
    topology = topology_from_mapping(TOPOLOGY)
    entry = live_fault({"fault": "heal", "when": {"event": event, **which}}, topology)
    assert entry.when == Trigger(event, which)


@given(
    st.sampled_from(sorted(EVENTS)),
    st.dictionaries(st.sampled_from(["client", "seq", "region"]), st.text()),
    st.integers(1, 99),
    st.integers(0, 10**6).map(lambda ms: ms / 1000),
)
def test_what_is_written_is_read_again(event, which, nth, after_s):
    trigger = Trigger(event, which, nth, after_s)
    assert Trigger.read(trigger.written()) == trigger


@pytest.mark.parametrize(
    ("which", "event", "is_of"),
    [
        ({}, acked(), True),
        ({}, Connected("london/0", "london", "fra", "m1"), False),
        ({"client": "london/1"}, acked(), False),
        ({"location": "london"}, acked(), True),
        ({"location": "lon"}, acked(), False),
        ({"machine": "m1"}, acked(), True),
        ({"machine": "fra/1"}, acked(), True),
        ({"machine": "fra/1"}, acked(machine="m2"), False),
        ({"seq": 2, "client": "london/0"}, acked(seq=2), True),
    ],
)
def test_which_events_are_meant(which, event, is_of):
    names = {"m1": "fra/1", "m2": "fra/2"}
    assert Trigger("acked", which).is_of(event, names.__getitem__) is is_of


async def test_the_nth_event_is_awaited_and_no_other_and_then_nobody_listens():
    journal = Journal(Clock())
    event = Awaited(Trigger("acked", {"client": "london/0"}, nth=2), journal, str)
    came = []
    for record in (acked(), acked("london/1"), Resolved("a/0", "a", "fra", "x", 1.0), acked()):
        journal.write(record)
        came.append(event.came.is_set())
    assert came == [False, False, False, True]
    event.end()
    late = Awaited(Trigger("deploy_step"), journal, str)
    late.end()
    journal.write(DeployStep(2, "stop", "m1", "fra"))
    assert not late.came.is_set()


def test_a_session_is_saved_with_what_its_faults_were_tied_to(tmp_path):
    trigger = Trigger("acked", {"client": "london/0"}, 3, 0.25)
    detail = {"kind": "region", "region": "fra", "when": trigger.written()}
    topology = topology_from_mapping(TOPOLOGY)
    text = scenario_text(
        [Record(12.0, FaultBegan("crash", "fra", detail))], topology, "topology.yaml"
    )
    (entry,) = read(tmp_path, text).timeline
    assert (entry.fault, entry.when) == ("crash", trigger)
