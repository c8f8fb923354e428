"""Worlds killed at random moments, and worlds started again and again. In full: `make soak`."""

from __future__ import annotations

import pytest

from bench.orphans import rounds
from bench.restarts import restarts
from bench.soak import soak

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


async def test_a_world_starts_again_and_again_at_the_same_ports(tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
    assert len(await restarts(4, slot=106)) == 4
