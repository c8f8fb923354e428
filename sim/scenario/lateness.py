"""What the simulator itself did late: faults, health checks and DNS are its own process's. Pure.

Where the host kept that process waiting, what an expectation asks for "from 13 s on" comes so much
later. An expectation that holds when its time begins that much later is not known to be broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.scenario.checks import CHECKS, Finding
from sim.scenario.evidence import Evidence
from sim.scenario.model import Expectation

# These speak of what follows from a fault by way of the simulator: belief, DNS, who is led where.
_OF_BELIEF = frozenset({"dns", "served_by"})
_NOTICEABLE_S = 0.1


def kept_late(evidence: Evidence, expectation: Expectation) -> Finding | None:
    """What a broken expectation comes to where it may have been the simulator that was late."""
    if expectation.check not in _OF_BELIEF:
        return None
    judge, late_s = CHECKS[expectation.check].judge, 0.0
    finding = judge(evidence, expectation.params)
    while finding.held is False:
        later_s = _late_s(evidence, expectation.params, late_s)
        if later_s - late_s < _NOTICEABLE_S:
            return None  # late or not, it is broken
        late_s = later_s
        finding = judge(evidence, _begun_later(expectation.params, late_s))
    why = (
        f"the simulator's own process was kept waiting for up to {late_s:.1f} s before or in this"
        " time (run it slower, or with less beside it): what it does comes so much later"
    )
    observed = judge(evidence, expectation.params).observed
    return Finding(None, observed, why)


def _begun_later(params: Mapping[str, Any], late_s: float) -> Mapping[str, Any]:
    name = "within_s" if params.get("within_s") is not None else "from_s"
    return {**params, name: (params.get(name) or 0.0) + late_s}


def _late_s(evidence: Evidence, params: Mapping[str, Any], late_s: float) -> float:
    """How late our process may be with what a fault before the expectation's time leads to."""
    history = evidence.history
    faults = [t for t, _ in history.faults]
    if params.get("within_s") is not None:
        until_s = params.get("until_s") or history.end
        since = max((t for t in faults if t < until_s), default=0.0)
        from_s = since + params["within_s"]
    else:
        from_s = params.get("from_s") or 0.0
        since = max((t for t in faults if t <= from_s), default=0.0)
    return history.noise.ours_s(since, from_s + late_s)
