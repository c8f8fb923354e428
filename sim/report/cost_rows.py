"""The parts of a report that are about money."""

from __future__ import annotations

from sim.costs.bill import Bill
from sim.report.figures import Document, rounded


def cost_month(found: Bill | None) -> Document | None:
    """What a month costs, the machines by region: an estimate, as the topology gives the prices."""
    if found is None:
        return None
    costs = {region.region: round(region.month_usd, 2) for region in found.regions}
    if found.ipv4_month_usd:
        costs["ipv4"] = round(found.ipv4_month_usd, 2)
    return {**costs, "total": round(found.month_usd, 2)}


def run_cost(found: Bill | None) -> Document | None:
    """The run's own bill: what was metered, and what it comes to."""
    if found is None:
        return None
    return {
        "regions": {
            region.region: {
                "started_s": rounded(region.started_s),
                "stored_s": rounded(region.stored_s),
                "egress_bytes": region.egress_bytes,
                "machines_usd": round(region.machines_usd, 8),
                "root_fs_usd": round(region.root_fs_usd, 8),
                "egress_usd": round(region.egress_usd, 8),
                "usd": round(region.run_usd, 8),
            }
            for region in found.regions
        },
        "usd": round(found.run_usd, 8),
        "usd_month_like_this": round(found.run_month_usd, 2),
    }
