"""errors: the share of attempts that were not served.

Those are connections and messages that were refused, clients that were never let in, and messages
that waited for an answer when their connection ended.
"""

from __future__ import annotations

from collections import Counter

from sim.scenario.checks.base import Finding, Params, unknown, window
from sim.scenario.evidence import Evidence


def judge(evidence: Evidence, params: Params) -> Finding:
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
