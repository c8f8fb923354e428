"""A topology of many places: 100 locations, 18 regions, 1,800 links. Measured by `make bench`."""

from __future__ import annotations

import pytest

from bench.common import world_of
from bench.scale import TINY, places

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]


async def test_a_hundred_locations_and_eighteen_regions_come_up(tmp_path, monkeypatch):
    """Each is led to all regions; it takes a few seconds, where it once took most of a minute."""
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
    async with world_of({**places(), "gateway": {"command": TINY}}) as world:
        assert world.startup.took_ms["all"] < 25_000
        assert len(world.links.all()) == 1818
        for location in world.topology.locations:
            assert len(world.resolver.regions(location)) == 18
