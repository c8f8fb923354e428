"""latency: a percentile of the time from a message to its answer."""

from __future__ import annotations

from sim.scenario.checks.check_spec import LOCATION, Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence, percentile
from sim.scenario.params import Param, read_milliseconds, read_percentile
from sim.scenario.targets import read_region


@check(
    "latency",
    (
        LOCATION,
        Param("region", "region", read_region),
        Param("percentile", "percentile", read_percentile),
        Param("max", "max_ms", read_milliseconds, required=True),
    ),
    summary="a percentile of real milliseconds from message to answer",
    takes="`location`, `max`, `percentile` (99), `region`",
)
def latency(evidence: Evidence, params: Params) -> Finding:
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
