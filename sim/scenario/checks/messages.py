"""messages: what was acknowledged is in the database, once and in order.

`from` and `until` bound when a message was sent.
"""

from __future__ import annotations

from sim.observe.ledger import AnomalyKind
from sim.scenario.checks.base import Finding, Params, unknown, window
from sim.scenario.evidence import Evidence


def judge(evidence: Evidence, params: Params) -> Finding:
    """Held where no more messages were lost, duplicated or reordered than allowed."""
    ledger = evidence.ledger
    if not ledger.acked:
        return unknown("no message was acknowledged")
    if not ledger.audited:
        return unknown(ledger.why_not_audited)
    from_s, until_s = window(evidence, params)
    inside = [a for a in ledger.anomalies if a.sent_t is None or from_s <= a.sent_t < until_s]
    kinds: tuple[AnomalyKind, ...] = ("lost", "duplicated", "reordered")
    found = {kind: sum(1 for a in inside if a.kind == kind) for kind in kinds}
    observed = ", ".join(f"{found[kind]} {kind}" for kind in kinds)
    broken = [k for k in kinds if params.get(k) is not None and found[k] > params[k]]
    if not broken:
        return Finding(held=True, observed=f"{observed} of {ledger.acked}")
    first = next(anomaly for anomaly in inside if anomaly.kind in broken)
    when = "" if first.sent_t is None else f", sent at {first.sent_t:.1f} s by {first.client}"
    why = f"for example message {first.seq} of session {first.session}{when}: {first.text}"
    return Finding(held=False, observed=f"{observed} of {ledger.acked}", why=why)
