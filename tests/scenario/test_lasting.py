"""Which faults stand, and what ends them: by their specifications alone."""

from __future__ import annotations

import pytest

from sim.observe.events import FaultBegan, FaultFailed
from sim.scenario.faults import FAULTS
from sim.scenario.lasting import Lasting

FRA = {"kind": "region", "region": "fra"}
EVERYTHING = {"kind": "everything"}


def began(fault, target="fra", **detail):
    return FaultBegan(fault, target, {**FRA, **detail})


def standing(*events):
    lasting = Lasting()
    for t, event in enumerate(events):
        lasting.take(float(t), event)
    return [fault.fault for fault in lasting.faults]


HEAL_ALL = FaultBegan("heal", "everything", EVERYTHING)


@pytest.mark.parametrize("spec", FAULTS.values(), ids=lambda spec: spec.name)
def test_what_ends_a_fault_is_a_repair_of_the_same_places(spec):
    for name in spec.ended_by:
        repair = FAULTS[name]
        assert repair.is_repair
        assert {*spec.targets} <= {*repair.targets}, name


@pytest.mark.parametrize("spec", FAULTS.values(), ids=lambda spec: spec.name)
def test_what_nothing_ends_does_not_stand(spec):
    """Only `scale` is ended by being done again."""
    if spec.effect == "stands":
        assert spec.ended_by


@pytest.mark.parametrize("spec", FAULTS.values(), ids=lambda spec: spec.name)
def test_healing_everything_ends_every_fault_but_a_number_of_machines(spec):
    left = standing(began(spec.name, count=0, had=1), HEAL_ALL)
    assert left == (["scale"] if spec.name == "scale" else [])


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ((began("crash"),), ["crash"]),
        ((began("crash"), began("start")), []),
        ((began("crash"), began("heal")), ["crash"]),  # healing a region boots nothing
        ((began("freeze"), began("heal")), []),
        ((began("freeze"), began("start")), ["freeze"]),
        ((began("freeze"), began("thaw", "iad", region="iad")), ["freeze"]),
        ((began("reset"),), []),
        ((began("crash"), FaultFailed("crash", "fra", "no such machine")), []),
    ],
)
def test_a_fault_stands_until_its_own_repair(events, left):
    assert standing(*events) == left


def scaled(count, had):
    return began("scale", count=count, had=had)


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ((scaled(0, 1),), ["scale"]),  # the region is gone
        ((scaled(0, 1), scaled(2, 0)), []),
        ((scaled(1, 2),), []),
        ((scaled(3, 2),), []),
    ],
)
def test_a_region_scaled_to_none_stays_gone_until_it_is_scaled_up(events, left):
    assert standing(*events) == left


@pytest.mark.parametrize(
    ("count", "had", "effect"),
    [(0, 2, "stands"), (1, 2, "passes"), (2, 2, "repairs"), (3, 2, "repairs"), (0, 0, "repairs")],
)
def test_taking_machines_away_is_no_repair(count, had, effect):
    assert FAULTS["scale"].effect_of({"count": count, "had": had}) == effect
