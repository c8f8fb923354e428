"""Which machine gets a request: tables of Fly's rules, and what holds whatever the machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.routing.machine_choice import Bucket, Constraints, MachineView, Rules, bucket, choose
from sim.topology.addresses import Endpoint
from sim.topology.model import Concurrency

RTT = {"fra": 0.5, "ams": 6.0, "iad": 92.0, "syd": 240.0}
LIMITS = Concurrency(soft_limit=2, hard_limit=4)


def machine(name, *, healthy=True, cordoned=False, asleep=False, rested=True):
    """`fra1` is in fra."""
    return MachineView(name, Endpoint("127.0.0.1", 1), healthy, name[:3], cordoned, asleep, rested)


def chosen(*machines, constraints=Constraints(), load=None, turn=0, spill="hard", auto_start=False):  # noqa: B008
    views = [machine(m) if isinstance(m, str) else m for m in machines]
    rules = Rules(LIMITS, spill, auto_start)
    return choose(views, constraints, rules, load=load or {}, rtt_ms=RTT.__getitem__, turn=turn)


def names(choice):
    return [m.id for m in choice.machines]


@pytest.mark.parametrize(
    ("load", "step"),
    [(0, "FREE"), (1, "FREE"), (2, "BUSY"), (3, "BUSY"), (4, "FULL"), (9, "FULL")],
)
def test_load_has_three_steps(load, step):
    assert bucket(load, LIMITS) is Bucket[step]


def test_without_a_hard_limit_nothing_is_ever_full():
    assert bucket(10**9, Concurrency()) is Bucket.BUSY


@pytest.mark.parametrize(
    ("spill", "load", "order"),
    [
        ("hard", {}, ["fra1", "ams1", "iad1"]),
        ("hard", {"fra1": 3}, ["fra1", "ams1", "iad1"]),
        ("hard", {"fra1": 4}, ["ams1", "iad1"]),
        ("hard", {"fra1": 4, "ams1": 4, "iad1": 4}, []),
        ("soft", {"fra1": 1}, ["fra1", "ams1", "iad1"]),
        ("soft", {"fra1": 2}, ["ams1", "iad1", "fra1"]),
        ("soft", {"fra1": 2, "ams1": 2, "iad1": 2}, ["fra1", "ams1", "iad1"]),
    ],
)
def test_when_load_leaves_a_region_is_a_setting(spill, load, order):
    assert names(chosen("iad1", "fra1", "ams1", load=load, spill=spill)) == order


def test_within_a_region_the_less_loaded_comes_first_and_equals_take_turns():
    assert names(chosen("fra1", "fra2", load={"fra1": 2})) == ["fra2", "fra1"]
    firsts = [names(chosen("fra1", "fra2", "fra3", turn=turn))[0] for turn in range(6)]
    assert firsts == ["fra1", "fra2", "fra3"] * 2


@pytest.mark.parametrize(
    ("machines", "load", "why"),
    [
        ([], {}, "absent"),
        ([machine("fra1", cordoned=True)], {}, "absent"),
        ([machine("fra1", healthy=False)], {}, "unhealthy"),
        ([machine("fra1", healthy=False)], {"fra1": 9}, "unhealthy"),
        ([machine("fra1", asleep=True)], {}, "unhealthy"),
        ([machine("fra1"), machine("iad1", healthy=False)], {"fra1": 4}, "full"),
    ],
)
def test_where_there_is_none_it_says_why(machines, load, why):
    found = chosen(*machines, load=load)
    assert (found.machines, found.why_none) == ((), why)


@pytest.mark.parametrize(
    ("constraints", "order"),
    [
        (
            Constraints(regions=(frozenset({"syd"}), frozenset(RTT))),
            ["syd1", "fra1", "ams1", "iad1"],
        ),
        (Constraints(regions=(frozenset({"iad"}), frozenset({"fra"}))), ["iad1", "fra1"]),
        (Constraints(regions=(frozenset({"ams", "fra"}),)), ["fra1", "ams1"]),
        (Constraints(regions=(frozenset({"nrt"}),)), []),
        (Constraints(preferred="iad1"), ["iad1", "fra1", "ams1", "syd1"]),
        (Constraints(preferred="gone"), ["fra1", "ams1", "iad1", "syd1"]),
        (Constraints(forced="iad1"), ["iad1"]),
        (Constraints(forced="gone"), []),
        (Constraints(never=frozenset({"fra1"})), ["ams1", "iad1", "syd1"]),
    ],
)
def test_constraints_order_the_regions_and_shut_others_out(constraints, order):
    assert names(chosen("iad1", "fra1", "syd1", "ams1", constraints=constraints)) == order


def test_a_forced_machine_is_tried_though_it_is_unhealthy_but_not_when_it_is_cordoned():
    sick = machine("fra1", healthy=False)
    assert names(chosen(sick, constraints=Constraints(forced="fra1"))) == ["fra1"]
    assert (
        chosen(machine("fra1", cordoned=True), constraints=Constraints(forced="fra1")).why_none
        == "absent"
    )


@pytest.mark.parametrize(
    ("machines", "load", "wakes"),
    [
        # none runs; one runs below its soft limit; all that run have reached it
        ([machine("fra1", asleep=True)], {}, "fra1"),
        ([machine("fra1", asleep=True), machine("iad1")], {"iad1": 1}, None),
        ([machine("fra1", asleep=True), machine("iad1")], {"iad1": 2}, "fra1"),
        # the nearest; one that is waited for by few before another; never a cordoned one
        ([machine("iad1", asleep=True), machine("ams1", asleep=True)], {}, "ams1"),
        ([machine("fra1", asleep=True), machine("fra2", asleep=True)], {"fra2": 1}, "fra2"),
        ([machine("fra1", asleep=True), machine("fra2", asleep=True)], {"fra2": 2}, "fra1"),
        ([machine("fra1", asleep=True, cordoned=True)], {}, None),
        # one that was stopped only lately, if nobody else can take it
        ([machine("fra1", asleep=True, rested=False)], {}, "fra1"),
        ([machine("fra1", asleep=True, rested=False), machine("iad1")], {"iad1": 2}, None),
        ([machine("fra1", asleep=True, rested=False), machine("iad1")], {"iad1": 4}, "fra1"),
        (
            [machine("fra1", asleep=True, rested=False), machine("iad1", asleep=True)],
            {},
            "iad1",
        ),
    ],
)
def test_a_request_wakes_a_machine_when_those_that_run_are_loaded(machines, load, wakes):
    found = chosen(*machines, load=load, auto_start=True)
    assert (found.wake and found.wake.id) == wakes
    assert chosen(*machines, load=load, auto_start=False).wake is None


@st.composite
def situations(draw):
    regions = st.sampled_from(sorted(RTT))
    machines = [
        machine(
            f"{draw(regions)}{i}",
            healthy=draw(st.booleans()),
            cordoned=draw(st.booleans()),
            asleep=draw(st.booleans()),
            rested=draw(st.booleans()),
        )
        for i in range(draw(st.integers(0, 6)))
    ]
    ids = st.sampled_from([*(m.id for m in machines), "gone"])
    constraints = Constraints(
        regions=draw(st.none() | st.lists(st.frozensets(regions), max_size=3).map(tuple)),
        preferred=draw(st.none() | ids),
        forced=draw(st.none() | ids),
        never=draw(st.frozensets(ids, max_size=2)),
    )
    load = {m.id: draw(st.integers(0, 6)) for m in machines}
    return machines, constraints, load, draw(st.sampled_from(["hard", "soft"])), draw(st.booleans())


@given(situations(), st.integers(0, 5))
def test_whatever_the_machines_only_what_may_serve_is_chosen(situation, turn):
    machines, constraints, load, spill, auto_start = situation
    found = chosen(
        *machines, constraints=constraints, load=load, turn=turn, spill=spill, auto_start=auto_start
    )
    for m in found.machines:
        assert not m.cordoned
        assert not m.asleep
        assert m.healthy or m.id == constraints.forced
        assert load[m.id] < 4
        assert m.id not in constraints.never
        assert constraints.forced in {None, m.id}
        within = constraints.regions is None or any(
            m.region in group for group in constraints.regions
        )
        assert within or m.id == constraints.forced
    assert len({m.id for m in found.machines}) == len(found.machines)
    assert bool(found.machines or found.wake) == (found.why_none is None)
    if found.wake:
        assert auto_start
        assert found.wake.asleep
        assert all(load[m.id] >= 2 for m in found.machines)
    # Every machine that may serve is among them, whatever the order.
    plain = chosen(*machines, constraints=constraints, load=load)
    assert {m.id for m in plain.machines} == {m.id for m in found.machines}


@given(situations(), st.integers(0, 5))
def test_by_the_hard_rule_nothing_nearer_is_passed_over(situation, turn):
    machines, _, load, _, _ = situation
    found = chosen(*machines, load=load, turn=turn)
    distances = [RTT[m.region] for m in found.machines]
    assert distances == sorted(distances)
