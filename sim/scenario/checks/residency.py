"""residency: nothing of these locations was served, nor its connection ended, elsewhere."""

from __future__ import annotations

from sim.observe.events import Acked, EdgeConnection
from sim.observe.history import Timed
from sim.scenario.checks.check_spec import Finding, Params, check, counted, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Known, Param

_POLICY = Known("residency policy", lambda topology: (p.name for p in topology.residency))


@check(
    "residency",
    (Param("policy", "policy", _POLICY, required=True),),
    summary="nothing of the policy's locations was served outside its regions",
    takes="`policy`",
)
def residency(evidence: Evidence, params: Params) -> Finding:
    """Held where every answer, every edge and every machine behind it was in the policy's regions.

    With anycast the edge that ends TLS and the machine that serves may be in different regions.
    """
    policy = next(p for p in evidence.topology.residency if p.name == params["policy"])
    from_s, until_s = window(evidence, params)
    served, outside = 0, 0
    first: Timed[Acked] | None = None
    for t, acked in evidence.answers(policy.locations, from_s, until_s):
        served += 1
        if acked.region not in policy.regions:
            outside += 1
            first = first or (t, acked)
    ended = [
        edge
        for t, edge in evidence.history.of(EdgeConnection)
        if edge.location in policy.locations and from_s <= t < until_s
    ]
    if not served and not ended:
        return unknown(f"nothing of {', '.join(policy.locations)} was served")
    edges = sum(1 for edge in ended if edge.region not in policy.regions)
    machines = sum(1 for e in ended if e.machine_region not in {None, *policy.regions})
    observed = f"{counted(outside, 'message')} of {served} served outside"
    if not outside and not edges and not machines:
        return Finding(held=True, observed=observed)
    allowed = ", ".join(policy.regions)
    if first:
        t, acked = first
        why = f"the first at {t:.1f} s: {acked.client} by {acked.region}, allowed is {allowed}"
    elif edges:
        why = f"{counted(edges, 'connection')} ended at an edge outside {allowed}"
    else:
        why = f"{counted(machines, 'connection')} led to a machine outside {allowed}"
    return Finding(held=False, observed=observed, why=why)
