"""errors: the share of attempts that were not served.

Those are connections and messages that were refused, clients that were never let in, and messages
that waited for an answer when their connection ended.
"""

from __future__ import annotations

from collections import Counter

from sim.scenario.checks.check_spec import Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_share
from sim.scenario.targets import read_location


@check(
    "errors",
    (
        Param("location", "location", read_location),
        Param("max", "max_share", read_share, required=True, said="at most {}"),
    ),
    summary="the share of connections and messages that were refused or left unanswered",
    takes="`max` (such as `5%`), `location`",
)
def errors(evidence: Evidence, params: Params) -> Finding:
    """Held where at most `max_share` of connections and messages failed (0 to 1)."""
    from_s, until_s = window(evidence, params)
    only = params.get("location")
    kinds = Counter(
        refusal
        for t, refusal in evidence.history.refusals
        if from_s <= t < until_s and only in (None, refusal.location)
    )
    errors = kinds.total()
    places = [only] if only else list(evidence.history.locations)
    answered = sum(len(evidence.answers(place, from_s, until_s)) for place in places)
    if not errors + answered:
        return unknown("nobody tried anything in this time")
    share = errors / (errors + answered)
    observed = f"{share:.2%} ({errors} of {errors + answered})"
    why = f"most often {kinds.most_common(1)[0][0]}" if kinds else ""
    return Finding(share <= params["max_share"], observed, why)
