"""latency: a percentile of the time from a message to its answer."""

from __future__ import annotations

from sim.scenario.checks.base import Finding, Params, unknown, window
from sim.scenario.evidence import Evidence, percentile


def judge(evidence: Evidence, params: Params) -> Finding:
    """Held where `percentile` of a location's answers took at most `max_ms` (real time)."""
    location, percent = params["location"], params.get("percentile") or 99
    answers = evidence.answers(location, *window(evidence, params))
    region = params.get("region")
    values = sorted(a.latency_ms for _, a in answers if region in (None, a.region))
    if not values:
        return unknown(f"no message of {location} was answered in this time")
    value = percentile(values, percent)
    observed = f"p{percent:g} {value:.1f} ms of {len(values)}"
    return Finding(value <= params["max_ms"], observed)
