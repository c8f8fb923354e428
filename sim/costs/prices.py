"""Fly's prices in US dollars, as its pricing pages had them; a topology's `costs` win.

They are estimates: Fly multiplies the price of a machine by a ratio for each region that it does
not publish with its documentation, so the ratio is 1 unless `costs.markup` says otherwise. Each
figure has its source and date beside it; DOCS is fly.io/docs/about/pricing of 2026-08-07.
"""

from __future__ import annotations

from sim.topology.geography import REGIONS, nearest_active
from sim.topology.model import Region, Topology
from sim.topology.sizes import DEFAULT_SIZE, SIZES

MONTH_S = 30 * 86_400.0  # Fly's month
GB = 1e9

# A month, with the memory of the preset: Fly's table of 2021 for the smallest of each kind (about
# 2.02 was told in June 2026 for the cheapest region).
_PER_CPU = {"shared": 1.94, "performance": 31.00}
_MEMORY_GB = 5.00  # DOCS: a month, for each GB beyond the preset's
ROOT_FS_GB = 0.15  # DOCS: a month, of a machine that is stopped or suspended
DEDICATED_IPV4 = 2.00  # DOCS: a month; a shared one, and IPv6, cost nothing

# DOCS: egress to the internet, for each GB, by the group of the region that sends.
EGRESS_GB = {
    "north_america": 0.02,
    "europe": 0.02,
    "asia_pacific": 0.04,
    "oceania": 0.04,
    "south_america": 0.04,
    "africa": 0.12,
    "india": 0.12,
}
_GROUPS = {"bom": "india", "syd": "oceania"}  # those whose group is not their continent's


def group_of(region: Region) -> str:
    """The region group by which egress is priced; of a region of one's own, the nearest's."""
    fly = REGIONS.get(region.code) or nearest_active(region.at)
    return _GROUPS.get(fly.code, fly.continent)


def machine_month_usd(topology: Topology, region: str) -> float:
    """A machine of that region that is started for 30 days."""
    costs, gateway = topology.costs, topology.gateway
    markup = costs.markup.get(region, 1.0) if costs else 1.0
    if costs and costs.machine_month_usd is not None:
        return costs.machine_month_usd * markup
    size = SIZES[gateway.size or DEFAULT_SIZE]
    price = (costs.sizes.get(size.name) if costs else None) or _PER_CPU[size.kind] * size.cpus
    extra_mb = max(0.0, (gateway.memory_bytes or 0) / 1024**2 - size.memory_mb)
    return (price + extra_mb / 1024 * _MEMORY_GB) * markup


def root_fs_month_usd(topology: Topology) -> float:
    """The root file system of a machine that is not started, for 30 days."""
    return (topology.costs.root_fs_gb if topology.costs else 1.0) * ROOT_FS_GB


def egress_gb_usd(topology: Topology, region: str) -> float:
    """A GB that a machine of that region sends to clients."""
    group = group_of(topology.regions[region])
    own = topology.costs.egress_gb_usd if topology.costs else {}
    return own.get(group, EGRESS_GB[group])
