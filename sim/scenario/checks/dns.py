"""dns: which region a location is led to, and within how long of a fault."""

from __future__ import annotations

from sim.scenario.checks.check_spec import LOCATION, REGION, Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_seconds


@check(
    "dns",
    (LOCATION, REGION, Param("within", "within_s", read_seconds, said="within {} s")),
    summary="the location is led to the region, `within:` so long of the last fault",
    takes="`location`, `region`, `within`",
)
def dns(evidence: Evidence, params: Params) -> Finding:
    """Held where DNS leads `location` to `region` in the window.

    With `within_s`, it must do so that long after the last fault before the window's end, and
    from then on; without, during the whole window.
    """
    location, region = params["location"], params["region"]
    from_s, until_s = window(evidence, params)
    changes = [
        (t, event.regions[0] if event.regions else None)
        for t, event in evidence.history.routing
        if event.location == location
    ]
    if not changes:
        return unknown(f"DNS never had an answer for {location}")
    within = params.get("within_s")
    if within is not None:
        faults = [t for t, _ in evidence.history.faults if from_s <= t < until_s]
        if not faults:
            return unknown("there was no fault in this time")
        from_s = faults[-1] + within
        if from_s > until_s:
            return unknown(f"the time ends before {within:g} s have passed since the fault")
    if from_s >= until_s:
        return unknown("nothing of this time was run")
    before = [answer for t, answer in changes if t <= from_s]
    answers = [(from_s, before[-1] if before else None)]
    answers += [(t, answer) for t, answer in changes if from_s < t < until_s]
    observed = ", ".join(f"{answer or 'nothing'} from {t:.1f} s" for t, answer in answers)
    return Finding(all(answer == region for _, answer in answers), observed)
