"""messages: what was acknowledged is in the database, once and in order.

`from` and `until` bound when a message was sent. Where the driver gave two messages one number,
nothing is known of either; what is found of others still counts.
"""

from __future__ import annotations

from sim.observe.ledger import AnomalyKind
from sim.observe.numbering import told
from sim.scenario.checks.check_spec import Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_count


@check(
    "messages",
    tuple(Param(word, word, read_count) for word in ("lost", "duplicated", "reordered")),
    one_of=("lost", "duplicated", "reordered"),
    summary="no more acknowledged messages were lost, stored twice, or out of order",
    takes="`lost`, `duplicated`, `reordered`",
)
def messages(evidence: Evidence, params: Params) -> Finding:
    """Held where no more messages were lost, duplicated or reordered than allowed."""
    ledger = evidence.ledger
    if not ledger.acked:
        return unknown("no message was acknowledged")
    if not ledger.audited:
        return unknown(ledger.why_not_audited)
    from_s, until_s = window(evidence, params)
    acked = sum(1 for t in ledger.acked_sent_t if from_s <= t < until_s)
    if not acked:
        return unknown("no message was acknowledged that was sent in this time")
    inside = [a for a in ledger.anomalies if from_s <= a.sent_t < until_s]
    kinds: tuple[AnomalyKind, ...] = ("lost", "duplicated", "reordered")
    found = {kind: sum(1 for a in inside if a.kind == kind) for kind in kinds}
    observed = ", ".join(f"{found[kind]} {kind}" for kind in kinds)
    broken = [k for k in kinds if params.get(k) is not None and found[k] > params[k]]
    doubted = [m for m in ledger.mistakes if m.t is None or from_s <= m.t < until_s]
    if not broken and doubted:
        return Finding(None, f"{observed} of those that are rightly numbered", told(doubted))
    if not broken:
        return Finding(held=True, observed=f"{observed} of {acked}")
    first = next(anomaly for anomaly in inside if anomaly.kind in broken)
    why = (
        f"for example message {first.seq} of session {first.session}, sent at {first.sent_t:.1f} s"
        f" by {first.client}: {first.text}"
    )
    return Finding(held=False, observed=f"{observed} of {acked}", why=why)
