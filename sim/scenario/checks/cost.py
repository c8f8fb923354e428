"""cost: what the machines that a run ends with cost a month."""

from __future__ import annotations

from sim.costs.bill import bill
from sim.costs.prices import MONTH_S
from sim.scenario.checks.check_spec import Finding, Params, check, unknown
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_usd

_CENT = 0.005


@check(
    "cost",
    (Param("max", "max_usd", read_usd, required=True, said="at most ${} a month", digits=".2f"),),
    summary="the machines that the run ended with cost so much a month at Fly, egress not counted",
    takes="`max`, in US dollars",
)
def cost(evidence: Evidence, params: Params) -> Finding:
    """Held where 30 days of the machines cost at most `max_usd`; egress is told beside it."""
    if not evidence.history.machine_changes:
        return unknown("there was no machine")
    costs = bill(evidence.history, evidence.topology)
    egress_usd = sum(region.egress_usd for region in costs.regions)
    month = MONTH_S / costs.duration_s if costs.duration_s else 0.0
    regions = [f"{region.region} ${region.month_usd:.2f}" for region in costs.regions]
    why = f"{', '.join(regions)}; ${egress_usd * month:.2f} of egress more, were a month like this"
    held = costs.month_usd <= params["max_usd"] + _CENT
    return Finding(held, f"${costs.month_usd:.2f} a month", why)
