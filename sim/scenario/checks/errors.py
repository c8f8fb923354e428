"""errors: the share of attempts that were refused."""

from __future__ import annotations

from sim.observe.history import location_of
from sim.scenario.checks.base import Finding, Params, unknown, window
from sim.scenario.evidence import Evidence


def judge(evidence: Evidence, params: Params) -> Finding:
    """Held where at most `max_share` of connections and messages failed (0 to 1)."""
    from_s, until_s = window(evidence, params)
    only = params.get("location")
    history = evidence.history
    refused = [
        (t, event.location) for events in history.connect_failed.values() for t, event in events
    ] + [(t, location_of(event.client)) for t, event in history.failed]
    errors = sum(1 for t, place in refused if from_s <= t < until_s and only in (None, place))
    places = [only] if only else list(history.locations)
    answered = sum(len(evidence.answers(place, from_s, until_s)) for place in places)
    if not errors + answered:
        return unknown("nobody tried anything in this time")
    share = errors / (errors + answered)
    observed = f"{share:.2%} ({errors} of {errors + answered})"
    return Finding(share <= params["max_share"], observed)
