"""The live model, fed with records as a journal would feed it."""

from __future__ import annotations

import math

import pytest

from sim.dashboard.crowd import clients_by_location
from sim.dashboard.live_model import MOST_CHARACTERS, MOST_LINES, LiveModel
from sim.observe.events import (
    Acked,
    Alert,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    Failed,
    FaultBegan,
    FaultFailed,
    HealthChanged,
    HostStalled,
    LoadEnded,
    LoadStarted,
    PartFailed,
    Resolved,
    RoutingChanged,
    Sent,
)
from sim.observe.gap_rule import GapRule
from sim.observe.history import History
from sim.observe.journal import Record
from sim.observe.outages import find_outages
from sim.topology.load_topology import topology_from_mapping

TOPOLOGY = topology_from_mapping(
    {
        "app": "atlas",
        "domain": "fly.dev",
        "gateway": {"command": ["python", "-m", "sim.gateway"]},
        "regions": {"iad": {"primary": True}, "fra": {}},
        "locations": {"new-york": {}, "london": {}},
    }
)
EVERY_S = 2.0
LOST = ("s", 1, "fra", "m-fra")


class Fed:
    """A model and every record that it was given."""

    def __init__(self, speed=1.0):
        self.model = LiveModel(TOPOLOGY, speed)
        self.records = []

    def __call__(self, t, *events):
        for event in events:
            record = Record(float(t), event)
            self.records.append(record)
            self.model(record)
        return self

    def load(self, *clients, t=0.0):
        self(t, LoadStarted(len(clients), EVERY_S))
        for client in clients:
            self(t, ClientMade(client, client.partition("/")[0], "strict"))
        return self

    def answered(self, t, client, region="fra", latency_ms=20.0):
        return self(t, Acked(client, "s", int(t), region, f"m-{region}", latency_ms))

    def where(self, t, location="london"):
        return clients_by_location(self.model.crowd, TOPOLOGY.locations, t)[location]


@pytest.fixture
def fed():
    return Fed()


def connected(client, region):
    return Connected(client, client.partition("/")[0], region, f"m-{region}")


def lost(client, region="fra", *, expected=False):
    return Disconnected(
        client, client.partition("/")[0], region, f"m-{region}", "reset", expected=expected
    )


def test_clients_are_where_they_are_connected_until_they_are_cut_off(fed):
    fed.load("london/0", "london/1")
    fed(0.1, Resolved("london/0", "london", "fra", "127.0.0.1", 30.1), connected("london/0", "fra"))
    fed.answered(0.2, "london/0")
    here = fed.where(1.0)
    assert (here.total, here.served, here.connecting, here.cut) == (2, {"fra": 1}, 1, 0)
    assert here.held == {"fra": (1, pytest.approx(29.1), pytest.approx(29.1))}
    fed(2.0, lost("london/0"))
    assert fed.where(2.1).connecting == 2  # the gap is still an ordinary one
    here = fed.where(10.0)
    assert (here.served, here.cut, here.connecting) == ({}, 1, 1)


def test_who_is_connected_and_not_answered_is_unanswered(fed):
    fed.load("london/0")(0.1, connected("london/0", "fra")).answered(0.2, "london/0")
    here = fed.where(10.0)
    assert (here.served, here.unanswered, here.cut) == ({}, 1, 0)


def test_an_answer_by_another_region_moves_a_client_without_a_new_connection(fed):
    fed.load("london/0")(0.1, connected("london/0", "fra")).answered(0.2, "london/0")
    fed.answered(2.2, "london/0", "iad")
    assert fed.where(2.5).served == {"iad": 1}


