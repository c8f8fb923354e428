"""messages: what was acknowledged is in the database, once and in order.

`from` and `until` bound when a message was sent. Where the driver gave two messages one number,
nothing is known of either; what is found of others still counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from sim.observe.client_names import location_of
from sim.observe.events import Acked, Sent, Stored
from sim.observe.history import History
from sim.observe.ledger import Anomaly, AnomalyKind
from sim.observe.numbering import told
from sim.scenario.checks.check_spec import Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_count

_BY_ORDER = (
    "the driver's `ack` gives no `sequence`, so each answer was taken for the oldest message's: as"
    " many are stored as were answered, and those that are not may be the ones that nobody answered"
)


@check(
    "messages",
    tuple(
        Param(word, word, read_count, said=f"{{}} {word}")
        for word in ("lost", "duplicated", "reordered")
    ),
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
    doubt = told(doubted) if doubted else ""
    if "lost" in broken and evidence.acks_by_order:
        sessions = {anomaly.session for anomaly in inside if anomaly.kind == "lost"}
        if _surely_lost(evidence.history, sessions) <= params["lost"]:
            broken.remove("lost")
            doubt = doubt or _BY_ORDER
    if "lost" in broken:
        hasty = _hasty(evidence, [anomaly for anomaly in inside if anomaly.kind == "lost"])
        if hasty and found["lost"] - len(hasty) <= params["lost"]:
            broken.remove("lost")
            doubt = doubt or hasty[0]
    if not broken and doubt:
        rightly = " of those that are rightly numbered" if doubted else f" of {acked}"
        return Finding(None, f"{observed}{rightly}", doubt)
    if not broken:
        return Finding(held=True, observed=f"{observed} of {acked}")
    first = next(anomaly for anomaly in inside if anomaly.kind in broken)
    why = (
        f"for example message {first.seq} of session {first.session}, sent at {first.sent_t:.1f} s"
        f" by {first.client}: {first.text}"
    )
    return Finding(held=False, observed=f"{observed} of {acked}", why=why)


def _hasty(evidence: Evidence, lost: Sequence[Anomaly]) -> list[str]:
    """Of lost messages those that no gateway can have acknowledged so soon, each in words."""
    asked = {(anomaly.session, anomaly.seq) for anomaly in lost}
    said = {
        (a.session, a.seq): (a.client, a.latency_ms)
        for _, a in evidence.history.of(Acked)
        if (a.session, a.seq) in asked
    }
    found = []
    for anomaly in lost:
        client, latency_ms = said[anomaly.session, anomaly.seq]
        least_ms = evidence.gap_rule.least_s(location_of(client)) * 1000
        if latency_ms < least_ms:
            found.append(
                f"the driver told that message {anomaly.seq} of session {anomaly.session} was"
                f" acknowledged {latency_ms:.1f} ms after it went out, and no answer comes within"
                f" {least_ms:.0f} ms: `client.acked` is for what the gateway has answered"
                " (docs/drivers.md)"
            )
    return found


def _surely_lost(history: History, sessions: Collection[str]) -> int:
    """How many more messages of these sessions were answered than are stored, whichever."""
    answered = {(a.session, a.seq) for _, a in history.of(Acked) if a.session in sessions}
    sent = {(s.session, s.seq) for _, s in history.of(Sent) if s.session in sessions}
    stored = sent & {(row.session, row.seq) for _, row in history.of(Stored)}
    more = Counter(session for session, _ in answered)
    more.subtract(session for session, _ in stored)
    return sum(count for count in more.values() if count > 0)
