"""served_by: within a time, a location's messages were all answered by one region."""

from __future__ import annotations

from collections import Counter

from sim.scenario.checks.check_spec import (
    LOCATION,
    REGION,
    Finding,
    Params,
    check,
    counted,
    unknown,
    window,
)
from sim.scenario.evidence import Evidence


@check(
    "served_by",
    (LOCATION, REGION),
    summary="every answer to the location came from the region",
    takes="`location`, `region`",
)
def served_by(evidence: Evidence, params: Params) -> Finding:
    """Held where at least one answer came, and all came from `region`."""
    location, region = params["location"], params["region"]
    answers = evidence.answers(location, *window(evidence, params))
    if not answers:
        return unknown(f"no message of {location} was answered in this time")
    counts = Counter(acked.region for _, acked in answers)
    observed = ", ".join(f"{name} {number}" for name, number in counts.most_common())
    strays = [(t, acked) for t, acked in answers if acked.region != region]
    if not strays:
        return Finding(held=True, observed=observed)
    t, first = strays[0]
    why = (
        f"{counted(len(strays), 'message')} answered elsewhere, the first at {t:.1f} s"
        f" by {first.region} ({first.client})"
    )
    return Finding(held=False, observed=observed, why=why)
