"""Worlds killed at random moments, and worlds started again and again. In full: `make soak`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.invariants import Watch
from bench.orphans import rounds
from bench.restarts import restarts
from bench.soak import TOPOLOGY, soak
from sim.machines.health import Status
from sim.machines.lifecycle import State
from sim.observe.events import MachineChanged
from sim.observe.journal import Journal
from sim.topology.load_topology import topology_from_mapping

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


def test_whatever_is_killed_and_whenever_nothing_stays():
    """Commands, a machine and its lens are killed twice each, at moments that the seed draws."""
    done = rounds(10, seed=11)
    assert [one.verb for one in done] == ["up", "run", "down", "machine", "supervisor"] * 2
    assert any(one.left for one in done), "no kill left anything: the moments prove nothing"


async def test_invariants_hold_under_faults_that_a_seed_draws(tmp_path, monkeypatch):
    """Two rounds of two faults, under sixty sessions; nothing is held afterwards."""
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
    assert len(await soak(2, sessions=60, seed=5, speed=4)) == 2


def test_a_machine_that_was_restarted_between_two_looks_is_given_its_time():
    """It served at both looks; what is believed of it began anew."""
    topology = topology_from_mapping(TOPOLOGY)
    now = [0.0]
    clock: Any = SimpleNamespace(now=lambda: now[0])
    machine = SimpleNamespace(
        id="d891", name="iad/1", region="iad", state=State.STARTED, frozen=False
    )
    world: Any = SimpleNamespace(
        topology=topology,
        speed=1.0,
        clock=clock,
        journal=Journal(clock),
        fleet=SimpleNamespace(machines={machine.id: machine}),
        health=SimpleNamespace(status=lambda _: Status.WARNING),
    )
    watch = Watch(world)
    watch.belief_follows_truth()
    now[0] = 100.0
    world.journal.write(MachineChanged(machine.id, "iad", "started"))
    watch.belief_follows_truth()
    assert not watch.broken
    now[0] = 200.0
    watch.belief_follows_truth()
    assert list(watch.broken) == ["iad/1 serves since 100.0 s, but is warning"]


async def test_a_world_starts_again_and_again_at_the_same_ports(tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
    assert len(await restarts(4, slot=106)) == 4
