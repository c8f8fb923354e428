"""What a run costs, computed from hand-made journals."""

import pytest

from sim.costs.bill import bill
from sim.costs.prices import MONTH_S, egress_gb_usd, group_of, machine_month_usd
from sim.observe.events import EdgeConnection, LoadEnded, LoadStarted, MachineChanged
from sim.observe.history import History
from sim.observe.journal import Record
from sim.topology.load_topology import topology_from_mapping


def topology(costs=None, gateway=None, **regions):
    return topology_from_mapping(
        {
            "app": "atlas",
            "gateway": {"command": ["x"], **(gateway or {})},
            "regions": regions or {"iad": {}, "fra": {}},
            "locations": {"london": {}},
            "costs": costs if costs is not None else {"machine_month_usd": 5.20},
        }
    )


def history(*events, hours=1.0):
    """A run of an hour, from (time, event) pairs."""
    end = hours * 3600.0
    pairs = [(0.0, LoadStarted(1)), *events, (end, LoadEnded())]
    return History([Record(t, event) for t, event in sorted(pairs, key=lambda pair: pair[0])])


def life(machine, region, *states):
    return [(t, MachineChanged(machine, region, state)) for t, state in states]


def sent(region, machine, gigabytes):
    size = int(gigabytes * 1e9)
    return (60.0, EdgeConnection(region, machine, "london", "127.0.0.1", 10, size, 1.0, "closed"))


def test_one_machine_is_the_teams_5_dollars_20():
    run = history(*life("a", "iad", (-1.0, "started")))
    assert round(bill(run, topology(iad={})).month_usd, 2) == 5.20


def test_two_machines_are_the_teams_10_dollars_40():
    run = history(*life("a", "iad", (-1.0, "started")), *life("b", "fra", (-1.0, "started")))
    found = bill(run, topology())
    assert {region.region: region.month_usd for region in found.regions} == {
        "iad": 5.20,
        "fra": 5.20,
    }
    assert round(found.month_usd, 2) == 10.40


def test_seconds_count_while_it_is_started_and_within_the_load():
    states = [(-9.0, "starting"), (-5.0, "started"), (600.0, "stopped"), (900.0, "started")]
    run = history(*life("a", "iad", *states))
    (iad,) = bill(run, topology(iad={})).regions
    assert (iad.started_s, iad.stored_s) == (3300.0, 300.0)
    assert iad.machines_usd == pytest.approx(5.20 * 3300 / MONTH_S)
    assert iad.root_fs_usd == pytest.approx(0.15 * 300 / MONTH_S)


def test_a_month_like_the_run_holds_its_egress_too():
    run = history(*life("a", "iad", (-1.0, "started")), sent("iad", "a", 2))
    found = bill(run, topology(iad={}))
    assert found.run_month_usd == pytest.approx(5.20 + 2 * 0.02 * 24 * 30)


@pytest.mark.parametrize(
    ("states", "usd"),
    [
        ([(-1.0, "started"), (9.0, "stopping"), (10.0, "stopped")], 0.15),
        ([(-1.0, "started"), (9.0, "suspending"), (10.0, "suspended")], 0.15),
        ([(-1.0, "created")], 0.15),
        ([(-1.0, "started"), (9.0, "stopped")], 5.20),  # it died; at Fly it is started again
        ([(-1.0, "started"), (9.0, "stopped"), (9.0, "destroying"), (9.0, "destroyed")], 0.0),
    ],
)
def test_a_month_is_of_what_the_run_ended_with(states, usd):
    assert bill(history(*life("a", "iad", *states)), topology(iad={})).month_usd == usd


def test_egress_is_billed_by_the_group_of_the_sending_machine_not_of_the_edge():
    places = topology({}, iad={}, bom={})
    run = history(*life("a", "bom", (-1.0, "started")), sent("iad", "a", 1), sent("iad", None, 1))
    found = {region.region: region.egress_usd for region in bill(run, places).regions}
    assert found == {"iad": pytest.approx(0.02), "bom": pytest.approx(0.12)}


@pytest.mark.parametrize(
    ("costs", "gateway", "usd"),
    [
        ({}, {}, 1.94),
        ({}, {"size": "shared-cpu-4x"}, 7.76),
        ({}, {"size": "shared-cpu-1x", "memory": "1GiB"}, 1.94 + 0.75 * 5),
        ({}, {"memory": "1GiB"}, 1.94 + 0.75 * 5),
        ({"sizes": {"performance-1x": 32.5}}, {"size": "performance-1x"}, 32.5),
        ({"markup": {"iad": 1.5}}, {}, 2.91),
        ({"machine_month_usd": 5.2, "markup": {"iad": 1.5}}, {"size": "performance-1x"}, 7.8),
    ],
)
def test_a_machine_costs_what_its_size_and_its_region_say(costs, gateway, usd):
    assert machine_month_usd(topology(costs, gateway), "iad") == pytest.approx(usd)


def test_prices_of_egress_can_be_ones_own():
    places = topology({"egress_gb_usd": {"europe": 0.5}})
    assert (egress_gb_usd(places, "fra"), egress_gb_usd(places, "iad")) == (0.5, 0.02)


def test_a_region_of_ones_own_is_in_the_group_of_the_nearest_of_flys():
    places = topology({}, **{"our-hall": {"at": [-34.0, 150.0]}, "syd": {}, "nrt": {}})
    groups = [group_of(region) for region in places.regions.values()]
    assert groups == ["oceania", "oceania", "asia_pacific"]


def test_a_dedicated_address_is_two_dollars_a_month_beside_the_machines():
    run = history(*life("a", "iad", (-1.0, "started")), hours=24.0)
    costs = {"machine_month_usd": 5.20, "dedicated_ipv4": 2}
    found = bill(run, topology(costs, iad={}))
    assert round(found.month_usd, 2) == 9.20
    assert round(found.run_month_usd, 2) == 9.20
    assert round(found.run_usd, 4) == round(9.20 / 30, 4)
