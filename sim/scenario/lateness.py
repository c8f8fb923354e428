"""What came late that an expectation about belief waits for. Pure.

Faults, health checks and DNS are the simulator's own process's: where the host kept that waiting,
what is asked for "from 13 s on" comes so much later. So it does where a machine has to boot before
it, which takes a processor's time, `speed` times as much as in life. An expectation that holds when
its time begins that much later is not known to be broken.
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
    why = ""
    while finding.held is False:
        since, by_s = _span(evidence, expectation.params, late_s)
        ours_s = evidence.history.noise.ours_s(since, by_s)
        boot_s = evidence.history.boots.late_s(evidence.history.regions, since, by_s)
        if ours_s + boot_s - late_s < _NOTICEABLE_S:
            return None  # late or not, it is broken
        late_s = ours_s + boot_s
        why = _why(ours_s, boot_s, evidence.history.speed)
        finding = judge(evidence, _begun_later(expectation.params, late_s))
    return Finding(None, judge(evidence, expectation.params).observed, why)


def _why(ours_s: float, boot_s: float, speed: float) -> str:
    late = []
    if ours_s >= _NOTICEABLE_S:
        late.append(
            f"the simulator's own process was kept waiting for up to {ours_s:.1f} s before or in"
            " this time (run it slower, or with less beside it): what it does comes so much later"
        )
    if boot_s >= _NOTICEABLE_S:
        late.append(
            f"machines booted for {boot_s:.1f} s longer than in life, at most, before or in this"
            f" time: what they compute counts {speed:g} times (run it slower)"
        )
    return "; ".join(late)


def _begun_later(params: Mapping[str, Any], late_s: float) -> Mapping[str, Any]:
    name = "within_s" if params.get("within_s") is not None else "from_s"
    return {**params, name: (params.get(name) or 0.0) + late_s}


def _span(evidence: Evidence, params: Mapping[str, Any], late_s: float) -> tuple[float, float]:
    """From a fault before the expectation's time until that time begins, so much later."""
    faults = [t for t, _ in evidence.history.faults]
    if params.get("within_s") is not None:
        until_s = params.get("until_s") or evidence.history.end
        since = max((t for t in faults if t < until_s), default=0.0)
        return since, since + params["within_s"] + late_s
    from_s = params.get("from_s") or 0.0
    return max((t for t in faults if t <= from_s), default=0.0), from_s + late_s
