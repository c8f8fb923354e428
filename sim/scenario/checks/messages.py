"""messages: what was acknowledged is in the database, once and in order."""

from __future__ import annotations

from sim.observe.ledger import AnomalyKind
from sim.scenario.checks.base import Finding, Params, unknown
from sim.scenario.evidence import Evidence


def judge(evidence: Evidence, params: Params) -> Finding:
    """Held where no more messages were lost, duplicated or reordered than allowed."""
    ledger = evidence.ledger
    if not ledger.acked:
        return unknown("no message was acknowledged")
    if not ledger.audited:
        return unknown(ledger.why_not_audited)
    kinds: tuple[AnomalyKind, ...] = ("lost", "duplicated", "reordered")
    found = {kind: ledger.count(kind) for kind in kinds}
    observed = ", ".join(f"{found[kind]} {kind}" for kind in kinds)
    broken = [k for k in kinds if params.get(k) is not None and found[k] > params[k]]
    if not broken:
        return Finding(held=True, observed=f"{observed} of {ledger.acked}")
    first = next(anomaly for anomaly in ledger.anomalies if anomaly.kind in broken)
    when = "" if first.sent_t is None else f", sent at {first.sent_t:.1f} s by {first.client}"
    why = f"for example message {first.seq} of session {first.session}{when}: {first.text}"
    return Finding(held=False, observed=f"{observed} of {ledger.acked}", why=why)