def test_outages_that_are_over_are_those_that_the_report_finds(fed):
    clients = [f"london/{k}" for k in range(4)]
    fed.load(*clients)
    for k, client in enumerate(clients):
        fed(0.1, Resolved(client, "london", "fra", "127.0.0.1", 30.0), connected(client, "fra"))
        for t in (0.2, 2.2, 4.2):
            fed.answered(t + k / 10, client)
    fed(5.0, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"}))
    for k, client in enumerate(clients):
        fed(5.1, lost(client))
        fed(6.0, ConnectFailed(client, "london", "fra", "refused"))
        fed(11.0 + 7 * k, connected(client, "iad"))
        fed.answered(11.2 + 7 * k, client, "iad")
    fed(33.0, LoadEnded())
    found = find_outages(History(fed.records), GapRule.of(TOPOLOGY, EVERY_S, 1.0))
    ended = [outage for outage in found if outage.to_region]
    outages = fed.model.crowd.outages["london"]
    assert len(ended) == 4
    assert outages.count == len(ended)
    assert outages.worst_s == pytest.approx(max(outage.seconds for outage in ended))
    assert outages.client_seconds == pytest.approx(sum(outage.seconds for outage in ended))


def test_what_the_simulator_itself_stood_still_is_nobodys_outage(fed):
    fed.load("london/0")(0.1, connected("london/0", "fra")).answered(0.2, "london/0")
    fed(8.0, HostStalled(6000.0)).answered(8.2, "london/0")
    assert fed.model.crowd.outages["london"].count == 0


def test_a_load_without_a_known_pace_has_no_outages_and_ends_with_nobody(fed):
    fed(0.0, LoadStarted(1), ClientMade("london/0", "london", "strict"))
    fed.answered(0.2, "london/0").answered(500.0, "london/0")
    assert fed.model.crowd.outages["london"].count == 0
    fed(501.0, LoadEnded())
    assert fed.where(502.0).total == 0
    assert not fed.model.crowd.runs


def test_a_pinned_answer_is_held_for_good(fed):
    fed.load("london/0", "london/1")
    fed(0.1, Resolved("london/0", "london", "fra", "127.0.0.1", None))
    assert fed.where(5.0).held == {"fra": (1, math.inf, None)}
    fed(0.1, Resolved("london/1", "london", "fra", "127.0.0.1", 30.0))
    assert fed.where(5.0).held == {"fra": (2, 25.0, None)}


def test_answers_and_refusals_are_counted_by_location_and_region(fed):
    fed.load("london/0")
    fed(0.5, ConnectFailed("london/0", "london", None, "cannot resolve"))
    fed(1.5, Failed("london/0", "s", 1, "fra", "status 500"))
    for t in (2.0, 2.5, 3.5):
        fed.answered(t, "london/0", latency_ms=50.0)
    series = fed.model.series
    assert {pair: (one.answers, one.refused) for pair, one in series.items()} == {
        ("london", ""): (0, 1),
        ("london", "fra"): (3, 1),
    }
    assert [one.index for one in series["london", "fra"].since(0)] == [1, 2, 3]


def test_bins_are_a_real_second_long_at_any_speed():
    fed = Fed(speed=10.0).load("london/0")
    for t in (2.0, 9.0, 11.0):
        fed.answered(t, "london/0")
    assert [one.answers for one in fed.model.series["london", "fra"].since(0)] == [2, 1]


def test_faults_last_until_they_are_mended_or_turn_out_not_to_be_possible(fed):
    fra = {"kind": "region", "region": "fra"}
    fed(1, FaultBegan("crash", "fra", fra), FaultBegan("freeze", "iad/1", {"region": "iad"}))
    fed(2, FaultBegan("reset", "london:fra", {"location": "london", "region": "fra"}))
    assert [(f.fault, f.target) for f in fed.model.faults] == [
        ("crash", "fra"),
        ("freeze", "iad/1"),
    ]
    fed(3, FaultBegan("start", "fra", fra))
    assert [f.fault for f in fed.model.faults] == ["freeze"]
    fed(4, FaultBegan("loss", "london:fra", {}), FaultFailed("loss", "london:fra", "a stock one"))
    assert [f.fault for f in fed.model.faults] == ["freeze"]
    fed(5, FaultBegan("heal", "everything", {"kind": "everything"}))
    assert fed.model.faults == []


def test_the_story_is_told_with_and_without_a_load_numbered_and_bounded(fed):
    fed(1, RoutingChanged("london", ("fra", "iad")), Sent("london/0", "s", 1))
    fed(2, PartFailed("driver", "x" * 1000))
    assert [(line.number, line.t) for line in fed.model.lines] == [(1, 1.0), (2, 2.0)]
    assert len(fed.model.lines[-1].text) == MOST_CHARACTERS
    fed(2, Alert("outage", "london", "began", "london/0 is not served"))
    assert fed.model.lines[-1].text == "alert began: london/0 is not served"
    for t in range(2 * MOST_LINES):
        fed(t, HealthChanged("m", "fra", "critical", "refused"))
    assert len(fed.model.lines) == MOST_LINES
    assert fed.model.lines_after(2 * MOST_LINES)[0].number == 2 * MOST_LINES + 1


def test_memory_does_not_grow_with_the_traffic(fed):
    fed.load("london/0")
    for t in range(2000):
        fed.answered(float(t), "london/0")
    assert len(fed.model.series["london", "fra"].since(0)) == 120
    assert len(fed.model.crowd.clients) == 1
