"""What each strategy does, step by step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.deploys.plan import Slot, Step, plan
from sim.errors import InputError
from sim.topology.model import Deploy

ONE_EACH = [Slot("f1", "fra"), Slot("i1", "iad")]
MANY = [Slot("f1", "fra"), Slot("f2", "fra", up=False), Slot("i1", "iad"), Slot("i2", "iad")]


def steps(slots, **settings):
    return plan(slots, "iad", Deploy(**settings))


def test_rolling_takes_the_primary_region_first_and_a_third_of_the_machines_at_once():
    assert steps(ONE_EACH) == (Step("update", ("i1",)), Step("update", ("f1",)))
    slots = [*(Slot(f"i{n}", "iad") for n in range(4)), Slot("f1", "fra")]
    assert steps(slots)[0] == Step("update", ("i0", "i1", "i2", "i3"), 2)


@pytest.mark.parametrize(
    ("most", "at_once"), [(0.33, 2), (0.5, 2), (0.51, 3), (1.0, 1), (3.0, 3), (0.01, 1)]
)
def test_max_unavailable_is_a_share_below_one_and_else_a_number(most, at_once):
    slots = [Slot(f"i{n}", "iad") for n in range(4)]
    assert [step.at_once for step in steps(slots, max_unavailable=most)] == [at_once]


def test_machines_that_are_down_come_last_and_are_not_waited_for():
    assert steps(MANY) == (
        Step("update", ("i1", "i2"), 1),
        Step("update", ("f1",), 1),
        Step("update", ("f2",), 30, proven=False),
    )


def test_each_process_group_has_a_pool_of_its_own():
    slots = [Slot("w1", "iad", group="worker"), *(Slot(f"i{n}", "iad") for n in range(4))]
    assert steps(slots) == (
        Step("update", ("w1",), 1),
        Step("update", ("i0", "i1", "i2", "i3"), 2),
    )


def test_immediate_takes_all_at_once_and_proves_nothing():
    assert steps(ONE_EACH, strategy="immediate") == (Step("update", ("i1", "f1"), 2, proven=False),)


def test_a_canary_comes_before_the_first_and_the_first_before_the_rest():
    assert steps(MANY, strategy="canary") == (
        Step("canary", ("i1",)),
        Step("update", ("i1",)),
        Step("update", ("i2",)),
        Step("update", ("f1",)),
        Step("update", ("f2",), 30, proven=False),
    )


def test_bluegreen_leads_traffic_over_once_every_new_machine_passes():
    found = steps(ONE_EACH, strategy="bluegreen")
    assert [step.do for step in found] == [
        *("create", "check", "uncordon", "settle", "cordon", "settle", "stop", "destroy")
    ]
    assert {step.machines for step in found if step.do != "settle"} == {("i1", "f1")}


def test_bluegreen_is_refused_without_checks():
    with pytest.raises(InputError, match="needs health checks, and f1 has none"):
        steps([Slot("i1", "iad"), Slot("f1", "fra", checked=False)], strategy="bluegreen")


def test_a_release_command_is_run_before_anything():
    assert steps(ONE_EACH, release_command=("migrate",))[0] == Step("release_command")


def test_there_is_nothing_to_deploy_to_without_machines():
    with pytest.raises(InputError, match="no machine to deploy to"):
        steps([])


SLOTS = st.lists(
    st.builds(
        Slot,
        id=st.uuids().map(str),
        region=st.sampled_from(["iad", "fra", "nrt"]),
        up=st.booleans(),
        group=st.sampled_from(["app", "worker"]),
    ),
    min_size=1,
    unique_by=lambda slot: slot.id,
)


@given(SLOTS, st.sampled_from(["rolling", "immediate", "canary", "bluegreen"]))
def test_whatever_the_strategy_each_machine_is_replaced_once(slots, strategy):
    found = steps(slots, strategy=strategy)
    replaced = [m for step in found if step.do in ("update", "stop") for m in step.machines]
    assert sorted(replaced) == sorted(slot.id for slot in slots)
    assert all(step.at_once >= 1 for step in found)
