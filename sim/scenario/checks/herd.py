"""herd: the highest rate of new connections on a region."""

from __future__ import annotations

from sim.observe.events import Connected
from sim.scenario.checks.check_spec import REGION, Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_frequency


@check(
    "herd",
    (REGION, Param("max", "max_rate", read_frequency, required=True, said="at most {}/s")),
    summary="the most new connections on the region in any second",
    takes="`region`, `max` (such as `20/s`)",
)
def herd(evidence: Evidence, params: Params) -> Finding:
    """Held where no simulated second saw more than `max_rate` new connections on `region`."""
    from_s, until_s = window(evidence, params)
    times = [
        t
        for t, event in evidence.history.of(Connected)
        if event.region == params["region"] and from_s <= t < until_s
    ]
    if not times:
        return unknown(f"nobody connected to {params['region']} in this time")
    most, at, start = 0, 0.0, 0
    for index, t in enumerate(times):
        while times[start] <= t - 1:
            start += 1
        if index - start + 1 > most:
            most, at = index - start + 1, times[start]
    return Finding(most <= params["max_rate"], f"{most} in the second from {at:.1f} s")
