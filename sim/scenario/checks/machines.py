"""machines: how many machines died by themselves. Every scenario expects none (see verdict.py)."""

from __future__ import annotations

import math

from sim.scenario.checks.check_spec import Finding, Params, check, counted
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_deaths

_MOST_TOLD = 5


@check(
    "machines",
    (Param("deaths", "deaths", read_deaths, required=True, said="{} deaths"),),
    summary="no more machines died by themselves",
    takes="`deaths`: a number, or `any`",
)
def machines(evidence: Evidence, params: Params) -> Finding:
    """Held where at most `deaths` machines died and nobody had asked for it; `any`: who cares.

    Unknown where one too many was killed by somebody whom the run does not know.
    """
    from_s, until_s = params.get("from_s"), params.get("until_s")
    deaths = [
        death
        for death in evidence.deaths
        if (-math.inf if from_s is None else from_s) <= death.at_s
        and death.at_s < (math.inf if until_s is None else until_s)
    ]
    most = params["deaths"]
    observed = counted(len(deaths), "death")
    if most == "any" or len(deaths) <= most:
        return Finding(held=True, observed=observed)
    why = "; ".join(map(str, deaths[:_MOST_TOLD]))
    own = [death for death in deaths if not death.by_hand]
    if len(own) <= most:
        why += " (not by the simulator: this host's out-of-memory killer, or a person)"
        return Finding(held=None, observed=observed, why=why)
    return Finding(held=False, observed=observed, why=why)
