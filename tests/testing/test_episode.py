"""Which part of a world's journal a test is judged by."""

from __future__ import annotations

import pytest

from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    EdgeConnection,
    FaultBegan,
    HealthChanged,
    LoadStarted,
    PartFailed,
    RunStarted,
)
from sim.observe.journal import Record
from sim.scenario.live import live_expectation
from sim.testing.episode import Episode, demand
from sim.testing.failures import ExpectationError
from sim.topology.load_topology import topology_from_mapping

TOPOLOGY = topology_from_mapping(
    {
        "app": "mine",
        "gateway": {"command": ["./gateway"]},
        "regions": {"iad": {}, "fra": {}},
        "locations": {"new-york": {}, "london": {}},
        "policies": {"residency": {"eu": {"locations": ["london"], "regions": ["fra"]}}},
    }
)
RUN = RunStarted(1, 1.0, "process", "embedded", "0", TOPOLOGY.document)


def talk(client, region="fra", seq=1):
    return [
        Connected(client, "london", region, "m"),
        Acked(client, client, seq, region, "m", 1.0),
    ]


def journal(*events):
    return [Record(float(t), event) for t, event in enumerate([RUN, *events])]


def held(episode, records, **entry):
    """Whether an expectation holds, fails, or is not known (None), and why."""
    try:
        demand(episode.evidence(records, TOPOLOGY), live_expectation(entry, TOPOLOGY))
    except ExpectationError as error:
        return error.finding.held, error.finding.why
    return True, ""


FROM_FRA = {"check": "served_by", "location": "london", "region": "fra"}


def test_clients_and_faults_of_an_earlier_test_do_not_count_but_the_world_s_state_does():
    began = FaultBegan("crash", "iad", {"kind": "region", "region": "iad"})
    health = HealthChanged("m", "iad", "critical")
    records = journal(began, health, *talk("london/1", "iad"), *talk("london/1", "fra", 2))
    episode = Episode("test", test_from=5)
    kept = [type(record.event).__name__ for record in episode.of(records)]
    assert kept == ["RunStarted", "HealthChanged", "Connected", "Acked"]
    assert held(episode, records, **FROM_FRA) == (True, "")
    assert held(Episode("test", 0), records, **FROM_FRA)[0] is False


def test_where_there_is_a_load_only_its_clients_count():
    load = [LoadStarted(1), ClientMade("london/0", "london", "strict")]
    records = journal(
        *talk("london/10000", "iad"), *load, *talk("london/10000", "iad"), *talk("london/0")
    )
    episode = Episode("test", 0, load_from=3)
    assert held(episode, records, **FROM_FRA) == (True, "")


def test_what_edges_saw_counts_whoever_it_was():
    seen = EdgeConnection("iad", "m", "london", "127.44.2.10", 1, 1, 5.0, "closed")
    load = [LoadStarted(1), ClientMade("london/0", "london", "strict")]
    episode = Episode("test", 0, load_from=1)
    result, _ = held(
        episode, journal(*load, *talk("london/0"), seen), check="residency", policy="eu"
    )
    assert result is False


def test_an_outage_needs_a_load():
    entry = {"check": "outage", "location": "london", "max": "0s"}
    result, why = held(Episode("test", 0), journal(*talk("london/10000")), **entry)
    assert result is None
    assert "world.load" in why


def test_a_window_that_is_not_over_is_unknown():
    result, why = held(Episode("test", 0), journal(*talk("london/1")), **FROM_FRA, until="60s")
    assert (result, why) == (None, "its window ends at 60 s, and it is 2.0 s now")


def test_what_holds_beside_a_broken_part_or_an_unfelt_fault_is_unknown():
    broken = journal(*talk("london/1"), PartFailed("load", "gone"))
    assert held(Episode("test", 0), broken, **FROM_FRA)[0] is None
    unfelt = FaultBegan("crash", "iad", {"kind": "region", "region": "iad"})
    result, why = held(Episode("test", 0), journal(*talk("london/1"), unfelt), **FROM_FRA)
    assert result is None
    assert "touched no client" in why


def test_a_fault_before_the_load_sets_its_stage():
    fault = FaultBegan("crash", "iad", {"kind": "region", "region": "iad"})
    load = [LoadStarted(1), ClientMade("london/0", "london", "strict")]
    records = journal(fault, *load, *talk("london/0"))
    assert held(Episode("test", 0, load_from=2), records, **FROM_FRA) == (True, "")


def test_a_broken_expectation_says_what_was_asked_seen_and_why():
    records = journal(*talk("london/1", "iad"))
    with pytest.raises(AssertionError) as caught:
        demand(Episode("test", 0).evidence(records, TOPOLOGY), live_expectation(FROM_FRA, TOPOLOGY))
    first, *others = str(caught.value).splitlines()
    assert first == "served_by: london, fra: FAILED"
    assert others[0].startswith("  observed: iad 1")


def test_an_episode_is_told_as_a_scenario_that_outlasts_its_windows():
    section = {"driver": "echo", "every": "2s"}
    episode = Episode("test", 0, load_from=1, section=section)
    episode.expect.append({"check": "outage", "location": "london", "max": "1s", "until": "90s"})
    document = episode.document(12.5)
    assert document["duration"] == "90s"
    assert document["load"] == section
