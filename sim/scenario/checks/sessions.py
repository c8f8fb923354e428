"""sessions: an interrupted session is taken up again, on whatever machine, with all it had."""

from __future__ import annotations

import math

from sim.clients.declaration import Declaration
from sim.observe.events import SessionReady
from sim.observe.numbering import told
from sim.observe.processes import asked_to_end, next_process
from sim.observe.sessions import Sessions, count
from sim.scenario.checks.check_spec import (
    Finding,
    Params,
    check,
    counted,
    some_of,
    unknown,
    window,
)
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, choice


def _reason(evidence: Evidence, t: float, ready: SessionReady) -> str:
    """Whether what is stored is gone too, or only the machine that took it up did not know."""
    ledger = evidence.ledger
    if not ledger.audited:
        return "what is stored is not known"
    lost = any(a.kind == "lost" and a.session == ready.session for a in ledger.anomalies)
    if lost:
        return "what is missing was lost (see messages)"
    history = evidence.history
    if answer := history.last_answer(ready.client, ready.session, t):
        last_s, last = answer
        again_s = next_process(history, last.machine, last_s) or math.inf
        if last.machine == ready.machine and again_s > t:
            return "they are stored, and the same process acknowledged them: it answered by less"
        if (asked_to_end(history, last.machine, last_s) or math.inf) <= t:
            return "they are stored, so this state lived on the machine that is gone"
    return (
        "they are stored, so this state lived on the machine that acknowledged them, or what was"
        " read lagged behind"
    )


@check(
    "sessions",
    (Param("resumed", "resumed", choice("all"), required=True, said="{} resumed"),),
    summary="every interrupted session was resumed, with everything it had",
    takes="`resumed: all`",
)
def sessions(evidence: Evidence, params: Params) -> Finding:
    """Held where every interrupted session was resumed and none was forgotten.

    Clients that were on their way back when the load ended are left out, unless they had been for
    longer than one attempt may take, or nobody else was interrupted: then it is not known.
    """
    # `resumed: all` is all that can be asked.
    sessions = count(evidence.history, *window(evidence, params))
    decided = sessions.resumed + len(sessions.broken) + len(sessions.unresumed)
    observed = f"{sessions.resumed} of {decided + sessions.replaced} resumed"
    if sessions.pending:
        observed += f", {len(sessions.pending)} on their way back when the load ended"
    if not evidence.history.sessions and evidence.history.connected:
        return unknown(_none_told(evidence))
    if not decided and not sessions.replaced and not sessions.pending and not sessions.mistakes:
        return unknown("no session was interrupted")
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
            f" acknowledged; {_reason(evidence, t, first)}"
        )
        return Finding(held=False, observed=observed, why=why)
    if sessions.unresumed:
        why = (
            f"{counted(len(sessions.unresumed), 'client')} never came back, turned down each time:"
            f" {some_of(sessions.unresumed)}"
        )
        return Finding(held=False, observed=observed, why=why)
    doubt = next(iter(sessions.mistakes), "") or _doubt(evidence, sessions)
    return Finding(None if doubt else True, observed, doubt)


def _none_told(evidence: Evidence) -> str:
    if isinstance(evidence.scenario.load.driver, Declaration):
        return "no session ever stood: the gateway took none up in the way that `ready` describes"
    return (
        "the driver told of no session: it has to call `client.session_ready` when the gateway has"
        " taken one up (docs/drivers.md)"
    )


def _doubt(evidence: Evidence, sessions: Sessions) -> str:
    """Why it is not known whether every session would be resumed, or nothing."""
    if sessions.replaced:
        driver = evidence.scenario.load.driver
        without = isinstance(driver, Declaration) and driver.resume is None
        why = (
            "the driver has no `resume`: each connection is a new session"
            if without
            else "the driver told of new sessions instead (`resumed=False`)"
        )
        return f"{counted(sessions.replaced, 'interrupted session')} did not go on: {why}"
    driver = evidence.scenario.load.driver
    blind = isinstance(driver, Declaration) and not driver.resumption_tells
    kept = evidence.ledger.audited and not evidence.ledger.count("lost")
    if sessions.resumed and blind and not kept:
        return (
            "a gateway that has forgotten a session answers this driver's `resume` as one that"
            " knows it: give it `forgotten`, or `acked` or `session` in its `ready`"
        )
    load = evidence.scenario.load
    attempt_s = load.timeout_s + load.backoff.max_s
    late = [c for c, t in sessions.pending.items() if evidence.history.end - t > attempt_s]
    if late or (sessions.pending and not sessions.resumed):
        clients = late or list(sessions.pending)
        return (
            f"{counted(len(clients), 'client')} had not come back when the load ended:"
            f" {some_of(clients)}"
        )
    return ""
