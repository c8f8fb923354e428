"""errors: the share of attempts that were not served.

Those are connections and messages that were refused, clients that were never let in, and messages
that waited for an answer when their connection ended.
"""

from __future__ import annotations

from collections import Counter

from sim.observe.refusals import Refusal
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
    """Held where at most `max_share` of connections and messages failed (0 to 1).

    Unknown where it is at most that without those that may be the host's.
    """
    from_s, until_s = window(evidence, params)
    only = params.get("location")
    refused = [
        (t, refusal)
        for t, refusal in evidence.history.refusals
        if from_s <= t < until_s and only in (None, refusal.location)
    ]
    places = [only] if only else list(evidence.history.locations)
    answered = sum(1 for _ in evidence.answers(places, from_s, until_s))
    tried = len(refused) + answered
    if not tried:
        return unknown("nobody tried anything in this time")
    observed = f"{len(refused) / tried:.2%} ({len(refused)} of {tried})"
    kinds = Counter(refusal.kind for _, refusal in refused)
    why = f"most often {kinds.most_common(1)[0][0]}" if kinds else ""
    if len(refused) <= params["max_share"] * tried:
        return Finding(held=True, observed=observed, why=why)
    certain = [refusal for t, refusal in refused if not _may_be_the_hosts(evidence, t, refusal)]
    if len(certain) <= params["max_share"] * (len(certain) + answered):
        spoilt = len(refused) - len(certain)
        why = (
            f"{spoilt} of them may be due to what this machine itself takes, or was busy with. Run"
            f" it with less beside it, at a lower speed than {evidence.history.speed:g}, or with"
            f" fewer clients; {why}"
        )
        return Finding(held=None, observed=observed, why=why)
    return Finding(held=False, observed=observed, why=why)


def _may_be_the_hosts(evidence: Evidence, t: float, refusal: Refusal) -> bool:
    """Whether it came in a gap of its client that may be the host's, or its answer was due.

    Due is an answer from what answers there ordinarily take, as far as a run can tell, and as the
    host kept its path waiting; never within a round trip, for no host is so fast.
    """
    if refusal.sent_s is not None and refusal.region is not None:
        rule, waited_s = evidence.gap_rule, t - refusal.sent_s
        usual_s = rule.usual.seconds(refusal.location, refusal.region)
        host_s = evidence.history.noise.path_s((refusal.region,), refusal.sent_s, t)
        rtt_s = rule.rtt_s.get((refusal.location, refusal.region), 0.0)
        if waited_s > rtt_s and abs(waited_s - usual_s) <= rule.floor_s + host_s:
            return True
    return any(
        gap.client == refusal.client and gap.from_s < t <= gap.to_s
        for gap in evidence.gaps
        if gap.excused or gap.doubtful
    )
