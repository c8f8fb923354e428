"""sessions: an interrupted session is taken up again, on whatever machine, with all it had."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.observe.events import SessionReady
from sim.observe.history import History, Timed
from sim.observe.numbering import told
from sim.scenario.checks.base import Finding, Params, counted, unknown, window
from sim.scenario.evidence import Evidence


@dataclass(frozen=True)
class Sessions:
    """The sessions of a run. `broken` are resumptions at which the gateway had forgotten."""

    opened: int
    resumed: int
    broken: list[Timed[SessionReady]]
    unresumed: list[str]


def count(history: History, from_s: float = -math.inf, until_s: float = math.inf) -> Sessions:
    """Sum up what happened to sessions in a time.

    A session is unresumed if its client was cut off then and never came back.
    """
    opened, resumed = 0, 0
    broken: list[Timed[SessionReady]] = []
    last_ready: dict[str, float] = {}
    for t, ready in history.sessions:
        last_ready[ready.client] = t
        if not from_s <= t < until_s:
            continue
        if ready.acked < ready.remembered:
            broken.append((t, ready))
        elif ready.resumed:
            resumed += 1
        else:
            opened += 1
    unresumed = [
        client
        for client, downs in history.disconnected.items()
        if client in last_ready
        and any(
            not down.expected and t > last_ready[client] and from_s <= t < until_s
            for t, down in downs
        )
    ]
    return Sessions(opened, resumed, broken, unresumed)


def _reason(evidence: Evidence, ready: SessionReady) -> str:
    """Whether what is stored is gone too, or only the machine did not know."""
    ledger = evidence.ledger
    if not ledger.audited:
        return "what is stored is not known"
    lost = any(a.kind == "lost" and a.session == ready.session for a in ledger.anomalies)
    if lost:
        return "what is missing was lost (see messages)"
    return "they are stored, so this state lived on the machine that is gone"


def judge(evidence: Evidence, params: Params) -> Finding:
    """Held where every interrupted session was resumed and none was forgotten."""
    # `resumed: all` is all that can be asked.
    sessions = count(evidence.history, *window(evidence, params))
    interrupted = sessions.resumed + len(sessions.broken) + len(sessions.unresumed)
    if not evidence.history.sessions and evidence.history.connected:
        return unknown(
            "the driver told of no session: it has to call `client.session_ready` when the gateway"
            " has taken one up (docs/drivers.md)"
        )
    if not interrupted:
        return unknown("no session was interrupted")
    observed = f"{sessions.resumed} of {interrupted} resumed"
    misnumbered = {mistake.session for mistake in evidence.ledger.mistakes}
    broken = [(t, ready) for t, ready in sessions.broken if ready.session not in misnumbered]
    if sessions.broken and not broken:
        return Finding(None, observed, told(evidence.ledger.mistakes))
    if broken:
        t, first = broken[0]
        why = (
            f"{counted(len(broken), 'resumed session')} that forgot: at {t:.1f} s"
            f" machine {first.machine} in {first.region} took up {first.session} of"
            f" {first.client} at message {first.acked}, though {first.remembered} had been"
            f" acknowledged; {_reason(evidence, first)}"
        )
        return Finding(held=False, observed=observed, why=why)
    if sessions.unresumed:
        why = f"{counted(len(sessions.unresumed), 'client')} never came back: " + ", ".join(
            sessions.unresumed[:5]
        )
        return Finding(held=False, observed=observed, why=why)
    return Finding(held=True, observed=observed)
