"""The ledger: the life of every message, held against what the database has at the end.

A message is one (session, seq). It was sent, perhaps more than once; it was acknowledged by a
machine, or refused, or its fate is unknown to the client; and the database holds it never, once
or more often. Only an acknowledgement is a promise, so only acknowledged messages can be lost
(Jepsen's reading of a history: an operation of unknown outcome proves nothing either way).

All of it rests on numbers that the driver gave. Where they prove nothing (`numbering`), no message
is lost, doubled or out of order, nor is any known to be kept: `mistakes` says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sim.observe.accounts import keep_accounts
from sim.observe.events import NOBODY, Stored
from sim.observe.history import History
from sim.observe.lives import Key, Life, lives_of, stored_by_session
from sim.observe.numbering import Mistake, Numbering, check_numbering
from sim.observe.order import out_of_order

AnomalyKind = Literal["lost", "duplicated", "reordered"]


@dataclass(frozen=True)
class Anomaly:
    """One message that did not fare as promised. Times are seconds from the load's start."""

    kind: AnomalyKind
    session: str
    seq: int
    client: str
    sent_t: float
    acked_t: float | None
    machine: str | None
    text: str


@dataclass(frozen=True)
class MessageLedger:
    """The sum of all messages' lives. `acked_sent_t`: when those acknowledged went out first."""

    sent: int
    acked: int
    acked_sent_t: Sequence[float]
    unknown: int
    anomalies: Sequence[Anomaly]
    mistakes: Sequence[Mistake]
    audited: bool
    askable: bool  # whether the driver knows a way to ask what is stored
    why_not_audited: str = ""

    def count(self, kind: AnomalyKind) -> int:
        """How many messages suffered this."""
        return sum(1 for anomaly in self.anomalies if anomaly.kind == kind)


def balance(history: History) -> MessageLedger:
    """Draw up the ledger of a run."""
    audit = history.audit
    audited = audit is not None and audit.error is None
    accounts = keep_accounts(history)
    closer = {
        session
        for session, account in accounts.sent.items()
        if not account.plain or (audited and account.lacks)
    }
    lives = lives_of(history, closer) if closer else {}
    numbering = check_numbering(lives, accounts)
    anomalies: list[Anomaly] = []
    if audit is not None and audited and closer:
        anomalies += _lost(lives, numbering, audit.asked)
        for rows in stored_by_session(history, closer).values():
            anomalies += _misstored(rows, lives, numbering)
        anomalies.sort(key=lambda a: (a.acked_t is None, a.acked_t or 0.0, a.session, a.seq))
    why = ""
    if audit is None:
        why = "nobody asked what is stored"
    elif audit.error is not None:
        why = f"it could not be found out what is stored: {audit.error}"
    return MessageLedger(
        sent=sum(len(account.sent) for account in accounts.sent.values()),
        acked=len(accounts.acked_sent_t),
        acked_sent_t=accounts.acked_sent_t,
        unknown=sum(
            not message.refused
            for account in accounts.sent.values()
            for message in account.open.values()
        ),
        anomalies=anomalies,
        mistakes=numbering.mistakes,
        audited=audited,
        askable=audit is None or audit.asked != NOBODY,
        why_not_audited=why,
    )


def _lost(lives: Mapping[Key, Life], numbering: Numbering, asked: str) -> list[Anomaly]:
    return [
        _anomaly("lost", key, life, f"acknowledged by {life.acked_by}, not in {asked}")
        for key, life in lives.items()
        if life.acked_t is not None and not life.stored and not numbering.doubts(key)
    ]


def _misstored(
    rows: Sequence[Stored], lives: Mapping[Key, Life], numbering: Numbering
) -> list[Anomaly]:
    """Messages of a session that are stored more than once, and those stored too late."""
    found: list[Anomaly] = []
    times: dict[int, int] = {}
    for row in rows:
        key = (row.session, row.seq)
        times[row.seq] = times.get(row.seq, 0) + 1
        if times[row.seq] == 2 and key in lives and not numbering.doubts(key):
            found.append(_anomaly("duplicated", key, lives[key], f"stored again{_by(row)}"))
    for row, overtaken_by in out_of_order(rows, lives, numbering.doubts):
        key = (row.session, row.seq)
        text = f"stored{_by(row)} after message {overtaken_by}"
        found.append(_anomaly("reordered", key, lives[key], text))
    return found


def _by(stored: Stored) -> str:
    return f" by {stored.machine}" if stored.machine else ""


def _anomaly(kind: AnomalyKind, key: Key, life: Life, text: str) -> Anomaly:
    return Anomaly(
        kind=kind,
        session=key[0],
        seq=key[1],
        client=life.client,
        sent_t=life.sent_t,
        acked_t=life.acked_t,
        machine=life.acked_by or life.stored_by,
        text=text,
    )
